// parquet_make.c -- Parquet files whose every value follows from a formula, for other readers.
//
//     parquet_make FOLDER CASE     writes FOLDER/CASE.parquet, prints the writer's metrics as JSON
//
// test/readers/test_parquet.py has the same formula and compares value by value. Change both.
//
//     types   every type, required / optional / optional with NULLs / all NULL, lists, 4 groups
//     pages   the same with tiny pages and dictionaries
//     zstd    the columns of types, their pages packed by zstd
//     compact the columns of types in delta encodings; and so compact-large of large
//     large   100,000 rows in one group: unique, few and many distinct values, sorted times
//     keys    the same in two groups that say they are sorted, with bloom filters
//     table   a row number and every scalar type in all modes, ids as a new Iceberg table has them
//     texts   one text per row group, around the lengths at which bounds are cut
//     empty   the columns of types, no row group
//
// SPDX-License-Identifier: Apache-2.0
#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/time.h"
#include "parquet/writer.h"

static const char *const types[] = {
    "boolean",
    "int",
    "long",
    "float",
    "double",
    "decimal(9, 2)",
    "decimal(18, 4)",
    "decimal(19, 0)",
    "decimal(38, 10)",
    "date",
    "timestamp",
    "string",
    "json",
    "list(string)",
    "list(long)",
    "list(boolean)",
    "list(double)",
    "list(decimal(38, 10))",
    "list(list(int))",
};
enum { REQ, OPT, SOME, NUL, MODES };
static const char *const modes[MODES] = {"req", "opt", "some", "nul"};
enum { LARGE_ROWS = 100000, TABLE_TYPES = 13 };

static uint64_t mix(uint64_t column, uint64_t row)
{
    uint64_t z = (column << 40) + row + UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static double extreme(unsigned pick, double largest, double tiniest, double otherwise)
{
    const double values[] = {(double)NAN,       -0.0,    0.0,    (double)INFINITY,
                             -(double)INFINITY, largest, tiniest};
    return pick < PL_COUNT(values) ? values[pick] : otherwise;
}

static pl_i128 decimal(int precision, uint64_t v, uint64_t more)
{
    pl_i128 limit = pl_decimal_power(precision);
    switch (v % 16) {
    case 0:
        return limit - 1;
    case 1:
        return 1 - limit;
    case 2:
        return 0;
    case 3:
        return -1;
    }
    pl_i128 value = ((pl_i128)v * pl_decimal_power(18) + more % 1000000000000000000u) % limit;
    return v & 16 ? -value : value;
}

static pl_span text(pl_kind kind, uint64_t v, pl_buf *room)
{
    static const struct {
        const char *point;
        int times;
    } odd[] = {{"", 0},          {"\xf4\x8f\xbf\xbf", 1}, {"\xf0\x9f\x98\x80", 3},
               {"\xc3\xa9", 70}, {"\xed\x9f\xbf", 20},    {"\x01\x7f", 1}};
    pl_buf_reset(room);
    if (kind == PL_JSON)
        pl_buf_printf(room, "{\"a\":%" PRIu64 "}", v % 50);
    else if (v % 16 >= PL_COUNT(odd))
        pl_buf_printf(room, "s%" PRIu64, v % 1000);
    else
        for (int i = 0; i < odd[v % 16].times; i++) pl_buf_text(room, odd[v % 16].point);
    return pl_buf_view(room);
}

static pl_value value(const pl_type *type, uint64_t column, uint64_t row, pl_buf *room)
{
    uint64_t v = mix(column, row);
    unsigned pick = (unsigned)(v % 16);
    pl_value made = {.kind = type->kind};
    switch (type->kind) {
    case PL_BOOLEAN:
        made.boolean = v >> 8 & 1;
        break;
    case PL_INT:
        made.i32 = pick == 0 ? INT32_MIN : pick == 1 ? INT32_MAX : (int32_t)(v >> 16);
        break;
    case PL_LONG:
        made.i64 = pick == 0 ? INT64_MIN : pick == 1 ? INT64_MAX : (int64_t)v;
        break;
    case PL_FLOAT:
        made.f32 = (float)extreme(pick, (double)FLT_MAX, 0x1p-149, (int32_t)(v >> 32) / 16.0);
        break;
    case PL_DOUBLE:
        made.f64 = extreme(pick, DBL_MAX, 0x1p-1074, (double)(v >> 11) / -8.0);
        break;
    case PL_DECIMAL:
        made.i128 = decimal(type->precision, v, mix(column + 300, row));
        break;
    case PL_DATE:
        made.i32 = pick == 0   ? -719162 // 0001-01-01
                   : pick == 1 ? 2932896 // 9999-12-31
                               : (int32_t)((v >> 16) % 60000) - 20000;
        break;
    case PL_TIMESTAMP:
        made.i64 = pick == 0   ? PL_TIME_MICROS_MIN
                   : pick == 1 ? PL_TIME_MICROS_MAX
                               : (int64_t)(v >> 13) - ((int64_t)1 << 50);
        break;
    default:
        made.text = text(type->kind, v, room);
    }
    return made;
}

// One row; elements are rows of their own, numbered row * 8 + position.
static void append(pl_column *to, uint64_t column, uint64_t row, unsigned null_of_7, pl_buf *room)
{
    if (mix(column + 100, row) % 7 < null_of_7) {
        pl_column_null(to);
    } else if (!to->child) {
        pl_value made = value(&to->type, column, row, room);
        pl_column_append(to, &made);
    } else {
        uint64_t count = mix(column + 200, row) % 6;
        for (uint64_t i = 0; i < count; i++) append(to->child, column, row * 8 + i, 1, room);
        pl_column_list(to);
    }
}

static void add_field(pl_arena *arena, pl_schema *schema, const char *type, int mode)
{
    pl_field *field = &schema->fields[schema->count];
    const char *reason;
    if (!pl_type_parse(pl_span_of(type), arena, &field->type, &reason)) abort();
    field->id = 1 + (int32_t)schema->count++ * 10;
    field->name = pl_span_of(pl_arena_printf(arena, "%s %s", type, modes[mode]));
    field->required = mode == REQ;
    int32_t id = field->id;
    for (pl_type *list = &field->type; list->kind == PL_LIST;) {
        pl_type *element = PL_TAKE(arena, pl_type, 1);
        *element = *list->element;
        list->element = element;
        list->element_id = ++id;
        list = element;
    }
}

static void large_row(pl_column *columns, uint64_t row, pl_buf *room)
{
    uint64_t scrambled = row * 7919 % LARGE_ROWS;
    pl_value made[] = {
        {.kind = PL_LONG, .i64 = (int64_t)row},                             // unique, sorted
        {.kind = PL_STRING},                                                // unique
        {.kind = PL_STRING, .is_null = row % 1000 == 7},                    // 5 values
        {.kind = PL_LONG, .i64 = (int64_t)(mix(3, row) % 20000) * 1000003}, // 20,000 values
        {.kind = PL_TIMESTAMP, .i64 = 1764000000000000 + (int64_t)row * 250},
        {.kind = PL_DOUBLE, .f64 = (double)(mix(5, row) % 100) / 100}, // 100 values
    };
    for (unsigned i = 0; i < PL_COUNT(made); i++) {
        pl_buf_reset(room);
        if (i == 1) pl_buf_printf(room, "user-%07" PRIu64 "@example.org", scrambled);
        if (i == 2) pl_buf_printf(room, "platform %" PRIu64, mix(2, row) % 5);
        if (i == 1 || i == 2) made[i].text = pl_buf_view(room);
        pl_column_append(&columns[i], &made[i]);
    }
}

static pl_span long_text(uint64_t row, pl_buf *room)
{
    static const struct {
        const char *point;
        int times;
    } texts[] = {{"a", 64},
                 {"b", 65},
                 {"\xc3\xa9", 70},
                 {"\xed\x9f\xbf", 30},
                 {"\xf0\x9f\x98\x80", 17},
                 {"\xf4\x8f\xbf\xbf", 20}};
    pl_buf_reset(room);
    for (int i = 0; i < texts[row].times; i++) pl_buf_text(room, texts[row].point);
    return pl_buf_view(room);
}

static void hex(const char *name, bool has, pl_span bytes)
{
    printf(", \"%s\": %s", name, has ? "\"" : "null");
    for (size_t i = 0; has && i < bytes.bytes; i++) printf("%02x", (uint8_t)bytes.data[i]);
    if (has) printf("\"");
}

static void print(const pl_file_metrics *m)
{
    printf("{\"bytes\": %" PRIu64 ", \"rows\": %" PRIu64 ", \"splits\": [", m->bytes, m->rows);
    for (uint32_t i = 0; i < m->split_count; i++) printf("%s%" PRId64, i ? ", " : "", m->splits[i]);
    printf("], \"leaves\": [");
    for (uint32_t i = 0; i < m->leaf_count; i++) {
        const pl_leaf_metrics *leaf = &m->leaves[i];
        printf("%s\n{\"id\": %d, \"compressed\": %" PRId64 ", \"values\": %" PRId64
               ", \"nulls\": %" PRId64 ", \"nans\": %" PRId64,
               i ? "," : "", leaf->field_id, leaf->compressed_bytes, leaf->values, leaf->nulls,
               leaf->nans);
        hex("lower", leaf->has_lower, leaf->lower);
        hex("upper", leaf->has_upper, leaf->upper);
        printf("}");
    }
    printf("]}\n");
}

static void must(plumb_status status, const plumb_error *err)
{
    if (status == PLUMB_OK) return;
    fprintf(stderr, "parquet_make: %s\n", err->message);
    exit(1);
}

typedef struct file_case {
    const char *name;
    enum { ALL_TYPES, LARGE, TEXTS, TABLE } columns;
    pl_parquet_options options;
    uint32_t group_count;
    uint32_t group_rows[6];
} file_case;

static pl_sort_field keys_sorted[] = {{.source_id = 41}, {.source_id = 1, .nulls_last = true}};
static const pl_sort_order keys_sort = {.id = 1, .count = 2, .fields = keys_sorted};
static const int32_t keys_blooms[] = {11, 21, 31}; // unique, 5 values, 20,000 values

static const file_case cases[] = {
    {"types", ALL_TYPES, {0}, 4, {1000, 1, 777, 3000}},
    {"pages",
     ALL_TYPES,
     {.page_bytes = 512, .dictionary_bytes_max = 2000},
     4,
     {1000, 1, 777, 3000}},
    {"zstd", ALL_TYPES, {.codec = PL_PARQUET_ZSTD}, 4, {1000, 1, 777, 3000}},
    {"large", LARGE, {0}, 1, {LARGE_ROWS}},
    {"compact", ALL_TYPES, {.compact = true}, 4, {1000, 1, 777, 3000}},
    {"compact-large", LARGE, {.compact = true}, 1, {LARGE_ROWS}},
    {"keys",
     LARGE,
     {.sort = &keys_sort, .bloom_ids = keys_blooms, .bloom_count = PL_COUNT(keys_blooms)},
     2,
     {60000, 40000}},
    {"texts", TEXTS, {0}, 6, {1, 1, 1, 1, 1, 1}},
    {"table",
     TABLE,
     {.page_rows = 100, .page_bytes = 2000, .dictionary_bytes_max = 3000},
     4,
     {1000, 1, 777, 1500}},
    {"empty", ALL_TYPES, {0}, 0, {0}},
};

static pl_schema make_schema(pl_arena *arena, const file_case *c)
{
    pl_schema schema = {.fields = PL_TAKE(arena, pl_field, PL_COUNT(types) * MODES)};
    if (c->columns == ALL_TYPES) {
        for (unsigned t = 0; t < PL_COUNT(types); t++)
            for (int mode = 0; mode < MODES; mode++) add_field(arena, &schema, types[t], mode);
        return schema;
    }
    if (c->columns == TABLE) {
        for (unsigned i = 0; i <= TABLE_TYPES * MODES; i++) {
            add_field(arena, &schema, i ? types[(i - 1) / MODES] : "long", i ? (i - 1) % MODES : 0);
            schema.fields[i].id = 1 + (int32_t)i;
            schema.fields[i].name = pl_span_of(pl_arena_printf(arena, "c%u", i));
        }
        return schema;
    }
    static const char *const columns[] = {"long", "string",    "string",
                                          "long", "timestamp", "double"};
    for (unsigned i = 0; i < (c->columns == LARGE ? PL_COUNT(columns) : 2); i++) {
        add_field(arena, &schema, columns[i], i == 2 ? SOME : REQ);
        schema.fields[i].name = pl_span_of(pl_arena_printf(arena, "c%u", i));
    }
    return schema;
}

static void append_row(const file_case *c, pl_column *columns, uint32_t count, uint64_t row,
                       pl_buf *room)
{
    if (c->columns == LARGE) {
        large_row(columns, row, room);
    } else if (c->columns == TEXTS) {
        pl_column_append(&columns[0], &(pl_value){.kind = PL_LONG, .i64 = (int64_t)row});
        pl_column_text(&columns[1], long_text(row, room));
    } else {
        static const unsigned null_of_7[MODES] = {[SOME] = 1, [NUL] = 7};
        uint32_t first = c->columns == TABLE;
        if (first) pl_column_append(&columns[0], &(pl_value){.kind = PL_LONG, .i64 = (int64_t)row});
        for (uint32_t i = first; i < count; i++)
            append(&columns[i], i, row, null_of_7[(i - first) % MODES], room);
    }
}

static void write_file(const file_case *c, pl_put *put, pl_arena *arena, pl_file_metrics *ret)
{
    plumb_error err;
    pl_buf room = {0};
    pl_parquet_writer *writer;
    pl_schema schema = make_schema(arena, c);
    pl_column *columns = PL_TAKE(arena, pl_column, schema.count);
    for (uint32_t i = 0; i < schema.count; i++) pl_column_init(&columns[i], &schema.fields[i].type);

    must(pl_parquet_open(&schema, &c->options, put, &writer, &err), &err);
    uint64_t row = 0;
    for (uint32_t g = 0; g < c->group_count; g++) {
        for (uint32_t i = 0; i < schema.count; i++) pl_column_reset(&columns[i]);
        for (uint64_t end = row + c->group_rows[g]; row < end; row++)
            append_row(c, columns, schema.count, row, &room);
        must(pl_parquet_write_group(writer, columns, &err), &err);
    }
    must(pl_parquet_finish(writer, arena, ret, &err), &err);
    pl_parquet_close(writer);
    for (uint32_t i = 0; i < schema.count; i++) pl_column_done(&columns[i]);
    pl_buf_done(&room);
}

int main(int argc, char **argv)
{
    const file_case *c = cases, *end = cases + PL_COUNT(cases);
    while (argc == 3 && c < end && strcmp(c->name, argv[2]) != 0) c++;
    if (argc != 3 || c == end) {
        fprintf(stderr, "parquet_make FOLDER "
                        "types|pages|zstd|compact|large|compact-large|keys|table|texts|empty\n");
        return 2;
    }
    plumb_error err;
    pl_arena arena = {0};
    pl_store *store;
    pl_put *put;
    pl_file_metrics metrics;
    must(pl_store_open_local(argv[1], true, &store, &err), &err);
    must(pl_put_begin(store, pl_arena_printf(&arena, "%s.parquet", c->name), &put, &err), &err);
    write_file(c, put, &arena, &metrics);
    must(pl_put_finish(put, 0, &err), &err);
    print(&metrics);
    pl_store_close(store);
    pl_arena_done(&arena);
    return 0;
}

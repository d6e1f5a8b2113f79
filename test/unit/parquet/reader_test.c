// What the writer wrote comes back; what was damaged is refused, or comes back all the same.
//
// SPDX-License-Identifier: Apache-2.0
#include "parquet/reader.h"

#include "codec/gzip.h"
#include "parquet/thrift_read_int.h"
#include "parquet/writer.h"
#include "temp.h"
#include "unit.h"

enum { COLUMNS_MAX = 64, GROUPS = 3 };

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
    "list(boolean)",
    "list(long)",
    "list(list(int))",
    "list(list(list(string)))",
};
static const uint32_t group_rows[GROUPS] = {60, 1, 25};

static char *dir;
static pl_store *store;
static plumb_error err;
static pl_arena arena;
static pl_field fields[COLUMNS_MAX];
static pl_schema schema;
static pl_column made[GROUPS][COLUMNS_MAX], got[COLUMNS_MAX];
static pl_file_metrics metrics;

static int set_up(void **state)
{
    (void)state;
    dir = temp_make();
    schema = (pl_schema){.fields = fields};
    return pl_store_open_local(temp_path(dir, "lake"), true, &store, &err) != PLUMB_OK;
}

static int tear_down(void **state)
{
    (void)state;
    pl_store_close(store);
    for (int i = 0; i < COLUMNS_MAX; i++) {
        for (int g = 0; g < GROUPS; g++) pl_column_done(&made[g][i]);
        pl_column_done(&got[i]);
    }
    pl_arena_done(&arena);
    temp_remove(dir);
    return 0;
}

static pl_type type_of(const char *text, int32_t id)
{
    pl_type type;
    const char *reason;
    CHECK(pl_type_parse(pl_span_of(text), &arena, &type, &reason));
    for (pl_type *list = &type; list->kind == PL_LIST;) {
        pl_type *element = PL_TAKE(&arena, pl_type, 1);
        *element = *list->element;
        list->element = element;
        list->element_id = ++id;
        list = element;
    }
    return type;
}

static void add_field(const char *type, bool required)
{
    uint32_t i = schema.count++;
    fields[i] = (pl_field){.id = 10 * (int32_t)i + 5,
                           .name = pl_span_of(pl_arena_printf(&arena, "c%u %s", i, type)),
                           .type = type_of(type, 10 * (int32_t)i + 5),
                           .required = required};
}

static uint64_t mix(uint64_t z)
{
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static void append(pl_column *to, uint64_t seed, unsigned null_of_4)
{
    uint64_t v = mix(seed * 31 + 7);
    char text[64];
    if (v % 4 < null_of_4) {
        pl_column_null(to);
        return;
    }
    pl_value value = {.kind = to->type.kind};
    switch (to->type.kind) {
    case PL_LIST:
        for (uint64_t n = (v >> 8) % 4, i = 0; i < n; i++) append(to->child, seed * 5 + i, 1);
        pl_column_list(to);
        return;
    case PL_STRING:
    case PL_JSON:
        snprintf(text, sizeof text, "%.*s%llu", (int)(v >> 8 & 15), "abcdefghijklmnop",
                 (unsigned long long)(v >> 16) % (seed % 2 ? 1000000 : 5));
        value.text = pl_span_of(v >> 12 & 7 ? text : "");
        break;
    case PL_BOOLEAN:
        value.boolean = v >> 9 & 1;
        break;
    case PL_INT:
    case PL_DATE:
        value.i32 = (int32_t)(v >> 20);
        break;
    case PL_LONG:
    case PL_TIMESTAMP:
        value.i64 = (int64_t)(v >> 10 & 1 ? v : v % 9);
        break;
    case PL_FLOAT:
        value.f32 = v >> 8 & 7 ? (float)(v >> 40) : -0.0f;
        break;
    case PL_DOUBLE:
        value.f64 = v >> 8 & 7 ? (double)v / 3 : (double)__builtin_nanf("");
        break;
    default:
        value.i128 = (pl_i128)(v >> 2) * (pl_i128)(v >> 3) % pl_decimal_power(to->type.precision);
        if (v >> 9 & 1) value.i128 = -value.i128;
    }
    pl_column_append(to, &value);
}

// Every type required, optional without and with NULLs, and all NULL.
static void write_file(const char *key, const pl_parquet_options *options)
{
    pl_put *put;
    pl_parquet_writer *writer;
    CHECK_OK(pl_put_begin(store, key, &put, &err), err);
    CHECK_OK(pl_parquet_open(&schema, options, put, &writer, &err), err);
    for (uint32_t g = 0; g < GROUPS; g++) {
        for (uint32_t i = 0; i < schema.count; i++) {
            static const unsigned null_of_4[4] = {0, 0, 1, 4};
            pl_column_init(&made[g][i], &fields[i].type);
            for (uint32_t row = 0; row < group_rows[g]; row++)
                append(&made[g][i], i * 1000 + g * 100 + row,
                       fields[i].required ? 0 : null_of_4[i % 4]);
        }
        CHECK_OK(pl_parquet_write_group(writer, made[g], &err), err);
    }
    CHECK_OK(pl_parquet_finish(writer, &arena, &metrics, &err), err);
    pl_parquet_close(writer);
    CHECK_OK(pl_put_finish(put, 0, &err), err);
}

static void all_types(unsigned first, unsigned end)
{
    for (unsigned t = first; t < end; t++)
        for (int mode = 0; mode < 3; mode++) add_field(types[t], mode == 0);
}

static bool same_bytes(const void *a, const void *b, size_t bytes)
{
    return bytes == 0 || memcmp(a, b, bytes) == 0;
}

static bool same(const pl_column *a, const pl_column *b)
{
    static const uint8_t width[PL_KINDS] = {1, 4, 8, 4, 8, 16, 4, 8};
    if (a->count != b->count || a->nulls != b->nulls || !same_bytes(a->valid, b->valid, a->count) ||
        !same_bytes(a->values, b->values, (size_t)a->count * width[a->type.kind]))
        return false;
    if (width[a->type.kind]) return true;
    if (a->count && !same_bytes(a->offsets, b->offsets, (a->count + 1) * sizeof *a->offsets))
        return false;
    return a->child ? same(a->child, b->child)
                    : a->heap.count == b->heap.count &&
                          same_bytes(a->heap.data, b->heap.data, a->heap.count);
}

static plumb_status read_all(const char *key, bool *ret_same)
{
    pl_parquet_reader *reader;
    *ret_same = true;
    PL_TRY(pl_parquet_reader_open(store, key, &schema, &reader, &err));
    plumb_status st = PLUMB_OK;
    *ret_same = pl_parquet_reader_groups(reader) == GROUPS;
    for (uint32_t g = 0; *ret_same && st == PLUMB_OK && g < GROUPS; g++) {
        st = pl_parquet_read_group(reader, g, got, &err);
        for (uint32_t i = 0; st == PLUMB_OK && i < schema.count; i++)
            *ret_same &= same(&made[g][i], &got[i]) || got[i].nulls == got[i].count;
    }
    pl_parquet_reader_close(reader);
    return st;
}

static void columns_init(void)
{
    for (uint32_t i = 0; i < schema.count; i++) pl_column_init(&got[i], &fields[i].type);
}

static void check_round_trip(const pl_parquet_options *options)
{
    all_types(0, PL_COUNT(types));
    write_file("t.parquet", options);
    columns_init();
    pl_parquet_reader *reader;
    CHECK_OK(pl_parquet_reader_open(store, "t.parquet", &schema, &reader, &err), err);
    CHECK_INT(86, pl_parquet_reader_rows(reader));
    CHECK_INT(GROUPS, pl_parquet_reader_groups(reader));
    for (uint32_t g = 0; g < GROUPS; g++) {
        CHECK_INT(group_rows[g], pl_parquet_group_rows(reader, g));
        CHECK_OK(pl_parquet_read_group(reader, g, got, &err), err);
        for (uint32_t i = 0; i < schema.count; i++)
            if (!same(&made[g][i], &got[i]))
                fail_msg("group %u, column '%.*s'", g, PL_FMT(fields[i].name));
    }
    pl_parquet_reader_close(reader);
}

TEST(reader_gives_back_every_type)
{
    check_round_trip(NULL);
}

TEST(reader_gives_back_many_small_pages)
{
    check_round_trip(&(pl_parquet_options){.page_bytes = 16, .dictionary_bytes_max = 40});
}

TEST(reader_gives_back_zstd_pages)
{
    check_round_trip(&(pl_parquet_options){.codec = PL_PARQUET_ZSTD, .page_rows = 7});
}

TEST(reader_gives_back_compact_encodings)
{
    check_round_trip(&(pl_parquet_options){.compact = true});
}

TEST(reader_gives_back_compact_encodings_of_small_pages)
{
    check_round_trip(&(pl_parquet_options){
        .compact = true, .codec = PL_PARQUET_ZSTD, .page_rows = 3, .dictionary_bytes_max = 1});
}

static void write_keys(uint32_t rows, const pl_parquet_options *options)
{
    pl_put *put;
    pl_parquet_writer *writer;
    char text[32];
    add_field("long", true);
    add_field("string", false);
    CHECK_OK(pl_put_begin(store, "k.parquet", &put, &err), err);
    CHECK_OK(pl_parquet_open(&schema, options, put, &writer, &err), err);
    for (int i = 0; i < 2; i++) pl_column_init(&made[0][i], &fields[i].type);
    for (uint32_t row = 0; row < rows; row++) {
        snprintf(text, sizeof text, "key %u", row);
        pl_column_append(&made[0][0], &(pl_value){.kind = PL_LONG, .i64 = row * 7});
        if (row % 3)
            pl_column_text(&made[0][1], pl_span_of(text));
        else
            pl_column_null(&made[0][1]);
    }
    CHECK_OK(pl_parquet_write_group(writer, made[0], &err), err);
    CHECK_OK(pl_parquet_write_group(writer, made[0], &err), err);
    CHECK_OK(pl_parquet_finish(writer, &arena, &metrics, &err), err);
    pl_parquet_close(writer);
    CHECK_OK(pl_put_finish(put, 0, &err), err);
}

static bool may(pl_parquet_reader *reader, uint32_t field, pl_value value, bool asked)
{
    bool held, has_filter;
    CHECK_OK(pl_parquet_may_hold(reader, 1, field, &value, &held, &has_filter, &err), err);
    CHECK_INT(asked, has_filter);
    return held;
}

TEST(reader_asks_bloom_filters_and_knows_the_order)
{
    static const int32_t ids[] = {5, 15};
    pl_sort_field sorted = {.source_id = 5, .descending = true, .nulls_last = true};
    pl_sort_order sort = {.id = 1, .count = 1, .fields = &sorted};
    write_keys(5000, &(pl_parquet_options){.bloom_ids = ids, .bloom_count = 2, .sort = &sort});
    pl_parquet_reader *reader;
    CHECK_OK(pl_parquet_reader_open(store, "k.parquet", &schema, &reader, &err), err);
    columns_init();
    CHECK_OK(pl_parquet_read_group(reader, 1, got, &err), err);
    CHECK(same(&made[0][0], &got[0]) && same(&made[0][1], &got[1]));
    int others = 0;
    for (int64_t i = 0; i < 5000; i++) {
        char text[32];
        snprintf(text, sizeof text, "key %lld", (long long)i);
        pl_value number = {.kind = PL_LONG, .i64 = i * 7};
        pl_value words = {.kind = PL_STRING, .text = pl_span_of(text)};
        CHECK(may(reader, 0, number, true));
        if (i % 3) CHECK(may(reader, 1, words, true));
        number.i64++;
        others += may(reader, 0, number, true);
    }
    CHECK(others < 5000 / 50);
    const pl_sort_order *order = pl_parquet_group_sort(reader, 1);
    CHECK_INT(1, order->count);
    CHECK_SPAN("c0 long", order->fields[0].source);
    CHECK(order->fields[0].source_id == 5 && order->fields[0].descending &&
          order->fields[0].nulls_last);
    pl_parquet_reader_close(reader);
}

TEST(reader_finds_no_bloom_filter_where_it_would_not_pay)
{
    static const int32_t ids[] = {5, 15};
    write_keys(500, &(pl_parquet_options){.bloom_ids = ids, .bloom_count = 2});
    pl_parquet_reader *reader;
    CHECK_OK(pl_parquet_reader_open(store, "k.parquet", &schema, &reader, &err), err);
    CHECK(may(reader, 0, (pl_value){.kind = PL_LONG, .i64 = 1}, false));
    CHECK_INT(0, pl_parquet_group_sort(reader, 0)->count);
    pl_parquet_reader_close(reader);
}

TEST(reader_refuses_a_damaged_bloom_filter)
{
    static const int32_t ids[] = {5};
    pl_span file;
    write_keys(5000, &(pl_parquet_options){.bloom_ids = ids, .bloom_count = 1});
    CHECK_OK(pl_store_get(store, "k.parquet", 1 << 20, &arena, &file, &err), err);
    char *bad = pl_alloc(file.bytes);
    memcpy(bad, file.data, file.bytes);
    const char *header = memmem(bad, file.bytes, "\x1c\x1c\0\0\x1c\x1c\0\0\x1c\x1c\0\0\0", 13);
    CHECK(header);
    bad[header - bad] = 0x2c; // the algorithm becomes one nobody knows
    temp_write(temp_path(dir, "lake/bad.parquet"), bad, file.bytes);
    pl_parquet_reader *reader;
    CHECK_OK(pl_parquet_reader_open(store, "bad.parquet", &schema, &reader, &err), err);
    bool held;
    pl_value value = {.kind = PL_LONG, .i64 = 1};
    CHECK_INT(PLUMB_E_MALFORMED, pl_parquet_may_hold(reader, 0, 0, &value, &held, NULL, &err));
    CHECK(strstr(err.message, "row group 0, column 'c0 long', byte "));
    CHECK(strstr(err.message, ": a bloom filter"));
    pl_parquet_reader_close(reader);
    free(bad);
}

TEST(reader_promotes_and_fills_in)
{
    add_field("int", false);
    add_field("float", true);
    add_field("decimal(9, 2)", false);
    add_field("list(int)", false);
    write_file("t.parquet", NULL);
    schema.count = 0;
    add_field("long", false);
    add_field("double", true);
    add_field("decimal(38, 2)", false);
    add_field("list(long)", false);
    add_field("list(string)", false); // not in the file
    columns_init();
    pl_parquet_reader *reader;
    CHECK_OK(pl_parquet_reader_open(store, "t.parquet", &schema, &reader, &err), err);
    CHECK_OK(pl_parquet_read_group(reader, 0, got, &err), err);
    for (uint32_t row = 0; row < 60; row++) {
        const pl_column *was = made[0];
        if (was[0].valid[row]) CHECK(got[0].i64[row] == was[0].i32[row]);
        CHECK(got[1].f64[row] == (double)was[1].f32[row]);
        if (was[2].valid[row]) CHECK(got[2].i128[row] == was[2].i128[row]);
    }
    CHECK_INT(made[0][3].child->count, got[3].child->count);
    for (uint32_t i = 0; i < got[3].child->count; i++)
        CHECK(got[3].child->i64[i] == made[0][3].child->i32[i]);
    CHECK(got[4].count == 60 && got[4].nulls == 60);
    pl_parquet_reader_close(reader);
}

TEST(reader_refuses_what_cannot_become_the_schema)
{
    add_field("string", false);
    write_file("t.parquet", NULL);
    pl_parquet_reader *reader;
    schema.count = 0;
    add_field("date", false);
    CHECK_INT(PLUMB_E_MALFORMED,
              pl_parquet_reader_open(store, "t.parquet", &schema, &reader, &err));
    CHECK_STR("cannot read Parquet file 't.parquet': column 'c0 date' holds string, not date",
              err.message);
    schema.count = 0;
    add_field("string", false);
    add_field("int", true);
    CHECK_INT(PLUMB_E_MALFORMED,
              pl_parquet_reader_open(store, "t.parquet", &schema, &reader, &err));
    CHECK_STR("cannot read Parquet file 't.parquet': it has no column 15, and 'c1 int' is required",
              err.message);
    CHECK_INT(PLUMB_E_NOT_FOUND,
              pl_parquet_reader_open(store, "none.parquet", &schema, &reader, &err));
}

// --- damage --------------------------------------------------------------------------------------

// A page of the file: where its checksum stands (5 bytes; else it is left alone) and its body.
typedef struct page {
    size_t crc, body, bytes;
} page;

static uint32_t find_pages(pl_span file, page *pages, uint32_t room)
{
    size_t end = 4, at = 4;
    uint32_t count = 0;
    for (uint32_t i = 0; i < metrics.leaf_count; i++)
        end += (size_t)metrics.leaves[i].compressed_bytes;
    while (at < end && count < room) {
        page p = {0};
        pl_thrift_in in = pl_thrift__over(pl_span_make(file.data + at, end - at));
        while (pl_thrift__next(&in)) {
            size_t before = at + in.at;
            if (in.id == 3) {
                p.bytes = (size_t)pl_thrift__get_i32(&in);
            } else {
                pl_thrift__skip(&in);
                if (in.id == 4 && at + in.at - before == 5) p.crc = before;
            }
        }
        CHECK(!in.reason);
        p.body = at + in.at;
        at = p.body + p.bytes;
        pages[count++] = p;
    }
    CHECK_INT(end, at);
    return count;
}

// Put the right checksum where the damage is, so that it must be found by itself.
static void heal(char *file, const page *pages, uint32_t count, size_t hit)
{
    for (uint32_t i = 0; i < count; i++) {
        const page *p = &pages[i];
        if (hit < p->body || hit >= p->body + p->bytes || !p->crc) continue;
        int32_t crc = (int32_t)pl_crc32(0, pl_span_make(file + p->body, p->bytes));
        uint64_t zigzag = ((uint64_t)(uint32_t)crc << 1 ^ (uint64_t)(crc >> 31)) & UINT32_MAX;
        for (int b = 0; b < 5; b++, zigzag >>= 7)
            file[p->crc + (size_t)b] = (char)((zigzag & 0x7f) | (b < 4 ? 0x80 : 0));
    }
}

static void check_refused_or_same(const char *file, size_t bytes, bool must_be_same)
{
    bool is_same;
    temp_write(temp_path(dir, "lake/bad.parquet"), file, bytes);
    plumb_status st = read_all("bad.parquet", &is_same);
    CHECK(st == PLUMB_OK || st == PLUMB_E_MALFORMED);
    if (st == PLUMB_OK && must_be_same) CHECK(is_same);
    if (st != PLUMB_OK) CHECK(strstr(err.message, "cannot read Parquet file 'bad.parquet': "));
}

static void check_damage(unsigned first, unsigned end)
{
    pl_span file;
    page pages[1000];
    all_types(first, end);
    write_file("t.parquet", &(pl_parquet_options){.page_bytes = 200});
    columns_init();
    CHECK_OK(pl_store_get(store, "t.parquet", 1 << 20, &arena, &file, &err), err);
    uint32_t count = find_pages(file, pages, PL_COUNT(pages));
    char *bad = pl_alloc(file.bytes);
    memcpy(bad, file.data, file.bytes);
    for (size_t i = 0; i < file.bytes; i += 1 + mix(i) % 8) {
        if (i % 4 == 0) check_refused_or_same(bad, i, true);
        bad[i] ^= (char)(1 << mix(i) % 8);
        check_refused_or_same(bad, file.bytes, true);
        heal(bad, pages, count, i);
        check_refused_or_same(bad, file.bytes, false);
        memcpy(bad, file.data, file.bytes);
    }
    free(bad);
}

TEST(reader_survives_damaged_scalars)
{
    check_damage(0, 6);
}

TEST(reader_survives_damaged_decimals_and_texts)
{
    check_damage(6, 13);
}

TEST(reader_survives_damaged_lists)
{
    check_damage(13, PL_COUNT(types));
}

TEST(reader_names_group_column_and_byte)
{
    pl_span file;
    page pages[100];
    add_field("int", true);
    add_field("string", true);
    write_file("t.parquet", NULL);
    columns_init();
    CHECK_OK(pl_store_get(store, "t.parquet", 1 << 20, &arena, &file, &err), err);
    uint32_t count = find_pages(file, pages, PL_COUNT(pages));
    char *bad = pl_alloc(file.bytes);
    memcpy(bad, file.data, file.bytes);
    const page *last = &pages[count - 1];
    bad[last->body + last->bytes - 1] ^= 1;
    temp_write(temp_path(dir, "lake/bad.parquet"), bad, file.bytes);
    bool is_same;
    CHECK_INT(PLUMB_E_MALFORMED, read_all("bad.parquet", &is_same));
    const page *before = &pages[count - 2];
    CHECK_STR(pl_arena_printf(&arena,
                              "cannot read Parquet file 'bad.parquet': row group 2, column "
                              "'c1 string', byte %zu: a page's checksum is wrong",
                              before->body + before->bytes),
              err.message);
    temp_write(temp_path(dir, "lake/bad.parquet"), "PAR1PAR1", 8);
    CHECK_INT(PLUMB_E_MALFORMED, read_all("bad.parquet", &is_same));
    CHECK_STR("cannot read Parquet file 'bad.parquet': byte 8: it is too short for a Parquet file",
              err.message);
    CHECK_INT(8, err.offset);
    free(bad);
}

#define FILE_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    return RUN_TESTS(
        "parquet/reader", FILE_TEST(reader_gives_back_every_type),
        FILE_TEST(reader_gives_back_many_small_pages), FILE_TEST(reader_gives_back_zstd_pages),
        FILE_TEST(reader_gives_back_compact_encodings),
        FILE_TEST(reader_gives_back_compact_encodings_of_small_pages),
        FILE_TEST(reader_asks_bloom_filters_and_knows_the_order),
        FILE_TEST(reader_finds_no_bloom_filter_where_it_would_not_pay),
        FILE_TEST(reader_refuses_a_damaged_bloom_filter), FILE_TEST(reader_promotes_and_fills_in),
        FILE_TEST(reader_refuses_what_cannot_become_the_schema),
        FILE_TEST(reader_survives_damaged_scalars),
        FILE_TEST(reader_survives_damaged_decimals_and_texts),
        FILE_TEST(reader_survives_damaged_lists), FILE_TEST(reader_names_group_column_and_byte));
}

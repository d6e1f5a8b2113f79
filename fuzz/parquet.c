// A damaged data file: it is refused, or its rows are columns that hold together, and reading the
// same bytes again gives the same rows. Checksums are always 0 here (see meson.build), so that
// damage behind them is met, too.
//
// SPDX-License-Identifier: Apache-2.0
#include "parquet/reader.h"

#include "codec/gzip.h"
#include "fuzz.h"
#include "parquet/facts.h"
#include "parquet/writer.h"

uint32_t __wrap_pl_crc32(uint32_t crc, pl_span bytes);

uint32_t __wrap_pl_crc32(uint32_t crc, pl_span bytes)
{
    (void)crc, (void)bytes;
    return 0;
}

static const char *const types[] = {
    "boolean",       "int",           "long",           "float",      "double",
    "decimal(9, 2)", "decimal(19,0)", "decimal(38, 6)", "date",       "timestamp",
    "string",        "json",          "list(string)",   "list(long)", "list(list(boolean))",
    "list(double)",  "decimal(18,4)",
};
enum { TYPES = PL_COUNT(types), FIELDS = 3, PICKS = 2 * TYPES };

// Three columns of types next to each other, one of them required; the reader may want more.
static pl_schema schema_of(unsigned pick, bool wider, pl_arena *arena)
{
    pl_schema schema = {.fields = PL_TAKE(arena, pl_field, FIELDS + 1)};
    for (unsigned i = 0; i < (unsigned)FIELDS + wider; i++) {
        pl_field *field = &schema.fields[schema.count++];
        const char *text = types[(pick + i) % TYPES], *reason;
        if (wider && strcmp(text, "int") == 0) text = "long";
        if (wider && strcmp(text, "float") == 0) text = "double";
        if (wider && strcmp(text, "decimal(9, 2)") == 0) text = "decimal(12, 2)";
        *field = (pl_field){.id = 10 * (int32_t)i + 1, .required = i == 1 && !wider};
        field->name = pl_span_of(pl_arena_printf(arena, "c%u", i));
        FUZZ_CHECK(pl_type_parse(pl_span_of(text), arena, &field->type, &reason));
        int32_t id = field->id;
        for (pl_type *list = &field->type; list->kind == PL_LIST;) {
            pl_type *element = PL_TAKE(arena, pl_type, 1);
            *element = *list->element;
            list->element = element;
            list->element_id = ++id;
            list = element;
        }
    }
    return schema;
}

static void check_column(const pl_column *column, uint32_t rows)
{
    uint32_t nulls = 0;
    FUZZ_CHECK(column->count == rows);
    for (uint32_t i = 0; i < rows; i++) nulls += !column->valid[i];
    FUZZ_CHECK(nulls == column->nulls);
    bool spans = column->type.kind >= PL_STRING;
    for (uint32_t i = 0; spans && i < rows; i++)
        FUZZ_CHECK(column->offsets[i] <= column->offsets[i + 1]);
    if (spans && rows && !column->child) FUZZ_CHECK(column->offsets[rows] <= column->heap.count);
    if (column->child)
        check_column(column->child, rows ? column->offsets[rows] : 0);
    else
        for (uint32_t i = 0; i < rows; i++)
            if (column->valid[i]) (void)pl_column_value(column, i);
}

// How reading went: the status, then a sum over all values.
static uint64_t read_file(const pl_schema *schema)
{
    pl_parquet_reader *reader;
    pl_column columns[FIELDS + 1];
    plumb_error err;
    plumb_status st = pl_parquet_reader_open(fuzz_store(), "f", schema, &reader, &err);
    if (st != PLUMB_OK) return (uint64_t)st;
    uint64_t sum = 0, rows = 0;
    pl_buf text = {0};
    for (uint32_t i = 0; i < schema->count; i++)
        pl_column_init(&columns[i], &schema->fields[i].type);
    for (uint32_t g = 0; st == PLUMB_OK && g < pl_parquet_reader_groups(reader); g++) {
        uint32_t count = pl_parquet_group_rows(reader, g);
        rows += count;
        st = pl_parquet_read_group(reader, g, columns, &err);
        if (st != PLUMB_OK) break;
        for (uint32_t i = 0; i < schema->count; i++) {
            check_column(&columns[i], count);
            const pl_column *leaf = &columns[i];
            while (leaf->child) leaf = leaf->child;
            if (schema->fields[i].required) FUZZ_CHECK(columns[i].nulls == 0);
            for (uint32_t r = 0; r < leaf->count; r++) {
                pl_value value = pl_column_value(leaf, r);
                pl_buf_reset(&text);
                pl_value_bytes(&text, &value);
                for (size_t b = 0; b < text.count; b++) sum = sum * 31 + (uint8_t)text.data[b];
            }
        }
    }
    if (st == PLUMB_OK) FUZZ_CHECK(rows == pl_parquet_reader_rows(reader));
    for (uint32_t i = 0; i < schema->count; i++) pl_column_done(&columns[i]);
    pl_buf_done(&text);
    pl_parquet_reader_close(reader);
    return sum << 4 | (uint64_t)st;
}

// The footer alone, as of a file anybody may have written.
static void read_facts(pl_span file, pl_arena *arena)
{
    uint32_t bytes;
    pl_parquet_facts facts;
    if (file.bytes < 8) return;
    memcpy(&bytes, file.data + file.bytes - 8, sizeof bytes);
    if (bytes > file.bytes - 8) return;
    pl_span footer = pl_span_make(file.data + file.bytes - 8 - bytes, bytes);
    if (pl_parquet_facts_read(footer, arena, &facts)) return;
    for (uint32_t g = 0; g < facts.group_count; g++)
        for (uint32_t i = 0; i < facts.groups[g].sorted_count; i++)
            FUZZ_CHECK((uint32_t)facts.groups[g].sorted[i].leaf < facts.leaf_count);
}

void fuzz_one(pl_span input)
{
    unsigned how = fuzz_byte(&input) % PICKS;
    pl_arena arena = {0};
    pl_schema schema = schema_of(how / 2, how % 2, &arena);
    fuzz_object("f", input);
    uint64_t first = read_file(&schema);
    FUZZ_CHECK(read_file(&schema) == first);
    read_facts(input, &arena);
    pl_arena_done(&arena);
}

static void append(pl_column *to, unsigned i, bool nulls)
{
    pl_value value = {.kind = to->type.kind, .is_null = nulls && i % 3 == 1};
    if (to->type.kind == PL_LIST && !value.is_null) {
        for (unsigned n = 0; n < i % 4; n++) append(to->child, i / 2 + n, true);
        pl_column_list(to);
        return;
    }
    switch (to->type.kind) {
    case PL_STRING:
    case PL_JSON:
        value.text = pl_span_make("\"abcdefghijkl\"", i % 5 ? i % 7 : 14);
        break;
    case PL_FLOAT:
        value.f32 = (float)i / 4;
        break;
    case PL_DOUBLE:
        value.f64 = i / 4.0;
        break;
    case PL_BOOLEAN:
        value.boolean = i % 2;
        break;
    case PL_DECIMAL:
        value.i128 = (pl_i128)(i % 11) - 5;
        break;
    case PL_LONG:
    case PL_TIMESTAMP:
        value.i64 = (int64_t)i << (i % 40);
        break;
    default:
        value.i32 = (int32_t)(i % 4);
    }
    if (value.is_null)
        pl_column_null(to);
    else
        pl_column_append(to, &value);
}

static void seed_file(unsigned how, uint32_t rows, uint32_t groups)
{
    pl_sort_field sorted = {.source_id = 1, .descending = true, .nulls_last = true};
    pl_sort_order sort = {.id = 1, .count = 1, .fields = &sorted};
    pl_parquet_options options = {.codec = how % 3 ? PL_PARQUET_SNAPPY : PL_PARQUET_ZSTD,
                                  .compact = (how / 2 + rows) % 2,
                                  .sort = groups == 2 ? &sort : NULL,
                                  .page_bytes = rows > 40 ? 64 : 0,
                                  .dictionary_bytes_max = rows % 2 ? 1 : 0};
    pl_arena arena = {0};
    pl_schema schema = schema_of(how / 2, false, &arena);
    pl_put *put;
    pl_parquet_writer *writer;
    pl_file_metrics metrics;
    pl_span file;
    pl_column columns[FIELDS];
    FUZZ_CHECK(pl_store_delete(fuzz_store(), "seed", NULL) == PLUMB_OK);
    FUZZ_CHECK(pl_put_begin(fuzz_store(), "seed", &put, NULL) == PLUMB_OK);
    FUZZ_CHECK(pl_parquet_open(&schema, &options, put, &writer, NULL) == PLUMB_OK);
    for (uint32_t g = 0; g < groups; g++) {
        for (unsigned i = 0; i < FIELDS; i++) {
            pl_column_init(&columns[i], &schema.fields[i].type);
            for (uint32_t r = 0; r < rows; r++) append(&columns[i], r + g, i != 1);
        }
        FUZZ_CHECK(pl_parquet_write_group(writer, columns, NULL) == PLUMB_OK);
        for (unsigned i = 0; i < FIELDS; i++) pl_column_done(&columns[i]);
    }
    FUZZ_CHECK(pl_parquet_finish(writer, &arena, &metrics, NULL) == PLUMB_OK);
    pl_parquet_close(writer);
    FUZZ_CHECK(pl_put_finish(put, 0, NULL) == PLUMB_OK);
    FUZZ_CHECK(pl_store_get(fuzz_store(), "seed", 1 << 24, &arena, &file, NULL) == PLUMB_OK);
    pl_buf seed = {0};
    pl_buf_char(&seed, (char)how);
    pl_buf_span(&seed, file);
    fuzz_seed(pl_buf_view(&seed));
    pl_buf_done(&seed);
    pl_arena_done(&arena);
}

void fuzz_seeds(void)
{
    for (unsigned how = 0; how < PICKS; how++) seed_file(how, how % 4 == 3 ? 60 : how % 4 + 2, 1);
    seed_file(20, 1, 2);
    seed_file(0, 1, 0);
}

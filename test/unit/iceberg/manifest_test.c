// SPDX-License-Identifier: Apache-2.0
#include "iceberg/manifest.h"

#include <math.h>
#include <stdlib.h>

#include "unit.h"

static const uint8_t sync_bytes[16] = "0123456789abcdef";

// A table of one column per partition type; spec 0 partitions by some of them.
static const char table_text[] =
    "{\"format-version\":2,\"table-uuid\":\"u\",\"location\":\"file:///lake/t\","
    "\"last-sequence-number\":9,\"last-updated-ms\":5,\"last-column-id\":8,"
    "\"current-schema-id\":0,\"schemas\":[{\"type\":\"struct\",\"schema-id\":0,\"fields\":["
    "{\"id\":1,\"name\":\"s\",\"required\":false,\"type\":\"string\"},"
    "{\"id\":2,\"name\":\"at\",\"required\":false,\"type\":\"timestamptz\"},"
    "{\"id\":3,\"name\":\"n\",\"required\":false,\"type\":\"long\"},"
    "{\"id\":4,\"name\":\"d\",\"required\":false,\"type\":\"decimal(9, 2)\"},"
    "{\"id\":5,\"name\":\"e\",\"required\":false,\"type\":\"decimal(9, 2)\"},"
    "{\"id\":6,\"name\":\"x\",\"required\":false,\"type\":\"double\"},"
    "{\"id\":7,\"name\":\"f\",\"required\":false,\"type\":\"float\"},"
    "{\"id\":8,\"name\":\"b\",\"required\":false,\"type\":\"boolean\"}]}],"
    "\"default-spec-id\":0,\"partition-specs\":[{\"spec-id\":0,\"fields\":["
    "{\"name\":\"1 s.\xC3\xA9\",\"transform\":\"identity\",\"source-id\":1,\"field-id\":1000},"
    "{\"name\":\"at_day\",\"transform\":\"day\",\"source-id\":2,\"field-id\":1001},"
    "{\"name\":\"n\",\"transform\":\"identity\",\"source-id\":3,\"field-id\":1002},"
    "{\"name\":\"d\",\"transform\":\"identity\",\"source-id\":4,\"field-id\":1003},"
    "{\"name\":\"e\",\"transform\":\"identity\",\"source-id\":5,\"field-id\":1004},"
    "{\"name\":\"x\",\"transform\":\"identity\",\"source-id\":6,\"field-id\":1005},"
    "{\"name\":\"f\",\"transform\":\"identity\",\"source-id\":7,\"field-id\":1006},"
    "{\"name\":\"b\",\"transform\":\"identity\",\"source-id\":8,\"field-id\":1007}]}],"
    "\"last-partition-id\":1007,\"default-sort-order-id\":0,"
    "\"sort-orders\":[{\"order-id\":0,\"fields\":[]}]}";
enum { FIELDS = 8 };

typedef struct fixture {
    pl_arena arena;
    plumb_error err;
    pl_ice_metadata *metadata;
    pl_buf file;
    pl_ice_manifest row;
    pl_ice_entry *entries;
    uint32_t count;
} fixture;

static void setup(fixture *f)
{
    *f = (fixture){0};
    CHECK_OK(pl_ice_metadata_parse(PL_SPAN(table_text), "t", &f->arena, &f->metadata, &f->err),
             f->err);
}

static void teardown(fixture *f)
{
    pl_buf_done(&f->file);
    pl_arena_done(&f->arena);
}

static plumb_status read_back(fixture *f)
{
    return pl_ice_manifest_read(pl_buf_view(&f->file), "m.avro", &f->row, f->metadata, &f->arena,
                                &f->entries, &f->count, &f->err);
}

static void begin(fixture *f, pl_ice_manifest_writer *writer)
{
    pl_ice_manifest_begin(writer, &f->file, &f->metadata->schemas[0], &f->metadata->specs[0].spec,
                          sync_bytes, &f->arena);
}

// Two files, one of them all NULL and NaN.
static void write_two(fixture *f)
{
    static pl_leaf_metrics leaves[] = {
        {.field_id = 1,
         .compressed_bytes = 40,
         .values = 5,
         .nulls = 1,
         .nans = -1,
         .has_lower = true,
         .lower = {"a", 1},
         .has_upper = true,
         .upper = {"b\0", 2}},
        {.field_id = 6, .compressed_bytes = 41, .values = 5, .nulls = 0, .nans = 2},
    };
    static int64_t splits[] = {4, 1000};
    const pl_value some[FIELDS] = {
        {.kind = PL_STRING, .text = PL_SPAN("a/\xC3\xA9 longer than sixteen points")},
        {.kind = PL_DATE, .i32 = -1},
        {.kind = PL_LONG, .i64 = INT64_C(-9000000000)},
        {.kind = PL_DECIMAL, .i128 = -128},
        {.kind = PL_DECIMAL, .i128 = 999999999},
        {.kind = PL_DOUBLE, .f64 = -0.5},
        {.kind = PL_FLOAT, .f32 = 1.5f},
        {.kind = PL_BOOLEAN, .boolean = true},
    };
    const pl_value none[FIELDS] = {
        {.kind = PL_STRING, .is_null = true},  {.kind = PL_DATE, .is_null = true},
        {.kind = PL_LONG, .is_null = true},    {.kind = PL_DECIMAL, .is_null = true},
        {.kind = PL_DECIMAL, .is_null = true}, {.kind = PL_DOUBLE, .f64 = (double)NAN},
        {.kind = PL_FLOAT, .f32 = NAN},        {.kind = PL_BOOLEAN, .is_null = true},
    };
    pl_ice_manifest_writer writer;
    begin(f, &writer);
    pl_ice_entry entry = {.status = PL_ICE_ADDED,
                          .snapshot_id = 77,
                          .sequence = PL_ICE_INHERIT,
                          .file_sequence = PL_ICE_INHERIT,
                          .path = PL_SPAN("file:///lake/t/data/a.parquet"),
                          .format = PL_SPAN("PARQUET"),
                          .partition = some,
                          .metrics = {.bytes = 1234,
                                      .rows = 5,
                                      .leaf_count = 2,
                                      .leaves = leaves,
                                      .split_count = 2,
                                      .splits = splits},
                          .sort_order_id = -1};
    pl_ice_manifest_add(&writer, &entry);
    entry.status = PL_ICE_EXISTING;
    entry.sequence = 3;
    entry.file_sequence = 4;
    entry.snapshot_id = 66;
    entry.path = PL_SPAN("file:///lake/t/data/b.parquet");
    entry.partition = none;
    entry.metrics = (pl_file_metrics){.bytes = 10, .rows = 7};
    entry.sort_order_id = 0;
    pl_ice_manifest_add(&writer, &entry);
    CHECK(pl_ice_manifest_size(&writer) > f->file.count);
    pl_ice_manifest_finish(&writer, &f->row);
}

TEST(what_is_written_is_read_back)
{
    fixture f;
    setup(&f);
    write_two(&f);
    f.row.sequence = 9;
    f.row.snapshot_id = 77;
    CHECK_OK(read_back(&f), f.err);
    CHECK_INT(2, f.count);
    const pl_ice_entry *a = &f.entries[0], *b = &f.entries[1];
    CHECK_INT(9, a->sequence); // inherited
    CHECK_INT(9, a->file_sequence);
    CHECK_INT(3, b->sequence);
    CHECK_INT(4, b->file_sequence);
    CHECK_INT(66, b->snapshot_id);
    CHECK_SPAN("file:///lake/t/data/a.parquet", a->path);
    CHECK_SPAN("PARQUET", a->format);
    CHECK_SPAN("a/\xC3\xA9 longer than sixteen points", a->partition[0].text);
    CHECK_INT(-1, a->partition[1].i32);
    CHECK_INT(INT64_C(-9000000000), a->partition[2].i64);
    CHECK(a->partition[3].i128 == -128 && a->partition[4].i128 == 999999999);
    CHECK(a->partition[5].f64 == -0.5 && a->partition[6].f32 == 1.5f && a->partition[7].boolean);
    CHECK(b->partition[0].is_null && b->partition[4].is_null && isnan(b->partition[5].f64));
    CHECK_INT(1234, a->metrics.bytes);
    CHECK_INT(5, a->metrics.rows);
    CHECK_INT(2, a->metrics.leaf_count);
    const pl_leaf_metrics *s = &a->metrics.leaves[0], *x = &a->metrics.leaves[1];
    CHECK(s->field_id == 1 && s->compressed_bytes == 40 && s->values == 5 && s->nulls == 1);
    CHECK(s->nans == -1 && s->has_lower && s->upper.bytes == 2);
    CHECK(x->field_id == 6 && x->nans == 2 && !x->has_lower && !x->has_upper);
    CHECK(a->metrics.split_count == 2 && a->metrics.splits[1] == 1000);
    CHECK(b->metrics.leaf_count == 0 && b->metrics.split_count == 0);
    CHECK(a->sort_order_id == -1 && b->sort_order_id == 0);
    teardown(&f);
}

TEST(the_row_counts_and_summarises_exactly)
{
    fixture f;
    setup(&f);
    write_two(&f);
    const pl_ice_manifest *row = &f.row;
    CHECK_INT(f.file.count, row->bytes);
    CHECK(row->added_files == 1 && row->existing_files == 1 && row->deleted_files == 0);
    CHECK(row->added_rows == 5 && row->existing_rows == 7 && row->deleted_rows == 0);
    CHECK_INT(3, row->min_sequence);
    CHECK_INT(PL_ICE_INHERIT, row->sequence);
    CHECK_INT(FIELDS, row->partition_count);
    const pl_ice_summary *p = row->partitions;
    for (int i = 0; i < FIELDS; i++) CHECK(p[i].contains_null == (i != 5 && i != 6));
    for (int i = 0; i < FIELDS; i++) CHECK_INT(i == 5 || i == 6, p[i].contains_nan);
    CHECK_SPAN("a/\xC3\xA9 longer than sixteen points", p[0].upper); // never truncated
    CHECK(p[1].lower.bytes == 4 && memcmp(p[1].lower.data, "\xff\xff\xff\xff", 4) == 0);
    CHECK(p[3].lower.bytes == 1 && (uint8_t)p[3].lower.data[0] == 0x80);
    CHECK(p[4].upper.bytes == 4 && memcmp(p[4].upper.data, "\x3b\x9a\xc9\xff", 4) == 0);
    CHECK(p[5].has_lower && p[5].lower.bytes == 8 && p[6].lower.bytes == 4); // NaN left out
    CHECK(p[7].upper.bytes == 1 && p[7].upper.data[0] == 1);
    teardown(&f);
}

static bool holds(const fixture *f, const char *text)
{
    return memmem(f->file.data, f->file.count, text, strlen(text)) != NULL;
}

TEST(the_header_says_what_readers_ask_for)
{
    fixture f;
    setup(&f);
    write_two(&f);
    CHECK(holds(&f, "{\"name\":\"_1_x20s_x2E_xE9\",\"type\":[\"null\",\"string\"],\"default\":null,"
                    "\"field-id\":1000,\"iceberg-field-name\":\"1 s.\xC3\xA9\"}"));
    CHECK(holds(&f, "{\"name\":\"at_day\",\"type\":[\"null\",{\"type\":\"int\",\"logicalType\":"
                    "\"date\"}],\"default\":null,\"field-id\":1001}"));
    CHECK(holds(&f, "[\"null\",{\"type\":\"fixed\",\"name\":\"decimal_9_2\",\"size\":4,"
                    "\"logicalType\":\"decimal\",\"precision\":9,\"scale\":2}]"));
    CHECK(holds(&f, "{\"name\":\"e\",\"type\":[\"null\",\"decimal_9_2\"],\"default\":null,"
                    "\"field-id\":1004}")); // a name is defined once
    CHECK(holds(&f, "\"name\":\"manifest_entry\""));
    pl_avro_reader reader;
    CHECK_OK(pl_avro_open(&reader, pl_buf_view(&f.file), &f.arena, &f.err), f.err);
    static const char *const header[][2] = {
        {"schema-id", "0"},  {"partition-spec-id", "0"}, {"format-version", "2"},
        {"content", "data"}, {"avro.codec", "deflate"},
    };
    pl_span value;
    for (size_t i = 0; i < PL_COUNT(header); i++) {
        CHECK(pl_avro_header(&reader, header[i][0], &value));
        CHECK_SPAN(header[i][1], value);
    }
    CHECK(pl_avro_header(&reader, "schema", &value));
    CHECK(pl_span_starts(value, PL_SPAN("{\"type\":\"struct\",\"schema-id\":0,\"fields\":[{")));
    CHECK(pl_avro_header(&reader, "partition-spec", &value));
    CHECK(pl_span_starts(value, PL_SPAN("[{\"name\":\"1 s.\xC3\xA9\",\"transform\":\"identity\"")));
    pl_avro_close(&reader);
    teardown(&f);
}

TEST(many_entries_fill_many_blocks)
{
    fixture f;
    setup(&f);
    pl_value values[FIELDS] = {{.kind = PL_STRING, .text = PL_SPAN("x")}};
    for (int i = 1; i < FIELDS; i++) values[i] = (pl_value){.is_null = true};
    pl_ice_manifest_writer writer;
    begin(&f, &writer);
    for (int i = 0; i < 3000; i++) {
        pl_ice_entry entry = {.status = PL_ICE_ADDED,
                              .sequence = PL_ICE_INHERIT,
                              .path = PL_SPAN("file:///lake/t/data/some/longer/path.parquet"),
                              .format = PL_SPAN("PARQUET"),
                              .partition = values,
                              .metrics = {.rows = (uint64_t)i},
                              .sort_order_id = -1};
        pl_ice_manifest_add(&writer, &entry);
    }
    pl_ice_manifest_finish(&writer, &f.row);
    CHECK_INT(PL_ICE_INHERIT, f.row.min_sequence);
    CHECK_OK(read_back(&f), f.err);
    CHECK_INT(3000, f.count);
    for (uint32_t i = 0; i < f.count; i++) CHECK_INT(i, f.entries[i].metrics.rows);
    teardown(&f);
}

TEST(a_list_is_read_back_with_numbers_filled_in)
{
    fixture f;
    setup(&f);
    write_two(&f);
    pl_ice_manifest rows[2] = {f.row, f.row}, *got;
    rows[0].path = PL_SPAN("file:///lake/t/metadata/m0.avro");
    rows[0].snapshot_id = 77;
    rows[0].min_sequence = PL_ICE_INHERIT;
    rows[1] = (pl_ice_manifest){.path = PL_SPAN("m1"),
                                .bytes = 5,
                                .content = 1,
                                .sequence = 2,
                                .min_sequence = 1,
                                .deleted_files = 3,
                                .deleted_rows = 4,
                                .has_key_metadata = true,
                                .key_metadata = PL_SPAN("k")};
    pl_ice_list_head head = {.snapshot_id = 77, .parent_id = PL_ICE_NO_SNAPSHOT, .sequence = 9};
    uint32_t count;
    pl_ice_list_write(&f.file, &head, rows, 2);
    CHECK(holds(&f, "parent-snapshot-id\10null"));
    CHECK_OK(pl_ice_list_read(pl_buf_view(&f.file), "l.avro", &f.arena, &got, &count, &f.err),
             f.err);
    CHECK_INT(2, count);
    CHECK(got[0].sequence == 9 && got[0].min_sequence == 9 && got[0].snapshot_id == 77);
    CHECK(got[0].bytes == f.row.bytes && got[0].added_rows == 5 && got[0].existing_files == 1);
    CHECK_INT(FIELDS, got[0].partition_count);
    CHECK(got[0].partitions[5].contains_nan == 1 && got[0].partitions[0].contains_null);
    CHECK_SPAN("a/\xC3\xA9 longer than sixteen points", got[0].partitions[0].lower);
    CHECK(got[1].sequence == 2 && got[1].min_sequence == 1 && got[1].content == 1);
    CHECK(!got[1].has_partitions && got[1].deleted_files == 3 && got[1].deleted_rows == 4);
    CHECK_SPAN("k", got[1].key_metadata);
    teardown(&f);
}

TEST(old_names_of_the_counts_are_known)
{
    // No field ids at all, the names of early writers, no content and no sequence numbers.
    fixture f;
    setup(&f);
    pl_avro_writer avro;
    pl_avro_begin(&avro, &f.file,
                  PL_SPAN("{\"type\":\"record\",\"name\":\"manifest_file\",\"fields\":["
                          "{\"name\":\"manifest_path\",\"type\":\"string\"},"
                          "{\"name\":\"manifest_length\",\"type\":\"long\"},"
                          "{\"name\":\"partition_spec_id\",\"type\":\"int\"},"
                          "{\"name\":\"added_snapshot_id\",\"type\":[\"long\",\"null\"]},"
                          "{\"name\":\"added_data_files_count\",\"type\":[\"null\",\"int\"]},"
                          "{\"name\":\"existing_data_files_count\",\"type\":[\"null\",\"int\"]},"
                          "{\"name\":\"deleted_data_files_count\",\"type\":[\"null\",\"int\"]},"
                          "{\"name\":\"added_rows_count\",\"type\":\"long\"},"
                          "{\"name\":\"existing_rows_count\",\"type\":\"long\"},"
                          "{\"name\":\"deleted_rows_count\",\"type\":\"long\"}]}"),
                  NULL, 0, sync_bytes);
    pl_avro_put_bytes(&avro.block, PL_SPAN("p"));
    pl_buf_append(&avro.block, "\20\0\0\22\2\24\2\26\2\30\32\34\36", 13);
    pl_avro_record(&avro);
    pl_avro_finish(&avro);
    pl_ice_manifest *rows;
    uint32_t count;
    CHECK_OK(pl_ice_list_read(pl_buf_view(&f.file), "l.avro", &f.arena, &rows, &count, &f.err),
             f.err);
    CHECK_INT(1, count);
    CHECK(rows->bytes == 8 && rows->snapshot_id == 9 && rows->content == 0 && rows->sequence == 0);
    CHECK(rows->added_files == 10 && rows->existing_files == 11 && rows->deleted_files == 12);
    CHECK(rows->added_rows == 13 && rows->existing_rows == 14 && rows->deleted_rows == 15);
    teardown(&f);
}

TEST(single_values_are_read_as_the_column_is_now)
{
    pl_value value;
    const pl_type integer = {.kind = PL_INT}, wide = {.kind = PL_LONG}, real = {.kind = PL_DOUBLE};
    const pl_type money = {.kind = PL_DECIMAL, .precision = 9, .scale = 2};
    const pl_type time = {.kind = PL_TIMESTAMP}, flag = {.kind = PL_BOOLEAN};
    CHECK(pl_ice_value_read(PL_SPAN("\xfe\xff\xff\xff"), &integer, &value) && value.i32 == -2);
    CHECK(pl_ice_value_read(PL_SPAN("\xfe\xff\xff\xff"), &wide, &value) && value.i64 == -2);
    CHECK(pl_ice_value_read(PL_SPAN("\x01\0\0\0\x01\0\0\0"), &wide, &value));
    CHECK_INT(INT64_C(0x100000001), value.i64);
    CHECK(pl_ice_value_read(PL_SPAN("\0\0\xc0\x3f"), &real, &value) && value.f64 == 1.5);
    CHECK(pl_ice_value_read(PL_SPAN("\x04\xd2"), &money, &value) && value.i128 == 1234);
    CHECK(pl_ice_value_read(PL_SPAN("\x80"), &money, &value) && value.i128 == -128);
    CHECK(!pl_ice_value_read(PL_SPAN("\0\0\0\0\0\0\0\0"), &integer, &value));
    CHECK(!pl_ice_value_read(PL_SPAN("\0\0\0\0"), &time, &value));
    CHECK(!pl_ice_value_read(PL_SPAN(""), &money, &value));
    CHECK(!pl_ice_value_read(PL_SPAN("01"), &flag, &value));
    CHECK(!pl_ice_value_read(PL_SPAN("12345678901234567"), &money, &value));
}

TEST(a_file_that_is_no_manifest_is_named)
{
    fixture f;
    setup(&f);
    pl_buf_text(&f.file, "PAR1");
    CHECK_INT(PLUMB_E_MALFORMED, read_back(&f));
    CHECK_STR("cannot read manifest 'm.avro': is not an Avro file", f.err.message);
    f.row.spec_id = 5;
    CHECK_INT(PLUMB_E_MALFORMED, read_back(&f));
    CHECK_STR("cannot read manifest 'm.avro': its partition spec does not exist", f.err.message);
    pl_ice_list_head head = {.snapshot_id = 1};
    pl_ice_list_write(&f.file, &head, &f.row, 1);
    f.row.spec_id = 0;
    CHECK_INT(PLUMB_E_MALFORMED, read_back(&f));
    CHECK_STR("cannot read manifest 'm.avro': an entry has no valid 'status'", f.err.message);
    teardown(&f);
}

// The records of a manifest, uncompressed, so that damage reaches the decoder.
static void store_plain(fixture *f)
{
    pl_avro_reader reader;
    const pl_avro_value *record;
    pl_span schema;
    CHECK_OK(pl_avro_open(&reader, pl_buf_view(&f->file), &f->arena, &f->err), f->err);
    CHECK_OK(pl_avro_next(&reader, &record, &f->err), f->err);
    CHECK(pl_avro_header(&reader, "avro.schema", &schema));
    pl_buf plain = {0};
    pl_buf_append(&plain, "Obj\1", 4);
    pl_avro_put_long(&plain, 1);
    pl_avro_put_bytes(&plain, PL_SPAN("avro.schema"));
    pl_avro_put_bytes(&plain, schema);
    pl_avro_put_long(&plain, 0);
    pl_buf_append(&plain, sync_bytes, 16);
    pl_avro_put_long(&plain, reader.records + 1);
    pl_avro_put_bytes(&plain, pl_buf_view(&reader.inflated));
    pl_buf_append(&plain, sync_bytes, 16);
    pl_avro_close(&reader);
    pl_buf_done(&f->file);
    f->file = plain;
}

static void damage_everywhere(fixture *f)
{
    pl_buf whole = f->file;
    pl_arena_done(&f->arena);
    setup(f);
    f->file = whole;
    f->row.sequence = 9;
    for (size_t i = 0; i < whole.count; i++) {
        f->file.data = pl_alloc(whole.count); // a fresh block: reading past its end is seen
        memcpy(f->file.data, whole.data, whole.count);
        f->file.data[i] ^= (char)(1 << (i % 8));
        PL_IGNORE(read_back(f)); // either answer is right; crashing is not
        free(f->file.data);
        f->file.data = pl_alloc(i + 1);
        memcpy(f->file.data, whole.data, i);
        f->file.count = i;
        plumb_status st = read_back(f);
        CHECK(st != PLUMB_OK || f->count < 2);
        free(f->file.data);
        f->file.count = whole.count;
        if (f->arena.bytes > 1000000) {
            pl_arena_done(&f->arena);
            setup(f);
            f->file.count = whole.count;
            f->row.sequence = 9;
        }
    }
    f->file = whole;
}

TEST(no_damage_crashes_the_reader)
{
    fixture f;
    setup(&f);
    write_two(&f);
    damage_everywhere(&f);
    store_plain(&f);
    damage_everywhere(&f);
    teardown(&f);
}

TEST(no_damage_crashes_the_reader_of_lists)
{
    fixture f;
    setup(&f);
    write_two(&f);
    pl_ice_list_head head = {.snapshot_id = 77, .parent_id = 1, .sequence = 9};
    f.row.path = PL_SPAN("file:///lake/t/metadata/m0.avro");
    pl_ice_list_write(&f.file, &head, &f.row, 1);
    for (size_t i = 0; i < f.file.count; i++) {
        pl_arena arena = {0};
        pl_ice_manifest *rows;
        uint32_t count;
        pl_span cut = {f.file.data, i};
        plumb_status st = pl_ice_list_read(cut, "l.avro", &arena, &rows, &count, &f.err);
        CHECK(st != PLUMB_OK || count == 0);
        f.file.data[i] ^= (char)(1 << (i % 8));
        PL_IGNORE(pl_ice_list_read(pl_buf_view(&f.file), "l.avro", &arena, &rows, &count,
                                   &f.err)); // either answer is right; crashing is not
        f.file.data[i] ^= (char)(1 << (i % 8));
        pl_arena_done(&arena);
    }
    teardown(&f);
}

int main(void)
{
    return RUN_TESTS(
        "iceberg/manifest", T(what_is_written_is_read_back),
        T(the_row_counts_and_summarises_exactly), T(the_header_says_what_readers_ask_for),
        T(many_entries_fill_many_blocks), T(a_list_is_read_back_with_numbers_filled_in),
        T(old_names_of_the_counts_are_known), T(single_values_are_read_as_the_column_is_now),
        T(a_file_that_is_no_manifest_is_named), T(no_damage_crashes_the_reader),
        T(no_damage_crashes_the_reader_of_lists));
}

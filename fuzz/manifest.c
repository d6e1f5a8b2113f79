// A manifest, or a manifest list, of a table that is there: entries come out typed by the table's
// spec, or the file is refused. What is read of a manifest can be written and read again.
//
// SPDX-License-Identifier: Apache-2.0
#include "iceberg/manifest.h"

#include "fuzz.h"
#include "table.h"

enum { FIELDS = 6 };
static const uint8_t sync_bytes[16] = "0123456789abcdef";

static pl_ice_metadata *table(pl_arena *arena)
{
    pl_ice_metadata *metadata;
    FUZZ_CHECK(pl_ice_metadata_parse(PL_SPAN(FUZZ_TABLE), "t", arena, &metadata, NULL) == PLUMB_OK);
    return metadata;
}

static void check_entries(const pl_ice_metadata *metadata, const pl_ice_entry *entries,
                          uint32_t count)
{
    const pl_partition_spec *spec = &metadata->specs[0].spec;
    for (uint32_t i = 0; i < count; i++) {
        const pl_ice_entry *entry = &entries[i];
        FUZZ_CHECK(entry->status >= PL_ICE_EXISTING && entry->status <= PL_ICE_DELETED);
        for (uint32_t f = 0; f < spec->count; f++) {
            pl_type type;
            pl_buf text = {0};
            const pl_schema *schema = &metadata->schemas[0].schema;
            FUZZ_CHECK(pl_ice_partition_type(schema, &spec->fields[f], &type));
            FUZZ_CHECK(entry->partition[f].is_null || entry->partition[f].kind == type.kind);
            pl_value_text(&text, &entry->partition[f], &type);
            pl_buf_done(&text);
        }
        for (uint32_t l = 0; l < entry->metrics.leaf_count; l++) {
            const pl_leaf_metrics *leaf = &entry->metrics.leaves[l];
            pl_value value;
            int at = pl_schema_find_id(&metadata->schemas[0].schema, leaf->field_id);
            if (at < 0 || !leaf->has_lower) continue;
            (void)pl_ice_value_read(leaf->lower, &metadata->schemas[0].schema.fields[at].type,
                                    &value);
        }
    }
}

static void read_manifest(pl_span file, pl_arena *arena)
{
    pl_ice_metadata *metadata = table(arena);
    pl_ice_manifest row = {.sequence = 9, .snapshot_id = 77};
    pl_ice_entry *entries;
    uint32_t count;
    plumb_error err = {0};
    if (pl_ice_manifest_read(file, "m.avro", &row, metadata, arena, &entries, &count, &err) ==
        PLUMB_OK)
        check_entries(metadata, entries, count);
    else
        FUZZ_CHECK(err.message[0]);
}

static void read_list(pl_span file, pl_arena *arena)
{
    pl_ice_manifest *rows, *again;
    uint32_t count, count_again;
    pl_buf out = {0};
    pl_ice_list_head head = {.snapshot_id = 77, .parent_id = PL_ICE_NO_SNAPSHOT, .sequence = 9};
    if (pl_ice_list_read(file, "l.avro", arena, &rows, &count, NULL) == PLUMB_OK) {
        pl_ice_list_write(&out, &head, rows, count);
        FUZZ_CHECK(pl_ice_list_read(pl_buf_view(&out), "l", arena, &again, &count_again, NULL) ==
                   PLUMB_OK);
        FUZZ_CHECK(count == count_again);
        for (uint32_t i = 0; i < count; i++) {
            FUZZ_CHECK(pl_span_equal(rows[i].path, again[i].path));
            FUZZ_CHECK(rows[i].partition_count == again[i].partition_count);
        }
    }
    pl_buf_done(&out);
}

void fuzz_one(pl_span input)
{
    pl_arena arena = {0};
    if (fuzz_byte(&input) % 2)
        read_list(input, &arena);
    else
        read_manifest(input, &arena);
    pl_arena_done(&arena);
}

static void seed_as(unsigned how, pl_span file)
{
    pl_buf seed = {0};
    pl_buf_char(&seed, (char)how);
    pl_buf_span(&seed, file);
    fuzz_seed(pl_buf_view(&seed));
    pl_buf_done(&seed);
}

// A file as it is, and without its compression.
static void seed_both(unsigned how, pl_span file)
{
    pl_arena arena = {0};
    pl_avro_reader reader;
    const pl_avro_value *record;
    pl_buf plain = {0};
    pl_span schema;
    seed_as(how, file);
    FUZZ_CHECK(pl_avro_open(&reader, file, &arena, NULL) == PLUMB_OK);
    FUZZ_CHECK(pl_avro_header(&reader, "avro.schema", &schema));
    FUZZ_CHECK(pl_avro_next(&reader, &record, NULL) == PLUMB_OK && record);
    pl_buf_append(&plain, "Obj\1", 4);
    pl_avro_put_long(&plain, 1);
    pl_avro_put_bytes(&plain, PL_SPAN("avro.schema"));
    pl_avro_put_bytes(&plain, schema);
    pl_avro_put_long(&plain, 0);
    pl_buf_append(&plain, sync_bytes, 16);
    pl_avro_put_long(&plain, reader.records + 1);
    pl_avro_put_bytes(&plain, pl_buf_view(&reader.inflated));
    pl_buf_append(&plain, sync_bytes, 16);
    seed_as(how, pl_buf_view(&plain));
    pl_avro_close(&reader);
    pl_buf_done(&plain);
    pl_arena_done(&arena);
}

void fuzz_seeds(void)
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
         .upper = {"b", 1}},
        {.field_id = 6, .compressed_bytes = 41, .values = 5, .nans = 2},
    };
    static int64_t splits[] = {4, 1000};
    const pl_value some[FIELDS] = {
        {.kind = PL_STRING, .text = PL_SPAN("a/b")},
        {.kind = PL_DATE, .i32 = -1},
        {.kind = PL_INT, .i32 = 5},
        {.kind = PL_DECIMAL, .i128 = -128},
        {.kind = PL_DOUBLE, .f64 = -0.5},
        {.kind = PL_BOOLEAN, .boolean = true},
    };
    static const pl_value none[FIELDS] = {
        {.kind = PL_STRING, .is_null = true}, {.kind = PL_DATE, .is_null = true},
        {.kind = PL_INT, .is_null = true},    {.kind = PL_DECIMAL, .is_null = true},
        {.kind = PL_DOUBLE, .is_null = true}, {.kind = PL_BOOLEAN, .is_null = true},
    };
    pl_arena arena = {0};
    pl_buf file = {0};
    pl_ice_metadata *metadata = table(&arena);
    pl_ice_manifest_writer writer;
    pl_ice_manifest_begin(&writer, &file, &metadata->schemas[0], &metadata->specs[0].spec,
                          sync_bytes, &arena);
    pl_ice_entry entry = {.status = PL_ICE_ADDED,
                          .snapshot_id = 77,
                          .sequence = PL_ICE_INHERIT,
                          .file_sequence = PL_ICE_INHERIT,
                          .path = PL_SPAN("file:///lake/t/data/a.parquet"),
                          .format = PL_SPAN("PARQUET"),
                          .partition = some,
                          .metrics = {1234, 5, 2, leaves, 2, splits},
                          .sort_order_id = -1};
    pl_ice_manifest_add(&writer, &entry);
    entry.status = PL_ICE_EXISTING;
    entry.sequence = entry.file_sequence = 3;
    entry.partition = none;
    entry.metrics = (pl_file_metrics){.bytes = 10, .rows = 7};
    pl_ice_manifest_add(&writer, &entry);
    pl_ice_manifest row;
    pl_ice_manifest_finish(&writer, &row);
    seed_both(0, pl_buf_view(&file));
    row.path = PL_SPAN("file:///lake/t/metadata/m.avro");
    row.snapshot_id = 77;
    pl_buf_reset(&file);
    pl_ice_list_head head = {.snapshot_id = 77, .parent_id = 7, .sequence = 9};
    memcpy(head.sync, sync_bytes, 16);
    pl_ice_list_write(&file, &head, &row, 1);
    seed_both(1, pl_buf_view(&file));
    pl_buf_done(&file);
    pl_arena_done(&arena);
}

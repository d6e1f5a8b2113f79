// SPDX-License-Identifier: Apache-2.0
#include "iceberg/metadata.h"

#include <stdlib.h>

#include "unit.h"

// One line, in the member order of the Java library.
#define HEAD                                                                                       \
    "{\"format-version\":2,\"table-uuid\":\"9c12d441-03fe-4693-9a96-a0705ddf69c1\","               \
    "\"location\":\"file:///lake/t\",\"last-sequence-number\":3,"                                  \
    "\"last-updated-ms\":1700000000000,\"last-column-id\":5,"
#define SCHEMAS                                                                                    \
    "\"current-schema-id\":0,\"schemas\":[{\"type\":\"struct\",\"schema-id\":0,"                   \
    "\"identifier-field-ids\":[1],\"fields\":[{\"id\":1,\"name\":\"x\",\"required\":true,"         \
    "\"type\":\"long\"},{\"id\":2,\"name\":\"d\",\"required\":false,\"type\":\"decimal(9, 2)\","   \
    "\"doc\":\"a \\\"price\\\"\"},{\"id\":3,\"name\":\"l\",\"required\":false,\"type\":"           \
    "{\"type\":\"list\",\"element-id\":4,\"element\":\"timestamptz\","                             \
    "\"element-required\":false}}]}],"
#define SPECS                                                                                      \
    "\"default-spec-id\":0,\"partition-specs\":[{\"spec-id\":0,\"fields\":[{\"name\":\"x_b\","     \
    "\"transform\":\"bucket[16]\",\"source-id\":1,\"field-id\":1000}]}],"                          \
    "\"last-partition-id\":1000,"
#define ORDERS     "\"default-sort-order-id\":0,\"sort-orders\":[{\"order-id\":0,\"fields\":[]}],"
#define PROPERTIES "\"properties\":{\"owner\":\"a/b\"},"
#define SNAPSHOTS                                                                                  \
    "\"current-snapshot-id\":7,\"refs\":{\"main\":{\"snapshot-id\":7,\"type\":\"branch\"},"        \
    "\"old\":{\"snapshot-id\":7,\"type\":\"tag\",\"max-ref-age-ms\":5}},"                          \
    "\"snapshots\":[{\"sequence-number\":3,\"snapshot-id\":7,\"timestamp-ms\":1699999999999,"      \
    "\"summary\":{\"operation\":\"append\",\"total-records\":\"12\"},"                             \
    "\"manifest-list\":\"file:///lake/t/metadata/snap-7.avro\",\"schema-id\":0}],"
#define LOGS                                                                                       \
    "\"statistics\":[{\"snapshot-id\":7}],\"partition-statistics\":[],"                            \
    "\"snapshot-log\":[{\"timestamp-ms\":1699999999999,\"snapshot-id\":7}],"                       \
    "\"metadata-log\":[{\"timestamp-ms\":1699999999000,\"metadata-file\":\"file:///lake/m\"}]"
#define TAIL  ",\"from-the-future\":{\"a\":[1,2.50,null]}}"
#define WHOLE HEAD SCHEMAS SPECS ORDERS PROPERTIES SNAPSHOTS LOGS TAIL

static plumb_status parse(const char *text, pl_arena *arena, pl_ice_metadata **ret,
                          plumb_error *err)
{
    return pl_ice_metadata_parse(pl_span_of(text), "v.json", arena, ret, err);
}

TEST(what_is_read_is_written_back_byte_for_byte)
{
    pl_arena arena = {0};
    pl_buf out = {0};
    plumb_error err = {0};
    pl_ice_metadata *m;
    CHECK_OK(parse(WHOLE, &arena, &m, &err), err);
    pl_ice_metadata_write(&out, m);
    CHECK_SPAN(WHOLE, pl_buf_view(&out));
    pl_buf_done(&out);
    pl_arena_done(&arena);
}

TEST(every_part_is_understood)
{
    pl_arena arena = {0};
    plumb_error err = {0};
    pl_ice_metadata *m;
    pl_span text;
    CHECK_OK(parse(WHOLE, &arena, &m, &err), err);
    CHECK_SPAN("file:///lake/t", m->location);
    CHECK_INT(3, m->last_sequence);
    const pl_schema *schema = &pl_ice_schema_by_id(m, 0)->schema;
    CHECK_INT(3, schema->count);
    CHECK(schema->fields[0].required);
    CHECK_INT(PL_DECIMAL, schema->fields[1].type.kind);
    CHECK_INT(9, schema->fields[1].type.precision);
    CHECK_INT(2, schema->fields[1].type.scale);
    CHECK_SPAN("a \"price\"", schema->fields[1].doc);
    CHECK_INT(4, schema->fields[2].type.element_id);
    CHECK_INT(PL_TIMESTAMP, schema->fields[2].type.element->kind);
    const pl_partition_field *field = &pl_ice_spec_by_id(m, 0)->spec.fields[0];
    CHECK_SPAN("x", field->source);
    CHECK_INT(PL_BUCKET, field->transform.kind);
    CHECK_INT(16, field->transform.parameter);
    const pl_ice_snapshot *snapshot = pl_ice_snapshot_by_id(m, 7);
    CHECK_INT(PL_ICE_NO_SNAPSHOT, snapshot->parent_id);
    CHECK_SPAN("append", snapshot->operation);
    CHECK(pl_ice_pair_find(snapshot->summary, snapshot->summary_count, "total-records", &text));
    CHECK_SPAN("12", text);
    CHECK(!pl_ice_snapshot_by_id(m, 8));
    pl_arena_done(&arena);
}

TEST(a_short_foreign_file_gets_the_members_java_writes)
{
    // No properties, snapshots, refs or logs; a slash after the location; white space.
    pl_arena arena = {0};
    pl_buf out = {0};
    plumb_error err = {0};
    pl_ice_metadata *m;
    CHECK_OK(
        parse("{\"format-version\": 2, \"table-uuid\": \"u\", \"location\": \"s3://b/t/\",\n"
              " \"last-sequence-number\": 34, \"last-updated-ms\": 5, \"last-column-id\": 1,\n"
              " \"current-schema-id\": 0, \"schemas\": [ {\"type\": \"struct\", \"fields\": [],"
              " \"schema-id\": 0} ], \"schema\": {}, \"default-spec-id\": 0,\n"
              " \"partition-specs\": [{\"spec-id\": 0, \"fields\": []}],\n"
              " \"last-partition-id\": 999, \"default-sort-order-id\": 0,\n"
              " \"sort-orders\": [{\"order-id\": 0, \"fields\": []}]}",
              &arena, &m, &err),
        err);
    pl_ice_metadata_write(&out, m);
    CHECK_SPAN("{\"format-version\":2,\"table-uuid\":\"u\",\"location\":\"s3://b/t\","
               "\"last-sequence-number\":34,\"last-updated-ms\":5,\"last-column-id\":1,"
               "\"current-schema-id\":0,\"schemas\":[{\"type\":\"struct\",\"fields\":[],"
               "\"schema-id\":0}],\"default-spec-id\":0,\"partition-specs\":[{\"spec-id\":0,"
               "\"fields\":[]}],\"last-partition-id\":999,\"default-sort-order-id\":0,"
               "\"sort-orders\":[{\"order-id\":0,\"fields\":[]}],\"properties\":{},"
               "\"current-snapshot-id\":-1,\"refs\":{},\"snapshots\":[],\"statistics\":[],"
               "\"partition-statistics\":[],\"snapshot-log\":[],\"metadata-log\":[]}",
               pl_buf_view(&out));
    pl_buf_done(&out);
    pl_arena_done(&arena);
}

TEST(types_plumb_has_no_kind_for_make_a_schema_foreign)
{
    static const char *const cases[][2] = {
        {"\"uuid\"", "column 'm' has type uuid"},
        {"\"timestamp\"", "column 'm' has type timestamp"},
        {"{\"type\":\"map\",\"key-id\":2}", "column 'm' has type map"},
        {"{\"type\":\"list\",\"element-id\":2,\"element\":\"int\",\"element-required\":true}",
         "column 'm' has type list of required elements"},
        {"\"decimal(39, 0)\"", "column 'm' has type decimal(39, 0)"},
    };
    for (size_t i = 0; i < PL_COUNT(cases); i++) {
        pl_arena arena = {0};
        plumb_error err = {0};
        pl_ice_metadata *m;
        const char *text = pl_arena_printf(
            &arena,
            "%s\"current-schema-id\":0,\"schemas\":[{\"type\":\"struct\",\"schema-id\":0,"
            "\"fields\":[{\"id\":1,\"name\":\"m\",\"required\":false,\"type\":%s}]}],"
            "\"default-spec-id\":0,\"partition-specs\":[{\"spec-id\":0,\"fields\":[]}],"
            "\"last-partition-id\":999,%s\"current-snapshot-id\":null}",
            HEAD, cases[i][0], ORDERS);
        CHECK_OK(parse(text, &arena, &m, &err), err);
        CHECK_STR(cases[i][1], m->schemas[0].foreign);
        pl_arena_done(&arena);
    }
}

static void check_refused(const char *reason, const char *text)
{
    pl_arena arena = {0};
    plumb_error err = {0};
    pl_ice_metadata *m;
    CHECK_INT(PLUMB_E_MALFORMED, parse(text, &arena, &m, &err));
    CHECK_STR(pl_arena_printf(&arena, "cannot read table metadata 'v.json': %s", reason),
              err.message);
    pl_arena_done(&arena);
}

TEST(what_no_engine_opens_is_refused_with_the_reason)
{
    check_refused("it is not an object", "[]");
    check_refused("it has no 'format-version'", "{}");
    check_refused("it has format version 3, and plumb knows version 2", "{\"format-version\":3}");
    check_refused("'location' is not a string",
                  "{\"format-version\":2,\"table-uuid\":\"u\",\"location\":1}");
    check_refused("it has no 'schemas'", HEAD SPECS ORDERS "\"a\":1}");
    check_refused("the current schema 2 does not exist",
                  HEAD "\"schemas\":[],\"current-schema-id\":2," SPECS ORDERS "\"a\":1}");
    check_refused("it has no 'partition-specs'", HEAD SCHEMAS ORDERS "\"a\":1}");
    check_refused("it has no 'last-partition-id'",
                  HEAD SCHEMAS "\"default-spec-id\":0,\"partition-specs\":[]}");
    check_refused("it has no 'sort-orders'", HEAD SCHEMAS SPECS "\"a\":1}");
    check_refused("the default sort order 1 does not exist",
                  HEAD SCHEMAS SPECS "\"sort-orders\":[],\"default-sort-order-id\":1}");
    check_refused("the current snapshot 9 does not exist",
                  HEAD SCHEMAS SPECS ORDERS "\"current-snapshot-id\":9}");
    check_refused("ref 'b' names snapshot 9, which does not exist",
                  HEAD SCHEMAS SPECS ORDERS "\"refs\":{\"b\":{\"snapshot-id\":9}}}");
    check_refused("snapshot 7 is newer than the table's last sequence number",
                  HEAD SCHEMAS SPECS ORDERS
                  "\"snapshots\":[{\"snapshot-id\":7,\"sequence-number\":4,\"timestamp-ms\":1,"
                  "\"manifest-list\":\"m\"}]}");
    check_refused("it has no 'operation'", HEAD SCHEMAS SPECS ORDERS
                  "\"snapshots\":[{\"snapshot-id\":7,\"sequence-number\":3,\"timestamp-ms\":1,"
                  "\"manifest-list\":\"m\",\"summary\":{}}]}");
    check_refused("'snapshot-log' is not in order of time", HEAD SCHEMAS SPECS ORDERS
                  "\"snapshot-log\":[{\"timestamp-ms\":99999,\"snapshot-id\":7},"
                  "{\"timestamp-ms\":39998,\"snapshot-id\":7}]}");
    check_refused("'last-updated-ms' is before the end of 'metadata-log'", HEAD SCHEMAS SPECS ORDERS
                  "\"metadata-log\":[{\"timestamp-ms\":1700000060001,\"metadata-file\":\"m\"}]}");
}

TEST(no_damage_crashes_the_parser)
{
    pl_arena arena = {0};
    plumb_error err = {0};
    pl_ice_metadata *m;
    size_t bytes = strlen(WHOLE);
    char *copy = pl_alloc(bytes);
    for (size_t i = 0; i < bytes; i++) {
        memcpy(copy, WHOLE, bytes);
        CHECK(pl_ice_metadata_parse((pl_span){copy, i}, "v.json", &arena, &m, &err) != PLUMB_OK);
        for (int bit = 0; bit < 8; bit++) {
            copy[i] ^= (char)(1 << bit);
            PL_IGNORE(pl_ice_metadata_parse((pl_span){copy, bytes}, "v.json", &arena, &m,
                                            &err)); // either answer is right; crashing is not
            copy[i] ^= (char)(1 << bit);
        }
        pl_arena_reset(&arena);
    }
    free(copy);
    pl_arena_done(&arena);
}

TEST(a_uuid_is_written_in_five_groups)
{
    const uint8_t uuid[16] = {0x9c, 0x12, 0xd4, 0x41, 0x03, 0xfe, 0x46, 0x93,
                              0x9a, 0x96, 0xa0, 0x70, 0x5d, 0xdf, 0x69, 0xc1};
    char text[37];
    pl_ice_uuid_text(uuid, text);
    CHECK_STR("9c12d441-03fe-4693-9a96-a0705ddf69c1", text);
}

int main(void)
{
    return RUN_TESTS("iceberg/metadata", T(what_is_read_is_written_back_byte_for_byte),
                     T(every_part_is_understood),
                     T(a_short_foreign_file_gets_the_members_java_writes),
                     T(types_plumb_has_no_kind_for_make_a_schema_foreign),
                     T(what_no_engine_opens_is_refused_with_the_reason),
                     T(no_damage_crashes_the_parser), T(a_uuid_is_written_in_five_groups));
}

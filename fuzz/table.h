// table.h -- the table that manifests and metadata are made for here: its metadata as JSON.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_FUZZ_TABLE_H
#define PL_FUZZ_TABLE_H

#define FUZZ_TABLE                                                                                 \
    "{\"format-version\":2,\"table-uuid\":\"9c12d441-03fe-4693-9a96-a0705ddf69c1\","               \
    "\"location\":\"file:///lake/t\",\"last-sequence-number\":9,\"last-updated-ms\":5,"            \
    "\"last-column-id\":10,\"current-schema-id\":0,\"schemas\":[{\"type\":\"struct\","             \
    "\"schema-id\":0,\"identifier-field-ids\":[1],\"fields\":["                                    \
    "{\"id\":1,\"name\":\"s\",\"required\":true,\"type\":\"string\",\"doc\":\"a \\\"name\\\"\"},"  \
    "{\"id\":2,\"name\":\"at\",\"required\":false,\"type\":\"timestamptz\"},"                      \
    "{\"id\":3,\"name\":\"n\",\"required\":false,\"type\":\"long\"},"                              \
    "{\"id\":4,\"name\":\"d\",\"required\":false,\"type\":\"decimal(9, 2)\"},"                     \
    "{\"id\":6,\"name\":\"x\",\"required\":false,\"type\":\"double\"},"                            \
    "{\"id\":8,\"name\":\"b\",\"required\":false,\"type\":\"boolean\"},"                           \
    "{\"id\":9,\"name\":\"l\",\"required\":false,\"type\":{\"type\":\"list\",\"element-id\":10,"   \
    "\"element\":\"date\",\"element-required\":false}}]}],"                                        \
    "\"default-spec-id\":0,\"partition-specs\":[{\"spec-id\":0,\"fields\":["                       \
    "{\"name\":\"s\",\"transform\":\"identity\",\"source-id\":1,\"field-id\":1000},"               \
    "{\"name\":\"at_day\",\"transform\":\"day\",\"source-id\":2,\"field-id\":1001},"               \
    "{\"name\":\"n_bucket\",\"transform\":\"bucket[16]\",\"source-id\":3,\"field-id\":1002},"      \
    "{\"name\":\"d\",\"transform\":\"identity\",\"source-id\":4,\"field-id\":1003},"               \
    "{\"name\":\"x\",\"transform\":\"identity\",\"source-id\":6,\"field-id\":1005},"               \
    "{\"name\":\"b\",\"transform\":\"identity\",\"source-id\":8,\"field-id\":1007}]}],"            \
    "\"last-partition-id\":1007,\"default-sort-order-id\":0,"                                      \
    "\"sort-orders\":[{\"order-id\":0,\"fields\":[]}],\"properties\":{\"owner\":\"a/b\"},"         \
    "\"current-snapshot-id\":7,\"refs\":{\"main\":{\"snapshot-id\":7,\"type\":\"branch\"}},"       \
    "\"snapshots\":[{\"sequence-number\":3,\"snapshot-id\":7,\"timestamp-ms\":4,"                  \
    "\"summary\":{\"operation\":\"append\",\"total-records\":\"12\"},"                             \
    "\"manifest-list\":\"file:///lake/t/metadata/snap-7.avro\",\"schema-id\":0}],"                 \
    "\"statistics\":[{\"snapshot-id\":7}],\"partition-statistics\":[],"                            \
    "\"snapshot-log\":[{\"timestamp-ms\":4,\"snapshot-id\":7}],"                                   \
    "\"metadata-log\":[{\"timestamp-ms\":3,\"metadata-file\":\"file:///lake/m\"}],"                \
    "\"from-the-future\":{\"a\":[1,2.50,null]}}"

#endif

// metadata.json: what is taken is written as text that is taken again and written the same.
//
// SPDX-License-Identifier: Apache-2.0
#include "iceberg/metadata.h"

#include "fuzz.h"
#include "table.h"

void fuzz_one(pl_span input)
{
    pl_arena arena = {0};
    plumb_error err = {0};
    pl_ice_metadata *metadata;
    if (pl_ice_metadata_parse(input, "m.json", &arena, &metadata, &err) == PLUMB_OK) {
        pl_buf once = {0}, twice = {0};
        pl_ice_metadata *again;
        pl_ice_metadata_write(&once, metadata);
        FUZZ_CHECK(pl_ice_metadata_parse(pl_buf_view(&once), "again.json", &arena, &again, &err) ==
                   PLUMB_OK);
        pl_ice_metadata_write(&twice, again);
        FUZZ_CHECK(pl_span_equal(pl_buf_view(&once), pl_buf_view(&twice)));
        FUZZ_CHECK(pl_ice_schema_by_id(metadata, metadata->current_schema_id));
        FUZZ_CHECK(pl_ice_spec_by_id(metadata, metadata->default_spec_id));
        if (metadata->current_snapshot_id != PL_ICE_NO_SNAPSHOT)
            FUZZ_CHECK(pl_ice_snapshot_by_id(metadata, metadata->current_snapshot_id));
        pl_buf_done(&once);
        pl_buf_done(&twice);
    } else {
        FUZZ_CHECK(err.message[0]);
    }
    pl_arena_done(&arena);
}

void fuzz_seeds(void)
{
    fuzz_seed_text(FUZZ_TABLE);
    fuzz_seed_text("{\"format-version\":2,\"table-uuid\":\"u\",\"location\":\"/t/\","
                   "\"last-sequence-number\":0,\"last-updated-ms\":1,\"last-column-id\":3,"
                   "\"schemas\":[{\"type\":\"struct\",\"schema-id\":1,\"fields\":[{\"id\":3,"
                   "\"name\":\"m\",\"required\":false,\"type\":{\"type\":\"map\",\"key-id\":1,"
                   "\"key\":\"string\",\"value-id\":2,\"value\":\"uuid\",\"value-required\":true}}"
                   "]}],\"current-schema-id\":1,\"partition-specs\":[{\"spec-id\":3,\"fields\":[]}"
                   "],\"default-spec-id\":3,\"last-partition-id\":999,\"sort-orders\":[{"
                   "\"order-id\":0,\"fields\":[]}],\"default-sort-order-id\":0,"
                   "\"current-snapshot-id\":-1}");
}

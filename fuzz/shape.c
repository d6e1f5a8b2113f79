// Shapes: any document is read or refused, what was read is written the same twice and merges with
// itself; any JSON is a record.
//
// SPDX-License-Identifier: Apache-2.0
#include <float.h>

#include "shape/shape.h"

#include "fuzz.h"

static void write_to(pl_buf *out, const pl_shape *shape)
{
    pl_json_writer writer = pl_json_writer_on(out, 0);
    pl_shape_write(&writer, shape);
}

static void check(const pl_shape *shape)
{
    pl_arena arena = {0};
    plumb_error err = {0};
    pl_buf once = {0}, twice = {0};
    pl_json *document;
    pl_shape again;
    write_to(&once, shape);
    FUZZ_CHECK(pl_json_parse(pl_buf_view(&once), &arena, &document, &err) == PLUMB_OK);
    FUZZ_CHECK(pl_shape_read(document, &again, &err) == PLUMB_OK);
    write_to(&twice, &again);
    FUZZ_CHECK(pl_span_equal(pl_buf_view(&once), pl_buf_view(&twice)));
    pl_shape_merge(&again, shape);
    for (uint32_t i = 0; i < again.count; i++) {
        const pl_shape_values *values = again.paths[i].values;
        if (values && values->quantiles.count)
            FUZZ_CHECK(pl_quantiles_at(&values->quantiles, 0.5) <= DBL_MAX);
        if (values) FUZZ_CHECK(pl_distinct_count(&values->distinct) >= 0);
        pl_buf_reset(&twice);
        pl_shape_path_write(&twice, &again, i);
    }
    pl_shape_done(&again);
    pl_buf_done(&once);
    pl_buf_done(&twice);
    pl_arena_done(&arena);
}

void fuzz_one(pl_span input)
{
    pl_arena arena = {0};
    plumb_error err = {0};
    pl_json *document;
    pl_shape shape;
    if (pl_json_parse(input, &arena, &document, &err) == PLUMB_OK) {
        if (pl_shape_read(document, &shape, &err) == PLUMB_OK) {
            check(&shape);
            pl_shape_done(&shape);
        } else {
            FUZZ_CHECK(err.message[0]);
        }
        pl_span name = document->raw;
        pl_shape_init(&shape);
        pl_shape_object(&shape, 1);
        pl_shape_record(&shape, document);
        pl_shape_sample(&shape, document, pl_shape_entity(&name, 1));
        pl_shape_document(&shape, pl_shape_around(&shape), document, true);
        pl_shape_settle(&shape);
        check(&shape);
        pl_shape_done(&shape);
    }
    pl_arena_done(&arena);
}

static void seed_shape(uint32_t records)
{
    pl_shape shape;
    pl_buf text = {0};
    pl_shape_init(&shape);
    for (uint32_t i = 0; i < records; i++) {
        char json[160];
        pl_arena arena = {0};
        pl_json *record;
        plumb_error err;
        snprintf(
            json, sizeof json,
            "{\"id\":%u,\"n\":-%u.5,\"s\":\"t%u\",\"p\":\"%u%%\",\"a\":[%u,true,{\"x y\":null}]}",
            i, i * i, i, i % 100, i + 1700000000);
        FUZZ_CHECK(pl_json_parse(pl_span_of(json), &arena, &record, &err) == PLUMB_OK);
        if (i % 4 == 0) pl_shape_object(&shape, i + 1);
        pl_shape_record(&shape, record);
        pl_shape_sample(&shape, record, pl_shape_entity(&record->first->raw, 1));
        pl_arena_done(&arena);
    }
    pl_shape_settle(&shape);
    write_to(&text, &shape);
    fuzz_seed(pl_buf_view(&text));
    pl_buf_done(&text);
    pl_shape_done(&shape);
}

void fuzz_seeds(void)
{
    fuzz_seed_text("{\"id\":\"a\",\"t\":\"2026-11-22T10:00:00Z\",\"u\":\"https://a.b/\",\"k\":1,"
                   "\"k\":[[],[1e400,-0,9007199254740993]],\"\":{\"a.b\":\"\\u00e9\"}}");
    // Values without pairs.
    fuzz_seed_text("{\"version\":1,\"records\":1,\"sampled\":1,\"objects\":1,\"first_us\":1,"
                   "\"last_us\":1,\"entities\":\"\",\"paths\":[{\"kinds\":[0,0,1,0,0,0,0],"
                   "\"objects\":1,\"first_us\":1,\"last_us\":1,\"values\":{\"count\":1,"
                   "\"classes\":[0,1,0,0,0,0,0,0,0,0,0,0],\"range\":[1.0,1.0],\"zero\":0,"
                   "\"buckets\":[0,1]}}]}");
    seed_shape(0);
    seed_shape(3);
    seed_shape(300);
}

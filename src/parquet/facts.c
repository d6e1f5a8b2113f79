// SPDX-License-Identifier: Apache-2.0
#include "parquet/facts.h"

#include "parquet/format_int.h"
#include "parquet/thrift_read_int.h"

typedef struct reading {
    pl_thrift_in in;
    pl_arena *arena;
    pl_parquet_facts *facts;
} reading;

// --- schema --------------------------------------------------------------------------------------

typedef struct element {
    int32_t physical, children, field_id;
    pl_span name;
} element;

static element read_element(pl_thrift_in *in)
{
    element e = {-1, 0, -1, {0}};
    in->type = PL_THRIFT_STRUCT;
    if (!pl_thrift__enter(in)) return e;
    while (pl_thrift__next(in)) {
        if (in->id == 1)
            e.physical = pl_thrift__get_i32(in);
        else if (in->id == 4)
            e.name = pl_thrift__get_text(in);
        else if (in->id == 5)
            e.children = pl_thrift__get_i32(in);
        else if (in->id == 9)
            e.field_id = pl_thrift__get_i32(in);
        else
            pl_thrift__skip(in);
    }
    return e;
}

// The elements are the tree in depth-first order, each with its number of children.
static void read_schema(reading *r)
{
    if (r->facts->leaves) pl_thrift__fault(&r->in, "it has two schemas");
    uint32_t count = pl_thrift__get_list(&r->in, PL_THRIFT_STRUCT);
    if (!count) return;
    pl_parquet_leaf *leaves = PL_TAKE(r->arena, pl_parquet_leaf, count);
    uint32_t leaf_count = 0;
    int64_t open = 0; // children still to come of groups below the root
    for (uint32_t i = 0; i < count && !r->in.reason; i++) {
        element e = read_element(&r->in);
        bool top = i > 0 && open == 0;
        if (i == 0) continue;
        if (open) open--;
        if (e.children > 0)
            open += e.children;
        else
            leaves[leaf_count++] = (pl_parquet_leaf){e.name, e.field_id, e.physical, top};
    }
    r->facts->leaves = leaves;
    r->facts->leaf_count = leaf_count;
}

// --- row groups ----------------------------------------------------------------------------------

static void read_statistics(pl_thrift_in *in, pl_parquet_chunk *chunk)
{
    bool min_exact = true, max_exact = true;
    if (!pl_thrift__enter(in)) return;
    while (pl_thrift__next(in)) {
        switch (in->id) {
        case 3:
            chunk->nulls = pl_thrift__get_i64(in);
            break;
        case 5:
            chunk->max = pl_thrift__get_text(in);
            chunk->has_max = true;
            break;
        case 6:
            chunk->min = pl_thrift__get_text(in);
            chunk->has_min = true;
            break;
        case 7:
            max_exact = pl_thrift__get_bool(in);
            break;
        case 8:
            min_exact = pl_thrift__get_bool(in);
            break;
        default:
            pl_thrift__skip(in);
        }
    }
    chunk->has_min &= min_exact;
    chunk->has_max &= max_exact;
}

static void read_metadata(pl_thrift_in *in, pl_parquet_chunk *chunk)
{
    int64_t dictionary = 0;
    if (!pl_thrift__enter(in)) return;
    while (pl_thrift__next(in)) {
        if (in->id == 5)
            chunk->values = pl_thrift__get_i64(in);
        else if (in->id == 9)
            chunk->offset = pl_thrift__get_i64(in);
        else if (in->id == 11)
            dictionary = pl_thrift__get_i64(in);
        else if (in->id == 12)
            read_statistics(in, chunk);
        else
            pl_thrift__skip(in);
    }
    if (dictionary > 0 && dictionary < chunk->offset) chunk->offset = dictionary;
}

static void read_chunks(reading *r, pl_parquet_group *group)
{
    uint32_t count = pl_thrift__get_list(&r->in, PL_THRIFT_STRUCT);
    if (count != r->facts->leaf_count)
        pl_thrift__fault(&r->in, "a row group has not one chunk per column");
    group->chunks = PL_TAKE(r->arena, pl_parquet_chunk, count);
    for (uint32_t i = 0; i < count && !r->in.reason; i++) {
        group->chunks[i].nulls = -1;
        r->in.type = PL_THRIFT_STRUCT;
        if (!pl_thrift__enter(&r->in)) return;
        while (pl_thrift__next(&r->in)) {
            if (r->in.id == 3)
                read_metadata(&r->in, &group->chunks[i]);
            else
                pl_thrift__skip(&r->in);
        }
    }
}

static void read_sorted(reading *r, pl_parquet_group *group)
{
    pl_thrift_in *in = &r->in;
    group->sorted_count = pl_thrift__get_list(in, PL_THRIFT_STRUCT);
    group->sorted = PL_TAKE(r->arena, pl_parquet_sorted, group->sorted_count);
    for (uint32_t i = 0; i < group->sorted_count && !in->reason; i++) {
        pl_parquet_sorted *sorted = &group->sorted[i];
        in->type = PL_THRIFT_STRUCT;
        if (!pl_thrift__enter(in)) return;
        while (pl_thrift__next(in)) {
            if (in->id == 1)
                sorted->leaf = pl_thrift__get_i32(in);
            else if (in->id == 2)
                sorted->descending = pl_thrift__get_bool(in);
            else if (in->id == 3)
                sorted->nulls_first = pl_thrift__get_bool(in);
            else
                pl_thrift__skip(in);
        }
        if (sorted->leaf < 0 || (uint32_t)sorted->leaf >= r->facts->leaf_count)
            pl_thrift__fault(in, "a row group is sorted by a column it does not have");
    }
}

static void read_groups(reading *r)
{
    pl_thrift_in *in = &r->in;
    if (!r->facts->leaves || r->facts->groups)
        pl_thrift__fault(in, "its row groups do not follow its schema, once");
    uint32_t count = pl_thrift__get_list(in, PL_THRIFT_STRUCT);
    if (!count) return;
    r->facts->groups = PL_TAKE(r->arena, pl_parquet_group, count);
    for (uint32_t i = 0; i < count && !in->reason; i++) {
        pl_parquet_group *group = &r->facts->groups[i];
        in->type = PL_THRIFT_STRUCT;
        if (!pl_thrift__enter(in)) return;
        while (pl_thrift__next(in)) {
            if (in->id == 1)
                read_chunks(r, group);
            else if (in->id == 3)
                group->rows = pl_thrift__get_i64(in);
            else if (in->id == 4)
                read_sorted(r, group);
            else
                pl_thrift__skip(in);
        }
        if (!group->chunks) pl_thrift__fault(in, "a row group has no column chunks");
    }
    r->facts->group_count = in->reason ? 0 : count;
}

const char *pl_parquet_facts_read(pl_span footer, pl_arena *arena, pl_parquet_facts *ret_facts)
{
    *ret_facts = (pl_parquet_facts){.rows = -1};
    reading r = {.in = pl_thrift__over(footer), .arena = arena, .facts = ret_facts};
    while (pl_thrift__next(&r.in)) {
        if (r.in.id == 2)
            read_schema(&r);
        else if (r.in.id == 3)
            ret_facts->rows = pl_thrift__get_i64(&r.in);
        else if (r.in.id == 4)
            read_groups(&r);
        else if (r.in.id == 6)
            ret_facts->created_by = pl_thrift__get_text(&r.in);
        else
            pl_thrift__skip(&r.in);
    }
    if (!ret_facts->leaves) pl_thrift__fault(&r.in, "it has no schema");
    return r.in.reason;
}

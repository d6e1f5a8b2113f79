// SPDX-License-Identifier: Apache-2.0
#include "parquet/page_index_int.h"

enum { UNORDERED = 0, ASCENDING = 1, DESCENDING = 2 }; // BoundaryOrder

pl_statistic pl_statistic__make(const pl_leaf *leaf, const pl_range *range, pl_arena *arena)
{
    pl_statistic s = {range->has, true, true, range->min, range->max};
    if (!range->has || !pl_leaf__is_text(leaf)) return s;
    char room[PL_STATISTIC_BYTES + 1];
    s.min.text.bytes = pl_text__cut(range->min.text, PL_STATISTIC_BYTES);
    s.min_exact = s.min.text.bytes == range->min.text.bytes;
    size_t bytes = pl_text__cut(range->max.text, PL_STATISTIC_BYTES);
    if (bytes < range->max.text.bytes) {
        memcpy(room, s.max.text.data, bytes);
        s.has = pl_text__raise(room, &bytes);
        s.max_exact = false;
        s.max.text = pl_span_make(room, bytes);
    }
    s.min.text = pl_arena_copy(arena, s.min.text);
    s.max.text = pl_arena_copy(arena, s.max.text);
    return s;
}

pl_range pl_page__range(const pl_leaf *leaf, const pl_column *column, uint32_t first, uint32_t end)
{
    pl_column part = *column;
    part.count = end - first;
    part.valid += first;
    if (pl_leaf__is_text(leaf)) {
        part.offsets += first;
    } else {
        size_t width = leaf->type->kind == PL_DECIMAL ? sizeof *part.i128 : PL_MAX(leaf->width, 1);
        part.values = part.u8 + width * first;
    }
    return pl_range__scan(&part);
}

// How the bounds of the pages that have any run.
static int32_t boundary_order(const pl_page *pages, uint32_t count)
{
    bool ascending = true, descending = true;
    const pl_statistic *last = NULL;
    for (uint32_t i = 0; i < count; i++) {
        const pl_statistic *s = &pages[i].statistic;
        if (!s->has) continue;
        int min = last ? pl_value_compare(&last->min, &s->min) : 0;
        int max = last ? pl_value_compare(&last->max, &s->max) : 0;
        ascending &= min <= 0 && max <= 0;
        descending &= min >= 0 && max >= 0;
        last = s;
    }
    return ascending ? ASCENDING : descending ? DESCENDING : UNORDERED;
}

static void put_bounds(pl_thrift *t, int16_t id, const pl_leaf *leaf, const pl_page *pages,
                       uint32_t count, bool min)
{
    pl_buf bytes = {0};
    pl_thrift__list(t, id, PL_THRIFT_TEXT, count);
    for (uint32_t i = 0; i < count; i++) {
        const pl_statistic *s = &pages[i].statistic;
        pl_buf_reset(&bytes);
        if (s->has) pl_leaf__statistic(&bytes, leaf, min ? &s->min : &s->max);
        pl_thrift__text_element(t, pl_buf_view(&bytes));
    }
    pl_buf_done(&bytes);
}

bool pl_page_index__columns(pl_buf *out, const pl_leaf *leaf, const pl_page *pages, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (pages[i].values && !pages[i].statistic.has) return false;
    pl_thrift t = pl_thrift__begin(out);
    pl_thrift__list(&t, 1, PL_THRIFT_TRUE, count); // null_pages
    for (uint32_t i = 0; i < count; i++) pl_thrift__bool_element(&t, pages[i].values == 0);
    put_bounds(&t, 2, leaf, pages, count, true);
    put_bounds(&t, 3, leaf, pages, count, false);
    pl_thrift__i32(&t, 4, boundary_order(pages, count));
    pl_thrift__list(&t, 5, PL_THRIFT_I64, count); // null_counts
    for (uint32_t i = 0; i < count; i++) pl_thrift__i64_element(&t, pages[i].nulls);
    pl_thrift__end(&t);
    return true;
}

void pl_page_index__offsets(pl_buf *out, const pl_page *pages, uint32_t count)
{
    pl_thrift t = pl_thrift__begin(out);
    pl_thrift__list(&t, 1, PL_THRIFT_STRUCT, count);
    for (uint32_t i = 0; i < count; i++) {
        pl_thrift__struct_element(&t);
        pl_thrift__i64(&t, 1, (int64_t)pages[i].offset);
        pl_thrift__i32(&t, 2, (int32_t)pages[i].bytes);
        pl_thrift__i64(&t, 3, pages[i].row);
        pl_thrift__end(&t);
    }
    pl_thrift__end(&t);
}

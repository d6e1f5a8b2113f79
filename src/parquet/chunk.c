// SPDX-License-Identifier: Apache-2.0
#include "parquet/chunk_int.h"

#include <assert.h>
#include <stdlib.h>

#include "codec/gzip.h"
#include "parquet/delta_int.h"
#include "parquet/format_int.h"
#include "parquet/hybrid_int.h"

enum {
    HEADER_BYTES_MAX = 64, // a page header without statistics needs less than 50
    PROBE_BYTES = 32 * 1024,
    PAGE_SLOTS_MAX = 128 * 1024, // so that no reader meets a page of millions of list elements
};

// One chunk on its way out.
typedef struct work {
    pl_sink *sink;
    pl_scratch *scratch;
    const pl_leaf *leaf;
    const pl_parquet_options *options;
    const pl_column *values;         // the leaf's column
    const uint8_t *rep, *def;        // per slot; NULL unless the leaf is in a list
    const pl_dictionary *dictionary; // NULL: none
    size_t dictionary_bytes;         // of it and the indices
    uint32_t slots, rows;
    pl_range range; // of the chunk
    pl_chunk *chunk;
    pl_arena *arena;
} work;

// A data page: slots [slot, slot_end), rows [row, row_end) of the leaf's column, `rows` of the
// table.
typedef struct cut {
    uint32_t slot, slot_end, row, row_end, rows;
} cut;

plumb_status pl_sink__write(pl_sink *sink, pl_span bytes, plumb_error *err)
{
    PL_TRY(pl_put_write(sink->put, bytes, err));
    sink->offset += bytes.bytes;
    return PLUMB_OK;
}

void pl_scratch__done(pl_scratch *scratch)
{
    pl_dictionary__done(&scratch->dictionary);
    pl_buf_done(&scratch->rep);
    pl_buf_done(&scratch->def);
    pl_buf_done(&scratch->page);
    pl_buf_done(&scratch->packed);
    pl_buf_done(&scratch->head);
    pl_buf_done(&scratch->integers);
    pl_buf_done(&scratch->filter);
    pl_buf_done(&scratch->blooms);
    pl_snappy_packer_free(scratch->snappy);
    pl_zstd_packer_free(scratch->zstd);
    free(scratch->pages);
    *scratch = (pl_scratch){0};
}

// Where slots are written next.
typedef struct slot_end {
    uint8_t *rep, *def;
} slot_end;

static inline void put_slot(slot_end *s, uint32_t rep, uint32_t def)
{
    *s->rep++ = (uint8_t)rep;
    *s->def++ = (uint8_t)def;
}

// The elements of one list, none of them NULL: eight at a time, as there is room for.
static inline void put_elements(slot_end *s, uint32_t count, uint32_t rep, uint32_t rep_next,
                                uint32_t def)
{
    uint64_t reps = rep_next * UINT64_C(0x0101010101010101);
    uint64_t defs = def * UINT64_C(0x0101010101010101);
    for (uint32_t i = 0; i < count; i += 8) {
        memcpy(s->rep + i, &reps, sizeof reps);
        memcpy(s->def + i, &defs, sizeof defs);
    }
    s->rep[0] = (uint8_t)rep;
    s->rep += count;
    s->def += count;
}

// Write the slots of one row of a list at depth `depth`; `def` is what its ancestors have reached.
static void shred(slot_end *s, const pl_column *column, uint32_t row, bool required, uint32_t rep,
                  uint32_t def, uint32_t depth)
{
    if (!required) {
        if (!column->valid[row]) {
            put_slot(s, rep, def);
            return;
        }
        def++;
    }
    const pl_column *child = column->child;
    uint32_t first = column->offsets[row], end = column->offsets[row + 1];
    if (first == end) {
        put_slot(s, rep, def);
    } else if (!child->child && !child->nulls) {
        put_elements(s, end - first, rep, depth + 1, def + 2);
    } else {
        for (uint32_t i = first; i < end; i++, rep = depth + 1) {
            if (child->child)
                shred(s, child, i, false, rep, def + 1, depth + 1);
            else
                put_slot(s, rep, def + 1 + child->valid[i]);
        }
    }
}

static void shred_all(work *w, const pl_column *column)
{
    pl_scratch *scratch = w->scratch;
    size_t most = 8; // put_elements
    for (const pl_column *c = column; c; c = c->child) most += c->count;
    pl_buf_reset(&scratch->rep);
    pl_buf_reset(&scratch->def);
    slot_end s = {(uint8_t *)pl_buf_reserve(&scratch->rep, most),
                  (uint8_t *)pl_buf_reserve(&scratch->def, most)};
    w->rep = s.rep;
    w->def = s.def;
    bool required = w->leaf->field->required;
    for (uint32_t row = 0; row < column->count; row++) shred(&s, column, row, required, 0, 0, 0);
    w->slots = (uint32_t)(s.rep - w->rep);
    scratch->rep.count = scratch->def.count = w->slots;
}

static size_t pack_bound(const work *w, size_t bytes)
{
    return w->chunk->codec == PL_CODEC_ZSTD ? pl_zstd_bound(bytes) : pl_snappy_bound(bytes);
}

static size_t pack(work *w, pl_span bytes, char *to)
{
    pl_scratch *s = w->scratch;
    if (w->chunk->codec == PL_CODEC_ZSTD) {
        if (!s->zstd) s->zstd = pl_zstd_packer_new(PL_ZSTD_LEVEL);
        return pl_zstd_pack(s->zstd, bytes, to);
    }
    if (!s->snappy) s->snappy = pl_snappy_packer_new();
    return pl_snappy_pack(s->snappy, bytes, to);
}

// Does the codec take enough of the page's beginning, out of `whole` bytes that it stands for?
static bool pays(work *w, size_t whole)
{
    pl_span probe = pl_buf_view(&w->scratch->page);
    probe.bytes = PL_MIN(probe.bytes, (size_t)PROBE_BYTES);
    if (!probe.bytes) return false;
    pl_buf_reset(&w->scratch->packed);
    size_t packed = pack(w, probe, pl_buf_reserve(&w->scratch->packed, pack_bound(w, probe.bytes)));
    double share = 1 - (double)packed / (double)probe.bytes;
    return share * (double)w->scratch->page.count * 100 >= PL_PARQUET_GAIN_MIN * (double)whole;
}

static void put_header(const work *w, bool dictionary, int32_t encoding, uint32_t count,
                       pl_span body)
{
    pl_scratch *s = w->scratch;
    pl_buf_reset(&s->head);
    pl_thrift t = pl_thrift__begin(&s->head);
    pl_thrift__i32(&t, 1, dictionary ? PL_DICTIONARY_PAGE : PL_DATA_PAGE);
    pl_thrift__i32(&t, 2, (int32_t)s->page.count);
    pl_thrift__i32(&t, 3, (int32_t)body.bytes);
    pl_thrift__i32(&t, 4, (int32_t)pl_crc32(0, body));
    pl_thrift__struct(&t, dictionary ? 7 : 5);
    pl_thrift__i32(&t, 1, (int32_t)count);
    pl_thrift__i32(&t, 2, encoding);
    if (!dictionary) {
        pl_thrift__i32(&t, 3, PL_RLE);
        pl_thrift__i32(&t, 4, PL_RLE);
    }
    pl_thrift__end(&t);
    pl_thrift__end(&t);
    assert(s->head.count <= HEADER_BYTES_MAX);
}

// A page of `scratch->page`: compressed behind room for its header, the header put right before
// it, so that both go out in one piece.
static plumb_status put_page(work *w, bool dictionary, int32_t encoding, uint32_t count,
                             plumb_error *err)
{
    pl_scratch *s = w->scratch;
    assert(s->page.count <= INT32_MAX);
    size_t packed = s->page.count;
    if (w->chunk->codec == PL_CODEC_NONE) {
        put_header(w, dictionary, encoding, count, pl_buf_view(&s->page));
        PL_TRY(pl_sink__write(w->sink, pl_buf_view(&s->head), err));
        PL_TRY(pl_sink__write(w->sink, pl_buf_view(&s->page), err));
    } else {
        pl_buf_reset(&s->packed);
        char *room = pl_buf_reserve(&s->packed, HEADER_BYTES_MAX + pack_bound(w, s->page.count));
        char *body = room + HEADER_BYTES_MAX;
        packed = pack(w, pl_buf_view(&s->page), body);
        put_header(w, dictionary, encoding, count, pl_span_make(body, packed));
        char *start = body - s->head.count;
        memcpy(start, s->head.data, s->head.count);
        PL_TRY(pl_sink__write(w->sink, pl_span_make(start, s->head.count + packed), err));
    }
    w->chunk->bytes += s->head.count + packed;
    w->chunk->bytes_raw += s->head.count + s->page.count;
    return PLUMB_OK;
}

static cut cut_flat(const work *w, cut last)
{
    uint32_t bits = w->dictionary         ? pl_hybrid__width(w->dictionary->count - 1)
                    : w->leaf->width == 0 ? 1 // booleans
                                          : w->leaf->width * 8u;
    uint64_t slots = (uint64_t)w->options->page_bytes * 8 / bits;
    slots = PL_MIN(PL_MAX(slots, 1), (uint64_t)w->options->page_rows);
    uint32_t end = last.slot_end + (uint32_t)PL_MIN(slots, (uint64_t)(w->slots - last.slot_end));
    return (cut){last.slot_end, end, last.slot_end, end, end - last.slot_end};
}

// Lists and PLAIN text: row by row until the page is full.
static cut cut_rows(const work *w, cut last)
{
    cut page = {last.slot_end, last.slot_end, last.row_end, last.row_end, 0};
    bool text = !w->dictionary && pl_leaf__is_text(w->leaf);
    size_t value_bytes = text || w->dictionary ? 4 : PL_MAX(w->leaf->width, 1);
    size_t bytes = w->values->count * value_bytes + (text ? w->values->heap.count : 0);
    if (!last.slot_end && bytes < w->options->page_bytes && w->slots <= PAGE_SLOTS_MAX &&
        w->rows <= w->options->page_rows)
        return (cut){0, w->slots, 0, w->values->count, w->rows};
    bytes = 0;
    do {
        page.rows++;
        do {
            bool element = !w->def || w->def[page.slot_end] + 1 >= w->leaf->def_max;
            if (element) {
                bytes += value_bytes;
                if (text) bytes += pl_column_span(w->values, page.row_end).bytes;
                page.row_end++;
            }
            page.slot_end++;
        } while (page.slot_end < w->slots && w->rep && w->rep[page.slot_end] != 0);
    } while (page.slot_end < w->slots && bytes < w->options->page_bytes &&
             page.rows < w->options->page_rows && page.slot_end - page.slot < PAGE_SLOTS_MAX);
    return page;
}

static void put_size(pl_buf *out, size_t at)
{
    uint32_t bytes = (uint32_t)(out->count - at - sizeof bytes);
    memcpy(out->data + at, &bytes, sizeof bytes);
}

static void put_levels(pl_buf *out, const uint8_t *levels, uint32_t count, uint32_t max)
{
    size_t at = out->count;
    pl_buf_append(out, "\0\0\0\0", 4);
    pl_hybrid__levels(out, levels, count, pl_hybrid__width(max));
    put_size(out, at);
}

static void put_run(pl_buf *out, uint32_t level, uint32_t count)
{
    size_t at = out->count;
    pl_buf_append(out, "\0\0\0\0", 4);
    pl_hybrid__run(out, level, count, 1);
    put_size(out, at);
}

static uint32_t present(const pl_column *column, uint32_t first, uint32_t end)
{
    if (column->nulls == 0) return end - first;
    uint32_t count = 0;
    for (uint32_t row = first; row < end; row++) count += column->valid[row];
    return count;
}

// `*index` is the number of values in the pages before. Returns the encoding.
static int32_t fill_page(const work *w, cut page, uint32_t *index)
{
    pl_buf *out = &w->scratch->page;
    pl_buf_reset(out);
    uint32_t slots = page.slot_end - page.slot;
    if (w->rep) {
        put_levels(out, w->rep + page.slot, slots, w->leaf->rep_max);
        put_levels(out, w->def + page.slot, slots, w->leaf->def_max);
    } else if (w->leaf->def_max) {
        if (w->values->nulls && w->values->nulls < w->rows)
            put_levels(out, w->values->valid + page.row, slots, 1);
        else
            put_run(out, !w->values->nulls, slots);
    }
    uint32_t count = present(w->values, page.row, page.row_end);
    if (w->dictionary) {
        uint32_t width = pl_hybrid__width(w->dictionary->count - 1);
        pl_buf_char(out, (char)width);
        pl_hybrid__indices(out, w->dictionary->indices + *index, count, width);
        *index += count;
        return PL_RLE_DICTIONARY;
    }
    if (w->chunk->encoding == PL_PLAIN || !count) {
        pl_leaf__plain(out, w->leaf, w->values, page.row, page.row_end);
        return PL_PLAIN;
    }
    pl_leaf__delta(out, w->leaf, w->values, page.row, page.row_end, &w->scratch->integers);
    return w->chunk->encoding;
}

// Remember the page just written for the index. `*rows` are those of the pages before.
static void note_page(work *w, cut page, uint64_t offset, uint32_t *rows)
{
    pl_scratch *s = w->scratch;
    uint32_t slots = page.slot_end - page.slot;
    bool whole = slots == w->slots;
    pl_range range = whole ? w->range : pl_page__range(w->leaf, w->values, page.row, page.row_end);
    pl_page noted = {.offset = offset,
                     .bytes = (uint32_t)(w->sink->offset - offset),
                     .row = *rows,
                     .values = present(w->values, page.row, page.row_end)};
    noted.nulls = slots - noted.values;
    if (noted.values) noted.statistic = pl_statistic__make(w->leaf, &range, w->arena);
    *rows += page.rows;
    PL_GROW(s->pages, s->page_count, s->page_room);
    s->pages[s->page_count++] = noted;
}

static plumb_status put_pages(work *w, plumb_error *err)
{
    if (w->dictionary) {
        pl_buf_reset(&w->scratch->page);
        pl_leaf__plain_rows(&w->scratch->page, w->leaf, w->values, w->dictionary->rows,
                            w->dictionary->count);
        // The indices are packed already; what is to gain is in the dictionary.
        if (w->options->compact && !pays(w, w->dictionary_bytes)) w->chunk->codec = PL_CODEC_NONE;
        PL_TRY(put_page(w, true, PL_PLAIN, w->dictionary->count, err));
    }
    w->chunk->data_offset = w->sink->offset;
    bool by_rows = w->rep || (pl_leaf__is_text(w->leaf) && !w->dictionary);
    uint32_t index = 0, rows = 0;
    cut page = {0};
    w->scratch->page_count = 0;
    while (page.slot_end < w->slots) {
        page = by_rows ? cut_rows(w, page) : cut_flat(w, page);
        int32_t encoding = fill_page(w, page, &index);
        bool first = page.slot == 0 && !w->dictionary;
        if (first && w->options->compact && !pays(w, w->scratch->page.count))
            w->chunk->codec = PL_CODEC_NONE;
        w->chunk->empty_pages += encoding != w->chunk->encoding;
        uint64_t offset = w->sink->offset;
        PL_TRY(put_page(w, false, encoding, page.slot_end - page.slot, err));
        note_page(w, page, offset, &rows);
    }
    pl_span pages = {(const char *)w->scratch->pages, w->scratch->page_count * sizeof(pl_page)};
    w->chunk->data_pages = w->scratch->page_count;
    w->chunk->pages = (const pl_page *)(const void *)pl_arena_copy(w->arena, pages).data;
    assert(page.row_end == w->values->count);
    return PLUMB_OK;
}

static void make_bloom(work *w)
{
    pl_scratch *s = w->scratch;
    const pl_dictionary *d = w->dictionary;
    if (!pl_bloom__build(&s->filter, w->leaf, w->values, d ? d->rows : NULL, d ? d->count : 0))
        return;
    size_t before = s->blooms.count;
    pl_bloom__write(&s->blooms, pl_buf_view(&s->filter));
    w->chunk->bloom_bytes = (uint32_t)(s->blooms.count - before);
}

// The bytes of the values in the leaf's delta encoding.
static size_t delta_bytes(const work *w)
{
    size_t bytes = 0;
    int64_t values[8 * PL_DELTA_BLOCK];
    for (uint32_t row = 0, end; row < w->values->count; row = end) {
        end = row + PL_MIN(w->values->count - row, (uint32_t)PL_COUNT(values));
        uint32_t count = pl_leaf__integers(w->leaf, w->values, row, end, values);
        bytes += pl_delta__bytes(values, count, w->leaf->physical != PL_PHYSICAL_INT64);
    }
    return bytes + (pl_leaf__is_text(w->leaf) ? w->values->heap.count : 0);
}

static void choose_encoding(work *w)
{
    const pl_column *c = w->values;
    pl_dictionary *dictionary = &w->scratch->dictionary;
    uint32_t values = c->count - c->nulls;
    size_t bytes = pl_leaf__is_text(w->leaf) ? (size_t)values * 4 + c->heap.count
                                             : (size_t)values * w->leaf->width;
    w->chunk->codec = w->options->codec == PL_PARQUET_ZSTD ? PL_CODEC_ZSTD : PL_CODEC_SNAPPY;
    w->chunk->encoding = PL_PLAIN;
    int32_t delta = w->options->compact ? pl_leaf__delta_encoding(w->leaf) : PL_PLAIN;
    size_t less = delta == PL_PLAIN || !values ? bytes : delta_bytes(w);
    if (less < bytes) {
        w->chunk->encoding = delta;
        bytes = less;
    }
    // Of 64-bit integers the codec takes about half, most of their bytes being alike; of indices
    // next to nothing.
    if (w->chunk->encoding == PL_PLAIN && w->leaf->physical == PL_PHYSICAL_INT64) bytes /= 2;
    if (!pl_dictionary__build(dictionary, w->leaf, c, w->options->dictionary_bytes_max, bytes))
        return;
    w->dictionary = dictionary;
    w->dictionary_bytes = dictionary->bytes + (size_t)dictionary->index_count *
                                                  pl_hybrid__width(dictionary->count - 1) / 8;
    w->chunk->encoding = PL_RLE_DICTIONARY;
    w->chunk->has_dictionary = true;
}

plumb_status pl_chunk__write(pl_sink *sink, pl_scratch *scratch, const pl_leaf *leaf,
                             const pl_parquet_options *options, const pl_column *column,
                             pl_arena *arena, pl_chunk *ret_chunk, pl_range *ret_range,
                             plumb_error *err)
{
    pl_chunk chunk = {.offset = sink->offset};
    work w = {.sink = sink,
              .scratch = scratch,
              .leaf = leaf,
              .options = options,
              .values = pl_leaf__column(leaf, column),
              .slots = column->count,
              .rows = column->count,
              .chunk = &chunk,
              .arena = arena};
    if (leaf->rep_max) shred_all(&w, column);
    chunk.slots = w.slots;
    chunk.nulls = (int64_t)w.slots - (w.values->count - w.values->nulls);

    choose_encoding(&w);
    const pl_dictionary *dictionary = w.dictionary;
    // The entries are enough for the range, but NaNs are counted row by row.
    bool floating = leaf->type->kind == PL_FLOAT || leaf->type->kind == PL_DOUBLE;
    w.range = dictionary && !floating
                  ? pl_range__scan_rows(w.values, dictionary->rows, dictionary->count)
                  : pl_range__scan(w.values);
    chunk.statistic = pl_statistic__make(leaf, &w.range, arena);
    if (leaf->bloom) make_bloom(&w);

    PL_TRY(put_pages(&w, err));
    *ret_chunk = chunk;
    *ret_range = w.range;
    return PLUMB_OK;
}

static void footer_bound(pl_thrift *t, int16_t id, const pl_leaf *leaf, const pl_value *value)
{
    pl_buf bytes = {0};
    pl_leaf__statistic(&bytes, leaf, value);
    pl_thrift__text(t, id, pl_buf_view(&bytes));
    pl_buf_done(&bytes);
}

static void footer_statistics(pl_thrift *t, const pl_leaf *leaf, const pl_chunk *chunk)
{
    const pl_statistic *s = &chunk->statistic;
    pl_thrift__struct(t, 12);
    pl_thrift__i64(t, 3, chunk->nulls);
    if (s->has) {
        footer_bound(t, 5, leaf, &s->max);
        footer_bound(t, 6, leaf, &s->min);
        pl_thrift__bool(t, 7, s->max_exact);
        pl_thrift__bool(t, 8, s->min_exact);
    }
    pl_thrift__end(t);
}

static void footer_page_kind(pl_thrift *t, int32_t page, int32_t encoding, uint32_t count)
{
    pl_thrift__struct_element(t);
    pl_thrift__i32(t, 1, page);
    pl_thrift__i32(t, 2, encoding);
    pl_thrift__i32(t, 3, (int32_t)count);
    pl_thrift__end(t);
}

void pl_chunk__footer(pl_thrift *t, const pl_leaf *leaf, const pl_chunk *chunk)
{
    bool levels = leaf->def_max > 0;
    pl_thrift__struct_element(t);
    pl_thrift__i64(t, 2, 0); // file_offset: deprecated, zero says there is none
    pl_thrift__struct(t, 3);
    pl_thrift__i32(t, 1, (int32_t)leaf->physical);
    bool other = chunk->encoding != PL_PLAIN;
    bool plain = !other || chunk->has_dictionary || chunk->empty_pages;
    pl_thrift__list(t, 2, PL_THRIFT_I32, 0u + plain + levels + other);
    if (plain) pl_thrift__i32_element(t, PL_PLAIN); // values or dictionary page
    if (levels) pl_thrift__i32_element(t, PL_RLE);
    if (other) pl_thrift__i32_element(t, chunk->encoding);
    pl_leaf__path(t, 3, leaf);
    pl_thrift__i32(t, 4, chunk->codec);
    pl_thrift__i64(t, 5, chunk->slots);
    pl_thrift__i64(t, 6, (int64_t)chunk->bytes_raw);
    pl_thrift__i64(t, 7, (int64_t)chunk->bytes);
    pl_thrift__i64(t, 9, (int64_t)chunk->data_offset);
    if (chunk->has_dictionary) pl_thrift__i64(t, 11, (int64_t)chunk->offset);
    footer_statistics(t, leaf, chunk);
    uint32_t empty = chunk->empty_pages, full = chunk->data_pages - empty;
    pl_thrift__list(t, 13, PL_THRIFT_STRUCT, 0u + chunk->has_dictionary + (full > 0) + (empty > 0));
    if (chunk->has_dictionary) footer_page_kind(t, PL_DICTIONARY_PAGE, PL_PLAIN, 1);
    if (full) footer_page_kind(t, PL_DATA_PAGE, chunk->encoding, full);
    if (empty) footer_page_kind(t, PL_DATA_PAGE, PL_PLAIN, empty);
    if (chunk->bloom) {
        pl_thrift__i64(t, 14, (int64_t)chunk->bloom);
        pl_thrift__i32(t, 15, (int32_t)chunk->bloom_bytes);
    }
    pl_thrift__end(t);
    if (chunk->offset_index) {
        pl_thrift__i64(t, 4, (int64_t)chunk->offset_index);
        pl_thrift__i32(t, 5, (int32_t)chunk->offset_index_bytes);
    }
    if (chunk->column_index) {
        pl_thrift__i64(t, 6, (int64_t)chunk->column_index);
        pl_thrift__i32(t, 7, (int32_t)chunk->column_index_bytes);
    }
    pl_thrift__end(t);
}

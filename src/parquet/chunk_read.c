// SPDX-License-Identifier: Apache-2.0
#include "parquet/chunk_read_int.h"

#include "base/limits.h"
#include "codec/gzip.h"
#include "codec/snappy.h"
#include "codec/zstd_block.h"
#include "parquet/hybrid_int.h"
#include "parquet/thrift_read_int.h"

enum { ABSENT = -1, SLOT_BYTES = 24 }; // a slot in memory: value, validity, levels, index

typedef struct header {
    int32_t type, raw, packed, slots, encoding, rep, def;
    bool has_crc;
    uint32_t crc;
} header;

typedef struct work {
    pl_span bytes;
    const pl_leaf *leaf; // as in the file
    const pl_footer_chunk *chunk;
    pl_chunk_scratch *scratch;
    size_t *room;
    pl_column *column; // the field's
    pl_column *values; // the leaf's: `column` or its innermost child
    const char *reason;
    size_t at;    // next page
    uint64_t raw; // bytes of the pages so far, expanded
    uint32_t base[PL_LIST_DEPTH_MAX +
                  1]; // definition level of an element of depth d, before its own NULL
    uint32_t open;    // lists that are open, outermost first
} work;

void pl_chunk_scratch__done(pl_chunk_scratch *scratch)
{
    pl_buf_done(&scratch->page);
    pl_buf_done(&scratch->rep);
    pl_buf_done(&scratch->def);
    pl_buf_done(&scratch->indices);
    pl_column_done(&scratch->dictionary);
}

static bool refuse(work *w, const char *reason)
{
    if (!w->reason) w->reason = reason;
    return false;
}

static bool take_room(work *w, uint64_t bytes)
{
    if (bytes > *w->room) return refuse(w, "the rows are too large for one row group");
    *w->room -= (size_t)bytes;
    return true;
}

// --- pages ---------------------------------------------------------------------------------------

static bool read_header(work *w, header *ret)
{
    pl_thrift_in in = pl_thrift__over(pl_span_make(w->bytes.data + w->at, w->bytes.bytes - w->at));
    header h = {ABSENT, ABSENT, ABSENT, ABSENT, ABSENT, PL_RLE, PL_RLE, false, 0};
    int32_t *outer[] = {NULL, &h.type, &h.raw, &h.packed};
    int32_t *inner[] = {NULL, &h.slots, &h.encoding, &h.def, &h.rep};
    while (pl_thrift__next(&in)) {
        if (in.id >= 1 && in.id <= 3) {
            *outer[in.id] = pl_thrift__get_i32(&in);
        } else if (in.id == 4) {
            h.crc = (uint32_t)pl_thrift__get_i32(&in);
            h.has_crc = true;
        } else if ((in.id == 5 || in.id == 7) && pl_thrift__enter(&in)) {
            int last = in.id == 5 ? 4 : 2; // of a dictionary page there are two
            while (pl_thrift__next(&in)) {
                if (in.id >= 1 && in.id <= last)
                    *inner[in.id] = pl_thrift__get_i32(&in);
                else
                    pl_thrift__skip(&in);
            }
        } else {
            pl_thrift__skip(&in);
        }
    }
    if (in.reason) return refuse(w, "a page header is damaged");
    if (h.packed < 0 || (size_t)h.packed > w->bytes.bytes - w->at - in.at)
        return refuse(w, "a page does not fit into its column chunk");
    if (h.raw < 0 || in.at + (uint64_t)h.raw > w->chunk->bytes_raw - w->raw)
        return refuse(w, "a page is larger than its column chunk says");
    if (h.slots < 0 || h.rep != PL_RLE || h.def != PL_RLE)
        return refuse(w, "a page header has no meaning here");
    w->at += in.at;
    w->raw += in.at + (uint64_t)h.raw;
    *ret = h;
    return true;
}

static bool expand(work *w, pl_span packed, size_t raw)
{
    pl_buf *page = &w->scratch->page;
    size_t says;
    pl_buf_reset(page);
    switch (w->chunk->codec) {
    case PL_CODEC_NONE:
        if (packed.bytes != raw) return refuse(w, "a page does not expand to what its header says");
        pl_buf_span(page, packed);
        break;
    case PL_CODEC_SNAPPY:
        if (!pl_snappy_size(packed, &says) || says != raw ||
            !pl_snappy_expand(packed, pl_buf_reserve(page, raw)))
            return refuse(w, "a page does not expand to what its header says");
        break;
    case PL_CODEC_ZSTD:
        if (!pl_zstd_expand(packed, pl_buf_reserve(page, raw), raw))
            return refuse(w, "a page does not expand to what its header says");
        break;
    default:
        return refuse(w, "its compression is not known here");
    }
    page->count = raw;
    return true;
}

// The next page: its header, and its body in `scratch->page`.
static bool read_page(work *w, header *ret)
{
    size_t start = w->at;
    if (!read_header(w, ret)) return false;
    pl_span packed = pl_span_make(w->bytes.data + w->at, (size_t)ret->packed);
    bool whole = !ret->has_crc || pl_crc32(0, packed) == ret->crc;
    if (!whole) refuse(w, "a page's checksum is wrong");
    if (!whole || !expand(w, packed, (size_t)ret->raw)) {
        w->at = start;
        return false;
    }
    w->at += packed.bytes;
    return true;
}

static bool read_dictionary(work *w)
{
    header h;
    pl_column *dictionary = &w->scratch->dictionary;
    pl_column_done(dictionary);
    pl_column_init(dictionary, &w->values->type);
    if (!w->chunk->has_dictionary) return true;
    if (!read_page(w, &h)) return false;
    if (h.type != PL_DICTIONARY_PAGE || h.encoding != PL_PLAIN || h.slots == 0)
        return refuse(w, "a column chunk does not begin with its dictionary");
    if (!take_room(w, (uint64_t)h.slots * SLOT_BYTES + w->scratch->page.count)) return false;
    const char *reason =
        pl_leaf__read_plain(w->leaf, pl_buf_view(&w->scratch->page), (uint32_t)h.slots, dictionary);
    if (reason) return refuse(w, reason);
    return w->chunk->data_offset == w->chunk->offset + w->at ||
           refuse(w, "the first data page is not where it should be");
}

// --- levels --------------------------------------------------------------------------------------

static bool read_levels(work *w, size_t *at, uint32_t count, uint32_t max, pl_buf *levels)
{
    pl_span page = pl_buf_view(&w->scratch->page);
    uint32_t bytes;
    pl_buf_reset(levels);
    uint8_t *out = (uint8_t *)pl_buf_reserve(levels, count);
    if (page.bytes - *at < sizeof bytes) return refuse(w, "a page ends within its levels");
    memcpy(&bytes, page.data + *at, sizeof bytes);
    *at += sizeof bytes;
    if (page.bytes - *at < bytes) return refuse(w, "a page ends within its levels");
    size_t end = *at + bytes;
    if (!pl_hybrid__get_levels(pl_span_make(page.data, end), at, pl_hybrid__width(max), max, out,
                               count) ||
        *at != end)
        return refuse(w, "a page's levels are damaged");
    levels->count = count;
    return true;
}

// Of the slots, those that hold a value.
static uint32_t count_values(const pl_buf *def, uint32_t slots, uint32_t max)
{
    uint32_t values = 0;
    for (uint32_t i = 0; i < slots; i++) values += (uint8_t)def->data[i] == max;
    return values;
}

// Close the lists that are open at `depth` and deeper.
static void close_lists(work *w, pl_column **columns, uint32_t depth)
{
    while (w->open > depth) pl_column_list(columns[--w->open]);
}

// Rows of nested lists out of slots: each slot continues the list its repetition level names and
// goes on downwards as far as its definition level says. `rows` (NULL: in order) of `from`.
static bool assemble(work *w, const pl_column *from, const uint32_t *rows, uint32_t slots)
{
    pl_column *columns[PL_LIST_DEPTH_MAX + 1];
    const uint8_t *rep = (const uint8_t *)w->scratch->rep.data;
    const uint8_t *def = (const uint8_t *)w->scratch->def.data;
    uint32_t leaf = w->leaf->rep_max, next = 0;
    columns[0] = w->column;
    for (uint32_t d = 0; d < leaf; d++) columns[d + 1] = columns[d]->child;
    for (uint32_t i = 0; i < slots; i++) {
        uint32_t depth = rep[i];
        if (depth > w->open || def[i] < w->base[depth])
            return refuse(w, "a page's levels contradict each other");
        close_lists(w, columns, depth);
        for (;; depth++) {
            bool optional = depth > 0 || !w->leaf->field->required;
            if (optional && def[i] == w->base[depth]) {
                pl_column_null(columns[depth]);
                break;
            }
            if (depth == leaf) {
                uint32_t at = rows ? rows[next] : next;
                pl_leaf__scatter(columns[depth], from, &at, NULL, 1);
                next++;
                break;
            }
            if (def[i] == w->base[depth] + optional) {
                pl_column_list(columns[depth]);
                break;
            }
            w->open = depth + 1;
        }
    }
    close_lists(w, columns, 0);
    return true;
}

// --- a chunk -------------------------------------------------------------------------------------

// The values of a data page: dictionary indices in `scratch->indices`, or in themselves.
static bool read_indices(work *w, size_t at, uint32_t values)
{
    pl_chunk_scratch *s = w->scratch;
    pl_span page = pl_buf_view(&s->page);
    uint32_t last = s->dictionary.count - 1, width = pl_hybrid__width(last);
    pl_buf_reset(&s->indices);
    uint32_t *out = (uint32_t *)(void *)pl_buf_reserve(&s->indices, (size_t)values * 4 + 4);
    if (at == page.bytes || (uint8_t)page.data[at] != width)
        return refuse(w, "a page's indices do not fit the dictionary");
    at++;
    if (!pl_hybrid__get_indices(page, &at, width, last, out, values) || at != page.bytes)
        return refuse(w, "a page's indices are damaged");
    if (!pl_leaf__is_text(w->leaf)) return true;
    uint64_t text = 0;
    for (uint32_t i = 0; i < values; i++) text += pl_column_span(&s->dictionary, out[i]).bytes;
    if (text > UINT32_MAX - w->values->heap.count) return refuse(w, "a column's text passes 4 GiB");
    return take_room(w, text);
}

static bool read_values(work *w, size_t at, int32_t encoding, uint32_t slots, uint32_t values)
{
    pl_chunk_scratch *s = w->scratch;
    const uint8_t *valid = w->leaf->def_max ? (const uint8_t *)s->def.data : NULL;
    if (w->chunk->has_dictionary) {
        if (!read_indices(w, at, values)) return false;
        const uint32_t *rows = (const uint32_t *)(const void *)s->indices.data;
        if (w->leaf->rep_max) return assemble(w, &s->dictionary, rows, slots);
        pl_leaf__scatter(w->values, &s->dictionary, rows, valid, slots);
        return true;
    }
    // Without NULLs and lists the values go where they belong; else a page's worth is held.
    bool direct = !w->leaf->rep_max && values == slots;
    pl_column *to = direct ? w->values : &s->dictionary;
    if (!direct) pl_column_reset(to);
    pl_span in = pl_span_make(s->page.data + at, s->page.count - at);
    const char *reason = encoding == PL_PLAIN ? pl_leaf__read_plain(w->leaf, in, values, to)
                                              : pl_leaf__read_delta(w->leaf, in, values, to);
    if (reason) return refuse(w, reason);
    if (w->leaf->rep_max) return assemble(w, to, NULL, slots);
    if (!direct) pl_leaf__scatter(w->values, to, NULL, valid, slots);
    return true;
}

static bool read_data(work *w, int64_t *left)
{
    header h;
    pl_chunk_scratch *s = w->scratch;
    if (!read_page(w, &h)) return false;
    bool known = w->chunk->has_dictionary
                     ? h.encoding == PL_RLE_DICTIONARY
                     : h.encoding == PL_PLAIN || h.encoding == pl_leaf__delta_encoding(w->leaf);
    if (h.type != PL_DATA_PAGE || !known)
        return refuse(w, "a page is not encoded as its column chunk is");
    if (h.slots == 0 || h.slots > *left)
        return refuse(w, "a page's count of values is not its column chunk's");
    *left -= h.slots;
    uint32_t slots = (uint32_t)h.slots, values = slots;
    if (!take_room(w, (uint64_t)slots * SLOT_BYTES * (1u + w->leaf->rep_max) + s->page.count))
        return false;
    size_t at = 0;
    const pl_leaf *leaf = w->leaf;
    if (leaf->rep_max && !read_levels(w, &at, slots, leaf->rep_max, &s->rep)) return false;
    if (leaf->rep_max && s->rep.data[0] != 0) return refuse(w, "a page begins within a row");
    if (leaf->def_max) {
        if (!read_levels(w, &at, slots, leaf->def_max, &s->def)) return false;
        values = count_values(&s->def, slots, leaf->def_max);
    }
    return read_values(w, at, h.encoding, slots, values);
}

bool pl_chunk__read(pl_span bytes, const pl_leaf *leaf, const pl_footer_chunk *chunk, uint32_t rows,
                    size_t *room, pl_chunk_scratch *scratch, pl_column *column, pl_fault *ret_fault)
{
    work w = {.bytes = bytes,
              .leaf = leaf,
              .chunk = chunk,
              .scratch = scratch,
              .room = room,
              .column = column,
              .values = column};
    w.base[0] = 0;
    for (uint32_t d = 0; d < leaf->rep_max; d++) {
        w.base[d + 1] = w.base[d] + 1 + (d > 0 || !leaf->field->required);
        w.values = w.values->child;
    }
    int64_t left = chunk->slots;
    size_t page = 0;
    bool fine = read_dictionary(&w);
    while (fine && left > 0) {
        page = w.at;
        fine = read_data(&w, &left);
    }
    if (fine && (w.at != bytes.bytes || w.raw != chunk->bytes_raw))
        refuse(&w, "its pages are not as large as the footer says");
    if (fine && column->count != rows) refuse(&w, "its pages hold another count of rows");
    if (w.reason) *ret_fault = (pl_fault){w.reason, chunk->offset + page, -1, {0}};
    return !w.reason;
}

// SPDX-License-Identifier: Apache-2.0
#include "flow/sample.h"

#include <stdio.h>
#include <stdlib.h>

#include "codec/zstd.h"
#include "flow/raw.h"
#include "os/file.h"
#include "json/tree.h"

// A file as content: what was read to sniff it is given out first.
typedef struct content {
    pl_file file;
    pl_gzip_reader *gzip; // both NULL: plain
    pl_zstd_reader *zstd;
    char *head;
    size_t head_bytes, head_used;
} content;

static plumb_status read_file(void *context, void *buffer, size_t bytes, size_t *ret_got,
                              plumb_error *err)
{
    return pl_file_read(context, -1, buffer, bytes, ret_got, err);
}

static plumb_status read_inflated(content *c, void *buffer, size_t bytes, size_t *ret_got,
                                  plumb_error *err)
{
    return c->gzip   ? pl_gzip_read(c->gzip, buffer, bytes, ret_got, err)
           : c->zstd ? pl_zstd_read(c->zstd, buffer, bytes, ret_got, err)
                     : read_file(&c->file, buffer, bytes, ret_got, err);
}

static plumb_status read_content(void *context, char *buffer, size_t bytes, size_t *ret_got,
                                 plumb_error *err)
{
    content *c = context;
    size_t left = c->head_bytes - c->head_used;
    if (!left) return read_inflated(c, buffer, bytes, ret_got, err);
    *ret_got = PL_MIN(left, bytes);
    memcpy(buffer, c->head + c->head_used, *ret_got);
    c->head_used += *ret_got;
    return PLUMB_OK;
}

static plumb_status open_content(content *c, const char *path, plumb_error *err)
{
    char magic[4] = {0};
    size_t got;
    PL_TRY(pl_file_open(&c->file, path, PL_OPEN_READ, err));
    PL_TRY(pl_file_read(&c->file, 0, magic, sizeof magic, &got, err));
    if (pl_gzip_magic((pl_span){magic, got})) c->gzip = pl_gzip_reader_new(read_file, &c->file);
    if (pl_zstd_magic((pl_span){magic, got})) c->zstd = pl_zstd_reader_new(read_file, &c->file);
    c->head = pl_alloc(1024 * 1024);
    do {
        PL_TRY(read_inflated(c, c->head + c->head_bytes, 1024 * 1024 - c->head_bytes, &got, err));
        c->head_bytes += got;
    } while (got && c->head_bytes < 1024 * 1024);
    return PLUMB_OK;
}

static plumb_status feed(content *c, pl_framer_options options, pl_sample_take take, void *context,
                         pl_sample *sample, plumb_error *err)
{
    pl_span head = {c->head, c->head_bytes};
    sample->format = pl_raw_sniff(head, c->head_bytes < 1024 * 1024);
    options.format = sample->format;
    pl_framer *framer = pl_framer_new(&options, read_content, c);
    pl_arena arena = {0};
    plumb_status st;
    pl_frame frame;
    bool more = true, wanted = true;
    while ((st = pl_framer_next(framer, &frame, &more, err)) == PLUMB_OK && more && wanted) {
        pl_json *document;
        pl_arena_reset(&arena);
        plumb_error parse_error;
        if (!frame.text.data ||
            pl_json_parse(frame.text, &arena, &document, &parse_error) != PLUMB_OK) {
            if (!sample->broken++)
                snprintf(sample->reason, sizeof sample->reason, "%s",
                         frame.text.data ? parse_error.message : frame.reason);
            continue;
        }
        sample->documents++;
        wanted = take(context, document);
    }
    pl_arena_done(&arena);
    pl_framer_free(framer);
    return st;
}

plumb_status pl_sample_each(const char *path, const pl_framer_options *framing, pl_sample_take take,
                            void *context, pl_sample *sample, plumb_error *err)
{
    content c = {.file = {.fd = -1}};
    pl_framer_options options = framing ? *framing : (pl_framer_options){0};
    plumb_status st = open_content(&c, path, err);
    if (st == PLUMB_OK) st = feed(&c, options, take, context, sample, err);
    if (st == PLUMB_E_MALFORMED) pl_context(err, "cannot read sample '%s'", path);
    pl_gzip_reader_free(c.gzip);
    pl_zstd_reader_free(c.zstd);
    free(c.head);
    pl_file_close(&c.file);
    return st;
}

static bool take_infer(void *infer, const pl_json *document)
{
    return pl_infer_add(infer, document);
}

plumb_status pl_sample_file(const char *path, pl_infer *infer, pl_sample *sample, plumb_error *err)
{
    return pl_sample_each(path, NULL, take_infer, infer, sample, err);
}

char *pl_sample_name(const char *path, pl_arena *arena)
{
    const char *base = strrchr(path, '/');
    base = base ? base + 1 : path;
    char *name = pl_arena_cstr(arena, pl_span_make(base, strcspn(base, ".")));
    size_t used = 0;
    for (const char *p = name; *p && used < 60; p++) {
        char c = *p >= 'A' && *p <= 'Z' ? (char)(*p + 32) : *p;
        bool letter = c >= 'a' && c <= 'z', digit = c >= '0' && c <= '9';
        if (used == 0 && !letter) continue;
        if (!letter && !digit) c = '_';
        if (c == '_' && name[used - 1] == '_') continue;
        name[used++] = c;
    }
    // "orders_2026_11" is about orders; "envelope_v1" keeps its version.
    for (size_t end = used; end;) {
        while (end && name[end - 1] >= '0' && name[end - 1] <= '9') end--;
        if (end && name[end - 1] != '_') break;
        while (end && name[end - 1] == '_') end--;
        if (end == used) break;
        used = end;
    }
    name[used] = '\0';
    return used ? name : pl_arena_cstr(arena, PL_SPAN("events"));
}

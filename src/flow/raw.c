// SPDX-License-Identifier: Apache-2.0
#include "flow/raw.h"

#include <assert.h>
#include <stdlib.h>

#include "base/time.h"
#include "codec/zstd.h"
#include "os/os.h"
#include "json/writer.h"

#define CHUNK          PL_GZIP_CHUNK
#define SNIFF_BYTES    (1024u * 1024)        // content looked at for its format
#define SNIFF_LINE_MAX (PL_RECORD_BYTES_MAX) // ... or so much when that is all one line

// The input, with what was read ahead to sniff its format: read first by a look, then for good.
typedef struct input {
    pl_read_fn read;
    void *context;
    pl_buf ahead;
    size_t at;    // in `ahead`
    bool looking; // keep in `ahead` what is read
    uint64_t read_bytes;
} input;

typedef enum coding {
    CAME_PLAIN,
    CAME_GZIP,
    CAME_ZSTD,
} coding;

struct pl_raw_writer {
    const pl_raw_options *options; // borrowed
    pl_put *put;
    pl_buf key;
    input in;
    uint64_t payload_bytes;
    pl_sha256 *payload;  // of the payload
    pl_sha256 *identity; // of the content
    pl_sha256 *broken;   // of "broken\n" and the payload; NULL unless the input is gzip
    char *buffer;        // CHUNK bytes
};

void pl_raw_key(const char *id, pl_span source, int64_t received_us, pl_buf *out)
{
    int64_t hours = pl_floor_div(received_us, PL_MICROS_PER_HOUR);
    int64_t days = pl_floor_div(hours, 24);
    pl_civil day = pl_civil_from_days(days);
    pl_buf_printf(out, "raw/source=%.*s/year=%04d/month=%02d/day=%02d/hour=%02d/%s.json.gz",
                  PL_FMT(source), (int)day.year, (int)day.month, (int)day.day,
                  (int)(hours - days * 24), id);
}

plumb_status pl_raw_begin(pl_store *store, const pl_raw_options *options,
                          pl_raw_writer **ret_writer, plumb_error *err)
{
    assert(options->level >= 0 && options->level <= PL_GZIP_LEVEL_MAX);
    pl_buf key = {0};
    pl_raw_key(options->head.id, options->head.source, options->head.received_us, &key);
    pl_put *put;
    plumb_status st = pl_put_begin_as(store, pl_buf_cstr(&key), options->head.id, &put, err);
    if (st != PLUMB_OK) {
        pl_buf_done(&key);
        return st;
    }
    pl_raw_writer *writer = pl_zalloc(1, sizeof *writer);
    writer->options = options;
    writer->put = put;
    writer->key = key;
    *ret_writer = writer;
    return PLUMB_OK;
}

const char *pl_raw_writer_key(const pl_raw_writer *writer)
{
    return writer->key.data; // has its NUL since begin
}

pl_put *pl_raw_writer_put(pl_raw_writer *writer)
{
    return writer->put;
}

static void writer_free(pl_raw_writer *writer)
{
    pl_buf_done(&writer->key);
    pl_buf_done(&writer->in.ahead);
    pl_sha256_free(writer->payload);
    pl_sha256_free(writer->identity);
    pl_sha256_free(writer->broken);
    free(writer->buffer);
    free(writer);
}

// ---- input -------------------------------------------------------------------------------------
static plumb_status input_read(void *context, void *buffer, size_t bytes, size_t *ret_got,
                               plumb_error *err)
{
    input *in = context;
    size_t left = in->ahead.count - in->at;
    if (left) {
        size_t got = PL_MIN(left, bytes);
        memcpy(buffer, in->ahead.data + in->at, got);
        in->at += got;
        *ret_got = got;
        return PLUMB_OK;
    }
    if (!in->looking) { // the last of it was given
        pl_buf_done(&in->ahead);
        in->at = 0;
    }
    PL_TRY(in->read(in->context, buffer, bytes, ret_got, err));
    in->read_bytes += *ret_got;
    if (in->looking) {
        pl_buf_append(&in->ahead, buffer, *ret_got);
        in->at = in->ahead.count;
    }
    return PLUMB_OK;
}

static plumb_status look_gzip(void *context, void *buffer, size_t bytes, size_t *ret_got,
                              plumb_error *err)
{
    return pl_gzip_read(context, buffer, bytes, ret_got, err);
}

static plumb_status look_zstd(void *context, void *buffer, size_t bytes, size_t *ret_got,
                              plumb_error *err)
{
    return pl_zstd_read(context, buffer, bytes, ret_got, err);
}

// The first content: 1 MiB, or more while that holds no line end.
static plumb_status look_content(pl_read_fn read, void *context, pl_buf *content, bool *ret_whole,
                                 plumb_error *err)
{
    size_t got = 1;
    while (got && content->count < SNIFF_LINE_MAX) {
        if (content->count >= SNIFF_BYTES && memchr(content->data, '\n', content->count)) break;
        char *to = pl_buf_reserve(content, CHUNK);
        PL_TRY(read(context, to, CHUNK, &got, err));
        content->count += got;
    }
    *ret_whole = got == 0;
    return PLUMB_OK;
}

// Read ahead: how is it compressed, and what is in it?
static plumb_status look(input *in, const pl_raw_options *options, coding *ret_coding,
                         pl_format *ret_format, plumb_error *err)
{
    char first[8];
    size_t got = 1;
    in->looking = true;
    while (got && in->ahead.count < sizeof first)
        PL_TRY(input_read(in, first, sizeof first - in->ahead.count, &got, err));
    in->at = 0;
    pl_span start = pl_buf_view(&in->ahead);
    static const struct {
        pl_span magic;
        const char *name;
    } others[] = {{{"BZh", 3}, "bzip2"},
                  {{"\xfd"
                    "7zXZ",
                    5},
                   "xz"},
                  {{"PK\x03\x04", 4}, "zip"}};
    for (size_t i = 0; i < PL_COUNT(others); i++) {
        if (!pl_span_starts(start, others[i].magic)) continue;
        pl_fail(err, PLUMB_E_MALFORMED, "%s compression is not read yet", others[i].name);
        pl_hint(err, "Decompress it, or compress it with gzip instead.");
        return PLUMB_E_MALFORMED;
    }
    *ret_coding = pl_gzip_magic(start) ? CAME_GZIP : pl_zstd_magic(start) ? CAME_ZSTD : CAME_PLAIN;
    *ret_format = options->head.format;
    if (!options->has_format) {
        pl_buf content = {0};
        bool whole = false;
        pl_gzip_reader *gzip = *ret_coding == CAME_GZIP ? pl_gzip_reader_new(input_read, in) : NULL;
        pl_zstd_reader *zstd = *ret_coding == CAME_ZSTD ? pl_zstd_reader_new(input_read, in) : NULL;
        plumb_status st = gzip   ? look_content(look_gzip, gzip, &content, &whole, err)
                          : zstd ? look_content(look_zstd, zstd, &content, &whole, err)
                                 : look_content(input_read, in, &content, &whole, err);
        if (st == PLUMB_OK) *ret_format = pl_raw_sniff(pl_buf_view(&content), whole);
        pl_gzip_reader_free(gzip);
        pl_zstd_reader_free(zstd);
        pl_buf_done(&content);
        if (st != PLUMB_OK) return st;
    }
    in->at = 0;
    in->looking = false;
    return PLUMB_OK;
}

// ---- output ------------------------------------------------------------------------------------
static void write_head(const pl_raw_head *head, pl_format format, coding came, pl_buf *out)
{
    static const char *const codings[] = {"plain", "gzip", "zstd"};
    pl_buf json = {0};
    pl_json_writer w = pl_json_writer_on(&json, 0);
    pl_json_begin(&w, '{');
    pl_json_key(&w, "raw"), pl_json_int(&w, 1); // version of this layout
    pl_json_key(&w, "id"), pl_json_cstr(&w, head->id);
    pl_json_key(&w, "source"), pl_json_text(&w, head->source);
    pl_json_key(&w, "format"), pl_json_cstr(&w, pl_format_name(format));
    pl_json_key(&w, "received_us"), pl_json_int(&w, head->received_us);
    pl_span name = {head->name.data, PL_MIN(head->name.bytes, PL_RAW_NAME_MAX)};
    pl_json_key(&w, "name"), pl_json_text(&w, name);
    pl_json_key(&w, "came"), pl_json_cstr(&w, codings[came]);
    if (head->again) pl_json_key(&w, "again"), pl_json_bool(&w, true);
    pl_json_end(&w, '}');
    pl_gzip_append_head(out, pl_buf_view(&json));
    pl_buf_done(&json);
}

static void trailer_part(pl_json_writer *w, const char *key, uint64_t bytes, const char *sha256)
{
    pl_json_key(w, key);
    pl_json_begin(w, '{');
    pl_json_key(w, "bytes"), pl_json_int(w, (int64_t)bytes);
    pl_json_key(w, "sha256"), pl_json_cstr(w, sha256);
    pl_json_end(w, '}');
}

static void write_trailer(const pl_raw_info *info, pl_buf *out)
{
    pl_buf json = {0};
    pl_json_writer w = pl_json_writer_on(&json, 0);
    pl_json_begin(&w, '{');
    trailer_part(&w, "payload", info->payload_bytes, info->payload_sha256);
    trailer_part(&w, "content", info->content_bytes, info->identity);
    pl_json_end(&w, '}');
    pl_gzip_append_trailer(out, pl_buf_view(&json));
    pl_buf_done(&json);
}

// A piece of the payload, on its way to the store.
static plumb_status payload_write(void *context, pl_span bytes, plumb_error *err)
{
    pl_raw_writer *writer = context;
    pl_sha256_add(writer->payload, bytes);
    if (writer->broken) pl_sha256_add(writer->broken, bytes);
    writer->payload_bytes += bytes.bytes;
    return pl_put_write(writer->put, bytes, err);
}

// Input of the gzip reader: what it sees is also what is stored.
static plumb_status verbatim_read(void *context, void *buffer, size_t bytes, size_t *ret_got,
                                  plumb_error *err)
{
    pl_raw_writer *writer = context;
    PL_TRY(input_read(&writer->in, buffer, bytes, ret_got, err));
    return payload_write(writer, pl_span_make(buffer, *ret_got), err);
}

// After each chunk of content.
static plumb_status step(pl_raw_writer *writer, pl_raw_info *info, size_t got, plumb_error *err)
{
    pl_sha256_add(writer->identity, pl_span_make(writer->buffer, got));
    info->content_bytes += got;
    if (info->content_bytes > PL_RAW_CONTENT_MAX)
        return pl_fail(err, PLUMB_E_LIMIT, "more than %llu bytes of content",
                       (unsigned long long)PL_RAW_CONTENT_MAX);
    if (atomic_load_explicit(&pl_cancelled, memory_order_relaxed))
        return pl_fail(err, PLUMB_E_CANCELLED, "interrupted");
    if (writer->options->progress)
        writer->options->progress(writer->options->progress_context, writer->in.read_bytes);
    return PLUMB_OK;
}

static plumb_status copy_anew(pl_raw_writer *writer, coding came, pl_raw_info *info,
                              plumb_error *err)
{
    pl_zstd_reader *zstd = came == CAME_ZSTD ? pl_zstd_reader_new(input_read, &writer->in) : NULL;
    pl_gzip_writer *gzip = pl_gzip_writer_new(writer->options->level, payload_write, writer);
    plumb_status st = PLUMB_OK;
    size_t got = 1;
    while (got && st == PLUMB_OK) {
        st = zstd ? pl_zstd_read(zstd, writer->buffer, CHUNK, &got, err)
                  : input_read(&writer->in, writer->buffer, CHUNK, &got, err);
        if (st == PLUMB_OK) st = step(writer, info, got, err);
        if (st == PLUMB_OK) st = pl_gzip_write(gzip, pl_span_make(writer->buffer, got), err);
    }
    if (st == PLUMB_OK) st = pl_gzip_finish(gzip, err);
    pl_zstd_reader_free(zstd);
    pl_gzip_writer_free(gzip);
    return st;
}

static plumb_status copy_gzip(pl_raw_writer *writer, pl_raw_info *info, plumb_error *err)
{
    writer->broken = pl_sha256_new();
    pl_sha256_add(writer->broken, PL_SPAN("broken\n"));
    pl_gzip_reader *gzip = pl_gzip_reader_new(verbatim_read, writer);
    plumb_status st = PLUMB_OK;
    size_t got = 1;
    while (got && st == PLUMB_OK) {
        st = pl_gzip_read(gzip, writer->buffer, CHUNK, &got, err);
        if (st == PLUMB_OK) st = step(writer, info, got, err);
    }
    pl_gzip_state state = pl_gzip_reader_state(gzip);
    pl_gzip_reader_free(gzip);
    info->broken = state.end != PL_GZIP_COMPLETE;
    info->reason = info->broken ? state.reason : NULL;
    info->broken_at = info->broken ? state.compressed : 0;
    for (got = 1; got && st == PLUMB_OK;) // what follows a defect is kept as well
        st = verbatim_read(writer, writer->buffer, CHUNK, &got, err);
    return st;
}

plumb_status pl_raw_fill(pl_raw_writer *writer, pl_read_fn read, void *context,
                         pl_raw_info *ret_info, plumb_error *err)
{
    pl_raw_info info = {0};
    pl_buf ours = {0};
    coding came = CAME_PLAIN;
    assert(!writer->payload); // once
    writer->in = (input){.read = read, .context = context};
    writer->buffer = pl_alloc(CHUNK);
    writer->payload = pl_sha256_new();
    writer->identity = pl_sha256_new();
    plumb_status st = look(&writer->in, writer->options, &came, &info.format, err);
    if (st == PLUMB_OK) {
        write_head(&writer->options->head, info.format, came, &ours);
        st = pl_put_write(writer->put, pl_buf_view(&ours), err);
    }
    if (st == PLUMB_OK)
        st =
            came == CAME_GZIP ? copy_gzip(writer, &info, err) : copy_anew(writer, came, &info, err);
    if (st == PLUMB_OK) {
        info.input_bytes = writer->in.read_bytes;
        info.payload_bytes = writer->payload_bytes;
        pl_sha256_hex(writer->payload, info.payload_sha256);
        pl_sha256_hex(info.broken ? writer->broken : writer->identity, info.identity);
    }
    if (st == PLUMB_OK && !info.broken) {
        pl_buf_reset(&ours);
        write_trailer(&info, &ours);
        st = pl_put_write(writer->put, pl_buf_view(&ours), err);
    }
    if (st == PLUMB_E_MALFORMED && came == CAME_ZSTD)
        pl_hint(err, "Nothing of it was landed: it cannot be kept as gzip. Compress it again.");
    info.stored_bytes = pl_put_bytes(writer->put);
    if (st == PLUMB_OK) *ret_info = info;
    pl_buf_done(&ours);
    pl_buf_done(&writer->in.ahead);
    free(writer->buffer); // writers that wait to be published are many
    writer->buffer = NULL;
    return st;
}

plumb_status pl_raw_publish(pl_raw_writer *writer, plumb_error *err)
{
    return pl_put_publish(writer->put, PL_RAW_MODE, err);
}

void pl_raw_release(pl_raw_writer *writer)
{
    if (!writer) return;
    pl_put_release(writer->put);
    writer_free(writer);
}

void pl_raw_abort(pl_raw_writer *writer)
{
    if (!writer) return;
    pl_put_abort(writer->put);
    writer_free(writer);
}

plumb_status pl_raw_write(pl_store *store, const pl_raw_options *options, pl_read_fn read,
                          void *context, pl_arena *arena, const char **ret_key,
                          pl_raw_info *ret_info, plumb_error *err)
{
    pl_raw_writer *writer;
    PL_TRY(pl_raw_begin(store, options, &writer, err));
    plumb_status st = pl_raw_fill(writer, read, context, ret_info, err);
    if (st == PLUMB_OK) st = pl_raw_publish(writer, err);
    if (st == PLUMB_OK) {
        *ret_key = pl_arena_cstr(arena, pl_span_of(pl_raw_writer_key(writer)));
        pl_raw_release(writer);
    } else {
        pl_raw_abort(writer);
    }
    return st;
}

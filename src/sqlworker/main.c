// main.c -- plumb-sql: runs one query and ends.
//
// Started by plumb (query/query.h) with a socket as descriptor 0. It reads one request, loads and
// opens the engine, enters the sandbox while there is a single thread, makes the tables, streams
// the result as frames (pipe/frame.h) and exits. Whatever goes wrong is one ERROR frame; if not
// even that can be sent, plumb sees the end of the stream and how the process ended.
//
// Interrupts are the parent's business: it kills. The exit code is 0 whenever the last frame went
// out.
//
// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "os/process.h"
#include "pipe/frame.h"
#include "pipe/rows.h"
#include "sqlworker/duckdb_api.h"
#include "sqlworker/engine.h"
#include "sqlworker/request.h"
#include "sqlworker/sandbox.h"
#include "sqlworker/value.h"
#include "json/writer.h"

#define CHANNEL        0
#define BATCH_BYTES    (256u * 1024)         // a ROWS frame is sent when it is this large
#define HEADROOM_BYTES (UINT64_C(512) << 20) // address space beyond the engine's own limit
#define THREAD_BYTES   (UINT64_C(80) << 20)  // stack and malloc arena of one thread, mostly unused

// ---- the channel -------------------------------------------------------------------------------

// The peer that went away needs no answer.
static void send_all(pl_buf *bytes)
{
    size_t at = 0;
    while (at < bytes->count) {
        ssize_t n = send(CHANNEL, bytes->data + at, bytes->count - at, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) _exit(1);
        at += (size_t)n;
    }
    pl_buf_reset(bytes);
}

static void send_hello(pl_buf *out)
{
    size_t begun = pl_frame_begin(out, PL_FRAME_HELLO);
    pl_json_writer json = pl_json_writer_on(out, 0);
    pl_json_begin(&json, '{');
    pl_json_key(&json, "protocol");
    pl_json_int(&json, PL_PIPE_PROTOCOL);
    pl_json_key(&json, "plumb");
    pl_json_cstr(&json, PLUMB_VERSION);
    pl_json_end(&json, '}');
    pl_frame_end(out, begun);
    send_all(out);
}

static void send_error(pl_buf *out, plumb_status status, const plumb_error *err)
{
    pl_buf_reset(out);
    size_t begun = pl_frame_begin(out, PL_FRAME_ERROR);
    pl_json_writer json = pl_json_writer_on(out, 0);
    pl_json_begin(&json, '{');
    pl_json_key(&json, "status");
    pl_json_int(&json, status);
    pl_json_key(&json, "message");
    pl_json_cstr(&json, err->message);
    pl_json_key(&json, "hint");
    pl_json_cstr(&json, err->hint);
    pl_json_key(&json, "offset");
    pl_json_int(&json, err->offset);
    pl_json_end(&json, '}');
    pl_frame_end(out, begun);
    send_all(out);
}

static plumb_status receive_request(pl_frame_reader *reader, pl_frame *ret_frame, plumb_error *err)
{
    for (;;) {
        char bytes[64 * 1024];
        bool found;
        PL_TRY(pl_frame_next(reader, ret_frame, &found, err));
        if (found && ret_frame->type != PL_FRAME_REQUEST)
            return pl_fail(err, PLUMB_E_MALFORMED, "cannot read request: frame of type %d",
                           ret_frame->type);
        if (found) return PLUMB_OK;
        ssize_t n = read(CHANNEL, bytes, sizeof bytes);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return pl_fail(err, PLUMB_E_UNAVAILABLE, "cannot read request: no more bytes");
        pl_frame_feed(reader, pl_span_make(bytes, (size_t)n));
    }
}

// ---- the result --------------------------------------------------------------------------------

typedef struct output {
    const pl_duckdb *duckdb;
    pl_reader *readers;
    uint32_t column_count;
    pl_buf frame;
    uint64_t rows;
} output;

static plumb_status send_columns(output *out, pl_duck_result *result, pl_arena *arena,
                                 plumb_error *err)
{
    const pl_duckdb *duckdb = out->duckdb;
    uint64_t count = duckdb->column_count(result);
    if (count > PL_RESULT_COLUMNS_MAX)
        return pl_fail(err, PLUMB_E_LIMIT, "cannot run query: %" PRIu64 " columns, limit is %d",
                       count, PL_RESULT_COLUMNS_MAX);
    out->column_count = (uint32_t)count;
    out->readers = PL_TAKE(arena, pl_reader, count);
    pl_result_column *columns = PL_TAKE(arena, pl_result_column, count);
    for (uint32_t i = 0; i < count; i++) {
        const char *name = duckdb->column_name(result, i);
        pl_duck_type type = duckdb->column_logical_type(result, i);
        plumb_status st =
            pl_reader_make(duckdb, type, name ? name : "", arena, &out->readers[i], err);
        duckdb->destroy_logical_type(&type);
        if (st != PLUMB_OK) return st;
        pl_buf text = {0};
        pl_reader_type_text(&out->readers[i], &text);
        columns[i] = (pl_result_column){.name = pl_span_of(name ? name : ""),
                                        .type = pl_arena_copy(arena, pl_buf_view(&text)),
                                        .kind = out->readers[i].text};
        pl_buf_done(&text);
    }
    size_t begun = pl_frame_begin(&out->frame, PL_FRAME_COLUMNS);
    pl_columns_write(&out->frame, columns, (uint32_t)count);
    pl_frame_end(&out->frame, begun);
    send_all(&out->frame);
    return PLUMB_OK;
}

// One row's cells. A cell's size is known only once it is written, so its length goes in after.
static plumb_status write_row(output *out, uint64_t row, plumb_error *err)
{
    for (uint32_t i = 0; i < out->column_count; i++) {
        const pl_reader *reader = &out->readers[i];
        if (pl_reader_is_null(reader, row)) {
            pl_cell_write_null(&out->frame);
            continue;
        }
        size_t begun = pl_cell_begin(&out->frame);
        pl_reader_text(reader, row, &out->frame);
        if (out->frame.count > PL_FRAME_BYTES_MAX) {
            pl_fail(err, PLUMB_E_LIMIT, "cannot return row %" PRIu64 ": more than %u MiB",
                    out->rows + 1, PL_FRAME_BYTES_MAX >> 20);
            pl_hint(err, "Select less of its values, substr() for example.");
            return PLUMB_E_LIMIT;
        }
        pl_cell_end(&out->frame, begun);
    }
    out->rows++;
    return PLUMB_OK;
}

static plumb_status send_chunk(output *out, pl_duck_chunk chunk, plumb_error *err)
{
    uint64_t count = out->duckdb->data_chunk_get_size(chunk);
    for (uint32_t i = 0; i < out->column_count; i++)
        pl_reader_bind(out->duckdb, &out->readers[i], out->duckdb->data_chunk_get_vector(chunk, i));
    for (uint64_t row = 0; row < count;) {
        size_t begun = pl_frame_begin(&out->frame, PL_FRAME_ROWS);
        size_t counted = pl_rows_begin(&out->frame);
        uint32_t rows = 0;
        do {
            PL_TRY(write_row(out, row++, err));
            rows++;
        } while (row < count && out->frame.count < BATCH_BYTES);
        pl_rows_end(&out->frame, counted, rows);
        pl_frame_end(&out->frame, begun);
        send_all(&out->frame);
    }
    return PLUMB_OK;
}

static plumb_status send_rows(output *out, const pl_request *request, pl_duck_result *result,
                              plumb_error *err)
{
    for (;;) {
        pl_duck_chunk chunk = out->duckdb->fetch_chunk(*result);
        if (!chunk) break;
        plumb_status st = send_chunk(out, chunk, err);
        out->duckdb->destroy_data_chunk(&chunk);
        if (st != PLUMB_OK) return st;
    }
    // The end of the stream and a failure look alike.
    const char *text = out->duckdb->result_error(result);
    return text && *text ? pl_engine_fail(text, request, err) : PLUMB_OK;
}

static void send_done(output *out)
{
    size_t begun = pl_frame_begin(&out->frame, PL_FRAME_DONE);
    pl_buf_printf(&out->frame, "{\"rows\":%" PRIu64 "}", out->rows);
    pl_frame_end(&out->frame, begun);
    send_all(&out->frame);
}

static plumb_status run_query(pl_engine *engine, const pl_request *request, pl_arena *arena,
                              plumb_error *err)
{
    pl_duck_result result = {0};
    output out = {.duckdb = engine->duckdb};
    PL_TRY(pl_engine_prepare(engine, request, err));
    PL_TRY(pl_engine_start(engine, request, &result, err));
    PL_TRY(send_columns(&out, &result, arena, err));
    PL_TRY(send_rows(&out, request, &result, err));
    send_done(&out);
    // Nothing is closed: the process ends now, and taking the engine down only costs time.
    return PLUMB_OK;
}

static void send_facts(const pl_duckdb *duckdb)
{
    pl_buf out = {0};
    size_t begun = pl_frame_begin(&out, PL_FRAME_DONE);
    pl_json_writer json = pl_json_writer_on(&out, 0);
    pl_json_begin(&json, '{');
    pl_json_key(&json, "library");
    pl_json_cstr(&json, duckdb->path);
    pl_json_key(&json, "duckdb");
    pl_json_cstr(&json, duckdb->version);
    pl_json_key(&json, "landlock");
    pl_json_int(&json, pl_sandbox_landlock());
    pl_json_end(&json, '}');
    pl_frame_end(&out, begun);
    send_all(&out);
    pl_buf_done(&out);
}

static plumb_status serve(pl_arena *arena, plumb_error *err)
{
    static pl_duckdb duckdb;
    pl_frame_reader reader = {0};
    pl_frame frame;
    pl_request request;
    PL_TRY(receive_request(&reader, &frame, err));
    PL_TRY(pl_request_read(frame.payload, arena, &request, err));
    PL_TRY(pl_duckdb_load(request.library, &duckdb, err));
    if (request.probe) {
        send_facts(&duckdb);
        return PLUMB_OK;
    }
    pl_sandbox sandbox = {
        .roots = request.roots,
        .root_count = request.root_count,
        .memory_bytes = (uint64_t)request.memory_bytes + HEADROOM_BYTES +
                        (uint64_t)request.threads * THREAD_BYTES,
        .cpu_seconds = (uint64_t)request.cpu_seconds,
        .landlock = request.sandbox,
    };
    pl_engine engine = {0};
    PL_TRY(pl_engine_open(&duckdb, &request, &engine, err));
    PL_TRY(pl_sandbox_enter(&sandbox, err));
    return run_query(&engine, &request, arena, err);
}

int main(void)
{
    int type;
    socklen_t bytes = sizeof type;
    if (getsockopt(CHANNEL, SOL_SOCKET, SO_TYPE, &type, &bytes) != 0) {
        fprintf(stderr, "plumb-sql is started by plumb query, not by hand\n");
        return 2;
    }
    signal(SIGINT, SIG_IGN);
    pl_buf out = {0};
    pl_arena arena = {0};
    plumb_error err = {.offset = -1};
    send_hello(&out);
    plumb_status st = serve(&arena, &err);
    if (st != PLUMB_OK) send_error(&out, st, &err);
    _exit(0);
}

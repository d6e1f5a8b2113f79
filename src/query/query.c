// SPDX-License-Identifier: Apache-2.0
#include "query/query.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "os/os.h"
#include "os/process.h"
#include "pipe/frame.h"
#include "query/request_int.h"
#include "json/tree.h"

#define TIMEOUT_MS_DEFAULT 60000
#define POLL_MS            100 // how late a cancel or a timeout may be noticed
#define PROBE_TIMEOUT_MS   20000

// One conversation with one worker.
typedef struct session {
    pl_process process;
    pl_frame_reader reader;
    pl_buf complaint;    // what the worker wrote to its stderr
    int64_t deadline_us; // monotonic; INT64_MAX: none
    int64_t timeout_ms;  // for the message
} session;

// ---- starting, waiting -------------------------------------------------------------------------

bool pl_query_worker_path(char *path, size_t bytes)
{
    static const char *const places[] = {"", "../sqlworker/", "../../src/sqlworker/"};
    char self[900];
    if (!pl_process_self(self, sizeof self)) return false;
    char *slash = strrchr(self, '/');
    if (slash) slash[1] = 0;
    for (size_t i = 0; i < PL_COUNT(places); i++) {
        int n = snprintf(path, bytes, "%s%splumb-sql", self, places[i]);
        if (n > 0 && (size_t)n < bytes && access(path, X_OK) == 0) return true;
    }
    return false;
}

static plumb_status start(session *s, const char *worker, int64_t timeout_ms, plumb_error *err)
{
    char path[1024];
    if (!worker && !pl_query_worker_path(path, sizeof path))
        return pl_fail(err, PLUMB_E_UNAVAILABLE,
                       "cannot start program 'plumb-sql': it is not beside plumb");
    // The worker inherits nothing but where its library is and a fixed time zone.
    char library[1100];
    const char *given = getenv("PLUMB_DUCKDB_LIB");
    snprintf(library, sizeof library, "PLUMB_DUCKDB_LIB=%s", given ? given : "");
    const char *const environment[] = {"TZ=UTC", "LC_ALL=C", library, NULL};
    const char *const argv[] = {worker ? worker : path, NULL};
    s->timeout_ms = timeout_ms;
    s->deadline_us = timeout_ms < 0 ? INT64_MAX : pl_clock_monotonic() + timeout_ms * 1000;
    plumb_status st = pl_process_start(argv, environment, &s->process, err);
    return st == PLUMB_E_NOT_FOUND ? PLUMB_E_UNAVAILABLE : st;
}

static void finish(session *s)
{
    pl_process_kill(&s->process);
    PL_IGNORE(pl_process_wait(&s->process).code); // it did its work, or its end was judged already
    pl_frame_reader_done(&s->reader);
    pl_buf_done(&s->complaint);
}

static plumb_status check_time(const session *s, plumb_error *err)
{
    if (atomic_load_explicit(&pl_cancelled, memory_order_relaxed))
        return pl_fail(err, PLUMB_E_CANCELLED, "cannot run query: interrupted");
    if (pl_clock_monotonic() < s->deadline_us) return PLUMB_OK;
    pl_fail(err, PLUMB_E_LIMIT, "cannot run query: not done after %g s",
            (double)s->timeout_ms / 1000);
    pl_hint(err, "Raise --timeout (query: timeout: in plumb.yaml), or select less.");
    return PLUMB_E_LIMIT;
}

// The stream ended without a last frame: say how the worker ended.
static plumb_status judge_end(session *s, plumb_error *err)
{
    pl_process_end end = pl_process_wait(&s->process);
    pl_span words = pl_span_trim(pl_buf_view(&s->complaint));
    const char *text = pl_buf_cstr(&s->complaint);
    if (end.signal == SIGXCPU)
        return pl_fail(err, PLUMB_E_LIMIT, "cannot run query: it used too much processor time");
    // bad_alloc where the engine does not expect it, our own allocator, or the kernel's choice.
    if (strstr(text, "bad_alloc") || strstr(text, "out of memory") || end.signal == SIGKILL) {
        pl_fail(err, PLUMB_E_LIMIT, "cannot run query: out of memory");
        pl_hint(err, "Raise --memory (query: memory: in plumb.yaml), or select less.");
        return PLUMB_E_LIMIT;
    }
    if (end.signal)
        pl_fail(err, PLUMB_E_FAILED, "cannot run query: the SQL worker ended by signal %d",
                end.signal);
    else
        pl_fail(err, PLUMB_E_FAILED, "cannot run query: the SQL worker ended with exit code %d",
                end.code);
    if (words.bytes) pl_hint(err, "It said: %.*s", (int)PL_MIN(words.bytes, 300), words.data);
    return PLUMB_E_FAILED;
}

static plumb_status next_frame(session *s, pl_frame *ret_frame, plumb_error *err)
{
    for (;;) {
        bool found, open;
        PL_TRY(pl_frame_next(&s->reader, ret_frame, &found, err));
        if (found) return PLUMB_OK;
        PL_TRY(check_time(s, err));
        PL_TRY(pl_process_receive(&s->process, POLL_MS, pl_frame_room(&s->reader), &s->complaint,
                                  &open, err));
        if (!open) return judge_end(s, err);
    }
}

static plumb_status send_request(session *s, pl_span bytes, plumb_error *err)
{
    while (bytes.bytes) {
        size_t sent;
        PL_TRY(check_time(s, err));
        if (pl_process_send(&s->process, bytes, POLL_MS, &sent, err) != PLUMB_OK)
            return judge_end(s, err);
        bytes.data += sent;
        bytes.bytes -= sent;
    }
    return PLUMB_OK;
}

// ---- frames ------------------------------------------------------------------------------------

static plumb_status expect_hello(session *s, plumb_error *err)
{
    pl_frame frame;
    pl_arena arena = {0};
    pl_json *root = NULL;
    int64_t protocol = 0;
    pl_span version = {0};
    plumb_status st = next_frame(s, &frame, err);
    if (st == PLUMB_OK && frame.type != PL_FRAME_HELLO)
        st = pl_fail(err, PLUMB_E_MALFORMED, "cannot start the SQL worker: it said no hello");
    if (st == PLUMB_OK) st = pl_json_parse(frame.payload, &arena, &root, err);
    if (st == PLUMB_OK && (!pl_json_get_long(root, "protocol", &protocol) ||
                           !pl_json_get_text(root, "plumb", &version) ||
                           protocol != PL_PIPE_PROTOCOL || !pl_span_is(version, PLUMB_VERSION))) {
        st = pl_fail(err, PLUMB_E_UNAVAILABLE,
                     "cannot use program 'plumb-sql': version '%.*s', expected '%s'",
                     PL_FMT(version), PLUMB_VERSION);
        pl_hint(err, "plumb and plumb-sql must come from one build.");
    }
    pl_arena_done(&arena);
    return st;
}

// Copy a possibly long text into a fixed field, cut at its end.
static void copy_text(char *field, size_t bytes, pl_span text)
{
    snprintf(field, bytes, "%.*s", PL_FMT(text));
}

static plumb_status take_error(pl_span payload, plumb_error *err)
{
    pl_arena arena = {0};
    pl_json *root;
    pl_span text;
    int64_t status = PLUMB_E_FAILED;
    plumb_status st = pl_json_parse(payload, &arena, &root, err);
    if (st == PLUMB_OK) {
        if (!pl_json_get_long(root, "status", &status) || status <= PLUMB_OK ||
            status > PLUMB_E_UNKNOWN)
            status = PLUMB_E_FAILED;
        st = pl_fail(err, (plumb_status)status, "cannot run query");
        if (err && pl_json_get_text(root, "message", &text))
            copy_text(err->message, sizeof err->message, text);
        if (err && pl_json_get_text(root, "hint", &text))
            copy_text(err->hint, sizeof err->hint, text);
        if (err && !pl_json_get_long(root, "offset", &err->offset)) err->offset = -1;
    }
    pl_arena_done(&arena);
    return st;
}

static plumb_status take_columns(pl_span payload, const pl_query_sink *sink, pl_arena *arena,
                                 uint32_t *ret_count, plumb_error *err)
{
    pl_result_column *columns;
    PL_TRY(pl_columns_read(payload, arena, &columns, ret_count, err));
    return sink->columns(sink->context, columns, *ret_count, err);
}

static plumb_status take_rows(pl_span payload, const pl_query_sink *sink, uint32_t columns,
                              uint64_t *rows_total, plumb_error *err)
{
    pl_rows rows;
    PL_TRY(pl_rows_open(payload, columns, &rows, err));
    *rows_total += rows.rows_left;
    return sink->rows(sink->context, &rows, err);
}

static plumb_status read_result(session *s, const pl_query_sink *sink, uint64_t *ret_rows,
                                plumb_error *err)
{
    uint32_t columns = UINT32_MAX; // not known yet
    uint64_t rows = 0;
    for (;;) {
        pl_frame frame;
        pl_arena arena = {0};
        plumb_status st = next_frame(s, &frame, err);
        if (st != PLUMB_OK) return st;
        bool known = columns != UINT32_MAX;
        if (frame.type == PL_FRAME_ERROR) return take_error(frame.payload, err);
        if (frame.type == PL_FRAME_PROGRESS) continue;
        if (frame.type == PL_FRAME_COLUMNS && !known) {
            st = take_columns(frame.payload, sink, &arena, &columns, err);
        } else if (frame.type == PL_FRAME_ROWS && known) {
            st = take_rows(frame.payload, sink, columns, &rows, err);
        } else if (frame.type == PL_FRAME_DONE && known) {
            *ret_rows = rows;
            return PLUMB_OK;
        } else {
            st = pl_fail(err, PLUMB_E_MALFORMED, "cannot read result: frame of type %d out of turn",
                         frame.type);
        }
        pl_arena_done(&arena);
        if (st != PLUMB_OK) return st;
    }
}

// ---- the two requests --------------------------------------------------------------------------

plumb_status pl_query_run(const pl_query_options *options, const pl_query_sink *sink,
                          pl_query_stats *ret_stats, plumb_error *err)
{
    session s = {.process = {.socket = -1, .complaint = -1}};
    pl_buf request = {0};
    uint64_t rows = 0;
    int64_t begun_us = pl_clock_monotonic();
    plumb_status st = pl_query__request(options, &request, err);
    if (st == PLUMB_OK)
        st = start(&s, options->worker,
                   options->timeout_ms ? options->timeout_ms : TIMEOUT_MS_DEFAULT, err);
    if (st == PLUMB_OK) st = expect_hello(&s, err);
    if (st == PLUMB_OK) st = send_request(&s, pl_buf_view(&request), err);
    pl_buf_done(&request);
    if (st == PLUMB_OK) st = read_result(&s, sink, &rows, err);
    finish(&s);
    if (st == PLUMB_OK)
        *ret_stats = (pl_query_stats){.rows = rows,
                                      .seconds = (double)(pl_clock_monotonic() - begun_us) / 1e6};
    return st;
}

static plumb_status read_facts(session *s, pl_query_facts *ret_facts, plumb_error *err)
{
    pl_frame frame;
    PL_TRY(next_frame(s, &frame, err));
    if (frame.type == PL_FRAME_ERROR) return take_error(frame.payload, err);
    pl_arena arena = {0};
    pl_json *root;
    plumb_status st = pl_json_parse(frame.payload, &arena, &root, err);
    if (st == PLUMB_OK) {
        pl_query_facts facts = {0};
        pl_span text;
        int64_t landlock;
        if (pl_json_get_text(root, "library", &text))
            copy_text(facts.library, sizeof facts.library, text);
        if (pl_json_get_text(root, "duckdb", &text))
            copy_text(facts.duckdb, sizeof facts.duckdb, text);
        if (pl_json_get_long(root, "landlock", &landlock)) facts.landlock = (int)landlock;
        *ret_facts = facts;
    }
    pl_arena_done(&arena);
    return st;
}

plumb_status pl_query_probe(const char *worker, const char *library, pl_query_facts *ret_facts,
                            plumb_error *err)
{
    session s = {.process = {.socket = -1, .complaint = -1}};
    pl_buf request = {0};
    plumb_status st = start(&s, worker, PROBE_TIMEOUT_MS, err);
    if (st == PLUMB_OK) st = expect_hello(&s, err);
    pl_query__probe(library, &request);
    if (st == PLUMB_OK) st = send_request(&s, pl_buf_view(&request), err);
    pl_buf_done(&request);
    if (st == PLUMB_OK) st = read_facts(&s, ret_facts, err);
    finish(&s);
    return st;
}

// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <unistd.h>

#include "base/time.h"
#include "cli/look.h"
#include "contract/project.h"
#include "flow/ingest.h"
#include "os/file.h"
#include "os/os.h"

typedef struct job {
    pl_cli *cli;
    pl_lake lake;
    const char *source;
    pl_ingest_options options;
    pl_ulids ulids;
    pl_json_writer json;
    int64_t landed, known, failed;
    int exit; // of the first failure
    // progress of one file
    const char *file;
    uint64_t file_bytes;        // 0: not known
    int64_t begun_us, shown_us; // shown 0: nothing is
} job;

// ---- progress ----------------------------------------------------------------------------------
static void progress_begin(job *at, const char *file)
{
    pl_file_info info = {0};
    at->file = file;
    at->begun_us = pl_clock_monotonic();
    at->file_bytes = 0;
    if (pl_path_info(file, &info, NULL) == PLUMB_OK && info.is_regular) at->file_bytes = info.bytes;
}

static void progress(void *context, const char *file, uint64_t bytes)
{
    job *at = context;
    int64_t now = pl_clock_monotonic();
    if (file != at->file) progress_begin(at, file);
    if (now - at->begun_us < PL_MICROS_PER_SECOND || now - at->shown_us < 200000) return;
    at->shown_us = now;
    pl_human done, all;
    pl_buf text = {0};
    pl_cli_escape(&text, pl_span_of(at->file));
    pl_buf_printf(&text, ": %s", pl_human_bytes(done, (int64_t)bytes));
    if (at->file_bytes)
        pl_buf_printf(&text, " of %s", pl_human_bytes(all, (int64_t)at->file_bytes));
    fprintf(stderr, "\r\033[K%s", pl_buf_cstr(&text));
    fflush(stderr);
    pl_buf_done(&text);
}

static void progress_end(job *at)
{
    if (at->shown_us) fprintf(stderr, "\r\033[K");
    at->shown_us = 0;
}

// ---- results -----------------------------------------------------------------------------------
static void print_json(job *at, const char *file, const pl_ingest_result *r)
{
    pl_json_writer *json = &at->json;
    pl_json_begin(json, '{');
    pl_look_text(json, "object", r->id);
    pl_look_text(json, "source", at->source);
    pl_look_text(json, "file", file);
    pl_look_text(json, "state", r->known ? "known" : "landed");
    pl_look_text(json, "key", r->key);
    pl_look_text(json, "format", pl_format_name(r->format));
    pl_look_int(json, "bytes", (int64_t)r->stored_bytes);
    pl_look_int(json, "content_bytes", (int64_t)r->content_bytes);
    pl_look_text(json, "sha256", r->sha256);
    pl_json_key(json, "broken"), pl_json_bool(json, r->broken);
    char text[40];
    pl_time_text(r->received_us, text);
    pl_look_text(json, "received", text);
    pl_look_time(json, "landed", r->landed_us);
    pl_json_end(json, '}');
}

static void print_line(job *at, const char *file, const pl_ingest_result *r)
{
    pl_cli *cli = at->cli;
    pl_human bytes, ago;
    pl_cli_escape(&cli->out, pl_span_of(file));
    if (r->known) {
        pl_cli_print(cli, ": already there as %s", r->id);
        if (r->name[0]) {
            pl_cli_print(cli, ", from ");
            pl_cli_escape(&cli->out, pl_span_of(r->name));
        }
        pl_cli_print(cli, ", landed %s\n", pl_human_ago(ago, cli->now_us, r->landed_us));
    } else {
        pl_cli_print(cli, ": landed as %s, %s of %s\n", r->id,
                     pl_human_bytes(bytes, (int64_t)r->content_bytes), pl_format_name(r->format));
    }
}

static void print_failure(job *at, const char *file, const plumb_error *err)
{
    int code = pl_cli_fail(at->cli, err);
    if (!at->failed++) at->exit = code;
    if (!at->cli->json) return;
    pl_json_begin(&at->json, '{');
    pl_json_key(&at->json, "object"), pl_json_null(&at->json);
    pl_look_text(&at->json, "source", at->source);
    pl_look_text(&at->json, "file", file);
    pl_look_text(&at->json, "state", "failed");
    pl_look_text(&at->json, "error", err->message);
    pl_json_end(&at->json, '}');
}

static void told(void *context, const char *file, plumb_status st, const pl_ingest_result *result,
                 const plumb_error *err)
{
    job *at = context;
    progress_end(at);
    if (st != PLUMB_OK) {
        print_failure(at, file, err);
        return;
    }
    *(result->known ? &at->known : &at->landed) += 1;
    if (at->cli->json)
        print_json(at, file, result);
    else
        print_line(at, file, result);
    pl_cli_flush(at->cli);
    if (result->broken && !result->known)
        pl_cli_warn("file '%s': its gzip data is broken at byte %llu (%s), landed as it is", file,
                    (unsigned long long)result->broken_at, result->reason);
    else if (!result->content_bytes && !result->known)
        pl_cli_warn("file '%s' is empty, landed as it is", file);
}

// ---- arguments ---------------------------------------------------------------------------------
// An object cannot be changed: one of a year to come would stay there.
static bool is_past(job *at, const char *text, int *ret_exit)
{
    char time[40];
    if (at->options.received_us <= at->cli->now_us + PL_RECEIVED_AHEAD_US) return true;
    pl_time_text(at->options.received_us, time);
    *ret_exit = pl_cli_usage(at->cli,
                             "--received '%s' is %s, more than a day from now; give a time like "
                             "2026-11-22T03:00:00Z, or a number since 1970: seconds have 10 "
                             "digits, milliseconds 13",
                             text, time);
    return false;
}

static bool read_received(job *at, int *ret_exit)
{
    const char *text = pl_cli_value(at->cli, "received");
    if (!text) return true;
    if (strcmp(text, "mtime") == 0) {
        at->options.received_mtime = true;
        return true;
    }
    const char *reason = pl_ingest_parse_time(pl_span_of(text), &at->options.received_us);
    at->options.has_received = reason == NULL;
    if (reason)
        *ret_exit = pl_cli_usage(at->cli,
                                 "--received '%s' %s; give a time like "
                                 "2026-11-22T03:00:00Z, seconds since 1970, or mtime",
                                 text, reason);
    return reason == NULL && is_past(at, text, ret_exit);
}

static bool read_format(job *at, int *ret_exit)
{
    const char *text = pl_cli_value(at->cli, "format");
    if (!text || strcmp(text, "auto") == 0) return true;
    at->options.has_format = pl_format_parse(pl_span_of(text), &at->options.format);
    if (!at->options.has_format)
        *ret_exit = pl_cli_usage(
            at->cli,
            "unknown format '%s'; it is one of auto, ndjson, array, document and concatenated",
            text);
    return at->options.has_format;
}

static const char *source_name(void *context, int index)
{
    job *at = context;
    const pl_project *project = at->lake.project;
    if (index >= (int)project->mapping_count) return NULL;
    return pl_arena_cstr(&at->cli->arena, project->mappings[index]->source);
}

// The source must be one of the project's: a typing mistake must not make a new one.
static plumb_status check_source(job *at, plumb_error *err)
{
    const pl_project *project = at->lake.project;
    for (uint32_t i = 0; i < project->mapping_count; i++)
        if (pl_span_is(project->mappings[i]->source, at->source)) return PLUMB_OK;
    pl_fail(err, PLUMB_E_CONFIG, "unknown source '%s'", at->source);
    const char *nearest = pl_cli_nearest(at->source, source_name, at);
    if (nearest)
        pl_hint(err, "Did you mean '%s'?", nearest);
    else
        pl_hint(err, "Write sources/%s.yml first, or 'plumb init --from FILE' does.", at->source);
    return PLUMB_E_CONFIG;
}

static plumb_status prepare(job *at, plumb_error *err)
{
    uint8_t seed[32];
    pl_ingest_recovery recovery;
    PL_TRY(pl_cli_open(at->cli, PL_CLI_WRITE, &at->lake, err));
    PL_TRY(check_source(at, err));
    pl_entropy(seed, sizeof seed);
    at->ulids = pl_ulids_make(seed);
    at->options.level = (int)at->lake.project->settings.raw_level;
    PL_TRY(pl_ingest_recover(at->lake.store, at->lake.registry, at->cli->now_us, &recovery, err));
    if (recovery.finished || recovery.removed)
        pl_cli_warn("an earlier command was cut off: %u of its files finished, %u removed",
                    recovery.finished, recovery.removed);
    return PLUMB_OK;
}

static int finish(job *at)
{
    pl_cli *cli = at->cli;
    if (cli->json) {
        pl_json_end(&at->json, ']');
        pl_json_end(&at->json, '}');
    } else if (at->landed + at->known + at->failed > 1) {
        pl_human landed, known, failed;
        pl_cli_print(cli, "%s landed, %s already there", pl_human_count(landed, at->landed),
                     pl_human_count(known, at->known));
        if (at->failed) pl_cli_print(cli, ", %s failed", pl_human_count(failed, at->failed));
        pl_cli_print(cli, "\n");
    }
    return pl_cli_finish_with(cli, at->exit);
}

static int run(pl_cli *cli)
{
    plumb_error err;
    int code = PL_EXIT_DONE, stdin_count = 0;
    job at = {.cli = cli,
              .source = cli->args[0],
              .json = pl_cli_json(cli),
              .options = {.source = pl_span_of(cli->args[0]),
                          .now_us = cli->now_us,
                          .again = pl_cli_flag(cli, "again")}};
    if (!read_received(&at, &code) || !read_format(&at, &code)) return code;
    for (int i = 1; i < cli->arg_count; i++) stdin_count += strcmp(cli->args[i], "-") == 0;
    if (stdin_count > 1) return pl_cli_usage(cli, "'-' may be given only once");
    if (stdin_count && at.options.received_mtime)
        return pl_cli_usage(cli, "standard input has no mtime");
    if (pl_is_terminal(STDERR_FILENO)) {
        at.options.progress = progress;
        at.options.progress_context = &at;
    }
    if (prepare(&at, &err)) {
        pl_lake_close(&at.lake);
        return pl_cli_fail(cli, &err);
    }
    if (cli->json) {
        pl_json_begin(&at.json, '{');
        pl_json_key(&at.json, "objects");
        pl_json_begin(&at.json, '[');
    }
    const char *const *files = (const char *const *)cli->args + 1;
    pl_ingest_files(at.lake.store, at.lake.registry, &at.ulids, files, (uint32_t)cli->arg_count - 1,
                    &at.options, told, &at);
    pl_lake_close(&at.lake);
    return finish(&at);
}

static const pl_option options[] = {
    {.name = "received",
     .value = "TIME",
     .help = "when it was received (now): ISO text, seconds since 1970, or mtime"},
    {.name = "format",
     .value = "FORMAT",
     .help = "auto, ndjson, array, document or concatenated (auto: by its first bytes)"},
    {.name = "again", .help = "land the input even if the same content is there"},
    {0},
};

const pl_command pl_command_ingest = {
    .name = "ingest",
    .group = PL_GROUP_WORK,
    .usage = "SOURCE FILE...|- [--received TIME|mtime] [--format FORMAT] [--again] [--json]",
    .summary = "land files in the raw zone, unchanged and for good",
    .help = "One file is one raw object: newline-delimited JSON, one array, one document, or\n"
            "documents one after another; plain, gzip or zstd. It is whole and on disk when the "
            "command\n"
            "says so, or nothing of it is.\n"
            "Nothing is judged here: 'plumb run' maps what was landed and quarantines what is\n"
            "broken. The same content is landed once per source, however it is compressed.\n\n"
            "JSON: {\"objects\": [{\"object\", \"source\", \"file\", \"state\": landed, known or "
            "failed, \"key\", \"format\",\n"
            "\"bytes\", \"content_bytes\", \"sha256\", \"broken\", \"received\", \"landed\"}]}.\n"
            "\n"
            "Example:\n"
            "  plumb ingest tiktok posts-2026-11-22.json.gz\n"
            "  curl -s https://api.example/posts | plumb ingest tiktok -\n"
            "  plumb ingest shop --received mtime archive/*.json\n",
    .options = options,
    .args_min = 2,
    .args_max = -1,
    .json = true,
    .run = run,
};

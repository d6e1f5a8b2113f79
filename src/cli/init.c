// init.c -- plumb init: a new project, guessed from a sample if there is one.
//
// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>

#include "cli/cli.h"
#include "contract/contract.h"
#include "contract/project.h"
#include "flow/ingest.h"
#include "flow/sample.h"
#include "os/file.h"
#include "os/os.h"

static const char settings_text[] =
    "# A project is this file, one contract per table and one mapping per source. Keep them in "
    "git.\n"
    "lake: ./lake        # raw zone, tables and their catalog: everything plumb writes is in here\n"
    "threads: 0          # 0 = every core\n"
    "memory: 512MiB      # upper bound of a run, however large its input\n"
    "policy: guarded     # what can be taken back needs nobody; strict: a person decides\n"
    "query:\n"
    "  memory: 1GiB\n"
    "  timeout: 60s\n";

typedef struct init_job {
    pl_cli *cli;
    const char *dir;
    const char **files; // samples
    int file_count;
    char *table, *source;
    pl_infer_summary summary;
    pl_sample sample;
    pl_ingest_result *landed; // per file
} init_job;

static char *join(init_job *job, const char *name)
{
    return pl_arena_printf(&job->cli->arena, "%s/%s", job->dir, name);
}

// Write a file that must not exist yet.
static plumb_status write_new(init_job *job, const char *name, pl_span text, plumb_error *err)
{
    char *path = join(job, name);
    if (pl_path_exists(path)) {
        pl_fail(err, PLUMB_E_CONFIG, "cannot write '%s': it exists", path);
        pl_hint(err, "Choose another name with --table and --source; init never overwrites.");
        return PLUMB_E_CONFIG;
    }
    return pl_path_write(path, text, err);
}

static plumb_status write_frame(init_job *job, plumb_error *err)
{
    static const char *const folders[] = {"contracts", "sources"};
    for (size_t i = 0; i < PL_COUNT(folders); i++)
        PL_TRY(pl_path_make_way(join(job, folders[i]), err));
    // All of that, and what an init made that died: the files do the rest.
    PL_TRY(pl_path_sync_up(join(job, folders[0]), err));
    if (!pl_path_exists(join(job, "plumb.yaml")))
        PL_TRY(write_new(job, "plumb.yaml", PL_SPAN(settings_text), err));
    if (!pl_path_exists(join(job, ".gitignore")))
        PL_TRY(write_new(job, ".gitignore", PL_SPAN("/lake/\n"), err));
    return PLUMB_OK;
}

static plumb_status check_names(init_job *job, plumb_error *err)
{
    const char *names[] = {job->table, job->source};
    static const char *const kinds[] = {"table", "source"};
    for (size_t i = 0; i < PL_COUNT(names); i++) {
        const char *why = pl_name_check(pl_span_of(names[i]));
        if (why)
            return pl_fail(err, PLUMB_E_CONFIG, "cannot use %s name '%s': it %s", kinds[i],
                           names[i], why);
    }
    return PLUMB_OK;
}

static plumb_status no_document(init_job *job, plumb_error *err)
{
    const char *more = job->file_count == 1
                           ? ""
                           : pl_arena_printf(&job->cli->arena, " and %d more", job->file_count - 1);
    return pl_fail(err, PLUMB_E_MALFORMED, "cannot infer a table from sample '%s'%s: %s",
                   job->files[0], more,
                   job->sample.broken ? job->sample.reason : "no document is there");
}

static plumb_status infer_files(init_job *job, pl_buf *contract, pl_buf *mapping, plumb_error *err)
{
    pl_infer_options options = {pl_span_of(job->table), pl_span_of(job->source)};
    pl_infer *infer = pl_infer_new(&options);
    plumb_status st = PLUMB_OK;
    for (int i = 0; i < job->file_count && st == PLUMB_OK; i++)
        st = pl_sample_file(job->files[i], infer, &job->sample, err);
    if (st == PLUMB_OK && !job->sample.documents)
        st = no_document(job, err);
    else if (st == PLUMB_OK)
        st = pl_infer_write(infer, contract, mapping, &job->summary, err);
    job->summary.records_path = pl_arena_copy(&job->cli->arena, job->summary.records_path);
    pl_infer_free(infer);
    return st;
}

static plumb_status write_inferred(init_job *job, plumb_error *err)
{
    pl_buf contract = {0}, mapping = {0};
    plumb_status st = check_names(job, err);
    char *names[] = {pl_arena_printf(&job->cli->arena, "contracts/%s.yml", job->table),
                     pl_arena_printf(&job->cli->arena, "sources/%s.yml", job->source)};
    if (st == PLUMB_OK) st = infer_files(job, &contract, &mapping, err);
    if (st == PLUMB_OK) st = write_frame(job, err);
    if (st == PLUMB_OK) st = write_new(job, names[0], pl_buf_view(&contract), err);
    if (st == PLUMB_OK) st = write_new(job, names[1], pl_buf_view(&mapping), err);
    pl_buf_done(&contract);
    pl_buf_done(&mapping);
    return st;
}

static plumb_status land(init_job *job, plumb_error *err)
{
    pl_lake lake = {0};
    job->cli->directory = job->dir;
    PL_TRY(pl_cli_open(job->cli, PL_CLI_WRITE, &lake, err));
    uint8_t seed[32];
    pl_entropy(seed, sizeof seed);
    pl_ulids ulids = pl_ulids_make(seed);
    pl_ingest_options options = {.source = pl_span_of(job->source),
                                 .now_us = job->cli->now_us,
                                 .level = (int)lake.project->settings.raw_level};
    job->landed = PL_TAKE(&job->cli->arena, pl_ingest_result, job->file_count);
    plumb_status st = PLUMB_OK;
    for (int i = 0; i < job->file_count && st == PLUMB_OK; i++)
        st = pl_ingest_file(lake.store, lake.registry, &ulids, job->files[i], &options,
                            &job->cli->arena, &job->landed[i], err);
    pl_lake_close(&lake);
    return st;
}

static void print_json(init_job *job)
{
    pl_json_writer w = pl_cli_json(job->cli);
    pl_json_begin(&w, '{');
    pl_json_key(&w, "project"), pl_json_cstr(&w, job->dir);
    pl_json_key(&w, "table"), pl_json_cstr(&w, job->table);
    pl_json_key(&w, "source"), pl_json_cstr(&w, job->source);
    if (job->file_count) {
        pl_json_key(&w, "columns"), pl_json_int(&w, job->summary.columns);
        pl_json_key(&w, "left_out"), pl_json_int(&w, job->summary.left_out);
        pl_json_key(&w, "records"), pl_json_int(&w, (int64_t)job->summary.records);
        pl_json_key(&w, "records_path"), pl_json_text(&w, job->summary.records_path);
    }
    pl_json_key(&w, "objects"), pl_json_begin(&w, '[');
    for (int i = 0; job->landed && i < job->file_count; i++) pl_json_cstr(&w, job->landed[i].id);
    pl_json_end(&w, ']');
    pl_json_end(&w, '}');
}

// How the project is named in the commands to type next.
static const char *flag(init_job *job)
{
    if (strcmp(job->dir, ".") == 0) return "";
    return pl_arena_printf(&job->cli->arena, " -C %s", job->dir);
}

static void print_guess(init_job *job)
{
    pl_cli *cli = job->cli;
    pl_human records, broken;
    pl_cli_print(cli, "%s: looked at %s %s", job->dir,
                 pl_human_count(records, (int64_t)job->summary.records),
                 pl_plural((int64_t)job->summary.records, "record", "records"));
    if (job->summary.records_path.bytes)
        pl_cli_print(cli, " at %.*s", PL_FMT(job->summary.records_path));
    pl_cli_print(cli, "\n\n  contracts/%s.yml   the table: %u %s", job->table, job->summary.columns,
                 pl_plural(job->summary.columns, "column", "columns"));
    if (job->summary.left_out)
        pl_cli_print(cli, ", %u more %s as comments", job->summary.left_out,
                     pl_plural(job->summary.left_out, "path", "paths"));
    pl_cli_print(cli, "\n  sources/%s.yml   where '%s' has each of them\n", job->source,
                 job->source);
    if (job->landed)
        pl_cli_print(cli, "  lake/raw   the sample itself, %d %s\n", job->file_count,
                     pl_plural(job->file_count, "object", "objects"));
    if (job->sample.broken)
        pl_cli_print(cli, "\n%s %s of the sample will be quarantined (%s%s)\n",
                     pl_human_count(broken, (int64_t)job->sample.broken),
                     pl_plural((int64_t)job->sample.broken, "document", "documents"),
                     job->sample.broken == 1 ? "" : "the first: ", job->sample.reason);
    pl_cli_print(cli, "\nBoth files are guesses with their evidence: read them. Then:\n\n");
    if (!job->landed)
        pl_cli_print(cli, "  plumb%s ingest %s %s\n", flag(job), job->source, job->files[0]);
    pl_cli_print(cli,
                 "  plumb%s run\n"
                 "  plumb%s query 'SELECT * FROM %s LIMIT 5'\n",
                 flag(job), flag(job), job->table);
    if (job->landed) pl_cli_print(cli, "  plumb%s status\n", flag(job));
}

static void print_empty(init_job *job)
{
    pl_cli_print(job->cli,
                 "%s: a project without tables yet. With a file of JSON at hand:\n\n"
                 "  plumb init %s --from FILE    guesses a contract and a mapping, and lands it\n"
                 "  plumb%s run\n"
                 "  plumb%s status\n\n"
                 "Or write contracts/TABLE.yml and sources/SOURCE.yml by hand; plumb names every\n"
                 "mistake in them with its line.\n",
                 job->dir, job->dir, flag(job), flag(job));
}

static plumb_status make_project(init_job *job, plumb_error *err)
{
    if (!job->file_count && pl_path_exists(join(job, "plumb.yaml"))) {
        pl_fail(err, PLUMB_E_CONFIG, "cannot make a project in '%s': it has a plumb.yaml",
                job->dir);
        pl_hint(err, "Add a table to it with --from FILE.");
        return PLUMB_E_CONFIG;
    }
    if (!job->file_count) return write_frame(job, err);
    PL_TRY(write_inferred(job, err));
    return pl_cli_flag(job->cli, "no-ingest") ? PLUMB_OK : land(job, err);
}

static int run(pl_cli *cli)
{
    plumb_error err;
    init_job job = {.cli = cli, .dir = cli->args[0]};
    job.files = PL_TAKE(&cli->arena, const char *, cli->arg_count + 64);
    for (const char *file; job.file_count < 64; job.file_count++) {
        file = pl_cli_value_at(cli, "from", job.file_count);
        if (!file) break;
        job.files[job.file_count] = file;
    }
    if (cli->arg_count > 1 && !job.file_count)
        return pl_cli_usage(cli, "one folder is enough; sample files follow --from");
    if (!*job.dir) return pl_cli_usage(cli, "'' is no folder; '.' is this one");
    for (int i = 1; i < cli->arg_count; i++) job.files[job.file_count++] = cli->args[i];
    const char *source = pl_cli_value(cli, "source"), *table = pl_cli_value(cli, "table");
    if (job.file_count) {
        if (!source) source = pl_sample_name(job.files[0], &cli->arena);
        if (!table) table = source;
        job.source = pl_arena_cstr(&cli->arena, pl_span_of(source));
        job.table = pl_arena_cstr(&cli->arena, pl_span_of(table));
    } else if (source || table || pl_cli_flag(cli, "no-ingest")) {
        return pl_cli_usage(cli, "--table, --source and --no-ingest go with --from");
    }
    if (make_project(&job, &err)) return pl_cli_fail(cli, &err);
    if (cli->json)
        print_json(&job);
    else if (job.file_count)
        print_guess(&job);
    else
        print_empty(&job);
    return pl_cli_finish(cli);
}

static const pl_option options[] = {
    {.name = "from", .value = "FILE", .help = "guess from this sample", .repeats = true},
    {.name = "table", .value = "T", .help = "name of the table (that of the source)"},
    {.name = "source", .value = "S", .help = "name of the source (from the file's name)"},
    {.name = "no-ingest", .help = "do not land the sample in the raw zone"},
    {0},
};

const pl_command pl_command_init = {
    .name = "init",
    .group = PL_GROUP_START,
    .usage = "DIR [--from FILE...] [--source S] [--table T]",
    .summary = "start a project, guessed from a sample of your JSON",
    .help =
        "Makes a project folder. With --from, reads sample files (NDJSON, a JSON array or one\n"
        "document, plain, gzip or zstd), writes a contract and a mapping that hold them, each\n"
        "guess with its evidence as a comment, and lands the samples in the raw zone. In a folder\n"
        "that is a project already, --from adds one more table. Nothing is ever overwritten.\n"
        "\n"
        "JSON: {\"project\", \"table\", \"source\", \"objects\": [ID]}, and of a guess also "
        "\"columns\", \"left_out\",\n"
        "\"records\" and \"records_path\".\n"
        "\n"
        "Example:\n"
        "  plumb init shop --from orders.json\n"
        "  plumb -C shop run\n"
        "  plumb -C shop query 'SELECT * FROM orders LIMIT 5'\n",
    .options = options,
    .args_min = 1,
    .args_max = -1,
    .json = true,
    .run = run,
};

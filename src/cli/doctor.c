// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>

#include "cli/look.h"
#include "contract/project.h"
#include "flow/relocate.h"
#include "iceberg/table.h"
#include "os/file.h"
#include "os/os.h"
#include "query/query.h"

#define SPACE_LOW (1024ll * 1024 * 1024)

typedef enum verdict {
    GOOD,
    WARN, // works, but a person should know
    BAD,  // something does not work; exit code 1
} verdict;

typedef struct doctor {
    pl_cli *cli;
    pl_json_writer json;
    pl_grid grid;
    int64_t bad, warned;
    pl_lake lake;
    int64_t intents;
    plumb_error err;
} doctor;

static void say(doctor *d, const char *check, verdict state, const char *fmt, ...) PL_PRINTF(4, 5);

static void say(doctor *d, const char *check, verdict state, const char *fmt, ...)
{
    static const char *const words[] = {"ok", "warn", "bad"};
    char text[1600];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    d->bad += state == BAD;
    d->warned += state == WARN;
    if (!d->cli->json) {
        pl_grid_text(&d->grid, words[state]);
        pl_grid_text(&d->grid, check);
        pl_grid_text(&d->grid, text);
        return;
    }
    pl_json_begin(&d->json, '{');
    pl_look_text(&d->json, "check", check);
    pl_look_text(&d->json, "state", words[state]);
    pl_look_text(&d->json, "detail", text);
    pl_json_end(&d->json, '}');
}

static void say_error(doctor *d, const char *check, const plumb_error *err)
{
    say(d, check, BAD, "%s%s%s", err->message, err->hint[0] ? ". " : "", err->hint);
}

static void check_programs(doctor *d)
{
    say(d, "plumb", GOOD, "%s", PLUMB_VERSION);
    say(d, "processors", GOOD, "%d", pl_cpu_count());
    say(d, "sqlite", GOOD, "%s", pl_registry_sqlite());
    pl_query_facts facts;
    plumb_error err;
    if (pl_query_probe(NULL, NULL, &facts, &err)) {
        say_error(d, "sql engine", &err);
        return;
    }
    say(d, "sql engine", GOOD, "duckdb %s, %s", facts.duckdb, facts.library);
    if (facts.landlock)
        say(d, "sandbox", GOOD, "Landlock, version %d of the kernel's interface", facts.landlock);
    else
        say(d, "sandbox", WARN,
            "this kernel has no Landlock: 'plumb query' refuses unless --no-sandbox");
}

static bool count_intent(void *context, const char *id, const char *key, int64_t at_us)
{
    doctor *d = context;
    (void)id, (void)key, (void)at_us;
    d->intents++;
    return true;
}

static void check_registry(doctor *d)
{
    pl_registry *registry = d->lake.registry;
    const char *path = d->lake.project->state_path;
    if (!registry) {
        say(d, "registry", GOOD, "%s is not there yet: the first ingest makes it", path);
        return;
    }
    if (pl_registry_check(registry, &d->err)) {
        say_error(d, "registry", &d->err);
        return;
    }
    if (pl_path_writable(path))
        say(d, "registry", GOOD, "%s holds together, and is writable", path);
    else
        say(d, "registry", WARN, "%s holds together, but this user may not write to it", path);
    if (pl_registry_intents(registry, count_intent, d, &d->err))
        say_error(d, "ingest", &d->err);
    else if (d->intents)
        say(d, "ingest", WARN, "%lld under way or cut off; the next ingest or run looks after them",
            (long long)d->intents);
}

static void check_place(doctor *d)
{
    const char *source = NULL;
    if (!d->lake.store || !d->lake.registry) return;
    if (pl_moved_from(d->lake.store, d->lake.registry, &d->cli->arena, &source, &d->err))
        say_error(d, "place", &d->err);
    else if (source)
        say(d, "place", WARN,
            "the lake was moved, and its tables still name '%s': 'plumb relocate'"
            " rewrites them",
            source);
}

static void check_lake(doctor *d)
{
    const char *path = d->lake.path;
    pl_human space;
    if (!pl_path_exists(path)) {
        say(d, "lake", GOOD, "%s is not there yet: the first ingest makes it", path);
        return;
    }
    const char *network = pl_path_network(path);
    if (!pl_path_writable(path))
        say(d, "lake", WARN, "%s: this user may not write to it", path);
    else if (network)
        say(d, "lake", WARN,
            "%s is on a network file system (%s): slower, and its locks and fsync "
            "are only as good as the server",
            path, network);
    else
        say(d, "lake", GOOD, "%s is writable, on a local disk", path);
    int64_t bytes = (int64_t)pl_path_space(path);
    say(d, "free space", bytes < SPACE_LOW ? WARN : GOOD, "%s", pl_human_bytes(space, bytes));
}

static void check_lock(doctor *d)
{
    pl_lock_holder holder;
    pl_human ago;
    if (pl_run_lock_holder(d->lake.lock_path, &d->cli->arena, &holder, &d->err))
        say_error(d, "run lock", &d->err);
    else if (holder.held)
        say(d, "run lock", GOOD, "held by process %lld (plumb %s) since %s", (long long)holder.pid,
            holder.command, pl_human_ago(ago, d->cli->now_us, holder.since_us));
    else
        say(d, "run lock", GOOD, "free");
}

static bool check_table(void *context, const pl_table_row *row)
{
    doctor *d = context;
    pl_ice_table *table = NULL;
    pl_ice_file *files = NULL;
    uint32_t count = 0;
    pl_arena scratch = {0};
    plumb_status st =
        d->lake.store
            ? pl_ice_load(d->lake.store, row->metadata_location, &scratch, &table, &d->err)
            : pl_fail(&d->err, PLUMB_E_NOT_FOUND, "there is no lake at '%s'", d->lake.path);
    if (st == PLUMB_OK) st = pl_ice_files(table, 0, &scratch, &files, &count, &d->err);
    if (st == PLUMB_OK)
        say(d, "table", GOOD, "%s: metadata and %u %s readable", row->name, count,
            pl_plural(count, "file", "files"));
    else
        say_error(d, "table", &d->err);
    pl_arena_done(&scratch);
    return true;
}

static void check_project(doctor *d)
{
    const char *root = NULL;
    if (pl_cli_root(d->cli, &root, &d->err)) {
        say(d, "project", d->cli->directory ? BAD : WARN, "%s", d->err.message);
        return;
    }
    if (pl_cli_open(d->cli, PL_CLI_REVIEW, &d->lake, &d->err)) {
        if (!d->err.message[0]) pl_fail(&d->err, PLUMB_E_CONFIG, "a mistake in its files");
        say_error(d, "project", &d->err);
        return;
    }
    const pl_project *project = d->lake.project;
    say(d, "project", GOOD, "%s: %u %s, %u %s", project->dir, project->contract_count,
        pl_plural(project->contract_count, "table", "tables"), project->mapping_count,
        pl_plural(project->mapping_count, "mapping", "mappings"));
    check_lake(d);
    check_registry(d);
    check_place(d);
    check_lock(d);
    if (d->lake.registry && pl_registry_tables(d->lake.registry, check_table, d, &d->err))
        say_error(d, "tables", &d->err);
}

static int backup(pl_cli *cli, const char *path)
{
    plumb_error err;
    pl_lake lake = {0};
    pl_file_info info;
    if (pl_cli_open(cli, PL_CLI_READ, &lake, &err)) return pl_cli_fail(cli, &err);
    plumb_status st = lake.registry ? pl_registry_backup(lake.registry, path, &err)
                                    : pl_fail(&err, PLUMB_E_NOT_FOUND,
                                              "cannot back up registry '%s': no such file",
                                              lake.project->state_path);
    if (st == PLUMB_OK) st = pl_path_info(path, &info, &err);
    pl_lake_close(&lake);
    if (st != PLUMB_OK) return pl_cli_fail(cli, &err);
    pl_human size;
    if (cli->json) {
        pl_json_writer json = pl_cli_json(cli);
        pl_json_begin(&json, '{');
        pl_look_text(&json, "backup", path);
        pl_look_int(&json, "bytes", (int64_t)info.bytes);
        pl_json_end(&json, '}');
    } else {
        pl_cli_print(cli, "%s: %s, everything the registry holds\n", path,
                     pl_human_bytes(size, (int64_t)info.bytes));
    }
    return pl_cli_finish(cli);
}

static int run(pl_cli *cli)
{
    const char *path = pl_cli_value(cli, "backup");
    if (path) return backup(cli, path);
    doctor d = {.cli = cli, .json = pl_cli_json(cli), .grid = pl_grid_make("|check|")};
    if (cli->json) {
        pl_json_begin(&d.json, '{');
        pl_json_key(&d.json, "checks");
        pl_json_begin(&d.json, '[');
    }
    check_programs(&d);
    check_project(&d);
    pl_lake_close(&d.lake);
    if (cli->json) {
        pl_json_end(&d.json, ']');
        pl_json_key(&d.json, "ok");
        pl_json_bool(&d.json, d.bad == 0);
        pl_json_end(&d.json, '}');
    } else {
        pl_grid_print(cli, &d.grid);
    }
    return pl_cli_finish_with(cli, d.bad ? PL_EXIT_FAILED : PL_EXIT_DONE);
}

static const pl_option options[] = {
    {.name = "backup", .value = "FILE", .help = "copy the registry, whole and consistent, to FILE"},
    {0},
};

const pl_command pl_command_doctor = {
    .name = "doctor",
    .group = PL_GROUP_CARE,
    .usage = "[--backup FILE] [--json]",
    .summary = "what plumb runs on, and whether project, lake and registry are sound",
    .help = "Changes nothing. A line is ok, warn (works, but you should know) or bad; exit code 1\n"
            "if any is bad. Copying plumb.db by hand loses commits that are still in its log:\n"
            "--backup does it right, also while others write.\n\n"
            "JSON: {\"checks\": [{\"check\", \"state\": ok, warn or bad, \"detail\"}], \"ok\"}.\n"
            "\n"
            "Example:\n"
            "  plumb doctor --backup plumb-backup.db\n",
    .options = options,
    .json = true,
    .run = run,
};

// replay.c -- plumb replay: raw objects once more, their rows swapped in one snapshot.
//
// SPDX-License-Identifier: Apache-2.0
#include "flow/replay.h"

#include <stdio.h>

#include "cli/look.h"
#include "cli/run.h"
#include "flow/decide.h"
#include "os/os.h"

// Content that a look compares unless it is told how much: a second or two.
#define COMPARE_BYTES (INT64_C(64) << 20)

static void json_column(pl_json_writer *w, const pl_shadow_column *column)
{
    pl_json_begin(w, '{');
    pl_look_span(w, "column", column->name);
    pl_look_int(w, "differ", (int64_t)column->differ);
    pl_look_int(w, "filled", (int64_t)column->filled);
    pl_look_int(w, "emptied", (int64_t)column->emptied);
    const pl_shadow_cells *cells[] = {&column->before, &column->after};
    static const char *const sums[] = {"sum_before", "sum_after"};
    for (size_t i = 0; i < PL_COUNT(cells); i++) {
        pl_json_key(w, sums[i]);
        if (cells[i]->there && cells[i]->has_sum)
            pl_json_double(w, cells[i]->sum);
        else
            pl_json_null(w);
    }
    pl_json_end(w, '}');
}

static void json_compared(pl_json_writer *w, const pl_replay_compared *one)
{
    const pl_shadow_report *rows = &one->rows;
    pl_json_begin(w, '{');
    pl_look_text(w, "source", one->source);
    pl_look_int(w, "objects", one->objects);
    pl_look_int(w, "objects_total", one->of);
    pl_look_int(w, "content_bytes", (int64_t)one->content_bytes);
    pl_look_int(w, "records", (int64_t)rows->records);
    pl_look_int(w, "rows_before", (int64_t)rows->before.rows);
    pl_look_int(w, "rows_after", (int64_t)rows->after.rows);
    pl_look_int(w, "quarantined", (int64_t)rows->after.quarantined);
    pl_look_int(w, "differ", (int64_t)(rows->differ - rows->came - rows->went));
    pl_look_int(w, "came", (int64_t)rows->came);
    pl_look_int(w, "went", (int64_t)rows->went);
    pl_json_key(w, "columns"), pl_json_begin(w, '[');
    for (uint32_t i = 0; i < rows->column_count; i++)
        if (rows->columns[i].differ) json_column(w, &rows->columns[i]);
    pl_json_end(w, ']');
    pl_json_key(w, "samples"), pl_json_begin(w, '[');
    for (uint32_t i = 0; i < rows->sample_count; i++) {
        const pl_shadow_sample *sample = &rows->samples[i];
        pl_json_begin(w, '{');
        pl_look_text(w, "object", sample->object);
        pl_look_int(w, "record", (int64_t)sample->record);
        pl_look_span(w, "column", sample->column);
        pl_look_text(w, "before", sample->before);
        pl_look_text(w, "after", sample->after);
        pl_json_end(w, '}');
    }
    pl_json_end(w, ']');
    pl_json_end(w, '}');
}

static void json_texts(pl_json_writer *w, const pl_replay_report *report)
{
    pl_json_key(w, "partitions"), pl_json_begin(w, '[');
    for (uint32_t i = 0; i < report->partition_count; i++) pl_json_cstr(w, report->partitions[i]);
    pl_json_end(w, ']');
    pl_json_key(w, "refused"), pl_json_begin(w, '[');
    for (uint32_t i = 0; i < report->refusal_count; i++) {
        pl_json_begin(w, '{');
        pl_look_text(w, "object", report->refusals[i].object);
        pl_look_text(w, "source", report->refusals[i].source);
        pl_look_text(w, "reason", report->refusals[i].why);
        pl_json_end(w, '}');
    }
    pl_json_end(w, ']');
}

static void json_report(pl_cli *cli, const pl_replay_options *options,
                        const pl_replay_report *report)
{
    const pl_run_report *run = &report->run;
    pl_json_writer w = pl_cli_json(cli);
    pl_json_begin(&w, '{');
    pl_run_json_head(&w, run, options->dry);
    pl_look_text(&w, "table", options->table);
    pl_look_int(&w, "objects", (int64_t)report->objects);
    pl_look_int(&w, "bytes", (int64_t)report->bytes);
    pl_look_int(&w, "content_bytes", (int64_t)report->content_bytes);
    pl_run_json_tables(&w, run);
    pl_json_key(&w, "rows"), pl_json_begin(&w, '{');
    pl_look_int(&w, "before", (int64_t)report->rows_before);
    if (options->dry)
        pl_json_key(&w, "after"), pl_json_null(&w);
    else
        pl_look_int(&w, "after", (int64_t)report->rows_after);
    pl_look_int(&w, "copied", (int64_t)report->rows_copied);
    pl_json_end(&w, '}');
    pl_json_key(&w, "files"), pl_json_begin(&w, '{');
    pl_look_int(&w, "removed", (int64_t)report->files_removed);
    pl_look_int(&w, "rewritten", (int64_t)report->files_rewritten);
    pl_look_int(&w, "bytes_rewritten", (int64_t)report->bytes_rewritten);
    pl_json_end(&w, '}');
    pl_json_key(&w, "records"), pl_json_begin(&w, '{');
    pl_look_int(&w, "raw", (int64_t)run->records);
    pl_look_int(&w, "curated", (int64_t)run->rows);
    pl_look_int(&w, "quarantined", (int64_t)run->quarantined);
    pl_look_int(&w, "filtered", (int64_t)run->filtered);
    pl_json_end(&w, '}');
    json_texts(&w, report);
    pl_json_key(&w, "compared"), pl_json_begin(&w, '[');
    for (uint32_t i = 0; i < report->compared_count; i++) json_compared(&w, &report->compared[i]);
    pl_json_end(&w, ']');
    pl_json_key(&w, "estimate_seconds");
    if (options->dry)
        pl_json_double(&w, (double)report->estimate_us / 1e6);
    else
        pl_json_null(&w);
    pl_json_key(&w, "seconds"), pl_json_double(&w, (double)run->micros / 1e6);
    pl_json_end(&w, '}');
}

static void print_partitions(pl_cli *cli, const pl_replay_report *report)
{
    const uint32_t shown = 5;
    pl_human count;
    if (!report->partition_count || !*report->partitions[0]) return;
    pl_cli_print(cli, "in %s %s:\n", pl_human_count(count, report->partition_count),
                 pl_plural(report->partition_count, "partition", "partitions"));
    for (uint32_t i = 0; i < report->partition_count && i < shown; i++)
        pl_cli_print(cli, "  %s\n", report->partitions[i]);
    if (report->partition_count > shown)
        pl_cli_print(cli, "  and %s more\n",
                     pl_human_count(count, report->partition_count - shown));
}

static void print_files(pl_cli *cli, const pl_replay_report *report, bool dry)
{
    pl_human removed, rewritten, bytes, copied;
    if (report->files_removed)
        pl_cli_print(cli, "%s data %s %s nothing else and %s\n",
                     pl_human_count(removed, (int64_t)report->files_removed),
                     pl_plural((int64_t)report->files_removed, "file", "files"),
                     report->files_removed == 1 ? (dry ? "holds" : "held")
                                                : (dry ? "hold" : "held"),
                     dry ? "would go" : (report->files_removed == 1 ? "is gone" : "are gone"));
    if (report->files_rewritten)
        pl_cli_print(cli, "%s %s (%s) %s written anew with the %s %s of other objects\n",
                     pl_human_count(rewritten, (int64_t)report->files_rewritten),
                     pl_plural((int64_t)report->files_rewritten, "file", "files"),
                     pl_human_bytes(bytes, (int64_t)report->bytes_rewritten),
                     dry ? "would be" : (report->files_rewritten == 1 ? "was" : "were"),
                     pl_human_count(copied, (int64_t)report->rows_copied),
                     pl_plural((int64_t)report->rows_copied, "row", "rows"));
}

// Rows come of a mapping that is pinned, and not of the file that people read.
static void print_pinned(pl_cli *cli, const pl_replay_options *options, const pl_run_report *run)
{
    for (uint32_t i = 0; i < run->mapping_count; i++) {
        const pl_run_mapping *m = &run->mappings[i];
        if (!m->pinned || strcmp(m->table, options->table) != 0 ||
            (options->source && strcmp(m->source, options->source) != 0))
            continue;
        pl_cli_print(cli,
                     "%s is not used: version %lld is pinned, so rows of %s are as that makes "
                     "them\n  plumb mapping %s --table %s --use file takes the file again\n",
                     m->file, (long long)m->pinned, m->source, m->source, m->table);
    }
}

static void add_sum(pl_grid *grid, const pl_shadow_cells *cells)
{
    if (cells->there && cells->has_sum)
        pl_grid_printf(grid, "%.15g", cells->sum);
    else
        pl_grid_text(grid, "-");
}

static void print_columns(pl_cli *cli, const pl_shadow_report *rows)
{
    pl_grid grid = pl_grid_make("column|differ>|was NULL>|would be NULL>|sum>|new sum>");
    for (uint32_t i = 0; i < rows->column_count; i++) {
        const pl_shadow_column *column = &rows->columns[i];
        if (!column->differ) continue;
        pl_grid_printf(&grid, "%.*s", PL_FMT(column->name));
        pl_grid_count(&grid, (int64_t)column->differ);
        pl_grid_count(&grid, (int64_t)column->filled);
        pl_grid_count(&grid, (int64_t)column->emptied);
        add_sum(&grid, &column->before);
        add_sum(&grid, &column->after);
    }
    if (!grid.count) return;
    pl_cli_print(cli, "\n");
    pl_grid_print(cli, &grid);
}

static void print_samples(pl_cli *cli, const pl_shadow_report *rows)
{
    const uint32_t shown = 10;
    pl_grid grid = pl_grid_make("object|record>|column|is|would be");
    for (uint32_t i = 0; i < rows->sample_count && i < shown; i++) {
        const pl_shadow_sample *sample = &rows->samples[i];
        pl_grid_text(&grid, sample->object);
        pl_grid_count(&grid, (int64_t)sample->record);
        pl_grid_printf(&grid, "%.*s", PL_FMT(sample->column));
        pl_grid_text(&grid, sample->before ? sample->before : "NULL");
        pl_grid_text(&grid, sample->after ? sample->after : "NULL");
    }
    if (!grid.count) return;
    pl_cli_print(cli, "\n");
    pl_grid_print(cli, &grid);
}

static void print_compared(pl_cli *cli, const pl_replay_compared *one)
{
    pl_human n, of, bytes, differ, came, went;
    const pl_shadow_report *rows = &one->rows;
    int64_t changed = (int64_t)(rows->differ - rows->came - rows->went);
    pl_cli_print(cli,
                 "\n%s: compared with what stands in the table, %s of %s %s (%s): ", one->source,
                 pl_human_count(n, one->objects), pl_human_count(of, one->of),
                 pl_plural(one->of, "object", "objects"),
                 pl_human_bytes(bytes, (int64_t)one->content_bytes));
    if (rows->differ)
        pl_cli_print(cli, "%s %s would differ, %s come and %s go\n",
                     pl_human_count(differ, changed), pl_plural(changed, "row", "rows"),
                     pl_human_count(came, (int64_t)rows->came),
                     pl_human_count(went, (int64_t)rows->went));
    else
        pl_cli_print(cli, "every row would be as it is\n");
    if (rows->damaged)
        pl_cli_print(cli, "%u of them cannot be read now, and would keep their rows\n",
                     rows->damaged);
    print_columns(cli, rows);
    print_samples(cli, rows);
    if (one->objects < one->of) pl_cli_print(cli, "  --compare all looks at every one\n");
}

static void print_report(pl_cli *cli, const pl_replay_options *options,
                         const pl_replay_report *report)
{
    const pl_run_report *run = &report->run;
    pl_human objects, bytes, before, after, duration;
    pl_run_print_resumed(cli, run);
    if (run->nothing) {
        pl_cli_print(cli, run->resumed ? "nothing else to replay\n" : "nothing to replay\n");
        return;
    }
    pl_cli_print(cli, "%s raw %s, %s\n", pl_human_count(objects, (int64_t)report->objects),
                 pl_plural((int64_t)report->objects, "object", "objects"),
                 pl_human_bytes(bytes, (int64_t)report->bytes));
    print_files(cli, report, options->dry);
    if (options->dry) print_partitions(cli, report);
    if (options->dry) {
        pl_cli_print(cli, "%s %s would be swapped, in about %s\n",
                     pl_human_count(before, (int64_t)report->rows_before),
                     pl_plural((int64_t)report->rows_before, "row", "rows"),
                     pl_human_duration(duration, report->estimate_us));
        print_pinned(cli, options, run);
        for (uint32_t i = 0; i < report->compared_count; i++)
            print_compared(cli, &report->compared[i]);
        if (report->compared_count) pl_cli_print(cli, "\n");
        pl_cli_print(cli, "nothing was changed: this was only a look\n");
        return;
    }
    pl_cli_print(cli, "%s %s of theirs went, %s came",
                 pl_human_count(before, (int64_t)report->rows_before),
                 pl_plural((int64_t)report->rows_before, "row", "rows"),
                 pl_human_count(after, (int64_t)report->rows_after));
    if (run->quarantined)
        pl_cli_print(cli, ", %s %s quarantined", pl_human_count(objects, (int64_t)run->quarantined),
                     pl_plural((int64_t)run->quarantined, "record is", "records are"));
    pl_cli_print(cli, "\n");
    pl_run_print_tables(cli, run);
    print_pinned(cli, options, run);
    pl_run_print_took(cli, run);
}

// What could not take part, for people; returns the exit code.
static int print_refused(const pl_replay_report *report)
{
    for (uint32_t i = 0; i < report->refusal_count; i++) {
        const pl_replay_refusal *refusal = &report->refusals[i];
        fprintf(stderr, "plumb: cannot replay object '%s' of source '%s': %s\n", refusal->object,
                refusal->source, refusal->why);
    }
    if (report->run.damage_count) {
        fprintf(stderr, "  hint: An object that does not read now is restored from a backup; its "
                        "rows stay as they are.\n");
        return PL_EXIT_FAILED;
    }
    return report->refusal_count ? PL_EXIT_WAITS : PL_EXIT_DONE;
}

static int tell(pl_cli *cli, plumb_status st, const pl_replay_options *options,
                const pl_replay_report *report, const plumb_error *err)
{
    if (st != PLUMB_OK) return pl_run_failed(cli, st, err);
    if (cli->json)
        json_report(cli, options, report);
    else
        print_report(cli, options, report);
    return pl_cli_finish_with(cli, print_refused(report));
}

// What says which objects; false: a mistake was printed.
static bool read_selector(pl_cli *cli, pl_replay_options *options)
{
    uint32_t count = 0;
    int64_t none = INT64_MIN;
    options->since_us = none;
    while (pl_cli_value_at(cli, "object", (int)count)) count++;
    const char **objects = PL_TAKE(&cli->arena, const char *, count);
    for (uint32_t i = 0; i < count; i++)
        objects[i] = pl_look_id(cli, pl_cli_value_at(cli, "object", (int)i));
    options->objects = count ? objects : NULL;
    options->object_count = count;
    if (!pl_cli_integer(cli, "finding", 1, INT64_MAX, &options->finding) ||
        !pl_cli_time(cli, "since", &options->since_us))
        return false;
    options->where = pl_cli_value(cli, "where");
    options->withdrawn = pl_cli_flag(cli, "withdrawn");
    options->all = pl_cli_flag(cli, "all");
    int given = (count > 0) + (options->finding > 0) + (options->since_us != none) +
                (options->where != NULL) + options->withdrawn + options->all;
    if (given == 1) return true;
    (void)pl_cli_usage(cli, given ? "only one of --finding, --object, --since, --where, "
                                    "--withdrawn and --all says which objects"
                                  : "one of --finding, --object, --since, --where, --withdrawn "
                                    "and --all has to say which objects");
    return false;
}

// How much a dry replay compares.
static bool read_compare(pl_cli *cli, pl_replay_options *options)
{
    const char *text = pl_cli_value(cli, "compare");
    int64_t bytes = COMPARE_BYTES;
    if (text && !options->dry) {
        (void)pl_cli_usage(cli, "--compare is only for --dry-run");
        return false;
    }
    if (text && strcmp(text, "all") == 0)
        options->compare_bytes = UINT64_MAX;
    else if (text && strcmp(text, "none") == 0)
        options->compare_bytes = 0;
    else if (pl_cli_bytes(cli, "compare", &bytes))
        options->compare_bytes = (uint64_t)bytes;
    else
        return false;
    return true;
}

// What was promoted is settled once no row is by the old rule; if it cannot be now, `drift show`
// says so.
static plumb_status settle(const pl_lake *lake, const pl_replay_options *options, pl_arena *arena)
{
    plumb_error ignored;
    char who[PL_USER_NAME];
    pl_user_name(who);
    pl_decision_options decided = {.project = lake->project,
                                   .store = lake->store,
                                   .registry = lake->registry,
                                   .lock_path = lake->lock_path,
                                   .wait_ms = options->run.wait_ms,
                                   .who = who};
    return pl_decision_settle_filled(&decided, options->table, arena, &ignored);
}

static int run(pl_cli *cli)
{
    plumb_error err;
    pl_lake lake = {0};
    pl_replay_options options = {.table = cli->args[0],
                                 .source = pl_cli_value(cli, "source"),
                                 .dry = pl_cli_flag(cli, "dry-run")};
    if (!read_selector(cli, &options) || !read_compare(cli, &options)) return PL_EXIT_USAGE;
    if (!pl_cli_integer(cli, "mapping", 1, INT64_MAX, &options.mapping)) return PL_EXIT_USAGE;
    if (!pl_run_read(cli, &options.run)) return PL_EXIT_USAGE;
    if (pl_cli_open(cli, options.dry ? PL_CLI_REVIEW : PL_CLI_WRITE, &lake, &err))
        return pl_cli_fail(cli, &err);
    pl_run_use(&lake, &options.run);
    options.run.accept_checks = pl_cli_flag(cli, "accept-checks");
    pl_replay_report report = {.run = {.run = "", .nothing = true}};
    plumb_status st = pl_look_named(cli, &lake, options.source, options.table, &err);
    pl_signals_install();
    if (st == PLUMB_OK && lake.store && lake.registry)
        st = pl_replay(&options, &cli->arena, &report, &err);
    if (st == PLUMB_OK && !options.dry && lake.registry)
        PL_IGNORE(settle(&lake, &options, &cli->arena));
    pl_run_watched(&options.run);
    pl_lake_close(&lake);
    return tell(cli, st, &options, &report, &err);
}

static const pl_option options[] = {
    {"finding", "ID", "objects from the first one on that showed this finding", false},
    {"object", "ID", "this object; a prefix of its id is enough; may be repeated", true},
    {"since", "TIME", "objects received at or after it", false},
    {"where", "PARTITION", "objects with rows there: platform=tiktok/day=2026-11-22", false},
    {"withdrawn", NULL, "objects that a rollback took out of the table", false},
    {"all", NULL, "every published object", false},
    {"source", "SOURCE", "of those, only objects of this source", false},
    {"mapping", "N", "map by this version of the mapping, not by the one in use", false},
    {"accept-checks", NULL, "swap the rows also if a critical check of the contract fails", false},
    {"dry-run", NULL, "say what would be done, what it costs and which rows differ", false},
    {"compare", "SIZE", "dry-run: compare so much content (64MiB), all, or none", false},
    PL_RUN_OPTION_THREADS,
    PL_RUN_OPTION_WAIT,
    {0},
};

const pl_command pl_command_replay = {
    .name = "replay",
    .group = PL_GROUP_WORK,
    .usage = "TABLE --all|--since TIME|--where PLACE|--object ID|--finding ID|--withdrawn",
    .summary = "map raw objects once more and swap exactly their rows",
    .help =
        "A selector chooses raw objects that have rows in the table. All rows of theirs go, "
        "wherever\n"
        "they are, and those the mapping makes of them now come: one snapshot, so a reader sees "
        "all\n"
        "as it was or all as it is. Data files that hold rows of other objects, too, are written\n"
        "anew with these. Quarantined records that map now become rows; those that do not any "
        "more\n"
        "are quarantined. The same raw data and the same mapping give the same rows.\n"
        "\n"
        "The contract's checks are asked of what comes, but for the number of rows: if a critical\n"
        "one fails the replay is refused and nothing was changed, unless --accept-checks is said.\n"
        "\n"
        "--dry-run changes nothing. It says which files, rows and partitions take part and how "
        "long\n"
        "it may take; and it maps objects, evenly chosen up to 64 MiB of content, and compares "
        "what\n"
        "comes with the rows that stand in the table: how many differ, by column, with samples.\n"
        "--compare says how much: a size, all or none.\n"
        "\n"
        "Objects whose raw data is gone or damaged are named, and keep their rows. Those that "
        "wait\n"
        "before the table or are new are not for a replay: 'plumb run' publishes them.\n"
        "\n"
        "Examples:\n"
        "  plumb replay posts --all --source tiktok --dry-run     what would it cost?\n"
        "  plumb replay posts --all --source tiktok               all rows by today's mapping\n"
        "  plumb replay posts --since 2026-11-01                  what came this month\n"
        "  plumb replay posts --where platform=tiktok/day=2026-11-22\n"
        "  plumb replay posts --object 01JD3 --mapping 2          one object, by an older mapping\n"
        "\n"
        "--json prints {\"run\", \"state\": \"published\"|\"dry-run\"|\"nothing\", \"resumed\", "
        "\"table\",\n"
        "\"objects\", \"bytes\", \"content_bytes\", \"tables\", \"rows\": {\"before\", \"after\", "
        "\"copied\"},\n"
        "\"files\": {\"removed\", \"rewritten\", \"bytes_rewritten\"}, \"records\": {\"raw\", "
        "\"curated\",\n"
        "\"quarantined\", \"filtered\"}, \"partitions\", \"refused\": [{\"object\", \"source\", "
        "\"reason\"}],\n"
        "\"compared\": [{\"source\", \"objects\", \"objects_total\", \"content_bytes\", "
        "\"records\",\n"
        "\"rows_before\", \"rows_after\", \"quarantined\", \"differ\", \"came\", \"went\", "
        "\"columns\":\n"
        "[{\"column\", \"differ\", \"filled\": was NULL, \"emptied\": would be, \"sum_before\",\n"
        "\"sum_after\"}], \"samples\": [{\"object\", \"record\", \"column\", \"before\", "
        "\"after\"}]}],\n"
        "\"estimate_seconds\": null unless --dry-run, \"seconds\"}. Exit code 3: objects were "
        "refused;\n"
        "1: some are damaged.\n",
    .options = options,
    .args_min = 1,
    .args_max = 1,
    .json = true,
    .run = run,
};

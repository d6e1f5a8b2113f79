// cli.h -- what every command is made of: its description, its options, the project it works on,
// and one way to print.
//
// A command is one file with one const pl_command in it, named in commands.h. The frame parses the
// arguments by that description before the command's function runs, and builds help, suggestions
// and shell completion from it. So a command asks for values and never looks at argv:
//
//     static int run(pl_cli *cli)
//     {
//         plumb_error err;
//         pl_lake lake = {0};
//         int64_t limit = 20;
//         if (!pl_cli_integer(cli, "limit", 1, INT64_MAX, &limit)) return PL_EXIT_USAGE;
//         if (pl_cli_open(cli, PL_CLI_READ, &lake, &err)) return pl_cli_fail(cli, &err);
//         ...
//         pl_lake_close(&lake);
//         return pl_cli_finish(cli);
//     }
//
// Data goes to cli->out, which pl_cli_finish writes to stdout; a command with much output calls
// pl_cli_flush now and then. Everything for people (errors, warnings, progress) goes to stderr.
//
// Every command has --help, -C DIR and, if it says so, --json: one JSON document, nothing else.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_CLI_CLI_H
#define PL_CLI_CLI_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "registry/lock.h"
#include "registry/registry.h"
#include "store/store.h"
#include "json/writer.h"

struct pl_project; // contract/project.h

typedef enum pl_exit {
    PL_EXIT_DONE = 0,
    PL_EXIT_FAILED = 1,
    PL_EXIT_USAGE = 2,   // wrong usage or configuration
    PL_EXIT_WAITS = 3,   // done, and something waits for a person
    PL_EXIT_REFUSED = 4, // by the guard
    PL_EXIT_AGAIN = 5,   // `commit` needs one more pass of `work`
    PL_EXIT_CANCELLED = 130,
} pl_exit;

typedef struct pl_option {
    const char *name;  // without the dashes: "limit"
    const char *value; // how the help calls its value, "N"; NULL: a flag
    const char *help;  // "show at most N entries (20)"
    bool repeats;      // may be given more than once
} pl_option;

typedef enum pl_command_group { // order of `plumb help`
    PL_GROUP_START,
    PL_GROUP_WORK,
    PL_GROUP_LOOK,
    PL_GROUP_CARE,
} pl_command_group;

typedef struct pl_cli pl_cli;

typedef struct pl_command {
    const char *name;
    pl_command_group group;
    const char *usage;        // after the name: "SOURCE FILE...|- [--received TIME]"
    const char *summary;      // one line, no full stop
    const char *help;         // the rest: paragraphs, and "Example:" with what it prints
    const pl_option *options; // ends with a {0}; NULL: none of its own
    int args_min, args_max;   // positional arguments; args_max -1: any number
    bool json;                // has --json
    int (*run)(pl_cli *cli);  // returns a pl_exit
} pl_command;

struct pl_cli {
    const pl_command *command;
    const char *directory; // -C, or NULL
    bool json;             // --json
    bool color;            // stdout takes colour
    bool help;             // --help: answered by the frame
    bool closed, failed;   // stdout: its reader went away; it took no more
    int arg_count;
    const char **args;          // positional
    pl_buf out;                 // what goes to stdout
    pl_arena arena;             // process lifetime
    int64_t now_us;             // when the command started
    struct pl_cli_given *given; // options as given; linked by options.c
    int given_count;
};

// ---- options -----------------------------------------------------------------------------------
bool pl_cli_flag(const pl_cli *cli, const char *name);
const char *pl_cli_value(const pl_cli *cli, const char *name); // the last one, or NULL
const char *pl_cli_value_at(const pl_cli *cli, const char *name, int index); // repeated; or NULL
// Value as an integer, bytes ("512MiB"), microseconds ("90s", "5m", "250ms") or an instant (ISO
// text, a date, or "now"). *ret_value stays when the option is not given. False: a mistake was
// printed; return PL_EXIT_USAGE.
bool pl_cli_integer(pl_cli *cli, const char *name, int64_t min, int64_t max, int64_t *ret_value);
bool pl_cli_bytes(pl_cli *cli, const char *name, int64_t *ret_value);
bool pl_cli_duration(pl_cli *cli, const char *name, int64_t *ret_value);
bool pl_cli_time(pl_cli *cli, const char *name, int64_t *ret_value);
// Print "plumb NAME: <text>" and where to find help; returns PL_EXIT_USAGE.
int pl_cli_usage(pl_cli *cli, const char *fmt, ...) PL_PRINTF(2, 3);
// The name nearest to `wrong` if it is near enough to be a typing mistake, else NULL. `next` yields
// the candidates, NULL at the end.
const char *pl_cli_nearest(const char *wrong, const char *(*next)(void *context, int index),
                           void *context);
// A first argument that is none of those `next` gives: as pl_cli_usage, with the nearest one.
int pl_cli_unknown_verb(pl_cli *cli, const char *word,
                        const char *(*next)(void *context, int index));

// ---- project, store, registry ------------------------------------------------------------------
// Folder of the project: -C, or the nearest parent of the current folder that holds plumb.yaml; in
// cli->arena. PLUMB_E_CONFIG when there is none.
PL_MUST_USE plumb_status pl_cli_root(pl_cli *cli, const char **ret_root, plumb_error *err);
// The project's files, read and checked. Mistakes are printed, all of them, one per line, and the
// status is PLUMB_E_CONFIG with an empty message (pl_cli_fail then prints nothing more). Warnings
// are printed to stderr when `warn`.
PL_MUST_USE plumb_status pl_cli_project(pl_cli *cli, bool warn, struct pl_project **ret_project,
                                        plumb_error *err);

typedef enum pl_cli_mode {
    PL_CLI_READ,   // look: nothing is made or changed
    PL_CLI_REVIEW, // the same, and the warnings about the project's files are printed
    PL_CLI_WRITE,  // lake and registry are made if missing; warnings are printed
} pl_cli_mode;

typedef struct pl_lake {
    struct pl_project *project; // in cli->arena
    pl_store *store;            // owned; NULL when only looking while the lake does not exist
    pl_registry *registry;      // owned; NULL when only looking while nothing was ever landed
    const char *path;           // of the lake
    const char *lock_path;      // of the run lock
} pl_lake;

PL_MUST_USE plumb_status pl_cli_open(pl_cli *cli, pl_cli_mode mode, pl_lake *ret_lake,
                                     plumb_error *err);
void pl_lake_close(pl_lake *lake); // safe on a zero lake

// ---- output ------------------------------------------------------------------------------------
// Print an error as `plumb: <file:line:column: >message` and `  hint: ...`; returns its exit code.
int pl_cli_fail(pl_cli *cli, const plumb_error *err);
void pl_cli_warn(const char *fmt, ...) PL_PRINTF(1, 2); // "plumb: warning: ..." on stderr
int pl_cli_exit(plumb_status status);
// Write cli->out to stdout. False when that failed; a reader that went away is no failure.
bool pl_cli_flush(pl_cli *cli);
int pl_cli_finish(pl_cli *cli); // flush; PL_EXIT_DONE, or PL_EXIT_FAILED if stdout took no more
int pl_cli_finish_with(pl_cli *cli, int code);
void pl_cli_print(pl_cli *cli, const char *fmt, ...) PL_PRINTF(2, 3); // to cli->out
int pl_cli_width(void); // columns of the terminal that stdout is; 0: it is none
// No line of what was printed from byte `start` of cli->out on is wider; width 0: any is fine.
void pl_cli_fit(pl_cli *cli, size_t start, int width);
// Print `head` and behind it `text`, folded at its spaces into lines of `width` columns, or those
// of the terminal if it has fewer. Later lines begin where the text did. Both are escaped.
void pl_cli_fold(pl_cli *cli, const char *head, int width, const char *text);
pl_json_writer pl_cli_json(pl_cli *cli); // on cli->out; finish the document with pl_cli_finish

typedef enum pl_color {
    PL_COLOR_BOLD,
    PL_COLOR_DIM,
    PL_COLOR_RED,
    PL_COLOR_YELLOW,
    PL_COLOR_GREEN,
    PL_COLOR_OFF
} pl_color;
const char *pl_cli_color(const pl_cli *cli, pl_color color); // "" when colour is off

// A text table: columns as wide as their widest cell, two spaces between, header in bold.
//     pl_grid grid = pl_grid_make("table|rows>|files>");   // '>' sets a column flush right
//     pl_grid_text(&grid, "post_metrics"); pl_grid_count(&grid, 12); pl_grid_count(&grid, 3);
//     pl_grid_print(cli, &grid);                           // and frees it
// Control bytes in cells are escaped, so data cannot drive the terminal.
typedef struct pl_grid {
    const char *header; // borrowed
    int columns;
    char **cells; // owned, row by row
    int count, capacity;
} pl_grid;
pl_grid pl_grid_make(const char *header);
void pl_grid_text(pl_grid *grid, const char *text);
void pl_grid_count(pl_grid *grid, int64_t value); // 12,345
void pl_grid_bytes(pl_grid *grid, int64_t value); // 1.4 MiB
void pl_grid_time(pl_grid *grid, int64_t micros); // 2026-11-22 03:04:05Z; "-" for 0
void pl_grid_printf(pl_grid *grid, const char *fmt, ...) PL_PRINTF(2, 3);
void pl_grid_print(pl_cli *cli, pl_grid *grid);

// For people. Each fills and returns `out`.
typedef char pl_human[48];
const char *pl_human_bytes(pl_human out, int64_t bytes);           // 1.4 MiB
const char *pl_human_count(pl_human out, int64_t count);           // 12,345
const char *pl_human_duration(pl_human out, int64_t micros);       // 850 ms, 12.4 s, 3 min 20 s
const char *pl_human_ago(pl_human out, int64_t now, int64_t then); // 3 minutes ago
const char *pl_human_time(pl_human out, int64_t micros);           // 2026-11-22 03:04:05Z
const char *pl_plural(int64_t count, const char *one, const char *many);
// Append `bytes` so that a terminal is safe: control bytes and broken UTF-8 as \xNN, \n and \t so.
void pl_cli_escape(pl_buf *out, pl_span bytes);

#endif

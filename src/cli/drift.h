// drift.h -- what the files of `plumb drift` share.
//
// drift.c lists findings and events, drift_facts.c gathers what is known of one, drift_words.c and
// drift_advice.c say it in paragraphs, drift_show.c prints it, drift_shadow.c tries the proposal,
// drift_decide.c takes it or leaves it, drift_told.c says what came of that.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_CLI_DRIFT_H
#define PL_CLI_DRIFT_H

#include "cli/cli.h"
#include "contract/project.h"
#include "flow/decide.h"
#include "flow/run.h"

// What reads the path that was there before, and what becomes of it when that is gone.
typedef struct pl_drift_reads {
    const char *columns; // "likes", "likes and views", "likes, views, shares and 7 more"
    bool several;
    const char *without; // "is NULL"; "is left to its other terms" if a rule has other ones
    const char *going;   // of the columns those whose rules go when they are retired
    bool several_go;
} pl_drift_reads;

pl_drift_reads pl_drift_reads_of(const pl_mapping *mapping, const pl_finding_row *row,
                                 pl_arena *arena);

// Everything `drift show` tells of. All in cli->arena.
typedef struct pl_drift_facts {
    pl_finding_row row;
    pl_finding_doc finding;    // of its document
    const pl_mapping *mapping; // of the project now; NULL: it has none for source and table
    const char *file;          // of that, "" none
    int column;                // of its contract; -1: none
    bool required;             // that column is
    pl_drift_reads reads;      // of a path that a column reads
    bool reads_after;          // the file reads the new path
    bool overlaid;             // something lies over the file
    bool any_unit;             // its parser reads both of what was rescaled
    pl_drift_policy policy;    // of the column if there is one
    bool held;                 // the source waits before the table
    pl_hold_row hold;
    int64_t others;   // findings that hold the same objects
    int64_t until_us; // when what waits is published as it is; 0: it waits for a person
    int64_t objects;  // of the source from the first one on that shows it
    int64_t bytes;    // stored, of those
    int64_t records;  // in those, as far as they were counted
    int64_t waiting;  // of the objects, not published
    int64_t micros;   // to map them, at the rate of recent runs; -1: there were none
    int64_t now_us;
    pl_stale stale;      // of a promoted one: rows from before
    pl_proposal change;  // of the files
    const pl_gate *gate; // of a parallel one, as it stands; else NULL
} pl_drift_facts;

// A finding by its number as it was typed. PLUMB_E_NOT_FOUND.
PL_MUST_USE plumb_status pl_drift_find(pl_cli *cli, const pl_lake *lake, const char *id,
                                       pl_finding_row *ret_row, plumb_error *err);
PL_MUST_USE plumb_status pl_drift_facts_get(pl_cli *cli, const pl_lake *lake, const char *id,
                                            pl_drift_facts *ret_facts, plumb_error *err);

// What happens to a held set, and when.
int64_t pl_drift_until(const pl_project *project, const pl_hold_row *hold);

// Paragraphs, without line breaks; "" where there is nothing to say.
typedef struct pl_drift_words {
    const char *changed; // what changed
    const char *since;   // since when
    const char *sure;    // how sure, and why
    const char *now;     // what happens now
    const char *todo;    // what a person can do: before the diff
    const char *cost;    // behind it: what that concerns
    const char *later;   // if nobody does anything
} pl_drift_words;
void pl_drift_words_of(pl_cli *cli, const pl_drift_facts *facts, pl_drift_words *ret_words);

// One sentence for whoever is told of a change of state, without a full stop.
const char *pl_drift_event_words(pl_finding_state to);

// "tiktok -> post_metrics.likes"; "$.likes -> $.like_count".
const char *pl_drift_where(pl_arena *arena, const char *source, const char *table,
                           const char *column);
const char *pl_drift_what(pl_arena *arena, const char *before, const char *after);

// The members that every list of findings has, without brackets.
void pl_drift_json(pl_json_writer *json, const pl_finding_row *row);
void pl_drift_hold_json(pl_json_writer *json, const pl_hold_row *hold, int64_t until_us);

// Wider lines are hard to read.
enum { PL_DRIFT_WIDTH = 96 };
// The files' change, line by line and escaped, so that they cannot drive the terminal.
void pl_drift_print_diff(pl_cli *cli, pl_span diff);

// The gate's lines, below what they are of.
void pl_drift_print_gate(pl_cli *cli, const pl_gate *gate);
// "gate": {...}, or null.
void pl_drift_json_gate(pl_json_writer *json, const pl_gate *gate);

// approve, reject, promote: the findings named by the arguments. Return the exit code.
int pl_drift_decide(pl_cli *cli, pl_decision_word word);
// Where auto_promote is set: parallel findings of what the run published that pass the gate now.
// They join the report's.
PL_MUST_USE plumb_status pl_drift_promote_proven(pl_cli *cli, const pl_lake *lake, int64_t wait_ms,
                                                 pl_run_report *report, plumb_error *err);
int pl_drift_show(pl_cli *cli, const pl_lake *lake, const char *id);
int pl_drift_shadow(pl_cli *cli, const pl_lake *lake, const char *id);

#endif

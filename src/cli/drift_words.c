// drift_words.c -- what changed, how sure that is, what happens now, and what comes next.
//
// SPDX-License-Identifier: Apache-2.0
#include "cli/drift_words.h"

void pl_words__say(words *w, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    pl_buf_vprintf(&w->out, fmt, args);
    va_end(args);
}

static const char *finish(words *w)
{
    const char *text = pl_arena_cstr(&w->cli->arena, pl_buf_view(&w->out));
    pl_buf_done(&w->out);
    w->out = (pl_buf){0};
    return text;
}

void pl_words__count(words *w, int64_t count, const char *one, const char *many)
{
    pl_human n;
    pl_words__say(w, "%s %s", pl_human_count(n, count), pl_plural(count, one, many));
}

// How long something that may go by itself waits: "90 minutes".
const char *pl_words__limit(const words *w)
{
    pl_human took;
    int64_t micros = w->facts->policy.limit_us, minutes = micros / 60000000;
    if (!minutes || minutes * 60000000 != micros)
        return pl_arena_printf(&w->cli->arena, "%s", pl_human_duration(took, micros));
    bool hours = minutes % 60 == 0;
    int64_t count = hours ? minutes / 60 : minutes;
    return pl_arena_printf(&w->cli->arena, "%lld %s", (long long)count,
                           hours ? pl_plural(count, "hour", "hours")
                                 : pl_plural(count, "minute", "minutes"));
}

// The path that the column reads, or would.
const char *pl_words__path(const words *w)
{
    return *w->row->before ? w->row->before : w->row->after;
}

// Raw objects came without any record: nothing in a record changed.
bool pl_words__empty(const words *w)
{
    return w->class == PL_DRIFT_REMOVED && strcmp(w->row->before, "$") == 0;
}

bool pl_words__waits(const words *w)
{
    return w->facts->held && pl_finding_waits(w->row, &w->facts->hold);
}

bool pl_words__over(const words *w)
{
    const unsigned over = PL_FINDING_IN(PL_FINDING_ACCEPTED) | PL_FINDING_IN(PL_FINDING_REJECTED) |
                          PL_FINDING_IN(PL_FINDING_REVERTED) | PL_FINDING_IN(PL_FINDING_PROMOTED) |
                          PL_FINDING_IN(PL_FINDING_RETIRED) | PL_FINDING_IN(PL_FINDING_RESOLVED);
    return over & PL_FINDING_IN(w->row->state);
}

// A column was made of the new path.
bool pl_words__column(const words *w)
{
    return w->class == PL_DRIFT_ADDED && *w->row->column &&
           (w->row->state == PL_FINDING_ACCEPTED || w->row->state == PL_FINDING_AUTO);
}

// ---- what changed -------------------------------------------------------------------------------

static void say_unread(words *w)
{
    const pl_mapping *mapping = w->facts->mapping;
    if (w->class != PL_DRIFT_ADDED && w->class != PL_DRIFT_MAP)
        pl_words__say(w, " No column of %s reads it, so no row changes.", w->row->table);
    else if (mapping && mapping->drop_rest)
        pl_words__say(
            w,
            " No column of %s reads it, and the mapping drops what no column takes (rest: drop).",
            w->row->table);
    else
        pl_words__say(w, " No column of %s reads it; the column _rest keeps it in every row.",
                      w->row->table);
}

static void say_effect(words *w)
{
    const char *column = w->row->column;
    const pl_drift_reads *reads = &w->facts->reads;
    switch (w->class) {
    case PL_DRIFT_RENAMED:
    case PL_DRIFT_REMOVED:
        pl_words__say(w, " Column%s %s read%s %s; ", reads->several ? "s" : "", reads->columns,
                      reads->several ? "" : "s", w->row->before);
        if (w->facts->required)
            pl_words__say(
                w, "it is required, so without it a record is no row and goes to quarantine.");
        else if (w->class == PL_DRIFT_RENAMED)
            pl_words__say(w, "left alone, %s would be NULL in new rows.",
                          reads->several ? "they" : "it");
        else
            pl_words__say(w, "without it, %s %s in new rows.", reads->several ? "they" : "it",
                          reads->without);
        break;
    case PL_DRIFT_RETYPED:
        if (w->doc->strength == PL_DRIFT_LOSSLESS)
            pl_words__say(w,
                          " Column %s takes the new values, too: they convert to its type exactly.",
                          column);
        else if (w->facts->required || w->row->critical)
            pl_words__say(
                w,
                " Column %s cannot take such values, and is %s; left alone, such records would go "
                "to quarantine.",
                column, w->facts->required ? "required" : "critical");
        else
            pl_words__say(
                w,
                " Column %s cannot take such values; left alone, it would be NULL there, and "
                "_rest would keep them.",
                column);
        break;
    case PL_DRIFT_RESCALED:
        if (w->facts->any_unit) {
            pl_words__say(w, " Column %s reads both: its parser, %s.", column,
                          w->doc->factor == 1 ? "percent, goes by the sign"
                                              : "epoch, goes by the size of each value");
            break;
        }
        pl_words__say(
            w,
            " Column %s would take the new numbers as they come, and they cannot be compared "
            "with those before.",
            column);
        break;
    case PL_DRIFT_MEANING:
        pl_words__say(w, " Column %s would take the new values as they come, and mean two things.",
                      column);
        break;
    case PL_DRIFT_CONFLICT:
        pl_words__say(
            w,
            " Column %s takes the first path of its rule that has a value, %s; such rows have the "
            "flag %s:conflict in _flags, and _rest keeps the other value.",
            column, w->row->before, column);
        break;
    default:
        pl_words__say(w, " Column %s reads it.", column);
    }
}

static void say_changed(words *w)
{
    const char *what = pl_drift_what(&w->cli->arena, w->row->before, w->row->after);
    if (*w->doc->why)
        pl_words__say(w, "%s.", w->doc->why);
    else
        pl_words__say(w, "%s: %s.", w->row->class, what);
    if (pl_words__empty(w))
        pl_words__say(w, " The records may be somewhere else in the documents now.");
    else if (!*w->row->column || (w->class == PL_DRIFT_ADDED && !pl_words__column(w)))
        say_unread(w);
    else if (w->class != PL_DRIFT_ADDED && w->row->state != PL_FINDING_PROVISIONAL &&
             !pl_words__over(w)) // else it would have been
        say_effect(w);
}

static void say_since(words *w)
{
    pl_human at, ago, found;
    const pl_finding_row *row = w->row;
    pl_words__say(w,
                  "Raw object %s of source %s is the first that shows it; it was received %s (%s).",
                  row->first_object, row->source, pl_human_time(at, row->first_us),
                  pl_human_ago(ago, w->facts->now_us, row->first_us));
    if (row->opened_us) pl_words__say(w, " It was found %s.", pl_human_time(found, row->opened_us));
    if (pl_words__empty(w)) return;
    pl_words__say(w, " ");
    if (w->class == PL_DRIFT_CONFLICT) {
        pl_words__count(w, row->records, "row was", "rows were");
        pl_words__say(w, " published with it since then.");
        return;
    }
    pl_words__count(w, row->records, "record was", "records were");
    pl_words__say(w, " looked at since then.");
}

// ---- how sure -----------------------------------------------------------------------------------

static void say_sure(words *w)
{
    static const char *const proofs[] = {
        [PL_DRIFT_CERTAIN] = "This is counted, not judged.",
        [PL_DRIFT_LOSSLESS] = "The new values were looked at one by one.",
        [PL_DRIFT_LOSSY] = "The new values were looked at one by one.",
        [PL_DRIFT_STRONG] = "The proof is the values of the same entities before and after, not "
                            "the names.",
        [PL_DRIFT_MEDIUM] = "No entity was there before and after, so names and distributions are "
                            "all there is to go by: this is a suggestion.",
    };
    double percent = w->doc->confidence * 100;
    pl_words__say(w, percent >= 99.95 || percent < 1 ? "%.0f %%. " : "%.3g %%. ", percent);
    pl_words__say(w, "%s", proofs[w->doc->strength]);
    if (*w->doc->against)
        pl_words__say(w, " Against it: %s.", w->doc->against);
    else if (w->class == PL_DRIFT_REMOVED && w->doc->rival)
        pl_words__say(w, " %s came, and may be the same under another name; that is not proven.",
                      w->doc->rival);
    else if (w->doc->strength != PL_DRIFT_CERTAIN)
        pl_words__say(w, " Nothing was found that speaks against it.");
}

// ---- what happens now ---------------------------------------------------------------------------

static void say_waits(words *w)
{
    pl_human at, until;
    const pl_drift_facts *f = w->facts;
    const pl_hold_row *hold = &f->hold;
    if (*hold->released) {
        pl_words__say(w, "What waited is on its way: the next 'plumb run' publishes it.");
        return;
    }
    pl_words__say(
        w,
        "Nothing of it is in table %s. Raw object %s and all later ones of source %s wait, "
        "since %s: ",
        hold->table, hold->first_object, hold->source, pl_human_time(at, hold->since_us));
    pl_words__count(w, hold->objects, "object", "objects");
    pl_words__say(w, " with ");
    pl_words__count(w, hold->records, "record", "records");
    pl_words__say(
        w, ". They are safe in the raw zone, and everything else goes on: other sources, other "
           "tables, and what came before.");
    if (f->until_us) {
        pl_words__say(
            w,
            " No critical or required column is concerned, so they wait until %s and not longer "
            "(%s).",
            pl_human_time(until, f->until_us), pl_words__limit(w));
    } else if (pl_words__empty(w)) {
        pl_words__say(w, " As it came no document of it is a row, so they wait until somebody "
                         "decides.");
    } else if (w->row->critical) {
        pl_words__say(w, " Column %s is critical, so they wait until somebody decides.",
                      w->row->column);
    } else {
        pl_words__say(w, " They wait until somebody decides%s.",
                      hold->critical ? ", because a critical or required column is concerned" : "");
    }
    if (w->row->state == PL_FINDING_FLAPPING)
        pl_words__say(w, " It came back %lld times, so nobody is told of each time any more.",
                      (long long)w->row->flips);
}

static void say_provisional(words *w)
{
    pl_human at;
    const pl_finding_row *row = w->row;
    if (w->class == PL_DRIFT_RENAMED && w->facts->reads_after)
        pl_words__say(w, "%s reads %s as well, so rows are published as they should be.",
                      w->facts->file, row->after);
    else if (w->class == PL_DRIFT_RENAMED && !w->facts->overlaid)
        pl_words__say(w,
                      "No rule was changed for it: rows are published as the mapping makes them.");
    else if (w->class == PL_DRIFT_RENAMED)
        pl_words__say(
            w,
            "Since %s column %s reads %s, and %s where that is missing; rows are published so. "
            "The file was not touched: the change lies over it ('plumb mapping %s' shows the "
            "versions).",
            pl_human_time(at, row->changed_us), row->column, row->after, row->before, row->source);
    else
        pl_words__say(
            w,
            "The values are converted, and rows that have one are published with the flag "
            "%s:coerced in their column _flags.",
            row->column);
}

static void say_beside(words *w, const char *at)
{
    pl_human objects;
    const pl_gate *gate = w->facts->gate;
    const char *column = w->row->column;
    pl_words__say(
        w,
        "Since %s column %s__next is filled by the new rule, beside column %s, which keeps its "
        "own: where that cannot take a value it is NULL. Rows are published "
        "so.",
        at, column, column);
    if (gate)
        pl_words__say(w, " The gate, asked of %s raw %s just now:",
                      pl_human_count(objects, gate->figures.objects),
                      pl_plural(gate->figures.objects, "object", "objects"));
}

static void say_deprecated(words *w, const char *at)
{
    const pl_drift_reads *reads = &w->facts->reads;
    if (pl_words__empty(w)) {
        pl_words__say(w, "Since %s documents without the array go to quarantine.", at);
        return;
    }
    pl_words__say(w,
                  "Since %s column%s %s %s in new rows. %s in the table, and rows from before keep "
                  "their values.",
                  at, reads->several ? "s" : "", reads->columns, reads->without,
                  reads->several ? "They stay" : "It stays");
}

static void say_state(words *w)
{
    pl_human at;
    const pl_finding_row *row = w->row;
    pl_human_time(at, row->changed_us);
    if (pl_words__column(w)) {
        pl_words__say(
            w, "Since %s column %s of %s takes it; it is NULL in rows that do not have it%s.", at,
            row->column, row->table,
            row->state == PL_FINDING_AUTO ? ", and in those from before until the next 'plumb run'"
                                          : "");
        return;
    }
    switch (row->state) {
    case PL_FINDING_SEEN:
        pl_words__say(
            w, "It is only counted: too little was seen yet to say that it will stay. Rows are "
               "published as before.");
        break;
    case PL_FINDING_PROVISIONAL:
        say_provisional(w);
        break;
    case PL_FINDING_ACCEPTED:
        pl_words__say(w, "It was settled %s: mapping or contract know of it.", at);
        break;
    case PL_FINDING_RESOLVED:
        pl_words__say(w, "It is over since %s: the data does not show it any more.", at);
        break;
    case PL_FINDING_FLAPPING:
        pl_words__say(
            w,
            "It came back %lld times, so nobody is told of each time any more. It is over once "
            "it did not show for a day.",
            (long long)row->flips);
        break;
    case PL_FINDING_REJECTED:
    case PL_FINDING_REVERTED:
        pl_words__say(w, "Since %s: %s.", at, pl_drift_event_words(row->state));
        if (row->state == PL_FINDING_REVERTED && !row->muted_until_us) {
            pl_words__say(
                w, " The table was rolled back behind it; should it show again, it waits again.");
            break;
        }
        pl_words__say(
            w,
            " Nothing waits for it until %s, or until it shows in %d times as many records as "
            "then.",
            pl_human_time(at, row->muted_until_us), PL_MUTED_GROWTH);
        break;
    case PL_FINDING_PARALLEL:
        say_beside(w, at);
        break;
    case PL_FINDING_PROMOTED:
    case PL_FINDING_RETIRED:
        pl_words__say(w, "Since %s: %s.", at, pl_drift_event_words(row->state));
        break;
    case PL_FINDING_DEPRECATED:
        say_deprecated(w, at);
        break;
    default:
        if (*row->column && w->class != PL_DRIFT_ADDED && w->class != PL_DRIFT_WIDENED)
            pl_words__say(w, "Nothing waits for it: rows are published as the mapping makes them.");
        else
            pl_words__say(
                w, "Nothing waits for it, and no column is wrong: rows are published as before.");
    }
}

// ---- what comes next ----------------------------------------------------------------------------

static void say_later(words *w)
{
    pl_human until;
    const pl_drift_facts *f = w->facts;
    if (w->row->state == PL_FINDING_PROMOTED) {
        pl_words__say(w, "New rows have the rule's values, and rows from before keep theirs.");
    } else if (pl_words__over(w)) {
        pl_words__say(w, "Nothing more happens. Should it show again, this finding opens again.");
    } else if (pl_words__waits(w) && *f->hold.released) {
        pl_words__say(w, "The next 'plumb run' publishes what waited.");
    } else if (pl_words__waits(w) && f->until_us) {
        pl_words__say(w, "The first 'plumb run' after %s publishes what waits as it is",
                      pl_human_time(until, f->until_us));
        if (f->required && w->class != PL_DRIFT_RESCALED && w->class != PL_DRIFT_MEANING)
            pl_words__say(w, ": records that lack column %s then go to quarantine", w->row->column);
        else if (*w->row->column && w->class == PL_DRIFT_RETYPED)
            pl_words__say(w, ": column %s is then NULL where it cannot take the value",
                          w->row->column);
        else if (*w->row->column && (w->class == PL_DRIFT_RENAMED || w->class == PL_DRIFT_REMOVED))
            pl_words__say(w, ": then column%s %s %s in those rows", f->reads.several ? "s" : "",
                          f->reads.columns, f->reads.without);
        else if (*w->row->column)
            pl_words__say(w, ": column %s then has what came", w->row->column);
        pl_words__say(w,
                      ". If all that waits is as before until then, it is published by itself. Raw "
                      "objects stay whatever happens, so nothing is lost for good.");
    } else if (pl_words__waits(w)) {
        pl_words__say(
            w,
            "It goes on waiting: table %s gets no new rows of source %s, and every 'plumb run' "
            "ends with exit code 3. If all that waits is as before again, it is published by "
            "itself.",
            w->row->table, w->row->source);
    } else if (w->row->state == PL_FINDING_PARALLEL) {
        pl_words__say(w, "Both columns go on being filled, each by its rule.");
    } else if (w->row->state == PL_FINDING_SEEN) {
        bool column = w->class == PL_DRIFT_ADDED && f->policy.added == PL_ADDED_AUTO;
        pl_words__say(w,
                      "If it keeps coming it becomes a %s of its own; if not, it stays as it is.",
                      column ? "column" : "finding");
    } else if (w->class == PL_DRIFT_ADDED || w->class == PL_DRIFT_MAP) {
        if (f->mapping && f->mapping->drop_rest)
            pl_words__say(
                w, "It stays as it is. The raw objects keep the values, the table does not.");
        else
            pl_words__say(
                w, "It stays as it is: _rest keeps the values, and a column can still be made of "
                   "them later.");
    } else if (w->row->state == PL_FINDING_PROVISIONAL) {
        pl_words__say(w, "It stays as it is, and goes on by itself.");
    } else if (*w->row->column && w->row->state != PL_FINDING_AUTO &&
               (w->class == PL_DRIFT_RESCALED || w->class == PL_DRIFT_MEANING)) {
        if (f->any_unit)
            pl_words__say(w, "It stays as it is.");
        else
            pl_words__say(w, "Rows go on as they are, and column %s means two things.",
                          w->row->column);
    } else if (w->class == PL_DRIFT_CONFLICT) {
        pl_words__say(
            w, "Rows go on as they are. Once the paths agree again, this finding is resolved by "
               "itself.");
    } else if (*w->row->column && w->row->state != PL_FINDING_AUTO) {
        pl_words__say(
            w,
            "Rows go on as they are. If column %s is filled as before again, this finding is "
            "resolved by itself.",
            w->row->column);
    } else {
        pl_words__say(w, "It stays as it is.");
    }
}

void pl_drift_words_of(pl_cli *cli, const pl_drift_facts *facts, pl_drift_words *ret_words)
{
    words w = {.cli = cli,
               .facts = facts,
               .row = &facts->row,
               .doc = &facts->finding,
               .class = facts->finding.class};
    say_changed(&w);
    ret_words->changed = finish(&w);
    say_since(&w);
    ret_words->since = finish(&w);
    say_sure(&w);
    ret_words->sure = finish(&w);
    if (pl_words__waits(&w))
        say_waits(&w);
    else
        say_state(&w);
    ret_words->now = finish(&w);
    pl_words__todo(&w);
    ret_words->todo = finish(&w);
    pl_words__cost(&w);
    ret_words->cost = finish(&w);
    say_later(&w);
    ret_words->later = finish(&w);
}

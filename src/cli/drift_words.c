// drift_words.c -- a finding told as a colleague would: what changed, how sure that is, what
// happens, what you can do, and what comes next if you do nothing.
//
// Every text is of a class and a state. Somebody who has never seen plumb must know from it what to
// do: no word of ours without what it means, and files, columns and commands by their names.
//
// SPDX-License-Identifier: Apache-2.0
#include "cli/drift.h"
#include "flow/decide.h"

typedef struct words {
    pl_cli *cli;
    const pl_drift_facts *facts;
    const pl_finding_row *row;
    const pl_finding_doc *doc;
    pl_drift_class class;
    pl_buf out;
} words;

static void say(words *w, const char *fmt, ...) PL_PRINTF(2, 3);
static void say(words *w, const char *fmt, ...)
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

static void say_count(words *w, int64_t count, const char *one, const char *many)
{
    pl_human n;
    say(w, "%s %s", pl_human_count(n, count), pl_plural(count, one, many));
}

// How long something that may go by itself waits: "90 minutes".
static const char *limit_text(const words *w)
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
static const char *path_of(const words *w)
{
    return *w->row->before ? w->row->before : w->row->after;
}

// Raw objects came without any record: nothing in a record changed.
static bool is_empty(const words *w)
{
    return w->class == PL_DRIFT_REMOVED && strcmp(w->row->before, "$") == 0;
}

static bool waits(const words *w)
{
    return w->facts->held && pl_finding_waits(w->row, &w->facts->hold);
}

static bool is_over(const words *w)
{
    const unsigned over = PL_FINDING_IN(PL_FINDING_ACCEPTED) | PL_FINDING_IN(PL_FINDING_REJECTED) |
                          PL_FINDING_IN(PL_FINDING_REVERTED) | PL_FINDING_IN(PL_FINDING_PROMOTED) |
                          PL_FINDING_IN(PL_FINDING_RETIRED) | PL_FINDING_IN(PL_FINDING_RESOLVED);
    return over & PL_FINDING_IN(w->row->state);
}

// A column was made of the new path.
static bool is_column(const words *w)
{
    return w->class == PL_DRIFT_ADDED && *w->row->column &&
           (w->row->state == PL_FINDING_ACCEPTED || w->row->state == PL_FINDING_AUTO);
}

// ---- what changed -------------------------------------------------------------------------------

static void say_unread(words *w)
{
    const pl_mapping *mapping = w->facts->mapping;
    if (w->class != PL_DRIFT_ADDED && w->class != PL_DRIFT_MAP)
        say(w, " No column of %s reads it, so no row changes.", w->row->table);
    else if (mapping && mapping->drop_rest)
        say(w,
            " No column of %s reads it, and the mapping drops what no column takes (rest: drop).",
            w->row->table);
    else
        say(w, " No column of %s reads it; the column _rest keeps it in every row.", w->row->table);
}

static void say_effect(words *w)
{
    const char *column = w->row->column;
    switch (w->class) {
    case PL_DRIFT_RENAMED:
    case PL_DRIFT_REMOVED:
        say(w, " Column %s reads %s; ", column, w->row->before);
        if (w->facts->required)
            say(w, "it is required, so without it a record is no row and goes to quarantine.");
        else if (w->class == PL_DRIFT_RENAMED)
            say(w, "left alone, it would be NULL in new rows.");
        else
            say(w, "without it, it is NULL in new rows.");
        break;
    case PL_DRIFT_RETYPED:
        if (w->doc->strength == PL_DRIFT_LOSSLESS)
            say(w, " Column %s takes the new values, too: they convert to its type exactly.",
                column);
        else if (w->facts->required || w->row->critical)
            say(w,
                " Column %s cannot take such values, and is %s; left alone, such records would go "
                "to quarantine.",
                column, w->facts->required ? "required" : "critical");
        else
            say(w,
                " Column %s cannot take such values; left alone, it would be NULL there, and "
                "_rest would keep them.",
                column);
        break;
    case PL_DRIFT_RESCALED:
        if (w->facts->any_unit) {
            say(w, " Column %s reads both: its parser, %s.", column,
                w->doc->factor == 1 ? "percent, goes by the sign"
                                    : "epoch, goes by the size of each value");
            break;
        }
        say(w,
            " Column %s would take the new numbers as they come, and they cannot be compared "
            "with those before.",
            column);
        break;
    case PL_DRIFT_MEANING:
        say(w, " Column %s would take the new values as they come, and mean two things.", column);
        break;
    case PL_DRIFT_CONFLICT:
        say(w,
            " Column %s takes the first path of its rule that has a value, %s; such rows have the "
            "flag %s:conflict in _flags, and _rest keeps the other value.",
            column, w->row->before, column);
        break;
    default:
        say(w, " Column %s reads it.", column);
    }
}

static void say_changed(words *w)
{
    const char *what = pl_drift_what(&w->cli->arena, w->row->before, w->row->after);
    if (*w->doc->why)
        say(w, "%s.", w->doc->why);
    else
        say(w, "%s: %s.", w->row->class, what);
    if (is_empty(w))
        say(w, " The records may be somewhere else in the documents now.");
    else if (!*w->row->column || (w->class == PL_DRIFT_ADDED && !is_column(w)))
        say_unread(w);
    else if (w->class != PL_DRIFT_ADDED && w->row->state != PL_FINDING_PROVISIONAL &&
             !is_over(w)) // else it would have been
        say_effect(w);
}

static void say_since(words *w)
{
    pl_human at, ago, found;
    const pl_finding_row *row = w->row;
    say(w, "Raw object %s of source %s is the first that shows it; it was received %s (%s).",
        row->first_object, row->source, pl_human_time(at, row->first_us),
        pl_human_ago(ago, w->facts->now_us, row->first_us));
    if (row->opened_us) say(w, " It was found %s.", pl_human_time(found, row->opened_us));
    if (is_empty(w)) return;
    say(w, " ");
    if (w->class == PL_DRIFT_CONFLICT) {
        say_count(w, row->records, "row was", "rows were");
        say(w, " published with it since then.");
        return;
    }
    say_count(w, row->records, "record was", "records were");
    say(w, " looked at since then.");
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
    say(w, percent >= 99.95 || percent < 1 ? "%.0f %%. " : "%.3g %%. ", percent);
    say(w, "%s", proofs[w->doc->strength]);
    if (*w->doc->against)
        say(w, " Against it: %s.", w->doc->against);
    else if (w->class == PL_DRIFT_REMOVED && w->doc->rival)
        say(w, " %s came, and may be the same under another name; that is not proven.",
            w->doc->rival);
    else if (w->doc->strength != PL_DRIFT_CERTAIN)
        say(w, " Nothing was found that speaks against it.");
}

// ---- what happens now ---------------------------------------------------------------------------

static void say_waits(words *w)
{
    pl_human at, until;
    const pl_drift_facts *f = w->facts;
    const pl_hold_row *hold = &f->hold;
    if (*hold->released) {
        say(w, "What waited is on its way: the next 'plumb run' publishes it.");
        return;
    }
    say(w,
        "Nothing of it is in table %s. Raw object %s and all later ones of source %s wait, "
        "since %s: ",
        hold->table, hold->first_object, hold->source, pl_human_time(at, hold->since_us));
    say_count(w, hold->objects, "object", "objects");
    say(w, " with ");
    say_count(w, hold->records, "record", "records");
    say(w, ". They are safe in the raw zone, and everything else goes on: other sources, other "
           "tables, and what came before.");
    if (f->until_us) {
        say(w,
            " No critical or required column is concerned, so they wait until %s and not longer "
            "(%s).",
            pl_human_time(until, f->until_us), limit_text(w));
    } else if (w->row->critical) {
        say(w, " Column %s is critical, so they wait until somebody decides.", w->row->column);
    } else {
        say(w, " They wait until somebody decides%s.",
            hold->critical ? ", because a critical or required column is concerned" : "");
    }
    if (w->row->state == PL_FINDING_FLAPPING)
        say(w, " It came back %lld times, so nobody is told of each time any more.",
            (long long)w->row->flips);
}

static void say_provisional(words *w)
{
    pl_human at;
    const pl_finding_row *row = w->row;
    if (w->class == PL_DRIFT_RENAMED && w->facts->reads_after)
        say(w, "%s reads %s as well, so rows are published as they should be.", w->facts->file,
            row->after);
    else if (w->class == PL_DRIFT_RENAMED && !w->facts->overlaid)
        say(w, "No rule was changed for it: rows are published as the mapping makes them.");
    else if (w->class == PL_DRIFT_RENAMED)
        say(w,
            "Since %s column %s reads %s, and %s where that is missing; rows are published so. "
            "The file was not touched: the change lies over it ('plumb mapping %s' shows the "
            "versions).",
            pl_human_time(at, row->changed_us), row->column, row->after, row->before, row->source);
    else
        say(w,
            "The values are converted, and rows that have one are published with the flag "
            "%s:coerced in their column _flags.",
            row->column);
}

static void say_beside(words *w, const char *at)
{
    pl_human objects;
    const pl_gate *gate = w->facts->gate;
    const char *column = w->row->column;
    say(w,
        "Since %s column %s__next is filled by the new rule, beside column %s, which keeps its "
        "own: where that cannot take a value it is NULL. Rows are published "
        "so.",
        at, column, column);
    if (gate)
        say(w, " The gate, asked of %s raw %s just now:",
            pl_human_count(objects, gate->figures.objects),
            pl_plural(gate->figures.objects, "object", "objects"));
}

static void say_state(words *w)
{
    pl_human at;
    const pl_finding_row *row = w->row;
    pl_human_time(at, row->changed_us);
    if (is_column(w)) {
        say(w, "Since %s column %s of %s takes it; it is NULL in rows that do not have it%s.", at,
            row->column, row->table,
            row->state == PL_FINDING_AUTO ? ", and in those from before until the next 'plumb run'"
                                          : "");
        return;
    }
    switch (row->state) {
    case PL_FINDING_SEEN:
        say(w, "It is only counted: too little was seen yet to say that it will stay. Rows are "
               "published as before.");
        break;
    case PL_FINDING_PROVISIONAL:
        say_provisional(w);
        break;
    case PL_FINDING_ACCEPTED:
        say(w, "It was settled %s: mapping or contract know of it.", at);
        break;
    case PL_FINDING_RESOLVED:
        say(w, "It is over since %s: the data does not show it any more.", at);
        break;
    case PL_FINDING_FLAPPING:
        say(w,
            "It came back %lld times, so nobody is told of each time any more. It is over once "
            "it did not show for a day.",
            (long long)row->flips);
        break;
    case PL_FINDING_REJECTED:
    case PL_FINDING_REVERTED:
        say(w, "Since %s: %s.", at, pl_drift_event_words(row->state));
        if (row->state == PL_FINDING_REVERTED && !row->muted_until_us) {
            say(w, " The table was rolled back behind it; should it show again, it waits again.");
            break;
        }
        say(w,
            " Nothing waits for it until %s, or until it shows in %d times as many records as "
            "then.",
            pl_human_time(at, row->muted_until_us), PL_MUTED_GROWTH);
        break;
    case PL_FINDING_PARALLEL:
        say_beside(w, at);
        break;
    case PL_FINDING_PROMOTED:
    case PL_FINDING_RETIRED:
        say(w, "Since %s: %s.", at, pl_drift_event_words(row->state));
        break;
    case PL_FINDING_DEPRECATED:
        say(w,
            "Since %s column %s is NULL in new rows. It stays in the table, and rows from "
            "before keep their values.",
            at, row->column);
        break;
    default:
        if (*row->column && w->class != PL_DRIFT_ADDED && w->class != PL_DRIFT_WIDENED)
            say(w, "Nothing waits for it: rows are published as the mapping makes them.");
        else
            say(w, "Nothing waits for it, and no column is wrong: rows are published as before.");
    }
}

// ---- what you can do ----------------------------------------------------------------------------

// A path as a mapping writes it: without the "$." of the record.
static const char *extractor(const char *path)
{
    return strncmp(path, "$.", 2) == 0 ? path + 2 : path;
}

static void say_gone(words *w)
{
    const char *file = w->facts->file;
    if (is_empty(w)) {
        say(w,
            "Look at what came ('plumb shape' on one of the files), and write where the records "
            "are now behind 'records:' in %s. If there really was nothing to send, wait: an object "
            "with records ends it; or take it as it is: 'plumb drift reject %lld'.",
            file, (long long)w->row->id);
        return;
    }
    say(w,
        "Ask those who run the source. If it comes back, wait: %s If it is somewhere else now, "
        "write that path into the rule of %s in %s. If it is gone for good, ",
        waits(w) ? "what waits is then published by itself."
                 : "the column is then filled as before.",
        w->row->column, file);
    if (w->facts->required)
        say(w, "it cannot stay required: take the '!' off %s in %s, and its rule out of %s.",
            w->row->column, w->facts->mapping->contract->file, file);
    else
        say(w, "say so, 'plumb drift approve %lld': the column stays, and is NULL in new rows.",
            (long long)w->row->id);
}

// Without a change that could be proposed.
static void say_instead(words *w)
{
    const char *column = w->row->column, *file = w->facts->file;
    switch (w->class) {
    case PL_DRIFT_REMOVED:
        say_gone(w);
        break;
    case PL_DRIFT_RENAMED:
        if (w->doc->factor != 1 || w->doc->inverted) {
            say(w,
                "A rule does not calculate, so the new values need a column of their own: declare "
                "one in the contract, say %s_new, and fill it from %s in %s.",
                column, extractor(w->row->after), file);
            break;
        }
        say(w,
            "If it is right, write %s into the rule of %s in %s, in front of what reads %s and "
            "with '|' between them.",
            extractor(w->row->after), column, file, extractor(w->row->before));
        break;
    case PL_DRIFT_RETYPED:
        say(w,
            "If there is a parser for the new values, put it behind the path in the rule of %s in "
            "%s, as in '%s parse(percent)'; others are compact, number, time, iso, bool. If they "
            "are something else, declare a column for them in the contract and take them there. If "
            "they are a mistake of the source, ask those who run it.",
            column, file, extractor(path_of(w)));
        break;
    case PL_DRIFT_RESCALED:
        say(w,
            "A rule does not calculate, so the new unit needs a column of its own: declare one in "
            "the contract, say %s_new, fill it from %s in %s, and take that path out of the rule "
            "of %s. If the source made a mistake, ask those who run it.",
            column, extractor(path_of(w)), file, column);
        break;
    case PL_DRIFT_CONFLICT:
        say(w,
            "Ask those who run the source which of the two is right. If it is %s, 'plumb drift "
            "approve %lld' says so, and nobody is told again. If it is %s, put it first in the "
            "rule of %s in %s; if they are two things, take one of them out. 'plumb replay %s "
            "--finding %lld' then maps anew what is published.",
            extractor(w->row->before), (long long)w->row->id, extractor(w->row->after), column,
            file, w->row->table, (long long)w->row->id);
        break;
    default:
        say(w,
            "Ask those who run the source what the values mean now. If they are right as they "
            "come, 'plumb drift approve %lld' lets them through. If it is something else, "
            "declare a column for it in the contract, fill that from %s in %s, and take the path "
            "out of the rule of %s.",
            (long long)w->row->id, extractor(path_of(w)), file, column);
    }
}

static void say_by_hand(words *w)
{
    const pl_drift_facts *f = w->facts;
    if (w->class == PL_DRIFT_RESCALED && f->any_unit && !waits(w)) {
        say(w, "Nothing has to be done.");
        return;
    }
    if (w->class == PL_DRIFT_RESCALED && f->any_unit) {
        say(w,
            "Compare the values above, or ask those who run the source. If it is right, 'plumb "
            "drift approve %lld' publishes what waits, and %s stays as it is. If it is not right, "
            "'plumb drift reject %lld' publishes rows as they come.",
            (long long)w->row->id, f->file, (long long)w->row->id);
        return;
    }
    if (w->class == PL_DRIFT_RETYPED && w->doc->strength == PL_DRIFT_LOSSLESS) {
        say(w,
            "Nothing has to be done. If the column should not take such values, give it another "
            "rule in %s.",
            f->file);
        return;
    }
    say_instead(w);
    if (f->change.why_not) say(w, " plumb proposes no change itself: %s.", f->change.why_not);
    if (!waits(w)) {
        say(w, " Then run 'plumb run': what comes from then on is mapped so.");
        return;
    }
    say(w, " Then run 'plumb run': what waits is mapped by what the files say then, and looked at "
           "anew.");
    if (w->class != PL_DRIFT_REMOVED)
        say(w, " 'plumb drift reject %lld' publishes it as it came.", (long long)w->row->id);
    if (w->row->critical && !f->required && w->class != PL_DRIFT_RENAMED)
        say(w,
            " If it is right as it came, take %s off 'critical:' in %s: what waits is then "
            "published at most %s later.",
            w->row->column, f->mapping->contract->file, limit_text(w));
}

static void say_proposal(words *w)
{
    const char *file = w->facts->file;
    long long id = w->row->id;
    if (w->class == PL_DRIFT_ADDED) {
        say(w,
            "Nothing has to be done. If you want it as a column, 'plumb drift approve %lld' makes "
            "it one, filled back to the first record that has it:",
            id);
    } else if (w->class == PL_DRIFT_MAP) {
        say(w,
            "Keys that are data make no good columns. If you want them, 'plumb drift approve %lld' "
            "takes all of them as one json column:",
            id);
    } else if (w->row->state == PL_FINDING_PROVISIONAL) {
        say(w,
            "Compare the values above, or ask those who run the source. If it is right, 'plumb "
            "drift approve %lld' writes it into %s, where people look for it; that changes no row. "
            "If it is not, 'plumb drift reject %lld' takes it back, and maps anew what was "
            "published so. It would be written so:",
            id, file, id);
    } else if (w->class == PL_DRIFT_REMOVED) {
        say_gone(w);
        say(w, " If %s is the same under another name, change %s so and run 'plumb run':",
            w->doc->rival, file);
    } else {
        say(w,
            "Compare the values above, or ask those who run the source. If it is right, 'plumb "
            "drift approve %lld' changes %s so%s; editing it by hand and running 'plumb run' does "
            "as well. If it is not right, 'plumb drift reject %lld' publishes rows as they come.",
            id, file, waits(w) ? ", and publishes what waits" : "", id);
        if ((w->class == PL_DRIFT_RETYPED || w->class == PL_DRIFT_RESCALED) && !w->row->critical &&
            !w->facts->required)
            say(w,
                " Approving asks raw first, in seconds (with --dry-run it only asks): if that "
                "speaks "
                "against the rule, or with --parallel, it is tried in a column %s__next beside "
                "this one, until 'plumb drift "
                "promote %lld'.",
                w->row->column, id);
    }
}

// The column and the one beside it: which is it to be?
static void say_promote(words *w)
{
    long long id = w->row->id;
    const char *column = w->row->column;
    const pl_drift_facts *f = w->facts;
    if (!f->gate) {
        say(w,
            "%s does not fill %s__next any more. 'plumb drift reject %lld' closes the finding; the "
            "files stay as they are.",
            f->file, column, id);
        return;
    }
    say(w,
        "%s'plumb drift promote %lld' gives column %s the new rule, takes %s__next out of the "
        "files, and maps anew what came since the change; the table keeps %s__next.",
        f->gate->word == PL_GATE_PASSED ? "" : "Once the gate is passed, ", id, column, column,
        column);
    if (f->gate->word != PL_GATE_PASSED) say(w, " With --now it does so at once.");
    say(w, " 'plumb drift reject %lld' takes %s__next out, and column %s keeps its rule.", id,
        column, column);
    say(w, " Promoted, the files change so:");
}

// When the column may go.
static void say_retire(words *w)
{
    pl_human at;
    say(w,
        "Nothing has to be done. From %s on 'plumb drift approve %lld' takes its rule out of %s; "
        "the table keeps the column.",
        pl_human_time(at, w->row->changed_us + PL_DEPRECATED_US), (long long)w->row->id,
        w->facts->file);
}

// The file reads the new path: perhaps somebody has just written it.
static void say_done(words *w)
{
    if (waits(w))
        say(w, "%s reads %s by now. Run 'plumb run': what waits is mapped so, and looked at anew.",
            w->facts->file, w->row->after);
    else
        say(w, "Nothing has to be done.");
}

static void say_todo(words *w)
{
    const pl_drift_facts *f = w->facts;
    bool refused = w->class == PL_DRIFT_ADDED &&
                   (w->row->state == PL_FINDING_REJECTED || w->row->state == PL_FINDING_REVERTED);
    if (is_column(w))
        say(w, "Nothing has to be done. 'plumb drift reject %lld' takes the column back.",
            (long long)w->row->id);
    else if (refused && f->change.diff.bytes)
        say(w,
            "Nothing has to be done. If you want it as a column after all, 'plumb drift approve "
            "%lld' makes it one:",
            (long long)w->row->id);
    else if (!is_over(w) && !f->mapping)
        say(w, "Nothing: no file in sources/ sends source %s to table %s any more.", w->row->source,
            w->row->table);
    else if (w->row->state == PL_FINDING_DEPRECATED)
        say_retire(w);
    else if (w->row->state == PL_FINDING_PARALLEL)
        say_promote(w);
    else if (!is_over(w) && w->class == PL_DRIFT_RENAMED && f->reads_after)
        say_done(w);
    else if (!is_over(w) && f->change.diff.bytes)
        say_proposal(w);
    else if (!is_over(w) && (*w->row->column || is_empty(w)))
        say_by_hand(w);
    else
        say(w, "Nothing has to be done.");
}

static void say_cost(words *w)
{
    pl_human bytes, took;
    const pl_drift_facts *f = w->facts;
    int64_t published = f->objects - f->waiting;
    if (is_over(w) || !f->objects) return;
    say(w, "From the first one on, that concerns ");
    say_count(w, f->objects, "raw object", "raw objects");
    if (f->records) {
        say(w, " with ");
        say_count(w, f->records, "record", "records");
    }
    say(w, ", %s as stored", pl_human_bytes(bytes, f->bytes));
    if (f->micros >= 0 && f->records)
        say(w, ": going by recent runs, about %s to map", pl_human_duration(took, f->micros));
    say(w, ".");
    if (published) {
        bool anew = f->change.diff.bytes && w->class != PL_DRIFT_REMOVED &&
                    w->row->state != PL_FINDING_PROVISIONAL;
        say(w, " ");
        say_count(w, published, "of them is", "of them are");
        if (anew)
            say(w, " published already; %s maps %s anew.",
                w->row->state == PL_FINDING_PARALLEL ? "promoting" : "approving",
                published == 1 ? "it" : "them");
        else
            say(w, " published already, and %s the rows %s.", published == 1 ? "keeps" : "keep",
                published == 1 ? "it has" : "they have");
    }
    if (waits(w) && f->others) {
        say(w, " The same objects wait for ");
        say_count(w, f->others, "other finding", "other findings");
        say(w, " as well ('plumb drift'): settle %s, too.", f->others == 1 ? "that one" : "those");
    }
    if (f->change.diff.bytes)
        say(w,
            " 'plumb drift shadow %lld' shows what the change does to real rows, and publishes "
            "nothing.",
            (long long)w->row->id);
}

// ---- what comes next ----------------------------------------------------------------------------

static void say_later(words *w)
{
    pl_human until;
    const pl_drift_facts *f = w->facts;
    if (is_over(w)) {
        say(w, "Nothing more happens. Should it show again, this finding opens again.");
    } else if (waits(w) && *f->hold.released) {
        say(w, "The next 'plumb run' publishes what waited.");
    } else if (waits(w) && f->until_us) {
        say(w, "The first 'plumb run' after %s publishes what waits as it is",
            pl_human_time(until, f->until_us));
        if (f->required && w->class != PL_DRIFT_RESCALED && w->class != PL_DRIFT_MEANING)
            say(w, ": records that lack column %s then go to quarantine", w->row->column);
        else if (*w->row->column && w->class == PL_DRIFT_RETYPED)
            say(w, ": column %s is then NULL where it cannot take the value", w->row->column);
        else if (*w->row->column && (w->class == PL_DRIFT_RENAMED || w->class == PL_DRIFT_REMOVED))
            say(w, ": column %s is then NULL in those rows", w->row->column);
        else if (*w->row->column)
            say(w, ": column %s then has what came", w->row->column);
        say(w, ". If the data is as before until then, it is published by itself. Raw objects stay "
               "whatever happens, so nothing is lost for good.");
    } else if (waits(w)) {
        say(w,
            "It goes on waiting: table %s gets no new rows of source %s, and every 'plumb run' "
            "ends with exit code 3. If the data is as before again, what waits is published by "
            "itself.",
            w->row->table, w->row->source);
    } else if (w->row->state == PL_FINDING_PARALLEL) {
        say(w, "Both columns go on being filled, each by its rule.");
    } else if (w->row->state == PL_FINDING_SEEN) {
        bool column = w->class == PL_DRIFT_ADDED && f->policy.added == PL_ADDED_AUTO;
        say(w, "If it keeps coming it becomes a %s of its own; if not, it stays as it is.",
            column ? "column" : "finding");
    } else if (w->class == PL_DRIFT_ADDED || w->class == PL_DRIFT_MAP) {
        if (f->mapping && f->mapping->drop_rest)
            say(w, "It stays as it is. The raw objects keep the values, the table does not.");
        else
            say(w, "It stays as it is: _rest keeps the values, and a column can still be made of "
                   "them later.");
    } else if (w->row->state == PL_FINDING_PROVISIONAL) {
        say(w, "It stays as it is, and goes on by itself.");
    } else if (*w->row->column && w->row->state != PL_FINDING_AUTO &&
               (w->class == PL_DRIFT_RESCALED || w->class == PL_DRIFT_MEANING)) {
        if (f->any_unit)
            say(w, "It stays as it is.");
        else
            say(w, "Rows go on as they are, and column %s means two things.", w->row->column);
    } else if (w->class == PL_DRIFT_CONFLICT) {
        say(w, "Rows go on as they are. Once the paths agree again, this finding is resolved by "
               "itself.");
    } else if (*w->row->column && w->row->state != PL_FINDING_AUTO) {
        say(w,
            "Rows go on as they are. If column %s is filled as before again, this finding is "
            "resolved by itself.",
            w->row->column);
    } else {
        say(w, "It stays as it is.");
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
    if (waits(&w))
        say_waits(&w);
    else
        say_state(&w);
    ret_words->now = finish(&w);
    say_todo(&w);
    ret_words->todo = finish(&w);
    say_cost(&w);
    ret_words->cost = finish(&w);
    say_later(&w);
    ret_words->later = finish(&w);
}

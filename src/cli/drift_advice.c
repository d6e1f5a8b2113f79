// drift_advice.c -- what a person can do about a finding, and what that concerns.
//
// SPDX-License-Identifier: Apache-2.0
#include "cli/drift_words.h"
#include "flow/decide.h"

// A path as a mapping writes it: without the "$." of the record.
static const char *extractor(const char *path)
{
    return strncmp(path, "$.", 2) == 0 ? path + 2 : path;
}

static void say_gone(words *w)
{
    const char *file = w->facts->file;
    const pl_drift_reads *reads = &w->facts->reads;
    if (pl_words__empty(w)) {
        pl_words__say(
            w,
            "Look at what came ('plumb shape' on one of the files), and write where the records "
            "are now behind 'records:' in %s. If there really was nothing to send, wait: an object "
            "with records ends it; or take it as it is: 'plumb drift reject %lld'.",
            file, (long long)w->row->id);
        return;
    }
    pl_words__say(
        w,
        "Ask those who run the source. If it comes back, wait: %s If it is somewhere else now, "
        "write that path into the rule%s of %s in %s. If it is gone for good, ",
        pl_words__waits(w) ? "what waits is then published by itself."
        : reads->several   ? "the columns are then filled as before."
                           : "the column is then filled as before.",
        reads->several ? "s" : "", reads->columns, file);
    if (w->facts->required)
        pl_words__say(w,
                      "it cannot stay required: take the '!' off %s in %s, and its rule out of %s.",
                      w->row->column, w->facts->mapping->contract->file, file);
    else
        pl_words__say(w, "say so, 'plumb drift approve %lld': the column%s, and %s in new rows.",
                      (long long)w->row->id, reads->several ? "s stay" : " stays", reads->without);
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
            pl_words__say(
                w,
                "A rule does not calculate, so the new values need a column of their own: declare "
                "one in the contract, say %s_new, and fill it from %s in %s.",
                column, extractor(w->row->after), file);
            break;
        }
        pl_words__say(
            w,
            "If it is right, write %s into the rule of %s in %s, in front of what reads %s and "
            "with '|' between them.",
            extractor(w->row->after), column, file, extractor(w->row->before));
        break;
    case PL_DRIFT_RETYPED:
        pl_words__say(
            w,
            "If there is a parser for the new values, put it behind the path in the rule of %s in "
            "%s, as in '%s parse(percent)'; others are compact, number, time, iso, bool. If they "
            "are something else, declare a column for them in the contract and take them there. If "
            "they are a mistake of the source, ask those who run it.",
            column, file, extractor(pl_words__path(w)));
        break;
    case PL_DRIFT_RESCALED:
        pl_words__say(
            w,
            "A rule does not calculate, so the new unit needs a column of its own: declare one in "
            "the contract, say %s_new, fill it from %s in %s, and take that path out of the rule "
            "of %s. If the source made a mistake, ask those who run it.",
            column, extractor(pl_words__path(w)), file, column);
        break;
    case PL_DRIFT_CONFLICT:
        pl_words__say(
            w,
            "Ask those who run the source which of the two is right. If it is %s, 'plumb drift "
            "approve %lld' says so, and nobody is told again. If it is %s, put it first in the "
            "rule of %s in %s; if they are two things, take one of them out. 'plumb replay %s "
            "--finding %lld' then maps anew what is published.",
            extractor(w->row->before), (long long)w->row->id, extractor(w->row->after), column,
            file, w->row->table, (long long)w->row->id);
        break;
    default:
        pl_words__say(
            w,
            "Ask those who run the source what the values mean now. If they are right as they "
            "come, 'plumb drift approve %lld' lets them through. If it is something else, "
            "declare a column for it in the contract, fill that from %s in %s, and take the path "
            "out of the rule of %s.",
            (long long)w->row->id, extractor(pl_words__path(w)), file, column);
    }
}

static void say_by_hand(words *w)
{
    const pl_drift_facts *f = w->facts;
    if (w->class == PL_DRIFT_RESCALED && f->any_unit && !pl_words__waits(w)) {
        pl_words__say(w, "Nothing has to be done.");
        return;
    }
    if (w->class == PL_DRIFT_RESCALED && f->any_unit) {
        pl_words__say(
            w,
            "Compare the values above, or ask those who run the source. If it is right, 'plumb "
            "drift approve %lld' publishes what waits, and %s stays as it is. If it is not right, "
            "'plumb drift reject %lld' publishes rows as they come.",
            (long long)w->row->id, f->file, (long long)w->row->id);
        return;
    }
    if (w->class == PL_DRIFT_RETYPED && w->doc->strength == PL_DRIFT_LOSSLESS) {
        pl_words__say(
            w,
            "Nothing has to be done. If the column should not take such values, give it another "
            "rule in %s.",
            f->file);
        return;
    }
    say_instead(w);
    if (f->change.why_not)
        pl_words__say(w, " plumb proposes no change itself: %s.", f->change.why_not);
    if (!pl_words__waits(w)) {
        pl_words__say(w, " Then run 'plumb run': what comes from then on is mapped so.");
        return;
    }
    pl_words__say(
        w, " Then run 'plumb run': what waits is mapped by what the files say then, and looked at "
           "anew.");
    if (w->class != PL_DRIFT_REMOVED)
        pl_words__say(w, " 'plumb drift reject %lld' publishes it as it came.",
                      (long long)w->row->id);
    if (w->row->critical && *w->row->column && !f->required && w->class != PL_DRIFT_RENAMED)
        pl_words__say(
            w,
            " If it is right as it came, take %s off 'critical:' in %s: what waits is then "
            "published at most %s later.",
            w->row->column, f->mapping->contract->file, pl_words__limit(w));
}

static void say_proposal(words *w)
{
    const char *file = w->facts->file;
    long long id = w->row->id;
    if (w->class == PL_DRIFT_ADDED) {
        pl_words__say(
            w,
            "Nothing has to be done. If you want it as a column, 'plumb drift approve %lld' makes "
            "it one, filled back to the first record that has it:",
            id);
    } else if (w->class == PL_DRIFT_MAP) {
        pl_words__say(
            w,
            "Keys that are data make no good columns. If you want them, 'plumb drift approve %lld' "
            "takes all of them as one json column:",
            id);
    } else if (w->row->state == PL_FINDING_PROVISIONAL) {
        pl_words__say(
            w,
            "Compare the values above, or ask those who run the source. If it is right, 'plumb "
            "drift approve %lld' writes it into %s, where people look for it; that changes no row. "
            "If it is not, 'plumb drift reject %lld' takes it back, and maps anew what was "
            "published so. It would be written so:",
            id, file, id);
    } else if (w->class == PL_DRIFT_REMOVED) {
        say_gone(w);
        pl_words__say(w,
                      " If %s is the same under another name, change %s so by hand (approving does "
                      "not) and run 'plumb run':",
                      w->doc->rival, file);
    } else {
        pl_words__say(
            w,
            "Compare the values above, or ask those who run the source. If it is right, 'plumb "
            "drift approve %lld' changes %s so%s; editing it by hand and running 'plumb run' does "
            "as well. If it is not right, 'plumb drift reject %lld' publishes rows as they come.",
            id, file, pl_words__waits(w) ? ", and publishes what waits" : "", id);
        if ((w->class == PL_DRIFT_RETYPED || w->class == PL_DRIFT_RESCALED) && !w->row->critical &&
            !w->facts->required)
            pl_words__say(
                w,
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
        pl_words__say(
            w,
            "%s does not fill %s__next any more. 'plumb drift reject %lld' closes the finding; the "
            "files stay as they are.",
            f->file, column, id);
        return;
    }
    pl_words__say(
        w,
        "%s'plumb drift promote %lld' gives column %s the new rule, takes %s__next out of the "
        "files, and maps anew what came since the change; the table keeps %s__next.",
        f->gate->word == PL_GATE_PASSED ? "" : "Once the gate is passed, ", id, column, column,
        column);
    if (f->gate->word != PL_GATE_PASSED) pl_words__say(w, " With --now it does so at once.");
    pl_words__say(w, " 'plumb drift reject %lld' takes %s__next out, and column %s keeps its rule.",
                  id, column, column);
    pl_words__say(w, " Promoted, the files change so:");
}

// When the column may go.
static void say_retire(words *w)
{
    const pl_drift_reads *reads = &w->facts->reads;
    pl_human at;
    pl_words__say(w,
                  "Nothing has to be done. From %s on 'plumb drift approve %lld' takes the rule%s "
                  "of %s out of "
                  "%s; the table keeps the column%s.",
                  pl_human_time(at, w->row->changed_us + PL_DEPRECATED_US), (long long)w->row->id,
                  reads->several_go ? "s" : "", reads->going, w->facts->file,
                  reads->several_go ? "s" : "");
}

// The file reads the new path: perhaps somebody has just written it.
static void say_done(words *w)
{
    if (pl_words__waits(w))
        pl_words__say(
            w, "%s reads %s by now. Run 'plumb run': what waits is mapped so, and looked at anew.",
            w->facts->file, w->row->after);
    else
        pl_words__say(w, "Nothing has to be done.");
}

// Its rule is in place; are the rows?
static void say_refill(words *w)
{
    const pl_stale *stale = &w->facts->stale;
    long long id = (long long)w->row->id;
    if (!stale->count) {
        pl_words__say(w, "All rows have the rule's values: 'plumb drift promote %lld' settles it.",
                      id);
        return;
    }
    pl_words__count(w, stale->count, "raw object", "raw objects");
    pl_words__say(w, " with ");
    pl_words__count(w, stale->records, "record", "records");
    pl_words__say(w,
                  " %s published before, and %s the rows %s: 'plumb replay %s --finding %lld' maps "
                  "%s anew, and that settles it.",
                  stale->count == 1 ? "was" : "were", stale->count == 1 ? "keeps" : "keep",
                  stale->count == 1 ? "it has" : "they have", w->row->table, id,
                  stale->count == 1 ? "it" : "them");
}

void pl_words__todo(words *w)
{
    const pl_drift_facts *f = w->facts;
    bool refused = w->class == PL_DRIFT_ADDED &&
                   (w->row->state == PL_FINDING_REJECTED || w->row->state == PL_FINDING_REVERTED);
    if (pl_words__column(w))
        pl_words__say(w, "Nothing has to be done. 'plumb drift reject %lld' takes the column back.",
                      (long long)w->row->id);
    else if (refused && f->change.diff.bytes)
        pl_words__say(
            w,
            "Nothing has to be done. If you want it as a column after all, 'plumb drift approve "
            "%lld' makes it one:",
            (long long)w->row->id);
    else if (!pl_words__over(w) && !f->mapping)
        pl_words__say(w, "Nothing: no file in sources/ sends source %s to table %s any more.",
                      w->row->source, w->row->table);
    else if (w->row->state == PL_FINDING_DEPRECATED)
        say_retire(w);
    else if (w->row->state == PL_FINDING_PARALLEL)
        say_promote(w);
    else if (w->row->state == PL_FINDING_PROMOTED)
        say_refill(w);
    else if (!pl_words__over(w) && w->class == PL_DRIFT_RENAMED && f->reads_after)
        say_done(w);
    else if (!pl_words__over(w) && f->change.diff.bytes)
        say_proposal(w);
    else if (!pl_words__over(w) && (*w->row->column || pl_words__empty(w)))
        say_by_hand(w);
    else
        pl_words__say(w, "Nothing has to be done.");
}

void pl_words__cost(words *w)
{
    pl_human bytes, took;
    const pl_drift_facts *f = w->facts;
    int64_t published = f->objects - f->waiting;
    if (pl_words__over(w) || !f->objects) return;
    pl_words__say(w, "From the first one on, that concerns ");
    pl_words__count(w, f->objects, "raw object", "raw objects");
    if (f->records) {
        pl_words__say(w, " with ");
        pl_words__count(w, f->records, "record", "records");
    }
    pl_words__say(w, ", %s as stored", pl_human_bytes(bytes, f->bytes));
    if (f->micros >= 0 && f->records)
        pl_words__say(w, ": going by recent runs, about %s to map",
                      pl_human_duration(took, f->micros));
    pl_words__say(w, ".");
    if (published) {
        bool anew = f->change.diff.bytes && w->class != PL_DRIFT_REMOVED &&
                    w->row->state != PL_FINDING_PROVISIONAL;
        pl_words__say(w, " ");
        pl_words__count(w, published, "of them is", "of them are");
        if (anew)
            pl_words__say(w, " published already; %s maps %s anew.",
                          w->row->state == PL_FINDING_PARALLEL ? "promoting" : "approving",
                          published == 1 ? "it" : "them");
        else
            pl_words__say(w, " published already, and %s the rows %s.",
                          published == 1 ? "keeps" : "keep",
                          published == 1 ? "it has" : "they have");
    }
    if (pl_words__waits(w) && f->others) {
        pl_words__say(w, " The same objects wait for ");
        pl_words__count(w, f->others, "other finding", "other findings");
        pl_words__say(w, " as well ('plumb drift'): settle %s, too.",
                      f->others == 1 ? "that one" : "those");
    }
    if (f->change.diff.bytes)
        pl_words__say(
            w,
            " 'plumb drift shadow %lld' shows what the change does to real rows, and publishes "
            "nothing.",
            (long long)w->row->id);
}

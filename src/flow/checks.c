// SPDX-License-Identifier: Apache-2.0
#include "flow/checks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/time.h"

typedef struct asking {
    const pl_check_subject *subject;
    pl_arena *arena;
    pl_check_row *rows;
    uint32_t count;
    uint64_t faulty; // rows that a failed check is about
} asking;

// ---- texts -------------------------------------------------------------------------------------
// "2%", "0.25%": as few digits as say it.
static const char *share_text(pl_arena *arena, double share)
{
    return pl_arena_printf(arena, "%.4g%%", share * 100);
}

static const char *duration_text(pl_arena *arena, int64_t micros)
{
    static const struct {
        int64_t micros;
        const char *name;
    } units[] = {{PL_MICROS_PER_DAY, "d"},
                 {PL_MICROS_PER_HOUR, "h"},
                 {60 * PL_MICROS_PER_SECOND, "m"},
                 {PL_MICROS_PER_SECOND, "s"}};
    for (size_t i = 0; i < PL_COUNT(units); i++)
        if (micros >= units[i].micros && (micros % units[i].micros == 0 || i == 3))
            return pl_arena_printf(arena, "%lld%s", (long long)(micros / units[i].micros),
                                   units[i].name);
    return pl_arena_printf(arena, "%lldms", (long long)(micros / 1000));
}

// An age: exact to the unit that tells.
static const char *age_text(pl_arena *arena, int64_t micros)
{
    int64_t unit = micros >= 2 * PL_MICROS_PER_DAY        ? PL_MICROS_PER_HOUR
                   : micros >= 120 * PL_MICROS_PER_SECOND ? 60 * PL_MICROS_PER_SECOND
                                                          : PL_MICROS_PER_SECOND;
    return duration_text(arena, micros < unit ? micros : micros / unit * unit);
}

static const char *fault_text(const pl_check_row *row, const char *what, const char *of,
                              pl_arena *arena)
{
    double share = row->total ? (double)row->measured / (double)row->total : 0;
    return pl_arena_printf(arena, "%s%s%s in %lld of %lld %s (%s), allowed %s %s", row->column,
                           *row->column ? " " : "", what, (long long)row->measured,
                           (long long)row->total, of, share_text(arena, share),
                           strcmp(row->allowed, "0%") == 0 ? "is" : "are",
                           strcmp(row->allowed, "0%") == 0 ? "none" : row->allowed);
}

static const char *rows_text(const pl_check_row *row, pl_arena *arena)
{
    return pl_arena_printf(arena, "%lld %s in %lld %s", (long long)row->measured,
                           row->measured == 1 ? "row" : "rows", (long long)row->total,
                           row->total == 1 ? "object" : "objects");
}

const char *pl_check_text(const pl_check_row *row, pl_arena *arena)
{
    long long measured = row->measured, total = row->total;
    double share = row->total ? (double)row->measured / (double)row->total : 0;
    if (strcmp(row->check, "nulls") == 0) return fault_text(row, "is NULL", "rows", arena);
    if (strcmp(row->check, "range") == 0)
        return fault_text(row, "is out of bounds", "values", arena);
    if (strcmp(row->check, "unique") == 0)
        return fault_text(row, "a key is repeated", "rows", arena);
    if (strcmp(row->check, "freshness") == 0)
        return pl_arena_printf(arena, "the newest object published is %s old, allowed are %s",
                               age_text(arena, row->measured), row->allowed);
    if (strcmp(row->check, "conservation") == 0)
        return pl_arena_printf(arena,
                               "%lld of %lld records are neither row, quarantined nor "
                               "filtered",
                               measured, total);
    if (strcmp(row->check, "score") == 0)
        return pl_arena_printf(arena, "%lld of %lld records are right (%s)", measured, total,
                               share_text(arena, share));
    if (strcmp(row->check, "change") == 0 && row->outcome == PL_CHECK_SKIPPED)
        return pl_arena_printf(arena, "%s; what is usual is not known yet", rows_text(row, arena));
    if (strcmp(row->check, "change") == 0)
        return pl_arena_printf(arena, "%.4g rows an object (%lld in %lld), usual are %s", share,
                               measured, total, row->allowed);
    return pl_arena_printf(arena, "%s, allowed are %s", rows_text(row, arena), row->allowed);
}

// ---- the checks --------------------------------------------------------------------------------
static pl_check_row *add(asking *a, const char *check, pl_severity severity, bool good)
{
    pl_check_row *row = &a->rows[a->count++];
    *row = (pl_check_row){.check = check,
                          .column = "",
                          .critical = severity == PL_SEVERITY_CRITICAL,
                          .outcome = PL_CHECK_PASSED,
                          .allowed = "",
                          .at_us = a->subject->now_us};
    if (!good) row->outcome = a->subject->accepted ? PL_CHECK_ACCEPTED : PL_CHECK_FAILED;
    return row;
}

// Rows, or values, that should not be: `bad` of `total`.
static pl_check_row *add_share(asking *a, const char *check, const pl_share_check *asked,
                               uint64_t bad, uint64_t total)
{
    const double rounding = 1 + 1e-12; // 29% of 100 are 29
    bool good = (double)bad <= asked->max * (double)total * rounding;
    pl_check_row *row = add(a, check, asked->severity, good);
    row->measured = (int64_t)bad;
    row->total = (int64_t)total;
    row->allowed = share_text(a->arena, asked->max);
    return row;
}

static void ask_column(asking *a, const pl_contract_column *column)
{
    const pl_baseline *found = a->subject->found;
    pl_column_counts counts = pl_baseline_counts(found, column->field.name);
    pl_check_row *row;
    if (column->nulls.asked) {
        uint64_t nulls = counts.rows - PL_MIN(counts.filled, counts.rows);
        row = add_share(a, "nulls", &column->nulls, nulls, counts.rows);
        row->column = pl_arena_cstr(a->arena, column->field.name);
        if (row->outcome != PL_CHECK_PASSED) a->faulty += nulls;
    }
    if (column->range.asked) { // what is outside is a flaw of its row in any case
        row = add_share(a, "range", &column->range, pl_baseline_outside(found, column->field.name),
                        counts.filled);
        row->column = pl_arena_cstr(a->arena, column->field.name);
    }
}

static void add_rows(asking *a, const char *check, bool good, const char *allowed)
{
    const pl_baseline_records *records = &a->subject->found->records;
    pl_check_row *row = add(a, check, a->subject->mapping->contract->checks.rows, good);
    row->measured = (int64_t)records->rows;
    row->total = (int64_t)records->objects;
    row->allowed = allowed;
}

static void ask_rows(asking *a)
{
    const pl_table_checks *checks = &a->subject->mapping->contract->checks;
    int64_t rows = (int64_t)a->subject->found->records.rows;
    const char *allowed;
    if (checks->rows_min < 0 && checks->rows_max < 0) return;
    if (checks->rows_max < 0)
        allowed = pl_arena_printf(a->arena, "%lld or more", (long long)checks->rows_min);
    else if (checks->rows_min < 0)
        allowed = pl_arena_printf(a->arena, "%lld or less", (long long)checks->rows_max);
    else
        allowed = pl_arena_printf(a->arena, "%lld to %lld", (long long)checks->rows_min,
                                  (long long)checks->rows_max);
    add_rows(a, "rows",
             rows >= checks->rows_min && (checks->rows_max < 0 || rows <= checks->rows_max),
             allowed);
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void ask_change(asking *a)
{
    const pl_check_subject *s = a->subject;
    const pl_baseline_records *records = &s->found->records;
    double change = s->mapping->contract->checks.rows_change, sorted[PL_CHECK_HISTORY];
    uint32_t count = PL_MIN(s->history_count, (uint32_t)PL_CHECK_HISTORY);
    if (change <= 0) return;
    if (count < PL_CHECK_HISTORY_MIN) {
        add_rows(a, "change", true, "");
        a->rows[a->count - 1].outcome = PL_CHECK_SKIPPED;
        return;
    }
    memcpy(sorted, s->history, count * sizeof *sorted);
    qsort(sorted, count, sizeof *sorted, by_size);
    double usual = (sorted[(count - 1) / 2] + sorted[count / 2]) / 2;
    double least = PL_MAX(usual * (1 - change), 0.0), most = usual * (1 + change);
    double now = records->objects ? (double)records->rows / (double)records->objects : 0;
    add_rows(a, "change", now >= least && now <= most,
             pl_arena_printf(a->arena, "%.4g to %.4g", least, most));
}

static void ask_conservation(asking *a)
{
    const pl_baseline_records *r = &a->subject->found->records;
    uint64_t became = r->rows + r->quarantined + r->filtered;
    pl_check_row *row = add(a, "conservation", PL_SEVERITY_CRITICAL, r->records == became);
    row->measured = (int64_t)r->records - (int64_t)became;
    row->total = (int64_t)r->records;
    row->allowed = "0";
}

static void add_score(asking *a)
{
    const pl_baseline_records *r = &a->subject->found->records;
    pl_check_row *row = add(a, "score", PL_SEVERITY_WARN, true);
    row->measured = (int64_t)(r->rows - PL_MIN(r->rows, r->flawed + a->faulty));
    row->total = (int64_t)(r->rows + r->quarantined);
}

bool pl_check_freshness(const pl_contract *contract, int64_t newest_us, int64_t now_us,
                        pl_arena *arena, pl_check_row *ret_row)
{
    const pl_table_checks *checks = &contract->checks;
    if (!checks->freshness_us || !newest_us) return false;
    int64_t age = PL_MAX(now_us - newest_us, INT64_C(0));
    *ret_row =
        (pl_check_row){.check = "freshness",
                       .column = "",
                       .critical = checks->freshness == PL_SEVERITY_CRITICAL,
                       .outcome = age <= checks->freshness_us ? PL_CHECK_PASSED : PL_CHECK_FAILED,
                       .measured = age,
                       .allowed = duration_text(arena, checks->freshness_us),
                       .at_us = now_us};
    return true;
}

uint32_t pl_checks_ask(const pl_check_subject *subject, pl_arena *arena, pl_check_row **ret_rows)
{
    const pl_mapping *mapping = subject->mapping;
    const pl_contract *contract = mapping->contract;
    asking a = {.subject = subject, .arena = arena};
    const uint32_t of_table = 5;
    a.rows = PL_TAKE(arena, pl_check_row, 2 * (size_t)mapping->rule_count + of_table);
    for (uint32_t i = 0; i < mapping->rule_count; i++)
        ask_column(&a, &contract->columns[mapping->rules[i].column]);
    if (contract->checks.unique.asked) {
        const pl_check_row *row = add_share(&a, "unique", &contract->checks.unique,
                                            subject->repeated, subject->found->records.rows);
        if (row->outcome != PL_CHECK_PASSED) a.faulty += subject->repeated;
    }
    if (!subject->again) {
        ask_rows(&a);
        ask_change(&a);
    }
    ask_conservation(&a);
    add_score(&a);
    *ret_rows = a.rows;
    return a.count;
}

bool pl_checks_hold_columns(const pl_contract *contract)
{
    bool any = false;
    for (uint32_t i = 0; i < contract->column_count; i++) {
        const pl_contract_column *column = &contract->columns[i];
        any |= column->nulls.asked && column->nulls.severity == PL_SEVERITY_CRITICAL;
        any |= column->range.asked && column->range.severity == PL_SEVERITY_CRITICAL;
    }
    return any;
}

const char *pl_check_why(const pl_check_row *row, pl_arena *arena)
{
    static const char *const keys[][2] = {{"nulls", "nulls"}, {"range", "ranges"}};
    const char *text = pl_check_text(row, arena);
    for (size_t i = 0; i < PL_COUNT(keys); i++)
        if (strcmp(row->check, keys[i][0]) == 0 && strcmp(row->allowed, "0%") == 0)
            return pl_arena_printf(arena,
                                   "%s ('checks: {%s: {%s: 1%%}}' in the contract would "
                                   "allow some)",
                                   text, keys[i][1], row->column);
    return text;
}

bool pl_check_holds(const pl_check_row *row)
{
    // What is there is the freshest there is.
    return row->critical && row->outcome == PL_CHECK_FAILED && strcmp(row->check, "freshness") != 0;
}

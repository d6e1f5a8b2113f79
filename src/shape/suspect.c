// SPDX-License-Identifier: Apache-2.0
#include "shape/suspect.h"

#include <math.h>

#include "base/map.h"
#include "shape/suspect_int.h"

// Chances and shares are those of drift's definition. Ranges need a baseline of some size, since
// the next value of a heavy tail is often beyond the largest of a few.
pl_suspect_options pl_suspect_defaults(void)
{
    return (pl_suspect_options){
        .absent_chance = 1e-6,
        .lost_share = 0.05,
        .lost_share_critical = 0.005,
        .baseline_min = 20,
        .objects_min = 3, // whoever sent two objects with records promised nothing
        .values_min = 100,
        .drift = pl_drift_defaults(),
    };
}

const char *pl_suspicion_name(pl_suspicion_kind kind)
{
    static const char *const names[] = {"absent",   "continued", "lost",
                                        "rescaled", "meaning",   "empty"};
    return names[kind];
}

// ---- what the rules share ----------------------------------------------------------------------

bool pl_suspect__muted(const pl_suspect_work *work, uint32_t column, pl_suspicion_kind kind)
{
    return (work->columns[column].muted >> kind & 1) != 0;
}

uint64_t pl_suspect__values(const pl_shape *shape, uint32_t path)
{
    if (path == PL_SHAPE_NONE) return 0;
    return pl_shape_seen(&shape->paths[path]) - shape->paths[path].kinds[PL_SHAPE_NULL];
}

void pl_suspect__add(pl_suspect_work *work, pl_suspicion_kind kind, uint32_t column, uint32_t path,
                     double chance, uint64_t records, pl_buf *why)
{
    work->items[work->count++] = (pl_suspicion){
        .kind = kind,
        .column = column,
        .path = path,
        .chance = chance,
        .records = records,
        .why = pl_arena_cstr(work->arena, pl_buf_view(why)),
    };
    pl_buf_done(why);
}

static void put_column(pl_buf *out, const pl_suspect_work *work, uint32_t column)
{
    pl_buf_printf(out, "column '%.*s'", PL_FMT(work->columns[column].name));
}

static void put_chance(pl_buf *out, double chance)
{
    if (!(chance > 0)) return; // what was never so needs no figure
    pl_buf_text(out, "; chance does that ");
    if (chance < 1e-12) {
        pl_buf_text(out, "less than once in 10^12 times");
    } else {
        pl_buf_text(out, "once in ");
        pl_drift_count_write(out, (uint64_t)llround(1 / chance));
        pl_buf_text(out, " times");
    }
}

// ---- who could continue a column ---------------------------------------------------------------

typedef enum reading { TRUTH, NUMBER, INSTANT, WORDS, NOTHING } reading;

static reading reading_of(const pl_shape_values *values)
{
    static const uint8_t readings[PL_CLASSES] = {
        [PL_CLASS_BOOL] = TRUTH,      [PL_CLASS_NUMBER] = NUMBER,    [PL_CLASS_PERCENT] = NUMBER,
        [PL_CLASS_EPOCH_S] = INSTANT, [PL_CLASS_EPOCH_MS] = INSTANT, [PL_CLASS_EPOCH_US] = INSTANT,
        [PL_CLASS_TIME] = INSTANT,    [PL_CLASS_UUID] = WORDS,       [PL_CLASS_URL] = WORDS,
        [PL_CLASS_WORD] = WORDS,      [PL_CLASS_TEXT] = WORDS,       [PL_CLASS_EMPTY] = NOTHING,
    };
    uint64_t times[NOTHING + 1] = {0};
    int most = NOTHING;
    for (int c = 0; c < PL_CLASSES; c++) times[readings[c]] += values->classes[c];
    times[NOTHING] = 0;
    for (int r = 0; r < NOTHING; r++)
        if (times[r] > times[most]) most = r;
    return (reading)most;
}

static bool zero_or_one(const pl_shape_values *values)
{
    return values->min >= 0 && values->max <= 1 && values->fractions == 0;
}

static bool digits(const pl_shape_values *values)
{
    return values->classes[PL_CLASS_TIME] == 0;
}

// Whether a reader of the one may take the other for it.
static bool reads_as(const pl_shape_path *old, const pl_shape_path *new)
{
    for (int k = PL_SHAPE_ARRAY; k <= PL_SHAPE_OBJECT; k++)
        if (old->kinds[k] && new->kinds[k]) return true;
    bool numbers = (old->kinds[PL_SHAPE_INT] || old->kinds[PL_SHAPE_FLOAT]) &&
                   (new->kinds[PL_SHAPE_INT] || new->kinds[PL_SHAPE_FLOAT]);
    bool truths = old->kinds[PL_SHAPE_BOOL] && new->kinds[PL_SHAPE_BOOL];
    bool texts = old->kinds[PL_SHAPE_STRING] && new->kinds[PL_SHAPE_STRING];
    if (!old->values || !new->values) return numbers || truths || texts;
    reading was = reading_of(old->values), is = reading_of(new->values);
    if (was == NOTHING || is == NOTHING) return texts;
    if (was == is) return true;
    if (PL_MIN(was, is) == TRUTH && PL_MAX(was, is) == NUMBER)
        return zero_or_one(was == NUMBER ? old->values : new->values);
    // Large numbers look like instants, of which only those written in digits could be numbers.
    if (PL_MIN(was, is) == NUMBER && PL_MAX(was, is) == INSTANT)
        return digits(was == INSTANT ? old->values : new->values);
    return false;
}

// As often in the rows as the column was, as far as one can count: elements of arrays are not rows.
static bool as_often(const pl_suspect_work *work, const pl_suspect_column *column, uint32_t path)
{
    if (pl_drift_arrays(work->now->shape, path)) return true;
    double share = (double)column->before.filled / ((double)column->before.rows + 1);
    double rows = (double)column->now.rows;
    double values = (double)pl_suspect__values(work->now->shape, path);
    return pl_drift_tail(rows, PL_MIN(values, rows), share) >= work->options->absent_chance;
}

// How well a path that came goes with one that is gone; 0: not at all.
static double likeness(const pl_suspect_work *work, uint32_t old, uint32_t new)
{
    const pl_shape *before = work->before->shape, *now = work->now->shape;
    const pl_shape_path *was = &before->paths[old], *is = &now->paths[new];
    if (was->step != is->step || !reads_as(was, is)) return 0;
    if (pl_drift_arrays(before, old) != pl_drift_arrays(now, new)) return 0;
    return 0.1 + pl_drift_name_likeness(was->key, is->key);
}

// How many objects of the baseline had room for the new key of this path, or above it; 0: none is
// new. Keys in arrays that were empty or objects that were null had no room.
static uint64_t room_before(const pl_suspect_work *work, uint32_t path)
{
    const pl_shape *before = work->before->shape, *now = work->now->shape;
    if (work->mapped[path] || !pl_suspect__values(now, path)) return 0;
    uint32_t top = PL_SHAPE_NONE;
    for (uint32_t p = path; p != PL_SHAPE_ROOT; p = now->paths[p].parent)
        if (work->same[p] == PL_SHAPE_NONE) top = p;
    if (top == PL_SHAPE_NONE || now->paths[top].step == PL_SHAPE_ITEMS) return 0;
    return before->paths[work->same[now->paths[top].parent]].kinds[PL_SHAPE_OBJECT];
}

static void find_newcomers(pl_suspect_work *work)
{
    const pl_shape *now = work->now->shape;
    work->newcomers = PL_TAKE(work->scratch, pl_newcomer, now->count);
    for (uint32_t p = 1; p < now->count; p++) {
        uint64_t room = room_before(work, p);
        if (room) work->newcomers[work->newcomer_count++] = (pl_newcomer){p, room};
    }
}

static bool goes_on(const pl_shape_scalar *old, const pl_shape_scalar *new)
{
    if (old->hash == new->hash) return true;
    double most = fabs(old->number) * 0.1 + 1; // NaN of what is no number
    return old->class != PL_CLASS_BOOL && fabs(new->number - old->number) <= most;
}

// Of the entities that had the one path: how many have the other now with a value that goes on, and
// how many with another value.
static void count_pairs(const pl_shape_values *old, const pl_shape_values *new,
                        uint32_t *ret_agreed, uint32_t *ret_others)
{
    if (!old || !new) return;
    for (uint32_t i = 0, j = 0; i < old->pair_count && j < new->pair_count;) {
        uint64_t a = old->pairs[i].entity, b = new->pairs[j].entity;
        if (a == b && goes_on(&old->pairs[i].value, &new->pairs[j].value))
            ++*ret_agreed;
        else if (a == b)
            ++*ret_others;
        i += a <= b;
        j += b <= a;
    }
}

#define APART_CHANCE 0.5  // that no row has both by accident
#define TURNS_CHANCE 1e-3 // that both together are as often there by accident

// Rows with the column come after rows with the path, as happens where servers answer in turn, and
// the path is all the same the column's: its entities say so. While nobody says anything, it is if
// both together are as often there as the column was, which alone is so no more, and no entity has
// both; of what waits for it already, whether or not the column became rarer.
static bool takes_turns(const pl_suspect_work *work, uint32_t column, uint32_t path)
{
    const pl_shape_path *old = work->before->shape->paths, *new = work->now->shape->paths;
    uint32_t agreed = 0, others = 0, both = 0;
    for (uint32_t i = work->first[column]; i < work->first[column + 1]; i++) {
        if (work->old[i] == PL_SHAPE_NONE || !reads_as(&old[work->old[i]], &new[path])) continue;
        count_pairs(old[work->old[i]].values, new[path].values, &agreed, &others);
        if (work->new[i] != PL_SHAPE_NONE)
            count_pairs(new[work->new[i]].values, new[path].values, &both, &both);
    }
    if (agreed > 2 * others) return true;
    const pl_suspect_column *asked = &work->columns[column];
    double share = (double)asked->before.filled / ((double)asked->before.rows + 1);
    double values = (double)pl_suspect__values(work->now->shape, path);
    double rows = (double)asked->now.rows, filled = (double)asked->now.filled;
    bool fell = pl_suspect__less_often(rows, filled, share) < work->options->absent_chance;
    if (!fell && (agreed || others)) return false; // what fell may have grown as well
    if (both || !(fell || asked->waits) || pow(1 - share, values) > APART_CHANCE) return false;
    return pl_drift_tail(rows, values + filled, share) >= TURNS_CHANCE;
}

// Half-way: in rows that lack the column. Of a column that every row had the counts agree, also
// when the source went back: what it sent under the other name is not nothing. Of another one the
// objects before have it, and none since, or entities tell.
static bool takes_over(const pl_suspect_work *work, uint32_t column, uint32_t path,
                       uint64_t missing)
{
    const pl_shape *now = work->now->shape;
    const pl_column_counts *was = &work->columns[column].before;
    uint64_t values = pl_suspect__values(now, path);
    if (pl_drift_arrays(now, path) || values > missing) return false;
    if (was->filled >= was->rows) return values >= missing - missing / 2;
    for (uint32_t i = work->first[column]; i < work->first[column + 1]; i++) {
        if (!pl_suspect__values(now, work->new[i])) continue;
        int64_t last_us = now->paths[work->new[i]].last_us;
        if (last_us >= now->paths[path].first_us) return takes_turns(work, column, path);
    }
    return true;
}

// The new path that could best be the column under another name, or PL_SHAPE_NONE.
static uint32_t find_heir(const pl_suspect_work *work, uint32_t column, uint64_t missing)
{
    const pl_suspect_column *asked = &work->columns[column];
    bool whole = asked->now.filled == 0;
    uint32_t best = PL_SHAPE_NONE;
    double best_likeness = 0;
    uint64_t enough = PL_MIN(asked->before.filled, work->options->baseline_min);
    for (uint32_t i = work->first[column]; whole && i < work->first[column + 1]; i++)
        if (pl_suspect__values(work->now->shape, work->new[i])) return PL_SHAPE_NONE;
    for (uint32_t n = 0; n < work->newcomer_count; n++) {
        uint32_t p = work->newcomers[n].path;
        if (work->newcomers[n].room < enough) continue;
        if (whole ? !as_often(work, asked, p) : !takes_over(work, column, p, missing)) continue;
        for (uint32_t i = work->first[column]; i < work->first[column + 1]; i++) {
            if (!pl_suspect__values(work->before->shape, work->old[i])) continue;
            double like = likeness(work, work->old[i], p);
            if (like <= best_likeness) continue;
            best = p;
            best_likeness = like;
        }
    }
    return best;
}

// ---- rules -------------------------------------------------------------------------------------

// Times a path that was there says now that it has no value: null there or above, arrays that are
// all empty. The same path now, or PL_SHAPE_NONE.
static uint64_t denied(const pl_suspect_work *work, uint32_t old, uint32_t *ret_now)
{
    *ret_now = PL_SHAPE_ROOT;
    if (old == PL_SHAPE_ROOT) return 0;
    const pl_shape *now = work->now->shape;
    const pl_shape_path *path = &work->before->shape->paths[old];
    uint32_t parent;
    uint64_t times = denied(work, path->parent, &parent);
    *ret_now = PL_SHAPE_NONE;
    if (parent == PL_SHAPE_NONE) return times;
    *ret_now = pl_shape_find(now, parent, path->key, path->step);
    bool there = *ret_now != PL_SHAPE_NONE;
    if (path->step == PL_SHAPE_ITEMS)
        return times + (there ? 0 : now->paths[parent].kinds[PL_SHAPE_ARRAY]);
    return times + (there ? now->paths[*ret_now].kinds[PL_SHAPE_NULL] : 0);
}

// Whether one of the paths says so in every row that lacks the column.
static bool is_denied(const pl_suspect_work *work, uint32_t column, uint64_t missing)
{
    uint32_t now;
    for (uint32_t i = work->first[column]; i < work->first[column + 1]; i++)
        if (work->old[i] != PL_SHAPE_NONE && denied(work, work->old[i], &now) >= missing)
            return true;
    return false;
}

// ---- absence -----------------------------------------------------------------------------------

#define HEALED_SHARE 0.95 // of the old presence
#define SHARE_DOUBT  3    // deviations by which that may be less than the baseline says

// Missing from all records; or, of what waits for it already, not there again as it was: one record
// that has it takes back nothing of a gap.
static bool is_gone(const pl_suspect_work *work, const pl_suspect_column *asked)
{
    const pl_column_counts *was = &asked->before, *is = &asked->now;
    double share = (double)was->filled / ((double)was->rows + 1), rows = (double)is->rows;
    share -= SHARE_DOUBT * sqrt(share * (1 - share) / ((double)was->rows + 1));
    if (!is->filled || !asked->waits) return !is->filled;
    return (double)is->filled < HEALED_SHARE * share * rows &&
           pl_suspect__less_often(rows, (double)is->filled, share) < work->options->absent_chance;
}

static void judge_absent(pl_suspect_work *work, uint32_t column)
{
    const pl_suspect_column *asked = &work->columns[column];
    const pl_column_counts *was = &asked->before, *is = &asked->now;
    uint64_t lacking = is->rows - PL_MIN(is->filled, is->rows);
    uint64_t missing = lacking - PL_MIN(is->lost, lacking); // what was lost is not absent
    if (!missing || !was->filled) return;
    // Who writes null has not renamed the key: one more row that does so was to be expected.
    double rows = (double)PL_MAX(was->rows, was->filled) + (double)is_denied(work, column, missing);
    double chance = pow(1 - (double)was->filled / rows, (double)missing);
    bool absent = is_gone(work, asked) && chance < work->options->absent_chance;
    uint32_t heir = find_heir(work, column, missing);
    bool other_word = heir == PL_SHAPE_NONE && pl_suspect__chosen_otherwise(work, asked, missing);
    if (!absent && heir == PL_SHAPE_NONE && !other_word) return;
    absent &= !is->filled || (heir == PL_SHAPE_NONE && !other_word);
    pl_suspicion_kind kind = absent ? PL_SUSPECT_ABSENT : PL_SUSPECT_CONTINUED;
    if (pl_suspect__muted(work, column, kind)) return;
    pl_buf why = {0};
    put_column(&why, work, column);
    pl_buf_text(&why, " is NULL in ");
    pl_drift_count_write(&why, missing);
    pl_buf_text(&why, " of ");
    pl_drift_count_write(&why, is->rows);
    pl_buf_printf(&why, " %s, and was filled in ", is->rows == 1 ? "row" : "rows");
    pl_drift_count_write(&why, was->filled);
    pl_buf_text(&why, " of ");
    pl_drift_count_write(&why, was->rows);
    pl_buf_text(&why, " before");
    if (absent) put_chance(&why, chance);
    if (heir != PL_SHAPE_NONE) {
        pl_buf_text(&why, "; ");
        pl_shape_path_write(&why, work->now->shape, heir);
        pl_buf_text(&why, " is new and could continue it");
    }
    if (other_word) pl_suspect__put_words(&why, work, asked);
    pl_suspect__add(work, kind, column, heir, chance, missing, &why);
}

// Values that are lost by accident are few: half of all are none, nor are a hundred of them. Below
// that it must be less likely than once in a thousand windows. A critical column has no accidents.
#define LOST_MOST   0.5
#define LOST_MANY   100
#define LOST_CHANCE 1e-3

// A column is filled, but no more, or in fewer rows, from the path that came first: `title` stands
// where `description` stood, whose new name nobody reads yet.
static void judge_covered(pl_suspect_work *work, uint32_t column)
{
    const pl_suspect_column *asked = &work->columns[column];
    uint32_t first = work->first[column], end = work->first[column + 1], best = PL_SHAPE_NONE;
    double rows = (double)asked->now.rows, likely = 0;
    while (first < end && !pl_suspect__values(work->before->shape, work->old[first])) first++;
    if (!asked->now.filled || end - first < 2 || !asked->before.rows) return;
    uint64_t still = pl_suspect__values(work->now->shape, work->new[first]);
    uint64_t values = pl_suspect__values(work->before->shape, work->old[first]);
    double share = PL_MIN((double)values / (double)asked->before.rows, 1.0);
    double missed = share * rows - (double)still,
           chance = pl_suspect__less_often(rows, (double)still, share);
    if (chance >= work->options->absent_chance) return;
    for (uint32_t n = 0; n < work->newcomer_count; n++) {
        uint32_t p = work->newcomers[n].path;
        double like = likeness(work, work->old[first], p);
        double come = (double)pl_suspect__values(work->now->shape, p);
        bool instead = come >= missed / 2 && come <= rows - (double)still;
        if (work->newcomers[n].room < work->options->baseline_min || !instead || like <= likely)
            continue;
        best = p;
        likely = like;
    }
    if (best == PL_SHAPE_NONE || pl_suspect__muted(work, column, PL_SUSPECT_CONTINUED)) return;
    pl_buf why = {0};
    put_column(&why, work, column);
    pl_buf_text(&why, " is filled by another term: ");
    pl_shape_path_write(&why, work->before->shape, work->old[first]);
    pl_buf_text(&why, " is in ");
    if (still)
        pl_drift_count_write(&why, still);
    else
        pl_buf_text(&why, "none");
    pl_buf_text(&why, " of ");
    pl_drift_count_write(&why, asked->now.rows);
    pl_buf_printf(&why, " %s, and was in ", asked->now.rows == 1 ? "row" : "rows");
    pl_drift_count_write(&why, values);
    pl_buf_text(&why, " of ");
    pl_drift_count_write(&why, asked->before.rows);
    pl_buf_text(&why, " before; ");
    pl_shape_path_write(&why, work->now->shape, best);
    pl_buf_text(&why, " is new and could continue it");
    pl_suspect__add(work, PL_SUSPECT_CONTINUED, column, best, chance, asked->now.rows, &why);
}

static double share_lost(const pl_column_counts *counts)
{
    uint64_t values = counts->filled + counts->lost;
    return values ? (double)counts->lost / (double)values : 0;
}

static void put_lost(pl_buf *out, const pl_column_counts *counts)
{
    pl_drift_count_write(out, counts->lost);
    pl_buf_text(out, " of ");
    pl_drift_count_write(out, counts->filled + counts->lost);
}

// That at least so many of the values are lost when each is with the share of before: one bad value
// among ten good ones happens to everybody. Half a value more was lost than was seen, since none of
// few is not never.
static double lost_by_chance(const pl_column_counts *was, const pl_column_counts *is)
{
    double values = (double)(is->filled + is->lost);
    double p = ((double)was->lost + 0.5) / ((double)(was->filled + was->lost) + 1);
    double fewer = 0;
    for (uint64_t k = 0; k < is->lost; k++)
        fewer += exp(lgamma(values + 1) - lgamma((double)k + 1) - lgamma(values - (double)k + 1) +
                     (double)k * log(p) + (values - (double)k) * log1p(-p));
    return 1 - fewer;
}

static void judge_lost(pl_suspect_work *work, uint32_t column)
{
    const pl_suspect_column *asked = &work->columns[column];
    double limit = asked->lost_share > 0 ? asked->lost_share
                   : asked->critical     ? work->options->lost_share_critical
                                         : work->options->lost_share;
    double was = share_lost(&asked->before), is = share_lost(&asked->now);
    if (is <= limit || is <= 2 * was) return;
    bool few = !asked->critical && is < LOST_MOST && asked->now.lost < LOST_MANY;
    if (few && lost_by_chance(&asked->before, &asked->now) >= LOST_CHANCE) return;
    if (pl_suspect__muted(work, column, PL_SUSPECT_LOST)) return;
    pl_buf why = {0};
    put_column(&why, work, column);
    pl_buf_text(&why, " could not take ");
    put_lost(&why, &asked->now);
    pl_buf_printf(&why, " %s, %.3g %%",
                  asked->now.filled + asked->now.lost == 1 ? "value" : "values", 100 * is);
    if (asked->before.lost) {
        pl_buf_text(&why, ", and ");
        put_lost(&why, &asked->before);
        pl_buf_printf(&why, " before, %.3g %%", 100 * was);
    } else if (asked->before.filled) {
        pl_buf_text(&why, ", and took all ");
        pl_drift_count_write(&why, asked->before.filled);
        pl_buf_text(&why, " before");
    }
    pl_suspect__add(work, PL_SUSPECT_LOST, column, PL_SHAPE_NONE, 0, asked->now.lost, &why);
}

static void judge_empty(pl_suspect_work *work)
{
    const pl_suspect_side *was = work->before, *is = work->now;
    if (was->objects < work->options->objects_min || !is->empty_last) return;
    double share = (double)PL_MIN(was->empty, was->objects) / (double)was->objects;
    double chance = pow(share, (double)is->empty_last);
    if (chance >= work->options->absent_chance) return;
    pl_buf why = {0};
    if (is->objects == 1) {
        pl_buf_text(&why, "the raw object has");
    } else {
        pl_buf_text(&why, "the last ");
        if (is->empty_last > 1) {
            pl_drift_count_write(&why, is->empty_last);
            pl_buf_char(&why, ' ');
        }
        pl_buf_text(&why, "of ");
        pl_drift_count_write(&why, is->objects);
        pl_buf_printf(&why, " raw objects %s", is->empty_last == 1 ? "has" : "have");
    }
    pl_buf_text(&why, " no array where the records were, and ");
    if (was->empty)
        pl_drift_count_write(&why, was->empty);
    else
        pl_buf_text(&why, "none");
    pl_buf_text(&why, " of ");
    pl_drift_count_write(&why, was->objects);
    pl_buf_text(&why, " lacked it before");
    put_chance(&why, chance);
    pl_suspect__add(work, PL_SUSPECT_EMPTY, PL_SHAPE_NONE, PL_SHAPE_NONE, chance, is->empty_last,
                    &why);
}

// ---- paths -------------------------------------------------------------------------------------

// Several columns may read one path: they are a chain, by `next`.
static void find_paths(const pl_map *names, const uint32_t *next, const pl_shape *shape,
                       uint32_t *found, bool *mapped)
{
    pl_buf text = {0};
    for (uint32_t p = 0; p < shape->count; p++) {
        pl_buf_reset(&text);
        pl_shape_path_write(&text, shape, p);
        uint32_t at = pl_map_get(names, pl_buf_view(&text));
        if (at != PL_MAP_NONE && mapped) mapped[p] = true;
        for (; at != PL_MAP_NONE; at = next[at]) found[at] = p;
    }
    pl_buf_done(&text);
}

static void prepare(pl_suspect_work *work)
{
    const pl_shape *now = work->now->shape, *before = work->before->shape;
    work->first = PL_TAKE(work->scratch, uint32_t, work->column_count + 1);
    for (uint32_t c = 0; c < work->column_count; c++)
        work->first[c + 1] = work->first[c] + work->columns[c].path_count;
    uint32_t total = work->first[work->column_count];
    work->old = PL_TAKE(work->scratch, uint32_t, total);
    work->new = PL_TAKE(work->scratch, uint32_t, total);
    uint32_t *next = PL_TAKE(work->scratch, uint32_t, total);
    work->mapped = PL_TAKE(work->scratch, bool, now->count);
    work->same = PL_TAKE(work->scratch, uint32_t, now->count);
    work->items = PL_TAKE(work->arena, pl_suspicion, 3 * (size_t)work->column_count + 1);
    pl_map names = {0};
    for (uint32_t c = 0; c < work->column_count; c++)
        for (uint32_t i = 0; i < work->columns[c].path_count; i++) {
            uint32_t at = work->first[c] + i;
            work->old[at] = work->new[at] = PL_SHAPE_NONE;
            next[at] = PL_MAP_NONE;
            uint32_t there = pl_map_add(&names, pl_span_of(work->columns[c].paths[i]), at);
            if (there == at) continue;
            next[at] = next[there];
            next[there] = at;
        }
    find_paths(&names, next, before, work->old, NULL);
    find_paths(&names, next, now, work->new, work->mapped);
    pl_map_done(&names);
    for (uint32_t p = 0; p < now->count; p++) {
        const pl_shape_path *path = &now->paths[p];
        uint32_t parent = p ? work->same[path->parent] : PL_SHAPE_NONE;
        work->same[p] = parent == PL_SHAPE_NONE
                            ? (p ? PL_SHAPE_NONE : PL_SHAPE_ROOT)
                            : pl_shape_find(before, parent, path->key, path->step);
    }
}

uint32_t pl_drift_suspects(const pl_suspect_side *before, const pl_suspect_side *now,
                           const pl_suspect_column *columns, uint32_t count,
                           const pl_suspect_options *options, pl_arena *arena,
                           pl_suspicion **ret_suspicions)
{
    pl_arena scratch = {0};
    pl_suspect_work work = {
        .before = before,
        .now = now,
        .columns = columns,
        .column_count = count,
        .options = options,
        .arena = arena,
        .scratch = &scratch,
    };
    *ret_suspicions = NULL;
    if (before->shape->records < options->baseline_min) return 0;
    prepare(&work);
    find_newcomers(&work);
    judge_empty(&work);
    bool *read = PL_TAKE(&scratch, bool, before->shape->count);
    for (uint32_t i = 0; i < work.first[count]; i++)
        if (work.old[i] != PL_SHAPE_NONE) read[work.old[i]] = true;
    pl_finding *findings;
    uint32_t finding_count;
    pl_drift_changed(before->shape, now->shape, read, &options->drift, &scratch, &findings,
                     &finding_count);
    for (uint32_t c = 0; c < count; c++) {
        judge_absent(&work, c);
        judge_covered(&work, c);
        judge_lost(&work, c);
        pl_suspect__changes(&work, c, findings, finding_count);
    }
    pl_arena_done(&scratch);
    *ret_suspicions = work.items;
    return work.count;
}

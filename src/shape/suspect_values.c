// SPDX-License-Identifier: Apache-2.0
//
// Values that are there, and may mean something else than before. Findings know it from twenty
// values on; what fewer can say is below: the same entities moved by a known factor, another way of
// writing, or, where no entity is known from before, values far beyond all there were.
#include <math.h>

#include "shape/suspect_int.h"

#define CLASS_SHARE 0.95  // of the values: then that is the path's class
#define FACTOR_SURE 1000  // from here on one entity is enough
#define ENTITIES    3u    // for lesser factors, where values are small and have grown
#define EXACT       0.002 // decades: half a percent
#define TIGHT       0.045 // decades, of lesser factors: 60 is not 50 that grew a little
#define SMALL       20    // below, a counter may come to any factor
#define FAR         5.0   // times the largest, or the least

static double share_of(const pl_shape_values *values, pl_value_class from, pl_value_class to)
{
    uint64_t sum = 0;
    for (int c = (int)from; c <= (int)to; c++) sum += values->classes[c];
    return values->count ? (double)sum / (double)values->count : 0;
}

static bool mostly(const pl_shape_values *values, pl_value_class from, pl_value_class to)
{
    return share_of(values, from, to) > CLASS_SHARE;
}

static void put_values(pl_buf *out, uint64_t count)
{
    if (count > 1) pl_buf_text(out, "all ");
    pl_drift_count_write(out, count);
    pl_buf_text(out, count == 1 ? " value of " : " values of ");
}

// ---- written in another way --------------------------------------------------------------------

static int unit_of(const pl_shape_values *values)
{
    for (int c = PL_CLASS_EPOCH_S; c <= PL_CLASS_EPOCH_US; c++)
        if (mostly(values, (pl_value_class)c, (pl_value_class)c)) return c;
    return 0;
}

static bool rewritten(const pl_shape_values *old, const pl_shape_values *new,
                      const pl_suspect_column *asked)
{
    int was = unit_of(old), is = unit_of(new);
    if (was && is) return was != is && !asked->epochs;
    if (asked->percents) return false;
    bool sign_was = mostly(old, PL_CLASS_PERCENT, PL_CLASS_PERCENT);
    bool sign_is = mostly(new, PL_CLASS_PERCENT, PL_CLASS_PERCENT);
    return (sign_was && mostly(new, PL_CLASS_NUMBER, PL_CLASS_NUMBER)) ||
           (sign_is && mostly(old, PL_CLASS_NUMBER, PL_CLASS_NUMBER));
}

static pl_value_class main_class(const pl_shape_values *values)
{
    int most = 0;
    for (int c = 1; c < PL_CLASSES; c++)
        if (values->classes[c] > values->classes[most]) most = c;
    return (pl_value_class)most;
}

// ---- entities ----------------------------------------------------------------------------------

static const double known_factors[] = {1e2, 1e3, 1e6, 1e9, 60, 3600, 86400};

// The nearest one within so many decades; 0: none.
static double near_factor(double ratio, double decades)
{
    double near = 0;
    for (size_t k = 0; k < 2 * PL_COUNT(known_factors); k++) {
        double factor = k % 2 ? 1 / known_factors[k / 2] : known_factors[k / 2];
        double off = fabs(log10(ratio) - log10(factor));
        if (off > decades) continue;
        near = factor;
        decades = off;
    }
    return near;
}

static bool sure(double factor)
{
    return factor >= FACTOR_SURE || factor <= 1.0 / FACTOR_SURE;
}

static bool scalable(const pl_shape_scalar *value)
{
    return value->class == PL_CLASS_NUMBER || value->class == PL_CLASS_PERCENT ||
           value->class == PL_CLASS_EPOCH_S; // a count may be of that size
}

static bool has_scalable(const pl_shape_values *values)
{
    return values->classes[PL_CLASS_NUMBER] || values->classes[PL_CLASS_PERCENT] ||
           values->classes[PL_CLASS_EPOCH_S];
}

// Too large, or too fine, to come to a unit's factor between two polls by itself.
static bool is_large(double x)
{
    return fabs(x) >= SMALL || x != floor(x);
}

// A count that went on, doubled at most and more if it waited, and is written in another unit: of
// all numbers that it may come to, few are multiples.
static bool is_multiple(double x, double y, double factor, double grown)
{
    double count = y / factor;
    if (!(factor > 1) || x != floor(x) || count != floor(count)) return false;
    double most = PL_MAX(fabs(x) + 2, 2 * fabs(x) * pow(10, 2 * grown));
    return fabs(count) >= fabs(x) && fabs(count) <= most;
}

// The largest factor that it may be a multiple of.
static double multiple_of(double x, double y, double grown)
{
    double most = 0;
    for (size_t k = 0; k < PL_COUNT(known_factors); k++)
        if (x * y > 0 && is_multiple(x, y, known_factors[k], grown))
            most = PL_MAX(most, known_factors[k]);
    return most;
}

// A small counter that went on by one or two and is written in another unit may come to this.
static bool may_be_scaled(double x, double y, double decades)
{
    if (x == 0) return fabs(y) > SMALL;
    for (int grown = 0; grown <= 2; grown++)
        if (near_factor(y / (x + (x > 0 ? grown : -grown)), decades) != 0) return true;
    return false;
}

// The factor by which one entity moved; 0: by none that units differ by. NaN: it says nothing.
static double factor_of(double x, double y, double decades, double grown)
{
    bool cut = y == floor(y) && fabs(y) < SMALL && fabs(y) < fabs(x);
    if ((x == 0 && y == 0) || cut) return NAN;
    double factor = x * y > 0 ? near_factor(y / x, decades + grown) : 0;
    double off = factor != 0 ? fabs(log10(y / x) - log10(factor)) : INFINITY;
    if (off <= EXACT || is_multiple(x, y, factor, grown)) return factor;
    double multiple = multiple_of(x, y, grown);
    if (multiple != 0) return multiple;
    if (!is_large(x)) return may_be_scaled(x, y, decades + grown) ? NAN : 0;
    return sure(factor) || off <= TIGHT + grown ? factor : 0;
}

// The known factor by which entities moved, but for less than a third of them, which grew beside;
// or 1. How many tell, and how many are in common where there are numbers.
static double common_factor(const pl_suspect_options *options, const pl_shape_values *old,
                            const pl_shape_values *new, uint32_t *ret_told, uint32_t *ret_shared)
{
    double common = 0;
    uint32_t others = 0;
    bool large = false;
    *ret_told = *ret_shared = 0;
    if (!has_scalable(old) || !has_scalable(new)) return 1; // as most paths
    for (uint32_t i = 0, j = 0; i < old->pair_count && j < new->pair_count;) {
        const pl_pair *was = &old->pairs[i], *is = &new->pairs[j];
        uint64_t a = was->entity, b = is->entity;
        i += a <= b;
        j += b <= a;
        if (a != b) continue;
        ++*ret_shared;
        bool numbers = scalable(&was->value) && scalable(&is->value);
        double factor = numbers ? factor_of(was->value.number, is->value.number,
                                            options->drift.factor_decades, options->grown)
                                : 0;
        if (isnan(factor)) continue;
        if (common == 0) common = factor;
        if (factor == 0 || factor != common) {
            others++;
            continue;
        }
        large |= is_large(was->value.number) ||
                 is_multiple(was->value.number, is->value.number, factor, options->grown);
        ++*ret_told;
    }
    uint32_t enough = sure(common) || large ? 1 : ENTITIES;
    return *ret_told < enough || *ret_told <= 2 * others ? 1 : common;
}

// ---- no entity in common -----------------------------------------------------------------------

static bool fractions_were(const pl_shape_values *values)
{
    return values->min >= 0 && values->max <= 1 && values->fractions * 2 > values->count;
}

// What every value now is and none was, with the edge it is beyond; NULL: nothing of the kind.
// Fractions have an edge that nobody grows beyond; how far others do, entities would tell.
static const char *beyond(const pl_shape_values *old, const pl_shape_values *new, uint32_t shared,
                          double *ret_edge)
{
    if (!mostly(old, PL_CLASS_NUMBER, PL_CLASS_PERCENT)) return NULL;
    if (share_of(new, PL_CLASS_NUMBER, PL_CLASS_PERCENT) < 1) return NULL;
    *ret_edge = old->max;
    if (fractions_were(old) && new->min > 1) return "above 1, and the largest";
    if (shared) return NULL;
    if (old->max > 0 && new->min > FAR * old->max) return "more than 5 times the largest";
    *ret_edge = old->min;
    bool less = old->min > 0 && new->min > 0 && new->max < old->min / FAR;
    return less ? "less than a fifth of the least" : NULL;
}

typedef struct multiples {
    uint32_t count, values; // of those that are not nought
    double level;           // mean of their decades
} multiples;

// Whether there are values and all are multiples: mostly the first one is not.
static bool are_multiples(const pl_shape_values *values, double factor)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < values->pair_count; i++) {
        const pl_shape_scalar *value = &values->pairs[i].value;
        if (!scalable(value) || value->number == 0) continue;
        if (fmod(value->number, factor) != 0) return false;
        count++;
    }
    return count > 0;
}

static multiples count_multiples(const pl_shape_values *values, double factor)
{
    multiples found = {0};
    for (uint32_t i = 0; i < values->pair_count; i++) {
        const pl_shape_scalar *value = &values->pairs[i].value;
        if (!scalable(value) || value->number == 0) continue;
        found.values++;
        found.count += fmod(value->number, factor) == 0;
        found.level += log10(fabs(value->number));
    }
    if (found.values) found.level /= found.values;
    return found;
}

#define LEVEL 0.7 // decades by which all may have grown while their unit changed

// The factor that all values are multiples of, which is no accident, and by about which they are
// larger: round numbers alone are no other unit, nor is a good day. 1: none.
static double multiplied_by(const pl_suspect_options *options, const pl_shape_values *old,
                            const pl_shape_values *new, multiples *ret_before, multiples *ret_now)
{
    double found = 1, nearest = LEVEL;
    for (size_t k = 0; k < PL_COUNT(known_factors); k++) {
        // Asked first: the logarithms of all values for each factor were a tenth of a run.
        if (!are_multiples(new, known_factors[k])) continue;
        multiples was = count_multiples(old, known_factors[k]);
        multiples is = count_multiples(new, known_factors[k]);
        double share = (was.count + 1.0) / (was.values + 2.0);
        double off = fabs(is.level - was.level - log10(known_factors[k]));
        bool chance = pow(share, is.values) >= options->absent_chance;
        if (was.values < options->baseline_min || chance || off >= nearest) continue;
        found = known_factors[k];
        nearest = off;
        *ret_before = was;
        *ret_now = is;
    }
    return found;
}

// ---- rules -------------------------------------------------------------------------------------

static void put_path(pl_buf *out, const pl_suspect_work *work, uint32_t path)
{
    pl_shape_path_write(out, work->now->shape, path);
}

static bool judge_values(pl_suspect_work *work, uint32_t column, uint32_t b, uint32_t a)
{
    const pl_shape_values *old = work->before->shape->paths[b].values;
    const pl_shape_values *new = work->now->shape->paths[a].values;
    if (!old || !new || !new->count || old->count < work->options->baseline_min) return false;
    pl_buf why = {0};
    uint32_t told, shared;
    multiples were = {0}, are = {0};
    double edge, factor = common_factor(work->options, old, new, &told, &shared);
    double times = factor == 1 ? multiplied_by(work->options, old, new, &were, &are) : 1;
    const char *how;
    if (rewritten(old, new, &work->columns[column])) {
        put_values(&why, new->count);
        put_path(&why, work, a);
        pl_buf_printf(&why, " %s of class %s, and ", new->count == 1 ? "is" : "are",
                      pl_value_class_name(main_class(new)));
        pl_drift_count_write(&why, old->count);
        pl_buf_printf(&why, " of class %s before", pl_value_class_name(main_class(old)));
    } else if (factor != 1) {
        put_path(&why, work, a);
        if (factor > 1)
            pl_buf_printf(&why, " has %.15g times the value it had", factor);
        else
            pl_buf_printf(&why, " has 1/%.15g of the value it had", 1 / factor);
        pl_buf_text(&why, told == 1 ? " for the one entity known from before" : " for ");
        if (told > 1) {
            if (told == shared) pl_buf_text(&why, "all ");
            pl_drift_count_write(&why, told);
            pl_buf_text(&why, " entities known from before");
        }
    } else if (times > 1) {
        put_values(&why, are.values);
        put_path(&why, work, a);
        pl_buf_printf(&why, " are multiples of %.15g and about as many times as large, and ",
                      times);
        pl_drift_count_write(&why, were.count);
        pl_buf_text(&why, " of ");
        pl_drift_count_write(&why, were.values);
        pl_buf_printf(&why, " %s multiples before", were.count == 1 ? "was" : "were");
    } else if (old->count >= work->options->values_min && (how = beyond(old, new, shared, &edge))) {
        put_values(&why, new->count);
        put_path(&why, work, a);
        pl_buf_printf(&why, " %s %s of ", new->count == 1 ? "is" : "are", how);
        pl_drift_count_write(&why, old->count);
        pl_buf_printf(&why, " before, %.6g", edge);
    } else {
        return false;
    }
    pl_suspect__add(work, PL_SUSPECT_RESCALED, column, a, 0, new->count, &why);
    return true;
}

// An instant's unit is in its size: whoever reads it by that does not care.
static bool of_instants(const pl_suspect_work *work, const pl_finding *finding)
{
    const pl_shape_values *new = work->now->shape->paths[finding->after].values;
    return new &&unit_of(new) != 0;
}

static bool structural(const pl_suspect_work *work, const pl_finding *finding)
{
    const uint64_t *old = work->before->shape->paths[finding->before].kinds;
    const uint64_t *new = work->now->shape->paths[finding->after].kinds;
    for (int k = PL_SHAPE_ARRAY; k <= PL_SHAPE_OBJECT; k++)
        if (new[k] && !old[k]) return true;
    return false;
}

// Whether a finding about a path that a column reads makes it suspect, and of what.
static bool speaks(const pl_suspect_work *work, uint32_t column, const pl_finding *finding,
                   pl_suspicion_kind *ret_kind)
{
    const pl_suspect_column *asked = &work->columns[column];
    *ret_kind = PL_SUSPECT_MEANING;
    if (finding->class == PL_DRIFT_RESCALED) {
        *ret_kind = PL_SUSPECT_RESCALED;
        return finding->factor == 1 ? !asked->percents
                                    : !asked->epochs || !of_instants(work, finding);
    }
    if (finding->class == PL_DRIFT_MEANING) return true;
    if (finding->class != PL_DRIFT_RETYPED || finding->strength != PL_DRIFT_LOSSY) return false;
    if (structural(work, finding)) return true;
    // What the column took in full is no drift to it: words in a text column, where numbers were.
    *ret_kind = PL_SUSPECT_LOST;
    return asked->now.lost > 0;
}

static bool judge_findings(pl_suspect_work *work, uint32_t column, const pl_finding *findings,
                           uint32_t count, uint32_t b, uint32_t a)
{
    for (uint32_t i = 0; i < count; i++) {
        const pl_finding *f = &findings[i];
        pl_suspicion_kind kind;
        if (f->before != b || f->after != a || !speaks(work, column, f, &kind)) continue;
        if (pl_suspect__muted(work, column, kind)) continue;
        pl_buf why = {0};
        pl_buf_text(&why, f->why);
        uint64_t values = pl_suspect__values(work->now->shape, a);
        pl_suspect__add(work, kind, column, a, 0, values, &why);
        return true;
    }
    return false;
}

void pl_suspect__changes(pl_suspect_work *work, uint32_t column, const pl_finding *findings,
                         uint32_t count)
{
    const pl_suspicion *last = work->count ? &work->items[work->count - 1] : NULL;
    if (last && last->column == column && last->kind == PL_SUSPECT_LOST) return; // that is why
    for (uint32_t i = work->first[column]; i < work->first[column + 1]; i++) {
        uint32_t b = work->old[i], a = work->new[i];
        if (b == PL_SHAPE_NONE || a == PL_SHAPE_NONE) continue;
        if (judge_findings(work, column, findings, count, b, a)) return;
        bool muted = pl_suspect__muted(work, column, PL_SUSPECT_RESCALED);
        if (!muted && judge_values(work, column, b, a)) return;
    }
}

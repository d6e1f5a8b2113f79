// SPDX-License-Identifier: Apache-2.0
//
// Paths that stayed: another kind of value, another scale, another meaning.
//
// Scale is judged by entities alone: when everybody's views double, so does every quantile, but no
// unit changes. Formats need no entity: a percent sign, or milliseconds for seconds, are in each
// value.
#include <math.h>

#include "shape/drift_int.h"

#define FORMAT_SHARE   0.95 // of the values are of one class: then that is the path's class
#define FORMAT_MIN     20u  // values on either side
#define ENUM_MAX       64u  // different values of an enumeration
#define ENUM_REPEATS   5u   // times each is seen, on average, on either side
#define INVERTED_MIN   8u   // entities
#define MEANING_VALUES 200u // where no entity tells

static uint64_t scalars(const pl_shape_path *path)
{
    return path->kinds[PL_SHAPE_BOOL] + path->kinds[PL_SHAPE_INT] + path->kinds[PL_SHAPE_FLOAT] +
           path->kinds[PL_SHAPE_STRING];
}

static uint64_t values_at(const pl_shape_path *path)
{
    return scalars(path) + path->kinds[PL_SHAPE_ARRAY] + path->kinds[PL_SHAPE_OBJECT];
}

static double class_share(const pl_shape_values *values, pl_value_class from, pl_value_class to)
{
    uint64_t sum = 0, all = 0;
    for (int c = 0; c < PL_CLASSES; c++) {
        if (c != PL_CLASS_EMPTY) all += values->classes[c];
        if (c >= (int)from && c <= (int)to) sum += values->classes[c];
    }
    return all ? (double)sum / (double)all : 0;
}

// What a reader of the old values makes of a new one, without loss.
static bool readable(const pl_shape_path *old, const pl_shape_scalar *value)
{
    const uint64_t *kinds = old->kinds;
    const pl_shape_values *values = old->values;
    pl_value_class class = value->class;
    bool digits =
        class == PL_CLASS_NUMBER || (class >= PL_CLASS_EPOCH_S && class <= PL_CLASS_EPOCH_US);
    bool zero_one = value->number == 0 || value->number == 1;
    if (class == PL_CLASS_EMPTY) return true; // says nothing
    if (kinds[PL_SHAPE_INT] || kinds[PL_SHAPE_FLOAT]) {
        if (digits) return true;
        bool instants =
            values && class_share(values, PL_CLASS_EPOCH_S, PL_CLASS_TIME) > FORMAT_SHARE;
        if (instants && class == PL_CLASS_TIME) return true;
        bool truths = values && values->min >= 0 && values->max <= 1 && values->fractions == 0;
        if (truths && class == PL_CLASS_BOOL) return true;
    }
    if (kinds[PL_SHAPE_BOOL] && (class == PL_CLASS_BOOL || (digits && zero_one))) return true;
    if (kinds[PL_SHAPE_STRING] && values) {
        bool times = class_share(values, PL_CLASS_TIME, PL_CLASS_TIME) > FORMAT_SHARE;
        bool truths = class_share(values, PL_CLASS_BOOL, PL_CLASS_BOOL) > FORMAT_SHARE;
        if (times) return class >= PL_CLASS_EPOCH_S && class <= PL_CLASS_TIME;
        if (truths) return class == PL_CLASS_BOOL || (digits && zero_one);
        return value->kind == PL_SHAPE_INT || class == PL_CLASS_BOOL; // as its text
    }
    return false;
}

static bool new_kind(const pl_shape_path *old, const pl_shape_path *new, int kind)
{
    if (!new->kinds[kind]) return false;
    bool number = kind == PL_SHAPE_INT || kind == PL_SHAPE_FLOAT;
    uint64_t before = old->kinds[kind];
    if (number) before = old->kinds[PL_SHAPE_INT] + old->kinds[PL_SHAPE_FLOAT];
    return (double)before < 0.001 * (double)values_at(old) || before == 0;
}

typedef struct reading {
    uint64_t looked, read; // sampled scalars of a new kind
    uint64_t values;       // of a new kind, all records
    bool structural;       // scalar for object, array for scalar ...
} reading;

static reading read_new(const pl_shape_path *old, const pl_shape_path *new)
{
    reading found = {0};
    bool kinds[PL_SHAPE_KINDS] = {false};
    for (int k = PL_SHAPE_BOOL; k < PL_SHAPE_KINDS; k++) {
        kinds[k] = new_kind(old, new, k);
        if (!kinds[k]) continue;
        found.values += new->kinds[k];
        found.structural |= k >= PL_SHAPE_ARRAY || scalars(old) == 0;
    }
    for (uint32_t i = 0; new->values &&i < new->values->pair_count; i++) {
        const pl_shape_scalar *value = &new->values->pairs[i].value;
        if (!kinds[value->kind]) continue;
        found.looked++;
        found.read += readable(old, value);
    }
    return found;
}

pl_drift_strength pl_drift_retype(const pl_drift_work *work, uint32_t before, uint32_t after)
{
    reading found = read_new(&work->before.shape->paths[before], &work->after.shape->paths[after]);
    if (!found.values) return PL_DRIFT_CERTAIN;
    return found.structural || found.read < found.looked ? PL_DRIFT_LOSSY : PL_DRIFT_LOSSLESS;
}

// Another kind in JSON, or text of another format.
static bool judge_kind(pl_drift_work *work, uint32_t b, uint32_t a)
{
    const pl_drift_options *options = work->options;
    const pl_shape_path *old = &work->before.shape->paths[b], *new = &work->after.shape->paths[a];
    uint64_t all = values_at(new);
    if (!values_at(old) || !all) return false;
    reading found = read_new(old, new);
    if (!found.values || found.values < options->retyped_min ||
        (double)found.values < options->retyped_share * (double)all)
        return false;
    bool lossless = !found.structural && found.read == found.looked;
    pl_finding *finding =
        pl_drift_add(work, PL_DRIFT_RETYPED, lossless ? PL_DRIFT_LOSSLESS : PL_DRIFT_LOSSY, b, a);
    finding->retype = finding->strength;
    finding->shared = found.looked ? found.looked : found.values;
    finding->agreed = found.read;
    finding->confidence = 1;
    // Its values were found within the new object, or come from within the old one.
    finding->root =
        work->before.partner[b] == PL_SHAPE_NONE && work->after.partner[a] == PL_SHAPE_NONE;
    return true;
}

// What text mostly says: a number, a percentage, an instant, a truth value.
typedef enum text_format { NO_FORMAT, NUMBERS, PERCENTS, TIMES, TRUTHS } text_format;

static text_format format_of(const pl_shape_values *values)
{
    // Percentages stand between the two; with or without their sign is judge_scale's.
    double numbers = class_share(values, PL_CLASS_NUMBER, PL_CLASS_NUMBER) +
                     class_share(values, PL_CLASS_EPOCH_S, PL_CLASS_EPOCH_US);
    if (numbers > FORMAT_SHARE) return NUMBERS;
    if (class_share(values, PL_CLASS_PERCENT, PL_CLASS_PERCENT) > FORMAT_SHARE) return PERCENTS;
    if (class_share(values, PL_CLASS_TIME, PL_CLASS_TIME) > FORMAT_SHARE) return TIMES;
    return class_share(values, PL_CLASS_BOOL, PL_CLASS_BOOL) > FORMAT_SHARE ? TRUTHS : NO_FORMAT;
}

typedef struct formatted {
    uint64_t all, lost, changed; // texts; those not of the format; and those of another that fits
} formatted;

static formatted read_texts(const pl_shape_values *values, text_format format)
{
    formatted found = {0};
    for (uint32_t i = 0; i < values->pair_count; i++) {
        const pl_shape_scalar *value = &values->pairs[i].value;
        if (value->kind != PL_SHAPE_STRING || value->class == PL_CLASS_EMPTY) continue;
        bool epoch = value->class >= PL_CLASS_EPOCH_S && value->class <= PL_CLASS_EPOCH_US;
        bool number = value->class == PL_CLASS_NUMBER;
        bool fits = format == NUMBERS    ? number || epoch
                    : format == PERCENTS ? number || value->class == PL_CLASS_PERCENT
                    : format == TIMES    ? value->class == PL_CLASS_TIME || epoch
                                         : value->class == PL_CLASS_BOOL;
        found.all++;
        found.lost += !fits;
        found.changed += !fits || (format == TIMES && epoch);
    }
    return found;
}

static bool judge_format(pl_drift_work *work, uint32_t b, uint32_t a)
{
    const pl_shape_values *old = work->before.shape->paths[b].values;
    const pl_shape_values *new = work->after.shape->paths[a].values;
    const pl_shape_path *path = &work->before.shape->paths[b];
    if (!path->kinds[PL_SHAPE_STRING] || old->count < FORMAT_MIN || new->count < FORMAT_MIN)
        return false;
    text_format format = format_of(old);
    if (format == NO_FORMAT) return false;
    formatted was = read_texts(old, format), is = read_texts(new, format);
    if (!is.all || is.changed < FORMAT_MIN ||
        (double)is.changed < work->options->retyped_share * (double)is.all)
        return false;
    // Some never were of it: three times as many are a change, and one more than were seen.
    if (is.changed * was.all <= 3 * (was.changed + 1) * is.all) return false;
    pl_finding *finding =
        pl_drift_add(work, PL_DRIFT_RETYPED, is.lost ? PL_DRIFT_LOSSY : PL_DRIFT_LOSSLESS, b, a);
    finding->retype = finding->strength;
    finding->shared = is.changed;
    finding->agreed = is.changed - is.lost;
    finding->confidence = 1;
    return true;
}

static void judge_widened(pl_drift_work *work, uint32_t b, uint32_t a)
{
    const uint64_t *old = work->before.shape->paths[b].kinds;
    const uint64_t *new = work->after.shape->paths[a].kinds;
    if (!old[PL_SHAPE_INT] || old[PL_SHAPE_FLOAT] || !new[PL_SHAPE_FLOAT]) return;
    const pl_shape_values *values = work->after.shape->paths[a].values;
    if (values && !values->fractions) return; // 5.0 is 5
    pl_drift_add(work, PL_DRIFT_WIDENED, PL_DRIFT_CERTAIN, b, a)->confidence = 1;
}

static double epoch_unit(const pl_shape_values *values)
{
    static const double units[] = {1, 1e3, 1e6};
    for (int u = 0; u < 3; u++) {
        pl_value_class class = (pl_value_class)(PL_CLASS_EPOCH_S + u);
        if (class_share(values, class, class) > FORMAT_SHARE) return units[u];
    }
    return 0;
}

static bool judge_scale(pl_drift_work *work, uint32_t b, uint32_t a)
{
    const pl_drift_column *old = &work->before.columns[b], *new = &work->after.columns[a];
    const pl_shape_values *was = work->before.shape->paths[b].values;
    const pl_shape_values *is = work->after.shape->paths[a].values;
    uint64_t shared, near = 0;
    double unit_was = epoch_unit(was), unit_is = epoch_unit(is), factor = 1;
    bool instants = unit_was > 0 && unit_is > 0;
    if (instants) {
        factor = unit_is / unit_was;
        shared = is->count;
        near = (uint64_t)(class_share(is, PL_CLASS_EPOCH_S, PL_CLASS_EPOCH_US) * (double)shared);
        if (shared < work->options->rescaled_min) return false;
    } else {
        factor = pl_drift_factor(old, new, work->options, &shared, &near);
        if (shared < work->options->rescaled_min) factor = 1;
    }
    bool sign_was = class_share(was, PL_CLASS_PERCENT, PL_CLASS_PERCENT) > FORMAT_SHARE;
    bool sign_is = class_share(is, PL_CLASS_PERCENT, PL_CLASS_PERCENT) > FORMAT_SHARE;
    // "4.7%" is 0.047 here: for 0.047 it is another way to write it, for 4.7 the same figures.
    bool sign = sign_was != sign_is && shared >= work->options->rescaled_min;
    if (sign && factor == 1) {
        pl_evidence same = pl_drift_compare(old, new, 1, false, false);
        if (same.bits < work->options->bits_min) return false;
    } else if (factor == 1) {
        return false;
    }
    pl_finding *finding = pl_drift_add(work, PL_DRIFT_RESCALED, PL_DRIFT_STRONG, b, a);
    finding->factor = factor;
    finding->shared = shared;
    finding->agreed = sign && factor == 1 ? shared : near;
    finding->retype = pl_drift_retype(work, b, a);
    finding->confidence = shared ? (double)finding->agreed / (double)shared : 1;
    return true;
}

// ---- meaning -----------------------------------------------------------------------------------

static bool judge_inverted(pl_drift_work *work, uint32_t b, uint32_t a)
{
    const pl_drift_column *old = &work->before.columns[b], *new = &work->after.columns[a];
    const pl_shape_values *was = old->values, *is = new->values;
    if (class_share(was, PL_CLASS_BOOL, PL_CLASS_BOOL) < 1 ||
        class_share(is, PL_CLASS_BOOL, PL_CLASS_BOOL) < 1 || !(was->min < was->max))
        return false;
    pl_evidence inverted = pl_drift_compare(old, new, 1, true, false);
    bool proven = inverted.shared >= INVERTED_MIN && inverted.bits >= work->options->bits_min &&
                  (double)inverted.agreed >= work->options->agreement_min * (double)inverted.shared;
    if (proven) {
        pl_finding *finding = pl_drift_add(work, PL_DRIFT_MEANING, PL_DRIFT_STRONG, b, a);
        finding->inverted = true;
        finding->bits = inverted.bits;
        finding->shared = inverted.shared;
        finding->agreed = inverted.agreed;
        finding->confidence = 1 - exp2(-inverted.bits);
    }
    return proven;
}

static uint32_t different(const pl_drift_column *column)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < column->count; i++)
        count += i == 0 || column->hashes[i] != column->hashes[i - 1];
    return count;
}

static bool enumeration(const pl_drift_column *column)
{
    uint32_t values = different(column);
    if (values < 2 || values > ENUM_MAX || column->count < ENUM_REPEATS * values) return false;
    const pl_shape_values *all = column->values;
    return class_share(all, PL_CLASS_WORD, PL_CLASS_TEXT) > FORMAT_SHARE;
}

// A new set of words in place of the old one.
static void judge_words(pl_drift_work *work, uint32_t b, uint32_t a)
{
    pl_drift_column *old = &work->before.columns[b], *new = &work->after.columns[a];
    if (!enumeration(old) || !enumeration(new)) return;
    if (old->count < MEANING_VALUES || new->count < MEANING_VALUES) {
        pl_evidence same = pl_drift_compare(old, new, 1, false, false);
        if (same.shared < INVERTED_MIN || same.equal > 0) return;
    }
    if (pl_drift_overlap(old, new) > 0.02) return; // a number among the words is none of them
    pl_evidence same = pl_drift_compare(old, new, 1, false, false);
    bool by_entity = same.shared >= INVERTED_MIN && same.equal == 0;
    pl_finding *finding =
        pl_drift_add(work, PL_DRIFT_MEANING, by_entity ? PL_DRIFT_STRONG : PL_DRIFT_MEDIUM, b, a);
    finding->shared = same.shared;
    finding->agreed = same.shared - same.equal;
    finding->confidence = by_entity ? 0.95 : 0.8;
}

void pl_drift_changes(pl_drift_work *work)
{
    const pl_shape *old = work->before.shape, *new = work->after.shape;
    for (uint32_t b = 0; b < old->count; b++) {
        uint32_t a = work->before.same[b];
        if (a == PL_SHAPE_NONE || work->before.moved[b] || work->after.moved[a]) continue;
        if (work->wanted && !work->wanted[b]) continue;
        if (!work->before.there[b] || !work->after.there[a]) continue;
        bool values = work->before.columns[b].count && work->after.columns[a].count;
        if (values && judge_scale(work, b, a)) continue;
        if (judge_kind(work, b, a)) continue;
        judge_widened(work, b, a);
        if (!values || !old->paths[b].values || !new->paths[a].values) continue;
        if (judge_format(work, b, a) || judge_inverted(work, b, a)) continue;
        judge_words(work, b, a);
    }
}

// ---- at a glance -------------------------------------------------------------------------------

// Of the entities on both sides hardly one kept its value.
static bool replaced(const pl_shape_values *old, const pl_shape_values *new)
{
    uint32_t shared = 0, kept = 0;
    for (uint32_t i = 0, j = 0; i < old->pair_count && j < new->pair_count;) {
        uint64_t a = old->pairs[i].entity, b = new->pairs[j].entity;
        shared += a == b;
        kept += a == b && old->pairs[i].value.hash == new->pairs[j].value.hash;
        i += a <= b;
        j += b <= a;
    }
    return shared >= INVERTED_MIN && kept * 10 <= shared;
}

// Few different texts, and none of them was there.
static bool other_words(const pl_shape_values *old, const pl_shape_values *new)
{
    const pl_distinct *was = &old->distinct, *is = &new->distinct;
    if (was->registers || is->registers || was->count > ENUM_MAX || is->count > ENUM_MAX)
        return false;
    uint32_t common = 0;
    for (uint32_t i = 0, j = 0; i < was->count && j < is->count;) {
        uint64_t a = was->hashes[i], b = is->hashes[j];
        common += a == b;
        i += a <= b;
        j += b <= a;
    }
    return common * 10 <= is->count;
}

bool pl_drift_may_change(const pl_shape_path *before, const pl_shape_path *after,
                         const pl_drift_options *options)
{
    const pl_shape_values *old = before->values, *new = after->values;
    for (int k = PL_SHAPE_BOOL; k < PL_SHAPE_KINDS; k++)
        if (new_kind(before, after, k)) return true;
    if (!old || !new) return false;
    for (int c = 0; c < PL_CLASSES; c++) {
        bool often = class_share(old, (pl_value_class)c, (pl_value_class)c) > 0.01;
        if (new->classes[c] && !often) return true;
    }
    bool truths = old->classes[PL_CLASS_BOOL] == old->count;
    if (truths) return replaced(old, new);
    if (class_share(old, PL_CLASS_WORD, PL_CLASS_TEXT) > FORMAT_SHARE) return other_words(old, new);
    pl_drift_column sides[2] = {{.pairs = old->pairs, .count = old->pair_count},
                                {.pairs = new->pairs, .count = new->pair_count}};
    uint64_t shared, near;
    double factor = pl_drift_factor(&sides[0], &sides[1], options, &shared, &near);
    if (factor != 1) return true;
    double was = epoch_unit(old), is = epoch_unit(new);
    // Of percentages that all still are, ordering them was a tenth of what judging cost.
    bool percents = class_share(old, PL_CLASS_PERCENT, PL_CLASS_PERCENT) > FORMAT_SHARE;
    return (was > 0 && is > 0 && was != is) ||
           (percents && class_share(new, PL_CLASS_PERCENT, PL_CLASS_PERCENT) < 1);
}

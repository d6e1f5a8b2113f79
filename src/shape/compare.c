// SPDX-License-Identifier: Apache-2.0
//
// Evidence. Of each entity that both sides know, two questions: is the value the same, and if it
// is a number, how near? Either is weighed by how likely it would be if the new path had nothing
// to do with the old one, which the values of the *other* entities tell: where all have the same
// value, having it too proves nothing.
//
//   the same   -log2 of the share of other entities with this value; where nobody else has it, at
//              most the bits it has room for (a truth value 1, an integer its size, text three for
//              two bytes) or those of one among so many, whichever is more
//   a number   -log2 of the share of other entities whose new value is as near to the old one,
//              less a little more than the 1/ln 2 bits that chance alone gives on average
//   neither    MISMATCH_BITS against
//
#include <math.h>
#include <stdlib.h>

#include "shape/drift_int.h"

#define MISMATCH_BITS 5.0  // log2(0.02 / 0.64): constants change in 2 % of the entities at most
#define CHANCE_BITS   2.0  // chance alone gives 1/ln 2 on average: sums of many sink
#define BITS_MAX      32.0 // of one value: beyond, it is the reading that could be wrong
#define NEAR_BITS     0.0  // a number continues if that is said for it
#define STEADY        0.1  // of the field's own spread: how much entities move against each other
#define ENOUGH        64u  // entities after which a comparison without hope ends
#define HOPE          5.0  // bits

double pl_drift_prior_bits(const pl_shape_scalar *value, const pl_shape_values *values)
{
    double bytes;
    switch (value->class) {
    case PL_CLASS_BOOL:
    case PL_CLASS_EMPTY:
        return 1;
    case PL_CLASS_NUMBER:
    case PL_CLASS_PERCENT:
        bytes = 1 + log2(fabs(value->number) + 1);
        if (value->number != floor(value->number)) bytes += 10;
        return PL_MIN(bytes, BITS_MAX);
    case PL_CLASS_EPOCH_S:
    case PL_CLASS_EPOCH_MS:
    case PL_CLASS_EPOCH_US:
    case PL_CLASS_TIME:
        return fmod(value->number, 86400) == 0 ? 9 : 20;
    case PL_CLASS_UUID:
        return BITS_MAX;
    case PL_CLASS_WORD:
    case PL_CLASS_URL:
    case PL_CLASS_TEXT:
        break;
    case PL_CLASSES:
        return 0;
    }
    bytes = values ? (values->text_min + values->text_max) / 2.0 : 4;
    return PL_MIN(PL_MAX(1.5 * bytes, 3), BITS_MAX);
}

// Positions of an ascending array: how many are below, how many at most `limit`.
static uint32_t below(const double *numbers, uint32_t count, double limit, bool equal_too)
{
    uint32_t low = 0, high = count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (numbers[middle] < limit || (equal_too && numbers[middle] == limit))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static uint32_t times(const pl_drift_column *column, uint64_t hash)
{
    uint32_t bounds[2];
    for (uint32_t i = 0; i < 2; i++) {
        uint32_t low = 0, high = column->count;
        while (low < high) {
            uint32_t middle = low + (high - low) / 2;
            if (column->hashes[middle] < hash || (i && column->hashes[middle] == hash))
                low = middle + 1;
            else
                high = middle;
        }
        bounds[i] = low;
    }
    return bounds[1] - bounds[0];
}

// Of the value that both sides have, by the share of other entities that have it on either side.
static double equal_bits(const pl_drift_column *before, const pl_drift_column *after,
                         const pl_shape_scalar *old, const pl_shape_scalar *new)
{
    double prior = pl_drift_prior_bits(old, before->values);
    double floor_chance = exp2(-prior), chance = 0;
    const pl_drift_column *sides[] = {before, after};
    const pl_shape_scalar *values[] = {old, new};
    for (int i = 0; i < 2; i++) {
        uint32_t others = times(sides[i], values[i]->hash);
        others -= others > 0;
        chance = PL_MAX(chance, (others + floor_chance) / sides[i]->count);
    }
    // Among many a rare value proves more than it has room for: one flag in a thousand.
    double least = PL_MIN(floor_chance, 1.0 / PL_MAX(before->count, after->count));
    return -log2(PL_MIN(PL_MAX(chance, least), 1.0));
}

static double near_bits(const pl_drift_column *after, double old, double new)
{
    double distance = fabs(new - old) * (1 + 1e-9) + fabs(new) * 1e-12; // itself is within
    uint32_t near = below(after->numbers, after->number_count, old + distance, true) -
                    below(after->numbers, after->number_count, old - distance, false);
    double chance = (PL_MAX(near, 1.0) - 0.5) / after->number_count; // itself is one of them
    return -log2(chance) - CHANCE_BITS;
}

static bool is_number(const pl_shape_scalar *value)
{
    return !isnan(value->number);
}

// Instants are compared with instants and numbers with numbers, however they are written.
static bool is_instant(const pl_shape_scalar *value)
{
    return value->class >= PL_CLASS_EPOCH_S && value->class <= PL_CLASS_TIME;
}

static void weigh(pl_evidence *sum, const pl_drift_column *before, const pl_drift_column *after,
                  const pl_shape_scalar *old, const pl_shape_scalar *new)
{
    bool numbers = is_number(old) && is_number(new) && (is_instant(old) == is_instant(new));
    bool equal = old->hash == new->hash;
    double from = old->number * sum->factor;
    if (sum->inverted) {
        equal = numbers && old->number + new->number == 1;
    } else if (numbers && sum->factor != 1) { // a quotient of integers may have been cut
        double slack = PL_MAX(fabs(from) * 1e-6, fabs(sum->factor) < 1 ? 1.0 : 0.0);
        equal = fabs(new->number - from) <= slack;
    } else if (numbers && old->number == new->number) {
        equal = true;
    }
    sum->shared++;
    sum->rising += numbers && new->number >= from;
    if (equal) {
        sum->equal++;
        sum->agreed++;
        sum->bits += sum->factor != 1 ? PL_MIN(PL_MAX(near_bits(after, from, new->number), 0.0),
                                               pl_drift_prior_bits(old, before->values))
                                      : equal_bits(before, after, old, new);
        return;
    }
    if (!numbers || sum->inverted || old->class == PL_CLASS_BOOL) {
        sum->bits -= MISMATCH_BITS;
        return;
    }
    double bits = near_bits(after, from, new->number);
    sum->numeric = true;
    sum->agreed += bits > NEAR_BITS;
    sum->bits += bits;
    sum->near += bits;
}

pl_evidence pl_drift_compare(const pl_drift_column *before, const pl_drift_column *after,
                             double factor, bool inverted, bool hasty)
{
    pl_evidence sum = {.factor = factor, .inverted = inverted};
    uint32_t i = 0, j = 0;
    while (i < before->count && j < after->count) {
        uint64_t old = before->pairs[i].entity, new = after->pairs[j].entity;
        bool both = old == new;
        if (both) weigh(&sum, before, after, &before->pairs[i].value, &after->pairs[j].value);
        i += old <= new;
        j += new <= old;
        // Entities come in the order of their hashes: the first ones are a sample of all.
        if (hasty && both && sum.shared % ENOUGH == 0 && sum.bits < HOPE) break;
    }
    return sum;
}

static int by_number(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

// Magnitudes: counters spread over many decades, and zero is one of them; what is one unit of a
// fraction, its middle value tells.
static double magnitude(double value, double unit)
{
    return value < 0 ? -log1p(-value / unit) : log1p(value / unit);
}

static double unit_of(const pl_drift_column *column, double factor)
{
    if (!column->number_count || !column->values->fractions) return fabs(factor);
    double middle = fabs(column->numbers[column->number_count / 2]);
    return fabs(factor) * (middle > 0 ? PL_MIN(middle / 20, 1.0) : 1.0);
}

// Three quarters of the values are that near to the middle one, which is returned, too.
static double spread_of(double *values, uint32_t count, double *ret_middle)
{
    qsort(values, count, sizeof *values, by_number);
    double middle = values[count / 2];
    for (uint32_t i = 0; i < count; i++) values[i] = fabs(values[i] - middle);
    qsort(values, count, sizeof *values, by_number);
    *ret_middle = middle;
    return values[PL_MIN(count * 3 / 4, count - 1)];
}

bool pl_drift_steady(const pl_drift_column *before, const pl_drift_column *after, double factor)
{
    uint32_t room = PL_MIN(before->count, after->count), count = 0;
    double unit = unit_of(before, factor);
    double *values = pl_alloc(sizeof *values * 2 * (room + 1)), *moves = values + room + 1;
    for (uint32_t i = 0, j = 0; i < before->count && j < after->count;) {
        const pl_pair *old = &before->pairs[i], *new = &after->pairs[j];
        if (old->entity == new->entity && is_number(&old->value) && is_number(&new->value)) {
            values[count] = magnitude(old->value.number * factor, unit);
            moves[count] = magnitude(new->value.number, unit) - values[count];
            count++;
        }
        uint64_t a = old->entity, b = new->entity;
        i += a <= b;
        j += b <= a;
    }
    bool steady = count > 0;
    if (steady) {
        double middle, move, spread = spread_of(values, count, &middle);
        double moved = spread_of(moves, count, &move);
        steady = moved <= STEADY * spread && fabs(move) <= PL_MIN(0.5 * spread, log(2));
    }
    free(values);
    return steady;
}

double pl_drift_tail(double n, double k, double p)
{
    double q = n > 0 ? k / n : p, distance = 0;
    if (q > 0) distance += q * log(q / p);
    if (q < 1) distance += (1 - q) * log((1 - q) / (1 - p));
    return exp(-n * distance);
}

static const double known_factors[] = {1e2, 1e3, 1e6, 1e9, 60, 3600, 86400};

// A change of unit moves every entity by the same factor and most of them exactly; a burst moves
// all, but each by its own. So the ratios must be tight, not only their middle near a factor.
static double judge_ratios(double *ratios, uint32_t count, double decades, uint64_t *ret_near)
{
    qsort(ratios, count, sizeof *ratios, by_number);
    double middle = ratios[count / 2];
    for (size_t k = 0; k < 2 * PL_COUNT(known_factors); k++) {
        double factor = known_factors[k / 2];
        double at = k % 2 ? -log10(factor) : log10(factor);
        if (fabs(middle - at) > decades) continue;
        uint32_t near =
            below(ratios, count, at + decades, true) - below(ratios, count, at - decades, false);
        uint32_t exact =
            below(ratios, count, at + 0.002, true) - below(ratios, count, at - 0.002, false);
        double spread = ratios[count * 3 / 4] - ratios[count / 4];
        *ret_near = near;
        if (near < 0.9 * count) return 1;
        if (exact < 0.3 * count && spread > 0.02) return 1;
        return k % 2 ? 1 / factor : factor;
    }
    return 1;
}

// The ratio of two numbers that are not instants; false: there is none that says anything.
static bool ratio_of(const pl_shape_scalar *old, const pl_shape_scalar *new, double *ret_ratio)
{
    if (old->class != PL_CLASS_NUMBER && old->class != PL_CLASS_PERCENT) return false;
    if (new->class != PL_CLASS_NUMBER &&new->class != PL_CLASS_PERCENT && !is_instant(new))
        return false;
    double x = old->number, y = new->number;
    // Small integers divided and cut say little about the factor.
    bool cut = fabs(y) < 20 && y == floor(y) && fabs(y) < fabs(x);
    if (!(x * y > 0) || cut) return false;
    *ret_ratio = log10(y / x);
    return true;
}

double pl_drift_factor(const pl_drift_column *before, const pl_drift_column *after,
                       const pl_drift_options *options, uint64_t *ret_shared, uint64_t *ret_near)
{
    *ret_shared = *ret_near = 0;
    double *ratios = pl_alloc(sizeof *ratios * (PL_MIN(before->count, after->count) + 1));
    double factor = 1, sample[ENOUGH];
    uint32_t count = 0;
    bool hopeless = false;
    for (uint32_t i = 0, j = 0; i < before->count && j < after->count && !hopeless;) {
        const pl_pair *old = &before->pairs[i], *new = &after->pairs[j];
        if (old->entity == new->entity && ratio_of(&old->value, &new->value, &ratios[count]) &&
            ++count == ENOUGH) {
            memcpy(sample, ratios, sizeof sample);
            hopeless = judge_ratios(sample, count, 1.5 * options->factor_decades, ret_near) == 1;
        }
        uint64_t a = old->entity, b = new->entity;
        i += a <= b;
        j += b <= a;
    }
    *ret_shared = count;
    if (count >= 3 && !hopeless)
        factor = judge_ratios(ratios, count, options->factor_decades, ret_near);
    free(ratios);
    return factor;
}

// ---- without entities --------------------------------------------------------------------------

// The largest distance between two distributions of numbers.
static double apart(const pl_drift_column *a, const pl_drift_column *b)
{
    double most = 0;
    for (uint32_t i = 0; i < a->number_count; i++) {
        double x = below(a->numbers, a->number_count, a->numbers[i], true);
        double y = below(b->numbers, b->number_count, a->numbers[i], true);
        most = PL_MAX(most, fabs(x / a->number_count - y / b->number_count));
    }
    return most;
}

double pl_drift_overlap(const pl_drift_column *a, const pl_drift_column *b)
{
    double common = 0;
    for (uint32_t i = 0; i < a->count;) {
        uint32_t x = times(a, a->hashes[i]), y = times(b, a->hashes[i]);
        common += PL_MIN(x / (double)a->count, y / (double)b->count);
        i += x;
    }
    return common;
}

double pl_drift_likeness(const pl_drift_column *before, const pl_drift_column *after)
{
    if (!before->count || !after->count) return 0;
    if (before->number_count == before->count && after->number_count == after->count) {
        // Two samples of one distribution are that far apart on average (Kolmogorov).
        double chance = 0.87 * sqrt(1.0 / before->count + 1.0 / after->count);
        double distance = PL_MAX(apart(before, after), apart(after, before)) - chance;
        return 1 - PL_MAX(distance, 0);
    }
    if (before->number_count || after->number_count) return 0;
    return pl_drift_overlap(before, after);
}

// Pairs of neighbouring letters in common (Dice), case and separators aside: the names of one
// thing share their words, in whatever order.
double pl_drift_name_likeness(pl_span a, pl_span b)
{
    char text[2][64];
    size_t bytes[2] = {0, 0};
    pl_span names[2] = {a, b};
    for (int side = 0; side < 2; side++)
        for (size_t i = 0; i < names[side].bytes && bytes[side] < sizeof text[0]; i++) {
            char c = names[side].data[i];
            if (c >= 'A' && c <= 'Z') c = (char)(c - 'A' + 'a');
            if (c != '_' && c != '-' && c != '.' && c != ' ') text[side][bytes[side]++] = c;
        }
    if (bytes[0] < 2 || bytes[1] < 2)
        return bytes[0] == bytes[1] && memcmp(text[0], text[1], bytes[0]) == 0;
    bool used[64] = {false};
    double common = 0;
    for (size_t i = 0; i + 1 < bytes[0]; i++)
        for (size_t j = 0; j + 1 < bytes[1]; j++)
            if (!used[j] && memcmp(text[0] + i, text[1] + j, 2) == 0) {
                used[j] = true;
                common++;
                break;
            }
    return 2 * common / (double)(bytes[0] + bytes[1] - 2);
}

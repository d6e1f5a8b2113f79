// SPDX-License-Identifier: Apache-2.0
//
// Who continues whom? Every path that is gone is compared with every path that came (compare.c),
// also with its values scaled by a known factor or inverted. Pairs with enough bits are candidates;
// they are settled over all of them at once, best first, and only where each is the other's best by
// a margin: two that say the same leave the question open. Where values cannot tell, the name and
// the kind may: a key that kept its name under another parent is preferred to one that did not.
//
// What stayed is a witness, too. If the new path has, in each record, the value of a sibling that
// the old path did not have (or the other way round), it is that sibling's copy and no rename.
//
// A path may be gone in part: servers answer one after the other. Then each record has one of the
// two, as many as had the old one, and who has a value at either is no witness against the other.
//
// A proven leaf votes for its parents: an object of which a leaf is proven and most keys agree has
// moved as a whole, with what it holds.
#include <math.h>
#include <stdlib.h>

#include "shape/drift_int.h"

#define TIE_BONUS    1.3  // more than the margin of 0.2 leaves undecided: 1 - 1 / 1.3 = 0.23
#define TAIL_MAX     4    // keys in common from the leaf up that count
#define ENTITIES_MIN 2    // one alone may reply to itself
#define PART_CHANCE  1e-3 // that so few have the old path, or so few one of the two, by accident
#define MEDIUM_LIKE  0.92
#define MEDIUM_NAME  0.75
#define MEDIUM_MIN   200u // values on either side

typedef struct candidate {
    uint32_t before, after;
    pl_evidence evidence;
    double bits, score; // score: bits, with what decides between equals
    bool vetoed;
} candidate;

typedef struct contest {
    pl_drift_work *work;
    uint32_t *gone, *come;
    uint32_t gone_count, come_count;
    candidate *items; // owned
    uint32_t count, capacity;
    double *hint_bits; // owned; of work->hints
} contest;

static pl_shape_kind kind_of(const pl_shape *shape, uint32_t path)
{
    const uint64_t *kinds = shape->paths[path].kinds;
    pl_shape_kind most = PL_SHAPE_BOOL;
    for (int k = PL_SHAPE_BOOL; k < PL_SHAPE_KINDS; k++)
        if (kinds[k] > kinds[most]) most = (pl_shape_kind)k;
    return most == PL_SHAPE_FLOAT ? PL_SHAPE_INT : most;
}

static bool same_key(const pl_shape *old, uint32_t a, const pl_shape *new, uint32_t b)
{
    const pl_shape_path *x = &old->paths[a], *y = &new->paths[b];
    return x->step == y->step && pl_span_equal(x->key, y->key);
}

static uint32_t common_tail(const pl_shape *old, uint32_t a, const pl_shape *new, uint32_t b)
{
    uint32_t keys = 0;
    while (a != PL_SHAPE_ROOT && b != PL_SHAPE_ROOT && keys < TAIL_MAX &&
           same_key(old, a, new, b)) {
        keys++;
        a = old->paths[a].parent;
        b = new->paths[b].parent;
    }
    return keys;
}

// Of constants all but 2 % must continue. Numbers that move do it a little, or most stay and
// hardly one falls.
static bool continues(const pl_evidence *evidence, const pl_drift_options *options)
{
    if (evidence->shared < ENTITIES_MIN) return false;
    double shared = (double)evidence->shared, others = shared - (double)evidence->agreed;
    bool grows = (double)evidence->equal >= 0.6 * shared &&
                 (double)evidence->rising >= options->agreement_min * shared;
    if (evidence->numeric && (evidence->steady || grows)) return true;
    double allowed = (1 - options->agreement_min) * shared;
    if (evidence->shared >= 10) allowed = PL_MAX(allowed, 1.0);
    return (evidence->numeric ? shared - (double)evidence->equal : others) <= allowed;
}

// Whether classes can be the same thing at all, before any value is compared.
static bool comparable(const pl_drift_column *a, const pl_drift_column *b)
{
    bool numbers_a = a->number_count * 2 > a->count, numbers_b = b->number_count * 2 > b->count;
    return a->count && b->count && numbers_a == numbers_b;
}

static bool both_truths(const pl_drift_column *column)
{
    return column->number_count == column->count && column->numbers[0] == 0 &&
           column->numbers[column->count - 1] == 1 && column->pairs[0].value.class == PL_CLASS_BOOL;
}

static pl_evidence best_reading(const contest *all, const pl_drift_column *old,
                                const pl_drift_column *new)
{
    pl_evidence plain = pl_drift_compare(old, new, 1, false, true);
    if (continues(&plain, all->work->options) || plain.shared < 3) return plain;
    if (both_truths(old) && both_truths(new)) {
        pl_evidence inverted = pl_drift_compare(old, new, 1, true, true);
        return inverted.bits > plain.bits ? inverted : plain;
    }
    uint64_t shared, near;
    double factor = pl_drift_factor(old, new, all->work->options, &shared, &near);
    if (factor == 1 || shared < all->work->options->rescaled_min) return plain;
    pl_evidence scaled = pl_drift_compare(old, new, factor, false, true);
    return scaled.bits > plain.bits ? scaled : plain;
}

static double share_before(const pl_drift_work *work, uint32_t b)
{
    const pl_shape *old = work->before.shape;
    return (double)pl_drift_seen(work, old, b) / ((double)pl_shape_chances(old, b) + 1);
}

// Whether fewer records have a path that stayed.
static bool gone_in_part(const pl_drift_work *work, uint32_t b)
{
    uint32_t q = work->before.same[b];
    if (q == PL_SHAPE_NONE || work->before.moved[b] || pl_drift_arrays(work->before.shape, b))
        return false;
    double rows = (double)pl_shape_chances(work->after.shape, q), share = share_before(work, b);
    double seen = (double)pl_drift_seen(work, work->after.shape, q);
    return rows > 0 && seen < share * rows && pl_drift_tail(rows, seen, share) < PART_CHANCE;
}

// Whether each record has one of the two: a path that stayed in part, and one that came.
static bool in_turn(const pl_drift_work *work, uint32_t b, uint32_t a)
{
    const pl_drift_column *columns = work->after.columns;
    uint32_t q = work->before.same[b], both = 0;
    double rows = (double)pl_shape_chances(work->after.shape, q);
    double seen = (double)pl_drift_seen(work, work->after.shape, q) +
                  (double)pl_drift_seen(work, work->after.shape, a);
    if (work->witness[0] == PL_SHAPE_NONE || pl_drift_arrays(work->after.shape, a)) return false;
    if (seen > rows || pl_drift_tail(rows, seen, share_before(work, b)) < PART_CHANCE) return false;
    for (uint32_t i = 0, j = 0; i < columns[q].count && j < columns[a].count;) {
        uint64_t x = columns[q].pairs[i].entity, y = columns[a].pairs[j].entity;
        both += x == y;
        i += x <= y;
        j += y <= x;
    }
    // Who came twice may have come with either.
    return both <= rows - PL_MIN(rows, columns[work->witness[0]].count);
}

static void consider(contest *all, uint32_t b, uint32_t a)
{
    const pl_drift_work *work = all->work;
    const pl_drift_column *old = &work->before.columns[b], *new = &work->after.columns[a];
    if (!comparable(old, new)) return;
    bool gone = work->before.moved[b] || work->before.boxed[b];
    if (!gone && !in_turn(work, b, a)) return;
    candidate made = {.before = b, .after = a, .evidence = best_reading(all, old, new)};
    if (made.evidence.numeric && made.evidence.bits >= work->options->bits_min)
        made.evidence.steady = pl_drift_steady(old, new, made.evidence.factor);
    bool better = !work->hints[b] || made.evidence.bits > all->hint_bits[b];
    if (better && continues(&made.evidence, work->options)) {
        work->hints[b] = a;
        all->hint_bits[b] = made.evidence.bits;
    }
    // Of many that might agree by chance, one does more easily.
    made.bits = made.evidence.bits - log2(PL_MAX(all->gone_count, all->come_count));
    if (made.bits <= 0) return;
    const pl_shape *before = work->before.shape, *after = work->after.shape;
    made.score = made.bits * pow(TIE_BONUS, common_tail(before, b, after, a));
    if (kind_of(before, b) == kind_of(after, a)) made.score *= TIE_BONUS;
    if (all->count == all->capacity) {
        all->capacity = PL_MAX(all->capacity * 2, 64u);
        all->items = pl_realloc(all->items, sizeof *all->items * all->capacity);
    }
    all->items[all->count++] = made;
}

static int by_score(const void *a, const void *b)
{
    const candidate *x = a, *y = b;
    if (x->score != y->score) return (x->score < y->score) - (x->score > y->score);
    if (x->before != y->before) return (x->before > y->before) - (x->before < y->before);
    return (x->after > y->after) - (x->after < y->after);
}

// The other path had ended when this one began: it was the name before, and goes on in neither.
static bool is_older_name(const contest *all, const candidate *other, const candidate *own)
{
    const pl_shape_path *paths = all->work->before.shape->paths;
    int64_t ended_us = paths[other->before].last_us;
    return other->after == own->after && ended_us && ended_us < paths[own->before].first_us;
}

// The best other candidate for either path, among those not given away already.
static const candidate *rival_of(const contest *all, uint32_t at)
{
    const candidate *own = &all->items[at];
    for (uint32_t i = 0; i < all->count; i++) {
        const candidate *other = &all->items[i];
        if (i == at || (other->before != own->before && other->after != own->after)) continue;
        if (all->work->before.partner[other->before] != PL_SHAPE_NONE ||
            all->work->after.partner[other->after] != PL_SHAPE_NONE)
            continue;
        if (is_older_name(all, other, own)) continue;
        return other; // they are in order
    }
    return NULL;
}

// In how many records of one side two of its paths have the same value, and what that proves.
static void twins(const pl_drift_column *a, const pl_drift_column *b, double *ret_share,
                  double *ret_bits)
{
    pl_evidence evidence = pl_drift_compare(a, b, 1, false, false);
    *ret_share = evidence.shared ? (double)evidence.equal / (double)evidence.shared : 0;
    *ret_bits = evidence.shared ? evidence.bits : 0;
}

// A sibling that stayed, and is the twin of one of the two only: PL_SHAPE_NONE, there is none.
static uint32_t contradicting_sibling(const pl_drift_work *work, const candidate *found)
{
    const pl_drift_column *old = work->before.columns, *new = work->after.columns;
    if (found->evidence.factor != 1 || found->evidence.inverted) return PL_SHAPE_NONE;
    for (uint32_t p = 0; p < work->before.shape->count; p++) {
        uint32_t q = work->before.same[p];
        if (q == PL_SHAPE_NONE || !old[p].count || !new[q].count || work->before.moved[p]) continue;
        if (p == found->before) continue; // gone in part
        if (!comparable(&old[p], &old[found->before])) continue;
        double was, is, was_bits, is_bits;
        twins(&old[found->before], &old[p], &was, &was_bits);
        twins(&new[found->after], &new[q], &is, &is_bits);
        bool left = was >= 0.95 && is < 0.5 && was_bits > work->options->bits_min;
        bool joined = is >= 0.95 && was < 0.5 && is_bits > work->options->bits_min;
        if (left || joined) return q;
    }
    return PL_SHAPE_NONE;
}

static bool has_entity(const pl_drift_column *column, const pl_pair *pair)
{
    return column->count && bsearch(pair, column->pairs, column->count, sizeof *column->pairs,
                                    pl_drift_by_entity) != NULL;
}

static void count_missing(const pl_drift_work *work, candidate *found)
{
    const pl_drift_column *old = &work->before.columns[found->before];
    const pl_drift_column *new = &work->after.columns[found->after];
    uint32_t depth = pl_drift_arrays(work->before.shape, found->before);
    uint32_t witness = work->witness[PL_MIN(depth, PL_DRIFT_DEPTHS - 1)];
    if (witness == PL_SHAPE_NONE) return;
    const pl_drift_column *present = &work->after.columns[witness];
    uint32_t q = work->before.same[found->before];
    const pl_drift_column *stayed = q == PL_SHAPE_NONE ? NULL : &work->after.columns[q];
    for (uint32_t i = 0, j = 0; i < old->count; i++) {
        uint64_t entity = old->pairs[i].entity;
        while (j < new->count &&new->pairs[j].entity < entity) j++;
        if (j < new->count &&new->pairs[j].entity == entity) continue;
        if (stayed && has_entity(stayed, &old->pairs[i])) continue;
        // Is the entity there at all? The path with most values tells.
        found->evidence.missing += has_entity(present, &old->pairs[i]);
    }
}

static void accept(contest *all, candidate *found, const candidate *rival)
{
    pl_drift_work *work = all->work;
    bool inverted = found->evidence.inverted;
    pl_finding *finding = pl_drift_add(work, inverted ? PL_DRIFT_MEANING : PL_DRIFT_RENAMED,
                                       PL_DRIFT_STRONG, found->before, found->after);
    finding->bits = found->bits;
    finding->shared = found->evidence.shared;
    finding->agreed = found->evidence.agreed;
    finding->missing = found->evidence.missing;
    finding->factor = found->evidence.factor;
    finding->inverted = inverted;
    finding->retype = pl_drift_retype(work, found->before, found->after);
    finding->rising = found->evidence.numeric &&
                      (double)found->evidence.rising >= 0.98 * (double)found->evidence.shared;
    finding->confidence =
        (double)finding->agreed / (double)finding->shared * (1 - exp2(-found->bits));
    if (rival && rival->bits >= work->options->bits_min) {
        finding->rival_before = rival->before != found->before;
        finding->rival = finding->rival_before ? rival->before : rival->after;
        finding->rival_bits = rival->bits;
    }
    work->before.partner[found->before] = found->after;
    work->after.partner[found->after] = found->before;
}

static void settle(contest *all)
{
    pl_drift_work *work = all->work;
    const pl_drift_options *options = work->options;
    if (all->count) qsort(all->items, all->count, sizeof *all->items, by_score);
    // Once around is not enough: who is settled is nobody's rival any more.
    for (bool more = true; more;) {
        more = false;
        for (uint32_t i = 0; i < all->count; i++) {
            candidate *found = &all->items[i];
            if (work->before.partner[found->before] != PL_SHAPE_NONE ||
                work->after.partner[found->after] != PL_SHAPE_NONE)
                continue;
            if (found->bits < options->bits_min || !continues(&found->evidence, options)) continue;
            const candidate *rival = rival_of(all, i);
            pl_drift_doubt *doubt = &work->doubts[found->before];
            if (rival && rival->score > found->score * (1 - options->margin)) {
                *doubt = PL_DOUBT_TIE;
                continue;
            }
            if (found->vetoed) continue;
            found->evidence.missing = 0;
            count_missing(work, found);
            bool missing = found->evidence.missing > found->evidence.shared;
            found->vetoed = missing || contradicting_sibling(work, found) != PL_SHAPE_NONE;
            *doubt = missing ? PL_DOUBT_MISSING : PL_DOUBT_SIBLING;
            if (found->vetoed) continue;
            accept(all, found, rival);
            more = true;
        }
    }
}

// ---- whole objects -----------------------------------------------------------------------------

// The path in `to` that is to `to_root` what `path` is to `from_root`.
static uint32_t relative(const pl_shape *from, uint32_t from_root, uint32_t path,
                         const pl_shape *to, uint32_t to_root)
{
    if (path == from_root) return to_root;
    uint32_t parent = relative(from, from_root, from->paths[path].parent, to, to_root);
    if (parent == PL_SHAPE_NONE) return PL_SHAPE_NONE;
    return pl_shape_find(to, parent, from->paths[path].key, from->paths[path].step);
}

static bool within(const pl_shape *shape, uint32_t path, uint32_t root)
{
    while (path > root) path = shape->paths[path].parent;
    return path == root;
}

// Most of what either holds is in the other, and what is proven of it went there.
static bool moved_whole(const pl_drift_work *work, uint32_t b, uint32_t a)
{
    const pl_shape *old = work->before.shape, *new = work->after.shape;
    uint32_t held[2] = {0, 0}, common = 0, there = 0, elsewhere = 0;
    for (uint32_t p = b + 1; p < old->count; p++) {
        if (!within(old, p, b)) continue;
        uint32_t q = relative(old, b, p, new, a);
        held[0]++;
        common += q != PL_SHAPE_NONE;
        if (work->before.partner[p] == PL_SHAPE_NONE) continue;
        if (work->before.partner[p] == q)
            there++;
        else
            elsewhere++;
    }
    for (uint32_t q = a + 1; q < new->count; q++) held[1] += within(new, q, a);
    return there && there >= 4 * elsewhere && common >= 0.5 * held[0] && common >= 0.3 * held[1];
}

static pl_finding *finding_of(const pl_drift_work *work, uint32_t before)
{
    for (uint32_t i = 0; i < work->count; i++)
        if (work->findings[i].before == before && work->findings[i].after != PL_SHAPE_NONE)
            return &work->findings[i];
    return NULL;
}

static void move(pl_drift_work *work, uint32_t b, uint32_t a)
{
    const pl_shape *old = work->before.shape, *new = work->after.shape;
    pl_finding top = {.confidence = 0};
    uint32_t beneath = 0;
    for (uint32_t p = b + 1; p < old->count; p++) {
        if (!within(old, p, b)) continue;
        uint32_t q = relative(old, b, p, new, a);
        if (q == PL_SHAPE_NONE) continue;
        pl_finding *leaf = NULL;
        if (work->before.partner[p] == q) {
            leaf = finding_of(work, p);
            if (leaf->class == PL_DRIFT_RENAMED && leaf->bits > top.bits) top = *leaf;
            if (leaf->class != PL_DRIFT_RENAMED || leaf->factor != 1 ||
                leaf->retype != PL_DRIFT_CERTAIN)
                continue; // more than a move: says so itself
        } else if (work->before.partner[p] != PL_SHAPE_NONE ||
                   work->after.partner[q] != PL_SHAPE_NONE) {
            continue;
        } else {
            leaf = pl_drift_add(work, PL_DRIFT_RENAMED, PL_DRIFT_STRONG, p, q);
            leaf->retype = pl_drift_retype(work, p, q);
            leaf->confidence = -1; // that of the object, below
            work->before.partner[p] = q;
            work->after.partner[q] = p;
        }
        leaf->root = false;
        beneath++;
    }
    for (uint32_t i = 0; i < work->count; i++)
        if (work->findings[i].confidence < 0) work->findings[i].confidence = top.confidence;
    pl_finding *finding = pl_drift_add(work, PL_DRIFT_RENAMED, PL_DRIFT_STRONG, b, a);
    finding->bits = top.bits;
    finding->shared = top.shared;
    finding->agreed = top.agreed;
    finding->confidence = top.confidence;
    finding->rival = PL_SHAPE_NONE;
    finding->beneath = beneath;
    work->before.partner[b] = a;
    work->after.partner[a] = b;
}

// Of each proven leaf the highest pair of parents that moved as a whole.
static void find_moves(pl_drift_work *work)
{
    const pl_shape *old = work->before.shape, *new = work->after.shape;
    for (uint32_t leaf = 1; leaf < old->count; leaf++) {
        uint32_t b = leaf, a = work->before.partner[leaf], best_b = PL_SHAPE_NONE, best_a = 0;
        if (a == PL_SHAPE_NONE) continue;
        while (same_key(old, b, new, a)) {
            b = old->paths[b].parent;
            a = new->paths[a].parent;
            if (b == PL_SHAPE_ROOT || a == PL_SHAPE_ROOT || b == PL_SHAPE_NONE ||
                !work->before.moved[b] || !work->after.moved[a] ||
                work->before.partner[b] != PL_SHAPE_NONE || work->after.partner[a] != PL_SHAPE_NONE)
                break;
            if (moved_whole(work, b, a)) best_b = b, best_a = a;
        }
        if (best_b != PL_SHAPE_NONE) move(work, best_b, best_a);
    }
}

// ---- no entity in common -----------------------------------------------------------------------

static void consider_medium(contest *all)
{
    pl_drift_work *work = all->work;
    all->count = 0;
    for (uint32_t i = 0; i < all->gone_count; i++)
        for (uint32_t j = 0; j < all->come_count; j++) {
            uint32_t b = all->gone[i], a = all->come[j];
            const pl_drift_column *old = &work->before.columns[b], *new = &work->after.columns[a];
            if (work->before.partner[b] != PL_SHAPE_NONE ||
                work->after.partner[a] != PL_SHAPE_NONE ||
                PL_MIN(old->count, new->count) < MEDIUM_MIN || !comparable(old, new) ||
                old->pairs[0].value.class != new->pairs[0].value.class ||
                pl_drift_compare(old, new, 1, false, true).shared)
                continue;
            double name = pl_drift_name_likeness(work->before.shape->paths[b].key,
                                                 work->after.shape->paths[a].key);
            if (name < MEDIUM_NAME) continue;
            double like = pl_drift_likeness(old, new);
            if (like < MEDIUM_LIKE) continue;
            if (all->count == all->capacity) {
                all->capacity = PL_MAX(all->capacity * 2, 64u);
                all->items = pl_realloc(all->items, sizeof *all->items * all->capacity);
            }
            all->items[all->count++] =
                (candidate){.before = b, .after = a, .bits = like, .score = name * like};
        }
    if (all->count) qsort(all->items, all->count, sizeof *all->items, by_score);
    for (uint32_t i = 0; i < all->count; i++) {
        const candidate *found = &all->items[i], *rival = rival_of(all, i);
        if (work->before.partner[found->before] != PL_SHAPE_NONE ||
            work->after.partner[found->after] != PL_SHAPE_NONE ||
            (rival && rival->score > found->score * 0.95))
            continue;
        pl_finding *finding =
            pl_drift_add(work, PL_DRIFT_RENAMED, PL_DRIFT_MEDIUM, found->before, found->after);
        finding->confidence = found->score * 0.7;
        finding->likeness = found->bits;
        finding->retype = pl_drift_retype(work, found->before, found->after);
        work->before.partner[found->before] = found->after;
        work->after.partner[found->after] = found->before;
    }
}

// Paths with values that are gone, if only in part, or that came.
static uint32_t *leaves(const pl_drift_work *work, const pl_drift_side *side, uint32_t *ret_count)
{
    bool gone = side == &work->before;
    uint32_t *paths = pl_alloc(sizeof *paths * (side->shape->count + 1));
    *ret_count = 0;
    for (uint32_t p = 1; p < side->shape->count; p++) {
        if (!side->columns[p].count) continue;
        bool asked = side->boxed[p] || (side->moved[p] && (side->asked[p] || !gone));
        if (asked || (gone && gone_in_part(work, p))) paths[(*ret_count)++] = p;
    }
    return paths;
}

void pl_drift_renames(pl_drift_work *work)
{
    contest all = {.work = work};
    all.hint_bits = pl_alloc(sizeof *all.hint_bits * work->before.shape->count);
    all.gone = leaves(work, &work->before, &all.gone_count);
    all.come = leaves(work, &work->after, &all.come_count);
    for (uint32_t i = 0; i < all.gone_count; i++)
        for (uint32_t j = 0; j < all.come_count; j++) consider(&all, all.gone[i], all.come[j]);
    settle(&all);
    find_moves(work);
    consider_medium(&all);
    free(all.gone);
    free(all.come);
    free(all.items);
    free(all.hint_bits);
}

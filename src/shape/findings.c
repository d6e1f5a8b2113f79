// SPDX-License-Identifier: Apache-2.0
#include "shape/findings.h"

#include <math.h>
#include <stdlib.h>

#include "shape/drift_int.h"

// Set before any recorded API was scored, and not moved by it: chances are those of one accident
// in the life of a source, shares those of drift's definition.
pl_drift_options pl_drift_defaults(void)
{
    return (pl_drift_options){
        .removed_chance = 1e-9,
        .added_min = 20,
        .retyped_share = 0.01,
        .retyped_min = 20,
        .bits_min = 10, // one in a thousand, beyond the bits that many candidates cost
        .margin = 0.2,
        .agreement_min = 0.98,
        .overlap_max = 0.01,
        .factor_decades = 0.06, // 15 %: 100 is not confused with 60 nor with 200
        .map_keys = 50,
        .rescaled_min = 20,
        .nulls = false,
    };
}

pl_drift_options pl_drift_as_given(void)
{
    pl_drift_options options = pl_drift_defaults();
    options.removed_chance = 1;
    options.added_min = 1;
    options.retyped_share = 0;
    options.retyped_min = 1;
    options.overlap_max = 0;
    options.rescaled_min = 5;
    options.nulls = true;
    return options;
}

const char *pl_drift_class_name(pl_drift_class class)
{
    static const char *const names[] = {"added",   "removed", "widened", "retyped", "rescaled",
                                        "renamed", "meaning", "map",     "conflict"};
    return names[class];
}

const char *pl_drift_strength_name(pl_drift_strength strength)
{
    static const char *const names[] = {"certain", "lossless", "lossy", "strong", "medium"};
    return names[strength];
}

pl_finding *pl_drift_add(pl_drift_work *work, pl_drift_class class, pl_drift_strength strength,
                         uint32_t before, uint32_t after)
{
    if (work->count == work->capacity) {
        uint32_t capacity = PL_MAX(work->capacity * 2, 64u);
        pl_finding *findings = PL_TAKE(work->arena, pl_finding, capacity);
        if (work->count) memcpy(findings, work->findings, sizeof *findings * work->count);
        work->findings = findings;
        work->capacity = capacity;
    }
    pl_finding *finding = &work->findings[work->count++];
    *finding = (pl_finding){
        .class = class,
        .strength = strength,
        .before = before,
        .after = after,
        .root = true,
        .factor = 1,
        .rival = PL_SHAPE_NONE,
    };
    return finding;
}

uint64_t pl_drift_seen(const pl_drift_work *work, const pl_shape *shape, uint32_t path)
{
    const pl_shape_path *at = &shape->paths[path];
    return pl_shape_seen(at) - (work->options->nulls ? 0 : at->kinds[PL_SHAPE_NULL]);
}

static double presence(const pl_drift_work *work, const pl_shape *shape, uint32_t path)
{
    uint64_t chances = pl_shape_chances(shape, path);
    return chances ? (double)pl_drift_seen(work, shape, path) / (double)chances : 0;
}

// Whether it is of the documents around the records.
static bool is_around(const pl_shape *shape, uint32_t path)
{
    while (path != PL_SHAPE_ROOT && shape->paths[path].step != PL_SHAPE_AROUND)
        path = shape->paths[path].parent;
    return path != PL_SHAPE_ROOT;
}

static void prepare(pl_drift_work *work, pl_drift_side *side, const pl_shape *shape,
                    const pl_shape *other)
{
    side->shape = shape;
    side->columns = PL_TAKE(work->arena, pl_drift_column, shape->count);
    side->same = PL_TAKE(work->arena, uint32_t, shape->count);
    side->partner = PL_TAKE(work->arena, uint32_t, shape->count);
    side->there = PL_TAKE(work->arena, bool, shape->count);
    side->moved = PL_TAKE(work->arena, bool, shape->count);
    side->judged = PL_TAKE(work->arena, bool, shape->count);
    side->asked = PL_TAKE(work->arena, bool, shape->count);
    side->boxed = PL_TAKE(work->arena, bool, shape->count);
    side->covered = PL_TAKE(work->arena, bool, shape->count);
    for (uint32_t p = 0; p < shape->count; p++) {
        const pl_shape_path *path = &shape->paths[p];
        side->partner[p] = PL_SHAPE_NONE;
        // Documents that nobody looked at have not come or gone.
        bool unknown = other->around == PL_SHAPE_NONE && is_around(shape, p);
        side->there[p] = pl_drift_seen(work, shape, p) > 0 && !unknown;
        uint32_t parent = p ? side->same[path->parent] : PL_SHAPE_NONE;
        if (p == 0)
            side->same[p] = PL_SHAPE_ROOT;
        else if (parent == PL_SHAPE_NONE)
            side->same[p] = PL_SHAPE_NONE;
        else
            side->same[p] = pl_shape_find(other, parent, path->key, path->step);
    }
}

static uint64_t scalars(const pl_shape *shape, uint32_t path)
{
    const uint64_t *kinds = shape->paths[path].kinds;
    return kinds[PL_SHAPE_BOOL] + kinds[PL_SHAPE_INT] + kinds[PL_SHAPE_FLOAT] +
           kinds[PL_SHAPE_STRING];
}

// Chances of the other side to have the path: values of the parent there, also those that are no
// objects any more, but no nulls.
static double chances_elsewhere(const pl_drift_side *side, uint32_t path, const pl_shape *other)
{
    uint32_t parent = side->same[side->shape->paths[path].parent];
    if (parent == PL_SHAPE_NONE) return 0;
    const pl_shape_path *there = &other->paths[parent];
    return (double)(pl_shape_seen(there) - there->kinds[PL_SHAPE_NULL]);
}

#define ASKED_CHANCE 0.05 // of absence by accident: who continues it has bits of its own

static void find_moved(pl_drift_work *work, pl_drift_side *side, const pl_drift_side *other,
                       bool gone)
{
    const pl_drift_options *options = work->options;
    for (uint32_t p = 1; p < side->shape->count; p++) {
        if (!side->there[p]) continue;
        uint32_t q = side->same[p], parent = side->shape->paths[p].parent;
        bool absent = q == PL_SHAPE_NONE || !other->there[q];
        double own = presence(work, side->shape, p);
        if (!absent &&
            presence(work, other->shape, q) <= options->overlap_max * PL_MIN(own * 2, 1.0))
            absent = true;
        side->boxed[p] = !absent && scalars(side->shape, p) && !scalars(other->shape, q);
        if (!absent) continue;
        side->moved[p] = true;
        double chances = chances_elsewhere(side, p, other->shape);
        double seen = (double)pl_drift_seen(work, side->shape, p);
        if (!gone) {
            side->judged[p] = seen >= (double)options->added_min;
        } else if (side->moved[parent]) {
            side->judged[p] = side->judged[parent];
            side->asked[p] = side->asked[parent];
        } else if (side->shape->paths[p].step == PL_SHAPE_ITEMS) {
            side->judged[p] = options->removed_chance >= 1; // empty arrays are no drift
            side->asked[p] = side->judged[p];
        } else {
            // One more record than was seen might have been without it.
            double all = (double)pl_shape_chances(side->shape, p) + 1;
            double chance = pow(1 - PL_MIN(seen / all, 1.0), chances);
            side->judged[p] = chance <= options->removed_chance;
            side->asked[p] = chance <= PL_MAX(options->removed_chance, ASKED_CHANCE);
        }
    }
}

static uint32_t count_beneath(const pl_drift_side *side, uint32_t root)
{
    uint32_t count = 0;
    bool *within = pl_alloc(side->shape->count);
    memset(within, 0, side->shape->count);
    within[root] = true;
    for (uint32_t p = root + 1; p < side->shape->count; p++) {
        within[p] = within[side->shape->paths[p].parent];
        count += within[p] && side->there[p] && side->partner[p] == PL_SHAPE_NONE;
    }
    free(within);
    return count;
}

// Whatever scalars were beneath have all been renamed: nothing of its own went or came.
static bool emptied(const pl_drift_side *side, uint32_t root)
{
    uint32_t renamed = 0;
    bool *within = pl_alloc(side->shape->count), other = false;
    memset(within, 0, side->shape->count);
    within[root] = true;
    for (uint32_t p = root + 1; p < side->shape->count; p++) {
        within[p] = within[side->shape->paths[p].parent];
        if (!within[p]) continue;
        const uint64_t *kinds = side->shape->paths[p].kinds;
        bool container = kinds[PL_SHAPE_OBJECT] || kinds[PL_SHAPE_ARRAY];
        if (side->partner[p] != PL_SHAPE_NONE)
            renamed++;
        else
            other |= !container;
    }
    free(within);
    return renamed && !other;
}

// Who has the values of what is gone, though that proves no rename.
static void add_hint(pl_drift_work *work, pl_finding *finding)
{
    uint32_t hint = work->hints[finding->before];
    if (!hint || work->after.partner[hint] != PL_SHAPE_NONE) return;
    pl_evidence evidence = pl_drift_compare(&work->before.columns[finding->before],
                                            &work->after.columns[hint], 1, false, false);
    finding->rival = hint;
    finding->rival_bits = PL_MAX(evidence.bits, 0);
    finding->shared = evidence.shared;
    finding->agreed = evidence.agreed;
}

static void add_moved(pl_drift_work *work, pl_drift_side *side, bool gone)
{
    for (uint32_t p = 1; p < side->shape->count; p++) {
        if (!side->moved[p] || !side->judged[p] || side->partner[p] != PL_SHAPE_NONE) continue;
        pl_finding *finding =
            pl_drift_add(work, gone ? PL_DRIFT_REMOVED : PL_DRIFT_ADDED, PL_DRIFT_CERTAIN,
                         gone ? p : PL_SHAPE_NONE, gone ? PL_SHAPE_NONE : p);
        uint32_t parent = side->shape->paths[p].parent;
        bool part = side->moved[parent] && side->partner[parent] == PL_SHAPE_NONE;
        finding->root = !part && !side->covered[p] && !emptied(side, p);
        if (finding->root) finding->beneath = count_beneath(side, p);
        finding->confidence = 1;
        if (gone) add_hint(work, finding);
    }
}

// ---- maps --------------------------------------------------------------------------------------

static uint32_t keys_of(const pl_drift_side *side, uint32_t object, bool moved, bool *ret_one_kind)
{
    uint64_t kinds[PL_SHAPE_KINDS] = {0};
    uint32_t keys = 0;
    for (uint32_t p = object + 1; p < side->shape->count; p++) {
        const pl_shape_path *path = &side->shape->paths[p];
        if (path->parent != object || path->step != PL_SHAPE_KEY || !side->there[p]) continue;
        if (moved && !side->moved[p]) continue;
        keys++;
        int most = PL_SHAPE_NULL;
        for (int k = 0; k < PL_SHAPE_KINDS; k++)
            if (path->kinds[k] > path->kinds[most]) most = k;
        kinds[most == PL_SHAPE_FLOAT ? PL_SHAPE_INT : most]++;
    }
    *ret_one_kind = false;
    for (int k = 0; k < PL_SHAPE_KINDS; k++)
        *ret_one_kind |= keys && (double)kinds[k] >= 0.9 * (double)keys;
    return keys;
}

static void cover(pl_drift_side *side, uint32_t object)
{
    bool *within = pl_alloc(side->shape->count);
    memset(within, 0, side->shape->count);
    within[object] = true;
    for (uint32_t p = object + 1; p < side->shape->count; p++) {
        within[p] = within[side->shape->paths[p].parent];
        side->covered[p] |= within[p];
    }
    free(within);
}

static void find_maps(pl_drift_work *work)
{
    const pl_shape *new = work->after.shape;
    for (uint32_t a = 0; a < new->count; a++) {
        if (!new->paths[a].kinds[PL_SHAPE_OBJECT] || work->after.covered[a]) continue;
        bool one_kind, was_one_kind = false;
        uint32_t keys = keys_of(&work->after, a, true, &one_kind), b = work->after.same[a];
        bool overflow = new->paths[a].overflow > 0;
        uint32_t held = b == PL_SHAPE_NONE ? 0 : keys_of(&work->before, b, false, &was_one_kind);
        bool was_map = held > work->options->map_keys && was_one_kind;
        if (was_map) { // keys come and go as data do
            cover(&work->before, b);
            cover(&work->after, a);
            continue;
        }
        if ((keys <= work->options->map_keys || !one_kind) && !overflow) continue;
        pl_finding *finding = pl_drift_add(work, PL_DRIFT_MAP, PL_DRIFT_CERTAIN, b, a);
        finding->beneath = keys;
        finding->confidence = 0.9;
        cover(&work->after, a);
        if (b != PL_SHAPE_NONE) cover(&work->before, b);
    }
}

// ---- order -------------------------------------------------------------------------------------

// What may already have published something wrong stands first.
static int rank(const pl_finding *finding)
{
    switch (finding->class) {
    case PL_DRIFT_MEANING:
        return 0;
    case PL_DRIFT_RESCALED:
        return 1;
    case PL_DRIFT_RETYPED:
        return finding->strength == PL_DRIFT_LOSSY ? 2 : 5;
    case PL_DRIFT_REMOVED:
        return 3;
    case PL_DRIFT_RENAMED:
        return finding->strength == PL_DRIFT_MEDIUM ? 3 : 4;
    case PL_DRIFT_MAP:
        return 6;
    case PL_DRIFT_ADDED:
        return 7;
    case PL_DRIFT_WIDENED:
        return 8;
    case PL_DRIFT_CONFLICT:
    case PL_DRIFT_CLASSES: // no comparison of shapes gives one
        break;
    }
    return 9;
}

static int by_importance(const void *a, const void *b)
{
    const pl_finding *x = a, *y = b;
    if (x->root != y->root) return y->root - x->root;
    if (rank(x) != rank(y)) return rank(x) - rank(y);
    if (x->before != y->before) return x->before < y->before ? -1 : 1;
    return (x->after > y->after) - (x->after < y->after);
}

void pl_drift_findings(const pl_shape *before, const pl_shape *after,
                       const pl_drift_options *options, pl_arena *arena, pl_finding **ret_findings,
                       uint32_t *ret_count)
{
    pl_drift_work work = {.options = options, .arena = arena};
    prepare(&work, &work.before, before, after);
    prepare(&work, &work.after, after, before);
    find_moved(&work, &work.before, &work.after, true);
    find_moved(&work, &work.after, &work.before, false);
    work.hints = PL_TAKE(arena, uint32_t, before->count);
    work.doubts = PL_TAKE(arena, pl_drift_doubt, before->count);
    pl_drift_align(&work);
    find_maps(&work);
    pl_drift_renames(&work);
    pl_drift_changes(&work);
    add_moved(&work, &work.before, true);
    add_moved(&work, &work.after, false);
    if (work.count) qsort(work.findings, work.count, sizeof *work.findings, by_importance);
    for (uint32_t i = 0; i < work.count; i++) pl_drift_explain(&work, &work.findings[i]);
    *ret_findings = work.findings;
    *ret_count = work.count;
}

void pl_drift_changed(const pl_shape *before, const pl_shape *after, const bool *paths,
                      const pl_drift_options *options, pl_arena *arena, pl_finding **ret_findings,
                      uint32_t *ret_count)
{
    pl_drift_work work = {.options = options, .arena = arena};
    bool *wanted = PL_TAKE(arena, bool, before->count), some = false;
    prepare(&work, &work.before, before, after);
    prepare(&work, &work.after, after, before);
    for (uint32_t b = 0; b < before->count; b++) {
        uint32_t a = work.before.same[b];
        if (!paths[b] || a == PL_SHAPE_NONE) continue;
        wanted[b] = pl_drift_may_change(&before->paths[b], &after->paths[a], options);
        if (!wanted[b]) continue;
        work.before.columns[b] = pl_drift_as_is(before->paths[b].values, arena);
        work.after.columns[a] = pl_drift_as_is(after->paths[a].values, arena);
        some = true;
    }
    work.wanted = wanted;
    if (some) {
        find_moved(&work, &work.before, &work.after, true);
        find_moved(&work, &work.after, &work.before, false);
        pl_drift_changes(&work);
    }
    for (uint32_t i = 0; i < work.count; i++) pl_drift_explain(&work, &work.findings[i]);
    *ret_findings = work.findings;
    *ret_count = work.count;
}

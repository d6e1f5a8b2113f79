// SPDX-License-Identifier: Apache-2.0
//
// Findings in words. `why` says what changed and what proves it, `against` what speaks against it;
// both with the figures, so that a person can judge without asking further.
#include <math.h>
#include <stdio.h>

#include "shape/drift_int.h"

typedef struct text {
    const pl_drift_work *work;
    const pl_finding *finding;
    pl_buf out;
} text;

static void put_path(text *t, bool after, uint32_t path)
{
    pl_shape_path_write(&t->out, after ? t->work->after.shape : t->work->before.shape, path);
}

void pl_drift_count_write(pl_buf *out, uint64_t count)
{
    char digits[32];
    int bytes = snprintf(digits, sizeof digits, "%llu", (unsigned long long)count);
    for (int i = 0; i < bytes; i++) {
        if (i && (bytes - i) % 3 == 0) pl_buf_char(out, ',');
        pl_buf_char(out, digits[i]);
    }
}

static void put_count(text *t, uint64_t count)
{
    pl_drift_count_write(&t->out, count);
}

static void put_counted(text *t, uint64_t count, const char *one, const char *many)
{
    put_count(t, count);
    pl_buf_printf(&t->out, " %s", count == 1 ? one : many);
}

static void put_factor(text *t, double factor)
{
    if (factor >= 1)
        pl_buf_printf(&t->out, "%.15g times", factor);
    else
        pl_buf_printf(&t->out, "1/%.15g of", 1 / factor);
}

static const char *finish(text *t)
{
    const char *copy = pl_arena_cstr(t->work->arena, pl_buf_view(&t->out));
    pl_buf_done(&t->out);
    t->out = (pl_buf){0};
    return copy;
}

// "in 20 of 20 records", "in 3 of 40 objects of $.stats".
static void put_presence(text *t, bool after, uint32_t path)
{
    const pl_shape *shape = after ? t->work->after.shape : t->work->before.shape;
    uint32_t parent = shape->paths[path].parent;
    uint64_t seen = pl_drift_seen(t->work, shape, path);
    if (shape->paths[path].step == PL_SHAPE_ITEMS) {
        put_counted(t, seen, "element", "elements");
        return;
    }
    put_count(t, seen);
    pl_buf_text(&t->out, " of ");
    uint64_t chances = pl_shape_chances(shape, path);
    if (parent == PL_SHAPE_ROOT) {
        put_counted(t, chances, "record", "records");
    } else {
        put_counted(t, chances, "object", "objects");
        pl_buf_text(&t->out, " of ");
        put_path(t, after, parent);
    }
}

static void put_kinds(text *t, const pl_shape *shape, uint32_t path)
{
    static const char *const names[] = {"null", "truth value", "integer", "decimal",
                                        "text", "array",       "object"};
    bool first = true;
    for (int k = PL_SHAPE_BOOL; k < PL_SHAPE_KINDS; k++) {
        if (!shape->paths[path].kinds[k]) continue;
        pl_buf_printf(&t->out, "%s%s", first ? "" : " or ", names[k]);
        first = false;
    }
    if (first) pl_buf_text(&t->out, "null");
}

static pl_value_class main_class(const pl_shape *shape, uint32_t path)
{
    int most = PL_CLASS_TEXT;
    const pl_shape_values *values = shape->paths[path].values;
    for (int c = 0; values && c < PL_CLASSES; c++)
        if (values->classes[c] > values->classes[most]) most = c;
    return (pl_value_class)most;
}

static void put_change_of_kind(text *t)
{
    const pl_shape_path *old = &t->work->before.shape->paths[t->finding->before];
    const pl_shape_path *new = &t->work->after.shape->paths[t->finding->after];
    bool same = true;
    for (int k = PL_SHAPE_BOOL; k < PL_SHAPE_KINDS; k++) same &= !old->kinds[k] == !new->kinds[k];
    if (same) { // another format
        pl_value_class is = main_class(t->work->after.shape, t->finding->after);
        pl_buf_printf(&t->out, "text of class %s before, ",
                      pl_value_class_name(main_class(t->work->before.shape, t->finding->before)));
        pl_buf_printf(&t->out, "%s now", pl_value_class_name(is));
        return;
    }
    put_kinds(t, t->work->before.shape, t->finding->before);
    pl_buf_text(&t->out, " before, ");
    put_kinds(t, t->work->after.shape, t->finding->after);
    pl_buf_text(&t->out, " now");
}

static void say_beneath(text *t)
{
    if (!t->finding->beneath) return;
    pl_buf_text(&t->out, ", with ");
    put_counted(t, t->finding->beneath, "path", "paths");
    pl_buf_text(&t->out, " beneath");
}

static void say_added(text *t)
{
    put_path(t, true, t->finding->after);
    pl_buf_text(&t->out, " is new: ");
    put_presence(t, true, t->finding->after);
    uint64_t seen = pl_drift_seen(t->work, t->work->after.shape, t->finding->after);
    pl_buf_text(&t->out, seen == 1 ? " has it, " : " have it, ");
    put_kinds(t, t->work->after.shape, t->finding->after);
    say_beneath(t);
}

static void say_removed(text *t)
{
    const pl_drift_side *side = &t->work->before;
    uint32_t path = t->finding->before, parent = side->shape->paths[path].parent;
    put_path(t, false, path);
    pl_buf_text(&t->out, " is gone: ");
    put_presence(t, false, path);
    pl_buf_text(&t->out, " had it, ");
    uint32_t there = side->partner[parent];
    if (there == PL_SHAPE_NONE) there = side->same[parent];
    const pl_shape *now = t->work->after.shape;
    uint64_t chances = there == PL_SHAPE_NONE ? 0 : now->paths[there].kinds[PL_SHAPE_OBJECT];
    if (chances) {
        uint32_t here = pl_shape_find(now, there, side->shape->paths[path].key, PL_SHAPE_KEY);
        uint64_t still = here == PL_SHAPE_NONE ? 0 : pl_drift_seen(t->work, now, here);
        if (still)
            put_count(t, still);
        else
            pl_buf_text(&t->out, "none");
        pl_buf_text(&t->out, " of ");
        put_count(t, chances);
        pl_buf_text(&t->out, still == 1 ? " has it now" : " have it now");
    } else {
        pl_buf_text(&t->out, "what held it is not there now");
    }
    say_beneath(t);
}

static void say_entities(text *t, const char *verb)
{
    put_count(t, t->finding->agreed);
    pl_buf_text(&t->out, " of ");
    put_counted(t, t->finding->shared, "entity", "entities");
    pl_buf_printf(&t->out, " seen before and after %s", verb);
}

static void say_renamed(text *t)
{
    const pl_finding *f = t->finding;
    put_path(t, false, f->before);
    pl_buf_text(&t->out, f->strength == PL_DRIFT_MEDIUM ? " is gone and may be " : " is now ");
    put_path(t, true, f->after);
    if (f->strength == PL_DRIFT_MEDIUM) {
        pl_buf_printf(&t->out,
                      ": no entity was seen before and after, but the names are alike and "
                      "the values are distributed alike (%.2f of 1)",
                      f->likeness);
    } else if (!f->shared) {
        pl_buf_text(&t->out, ": it moved with the object it is in");
    } else {
        pl_buf_text(&t->out, ": ");
        if (f->beneath) {
            put_counted(t, f->beneath, "path", "paths");
            pl_buf_text(&t->out, " beneath moved with it; of the best proven ");
        }
        say_entities(t, f->factor != 1 ? "have " : f->rising ? "continue or grow" : "continue");
        if (f->factor != 1) {
            put_factor(t, f->factor);
            pl_buf_text(&t->out, " the old value");
        }
        pl_buf_printf(&t->out, ", %.0f bits of evidence", f->bits);
    }
    if (f->retype != PL_DRIFT_CERTAIN) {
        pl_buf_text(&t->out, "; also ");
        put_change_of_kind(t);
    }
}

static void say_retyped(text *t)
{
    const pl_finding *f = t->finding;
    put_path(t, true, f->after);
    pl_buf_text(&t->out, " has another type: ");
    put_change_of_kind(t);
    if (!f->shared) return;
    pl_buf_text(&t->out, f->strength == PL_DRIFT_LOSSLESS ? "; all " : "; ");
    if (f->strength == PL_DRIFT_LOSSLESS) {
        put_counted(t, f->shared, "new value reads", "new values read");
        pl_buf_text(&t->out, " as the old type without loss");
    } else {
        put_count(t, f->shared - f->agreed);
        pl_buf_text(&t->out, " of ");
        put_counted(t, f->shared, "new value", "new values");
        pl_buf_text(&t->out, f->shared - f->agreed == 1 ? " does not read as the old type"
                                                        : " do not read as the old type");
    }
}

static void say_rescaled(text *t)
{
    const pl_finding *f = t->finding;
    put_path(t, true, f->after);
    if (f->factor == 1) {
        pl_buf_text(&t->out, " is written another way, with or without a percent sign: ");
        say_entities(t, "keep their value");
        return;
    }
    pl_buf_text(&t->out, " has another scale: ");
    const pl_shape_values *values = t->work->after.shape->paths[f->after].values;
    bool epoch = values && values->classes[PL_CLASS_EPOCH_S] + values->classes[PL_CLASS_EPOCH_MS] +
                                   values->classes[PL_CLASS_EPOCH_US] >
                               values->count / 2;
    if (epoch) {
        pl_buf_text(&t->out, "its instants are counted in units of ");
        put_factor(t, 1 / f->factor);
        pl_buf_text(&t->out, " the old one, by the size of ");
        put_counted(t, f->shared, "value", "values");
    } else {
        say_entities(t, "have ");
        put_factor(t, f->factor);
        pl_buf_text(&t->out, " the old value");
    }
}

static void say_meaning(text *t)
{
    const pl_finding *f = t->finding;
    put_path(t, false, f->before);
    if (f->inverted) {
        if (f->after != t->work->before.same[f->before]) {
            pl_buf_text(&t->out, " is now ");
            put_path(t, true, f->after);
            pl_buf_text(&t->out, " and says the opposite: ");
        } else {
            pl_buf_text(&t->out, " says the opposite now: ");
        }
        say_entities(t, "are inverted");
        pl_buf_printf(&t->out, ", %.0f bits of evidence", f->bits);
    } else {
        pl_buf_text(&t->out, " has another set of values: none of the old ones is left");
        if (f->shared) {
            pl_buf_text(&t->out, "; ");
            say_entities(t, "have another one");
        }
    }
}

static void say_map(text *t)
{
    put_path(t, true, t->finding->after);
    pl_buf_text(&t->out, " has data for keys: ");
    put_counted(t, t->finding->beneath, "new key", "new keys");
    pl_buf_text(&t->out, " of one kind, which are better one column than so many");
}

static void say_unproven(text *t)
{
    static const char *const doubts[] = {
        [PL_DOUBT_BITS] = "too few to call it renamed",
        [PL_DOUBT_TIE] = "but another pair of paths has as good a claim",
        [PL_DOUBT_MISSING] = "but most entities that had the old path lack this one",
        [PL_DOUBT_SIBLING] = "but it goes with a path that stayed, as the old one did not",
    };
    const pl_finding *f = t->finding;
    put_path(t, true, f->rival);
    pl_buf_text(&t->out, " continues it for ");
    put_count(t, f->agreed);
    pl_buf_text(&t->out, " of ");
    put_counted(t, f->shared, "entity", "entities");
    pl_buf_text(&t->out, ", ");
    put_counted(t, (uint64_t)llround(f->rival_bits), "bit", "bits");
    pl_buf_printf(&t->out, ", %s", doubts[t->work->doubts[f->before]]);
}

// Records with the path that was renamed in part.
static uint64_t stayed(const text *t)
{
    const pl_drift_side *side = &t->work->before;
    uint32_t b = t->finding->before, q = side->same[b];
    if (q == PL_SHAPE_NONE || side->boxed[b]) return 0;
    return pl_drift_seen(t->work, t->work->after.shape, q);
}

static void say_against(text *t)
{
    const pl_finding *f = t->finding;
    if (f->class == PL_DRIFT_REMOVED && f->rival != PL_SHAPE_NONE) say_unproven(t);
    bool judged = f->class == PL_DRIFT_RENAMED || f->class == PL_DRIFT_MEANING ||
                  f->class == PL_DRIFT_RESCALED;
    if (!judged || f->strength == PL_DRIFT_MEDIUM) return;
    const char *separator = "";
    if (f->shared > f->agreed) {
        put_counted(t, f->shared - f->agreed, "entity does not", "entities do not");
        separator = "; ";
    }
    if (f->missing) {
        pl_buf_text(&t->out, separator);
        put_counted(t, f->missing, "entity", "entities");
        pl_buf_text(&t->out, " with a value at the old path now lack one at the new");
        separator = "; ";
    }
    if (f->class == PL_DRIFT_RENAMED && stayed(t)) {
        pl_buf_text(&t->out, separator);
        put_counted(t, stayed(t), "record has", "records have");
        pl_buf_text(&t->out, " the old path still");
        separator = "; ";
    }
    if (f->rival != PL_SHAPE_NONE) {
        pl_buf_text(&t->out, separator);
        pl_buf_text(&t->out, "next best is ");
        put_path(t, !f->rival_before, f->rival);
        pl_buf_printf(&t->out, " with %.0f bits", f->rival_bits);
        if (f->rival_bits > 0.8 * f->bits)
            pl_buf_text(&t->out, ", which kept less of the name or has another kind");
    }
}

static const char *samples(text *t, const pl_shape *shape, uint32_t path)
{
    if (path == PL_SHAPE_NONE || !shape->paths[path].values) return "";
    const pl_shape_values *values = shape->paths[path].values;
    for (uint32_t i = 0; i < values->sample_count; i++)
        pl_buf_printf(&t->out, "%s%s", i ? ", " : "", values->samples[i]);
    return finish(t);
}

// A path as a mapping writes it: without the "$." of the record.
static void put_extractor(text *t, bool after, uint32_t path)
{
    size_t at = t->out.count;
    put_path(t, after, path);
    if (t->out.count < at + 2 || t->out.data[at + 1] != '.') return;
    memmove(t->out.data + at, t->out.data + at + 2, t->out.count - at - 2);
    t->out.count -= 2;
}

static bool writable(const pl_shape *shape, uint32_t path)
{
    for (; path != PL_SHAPE_ROOT; path = shape->paths[path].parent)
        if (shape->paths[path].step == PL_SHAPE_ITEMS)
            return false; // which element, the mapping's `records` says
    return true;
}

static const char *parser(const pl_drift_work *work, const pl_finding *f)
{
    const pl_shape_values *values = work->after.shape->paths[f->after].values;
    if (!values || !values->count) return "";
    uint64_t most = values->count / 2;
    if (values->classes[PL_CLASS_PERCENT] > most) return " parse(percent)";
    if (values->classes[PL_CLASS_EPOCH_S] + values->classes[PL_CLASS_EPOCH_MS] +
                values->classes[PL_CLASS_EPOCH_US] >
            most &&
        f->factor != 1)
        return " parse(epoch)";
    return "";
}

static void propose(text *t)
{
    const pl_finding *f = t->finding;
    if (f->after == PL_SHAPE_NONE || !writable(t->work->after.shape, f->after)) return;
    const char *parse = parser(t->work, f);
    bool plain = f->factor == 1 && !f->inverted;
    if (f->class == PL_DRIFT_RENAMED && plain && writable(t->work->before.shape, f->before)) {
        put_extractor(t, true, f->after);
        pl_buf_printf(&t->out, "%s | ", parse);
        put_extractor(t, false, f->before);
    } else if ((f->class == PL_DRIFT_RESCALED || f->class == PL_DRIFT_RENAMED) && *parse) {
        put_extractor(t, true, f->after);
        pl_buf_text(&t->out, parse);
    } else if (f->class == PL_DRIFT_ADDED) {
        put_extractor(t, true, f->after);
    }
}

void pl_drift_explain(const pl_drift_work *work, pl_finding *finding)
{
    text t = {.work = work, .finding = finding};
    switch (finding->class) {
    case PL_DRIFT_ADDED:
        say_added(&t);
        break;
    case PL_DRIFT_REMOVED:
        say_removed(&t);
        break;
    case PL_DRIFT_WIDENED:
        put_path(&t, true, finding->after);
        pl_buf_text(&t.out, " has decimals now, integers before");
        break;
    case PL_DRIFT_RETYPED:
        say_retyped(&t);
        break;
    case PL_DRIFT_RESCALED:
        say_rescaled(&t);
        break;
    case PL_DRIFT_RENAMED:
        say_renamed(&t);
        break;
    case PL_DRIFT_MEANING:
        say_meaning(&t);
        break;
    case PL_DRIFT_MAP:
        say_map(&t);
        break;
    case PL_DRIFT_CONFLICT:
    case PL_DRIFT_CLASSES:
        break;
    }
    finding->why = finish(&t);
    say_against(&t);
    finding->against = finish(&t);
    finding->before_values = samples(&t, work->before.shape, finding->before);
    finding->after_values = samples(&t, work->after.shape, finding->after);
    propose(&t);
    finding->proposal = finish(&t);
    bool column = finding->class == PL_DRIFT_ADDED || finding->class == PL_DRIFT_MAP;
    if (column && finding->after != PL_SHAPE_NONE)
        pl_shape_least_type(&t.out, work->after.shape, finding->after);
    finding->type = finish(&t);
}

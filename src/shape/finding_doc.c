// SPDX-License-Identifier: Apache-2.0
#include "shape/finding_doc.h"

#include "base/number.h"

// ---- out of two shapes --------------------------------------------------------------------------

static const char *path_text(const pl_shape *shape, uint32_t path, pl_arena *arena)
{
    if (path == PL_SHAPE_NONE) return NULL;
    pl_buf text = {0};
    pl_shape_path_write(&text, shape, path);
    const char *copy = pl_arena_cstr(arena, pl_buf_view(&text));
    pl_buf_done(&text);
    return copy;
}

// What most values are; of a retyped path only those of a kind that is not `known`.
static const char *kind_text(const pl_shape *shape, uint32_t path, const uint64_t *known)
{
    if (path == PL_SHAPE_NONE) return NULL;
    const uint64_t *kinds = shape->paths[path].kinds;
    int most = PL_SHAPE_NULL;
    for (int k = PL_SHAPE_BOOL; k < PL_SHAPE_KINDS; k++) {
        if (known && known[k]) continue;
        if (kinds[k] > (most == PL_SHAPE_NULL ? 0 : kinds[most])) most = k;
    }
    if (most == PL_SHAPE_NULL && known) return kind_text(shape, path, NULL);
    return pl_shape_kind_name((pl_shape_kind)most);
}

static const char *class_text(const pl_shape *shape, uint32_t path)
{
    const pl_shape_values *values = shape->paths[path].values;
    int most = PL_CLASS_TEXT;
    for (int c = 0; values && c < PL_CLASSES; c++)
        if (values->classes[c] > values->classes[most]) most = c;
    return pl_value_class_name((pl_value_class)most);
}

static const char *fingerprint(const pl_finding_doc *finding, pl_arena *arena)
{
    pl_buf text = {0};
    pl_buf_text(&text, pl_drift_class_name(finding->class));
    bool moved = finding->before && finding->after && strcmp(finding->before, finding->after) != 0;
    const char *first = finding->before ? finding->before : finding->after;
    if (first) pl_buf_printf(&text, " %s", first);
    if (moved) pl_buf_printf(&text, " %s", finding->after);
    if (finding->class == PL_DRIFT_RESCALED) pl_buf_printf(&text, " %.6g", finding->factor);
    if (finding->class == PL_DRIFT_RETYPED)
        pl_buf_printf(&text, " %s %s", finding->from, finding->to);
    const char *copy = pl_arena_cstr(arena, pl_buf_view(&text));
    pl_buf_done(&text);
    return copy;
}

pl_finding_doc pl_finding_doc_of(const pl_finding *f, const pl_shape *before, const pl_shape *after,
                                 pl_arena *arena)
{
    bool retyped = f->class == PL_DRIFT_RETYPED;
    pl_finding_doc doc = {
        .class = f->class,
        .strength = f->strength,
        .before = path_text(before, f->before, arena),
        .after = path_text(after, f->after, arena),
        .from = kind_text(before, f->before, NULL),
        .to = kind_text(after, f->after, retyped ? before->paths[f->before].kinds : NULL),
        .root = f->root,
        .beneath = f->beneath,
        .confidence = f->confidence,
        .retype = f->retype,
        .factor = f->factor,
        .inverted = f->inverted,
        .bits = f->bits,
        .shared = f->shared,
        .agreed = f->agreed,
        .missing = f->missing,
        .rising = f->rising,
        .likeness = f->likeness,
        .rival = path_text(f->rival_before ? before : after, f->rival, arena),
        .rival_before = f->rival_before,
        .rival_bits = f->rival_bits,
        .why = f->why,
        .against = f->against,
        .before_values = f->before_values,
        .after_values = f->after_values,
        .proposal = f->proposal,
        .type = f->type,
    };
    if (retyped && strcmp(doc.from, doc.to) == 0) { // text of another format
        doc.from = class_text(before, f->before);
        doc.to = class_text(after, f->after);
    }
    doc.fingerprint = fingerprint(&doc, arena);
    return doc;
}

// ---- as JSON ------------------------------------------------------------------------------------

static void write_text(pl_json_writer *w, const char *key, const char *text)
{
    pl_json_key(w, key);
    pl_json_cstr(w, text);
}

static void write_count(pl_json_writer *w, const char *key, uint64_t count)
{
    pl_json_key(w, key);
    pl_json_int(w, (int64_t)count);
}

static void write_number(pl_json_writer *w, const char *key, double number)
{
    pl_json_key(w, key);
    pl_json_double(w, number);
}

static void write_bool(pl_json_writer *w, const char *key, bool value)
{
    pl_json_key(w, key);
    pl_json_bool(w, value);
}

void pl_finding_write_members(pl_json_writer *w, const pl_finding_doc *f)
{
    write_text(w, "fingerprint", f->fingerprint);
    write_text(w, "class", pl_drift_class_name(f->class));
    write_text(w, "strength", pl_drift_strength_name(f->strength));
    write_text(w, "before", f->before);
    write_text(w, "after", f->after);
    write_text(w, "from", f->from);
    write_text(w, "to", f->to);
    write_bool(w, "root", f->root);
    write_count(w, "beneath", f->beneath);
    write_number(w, "confidence", f->confidence);
    write_text(w, "retype",
               f->retype == PL_DRIFT_CERTAIN ? NULL : pl_drift_strength_name(f->retype));
    write_number(w, "factor", f->factor);
    write_bool(w, "inverted", f->inverted);
    write_number(w, "bits", f->bits);
    write_count(w, "shared", f->shared);
    write_count(w, "agreed", f->agreed);
    write_count(w, "missing", f->missing);
    write_bool(w, "rising", f->rising);
    write_number(w, "likeness", f->likeness);
    write_text(w, "rival", f->rival);
    write_bool(w, "rival_before", f->rival_before);
    write_number(w, "rival_bits", f->rival_bits);
    write_text(w, "why", f->why);
    write_text(w, "against", f->against);
    write_text(w, "before_values", f->before_values);
    write_text(w, "after_values", f->after_values);
    write_text(w, "proposal", f->proposal);
    write_text(w, "type", f->type);
}

void pl_finding_write(pl_json_writer *w, const pl_finding_doc *finding)
{
    pl_json_begin(w, '{');
    pl_finding_write_members(w, finding);
    pl_json_end(w, '}');
}

// ---- and back -----------------------------------------------------------------------------------

typedef struct reader {
    const pl_json *document;
    pl_arena *arena;
    const char *wrong; // what is damaged; NULL: nothing
} reader;

static const pl_json *member(const reader *r, const char *key)
{
    const pl_json *value = pl_json_get(r->document, key);
    return value && value->kind != PL_JSON_NULL ? value : NULL;
}

static const char *read_text(reader *r, const char *key, const char *otherwise)
{
    const pl_json *value = member(r, key);
    if (!value) return otherwise;
    if (value->kind == PL_JSON_STRING) return pl_arena_cstr(r->arena, value->text);
    r->wrong = key;
    return otherwise;
}

static uint64_t read_count(reader *r, const char *key)
{
    const pl_json *value = member(r, key);
    int64_t count = 0;
    if (value && (!pl_json_long(value, &count) || count < 0)) r->wrong = key;
    return (uint64_t)count;
}

static double read_number(reader *r, const char *key, double otherwise)
{
    const pl_json *value = member(r, key);
    pl_number number;
    double result = otherwise;
    if (value &&
        (value->kind != PL_JSON_NUMBER || pl_number_parse(value->text, &number) != PL_NUMBER_OK ||
         pl_number_double(&number, 0, &result) != PL_NUMBER_OK))
        r->wrong = key;
    return result;
}

static bool read_bool(reader *r, const char *key)
{
    const pl_json *value = member(r, key);
    if (value && value->kind != PL_JSON_TRUE && value->kind != PL_JSON_FALSE) r->wrong = key;
    return value && value->kind == PL_JSON_TRUE;
}

static pl_drift_class read_class(reader *r)
{
    const char *name = read_text(r, "class", "");
    for (int c = PL_DRIFT_ADDED; c < PL_DRIFT_CLASSES; c++)
        if (strcmp(name, pl_drift_class_name((pl_drift_class)c)) == 0) return (pl_drift_class)c;
    r->wrong = "class";
    return PL_DRIFT_ADDED;
}

static pl_drift_strength read_strength(reader *r, const char *key)
{
    const char *name = read_text(r, key, "certain");
    for (int s = PL_DRIFT_CERTAIN; s <= PL_DRIFT_MEDIUM; s++)
        if (strcmp(name, pl_drift_strength_name((pl_drift_strength)s)) == 0)
            return (pl_drift_strength)s;
    r->wrong = key;
    return PL_DRIFT_CERTAIN;
}

plumb_status pl_finding_read(const pl_json *document, pl_arena *arena, pl_finding_doc *ret_finding,
                             plumb_error *err)
{
    reader r = {.document = document, .arena = arena};
    *ret_finding = (pl_finding_doc){
        .fingerprint = read_text(&r, "fingerprint", ""),
        .class = read_class(&r),
        .strength = read_strength(&r, "strength"),
        .before = read_text(&r, "before", NULL),
        .after = read_text(&r, "after", NULL),
        .from = read_text(&r, "from", NULL),
        .to = read_text(&r, "to", NULL),
        .root = read_bool(&r, "root"),
        .beneath = (uint32_t)PL_MIN(read_count(&r, "beneath"), UINT32_MAX),
        .confidence = read_number(&r, "confidence", 0),
        .retype = read_strength(&r, "retype"),
        .factor = read_number(&r, "factor", 1),
        .inverted = read_bool(&r, "inverted"),
        .bits = read_number(&r, "bits", 0),
        .shared = read_count(&r, "shared"),
        .agreed = read_count(&r, "agreed"),
        .missing = read_count(&r, "missing"),
        .rising = read_bool(&r, "rising"),
        .likeness = read_number(&r, "likeness", 0),
        .rival = read_text(&r, "rival", NULL),
        .rival_before = read_bool(&r, "rival_before"),
        .rival_bits = read_number(&r, "rival_bits", 0),
        .why = read_text(&r, "why", ""),
        .against = read_text(&r, "against", ""),
        .before_values = read_text(&r, "before_values", ""),
        .after_values = read_text(&r, "after_values", ""),
        .proposal = read_text(&r, "proposal", ""),
        .type = read_text(&r, "type", ""),
    };
    if (!r.wrong) return PLUMB_OK;
    return pl_fail(err, PLUMB_E_MALFORMED, "cannot read finding: \"%s\" is damaged", r.wrong);
}

// ---- what happens by itself ---------------------------------------------------------------------

const char *pl_drift_action_name(pl_drift_action action)
{
    static const char *const names[] = {"note", "auto", "provisional", "held"};
    return names[action];
}

pl_drift_action pl_drift_action_of(const pl_finding_doc *f, bool mapped, bool critical, bool strict)
{
    if (f->class == PL_DRIFT_ADDED) return PL_DRIFT_AUTO;
    if (f->class == PL_DRIFT_MAP) return PL_DRIFT_HELD;
    if (!mapped || f->class == PL_DRIFT_CONFLICT) return PL_DRIFT_NOTE;
    if (f->class == PL_DRIFT_WIDENED) return PL_DRIFT_AUTO;
    if (strict || f->retype == PL_DRIFT_LOSSY || f->factor != 1) return PL_DRIFT_HELD;
    bool lossless = f->class == PL_DRIFT_RETYPED && f->strength == PL_DRIFT_LOSSLESS;
    bool proven = f->class == PL_DRIFT_RENAMED && f->strength == PL_DRIFT_STRONG && !critical;
    return lossless || proven ? PL_DRIFT_PROVISIONAL : PL_DRIFT_HELD;
}

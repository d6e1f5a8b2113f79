// SPDX-License-Identifier: Apache-2.0
#include "drill/cases.h"

#include <stdio.h>

#include "base/hash.h"
#include "base/number.h"
#include "drill/names.h"

// ---- what mapped paths hold --------------------------------------------------------------------
enum { DISTINCT_MAX = 32, TRIES = 12 };

// A path that a mapping reads, and its values in the sample.
typedef struct target {
    const pl_mapping *mapping;
    const pl_contract_column *column;
    pl_path path; // ends in a key
    bool key;     // of the contract's
    uint32_t records, there;
    uint32_t numbers, zeros, large, parts, percents, epochs, words, bools, scalars;
    uint64_t distinct[DISTINCT_MAX];
    uint32_t distinct_count; // DISTINCT_MAX: as many or more
} target;

typedef struct maker {
    pl_mapping *const *mappings;
    uint32_t mapping_count;
    target *targets;
    uint32_t count;
    pl_chance chance;
    pl_arena *arena;
    const pl_drill_sample *sample;
} maker;

static void note_distinct(target *t, const pl_json *value)
{
    uint64_t hash = pl_hash(value->raw);
    for (uint32_t i = 0; i < t->distinct_count; i++)
        if (t->distinct[i] == hash) return;
    if (t->distinct_count < DISTINCT_MAX) t->distinct[t->distinct_count++] = hash;
}

// "photo", "in_review": of a set of words, not prose and no address.
static bool is_word_text(pl_span text)
{
    for (size_t i = 0; i < text.bytes; i++)
        if (strchr(" /:.@", text.data[i])) return false; // a NUL is no word either
    return text.bytes && text.bytes <= 32;
}

static void look_at(void *context, pl_json *record)
{
    target *t = context;
    const pl_json *value = pl_mutate_find(record, &t->path);
    pl_number number;
    double n = 0;
    t->records++;
    if (!value || value->kind == PL_JSON_NULL) return;
    t->there++;
    t->scalars += value->kind != PL_JSON_ARRAY && value->kind != PL_JSON_OBJECT;
    t->bools += value->kind == PL_JSON_TRUE || value->kind == PL_JSON_FALSE;
    note_distinct(t, value);
    if (value->kind != PL_JSON_NUMBER && value->kind != PL_JSON_STRING) return;
    bool text = value->kind == PL_JSON_STRING;
    if (pl_number_parse(value->text, &number) == PL_NUMBER_OK &&
        pl_number_double(&number, 0, &n) == PL_NUMBER_OK) {
        t->numbers++;
        t->zeros += n == 0;
        t->large += n >= 1000;
        t->parts += n >= 0 && n <= 1;
        t->epochs += n >= 1e9 && n < 2.5e9 && !text;
    } else if (text) {
        t->words += is_word_text(value->text);
        t->percents += value->text.bytes > 1 && value->text.data[value->text.bytes - 1] == '%';
    }
}

static bool same_path(const target *a, const target *b)
{
    if (a->mapping != b->mapping || a->path.count != b->path.count) return false;
    for (uint32_t i = 0; i < a->path.count; i++) {
        const pl_step *s = &a->path.steps[i], *o = &b->path.steps[i];
        if (s->kind != o->kind || s->index != o->index || !pl_span_equal(s->key, o->key) ||
            !pl_span_equal(s->lookup_value, o->lookup_value))
            return false;
    }
    return true;
}

static void add_target(maker *m, const pl_mapping *mapping, const pl_rule *rule,
                       const pl_term *term)
{
    const pl_contract *contract = mapping->contract;
    target *t = &m->targets[m->count];
    if (term->kind != PL_TERM_PATH || term->path.root != PL_ROOT_RECORD || !term->path.count ||
        term->path.steps[term->path.count - 1].kind != PL_STEP_KEY)
        return;
    *t = (target){
        .mapping = mapping, .column = &contract->columns[rule->column], .path = term->path};
    for (uint32_t i = 0; i < contract->key_count; i++) t->key |= contract->keys[i] == rule->column;
    for (uint32_t i = 0; i < m->count; i++)
        if (same_path(&m->targets[i], t)) return;
    for (uint32_t i = 0; i < m->sample->count; i++)
        pl_drill_each(m->sample->units[i].document, mapping, look_at, t);
    // What is hardly there cannot be missed.
    m->count += t->there > 0 && t->there * 2 >= t->records;
}

static void find_targets(maker *m)
{
    uint32_t most = 0;
    for (uint32_t i = 0; i < m->mapping_count; i++)
        for (uint32_t r = 0; r < m->mappings[i]->rule_count; r++)
            most += m->mappings[i]->rules[r].term_count;
    m->targets = PL_TAKE(m->arena, target, most + 1);
    for (uint32_t i = 0; i < m->mapping_count; i++)
        for (uint32_t r = 0; r < m->mappings[i]->rule_count; r++)
            for (uint32_t t = 0; t < m->mappings[i]->rules[r].term_count; t++)
                add_target(m, m->mappings[i], &m->mappings[i]->rules[r],
                           &m->mappings[i]->rules[r].terms[t]);
}

// ---- which of them a change is for -------------------------------------------------------------

static bool is_number_column(const target *t)
{
    pl_kind kind = t->column->field.type.kind;
    return kind == PL_INT || kind == PL_LONG || kind == PL_FLOAT || kind == PL_DOUBLE ||
           kind == PL_DECIMAL;
}

static bool is_plain(const target *t)
{
    return !t->key && !t->column->critical && !t->column->field.required;
}

static bool is_central(const target *t)
{
    return t->key || t->column->critical || t->column->field.required;
}

static bool is_nested(const target *t)
{
    return t->path.count > 1 && t->path.steps[t->path.count - 2].kind == PL_STEP_KEY;
}

static bool is_number(const target *t)
{
    return is_number_column(t) && t->numbers == t->there;
}

static bool is_id(const target *t)
{
    pl_span key = t->path.steps[t->path.count - 1].key;
    if (pl_span_is(key, "id") || pl_span_is(key, "ID")) return true;
    if (key.bytes < 3) return false;
    const char *end = key.data + key.bytes;
    return memcmp(end - 3, "_id", 3) == 0 || memcmp(end - 2, "Id", 2) == 0;
}

// A number that counts or measures; and not always zero.
static bool is_measure(const target *t)
{
    return is_number(t) && !is_id(t) && t->zeros * 2 < t->there;
}

static bool is_scalar(const target *t)
{
    return is_plain(t) && t->scalars == t->there && t->column->field.type.kind != PL_JSON;
}

static bool is_large(const target *t)
{
    return is_measure(t) && t->large * 10 >= t->there * 3;
}

static bool is_part(const target *t)
{
    return (is_number(t) && t->parts == t->there && t->distinct_count > 2) ||
           (is_number_column(t) && t->percents == t->there);
}

static bool is_epoch(const target *t)
{
    return t->epochs == t->there &&
           (t->column->field.type.kind == PL_TIMESTAMP || is_number_column(t));
}

static bool is_word(const target *t)
{
    pl_kind kind = t->column->field.type.kind;
    if (t->distinct_count < 2 || t->distinct_count * 5 > t->there || !is_plain(t)) return false;
    return (kind == PL_STRING && t->words == t->there && t->distinct_count <= 20) ||
           (kind == PL_BOOLEAN && t->bools == t->there);
}

// One of those that fit, by chance; NULL: none does.
static const target *pick(maker *m, bool (*fits)(const target *t))
{
    uint32_t fit = 0;
    for (uint32_t i = 0; i < m->count; i++) fit += fits(&m->targets[i]);
    uint32_t which = pl_chance_below(&m->chance, fit);
    for (uint32_t i = 0; i < m->count; i++)
        if (fits(&m->targets[i]) && which-- == 0) return &m->targets[i];
    return NULL;
}

// ---- changes -----------------------------------------------------------------------------------

static const char *path_text(const maker *m, const pl_path *path)
{
    pl_buf text = {0};
    pl_path_text(&text, path);
    const char *made = pl_arena_cstr(m->arena, pl_buf_view(&text));
    pl_buf_done(&text);
    return made;
}

// A path with another key at its end.
static const char *path_with(const maker *m, const pl_path *path, pl_span key)
{
    pl_path other = {path->root, PL_TAKE(m->arena, pl_step, path->count), path->count};
    memcpy(other.steps, path->steps, path->count * sizeof *path->steps);
    pl_step *last = &other.steps[path->count - 1];
    if (last->kind == PL_STEP_LOOKUP)
        last->lookup_value = key;
    else
        last->key = key;
    return path_text(m, &other);
}

// Where a renaming happens: at the key, or, behind a lookup, at the name that it looks for.
static pl_path renamed_path(const target *t)
{
    pl_path path = t->path;
    for (uint32_t i = path.count; i--;)
        if (path.steps[i].kind == PL_STEP_LOOKUP) {
            path.count = i + 1;
            break;
        }
    return path;
}

typedef struct siblings {
    pl_path path;
    pl_span name;
    bool there;
} siblings;

static void look_for_sibling(void *context, pl_json *record)
{
    siblings *s = context;
    pl_path holder = s->path;
    holder.count--;
    const pl_json *object = pl_mutate_find(record, &holder);
    if (s->there || !object || object->kind != PL_JSON_OBJECT) return;
    for (const pl_json *member = object->first; member; member = member->next)
        s->there |= pl_span_equal(member->key, s->name);
}

// A name that no key beside has.
static pl_span other_name(maker *m, const pl_mapping *mapping, const pl_path *path, bool object)
{
    const pl_step *last = &path->steps[path->count - 1];
    pl_span old = last->kind == PL_STEP_LOOKUP ? last->lookup_value : last->key;
    siblings s = {.path = *path};
    for (int tries = 0; tries < TRIES; tries++) {
        s.name = pl_names_other(old, object, &m->chance, m->arena);
        s.there = pl_span_equal(s.name, old);
        for (uint32_t i = 0; i < m->sample->count && !s.there; i++)
            pl_drill_each(m->sample->units[i].document, mapping, look_for_sibling, &s);
        if (!s.there) return s.name;
    }
    return pl_span_of(pl_arena_printf(m->arena, "%.*s_new", PL_FMT(old)));
}

static pl_change *add_change(pl_drill_case *c, const target *t, pl_change_kind kind)
{
    pl_change *change = &c->changes[c->count++];
    *change = (pl_change){.kind = kind, .path = t->path};
    c->mapping = t->mapping;
    return change;
}

// Another name for one more key; returns "old -> new".
static const char *rename_one(maker *m, pl_drill_case *c, const target *t)
{
    pl_change *change = add_change(c, t, PL_CHANGE_RENAME);
    change->path = renamed_path(t);
    change->name = other_name(m, t->mapping, &change->path, false);
    return pl_arena_printf(m->arena, "%s -> %s", path_text(m, &change->path),
                           path_with(m, &change->path, change->name));
}

static bool make_rename(maker *m, pl_drill_case *c)
{
    const target *t = pick(m, is_plain);
    if (t) c->what = pl_arena_printf(m->arena, "renamed %s", rename_one(m, c, t));
    return t != NULL;
}

static bool make_gradual_rename(maker *m, pl_drill_case *c)
{
    const target *t = pick(m, is_plain);
    if (!t) return false;
    c->gradual = true;
    c->what = pl_arena_printf(m->arena, "renamed %s, by and by", rename_one(m, c, t));
    return true;
}

static bool make_central_rename(maker *m, pl_drill_case *c)
{
    const target *t = pick(m, is_central);
    if (t) c->what = pl_arena_printf(m->arena, "renamed %s", rename_one(m, c, t));
    return t != NULL;
}

static bool make_renames(maker *m, pl_drill_case *c)
{
    const target *chosen[3];
    uint32_t count = 0, wanted = 2 + pl_chance_below(&m->chance, 2);
    for (int tries = 0; tries < TRIES && count < wanted; tries++) {
        const target *t = pick(m, is_plain);
        bool known = !t || (count && t->mapping != chosen[0]->mapping);
        for (uint32_t i = 0; i < count; i++) known |= chosen[i] == t;
        if (!known) chosen[count++] = t;
    }
    if (count < 2) return false;
    c->what = "renamed";
    for (uint32_t i = 0; i < count; i++)
        c->what = pl_arena_printf(m->arena, "%s%s %s", c->what, i ? "," : "",
                                  rename_one(m, c, chosen[i]));
    return true;
}

// New keys behind one; returns their names.
static const char *add_some(maker *m, pl_drill_case *c, const target *t, uint32_t count)
{
    const char *names = "";
    for (int tries = 0; tries < TRIES && count; tries++) {
        pl_span old = t->path.steps[t->path.count - 1].key;
        pl_span name = pl_names_beside(old, &m->chance, m->arena);
        bool known = false;
        for (uint32_t i = 0; i < c->count; i++) known |= pl_span_equal(c->changes[i].name, name);
        if (known) continue;
        add_change(c, t, PL_CHANGE_ADD)->name = name;
        names = pl_arena_printf(m->arena, "%s%s%.*s", names, *names ? ", " : "", PL_FMT(name));
        count--;
    }
    return names;
}

static bool make_decoys(maker *m, pl_drill_case *c)
{
    const target *t = pick(m, is_plain);
    if (!t) return false;
    const char *names = add_some(m, c, t, 2);
    c->what =
        pl_arena_printf(m->arena, "renamed %s, with %s new beside it", rename_one(m, c, t), names);
    return true;
}

static bool make_added(maker *m, pl_drill_case *c)
{
    const target *t = pick(m, is_plain);
    if (!t) return false;
    const char *names = add_some(m, c, t, 2);
    c->what = pl_arena_printf(m->arena, "added %s beside %s", names, path_text(m, &t->path));
    return true;
}

// The object around a key gets another name, or a key gets an object around it.
static bool make_move(maker *m, pl_drill_case *c)
{
    const target *t = pick(m, is_nested);
    if (t) {
        pl_change *change = add_change(c, t, PL_CHANGE_RENAME);
        change->path.count--;
        change->name = other_name(m, t->mapping, &change->path, true);
        c->what = pl_arena_printf(m->arena, "renamed object %s -> %s", path_text(m, &change->path),
                                  path_with(m, &change->path, change->name));
        return true;
    }
    t = pick(m, is_plain);
    if (!t) return false;
    static const char *const around[] = {"attributes", "details", "public_data"};
    pl_change *change = add_change(c, t, PL_CHANGE_MOVE);
    change->name = pl_span_of(around[pl_chance_below(&m->chance, PL_COUNT(around))]);
    c->what = pl_arena_printf(m->arena, "moved %s -> %s.%.*s", path_text(m, &t->path),
                              path_with(m, &t->path, change->name),
                              PL_FMT(t->path.steps[t->path.count - 1].key));
    return true;
}

static bool make_one(maker *m, pl_drill_case *c, bool (*fits)(const target *t), pl_change_kind kind,
                     const char *what)
{
    const target *t = pick(m, fits);
    if (!t) return false;
    add_change(c, t, kind);
    c->what = pl_arena_printf(m->arena, "%s: %s", path_text(m, &t->path), what);
    return true;
}

static bool make_text(maker *m, pl_drill_case *c)
{
    return make_one(m, c, is_number, PL_CHANGE_TEXT, "number <-> text");
}

static bool make_object(maker *m, pl_drill_case *c)
{
    if (!make_one(m, c, is_scalar, PL_CHANGE_WRAP, "value -> {\"value\": value}")) return false;
    c->changes[0].name = PL_SPAN("value");
    return true;
}

static bool make_words(maker *m, pl_drill_case *c)
{
    if (make_one(m, c, is_large, PL_CHANGE_WORDS, "1234 -> \"1.2K\"")) return true;
    if (!make_one(m, c, is_measure, PL_CHANGE_WORDS, "5 -> \"5 units\"")) return false;
    c->changes[0].name = PL_SPAN("units");
    return true;
}

static bool make_hundredfold(maker *m, pl_drill_case *c)
{
    if (!make_one(m, c, is_measure, PL_CHANGE_SHIFT, "times 100")) return false;
    c->changes[0].digits = 2;
    return true;
}

static bool make_percent(maker *m, pl_drill_case *c)
{
    const target *t = pick(m, is_part);
    if (!t) return false;
    bool percent = t->percents > 0;
    add_change(c, t, percent ? PL_CHANGE_FRACTION : PL_CHANGE_PERCENT);
    c->what = pl_arena_printf(m->arena, "%s: %s", path_text(m, &t->path),
                              percent ? "\"4.7%\" -> 0.047" : "0.047 -> \"4.7%\"");
    return true;
}

static bool make_milliseconds(maker *m, pl_drill_case *c)
{
    if (!make_one(m, c, is_epoch, PL_CHANGE_SHIFT, "seconds -> milliseconds")) return false;
    c->changes[0].digits = 3;
    return true;
}

static bool make_removal(maker *m, pl_drill_case *c)
{
    const target *t = pick(m, is_plain);
    if (!t) return false;
    add_change(c, t, PL_CHANGE_REMOVE);
    c->what = pl_arena_printf(m->arena, "removed %s", path_text(m, &t->path));
    return true;
}

static bool make_other_words(maker *m, pl_drill_case *c)
{
    if (!make_one(m, c, is_word, PL_CHANGE_VALUES, "other words for the same")) return false;
    const pl_path *path = &c->changes[0].path;
    c->changes[0].name = path->steps[path->count - 1].key;
    return true;
}

static bool make_envelope(maker *m, pl_drill_case *c)
{
    const pl_mapping *mapping = m->mappings[pl_chance_below(&m->chance, m->mapping_count)];
    if (!mapping->has_records || !mapping->records.count) return false;
    pl_change *change = &c->changes[c->count++];
    *change = (pl_change){.kind = PL_CHANGE_RENAME, .path = mapping->records};
    pl_span old = change->path.steps[change->path.count - 1].key;
    for (int tries = 0; tries < TRIES; tries++) {
        change->name = pl_names_other(old, true, &m->chance, m->arena);
        if (!pl_span_equal(change->name, old)) break;
    }
    c->mapping = mapping;
    c->envelope = true;
    c->what =
        pl_arena_printf(m->arena, "renamed %s -> %s, where the records are",
                        path_text(m, &change->path), path_with(m, &change->path, change->name));
    return true;
}

// ---- all of them -------------------------------------------------------------------------------
static const struct {
    const char *kind;
    bool (*make)(maker *m, pl_drill_case *c);
} kinds[] = {
    {"renamed", make_rename},        {"renamed", make_renames},
    {"renamed", make_decoys},        {"moved", make_move},
    {"retyped", make_text},          {"retyped", make_object},
    {"rescaled", make_hundredfold},  {"rescaled", make_percent},
    {"rescaled", make_milliseconds}, {"removed", make_removal},
    {"meaning", make_other_words},   {"envelope", make_envelope},
    {"retyped", make_words},         {"renamed", make_central_rename},
    {"added", make_added},           {"renamed", make_gradual_rename},
};

static bool is_new(const pl_drill_case *cases, uint32_t count, const pl_drill_case *one)
{
    for (uint32_t i = 0; i < count; i++)
        if (strcmp(cases[i].what, one->what) == 0 && cases[i].mapping == one->mapping) return false;
    return true;
}

void pl_drill_cases(const pl_drill_sample *sample, pl_mapping *const *mappings, uint32_t count,
                    uint64_t seed, uint32_t wanted, pl_arena *arena, pl_drill_case **ret_cases,
                    uint32_t *ret_count)
{
    maker m = {.mappings = mappings,
               .mapping_count = count,
               .chance = {seed},
               .arena = arena,
               .sample = sample};
    find_targets(&m);
    pl_drill_case *cases = PL_TAKE(arena, pl_drill_case, PL_MAX(wanted, 1u));
    uint32_t made = 0, barren = 0; // kinds in a row that gave nothing
    for (uint32_t k = 0; made < wanted && barren < PL_COUNT(kinds); k = (k + 1) % PL_COUNT(kinds)) {
        bool found = false;
        for (int tries = 0; tries < TRIES && !found; tries++) {
            pl_drill_case one = {.kind = kinds[k].kind};
            found = kinds[k].make(&m, &one) && is_new(cases, made, &one);
            if (found) cases[made++] = one;
        }
        barren = found ? 0 : barren + 1;
    }
    *ret_cases = cases;
    *ret_count = made;
}

typedef struct changing {
    const pl_drill_case *upgrade;
    uint32_t percent;
    pl_arena *arena;
} changing;

static void change_record(void *context, pl_json *record)
{
    const changing *c = context;
    if (c->percent < 100 && (pl_hash(record->raw) >> 20) % 100 >= c->percent) return;
    for (uint32_t i = 0; i < c->upgrade->count; i++)
        pl_mutate(record, &c->upgrade->changes[i], c->arena);
}

void pl_drill_change(const pl_drill_case *upgrade, pl_json *document, uint32_t percent,
                     pl_arena *arena)
{
    changing c = {upgrade, percent, arena};
    if (upgrade->envelope)
        change_record(&c, document);
    else
        pl_drill_each(document, upgrade->mapping, change_record, &c);
}

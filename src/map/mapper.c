// SPDX-License-Identifier: Apache-2.0
#include "map/mapper_int.h"

#include <stdio.h>
#include <stdlib.h>

typedef enum system_column {
    SYSTEM_OBJECT,
    SYSTEM_RECORD,
    SYSTEM_MAPPING,
    SYSTEM_FLAGS,
    SYSTEM_REST,
} system_column;

static const pl_type string_type = {.kind = PL_STRING};

const pl_field pl_system_fields[PL_SYSTEM_COLUMNS] = {
    [SYSTEM_OBJECT] = {.name = {"_object", 7},
                       .type = {.kind = PL_STRING},
                       .required = true,
                       .doc = {"ULID of the raw object the row came from", 40}},
    [SYSTEM_RECORD] = {.name = {"_record", 7},
                       .type = {.kind = PL_LONG},
                       .required = true,
                       .doc = {"index of the record in that object", 34}},
    [SYSTEM_MAPPING] = {.name = {"_mapping", 8},
                        .type = {.kind = PL_INT},
                        .required = true,
                        .doc = {"mapping version that made the row", 33}},
    [SYSTEM_FLAGS] = {.name = {"_flags", 6},
                      .type = {.kind = PL_LIST, .element = &string_type},
                      .doc = {"column:reason of every value that did not fit plainly", 53}},
    [SYSTEM_REST] = {.name = {"_rest", 5},
                     .type = {.kind = PL_JSON},
                     .doc = {"JSON of what no column took", 27}},
};

typedef enum flag_kind { FLAG_LOST, FLAG_COERCED, FLAG_CONFLICT, FLAGS } flag_kind;

// One term of a rule; `path` if it is one.
typedef struct bound_term {
    const pl_term *term;
    pl_bound_path path;
} bound_term;

typedef struct bound_rule {
    const pl_contract_column *column;
    const pl_type *type;  // what its values are read as
    uint32_t field;       // index in the schema
    bool required, plain; // plain: one whole path of the record, and no parser
    uint32_t term_count;
    bound_term *terms;
    pl_cell flags[FLAGS]; // "column:lost", ...
} bound_rule;

static const char *const flag_names[FLAGS] = {"lost", "coerced", "conflict"};

struct pl_map_plan {
    const pl_mapping *mapping;
    const pl_schema *schema;
    int32_t version;
    int32_t system[PL_SYSTEM_COLUMNS]; // index in the schema
    uint32_t rule_count;
    bound_rule *rules;
    pl_bound_path *tests; // [mapping->where_tests]
    uint32_t rule_slots;  // slots below are of rules, the others of tests only
    pl_span *record_keys;
    pl_framer_keys *inner_keys;
    pl_framer_want *wants;
    uint32_t want_count;
    pl_cell *empty;        // [schema->count] NULL cells of the columns' kinds
    const pl_path **outer; // paths that start at $parent or $doc
    uint32_t outer_count;
    char *records_text;
};

struct pl_mapper {
    const pl_map_plan *plan;
    pl_paths paths;
    pl_scanner scanner;
    pl_arena scratch; // this record
    pl_cell *cells;
    pl_slot *outer;    // [plan->outer_count] values around the record, as of `envelope`
    uint64_t envelope; // 0: none yet
    pl_arena around;   // of those values
    bool *taken;       // per slot: a column holds its value
    pl_cell *flags;
    uint32_t flag_count, flag_capacity;
    pl_buf rest;
    pl_span object;
    int64_t received_us;
    pl_map_counts counts;
};

pl_schema pl_map_schema(const pl_contract *contract, pl_arena *arena)
{
    pl_schema schema = {.count = contract->schema.count + PL_SYSTEM_COLUMNS};
    schema.fields = PL_TAKE(arena, pl_field, schema.count);
    memcpy(schema.fields, contract->schema.fields, contract->schema.count * sizeof(pl_field));
    memcpy(schema.fields + contract->schema.count, pl_system_fields, sizeof pl_system_fields);
    return schema;
}

// Whether the path takes all of its slot's value.
static bool is_whole(const pl_bound_path *path)
{
    return path->root == PL_ROOT_RECORD && !path->behind_count;
}

// The slot of the keys that a path begins with.
static void want_path(pl_paths *paths, const pl_path *path, pl_bound_path *bound)
{
    if (path->root != PL_ROOT_RECORD) return; // want_outer
    pl_span keys[PL_STEPS_MAX];
    uint32_t count = 0;
    while (count < path->count && path->steps[count].kind == PL_STEP_KEY) {
        keys[count] = path->steps[count].key;
        count++;
    }
    uint32_t slot = pl_paths_want(paths, keys, count);
    if (bound)
        *bound = (pl_bound_path){PL_ROOT_RECORD, slot, path->steps + count, path->count - count};
}

static void want_tests(pl_paths *paths, const pl_where *where, pl_bound_path *tests)
{
    if (!where) return;
    want_tests(paths, where->left, tests);
    want_tests(paths, where->right, tests);
    if (where->path.count) want_path(paths, &where->path, tests ? &tests[where->test] : NULL);
}

// Slots are numbered in the order of the rules, so every mapper's table agrees with the plan's.
static void want_paths(const pl_mapping *mapping, pl_paths *paths, pl_map_plan *plan)
{
    for (uint32_t r = 0; r < mapping->rule_count; r++) {
        const pl_rule *rule = &mapping->rules[r];
        for (uint32_t t = 0; t < rule->term_count; t++)
            if (rule->terms[t].kind == PL_TERM_PATH)
                want_path(paths, &rule->terms[t].path, plan ? &plan->rules[r].terms[t].path : NULL);
    }
    if (plan) plan->rule_slots = paths->slot_count;
    want_tests(paths, mapping->where, plan ? plan->tests : NULL);
}

// A path that starts outside the record: bind it, and tell the framer what it goes through.
static void want_outer(pl_map_plan *plan, const pl_path *path, pl_bound_path *bound)
{
    if (path->root == PL_ROOT_RECORD) return;
    uint32_t holder = plan->mapping->records.count; // the level of $parent
    if (holder) holder--;
    *bound = (pl_bound_path){.root = path->root, .slot = plan->outer_count};
    plan->outer[plan->outer_count++] = path;
    if (path->root == PL_ROOT_PARENT && plan->mapping->inner_count) holder = 0; // in the window
    for (uint32_t i = 0; i < path->count && path->steps[i].kind == PL_STEP_KEY; i++)
        plan->wants[plan->want_count++] =
            (pl_framer_want){i + (path->root == PL_ROOT_PARENT ? holder : 0), path->steps[i].key};
    if (plan->want_count == 0) // an index at once: nothing is there, but frames are to say so
        plan->wants[plan->want_count++] = (pl_framer_want){0, PL_SPAN("")};
}

static void want_outer_tests(pl_map_plan *plan, const pl_where *where)
{
    if (!where) return;
    want_outer_tests(plan, where->left);
    want_outer_tests(plan, where->right);
    if (where->path.count) want_outer(plan, &where->path, &plan->tests[where->test]);
}

static void bind_outer(pl_map_plan *plan, pl_arena *arena)
{
    uint32_t paths = plan->mapping->where_tests;
    for (uint32_t r = 0; r < plan->rule_count; r++) paths += plan->rules[r].term_count;
    plan->outer = PL_TAKE(arena, const pl_path *, paths);
    plan->wants = PL_TAKE(arena, pl_framer_want, paths * PL_STEPS_MAX);
    for (uint32_t r = 0; r < plan->rule_count; r++)
        for (uint32_t t = 0; t < plan->rules[r].term_count; t++) {
            bound_term *term = &plan->rules[r].terms[t];
            if (term->term->kind == PL_TERM_PATH) want_outer(plan, &term->term->path, &term->path);
        }
    want_outer_tests(plan, plan->mapping->where);
}

static pl_span *step_keys(const pl_path *path, pl_arena *arena)
{
    pl_span *keys = PL_TAKE(arena, pl_span, path->count);
    for (uint32_t i = 0; i < path->count; i++) keys[i] = path->steps[i].key;
    return keys;
}

// Whether a table that stores `stored` gives back what the contract declares: Iceberg has no JSON
// type, so a table read from its metadata says string for it.
static bool is_stored_as(const pl_type *declared, const pl_type *stored)
{
    if (declared->kind == PL_LIST && stored->kind == PL_LIST)
        return is_stored_as(declared->element, stored->element);
    return declared->kind == PL_JSON && stored->kind == PL_STRING;
}

plumb_status pl_map_compile(const pl_mapping *mapping, const pl_schema *schema,
                            int32_t mapping_version, pl_arena *arena, pl_map_plan **ret_plan,
                            plumb_error *err)
{
    pl_map_plan *plan = PL_TAKE(arena, pl_map_plan, 1);
    plan->mapping = mapping;
    plan->schema = schema;
    plan->version = mapping_version;
    plan->rule_count = mapping->rule_count;
    plan->rules = PL_TAKE(arena, bound_rule, mapping->rule_count);
    plan->empty = PL_TAKE(arena, pl_cell, schema->count);
    for (uint32_t i = 0; i < schema->count; i++)
        plan->empty[i].value = (pl_value){.kind = schema->fields[i].type.kind, .is_null = true};
    for (uint32_t i = 0; i < PL_SYSTEM_COLUMNS; i++)
        plan->system[i] = pl_schema_find(schema, pl_system_fields[i].name);
    for (uint32_t r = 0; r < mapping->rule_count; r++) {
        const pl_rule *rule = &mapping->rules[r];
        bound_rule *bound = &plan->rules[r];
        bound->column = &mapping->contract->columns[rule->column];
        int field = pl_schema_find(schema, bound->column->field.name);
        if (field < 0)
            return pl_fail(err, PLUMB_E_MISUSE, "cannot map column '%.*s': table '%.*s' lacks it",
                           PL_FMT(bound->column->field.name), PL_FMT(mapping->table));
        bound->field = (uint32_t)field;
        const pl_type *declared = &bound->column->field.type, *stored = &schema->fields[field].type;
        bound->type = is_stored_as(declared, stored) ? declared : stored;
        bound->term_count = rule->term_count;
        bound->required = bound->column->field.required || schema->fields[field].required;
        bound->terms = PL_TAKE(arena, bound_term, rule->term_count);
        for (uint32_t t = 0; t < rule->term_count; t++) bound->terms[t].term = &rule->terms[t];
        for (int kind = 0; kind < FLAGS; kind++)
            bound->flags[kind].value = (pl_value){
                .kind = PL_STRING,
                .text = pl_span_of(pl_arena_printf(
                    arena, "%.*s:%s", PL_FMT(bound->column->field.name), flag_names[kind]))};
    }
    pl_paths paths;
    pl_paths_init(&paths);
    plan->tests = PL_TAKE(arena, pl_bound_path, mapping->where_tests);
    want_paths(mapping, &paths, plan);
    pl_paths_done(&paths);
    bind_outer(plan, arena);
    for (uint32_t r = 0; r < plan->rule_count; r++) {
        bound_rule *rule = &plan->rules[r];
        const bound_term *term = &rule->terms[0];
        rule->plain = rule->term_count == 1 && term->term->kind == PL_TERM_PATH &&
                      is_whole(&term->path) && term->term->parser.kind == PL_PARSE_DEFAULT;
    }
    plan->record_keys = step_keys(&mapping->records, arena);
    plan->inner_keys = PL_TAKE(arena, pl_framer_keys, mapping->inner_count);
    for (uint32_t i = 0; i < mapping->inner_count; i++)
        plan->inner_keys[i] =
            (pl_framer_keys){step_keys(&mapping->inner[i], arena), mapping->inner[i].count};
    pl_span text = mapping->records_text;
    if (text.bytes > 2 && memcmp(text.data + text.bytes - 2, "[]", 2) == 0) text.bytes -= 2;
    plan->records_text = pl_arena_cstr(arena, text);
    *ret_plan = plan;
    return PLUMB_OK;
}

void pl_map_framing(const pl_map_plan *plan, pl_format format, pl_framer_options *ret_options)
{
    *ret_options = (pl_framer_options){.format = format,
                                       .has_records = plan->mapping->has_records,
                                       .records_top = plan->mapping->records_top,
                                       .keys = plan->record_keys,
                                       .key_count = plan->mapping->records.count,
                                       .inner = plan->inner_keys,
                                       .inner_count = plan->mapping->inner_count,
                                       .wants = plan->wants,
                                       .want_count = plan->want_count,
                                       .records_text = plan->records_text};
}

pl_mapper *pl_mapper_new(const pl_map_plan *plan)
{
    pl_mapper *m = pl_zalloc(1, sizeof *m);
    m->plan = plan;
    pl_paths_init(&m->paths);
    want_paths(plan->mapping, &m->paths, NULL);
    pl_scanner_init(&m->scanner, &m->paths);
    m->cells = pl_zalloc(plan->schema->count, sizeof *m->cells);
    m->outer = pl_zalloc(plan->outer_count, sizeof *m->outer);
    m->taken = pl_zalloc(m->paths.slot_count, sizeof *m->taken);
    return m;
}

void pl_mapper_free(pl_mapper *m)
{
    if (!m) return;
    pl_scanner_done(&m->scanner);
    pl_paths_done(&m->paths);
    pl_arena_done(&m->scratch);
    pl_buf_done(&m->rest);
    free(m->cells);
    free(m->taken);
    free(m->outer);
    pl_arena_done(&m->around);
    free(m->flags);
    free(m);
}

void pl_mapper_object(pl_mapper *m, pl_span object, int64_t received_us)
{
    m->object = object;
    m->envelope = 0; // a new framer counts anew
    m->received_us = received_us;
}

// `text` cut to fit and at a code point.
static void sample_set(char sample[96], pl_span text)
{
    size_t bytes = PL_MIN(text.bytes, (size_t)80);
    while (bytes && bytes < text.bytes && ((uint8_t)text.data[bytes] & 0xC0) == 0x80) bytes--;
    snprintf(sample, 96, "%.*s%s", (int)bytes, text.data, bytes < text.bytes ? "..." : "");
}

static bool reject(pl_reject *out, pl_span column, uint64_t error_at, pl_span sample,
                   const char *reason)
{
    *out = (pl_reject){.column = column, .error_at = error_at};
    snprintf(out->reason, sizeof out->reason, "%s", reason);
    sample_set(out->sample, sample);
    return false;
}

static void flag(pl_mapper *m, const bound_rule *rule, flag_kind kind, uint64_t *count)
{
    (*count)++;
    PL_GROW(m->flags, m->flag_count, m->flag_capacity);
    m->flags[m->flag_count++] = rule->flags[kind];
}

// The value of a term that is not a path.
static pl_cell constant(const pl_mapper *m, const pl_term *term, const pl_type *type,
                        uint64_t record)
{
    pl_cell cell = {.value = {.kind = type->kind}};
    switch (term->kind) {
    case PL_TERM_RECEIVED:
        cell.value.i64 = m->received_us;
        break;
    case PL_TERM_OBJECT:
        cell.value.text = m->object;
        break;
    case PL_TERM_SOURCE:
        cell.value.text = m->plan->mapping->source;
        break;
    case PL_TERM_RECORD:
        if (type->kind == PL_INT)
            cell.value.i32 = (int32_t)record;
        else
            cell.value.i64 = (int64_t)record;
        break;
    default:
        cell.value = term->literal;
    }
    return cell;
}

// What a path finds in the record.
static pl_slot path_slot(pl_mapper *m, const pl_bound_path *path)
{
    if (path->root != PL_ROOT_RECORD) return m->outer[path->slot];
    pl_slot slot = m->scanner.slots[path->slot];
    if (!path->behind_count || slot.kind == PL_SLOT_ABSENT || slot.kind == PL_SLOT_NULL)
        return slot;
    if (slot.kind != PL_SLOT_ARRAY && slot.kind != PL_SLOT_OBJECT) return (pl_slot){0};
    return pl_dig(slot.raw, path->behind, path->behind_count, &m->scratch);
}

typedef struct rule_state {
    bool has_value;
    const char *won; // where the value stands in the record: other readings of it say nothing new
    const char *why; // of the first value that did not fit
    pl_slot lost;    // that value
    const bound_term *lost_term;
} rule_state;

// Look the values around the record up, once per envelope.
static void look_around(pl_mapper *m, const pl_frame *frame)
{
    const pl_map_plan *plan = m->plan;
    if (!plan->outer_count || m->envelope == frame->envelope) return;
    pl_arena_reset(&m->around);
    m->envelope = frame->envelope;
    for (uint32_t i = 0; i < plan->outer_count; i++) {
        const pl_path *path = plan->outer[i];
        pl_span from = path->root == PL_ROOT_PARENT ? frame->parent : frame->document;
        m->outer[i] =
            from.bytes ? pl_dig(from, path->steps, path->count, &m->around) : (pl_slot){0};
    }
}

// One term: fill the cell, or note what is wrong.
static void apply_term(pl_mapper *m, const bound_rule *rule, const bound_term *term,
                       rule_state *state, bool *conflict)
{
    pl_slot slot = path_slot(m, &term->path);
    if (slot.kind == PL_SLOT_ABSENT || slot.kind == PL_SLOT_NULL) return;
    if (state->has_value && slot.raw.data == state->won) return;
    pl_cell cell;
    bool coerced;
    const char *why =
        pl_convert(&slot, rule->type, &term->term->parser, &m->scratch, &cell, &coerced);
    if (state->has_value) {
        if (why || !pl_cell_equal(&cell, &m->cells[rule->field]))
            *conflict = true;
        else if (is_whole(&term->path))
            m->taken[term->path.slot] = true;
        return;
    }
    if (why) {
        if (!state->why) *state = (rule_state){.why = why, .lost = slot, .lost_term = term};
        return;
    }
    m->cells[rule->field] = cell;
    state->has_value = true;
    state->won = slot.raw.data;
    if (state->lost.raw.data == state->won) state->why = NULL;
    if (is_whole(&term->path)) m->taken[term->path.slot] = true;
    if (coerced) flag(m, rule, FLAG_COERCED, &m->counts.coerced);
}

static uint64_t content_offset(const pl_frame *frame, pl_span inside)
{
    return frame->offset + (uint64_t)(inside.data - frame->text.data);
}

// The path as a person wrote it, for a reason: "likes: stats.likes is not a number".
static bool reject_lost(const bound_rule *rule, const rule_state *state, const pl_frame *frame,
                        pl_reject *out)
{
    char reason[192];
    pl_span path = state->lost_term->term->text;
    snprintf(reason, sizeof reason, "%.*s %s", (int)PL_MIN(path.bytes, (size_t)100), path.data,
             state->why);
    bool in_frame = state->lost.raw.data >= frame->text.data &&
                    state->lost.raw.data <= frame->text.data + frame->text.bytes;
    uint64_t at = in_frame ? content_offset(frame, state->lost.raw) : frame->offset;
    if (in_frame && state->lost.kind == PL_SLOT_STRING) at--;
    return reject(out, rule->column->field.name, at, state->lost.raw, reason);
}

// What most values are: one path, absent or a value of the column's own kind. False: the rule has
// to be applied in full. (An eighth of a run's CPU went into moving slots and cells about.)
static inline bool apply_plain(pl_mapper *m, const bound_rule *rule)
{
    if (!rule->plain) return false;
    const pl_slot *slot = &m->scanner.slots[rule->terms[0].path.slot];
    pl_value *value = &m->cells[rule->field].value;
    switch (slot->kind) {
    case PL_SLOT_ABSENT:
    case PL_SLOT_NULL:
        return !rule->required; // the cell is NULL already
    case PL_SLOT_INTEGER:
        if (!slot->has_long || rule->type->kind != PL_LONG) return false;
        value->i64 = slot->value;
        break;
    case PL_SLOT_STRING:
        if (slot->escaped || rule->type->kind != PL_STRING) return false;
        value->text = slot->raw;
        break;
    default:
        return false;
    }
    value->is_null = false;
    m->taken[rule->terms[0].path.slot] = true;
    return true;
}

static bool apply_rule(pl_mapper *m, const bound_rule *rule, const pl_frame *frame, pl_reject *out)
{
    rule_state state = {0};
    bool conflict = false, strict = rule->required || rule->column->critical;
    for (uint32_t t = 0; t < rule->term_count; t++) {
        const bound_term *term = &rule->terms[t];
        if (term->term->kind == PL_TERM_PATH) {
            apply_term(m, rule, term, &state, &conflict);
        } else if (!state.has_value && !(strict && state.why)) { // no default hides what is unfit
            m->cells[rule->field] = constant(m, term->term, rule->type, frame->index);
            state.has_value = !m->cells[rule->field].value.is_null;
        }
    }
    if (state.why && !state.has_value && strict) return reject_lost(rule, &state, frame, out);
    if (state.why) flag(m, rule, FLAG_LOST, &m->counts.lost);
    if (conflict) flag(m, rule, FLAG_CONFLICT, &m->counts.conflicts);
    if (!state.has_value && rule->required)
        return reject(out, rule->column->field.name, frame->offset, (pl_span){0},
                      "is required, and no path of its rule has a value");
    return true;
}

// Whether a wanted object above this slot goes to the rest as a whole.
static bool is_in_rest(const pl_mapper *m, uint32_t node)
{
    for (node = m->paths.nodes[node].parent; node != PL_PATH_ROOT;
         node = m->paths.nodes[node].parent) {
        int32_t slot = m->paths.nodes[node].slot;
        if (slot >= 0 && !m->taken[slot]) return true;
    }
    return false;
}

static int by_place(const void *a, const void *b)
{
    const pl_rest_entry *x = a, *y = b;
    return (x->value.data > y->value.data) - (x->value.data < y->value.data);
}

// Everything the record held and no column took, in the record's order.
static void collect_rest(pl_mapper *m, bool lost)
{
    pl_scanner *s = &m->scanner;
    bool drop = m->plan->mapping->drop_rest;
    if (drop && !lost) return;
    if (drop) s->rest_count = 0;
    uint32_t unmapped = s->rest_count;
    for (uint32_t i = 0; i < s->slot_count; i++) {
        const pl_slot *slot = &s->slots[i];
        if (slot->kind == PL_SLOT_ABSENT || m->taken[i]) continue;
        if (slot->kind == PL_SLOT_NULL && i < m->plan->rule_slots) continue;
        if (slot->node == PL_PATH_ROOT || is_in_rest(m, slot->node)) continue;
        const pl_path_node *node = &m->paths.nodes[slot->node];
        pl_span value = slot->raw;
        if (slot->kind == PL_SLOT_STRING) value = (pl_span){value.data - 1, value.bytes + 2};
        PL_GROW(s->rest, s->rest_count, s->rest_capacity);
        s->rest[s->rest_count++] = (pl_rest_entry){node->parent, slot->node, node->raw, value};
    }
    if (s->rest_count > unmapped) qsort(s->rest, s->rest_count, sizeof *s->rest, by_place);
    pl_rest_write(&m->rest, &m->paths, s->rest, s->rest_count);
}

static void fill_system(pl_mapper *m, const pl_frame *frame)
{
    const int32_t *at = m->plan->system;
    if (at[SYSTEM_OBJECT] >= 0)
        m->cells[at[SYSTEM_OBJECT]].value = (pl_value){.kind = PL_STRING, .text = m->object};
    if (at[SYSTEM_RECORD] >= 0)
        m->cells[at[SYSTEM_RECORD]].value =
            (pl_value){.kind = PL_LONG, .i64 = (int64_t)frame->index};
    if (at[SYSTEM_MAPPING] >= 0)
        m->cells[at[SYSTEM_MAPPING]].value = (pl_value){.kind = PL_INT, .i32 = m->plan->version};
    if (at[SYSTEM_FLAGS] >= 0)
        m->cells[at[SYSTEM_FLAGS]] =
            (pl_cell){.value = {.kind = PL_LIST, .is_null = !m->flag_count},
                      .elements = m->flags,
                      .count = m->flag_count};
    if (at[SYSTEM_REST] >= 0)
        m->cells[at[SYSTEM_REST]].value =
            (pl_value){.kind = PL_JSON, .is_null = !m->rest.count, .text = pl_buf_view(&m->rest)};
}

static bool scan(pl_mapper *m, const pl_frame *frame, pl_reject *out)
{
    static const char *const kinds[] = {"nothing",  "null",   "false",    "true",     "a number",
                                        "a number", "a text", "an array", "an object"};
    char reason[192];
    size_t start = pl_json_space(frame->text, 0);
    pl_span text = {frame->text.data + start, frame->text.bytes - start};
    if (!text.bytes || text.data[0] != '{') {
        pl_json_error error = pl_json_check(text);
        snprintf(reason, sizeof reason,
                 error.reason ? "not JSON: %s" : "a record must be an object, found %s",
                 error.reason ? error.reason : kinds[pl_slot_kind_of(text)]);
        return reject(out, (pl_span){0}, frame->offset + start + error.offset, (pl_span){0},
                      reason);
    }
    size_t end = pl_scan_record(&m->scanner, frame->text, start);
    pl_json_error error = m->scanner.error;
    if (end != SIZE_MAX) {
        end = pl_json_space(frame->text, end);
        if (end == frame->text.bytes) return true;
        error = (pl_json_error){"text follows the value", end};
    }
    snprintf(reason, sizeof reason, "not JSON: %s", error.reason);
    return reject(out, (pl_span){0}, frame->offset + error.offset, (pl_span){0}, reason);
}

// Whether `where` keeps the record that was scanned.
static bool is_kept(pl_mapper *m)
{
    const pl_mapping *mapping = m->plan->mapping;
    if (!mapping->where) return true;
    pl_slot values[PL_TESTS_MAX];
    for (uint32_t i = 0; i < mapping->where_tests; i++)
        values[i] = path_slot(m, &m->plan->tests[i]);
    return pl_map__where(mapping->where, values, &m->scratch);
}

static pl_mapped map_record(pl_mapper *m, const pl_frame *frame, pl_reject *ret_reject)
{
    pl_arena_reset(&m->scratch);
    pl_buf_reset(&m->rest);
    m->flag_count = 0;
    if (!frame->text.data) {
        reject(ret_reject, (pl_span){0}, frame->error_at, (pl_span){0}, frame->reason);
        return PL_MAPPED_REJECT;
    }
    if (frame->bytes > PL_RECORD_BYTES_MAX) {
        reject(ret_reject, (pl_span){0}, frame->offset, (pl_span){0},
               "a record is larger than 16 MiB");
        return PL_MAPPED_REJECT;
    }
    if (!scan(m, frame, ret_reject)) return PL_MAPPED_REJECT;
    look_around(m, frame);
    if (!is_kept(m)) return PL_MAPPED_FILTERED;
    memset(m->taken, 0, m->paths.slot_count);
    memcpy(m->cells, m->plan->empty, m->plan->schema->count * sizeof *m->cells);
    uint64_t lost = m->counts.lost + m->counts.conflicts;
    for (uint32_t r = 0; r < m->plan->rule_count; r++) {
        const bound_rule *rule = &m->plan->rules[r];
        if (!apply_plain(m, rule) && !apply_rule(m, rule, frame, ret_reject))
            return PL_MAPPED_REJECT;
    }
    collect_rest(m, m->counts.lost + m->counts.conflicts > lost);
    fill_system(m, frame);
    m->counts.duplicate_keys += m->scanner.duplicates;
    return PL_MAPPED_ROW;
}

pl_mapped pl_mapper_record(pl_mapper *m, const pl_frame *frame, pl_reject *ret_reject)
{
    pl_map_counts before = m->counts;
    pl_mapped what = map_record(m, frame, ret_reject);
    if (what != PL_MAPPED_ROW) m->counts = before; // only values of rows are counted
    m->counts.rows += what == PL_MAPPED_ROW;
    m->counts.rejected += what == PL_MAPPED_REJECT;
    m->counts.filtered += what == PL_MAPPED_FILTERED;
    return what;
}

const pl_cell *pl_mapper_cells(const pl_mapper *m)
{
    return m->cells;
}

static void append_cell(pl_column *column, const pl_cell *cell)
{
    if (!column->child || cell->value.is_null) {
        pl_column_append(column, &cell->value);
        return;
    }
    for (uint32_t i = 0; i < cell->count; i++) append_cell(column->child, &cell->elements[i]);
    pl_column_list(column);
}

void pl_mapper_append(const pl_mapper *m, pl_column *columns)
{
    for (uint32_t i = 0; i < m->plan->schema->count; i++) append_cell(&columns[i], &m->cells[i]);
}

const pl_map_counts *pl_mapper_counts(const pl_mapper *m)
{
    return &m->counts;
}

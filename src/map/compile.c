// SPDX-License-Identifier: Apache-2.0
#include "map/mapper_int.h"

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

static const char *const flag_names[FLAGS] = {"lost", "coerced", "conflict"};

pl_schema pl_map_schema(const pl_contract *contract, pl_arena *arena)
{
    pl_schema schema = {.count = contract->schema.count + PL_SYSTEM_COLUMNS};
    schema.fields = PL_TAKE(arena, pl_field, schema.count);
    memcpy(schema.fields, contract->schema.fields, contract->schema.count * sizeof(pl_field));
    memcpy(schema.fields + contract->schema.count, pl_system_fields, sizeof pl_system_fields);
    return schema;
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
void pl_map__want_paths(const pl_mapping *mapping, pl_paths *paths, pl_map_plan *plan)
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

static void bind_fill(bound_rule *rule)
{
    const bound_term *term = &rule->terms[0];
    if (rule->term_count != 1 || term->term->kind != PL_TERM_PATH ||
        !pl_map__is_whole(&term->path) || rule->bounds.rejects)
        return;
    bool natural = term->term->parser.kind == PL_PARSE_DEFAULT;
    bool iso = natural || term->term->parser.kind == PL_PARSE_ISO;
    rule->slot = term->path.slot;
    if (rule->type->kind == PL_LIST)
        rule->fill =
            natural && rule->type->element->kind == PL_STRING ? PL_FILL_TEXTS : PL_FILL_RULE;
    else if (natural && rule->type->kind == PL_STRING)
        rule->fill = PL_FILL_TEXT;
    else if (natural && rule->type->kind == PL_LONG)
        rule->fill = PL_FILL_LONG;
    else if (natural && rule->type->kind == PL_BOOLEAN)
        rule->fill = PL_FILL_BOOLEAN;
    else if (natural && rule->type->kind == PL_DOUBLE)
        rule->fill = PL_FILL_DOUBLE;
    else if (term->term->parser.kind == PL_PARSE_PERCENT && rule->type->kind == PL_DOUBLE)
        rule->fill = PL_FILL_PERCENT;
    else if (iso && rule->type->kind == PL_TIMESTAMP)
        rule->fill = PL_FILL_TIME;
    else
        rule->fill = PL_FILL_CONVERTED;
}

static bool is_time(pl_kind kind)
{
    return kind == PL_TIMESTAMP || kind == PL_DATE;
}

// The paths that say what a record is about: those of the key's columns that are no times. A key of
// a constant, the source's name for example, says nothing.
static void bind_keys(pl_map_plan *plan, pl_arena *arena)
{
    const pl_contract *contract = plan->mapping->contract;
    uint32_t terms = 0;
    for (uint32_t r = 0; r < plan->rule_count; r++) terms += plan->rules[r].term_count;
    plan->keys = PL_TAKE(arena, pl_watch_key, terms);
    for (uint32_t k = 0; k < contract->key_count; k++) {
        uint32_t column = contract->keys[k];
        if (is_time(contract->columns[column].field.type.kind)) continue;
        for (uint32_t r = 0; r < plan->rule_count; r++) {
            const bound_rule *rule = &plan->rules[r];
            if (plan->mapping->rules[r].column != column) continue;
            for (uint32_t t = 0; t < rule->term_count; t++)
                if (rule->terms[t].term->kind == PL_TERM_PATH &&
                    pl_map__is_whole(&rule->terms[t].path))
                    plan->keys[plan->key_count++] =
                        (pl_watch_key){column, rule->terms[t].path.slot};
        }
    }
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
        bound->bounds = pl_map__bounds(bound->column, bound->type, arena);
        for (int kind = 0; kind < FLAGS; kind++)
            bound->flags[kind].value = (pl_value){
                .kind = PL_STRING,
                .text = pl_span_of(pl_arena_printf(
                    arena, "%.*s:%s", PL_FMT(bound->column->field.name), flag_names[kind]))};
    }
    pl_paths paths;
    pl_paths_init(&paths);
    plan->tests = PL_TAKE(arena, pl_bound_path, mapping->where_tests);
    pl_map__want_paths(mapping, &paths, plan);
    pl_paths_done(&paths);
    bind_outer(plan, arena);
    for (uint32_t r = 0; r < plan->rule_count; r++) bind_fill(&plan->rules[r]);
    bind_keys(plan, arena);
    plan->arrays = PL_TAKE(arena, pl_framer_keys, 1 + mapping->inner_count);
    for (uint32_t i = 0; i <= mapping->inner_count; i++) {
        const pl_path *path = i ? &mapping->inner[i - 1] : &mapping->records;
        plan->arrays[i] = (pl_framer_keys){step_keys(path, arena), path->count};
    }
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
                                       .keys = plan->arrays[0].keys,
                                       .key_count = plan->arrays[0].count,
                                       .inner = plan->arrays + 1,
                                       .inner_count = plan->mapping->inner_count,
                                       .wants = plan->wants,
                                       .want_count = plan->want_count,
                                       .records_text = plan->records_text};
}

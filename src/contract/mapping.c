// SPDX-License-Identifier: Apache-2.0
#include "contract/mapping.h"

#include "contract/mapping_int.h"

static const char *const MAPPING_KEYS[] = {"source", "into",   "records", "where", "map",
                                           "rest",   "policy", "drift",   NULL};

// The value of a key that must be there.
static const pl_yaml *need(const pl_reading *reading, const pl_yaml *root, const char *key)
{
    const pl_yaml *node = pl_yaml_get(root, key);
    if (!node) pl_contract__mistake(reading, root, 0, "the mapping has no '%s'", key);
    return node;
}

static void read_source(const pl_reading *reading, const pl_yaml *root, pl_mapping *mapping)
{
    const pl_yaml *node = need(reading, root, "source");
    if (!node || !pl_contract__want(reading, node, PL_YAML_SCALAR, "source")) return;
    const char *reason = pl_name_check(node->text);
    if (reason)
        pl_contract__mistake(reading, node, 0, "source name '%.*s' %s", PL_FMT(node->text), reason);
    mapping->source = node->text;
}

static void read_into(const pl_reading *reading, const pl_yaml *root, pl_contract *const *contracts,
                      uint32_t contract_count, bool lenient, pl_mapping *mapping)
{
    const pl_yaml *node = need(reading, root, "into");
    if (!node || !pl_contract__want(reading, node, PL_YAML_SCALAR, "into")) return;
    mapping->table = node->text;
    for (uint32_t i = 0; i < contract_count; i++)
        if (pl_span_equal(contracts[i]->table, node->text)) mapping->contract = contracts[i];
    if (mapping->contract || lenient) return;
    pl_span *names = PL_TAKE(reading->arena, pl_span, contract_count);
    for (uint32_t i = 0; i < contract_count; i++) names[i] = contracts[i]->table;
    plumb_error *err = pl_contract__mistake(reading, node, 0, "no contract declares table '%.*s'",
                                            PL_FMT(node->text));
    pl_contract__choices(err, node->text, names, contract_count);
}

static plumb_status fail_records(plumb_error *err, size_t at, const char *reason)
{
    pl_fail(err, PLUMB_E_CONFIG, "%s", reason);
    if (err) err->column = (uint32_t)at + 1;
    return PLUMB_E_CONFIG;
}

// The keys that lead to one array of `records`, which stand at `at` in it.
static plumb_status parse_array(pl_span text, size_t at, pl_arena *arena, pl_path *ret_path,
                                plumb_error *err)
{
    plumb_status st = pl_path_parse(text, arena, ret_path, err);
    if (st != PLUMB_OK) {
        if (err) err->column = (uint32_t)at + PL_MAX(err->column, 1u);
        return st;
    }
    for (uint32_t i = 0; i < ret_path->count; i++)
        if (ret_path->steps[i].kind != PL_STEP_KEY)
            return fail_records(err, at,
                                "an index or look-up in records is not supported by this version");
    return PLUMB_OK;
}

plumb_status pl_records_parse(pl_span text, pl_arena *arena, pl_mapping *mapping, plumb_error *err)
{
    mapping->has_records = true;
    mapping->records_text = text;
    mapping->inner = PL_TAKE(arena, pl_path, PL_ARRAYS_MAX);
    if (text.bytes < 3 || memcmp(text.data + text.bytes - 2, "[]", 2) != 0) {
        fail_records(err, 0,
                     pl_arena_printf(arena, "records '%.*s' does not end in []", PL_FMT(text)));
        pl_hint(err, "Write records: data.list[], or $[] for documents that are arrays.");
        return PLUMB_E_CONFIG;
    }
    for (size_t at = 0; at < text.bytes;) {
        const char *end = memmem(text.data + at, text.bytes - at, "[]", 2);
        size_t bytes = (size_t)(end - text.data) - at;
        if (mapping->inner_count + 1 == PL_ARRAYS_MAX && at)
            return fail_records(
                err, 0, pl_arena_printf(arena, "records may have %d arrays", PL_ARRAYS_MAX));
        pl_path path = {0};
        bool top = at == 0 && bytes == 1 && text.data[0] == '$';
        if (at == 0 ? !top : bytes > 0)
            PL_TRY(parse_array(pl_span_make(text.data + at, bytes), at, arena, &path, err));
        if (at) {
            mapping->inner[mapping->inner_count++] = path;
        } else {
            mapping->records_top = top;
            mapping->records = path;
        }
        at += bytes + 2;
        if (at < text.bytes && text.data[at] == '.') at++;
    }
    return PLUMB_OK;
}

// records: arrays inside one another, each with [] behind it; the first may be $[].
static void read_records(const pl_reading *reading, const pl_yaml *root, pl_mapping *mapping)
{
    const pl_yaml *node = pl_yaml_get(root, "records");
    if (!node || !pl_contract__want(reading, node, PL_YAML_SCALAR, "records")) return;
    size_t from = 0;
    plumb_error err;
    pl_span text = pl_contract__cut(node->text, &from, node->text.bytes);
    if (pl_records_parse(text, reading->arena, mapping, &err) == PLUMB_OK) return;
    plumb_error *mistake = pl_contract__mistake(
        reading, node, from + (err.column ? err.column - 1 : 0), "%s", err.message);
    if (err.hint[0]) pl_hint(mistake, "%s", err.hint);
}

void pl_contract__no_column(const pl_reading *reading, const pl_yaml *key,
                            const pl_contract *contract)
{
    pl_span *names = PL_TAKE(reading->arena, pl_span, contract->column_count);
    for (uint32_t i = 0; i < contract->column_count; i++)
        names[i] = contract->columns[i].field.name;
    plumb_error *err = pl_contract__mistake(reading, key, 0, "table '%.*s' has no column '%.*s'",
                                            PL_FMT(contract->table), PL_FMT(key->text));
    pl_contract__choices(err, key->text, names, contract->column_count);
}

// Required columns that no rule fills: one mistake for all of them.
static void check_required(const pl_reading *reading, const pl_yaml *map, const pl_mapping *mapping)
{
    pl_buf missing = {0};
    uint32_t count = 0;
    for (uint32_t i = 0; i < mapping->contract->column_count; i++) {
        const pl_field *field = &mapping->contract->columns[i].field;
        bool has = false;
        for (const pl_yaml *node = map->first; node && field->required && !has; node = node->next)
            has = pl_span_equal(node->key->text, field->name);
        if (!field->required || has) continue;
        pl_buf_printf(&missing, "%s%.*s", count++ ? ", " : "", PL_FMT(field->name));
    }
    if (count)
        pl_contract__mistake(reading, map->key ? map->key : map, 0,
                             "required column%s without a rule: %.*s", count > 1 ? "s" : "",
                             PL_FMT(pl_buf_view(&missing)));
    pl_buf_done(&missing);
}

static void read_map(const pl_reading *reading, const pl_yaml *root, pl_mapping *mapping)
{
    const pl_yaml *map = need(reading, root, "map");
    if (!map || !pl_contract__want(reading, map, PL_YAML_MAP, "map")) return;
    const pl_contract *contract = mapping->contract;
    mapping->rules = PL_TAKE(reading->arena, pl_rule, map->count);
    for (const pl_yaml *node = map->first; node; node = node->next) {
        int index = contract ? pl_contract_find(contract, node->key->text) : 0;
        if (index < 0) pl_contract__no_column(reading, node->key, contract);
        pl_rule *rule = &mapping->rules[mapping->rule_count];
        rule->column = index < 0 ? 0 : (uint32_t)index;
        const pl_contract_column *column =
            contract && index >= 0 ? &contract->columns[index] : NULL;
        if (pl_contract__rule(reading, node, column, rule)) mapping->rule_count++;
    }
    if (contract) check_required(reading, map, mapping);
}

static bool reaches_out(const pl_where *where)
{
    return where && (where->path.root != PL_ROOT_RECORD || reaches_out(where->left) ||
                     reaches_out(where->right));
}

// $parent and $doc mean something only around records.
static void check_roots(const pl_reading *reading, const pl_yaml *root, const pl_mapping *mapping)
{
    static const char mistake[] = "$parent and $doc need records: without it the document is the "
                                  "record";
    if (mapping->has_records) return;
    for (uint32_t r = 0; r < mapping->rule_count; r++)
        for (uint32_t t = 0; t < mapping->rules[r].term_count; t++) {
            const pl_term *term = &mapping->rules[r].terms[t];
            if (term->kind == PL_TERM_PATH && term->path.root != PL_ROOT_RECORD)
                pl_problem(reading->problems, reading->file, term->line, term->column, "%s",
                           mistake);
        }
    if (reaches_out(mapping->where))
        pl_contract__mistake(reading, pl_yaml_get(root, "where"), 0, "%s", mistake);
}

static void read_rest(const pl_reading *reading, const pl_yaml *root, pl_mapping *mapping)
{
    static const char *const rests[] = {"keep", "drop", NULL};
    const pl_yaml *node = pl_yaml_get(root, "rest");
    mapping->drop_rest = mapping->contract && mapping->contract->drop_rest;
    if (!node || !pl_contract__want(reading, node, PL_YAML_SCALAR, "rest")) return;
    int which = pl_contract__word(node->text, rests);
    if (which < 0)
        pl_contract__words(
            pl_contract__mistake(reading, node, 0, "unknown rest '%.*s'", PL_FMT(node->text)),
            node->text, rests);
    mapping->drop_rest = which == 1;
}

pl_mapping *pl_contract__mapping(const pl_reading *reading, pl_span text,
                                 pl_contract *const *contracts, uint32_t contract_count,
                                 bool lenient)
{
    const pl_problems *problems = reading->problems;
    uint32_t before = problems->count + problems->dropped;
    pl_mapping *mapping = PL_TAKE(reading->arena, pl_mapping, 1);
    *mapping = (pl_mapping){.file = reading->file,
                            .text = text,
                            .source = PL_SPAN(""),
                            .table = PL_SPAN(""),
                            .records_text = PL_SPAN("")};
    const pl_yaml *root = pl_yaml_compose(reading->file, text, reading->arena, reading->problems);
    if (root) root = pl_contract__want(reading, root, PL_YAML_MAP, "a mapping");
    if (!root) return NULL;
    pl_contract__check_keys(reading, root, MAPPING_KEYS);
    read_source(reading, root, mapping);
    read_into(reading, root, contracts, contract_count, lenient, mapping);
    read_records(reading, root, mapping);
    const pl_yaml *where = pl_yaml_get(root, "where");
    if (where && pl_contract__want(reading, where, PL_YAML_SCALAR, "where"))
        mapping->where = pl_contract__where(reading, where, &mapping->where_tests);
    read_map(reading, root, mapping);
    check_roots(reading, root, mapping);
    read_rest(reading, root, mapping);
    pl_contract__drift(reading, root, &mapping->drift, mapping);
    bool good = problems->count + problems->dropped == before && mapping->contract;
    return good ? mapping : NULL;
}

pl_mapping *pl_mapping_parse(const char *file, pl_span text, pl_contract *const *contracts,
                             uint32_t contract_count, pl_arena *arena, pl_problems *problems,
                             pl_problems *warnings)
{
    pl_reading reading = {file, arena, problems, warnings};
    return pl_contract__mapping(&reading, text, contracts, contract_count, false);
}

const pl_rule *pl_mapping_rule(const pl_mapping *mapping, uint32_t column)
{
    for (uint32_t i = 0; i < mapping->rule_count; i++)
        if (mapping->rules[i].column == column) return &mapping->rules[i];
    return NULL;
}

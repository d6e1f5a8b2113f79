// SPDX-License-Identifier: Apache-2.0
#include "contract/mapping_int.h"
#include "contract/propose.h"
#include "json/text.h"
#include "json/writer.h"

// As shapes write keys: what is no word is quoted.
static bool is_word(pl_span key)
{
    for (size_t i = 0; i < key.bytes; i++) {
        char c = key.data[i], lower = (char)(c | 32);
        bool letter = (lower >= 'a' && lower <= 'z') || c == '_';
        if (!letter && (i == 0 || !((c >= '0' && c <= '9') || c == '-'))) return false;
    }
    return key.bytes > 0;
}

void pl_contract__shape_text(pl_buf *out, const pl_path *path)
{
    static const char *const roots[] = {"$", "$parent", "$doc"};
    pl_buf_text(out, roots[path->root]);
    for (uint32_t i = 0; i < path->count; i++) {
        const pl_step *step = &path->steps[i];
        if (step->kind != PL_STEP_KEY) {
            pl_buf_text(out, "[*]");
        } else if (is_word(step->key)) {
            pl_buf_char(out, '.');
            pl_buf_span(out, step->key);
        } else {
            pl_buf_char(out, '[');
            pl_json_quote(out, step->key);
            pl_buf_char(out, ']');
        }
    }
}

// One step behind *at: .key, ["key"] or [*].
static bool take_step(pl_span text, size_t *at, pl_arena *arena, pl_step *step)
{
    size_t i = *at + 1;
    *step = (pl_step){.key = PL_SPAN(""), .lookup_key = PL_SPAN(""), .lookup_value = PL_SPAN("")};
    if (text.data[*at] == '.') {
        while (i < text.bytes && text.data[i] != '.' && text.data[i] != '[') i++;
        step->key = pl_span_make(text.data + *at + 1, i - *at - 1);
        *at = i;
        return step->key.bytes > 0;
    }
    if (text.data[*at] != '[' || i + 1 >= text.bytes) return false;
    if (text.data[i] == '*') {
        step->kind = PL_STEP_INDEX;
        step->index = PL_STEP_ANY;
        i++;
    } else {
        pl_json_error problem;
        bool escaped;
        size_t end =
            text.data[i] == '"' ? pl_json_skip_string(text, i, &escaped, &problem) : SIZE_MAX;
        if (end == SIZE_MAX) return false;
        step->key = pl_json_unescaped(arena, pl_span_make(text.data + i + 1, end - i - 2));
        i = end;
    }
    *at = i + 1;
    return i < text.bytes && text.data[i] == ']';
}

bool pl_contract__shape_path(pl_span text, pl_arena *arena, pl_path *ret_path)
{
    static const pl_span roots[] = {{"$", 1}, {"$parent", 7}, {"$doc", 4}};
    uint32_t root = PL_COUNT(roots);
    size_t at = 0;
    for (uint32_t i = 0; i < PL_COUNT(roots); i++) {
        size_t bytes = roots[i].bytes;
        if (!pl_span_starts(text, roots[i])) continue;
        if (bytes < text.bytes && text.data[bytes] != '.' && text.data[bytes] != '[') continue;
        root = i;
        at = bytes;
    }
    if (root == PL_COUNT(roots)) return false;
    pl_path path = {.root = (pl_root)root, .steps = PL_TAKE(arena, pl_step, PL_STEPS_MAX)};
    while (at < text.bytes) {
        if (path.count == PL_STEPS_MAX) return false;
        if (!take_step(text, &at, arena, &path.steps[path.count++])) return false;
    }
    *ret_path = path;
    return true;
}

static bool same_step(const pl_step *a, const pl_step *b)
{
    if (a->kind != PL_STEP_KEY || b->kind != PL_STEP_KEY)
        return a->kind != PL_STEP_KEY && b->kind != PL_STEP_KEY;
    return pl_span_equal(a->key, b->key);
}

pl_path pl_contract__records_path(const pl_mapping *mapping, pl_arena *arena)
{
    uint32_t count = mapping->records.count + 1;
    for (uint32_t i = 0; i < mapping->inner_count; i++) count += mapping->inner[i].count + 1;
    pl_path path = {.root = PL_ROOT_DOCUMENT, .steps = PL_TAKE(arena, pl_step, count)};
    for (uint32_t i = 0; i <= mapping->inner_count; i++) {
        const pl_path *part = i ? &mapping->inner[i - 1] : &mapping->records;
        for (uint32_t s = 0; s < part->count; s++) path.steps[path.count++] = part->steps[s];
        path.steps[path.count++] = (pl_step){.kind = PL_STEP_INDEX, .index = PL_STEP_ANY};
    }
    return path;
}

// How many of its steps lead to the object that holds the innermost array.
static uint32_t holder_steps(const pl_mapping *mapping, const pl_path *records)
{
    const pl_path *last =
        mapping->inner_count ? &mapping->inner[mapping->inner_count - 1] : &mapping->records;
    return records->count - 1 - (last->count > 0);
}

pl_path pl_contract__absolute(const pl_mapping *mapping, const pl_path *path, pl_arena *arena)
{
    if (path->root != PL_ROOT_PARENT) return *path;
    pl_path made = pl_contract__records_path(mapping, arena);
    uint32_t holder = holder_steps(mapping, &made), count = holder + path->count;
    pl_step *steps = PL_TAKE(arena, pl_step, count);
    memcpy(steps, made.steps, holder * sizeof *steps);
    memcpy(steps + holder, path->steps, path->count * sizeof *steps);
    return (pl_path){PL_ROOT_DOCUMENT, steps, count};
}

pl_path pl_contract__from_parent(const pl_mapping *mapping, const pl_path *path, pl_arena *arena)
{
    pl_path records = pl_contract__records_path(mapping, arena);
    uint32_t holder = holder_steps(mapping, &records), i = 0;
    if (path->root != PL_ROOT_DOCUMENT || path->count <= holder) return *path;
    while (i < holder && same_step(&records.steps[i], &path->steps[i])) i++;
    if (i < holder) return *path;
    return (pl_path){PL_ROOT_PARENT, path->steps + holder, path->count - holder};
}

pl_reach pl_contract__reach(const pl_path *read, const pl_path *path)
{
    if (read->root != path->root) return PL_REACH_NONE;
    uint32_t common = PL_MIN(read->count, path->count), i = 0;
    while (i < common && same_step(&read->steps[i], &path->steps[i])) i++;
    if (i == common) return read->count < path->count ? PL_REACH_AROUND : PL_REACH_HERE;
    // The key by which a look-up finds its element.
    const pl_step *step = i ? &read->steps[i - 1] : NULL;
    bool found_by = step && step->kind == PL_STEP_LOOKUP && i + 1 == path->count &&
                    path->steps[i].kind == PL_STEP_KEY &&
                    pl_span_equal(step->lookup_key, path->steps[i].key);
    return found_by ? PL_REACH_KEY : PL_REACH_NONE;
}

void pl_rule_shape_paths(const pl_mapping *mapping, const pl_rule *rule, pl_arena *arena,
                         pl_rule_path **ret_paths, uint32_t *ret_count)
{
    pl_rule_path *paths = PL_TAKE(arena, pl_rule_path, rule->term_count);
    pl_buf text = {0};
    uint32_t count = 0;
    for (uint32_t t = 0; t < rule->term_count; t++) {
        if (rule->terms[t].kind != PL_TERM_PATH) continue;
        pl_path path = pl_contract__absolute(mapping, &rule->terms[t].path, arena);
        pl_buf_reset(&text);
        pl_contract__shape_text(&text, &path);
        paths[count++] = (pl_rule_path){pl_arena_copy(arena, pl_buf_view(&text)), t};
    }
    pl_buf_done(&text);
    *ret_paths = paths;
    *ret_count = count;
}

// The path of the words by which the first look-up of a term finds its element, as shapes write it.
static bool words_path(const pl_term *term, pl_buf *out, pl_span *ret_word)
{
    const pl_path *path = &term->path;
    uint32_t i = 0;
    if (term->kind != PL_TERM_PATH || path->root != PL_ROOT_RECORD) return false;
    while (i < path->count && path->steps[i].kind != PL_STEP_LOOKUP) i++;
    if (i == path->count) return false;
    pl_step last = {.kind = PL_STEP_KEY, .key = path->steps[i].lookup_key};
    *ret_word = path->steps[i].lookup_value;
    pl_buf_reset(out);
    pl_contract__shape_text(out, &(pl_path){PL_ROOT_RECORD, path->steps, i + 1});
    pl_buf key = {0};
    pl_contract__shape_text(&key, &(pl_path){PL_ROOT_RECORD, &last, 1});
    pl_buf_span(out, pl_span_make(key.data + 1, key.count - 1));
    pl_buf_done(&key);
    return true;
}

uint32_t pl_rule_words(const pl_rule *rule, pl_arena *arena, pl_span *ret_path, pl_span **ret_words)
{
    pl_span *words = PL_TAKE(arena, pl_span, rule->term_count), word;
    uint32_t count = 0;
    pl_buf text = {0};
    for (uint32_t t = 0; t < rule->term_count; t++) {
        if (!words_path(&rule->terms[t], &text, &word)) continue;
        if (!count) *ret_path = pl_arena_copy(arena, pl_buf_view(&text));
        if (pl_span_equal(pl_buf_view(&text), *ret_path)) words[count++] = word;
    }
    pl_buf_done(&text);
    *ret_words = words;
    return count;
}

static bool shape_path(const pl_mapping *mapping, pl_span text, pl_arena *arena, pl_path *ret_path)
{
    if (!pl_contract__shape_path(text, arena, ret_path)) return false;
    *ret_path = pl_contract__absolute(mapping, ret_path, arena);
    return true;
}

// How a path that the mapping reads reaches one of a shape.
static pl_reach reach(const pl_mapping *mapping, const pl_path *read, const pl_path *path,
                      pl_arena *arena)
{
    pl_path absolute = pl_contract__absolute(mapping, read, arena);
    return pl_contract__reach(&absolute, path);
}

static bool rule_reads(const pl_mapping *mapping, const pl_rule *rule, const pl_path *path,
                       pl_arena *arena)
{
    for (uint32_t t = 0; t < rule->term_count; t++)
        if (rule->terms[t].kind == PL_TERM_PATH &&
            reach(mapping, &rule->terms[t].path, path, arena) >= PL_REACH_HERE)
            return true;
    return false;
}

void pl_mapping_columns_of(const pl_mapping *mapping, pl_span path, pl_arena *arena,
                           uint32_t **ret_columns, uint32_t *ret_count)
{
    uint32_t *columns = PL_TAKE(arena, uint32_t, mapping->contract->column_count);
    uint32_t count = 0;
    pl_path wanted;
    if (shape_path(mapping, path, arena, &wanted))
        for (uint32_t i = 0; i < mapping->contract->column_count; i++) {
            const pl_rule *rule = pl_mapping_rule(mapping, i);
            if (rule && rule_reads(mapping, rule, &wanted, arena)) columns[count++] = i;
        }
    *ret_columns = columns;
    *ret_count = count;
}

bool pl_mapping_takes_whole(const pl_mapping *mapping, pl_span path, pl_arena *arena)
{
    pl_path wanted;
    if (!shape_path(mapping, path, arena, &wanted)) return false;
    for (uint32_t r = 0; r < mapping->rule_count; r++)
        for (uint32_t t = 0; t < mapping->rules[r].term_count; t++) {
            const pl_term *term = &mapping->rules[r].terms[t];
            if (term->kind == PL_TERM_PATH &&
                reach(mapping, &term->path, &wanted, arena) == PL_REACH_AROUND)
                return true;
        }
    return false;
}

static bool where_reads(const pl_mapping *mapping, const pl_where *where, const pl_path *path,
                        pl_arena *arena)
{
    if (!where) return false;
    if (where->kind == PL_WHERE_NOT || where->kind == PL_WHERE_AND || where->kind == PL_WHERE_OR)
        return where_reads(mapping, where->left, path, arena) ||
               where_reads(mapping, where->right, path, arena);
    return reach(mapping, &where->path, path, arena) >= PL_REACH_HERE;
}

bool pl_contract__where_reads(const pl_mapping *mapping, const pl_path *path, pl_arena *arena)
{
    return where_reads(mapping, mapping->where, path, arena);
}

bool pl_mapping_selects_by(const pl_mapping *mapping, pl_span path, pl_arena *arena)
{
    pl_path wanted;
    if (!shape_path(mapping, path, arena, &wanted)) return false;
    if (pl_contract__where_reads(mapping, &wanted, arena)) return true;
    if (!mapping->has_records) return false;
    pl_path records = pl_contract__records_path(mapping, arena);
    return pl_contract__reach(&records, &wanted) >= PL_REACH_HERE;
}

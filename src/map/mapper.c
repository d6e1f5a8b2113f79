// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <stdlib.h>

#include "map/mapper_int.h"

pl_mapper *pl_mapper_new(const pl_map_plan *plan)
{
    pl_mapper *m = pl_zalloc(1, sizeof *m);
    m->plan = plan;
    pl_paths_init(&m->paths);
    pl_map__want_paths(plan->mapping, &m->paths, NULL);
    pl_scanner_init(&m->scanner, &m->paths);
    m->columns = pl_zalloc(plan->schema->count, sizeof *m->columns);
    for (uint32_t i = 0; i < plan->schema->count; i++)
        pl_column_init(&m->columns[i], &plan->schema->fields[i].type);
    m->fills = pl_map__fills(m);
    m->outer = pl_zalloc(plan->outer_count, sizeof *m->outer);
    m->taken = pl_zalloc(m->paths.slot_count, sizeof *m->taken);
    uint32_t columns = plan->mapping->contract->column_count;
    m->lost = pl_zalloc(columns, sizeof *m->lost);
    m->filled = pl_zalloc(columns, sizeof *m->filled);
    m->outside = pl_zalloc(columns, sizeof *m->outside);
    m->conflicts = pl_zalloc(columns, sizeof *m->conflicts);
    return m;
}

void pl_mapper_free(pl_mapper *m)
{
    if (!m) return;
    pl_watch_free(m->watch);
    pl_scanner_done(&m->scanner);
    pl_paths_done(&m->paths);
    pl_arena_done(&m->scratch);
    pl_buf_done(&m->rest);
    for (uint32_t i = 0; i < m->plan->schema->count; i++) pl_column_done(&m->columns[i]);
    free(m->columns);
    free(m->fills);
    free(m->taken);
    free(m->lost);
    free(m->filled);
    free(m->outside);
    free(m->conflicts);
    free(m->met);
    free(m->flaws);
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

pl_watch *pl_mapper_observe(pl_mapper *m, pl_watch_task *task)
{
    return m->watch = pl_watch_new(&m->scanner, m->plan->keys, m->plan->key_count, task);
}

pl_watch *pl_mapper_watch(const pl_mapper *m)
{
    return m->watch;
}

void pl_mapper_envelopes(pl_mapper *m, const pl_frames *frames)
{
    for (uint32_t i = 0; m->watch && i < frames->envelope_count; i++) {
        const pl_envelope *one = &frames->envelopes[i];
        pl_span text = pl_span_make(frames->outside.data + one->at, one->bytes);
        pl_watch_around(m->watch, m->plan->arrays, one->array, one->number, text);
    }
}

static void take(uint64_t *into, uint64_t *from, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) into[i] += from[i];
    memset(from, 0, count * sizeof *from);
}

void pl_mapper_tally(pl_mapper *m, pl_map_tally *into)
{
    uint32_t count = m->plan->mapping->contract->column_count;
    pl_map__tally(m);
    take(into->filled, m->filled, count);
    take(into->lost, m->lost, count);
    take(into->outside, m->outside, count);
    for (uint32_t i = 0; i < count && m->conflicted; i++)
        pl_map_conflict_add(&into->conflicts[i], &m->conflicts[i]);
    if (m->conflicted) memset(m->conflicts, 0, count * sizeof *m->conflicts);
    m->conflicted = false;
    take(&into->rows, &m->tallied_rows, 1);
    take(&into->flawed, &m->tallied_flawed, 1);
}

void pl_map_conflict_add(pl_map_conflict *into, const pl_map_conflict *from)
{
    uint64_t rows = into->rows + from->rows;
    int order = strcmp(from->object, into->object);
    if (from->rows && (!into->rows || order < 0 || (order == 0 && from->record < into->record)))
        *into = *from;
    into->rows = rows;
}

// `text` cut to fit and at a code point.
static void sample_set(char *sample, size_t room, pl_span text)
{
    size_t bytes = PL_MIN(text.bytes, room - 16);
    while (bytes && bytes < text.bytes && ((uint8_t)text.data[bytes] & 0xC0) == 0x80) bytes--;
    snprintf(sample, room, "%.*s%s", (int)bytes, text.data, bytes < text.bytes ? "..." : "");
}

static bool reject(pl_reject *out, pl_span column, uint64_t error_at, pl_span sample,
                   const char *reason)
{
    *out = (pl_reject){.column = column, .error_at = error_at};
    snprintf(out->reason, sizeof out->reason, "%s", reason);
    sample_set(out->sample, sizeof out->sample, sample);
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
    pl_cell cell;
    const char *won; // where the value stands in the record: other readings of it say nothing new
    const char *why; // of the first value that did not fit
    pl_slot lost;    // that value
    const bound_term *lost_term;
    met_conflict met; // other_term NULL: none
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
                       rule_state *state)
{
    pl_slot slot = path_slot(m, &term->path);
    if (slot.kind == PL_SLOT_ABSENT || slot.kind == PL_SLOT_NULL) return;
    if (state->has_value && slot.raw.data == state->won) return;
    pl_cell cell;
    bool coerced;
    const char *why =
        pl_convert(&slot, rule->type, &term->term->parser, &m->scratch, &cell, &coerced);
    if (!why && rule->bounds.rejects && !cell.value.is_null &&
        pl_map__is_outside(&rule->bounds, &cell.value))
        why = rule->bounds.reason;
    if (state->has_value) {
        bool differs = why || !pl_cell_equal(&cell, &state->cell);
        if (differs && !state->met.other_term) {
            state->met.other_term = term;
            state->met.other = slot;
        } else if (!differs && pl_map__is_whole(&term->path))
            m->taken[term->path.slot] = true;
        return;
    }
    if (why) {
        if (!state->why) {
            state->why = why;
            state->lost = slot;
            state->lost_term = term;
        }
        return;
    }
    state->cell = cell;
    state->has_value = true;
    state->won = slot.raw.data;
    state->met.won_term = term;
    state->met.won = slot;
    if (state->lost.raw.data == state->won) state->why = NULL;
    if (pl_map__is_whole(&term->path)) m->taken[term->path.slot] = true;
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

static bool apply_rule(pl_mapper *m, const bound_rule *rule, const pl_frame *frame, pl_reject *out)
{
    rule_state state = {.cell.value = {.kind = rule->type->kind, .is_null = true}};
    bool strict = rule->required || rule->column->critical;
    for (uint32_t t = 0; t < rule->term_count; t++) {
        const bound_term *term = &rule->terms[t];
        if (term->term->kind == PL_TERM_PATH) {
            apply_term(m, rule, term, &state);
        } else if (!state.has_value && !(strict && state.why)) { // no default hides what is unfit
            state.cell = constant(m, term->term, rule->type, frame->index);
            state.has_value = !state.cell.value.is_null;
        }
    }
    if (state.why || (!state.has_value && rule->required))
        m->lost[rule->column - m->plan->mapping->contract->columns]++;
    if (state.why && !state.has_value && strict) return reject_lost(rule, &state, frame, out);
    if (state.why) flag(m, rule, FLAG_LOST, &m->counts.lost);
    if (state.met.other_term) {
        flag(m, rule, FLAG_CONFLICT, &m->counts.conflicts);
        state.met.rule = rule;
        PL_GROW(m->met, m->met_count, m->met_capacity);
        m->met[m->met_count++] = state.met;
    }
    if (!state.has_value && rule->required)
        return reject(out, rule->column->field.name, frame->offset, (pl_span){0},
                      "is required, and no path of its rule has a value");
    pl_map__put(m, rule->field, &state.cell);
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
        uint32_t at = s->nodes[i];
        if (at == PL_PATH_ROOT || is_in_rest(m, at)) continue;
        const pl_path_node *node = &m->paths.nodes[at];
        pl_span value = slot->raw;
        if (slot->kind == PL_SLOT_STRING) value = (pl_span){value.data - 1, value.bytes + 2};
        PL_GROW(s->rest, s->rest_count, s->rest_capacity);
        s->rest[s->rest_count++] = (pl_rest_entry){node->parent, at, pl_path_raw(node), value};
    }
    if (s->rest_count > unmapped) qsort(s->rest, s->rest_count, sizeof *s->rest, by_place);
    pl_rest_write(&m->rest, &m->paths, s->rest, s->rest_count);
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
    m->met_count = 0;
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
    if (m->watch) pl_watch_record(m->watch, frame->text);
    look_around(m, frame);
    if (m->plan->mapping->where && !is_kept(m)) return PL_MAPPED_FILTERED;
    memset(m->taken, 0, m->paths.slot_count);
    pl_map__row(m, frame->text);
    uint64_t lost = m->counts.lost, conflicts = m->counts.conflicts;
    for (uint32_t r = 0; (r = pl_map__fill(m, r)) < m->plan->rule_count; r++)
        if (!apply_rule(m, &m->plan->rules[r], frame, ret_reject)) return PL_MAPPED_REJECT;
    m->flawed = m->counts.lost > lost;
    collect_rest(m, m->flawed || m->counts.conflicts > conflicts);
    pl_map__system(m, frame->index);
    m->counts.duplicate_keys += m->scanner.duplicates;
    return PL_MAPPED_ROW;
}

static void met_text(char *text, size_t room, const pl_slot *slot)
{
    pl_span raw = slot->raw;
    bool quoted = slot->kind == PL_SLOT_STRING && raw.bytes + 2 <= room - 16;
    if (quoted)
        snprintf(text, room, "\"%.*s\"", PL_FMT(raw));
    else
        sample_set(text, room, raw);
}

// The record is a row: its conflicts count.
static void count_conflicts(pl_mapper *m, uint64_t record)
{
    const pl_contract *contract = m->plan->mapping->contract;
    for (uint32_t i = 0; i < m->met_count; i++) {
        const met_conflict *met = &m->met[i];
        pl_map_conflict *count = &m->conflicts[met->rule->column - contract->columns];
        m->conflicted = true;
        if (count->rows++) continue;
        snprintf(count->object, sizeof count->object, "%.*s", PL_FMT(m->object));
        count->record = record;
        count->won = met->won_term ? (uint32_t)(met->won_term - met->rule->terms) : 0;
        count->other = (uint32_t)(met->other_term - met->rule->terms);
        met_text(count->won_text, sizeof count->won_text, &met->won);
        met_text(count->other_text, sizeof count->other_text, &met->other);
    }
}

pl_mapped pl_mapper_record(pl_mapper *m, const pl_frame *frame, pl_reject *ret_reject)
{
    pl_map_counts before = m->counts;
    pl_mapped what = map_record(m, frame, ret_reject);
    if (what != PL_MAPPED_ROW)
        m->counts = before; // only values of rows are counted
    else if (m->met_count)
        count_conflicts(m, frame->index);
    m->counts.rows += what == PL_MAPPED_ROW;
    m->counts.rejected += what == PL_MAPPED_REJECT;
    m->counts.filtered += what == PL_MAPPED_FILTERED;
    return what;
}

const pl_map_counts *pl_mapper_counts(const pl_mapper *m)
{
    return &m->counts;
}

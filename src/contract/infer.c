// SPDX-License-Identifier: Apache-2.0
#include "contract/infer.h"

#include <stdlib.h>

#include "base/hash.h"
#include "base/number.h"
#include "contract/infer_int.h"

#define SEEN_IDS_MAX    2000000 // distinct values followed where a name looks like an id
#define SEEN_VALUES_MAX 1000    // elsewhere
#define SEEN_DAYS_MAX   4000

// Instants of our time, 2000 to 2100, in seconds.
static const int64_t EPOCH_MIN = 946684800, EPOCH_MAX = 4102444800;

static pl_draft *new_draft(pl_infer *self, pl_draft *parent, pl_span key)
{
    pl_draft *draft = PL_TAKE(&self->arena, pl_draft, 1);
    draft->key = pl_arena_copy(&self->arena, key);
    draft->snake = pl_contract__snake(&self->arena, key);
    draft->parent = parent;
    draft->depth = parent ? parent->depth + 1 : 0;
    draft->below_array = parent && parent->below_array;
    draft->long_fits = draft->double_fits = draft->epoch_fits = true;
    draft->classes = UINT32_MAX;
    draft->min_text = draft->max_text = PL_SPAN("");
    draft->time_min = INT64_MAX;
    draft->time_max = INT64_MIN;
    self->nodes++;
    return draft;
}

static void add_seen(pl_seen *seen, uint64_t hash, uint32_t max)
{
    if (seen->full) return;
    if (seen->count * 2 >= seen->capacity) {
        uint32_t capacity = seen->capacity ? seen->capacity * 2 : 16;
        uint64_t *slots = pl_zalloc(capacity, sizeof *slots);
        for (uint32_t i = 0; i < seen->capacity; i++) {
            uint64_t old = seen->slots[i], at = old & (capacity - 1);
            if (!old) continue;
            while (slots[at]) at = (at + 1) & (capacity - 1);
            slots[at] = old;
        }
        free(seen->slots);
        seen->slots = slots;
        seen->capacity = capacity;
    }
    if (!hash) hash = 1;
    uint64_t at = hash & (seen->capacity - 1);
    while (seen->slots[at] && seen->slots[at] != hash) at = (at + 1) & (seen->capacity - 1);
    if (seen->slots[at]) {
        seen->repeats = true;
        return;
    }
    seen->slots[at] = hash;
    if (++seen->count < max) return;
    seen->full = true;
    free(seen->slots);
    seen->slots = NULL;
}

static void add_time(pl_draft *draft, int64_t micros)
{
    draft->time_min = PL_MIN(draft->time_min, micros);
    draft->time_max = PL_MAX(draft->time_max, micros);
    uint64_t day = (uint64_t)pl_floor_div(micros, PL_MICROS_PER_DAY) + (UINT64_C(1) << 40);
    add_seen(&draft->days, day * UINT64_C(0x9E3779B97F4A7C15), SEEN_DAYS_MAX);
}

// The instant a number is by its magnitude, as parse(epoch) reads it.
static bool epoch_micros(const pl_number *number, int64_t *ret_micros)
{
    int64_t digits = number->count + number->exponent;
    int shift = digits <= 11 ? 6 : digits <= 14 ? 3 : digits <= 17 ? 0 : -3;
    return pl_number_long(number, shift, ret_micros) == PL_NUMBER_OK &&
           *ret_micros >= EPOCH_MIN * PL_MICROS_PER_SECOND &&
           *ret_micros < EPOCH_MAX * PL_MICROS_PER_SECOND;
}

static void observe_number(pl_infer *self, pl_draft *draft, pl_span text)
{
    pl_number number;
    int64_t whole, micros;
    double value = 0;
    if (pl_number_parse(text, &number) != PL_NUMBER_OK) return;
    bool integer = !memchr(text.data, '.', text.bytes) && !memchr(text.data, 'e', text.bytes) &&
                   !memchr(text.data, 'E', text.bytes);
    draft->seen[integer ? PL_DRAFT_INT : PL_DRAFT_FLOAT]++;
    if (pl_number_long(&number, 0, &whole) != PL_NUMBER_OK) draft->long_fits = false;
    if (pl_number_double(&number, 0, &value) != PL_NUMBER_OK) {
        draft->double_fits = false;
        return;
    }
    if (draft->epoch_fits && epoch_micros(&number, &micros))
        add_time(draft, micros);
    else
        draft->epoch_fits = false;
    bool first = draft->min_text.bytes == 0;
    if (first || value < draft->number_min) {
        draft->number_min = value;
        draft->min_text = pl_arena_copy(&self->arena, text);
    }
    if (first || value > draft->number_max) {
        draft->number_max = value;
        draft->max_text = pl_arena_copy(&self->arena, text);
    }
}

static bool has(const pl_draft *draft, int class)
{
    return draft->classes >> class & 1;
}

static void lose(pl_draft *draft, int class)
{
    draft->classes &= ~(UINT32_C(1) << class);
}

// Digits, at most one point, no leading zeros: a number that became text.
static void observe_digits(pl_draft *draft, pl_span text)
{
    size_t i = text.bytes && text.data[0] == '-', start = i, point = SIZE_MAX;
    bool good = i < text.bytes;
    for (; good && i < text.bytes; i++) {
        char c = text.data[i];
        if (c == '.' && point == SIZE_MAX && i > start && i + 1 < text.bytes)
            point = i;
        else
            good = c >= '0' && c <= '9';
    }
    size_t whole = (point == SIZE_MAX ? text.bytes : point) - start;
    if (good && whole > 1 && text.data[start] == '0') good = false;
    uint32_t scale = good && point != SIZE_MAX ? (uint32_t)(text.bytes - point - 1) : 0;
    if (!good || whole + scale > 18) {
        lose(draft, PL_TEXT_INTEGER);
        lose(draft, PL_TEXT_DECIMAL);
        lose(draft, PL_TEXT_EPOCH);
        return;
    }
    if (scale) lose(draft, PL_TEXT_INTEGER);
    draft->digits_max = PL_MAX(draft->digits_max, (uint32_t)whole);
    draft->scale_max = PL_MAX(draft->scale_max, scale);
    pl_number number;
    int64_t micros;
    if (!has(draft, PL_TEXT_EPOCH)) return;
    if (pl_number_parse(text, &number) == PL_NUMBER_OK && epoch_micros(&number, &micros))
        add_time(draft, micros);
    else
        lose(draft, PL_TEXT_EPOCH);
}

static void observe_times(pl_draft *draft, pl_span text)
{
    int64_t micros;
    int32_t days;
    bool timed = false;
    if (has(draft, PL_TEXT_ISO)) {
        if (pl_time_parse_iso(text, &micros))
            lose(draft, PL_TEXT_ISO);
        else
            timed = true;
    }
    if (has(draft, PL_TEXT_DATE)) {
        if (pl_date_parse(text, &days)) {
            lose(draft, PL_TEXT_DATE);
        } else {
            timed = true;
            micros = days * PL_MICROS_PER_DAY;
        }
    }
    for (int i = 0; i < PL_TIME_FORMS; i++) {
        if (!has(draft, PL_TEXT_FORMATS + i)) continue;
        pl_span format = pl_span_of(pl_time_forms[i].format);
        if (pl_time_parse_format(text, format, NULL, &micros))
            lose(draft, PL_TEXT_FORMATS + i);
        else
            timed = true;
    }
    if (timed) add_time(draft, micros);
}

static void observe_percent(pl_draft *draft, pl_span text)
{
    pl_number number;
    bool sign = text.bytes && text.data[text.bytes - 1] == '%';
    pl_span digits = pl_span_trim(pl_span_make(text.data, text.bytes - sign));
    if (!sign || pl_number_parse(digits, &number) != PL_NUMBER_OK) lose(draft, PL_TEXT_PERCENT);
}

// Keep a few short values to show as evidence; control characters would break a comment.
static void keep_sample(pl_infer *self, pl_draft *draft, pl_span text)
{
    if (draft->sample_count == PL_DRAFT_SAMPLES || text.bytes > 20 || text.bytes == 0) return;
    for (size_t i = 0; i < text.bytes; i++)
        if (text.data[i] < 0x20 || text.data[i] > 0x7E) return;
    for (uint32_t i = 0; i < draft->sample_count; i++)
        if (pl_span_equal(draft->samples[i], text)) return;
    draft->samples[draft->sample_count++] = pl_arena_copy(&self->arena, text);
}

static void observe_string(pl_infer *self, pl_draft *draft, pl_span text)
{
    draft->seen[PL_DRAFT_STRING]++;
    draft->text_max = PL_MAX(draft->text_max, (uint32_t)PL_MIN(text.bytes, (size_t)UINT32_MAX));
    keep_sample(self, draft, text);
    if (!draft->classes) return;
    if (text.bytes == 0 || text.bytes > 64) {
        draft->classes = 0;
        return;
    }
    observe_times(draft, text);
    observe_digits(draft, text);
    observe_percent(draft, text);
    if (!pl_span_is(text, "true") && !pl_span_is(text, "false")) lose(draft, PL_TEXT_BOOL);
}

static void observe_scalar(pl_infer *self, pl_draft *draft, const pl_json *value)
{
    switch (value->kind) {
    case PL_JSON_NULL:
        draft->seen[PL_DRAFT_NULL]++;
        return;
    case PL_JSON_TRUE:
    case PL_JSON_FALSE:
        draft->seen[PL_DRAFT_BOOL]++;
        return;
    case PL_JSON_NUMBER:
        observe_number(self, draft, value->text);
        break;
    default:
        observe_string(self, draft, value->text);
        break;
    }
    add_seen(&draft->values, pl_hash(value->text),
             pl_contract__names_id(draft->snake) ? SEEN_IDS_MAX : SEEN_VALUES_MAX);
}

// The child for a key; NULL when there are too many. `expected` is the next one of the last time.
static pl_draft *child_of(pl_infer *self, pl_draft *draft, pl_span key, uint32_t expected)
{
    if (expected < draft->child_count && pl_span_equal(draft->children[expected]->key, key))
        return draft->children[expected];
    uint32_t at = pl_map_get(&draft->index, key);
    if (at != PL_MAP_NONE) return draft->children[at];
    if (draft->child_count == PL_DRAFT_CHILDREN_MAX || self->nodes >= PL_DRAFT_NODES_MAX) {
        draft->wide = true;
        return NULL;
    }
    pl_draft *child = new_draft(self, draft, key);
    PL_GROW(draft->children, draft->child_count, draft->child_capacity);
    pl_map_add(&draft->index, child->key, draft->child_count);
    draft->children[draft->child_count++] = child;
    return child;
}

static void observe(pl_infer *self, pl_draft *draft, const pl_json *value);

static void observe_object(pl_infer *self, pl_draft *draft, const pl_json *object)
{
    draft->seen[PL_DRAFT_OBJECT]++;
    if (draft->depth >= PL_DRAFT_DEPTH_MAX) return;
    uint64_t instance = ++self->instances;
    uint32_t expected = 0;
    for (const pl_json *member = object->first; member; member = member->next, expected++) {
        pl_draft *child = child_of(self, draft, member->key, expected);
        if (!child || child->instance == instance) continue; // a repeated key counts once
        child->instance = instance;
        observe(self, child, member);
    }
}

// Items are followed into their objects once, below the first array on the way: they may be the
// records. Arrays inside arrays become lists or json, for which the kinds of their items do.
static void observe_array(pl_infer *self, pl_draft *draft, const pl_json *array)
{
    draft->seen[PL_DRAFT_ARRAY]++;
    draft->array_bytes += array->raw.bytes;
    if (!array->first) return;
    if (!draft->items) {
        draft->items = new_draft(self, draft, PL_SPAN(""));
        draft->items->below_array = true;
    }
    for (const pl_json *item = array->first; item; item = item->next) {
        if (item->kind == PL_JSON_OBJECT && !draft->below_array)
            observe_object(self, draft->items, item);
        else if (item->kind == PL_JSON_OBJECT)
            draft->items->seen[PL_DRAFT_OBJECT]++;
        else if (item->kind == PL_JSON_ARRAY)
            draft->items->seen[PL_DRAFT_ARRAY]++;
        else
            observe_scalar(self, draft->items, item);
    }
}

static void observe(pl_infer *self, pl_draft *draft, const pl_json *value)
{
    if (value->kind == PL_JSON_OBJECT)
        observe_object(self, draft, value);
    else if (value->kind == PL_JSON_ARRAY)
        observe_array(self, draft, value);
    else
        observe_scalar(self, draft, value);
}

pl_infer *pl_infer_new(const pl_infer_options *options)
{
    pl_infer *self = pl_zalloc(1, sizeof *self);
    self->table = pl_arena_copy(&self->arena, options->table);
    self->source = pl_arena_copy(&self->arena, options->source);
    self->root = new_draft(self, NULL, PL_SPAN(""));
    return self;
}

bool pl_infer_add(pl_infer *self, const pl_json *document)
{
    if (self->documents >= PL_INFER_DOCUMENTS_MAX || self->bytes >= PL_INFER_BYTES_MAX)
        return false;
    self->documents++;
    self->bytes += document->raw.bytes;
    observe(self, self->root, document);
    return true;
}

plumb_status pl_infer_write(pl_infer *self, pl_buf *contract, pl_buf *mapping,
                            pl_infer_summary *ret_summary, plumb_error *err)
{
    pl_guesses guesses = {0};
    if (!pl_contract__guess(self, &guesses)) {
        free(guesses.items);
        return pl_fail(err, PLUMB_E_NOT_FOUND,
                       "cannot infer a table from the sample: none of its %llu documents holds an "
                       "object",
                       (unsigned long long)self->documents);
    }
    pl_contract__write_contract(self, &guesses, contract);
    pl_contract__write_mapping(self, &guesses, mapping);
    pl_infer_summary summary = {.documents = self->documents,
                                .records = guesses.record_count,
                                .records_path = guesses.records_path};
    for (uint32_t i = 0; i < guesses.count; i++) {
        summary.columns += guesses.items[i].kept;
        summary.left_out += !guesses.items[i].kept;
    }
    free(guesses.items);
    *ret_summary = summary;
    return PLUMB_OK;
}

static void free_draft(pl_draft *draft)
{
    if (!draft) return;
    for (uint32_t i = 0; i < draft->child_count; i++) free_draft(draft->children[i]);
    free_draft(draft->items);
    free(draft->children);
    free(draft->days.slots);
    free(draft->values.slots);
    pl_map_done(&draft->index);
}

void pl_infer_free(pl_infer *self)
{
    if (!self) return;
    free_draft(self->root);
    pl_arena_done(&self->arena);
    free(self);
}

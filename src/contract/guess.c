// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <stdlib.h>

#include "contract/infer_int.h"

// Words that engines reserve: as a bare column name they would need quotes in every query.
static const char *const RESERVED[] = {
    "all",      "analyse",  "analyze",    "and",     "any",        "array",     "as",
    "asc",      "between",  "both",       "by",      "case",       "cast",      "check",
    "collate",  "column",   "constraint", "create",  "cross",      "default",   "desc",
    "describe", "distinct", "do",         "else",    "end",        "except",    "exists",
    "false",    "fetch",    "for",        "foreign", "from",       "full",      "group",
    "having",   "in",       "inner",      "insert",  "intersect",  "into",      "is",
    "join",     "lateral",  "leading",    "left",    "like",       "limit",     "natural",
    "not",      "null",     "offset",     "on",      "only",       "or",        "order",
    "outer",    "pivot",    "primary",    "qualify", "references", "returning", "right",
    "select",   "show",     "some",       "table",   "then",       "to",        "trailing",
    "true",     "union",    "unique",     "unpivot", "using",      "values",    "when",
    "where",    "window",   "with",       NULL};

// Objects that only wrap the record's own values.
static const char *const WRAPPERS[] = {"attributes", "properties", "data",  "record", "payload",
                                       "fields",     "metadata",   "meta",  "values", "node",
                                       "snippet",    "item",       "event", "post",   NULL};

pl_span pl_contract__snake(pl_arena *arena, pl_span key)
{
    pl_buf out = {0};
    for (size_t i = 0; i < key.bytes && out.count < 4 * PL_NAME_BYTES_MAX; i++) {
        char c = key.data[i], before = i ? key.data[i - 1] : '\0';
        char next = i + 1 < key.bytes ? key.data[i + 1] : '\0';
        bool upper = c >= 'A' && c <= 'Z', lower = c >= 'a' && c <= 'z';
        bool digit = c >= '0' && c <= '9';
        bool word = (before >= 'a' && before <= 'z') || (before >= '0' && before <= '9');
        bool acronym = before >= 'A' && before <= 'Z' && next >= 'a' && next <= 'z';
        bool gap = out.count && out.data[out.count - 1] == '_';
        if (upper && (word || acronym) && !gap) pl_buf_char(&out, '_');
        if (upper || lower || digit)
            pl_buf_char(&out, upper ? (char)(c | 0x20) : c);
        else if (out.count && !gap)
            pl_buf_char(&out, '_');
    }
    while (out.count && out.data[out.count - 1] == '_') out.count--;
    pl_span snake = pl_arena_copy(arena, pl_buf_view(&out));
    pl_buf_done(&out);
    return snake;
}

static bool is_word(pl_span word, const char *const *words)
{
    for (int i = 0; words[i]; i++)
        if (pl_span_is(word, words[i])) return true;
    return false;
}

bool pl_contract__reserved(pl_span name)
{
    return is_word(name, RESERVED);
}

bool pl_contract__has_token(pl_span snake, const char *const *words)
{
    size_t from = 0;
    for (size_t i = 0; i <= snake.bytes; i++) {
        if (i < snake.bytes && snake.data[i] != '_') continue;
        if (is_word(pl_span_make(snake.data + from, i - from), words)) return true;
        from = i + 1;
    }
    return false;
}

bool pl_contract__ends_token(pl_span snake, const char *const *words)
{
    size_t from = snake.bytes;
    while (from && snake.data[from - 1] != '_') from--;
    return is_word(pl_span_make(snake.data + from, snake.bytes - from), words);
}

bool pl_contract__names_id(pl_span snake)
{
    static const char *const anywhere[] = {"id",  "ids",    "uuid",     "guid", "urn",
                                           "sku", "isbn",   "ean",      "upc",  "phone",
                                           "zip", "postal", "postcode", NULL};
    static const char *const last[] = {"key",       "code",    "hash",    "token",     "barcode",
                                       "pin",       "ref",     "version", "shortcode", "slug",
                                       "permalink", "account", NULL};
    return pl_contract__has_token(snake, anywhere) || pl_contract__ends_token(snake, last);
}

bool pl_contract__names_time(pl_span snake)
{
    static const char *const anywhere[] = {"time",     "timestamp", "ts",      "date",
                                           "datetime", "epoch",     "created", "updated",
                                           "modified", "published", NULL};
    static const char *const last[] = {"at",    "expires", "expiry", "start", "end", "since",
                                       "until", "when",    "utc",    "reset", NULL};
    return pl_contract__has_token(snake, anywhere) || pl_contract__ends_token(snake, last);
}

static uint64_t not_null(const pl_draft *draft)
{
    uint64_t sum = 0;
    for (int i = PL_DRAFT_NULL + 1; i < PL_DRAFT_KINDS; i++) sum += draft->seen[i];
    return sum;
}

static bool only(const pl_draft *draft, int kind)
{
    return draft->seen[kind] > 0 && draft->seen[kind] == not_null(draft);
}

// --- which array holds the records ---

static uint32_t count_leaves(const pl_draft *draft, const pl_draft *except)
{
    if (draft == except) return 0;
    uint32_t sum = draft->child_count == 0;
    for (uint32_t i = 0; i < draft->child_count; i++)
        sum += count_leaves(draft->children[i], except);
    return sum;
}

static const pl_draft *largest_array(const pl_draft *draft, const pl_draft *best)
{
    const pl_draft *items = draft->items;
    if (draft->depth > 0 && items && items->seen[PL_DRAFT_OBJECT] &&
        (!best || draft->array_bytes > best->array_bytes))
        best = draft;
    for (uint32_t i = 0; i < draft->child_count; i++)
        best = largest_array(draft->children[i], best);
    return best;
}

// Whether every document has an id of its own (or, `loosely`, anything like an id or a time): then
// it is a record, not an envelope.
static bool has_own_id(const pl_draft *root, bool loosely)
{
    static const char *const ids[] = {"id", "uuid", "guid", "id_str", NULL};
    static const char *const ends[] = {"id", "uuid", "guid", NULL};
    for (uint32_t i = 0; i < root->child_count; i++) {
        const pl_draft *child = root->children[i];
        uint64_t count = not_null(child);
        if (count == 0 || count != root->seen[PL_DRAFT_OBJECT] || child->child_count) continue;
        if (is_word(child->snake, ids) && !child->values.repeats) return true;
        if (loosely &&
            (pl_contract__ends_token(child->snake, ends) || pl_contract__names_time(child->snake)))
            return true;
    }
    return false;
}

// Documents are envelopes when most of their bytes are one array of objects, they have little to
// say beside it, and taking its items for the records leaves out next to nothing.
static bool is_envelope(const pl_infer *infer, const pl_draft *array)
{
    const pl_draft *items = array->items;
    uint64_t documents = infer->documents, arrays = array->seen[PL_DRAFT_ARRAY];
    uint64_t records = items->seen[PL_DRAFT_OBJECT], others = 0;
    for (int i = 0; i < PL_DRAFT_OBJECT; i++) others += items->seen[i];
    uint64_t bad = documents - PL_MIN(arrays, documents) + others;
    double share = (double)array->array_bytes / (double)PL_MAX(infer->bytes, 1u);
    uint32_t inside = count_leaves(items, NULL), outside = count_leaves(infer->root, array);
    if (bad * 200 > records + bad || share < 0.5) return false;
    if (share >= 0.9 && records >= 20 * documents) return true;
    if (has_own_id(infer->root, documents > 1 && records < 10 * documents)) return false;
    if (documents > 1 && records * 2 < documents * 3) return false;
    return outside <= PL_MAX(inside, 8u);
}

static void find_records(pl_infer *infer, pl_guesses *g)
{
    pl_draft *root = infer->root;
    g->records_path = PL_SPAN("");
    g->records = root;
    if (root->items && root->seen[PL_DRAFT_ARRAY] > root->seen[PL_DRAFT_OBJECT]) {
        g->records = root->items;
        g->records_path = PL_SPAN("$[]");
    } else {
        const pl_draft *array = largest_array(root, NULL);
        if (array && is_envelope(infer, array)) {
            pl_step steps[PL_DRAFT_DEPTH_MAX + 1];
            pl_path path = {.steps = steps, .count = array->depth};
            for (const pl_draft *at = array; at->depth; at = at->parent)
                steps[at->depth - 1] = (pl_step){.kind = PL_STEP_KEY, .key = at->key};
            pl_buf text = {0};
            pl_path_text(&text, &path);
            pl_buf_text(&text, "[]");
            g->records_path = pl_arena_copy(&infer->arena, pl_buf_view(&text));
            pl_buf_done(&text);
            g->records = array->items;
        }
    }
    g->record_count = g->records->seen[PL_DRAFT_OBJECT];
}

// --- which type a path has ---

static bool looks_like_data(pl_span key)
{
    size_t digits = 0, hex = 0, odd = 0;
    for (size_t i = 0; i < key.bytes; i++) {
        char c = key.data[i];
        bool digit = c >= '0' && c <= '9';
        digits += digit;
        hex += digit || (c >= 'a' && c <= 'f') || c == '-';
        odd += c == ' ' || c == ',' || c == '.' || c == '/' || c == '@' || (c & 0x80);
    }
    bool dated = key.bytes >= 7 && digits >= 6 && key.data[4] == '-';
    return key.bytes == 0 || digits == key.bytes || odd || dated || (hex == key.bytes && hex >= 16);
}

// An object whose keys are data, or that holds many keys of one kind: a map, kept as json.
static const char *why_map(pl_infer *infer, const pl_draft *draft, uint64_t records)
{
    uint32_t data = 0, count = draft->child_count, kinds[PL_DRAFT_KINDS] = {0}, most = 0;
    uint64_t present = 0;
    for (uint32_t i = 0; i < count; i++) {
        const pl_draft *child = draft->children[i];
        data += looks_like_data(child->key);
        present += not_null(child);
        for (int kind = PL_DRAFT_BOOL; kind < PL_DRAFT_KINDS; kind++)
            if (only(child, kind)) kinds[kind == PL_DRAFT_FLOAT ? PL_DRAFT_INT : kind]++;
    }
    for (int kind = 0; kind < PL_DRAFT_KINDS; kind++) most = PL_MAX(most, kinds[kind]);
    if (draft->wide) return pl_arena_printf(&infer->arena, "more than %u different keys", count);
    if (count >= 2 && data * 5 >= count * 4) return "keys that look like data";
    if (count > PL_INFER_SIBLINGS_MAX && most * 10 >= count * 9)
        return pl_arena_printf(&infer->arena, "%u keys of one kind", count);
    if (count > PL_INFER_SIBLINGS_MAX && present * 5 < (uint64_t)count * records)
        return pl_arena_printf(&infer->arena, "%u keys, most in few records", count);
    return NULL;
}

// An object that repeats the record: a retweeted status inside a status.
static bool repeats_record(const pl_draft *draft, const pl_draft *records)
{
    uint32_t same = 0;
    if (draft->child_count < 8) return false;
    for (uint32_t i = 0; i < draft->child_count; i++)
        same += pl_map_get(&records->index, draft->children[i]->key) != PL_MAP_NONE;
    return same * 5 >= draft->child_count * 3;
}

static const char *set_type(pl_guess *guess, pl_kind kind, const char *parser, const char *note)
{
    guess->type = (pl_type){.kind = kind};
    guess->parser = parser;
    guess->note = note;
    guess->is_time = kind == PL_TIMESTAMP || kind == PL_DATE;
    return note;
}

static void guess_time_text(pl_infer *infer, pl_guess *guess)
{
    uint32_t classes = guess->draft->classes;
    if (classes & 1u << PL_TEXT_ISO) {
        set_type(guess, PL_TIMESTAMP, NULL, "ISO 8601");
        return;
    }
    if (classes & 1u << PL_TEXT_DATE) {
        set_type(guess, PL_DATE, NULL, "dates");
        return;
    }
    for (int i = 0; i < PL_TIME_FORMS; i++) {
        if (!(classes >> (PL_TEXT_FORMATS + i) & 1)) continue;
        const pl_time_form *format = &pl_time_forms[i];
        set_type(guess, PL_TIMESTAMP,
                 pl_arena_printf(&infer->arena, "time(\"%s\"%s)", format->format,
                                 format->zoned ? "" : ", UTC"),
                 format->zoned ? "times as text" : "times without an offset, taken for UTC");
        return;
    }
}

static void guess_text(pl_infer *infer, pl_guess *guess)
{
    const pl_draft *draft = guess->draft;
    uint32_t classes = draft->classes;
    bool id = pl_contract__names_id(draft->snake), time = pl_contract__names_time(draft->snake);
    uint32_t times = (1u << (PL_TEXT_FORMATS + PL_TIME_FORMS)) - 1;
    set_type(guess, PL_STRING, NULL, NULL);
    if (classes & times)
        guess_time_text(infer, guess);
    else if (classes & 1u << PL_TEXT_EPOCH && time && !id)
        set_type(guess, PL_TIMESTAMP, "epoch", "epoch digits as text");
    else if (classes & 1u << PL_TEXT_PERCENT)
        set_type(guess, PL_DOUBLE, "percent", "percentages as text");
    else if (classes & 1u << PL_TEXT_BOOL)
        set_type(guess, PL_BOOLEAN, "bool", "true and false as text");
    else if (id || !(classes & (1u << PL_TEXT_INTEGER | 1u << PL_TEXT_DECIMAL)))
        return;
    else if (classes & 1u << PL_TEXT_INTEGER)
        set_type(guess, PL_LONG, "number", "digits as text");
    else if (draft->scale_max <= 4) {
        set_type(guess, PL_DECIMAL, "number", "decimals as text");
        guess->type.precision = 18;
        guess->type.scale = (uint8_t)draft->scale_max;
    }
}

// Numbers, and text mixed with numbers or booleans.
static void guess_scalar(pl_infer *infer, pl_guess *guess)
{
    const pl_draft *draft = guess->draft;
    uint64_t numbers = draft->seen[PL_DRAFT_INT] + draft->seen[PL_DRAFT_FLOAT];
    bool id = pl_contract__names_id(draft->snake);
    if (only(draft, PL_DRAFT_STRING))
        guess_text(infer, guess);
    else if (only(draft, PL_DRAFT_BOOL))
        set_type(guess, PL_BOOLEAN, NULL, NULL);
    else if (numbers != not_null(draft))
        set_type(guess, PL_STRING, "text", "several kinds of value");
    else if (draft->epoch_fits && draft->double_fits && !id &&
             pl_contract__names_time(draft->snake))
        set_type(guess, PL_TIMESTAMP, "epoch", "epoch numbers");
    else if (only(draft, PL_DRAFT_INT) && draft->long_fits)
        set_type(guess, PL_LONG, NULL, NULL);
    else if (only(draft, PL_DRAFT_INT) || !draft->double_fits)
        set_type(guess, PL_STRING, "text", "numbers beyond 64 bits");
    else
        set_type(guess, PL_DOUBLE, NULL, NULL);
}

static void guess_list(pl_infer *infer, pl_guess *guess)
{
    const pl_draft *items = guess->draft->items;
    if (!items || not_null(items) == 0) {
        set_type(guess, PL_JSON, NULL, "only empty arrays");
        return;
    }
    if (items->seen[PL_DRAFT_OBJECT] || items->seen[PL_DRAFT_ARRAY]) {
        set_type(guess, PL_JSON, NULL,
                 items->seen[PL_DRAFT_OBJECT] ? "arrays of objects" : "arrays of arrays");
        return;
    }
    pl_kind kind = PL_STRING;
    if (only(items, PL_DRAFT_BOOL)) kind = PL_BOOLEAN;
    if (only(items, PL_DRAFT_INT) && items->long_fits) kind = PL_LONG;
    if (items->seen[PL_DRAFT_FLOAT] && items->double_fits &&
        items->seen[PL_DRAFT_INT] + items->seen[PL_DRAFT_FLOAT] == not_null(items))
        kind = PL_DOUBLE;
    set_type(guess, PL_LIST, NULL, NULL);
    pl_type *element = PL_TAKE(&infer->arena, pl_type, 1);
    element->kind = kind;
    guess->type.element = element;
}

// --- columns ---

static void collect(pl_infer *infer, pl_guesses *g, const pl_draft *draft, uint32_t depth);

static void add_guess(pl_infer *infer, pl_guesses *g, const pl_draft *draft, uint32_t depth,
                      const char *map)
{
    PL_GROW(g->items, g->count, g->capacity);
    pl_guess *guess = &g->items[g->count++];
    *guess = (pl_guess){.draft = draft, .depth = depth, .name = PL_SPAN("")};
    guess->path.count = depth;
    guess->path.steps = PL_TAKE(&infer->arena, pl_step, depth);
    for (uint32_t i = depth; i-- > 0; draft = draft->parent)
        guess->path.steps[i] = (pl_step){.kind = PL_STEP_KEY, .key = draft->key};
    draft = guess->draft;
    if (not_null(draft) == 0) {
        guess->only_null = true;
        set_type(guess, PL_JSON, NULL, "only null");
    } else if (draft->seen[PL_DRAFT_OBJECT]) {
        set_type(guess, PL_JSON, NULL, map ? map : "objects and other values");
    } else if (only(draft, PL_DRAFT_ARRAY)) {
        guess_list(infer, guess);
    } else if (draft->seen[PL_DRAFT_ARRAY]) {
        set_type(guess, PL_JSON, NULL, "arrays and other values");
    } else {
        guess_scalar(infer, guess);
    }
}

static void collect_child(pl_infer *infer, pl_guesses *g, const pl_draft *child, uint32_t depth)
{
    if (!only(child, PL_DRAFT_OBJECT)) {
        add_guess(infer, g, child, depth, NULL);
        return;
    }
    const char *map = why_map(infer, child, g->record_count);
    if (!map && child->child_count == 0)
        map = depth >= PL_DRAFT_DEPTH_MAX ? "deep objects" : "only empty objects";
    if (!map && repeats_record(child, g->records)) map = "a record inside the record";
    if (map)
        add_guess(infer, g, child, depth, map);
    else
        collect(infer, g, child, depth);
}

static void collect(pl_infer *infer, pl_guesses *g, const pl_draft *draft, uint32_t depth)
{
    for (uint32_t i = 0; i < draft->child_count; i++)
        collect_child(infer, g, draft->children[i], depth + 1);
}

static bool everywhere(const pl_guesses *g, const pl_guess *guess)
{
    return guess->draft && not_null(guess->draft) == g->record_count;
}

// Whether all parents below the record only wrap its values.
static bool is_own(const pl_guess *guess)
{
    for (uint32_t i = 0; i + 1 < guess->depth; i++) {
        bool wraps = false;
        for (int w = 0; WRAPPERS[w]; w++)
            wraps = wraps || pl_span_is(guess->path.steps[i].key, WRAPPERS[w]);
        if (!wraps) return false;
    }
    return true;
}

static int key_score(const pl_guesses *g, const pl_guess *guess)
{
    static const char *const exact[] = {"id", "uuid", "guid", NULL};
    static const char *const ends[] = {"id", "uuid", "guid", "urn", NULL};
    static const char *const names[] = {"key",       "uri",  "url",  "permalink", "sku", "code",
                                        "shortcode", "hash", "slug", "str",       NULL};
    if (guess->type.kind != PL_STRING && guess->type.kind != PL_LONG) return 0;
    if (!everywhere(g, guess) || !is_own(guess)) return 0;
    pl_span snake = guess->draft->snake;
    int score = is_word(snake, exact) ? 90 : pl_contract__ends_token(snake, ends) ? 60 : 0;
    if (!score && guess->type.kind == PL_STRING && pl_contract__ends_token(snake, names))
        score = 30;
    if (!score) return 0;
    bool distinct = !guess->draft->values.repeats && !guess->draft->values.full;
    // A sample of polls repeats its ids; then only a name that says "id" plainly will do.
    if (!distinct && (score < 60 || guess->draft->values.count * 20 < g->record_count)) return 0;
    return score + (distinct ? 100 : 0) - 5 * (int)guess->depth;
}

static int time_score(const pl_guesses *g, const pl_guess *guess)
{
    static const char *const best[] = {"created", "published", "posted", "occurred", "event", NULL};
    static const char *const good[] = {"timestamp", "time",     "datetime", "ts", "date",
                                       "emitted",   "observed", "start",    NULL};
    static const char *const poor[] = {"updated",    "modified", "edited",   "deleted", "expires",
                                       "expiry",     "end",      "until",    "last",    "reset",
                                       "expiration", "birth",    "birthday", NULL};
    if (!guess->is_time || !everywhere(g, guess) || !is_own(guess)) return 0;
    pl_span snake = guess->draft->snake;
    if (pl_contract__has_token(snake, poor)) return 0;
    int score = pl_contract__has_token(snake, best)   ? 50
                : pl_contract__has_token(snake, good) ? 40
                                                      : 20;
    // One instant in every record is about the document, not about the record.
    bool constant = guess->draft->values.count == 1 && g->record_count > 10;
    return score - 5 * (int)guess->depth - (constant ? 15 : 0);
}

static void choose_key_and_time(pl_guesses *g)
{
    int best_key = 0, best_time = 0;
    g->key = g->time = -1;
    for (uint32_t i = 0; i < g->count; i++) {
        int key = key_score(g, &g->items[i]), time = time_score(g, &g->items[i]);
        if (key > best_key) best_key = key, g->key = (int)i;
        if (time > best_time) best_time = time, g->time = (int)i;
    }
    if (g->time < 0) {
        PL_GROW(g->items, g->count, g->capacity);
        g->time = (int)g->count++;
        g->items[g->time] = (pl_guess){.name = PL_SPAN("")};
        set_type(&g->items[g->time], PL_TIMESTAMP, NULL, "when the data was landed");
    } else {
        const pl_seen *days = &g->items[g->time].draft->days;
        g->by_month = days->full || days->count > 366;
    }
    g->items[g->time].required = true;
    if (g->key >= 0) {
        const pl_seen *values = &g->items[g->key].draft->values;
        g->items[g->key].required = true;
        g->key_distinct = !values->repeats && !values->full;
    }
}

static void move_to_front(pl_guesses *g, int from)
{
    pl_guess guess = g->items[from];
    memmove(&g->items[1], &g->items[0], (size_t)from * sizeof guess);
    g->items[0] = guess;
}

// The key and the time stand first in both files, the rest in the order of the sample.
static void lead_with_key_and_time(pl_guesses *g)
{
    move_to_front(g, g->time);
    if (g->key >= 0) {
        move_to_front(g, g->key < g->time ? g->key + 1 : g->key);
        g->key = 0;
    }
    g->time = g->key + 1;
}

// --- which columns are kept, and their names ---

typedef struct ranked {
    uint32_t index, depth;
    uint64_t present;
} ranked;

static int by_rank(const void *a, const void *b)
{
    const ranked *x = a, *y = b;
    if (x->depth != y->depth) return x->depth < y->depth ? -1 : 1;
    if (x->present != y->present) return x->present > y->present ? -1 : 1;
    return (x->index > y->index) - (x->index < y->index);
}

// Keep at most PL_INFER_COLUMNS_MAX: key and time, then the shallow and the frequent ones.
static void choose_columns(pl_guesses *g)
{
    ranked *order = pl_zalloc(g->count, sizeof *order);
    uint32_t count = 0, kept = 0;
    for (uint32_t i = 0; i < g->count; i++) {
        const pl_guess *guess = &g->items[i];
        if (guess->only_null) continue;
        size_t bytes = 0;
        for (uint32_t s = 0; s < guess->path.count; s++) bytes += guess->path.steps[s].key.bytes;
        if (bytes > 1000) continue; // a rule nobody could read
        order[count].index = i;
        order[count].depth = guess->required ? 0 : guess->depth;
        order[count++].present = guess->draft ? not_null(guess->draft) : UINT64_MAX;
    }
    qsort(order, count, sizeof *order, by_rank);
    for (; kept < count && kept < PL_INFER_COLUMNS_MAX; kept++)
        g->items[order[kept].index].kept = true;
    free(order);
}

static pl_span unique_name(pl_infer *infer, pl_map *taken, pl_span base, uint32_t index)
{
    if (pl_contract__reserved(base))
        base = pl_span_of(pl_arena_printf(&infer->arena, "%.*s_", PL_FMT(base)));
    if (base.bytes > PL_NAME_BYTES_MAX - 8) base.bytes = PL_NAME_BYTES_MAX - 8;
    pl_span name = base;
    for (int n = 2; pl_map_get(taken, name) != PL_MAP_NONE; n++)
        name = pl_span_of(pl_arena_printf(&infer->arena, "%.*s_%d", PL_FMT(base), n));
    pl_map_add(taken, name, index);
    return name;
}

static pl_span joined_name(pl_infer *infer, const pl_guess *guess)
{
    pl_buf out = {0};
    uint32_t depth = guess->depth;
    pl_span *parts = PL_TAKE(&infer->arena, pl_span, depth + 1);
    const pl_draft *draft = guess->draft;
    for (uint32_t i = depth; i-- > 0; draft = draft->parent) parts[i] = draft->snake;
    for (uint32_t i = 0; i < depth; i++) {
        if (out.count && parts[i].bytes) pl_buf_char(&out, '_');
        pl_buf_span(&out, parts[i]);
    }
    if (out.count == 0) pl_buf_text(&out, "column");
    bool letter = out.data[0] >= 'a' && out.data[0] <= 'z';
    pl_span name = pl_span_of(
        pl_arena_printf(&infer->arena, "%s%.*s", letter ? "" : "n_", PL_FMT(pl_buf_view(&out))));
    pl_buf_done(&out);
    return name;
}

// Columns that are kept choose first, so that a name does not depend on what was left out.
static void choose_names(pl_infer *infer, pl_guesses *g)
{
    pl_map taken = {0};
    for (int round = 0; round < 3; round++) {
        for (uint32_t i = 0; i < g->count; i++) {
            pl_guess *guess = &g->items[i];
            int turn = (int)i == g->time ? 0 : guess->kept ? 1 : 2;
            if (turn != round) continue;
            pl_span base = guess->draft ? joined_name(infer, guess) : PL_SPAN("received_at");
            guess->name = unique_name(infer, &taken, base, i);
        }
        if (round > 0) continue;
        // The partition field takes a name as well.
        pl_span field =
            pl_span_of(pl_arena_printf(&infer->arena, "%.*s_%s", PL_FMT(g->items[g->time].name),
                                       g->by_month ? "month" : "day"));
        pl_map_add(&taken, field, UINT32_MAX - 1);
    }
    pl_map_done(&taken);
}

bool pl_contract__guess(pl_infer *infer, pl_guesses *ret_guesses)
{
    pl_guesses *g = ret_guesses;
    find_records(infer, g);
    if (g->record_count == 0) return false;
    collect(infer, g, g->records, 0);
    choose_key_and_time(g);
    lead_with_key_and_time(g);
    choose_columns(g);
    choose_names(infer, g);
    return true;
}

// hold.c -- runs the text cases of suspicions: may a window be published beside its baseline?
//
//     case SENTENCE        what this case says
//     by PATH              the key of the records that names their entity; absent: nobody says
//     columns              of the table, a line each: a name, words about it, and the paths it is
//                          coalesced from: "likes critical: $.likes | $.like_count", or the word
//                          that finds an element: $.data[name="likes"].value
//                            number    takes numbers and texts of digits; else any value is taken
//                            required  a record without it is no row
//                            critical  as the contract says
//                            epochs    read by parse(epoch)
//                            percents  read by parse(percent), and somebody agreed
//                            hidden    by terms that are no plain paths
//                            2%        its own share of lost values
//                            absent    and other kinds of suspicion: decided, no matter any more
//     before, now          records (records.h) of the baseline and of the window
//     later                records that come while the source waits: the window grows
//     then                 what is suspect so far
//
// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>

#include "casefile.h"
#include "records.h"
#include "shape/suspect.h"

enum { COLUMNS_MAX = 64, PATHS_MAX = 4 };

typedef struct column {
    bool number, required, hidden;
    const char *paths[PATHS_MAX], *shown[PATHS_MAX]; // as written; as shapes write them
    uint32_t path_count;
    uint64_t word;
} column;

typedef struct hold {
    pl_arena arena;
    pl_span by;
    column columns[COLUMNS_MAX];
    pl_suspect_column asked[COLUMNS_MAX];
    uint32_t count;
    pl_shape shapes[2]; // of the baseline and of the window
    bool there[2];
    pl_suspect_side sides[2];
    int side;   // that is being read
    bool fresh; // the object has no record yet
} hold;

// ---- columns -----------------------------------------------------------------------------------

static void read_word(column *own, pl_suspect_column *asked, pl_span word)
{
    if (pl_span_is(word, "number")) own->number = true;
    if (pl_span_is(word, "required")) own->required = true;
    if (pl_span_is(word, "hidden")) own->hidden = true;
    if (pl_span_is(word, "critical")) asked->critical = true;
    if (pl_span_is(word, "epochs")) asked->epochs = true;
    if (pl_span_is(word, "percents")) asked->percents = true;
    if (word.data[word.bytes - 1] == '%') asked->lost_share = strtod(word.data, NULL) / 100;
    for (int k = 0; k < PL_SUSPECT_KINDS; k++)
        if (pl_span_is(word, pl_suspicion_name((pl_suspicion_kind)k))) asked->muted |= 1u << k;
}

static pl_span take(pl_span *text, char end)
{
    const char *at = memchr(text->data, end, text->bytes);
    size_t bytes = at ? (size_t)(at - text->data) : text->bytes;
    pl_span part = pl_span_trim(pl_span_make(text->data, bytes));
    bytes += at != NULL;
    *text = pl_span_trim(pl_span_make(text->data + bytes, text->bytes - bytes));
    return part;
}

// Of `$.data[name="likes"].value` the path with "[*]", where the word stands, and the word.
static void read_lookup(hold *h, column *own, pl_suspect_column *asked, uint32_t at)
{
    const char *path = own->paths[at], *open = strchr(path, '['), *equal;
    own->shown[at] = path;
    if (!open || !(equal = strchr(open, '=')) || !strchr(equal, ']')) return;
    const char *close = strchr(equal, ']');
    int before = (int)(open - path), key = (int)(equal - open) - 1;
    own->shown[at] = pl_arena_printf(&h->arena, "%.*s[*]%s", before, path, close + 1);
    asked->chooser = pl_arena_printf(&h->arena, "%.*s[*].%.*s", before, path, key, open + 1);
    own->word = pl_shape_scalar_of(pl_span_make(equal + 1, (size_t)(close - equal) - 1)).hash;
    asked->words = &own->word;
    asked->word_count = 1;
}

static void read_columns(hold *h, pl_span text)
{
    while (text.bytes) {
        pl_span line = pl_span_trim(case_line(&text));
        if (!line.bytes) continue;
        if (h->count == COLUMNS_MAX) exit(2);
        column *own = &h->columns[h->count];
        pl_suspect_column *asked = &h->asked[h->count++];
        pl_span head = take(&line, ':');
        asked->name = take(&head, ' ');
        while (head.bytes) read_word(own, asked, take(&head, ' '));
        for (; line.bytes && own->path_count < PATHS_MAX; own->path_count++) {
            own->paths[own->path_count] = pl_arena_cstr(&h->arena, take(&line, '|'));
            read_lookup(h, own, asked, own->path_count);
        }
        asked->paths = own->shown;
        asked->path_count = own->hidden ? 0 : own->path_count;
    }
}

// ---- what a mapping would make of the records --------------------------------------------------

typedef enum taken { NOTHING, TAKEN, LOST } taken;

static taken take_value(const column *own, const pl_json *value)
{
    if (value->kind == PL_JSON_NULL) return NOTHING;
    if (!own->number || value->kind == PL_JSON_NUMBER) return TAKEN;
    bool text = value->kind == PL_JSON_STRING && value->text.bytes;
    for (size_t i = 0; text && i < value->text.bytes; i++)
        text = strchr("0123456789.-", value->text.data[i]) != NULL;
    return text ? TAKEN : LOST;
}

// The element that `[key="word"]` finds; *path moves behind it.
static const pl_json *find_element(const pl_json *array, const char **path)
{
    const char *equal = strchr(*path, '='), *close = strchr(*path, ']');
    char key[64] = "";
    memcpy(key, *path + 1, PL_MIN((size_t)(equal - *path) - 1, sizeof key - 1));
    pl_span word = pl_span_make(equal + 2, (size_t)(close - equal) - 3);
    *path = close + 1;
    const pl_json *item = array->kind == PL_JSON_ARRAY ? array->first : NULL;
    for (; item; item = item->next) {
        const pl_json *found = pl_json_get(item, key);
        if (found && pl_span_equal(found->text, word)) return item;
    }
    return NULL;
}

// The value at a path: of arrays the first that is not null.
static taken take_at(const column *own, const pl_json *value, const char *path)
{
    if (!value) return NOTHING;
    if (!*path) return take_value(own, value);
    if (strncmp(path, "[*]", 3) == 0) {
        taken found = NOTHING;
        const pl_json *item = value->kind == PL_JSON_ARRAY ? value->first : NULL;
        for (; item && found == NOTHING; item = item->next) found = take_at(own, item, path + 3);
        return found;
    }
    if (*path == '[') {
        value = find_element(value, &path);
        return take_at(own, value, path);
    }
    char key[64] = "";
    size_t bytes = strcspn(path + 1, ".[");
    memcpy(key, path + 1, PL_MIN(bytes, sizeof key - 1));
    return take_at(own, pl_json_get(value, key), path + 1 + bytes);
}

static void map_record(void *context, const pl_json *record)
{
    hold *h = context;
    taken found[COLUMNS_MAX];
    bool row = true;
    h->fresh = false;
    for (uint32_t c = 0; c < h->count; c++) {
        const column *own = &h->columns[c];
        found[c] = NOTHING;
        for (uint32_t p = 0; p < own->path_count && found[c] != TAKEN; p++) {
            taken value = take_at(own, record, own->paths[p] + 1);
            if (value != NOTHING) found[c] = value;
        }
        if (own->required && found[c] != TAKEN) {
            found[c] = LOST;
            row = false;
        }
    }
    for (uint32_t c = 0; c < h->count; c++) {
        pl_column_counts *counts = h->side ? &h->asked[c].now : &h->asked[c].before;
        counts->rows += row;
        counts->filled += row && found[c] == TAKEN;
        counts->lost += found[c] == LOST && (row || h->columns[c].required);
    }
}

static void end_object(void *context)
{
    hold *h = context;
    pl_suspect_side *side = &h->sides[h->side];
    side->objects++;
    side->empty += h->fresh;
    side->empty_last = h->fresh ? side->empty_last + 1 : 0;
    h->fresh = true;
}

static void read_records(hold *h, int side, pl_span times, pl_span text)
{
    case_records records = {.text = text, .by = h->by, .side = side ? "now" : "before"};
    records.times = times.bytes ? (uint32_t)strtoul(times.data, NULL, 10) : 0;
    case_visitor visitor = {map_record, end_object, h};
    pl_shape shape;
    h->side = side;
    h->fresh = true;
    case_shape(&records, side ? 1000 + (int64_t)h->sides[1].objects : 1, &visitor, &shape);
    if (!h->there[side]) {
        h->shapes[side] = shape;
        h->there[side] = true;
        return;
    }
    pl_shape_merge(&h->shapes[side], &shape);
    pl_shape_done(&shape);
}

// ---- suspicions --------------------------------------------------------------------------------

static uint32_t judge(hold *h, pl_suspicion **ret_found)
{
    pl_suspect_options options = pl_suspect_defaults();
    if (!h->there[0] || !h->there[1]) exit(2);
    for (int side = 0; side < 2; side++) h->sides[side].shape = &h->shapes[side];
    return pl_drift_suspects(&h->sides[0], &h->sides[1], h->asked, h->count, &options, &h->arena,
                             ret_found);
}

// What waits is judged each time that something joins it.
static void stay(hold *h)
{
    pl_suspicion *found;
    uint32_t count = judge(h, &found);
    for (uint32_t i = 0; i < count; i++)
        if (found[i].kind == PL_SUSPECT_ABSENT || found[i].kind == PL_SUSPECT_CONTINUED)
            h->asked[found[i].column].waits = true;
}

static void write_suspicions(hold *h, pl_buf *out)
{
    pl_suspicion *found;
    uint32_t count = judge(h, &found);
    for (uint32_t i = 0; i < count; i++)
        pl_buf_printf(out, "  %s: %s\n", pl_suspicion_name(found[i].kind), found[i].why);
}

static void play(const case_text *one, pl_buf *found)
{
    hold h = {.count = 0};
    for (int i = 0; i < one->count; i++) {
        pl_span head = one->blocks[i].head, text = one->blocks[i].text, rest;
        if (case_head(head, "by", &rest)) h.by = rest;
        if (case_head(head, "columns", &rest)) read_columns(&h, text);
        if (case_head(head, "before", &rest)) read_records(&h, 0, rest, text);
        bool later = case_head(head, "later", &rest);
        if (later) stay(&h);
        if (later || case_head(head, "now", &rest)) read_records(&h, 1, rest, text);
        if (case_head(head, "then", &rest)) write_suspicions(&h, found++);
    }
    for (int side = 0; side < 2; side++)
        if (h.there[side]) pl_shape_done(&h.shapes[side]);
    pl_arena_done(&h.arena);
}

int main(int argc, char **argv)
{
    return case_main(argc, argv, "then", play);
}

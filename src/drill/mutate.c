// SPDX-License-Identifier: Apache-2.0
#include "drill/mutate.h"

#include "base/hash.h"
#include "base/number.h"
#include "json/writer.h"

// ---- trees -------------------------------------------------------------------------------------

pl_json *pl_mutate_copy(const pl_json *tree, pl_arena *arena)
{
    pl_json *copy = PL_TAKE(arena, pl_json, 1);
    *copy = *tree;
    copy->next = NULL;
    pl_json **link = &copy->first;
    for (const pl_json *child = tree->first; child; child = child->next) {
        *link = pl_mutate_copy(child, arena);
        link = &(*link)->next;
    }
    return copy;
}

void pl_mutate_write(pl_buf *out, const pl_json *tree)
{
    bool object = tree->kind == PL_JSON_OBJECT;
    if (object || tree->kind == PL_JSON_ARRAY) {
        pl_buf_char(out, object ? '{' : '[');
        for (const pl_json *child = tree->first; child; child = child->next) {
            if (child != tree->first) pl_buf_char(out, ',');
            if (object) pl_json_quote(out, child->key), pl_buf_char(out, ':');
            pl_mutate_write(out, child);
        }
        pl_buf_char(out, object ? '}' : ']');
    } else if (tree->raw.bytes) {
        pl_buf_span(out, tree->raw);
    } else if (tree->kind == PL_JSON_STRING) {
        pl_json_quote(out, tree->text);
    } else if (tree->kind == PL_JSON_NUMBER) {
        pl_buf_span(out, tree->text);
    } else {
        pl_buf_text(out, tree->kind == PL_JSON_TRUE    ? "true"
                         : tree->kind == PL_JSON_FALSE ? "false"
                                                       : "null");
    }
}

static pl_json *member(pl_json *object, pl_span key)
{
    pl_json *found = NULL;
    if (object->kind != PL_JSON_OBJECT) return NULL;
    for (pl_json *m = object->first; m; m = m->next)
        if (pl_span_equal(m->key, key)) found = m;
    return found;
}

static pl_json *step_into(pl_json *node, const pl_step *step)
{
    if (step->kind == PL_STEP_KEY) return member(node, step->key);
    if (node->kind != PL_JSON_ARRAY) return NULL;
    int64_t at = 0;
    for (pl_json *item = node->first; item; item = item->next, at++) {
        if (step->kind == PL_STEP_INDEX) {
            if (at == step->index) return item;
            continue;
        }
        const pl_json *name = member(item, step->lookup_key);
        if (name && name->kind == PL_JSON_STRING && pl_span_equal(name->text, step->lookup_value))
            return item;
    }
    return NULL;
}

static pl_json *find(pl_json *tree, const pl_step *steps, uint32_t count)
{
    for (uint32_t i = 0; i < count && tree; i++) tree = step_into(tree, &steps[i]);
    return tree;
}

pl_json *pl_mutate_find(pl_json *tree, const pl_path *path)
{
    return find(tree, path->steps, path->count);
}

// ---- values ------------------------------------------------------------------------------------

static void become(pl_json *value, pl_json_kind kind, pl_span text)
{
    value->kind = kind;
    value->text = text;
    value->raw = (pl_span){0};
}

// The number in a value, also one that is written as text.
static bool number_in(const pl_json *value, pl_number *ret_number)
{
    return (value->kind == PL_JSON_NUMBER || value->kind == PL_JSON_STRING) &&
           pl_number_parse(value->text, ret_number) == PL_NUMBER_OK;
}

// A number with its point moved: digits only, no arithmetic.
static pl_span shifted(pl_span text, int by, pl_arena *arena)
{
    size_t sign = text.bytes && text.data[0] == '-', end = sign;
    while (end < text.bytes && text.data[end] != 'e' && text.data[end] != 'E') end++;
    pl_buf digits = {0}, out = {0};
    long point = -1;
    for (size_t i = sign; i < end; i++)
        if (text.data[i] == '.')
            point = (long)digits.count;
        else
            pl_buf_char(&digits, text.data[i]);
    point = (point < 0 ? (long)digits.count : point) + by;
    for (; point > (long)digits.count;) pl_buf_char(&digits, '0');
    if (sign) pl_buf_char(&out, '-');
    size_t first = 0, last = digits.count;
    while ((long)first + 1 < point && digits.data[first] == '0') first++;
    while ((long)last > point && last > first && digits.data[last - 1] == '0') last--;
    if (point <= 0) pl_buf_char(&out, '0');
    if (point <= 0 && last > first) pl_buf_char(&out, '.');
    for (long zeros = point; zeros < 0 && last > first; zeros++) pl_buf_char(&out, '0');
    for (size_t i = first; i < last; i++) {
        if (point > 0 && (long)i == point) pl_buf_char(&out, '.');
        pl_buf_char(&out, digits.data[i]);
    }
    pl_buf_append(&out, text.data + end, text.bytes - end);
    pl_span moved = pl_arena_copy(arena, pl_buf_view(&out));
    pl_buf_done(&digits);
    pl_buf_done(&out);
    return moved;
}

static bool shift(pl_json *value, int digits, pl_arena *arena)
{
    pl_number number;
    if (!number_in(value, &number)) return false;
    become(value, value->kind, shifted(value->text, digits, arena));
    return true;
}

static bool to_percent(pl_json *value, pl_arena *arena)
{
    pl_number number;
    if (!number_in(value, &number)) return false;
    pl_span text = shifted(value->text, 2, arena);
    become(value, PL_JSON_STRING, pl_span_of(pl_arena_printf(arena, "%.*s%%", PL_FMT(text))));
    return true;
}

static bool to_fraction(pl_json *value, pl_arena *arena)
{
    pl_number number;
    pl_span text = value->text;
    if (value->kind != PL_JSON_STRING || !text.bytes || text.data[text.bytes - 1] != '%')
        return false;
    text.bytes--;
    text = pl_span_trim(text);
    if (pl_number_parse(text, &number) != PL_NUMBER_OK) return false;
    become(value, PL_JSON_NUMBER, shifted(text, -2, arena));
    return true;
}

static bool to_text(pl_json *value)
{
    pl_number number;
    if (!number_in(value, &number)) return false;
    become(value, value->kind == PL_JSON_NUMBER ? PL_JSON_STRING : PL_JSON_NUMBER, value->text);
    return true;
}

// As people read numbers: "1.2K", "3.4M"; or with what is counted behind it.
static bool to_words(pl_json *value, pl_span unit, pl_arena *arena)
{
    pl_number number;
    int64_t n;
    if (!number_in(value, &number)) return false;
    if (unit.bytes) {
        become(value, PL_JSON_STRING,
               pl_span_of(pl_arena_printf(arena, "%.*s %.*s", PL_FMT(value->text), PL_FMT(unit))));
        return true;
    }
    if (pl_number_long(&number, 0, &n) != PL_NUMBER_OK) return false;
    int64_t size = n < 0 ? -n : n;
    int64_t tenths = size >= 1000000 ? n / 100000 : n / 100;
    const char *text = size < 1000
                           ? pl_arena_cstr(arena, value->text)
                           : pl_arena_printf(arena, "%lld.%lld%s", (long long)(tenths / 10),
                                             (long long)((tenths < 0 ? -tenths : tenths) % 10),
                                             size >= 1000000 ? "M" : "K");
    become(value, PL_JSON_STRING, pl_span_of(text));
    return true;
}

static bool in_other_words(pl_json *value, pl_span prefix, pl_arena *arena)
{
    if (value->kind == PL_JSON_TRUE || value->kind == PL_JSON_FALSE) {
        become(value, value->kind == PL_JSON_TRUE ? PL_JSON_FALSE : PL_JSON_TRUE, (pl_span){0});
        return true;
    }
    if (value->kind != PL_JSON_STRING) return false;
    char *text = pl_arena_printf(arena, "%.*s_%.*s", PL_FMT(prefix), PL_FMT(value->text));
    for (char *c = text; *c; c++) *c = *c >= 'a' && *c <= 'z' ? (char)(*c - 32) : *c;
    become(value, PL_JSON_STRING, pl_span_of(text));
    return true;
}

static void wrap(pl_json *value, pl_span name, pl_arena *arena)
{
    pl_json *inner = PL_TAKE(arena, pl_json, 1);
    *inner = *value;
    inner->key = name;
    inner->next = NULL;
    become(value, PL_JSON_OBJECT, (pl_span){0});
    value->first = inner;
    value->count = 1;
}

// ---- keys --------------------------------------------------------------------------------------

static void rename_key(pl_json *holder, pl_span from, pl_span to)
{
    for (pl_json *m = holder->first; m; m = m->next)
        if (pl_span_equal(m->key, from)) m->key = to;
}

static void remove_key(pl_json *holder, pl_span key)
{
    for (pl_json **link = &holder->first; *link;)
        if (pl_span_equal((*link)->key, key))
            *link = (*link)->next, holder->count--;
        else
            link = &(*link)->next;
}

// An object around a member, in its place; several members may go into the same one.
static void move_key(pl_json *holder, pl_json *moved, pl_span into, pl_arena *arena)
{
    pl_json *object = member(holder, into);
    if (!object || object->kind != PL_JSON_OBJECT) {
        pl_span key = moved->key;
        wrap(moved, key, arena);
        moved->key = into;
        return;
    }
    pl_json *copy = PL_TAKE(arena, pl_json, 1);
    *copy = *moved;
    copy->next = NULL;
    remove_key(holder, moved->key);
    pl_json **link = &object->first;
    while (*link) link = &(*link)->next;
    *link = copy;
    object->count++;
}

// A neighbour that looks like it and says something else.
static void add_key(pl_json *beside, pl_span name, pl_arena *arena)
{
    pl_json *added = PL_TAKE(arena, pl_json, 1);
    uint64_t chance = pl_hash_join(pl_hash(beside->raw), pl_hash(name));
    pl_number number;
    double value;
    added->key = name;
    if (beside->kind == PL_JSON_NULL) {
        added->kind = PL_JSON_NULL;
    } else if (beside->kind == PL_JSON_TRUE || beside->kind == PL_JSON_FALSE) {
        added->kind = chance & 1 ? PL_JSON_TRUE : PL_JSON_FALSE;
    } else if (number_in(beside, &number) && pl_number_double(&number, 0, &value) == PL_NUMBER_OK &&
               value > -1e15 && value < 1e15) {
        int64_t most = (int64_t)(value < 0 ? -value : value) * 2 + 10;
        become(added, beside->kind,
               pl_span_of(pl_arena_printf(arena, "%lld", (long long)(chance % (uint64_t)most))));
    } else {
        become(added, PL_JSON_STRING,
               pl_span_of(pl_arena_printf(arena, "%llx", (unsigned long long)(chance >> 24))));
    }
    added->next = beside->next;
    beside->next = added;
}

// Of the value at the end of the path; its holder is an object.
static bool change_member(pl_json *holder, pl_json *value, const pl_change *change, pl_arena *arena)
{
    switch (change->kind) {
    case PL_CHANGE_RENAME:
        rename_key(holder, value->key, change->name);
        return true;
    case PL_CHANGE_MOVE:
        move_key(holder, value, change->name, arena);
        return true;
    case PL_CHANGE_REMOVE:
        remove_key(holder, value->key);
        return true;
    case PL_CHANGE_ADD:
        add_key(value, change->name, arena);
        holder->count++;
        return true;
    case PL_CHANGE_WRAP:
        if (value->kind == PL_JSON_NULL) return false;
        wrap(value, change->name, arena);
        return true;
    case PL_CHANGE_TEXT:
        return to_text(value);
    case PL_CHANGE_WORDS:
        return to_words(value, change->name, arena);
    case PL_CHANGE_SHIFT:
        return shift(value, change->digits, arena);
    case PL_CHANGE_PERCENT:
        return to_percent(value, arena);
    case PL_CHANGE_FRACTION:
        return to_fraction(value, arena);
    case PL_CHANGE_VALUES:
        return in_other_words(value, change->name, arena);
    case PL_CHANGE_KINDS:
        break;
    }
    return false;
}

bool pl_mutate(pl_json *tree, const pl_change *change, pl_arena *arena)
{
    const pl_path *path = &change->path;
    if (!path->count) return false;
    const pl_step *last = &path->steps[path->count - 1];
    pl_json *holder = find(tree, path->steps, path->count - 1);
    pl_json *value = holder ? step_into(holder, last) : NULL;
    if (!value) return false;
    if (last->kind == PL_STEP_KEY) return change_member(holder, value, change, arena);
    if (last->kind != PL_STEP_LOOKUP || change->kind != PL_CHANGE_RENAME) return false;
    become(member(value, last->lookup_key), PL_JSON_STRING, change->name);
    return true;
}

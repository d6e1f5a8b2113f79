// SPDX-License-Identifier: Apache-2.0
#include "contract/edit.h"

#include "contract/contract.h"

typedef struct editing {
    const pl_edit *edit;
    pl_arena arena;
    const pl_yaml *root, *section, *entry, *after; // entry, after: NULL if there is none
    plumb_error *err;
} editing;

static plumb_status refuse(const editing *self, plumb_status status, const char *why)
{
    const pl_edit *edit = self->edit;
    return pl_fail(self->err, status, "cannot edit '%.*s' in '%s': %s", PL_FMT(edit->name),
                   edit->file, why);
}

static const pl_yaml *find(const pl_yaml *map, pl_span name)
{
    for (const pl_yaml *item = map->first; item; item = item->next)
        if (pl_span_equal(item->key->text, name)) return item;
    return NULL;
}

// Compose the file; one mistake in it and it is not edited.
static plumb_status compose(editing *self, pl_span text, const pl_yaml **ret_root)
{
    pl_problems problems = {0};
    pl_yaml *root = pl_yaml_compose(self->edit->file, text, &self->arena, &problems);
    plumb_status st = PLUMB_OK;
    if (problems.count) {
        const plumb_error *first = &problems.items[0];
        st = refuse(self, PLUMB_E_CONFIG, first->message);
        pl_place(self->err, self->edit->file, first->line, first->column);
    }
    pl_problems_done(&problems);
    *ret_root = root;
    return st;
}

static plumb_status begin(editing *self)
{
    const pl_edit *edit = self->edit;
    PL_TRY(compose(self, edit->text, &self->root));
    self->section = pl_yaml_get(self->root, edit->section);
    if (!self->section || self->section->kind != PL_YAML_MAP)
        return pl_fail(self->err, PLUMB_E_NOT_FOUND,
                       "cannot edit '%.*s' in '%s': it has no map '%s'", PL_FMT(edit->name),
                       edit->file, edit->section);
    self->entry = find(self->section, edit->name);
    self->after = find(self->section, edit->after);
    return PLUMB_OK;
}

// Whether the trees are equal, apart from the text of `except` (a node of `a`) and apart from
// `added` (a member of a map of `b`).
static bool same(const pl_yaml *a, const pl_yaml *b, const pl_yaml *except, const pl_yaml *added)
{
    if (a->kind != b->kind) return false;
    if (!a->key != !b->key) return false;
    if (a->key && !pl_span_equal(a->key->text, b->key->text)) return false;
    if (a->kind == PL_YAML_SCALAR) return a == except || pl_span_equal(a->text, b->text);
    const pl_yaml *x = a->first, *y = b->first;
    for (;; x = x->next, y = y->next) {
        if (y && y == added) y = y->next;
        if (!x || !y) return !x && !y;
        if (!same(x, y, except, added)) return false;
    }
}

// Take the new file only if nothing but the one entry differs.
static plumb_status accept(editing *self, const pl_buf *text, pl_buf *out)
{
    const pl_edit *edit = self->edit;
    const pl_yaml *root = NULL;
    bool good = false;
    if (compose(self, pl_buf_view(text), &root) == PLUMB_OK) {
        const pl_yaml *section = pl_yaml_get(root, edit->section);
        const pl_yaml *entry =
            section && section->kind == PL_YAML_MAP ? find(section, edit->name) : NULL;
        good = entry && entry->kind == PL_YAML_SCALAR && pl_span_equal(entry->text, edit->value) &&
               same(self->root, root, self->entry, self->entry ? NULL : entry);
    }
    if (!good)
        return refuse(self, PLUMB_E_FAILED, "the file would not read back with this one change");
    pl_buf_span(out, pl_buf_view(text));
    return PLUMB_OK;
}

plumb_status pl_edit_set(const pl_edit *edit, pl_buf *out, plumb_error *err)
{
    editing self = {.edit = edit, .err = err};
    pl_buf text = {0};
    plumb_status st = begin(&self);
    if (st != PLUMB_OK) goto done;
    const pl_yaml *entry = self.entry;
    if (!entry) {
        st = refuse(&self, PLUMB_E_NOT_FOUND, "it has no such entry");
        goto done;
    }
    if (entry->kind != PL_YAML_SCALAR) {
        st = refuse(&self, PLUMB_E_FAILED, "it is written in the long form");
        pl_hint(err, "Change it by hand, or write it as one line first.");
        goto done;
    }
    // A block scalar's range ends behind its line break, which stays.
    uint32_t end = entry->end;
    while (end > entry->start && strchr(" \t\r\n", edit->text.data[end - 1])) end--;
    pl_buf_append(&text, edit->text.data, entry->start);
    if (entry->start && edit->text.data[entry->start - 1] == ':') pl_buf_char(&text, ' ');
    pl_yaml_quote_like(&text, edit->value, entry->style, self.section->style == PL_YAML_FLOW);
    pl_buf_append(&text, edit->text.data + end, edit->text.bytes - end);
    st = accept(&self, &text, out);
done:
    pl_buf_done(&text);
    pl_arena_done(&self.arena);
    return st;
}

// A new line behind the one on which `neighbour` ends, with its indentation, its alignment and its
// kind of line end.
static void insert_line(const editing *self, const pl_yaml *neighbour, pl_buf *text)
{
    pl_span old = self->edit->text;
    const pl_yaml *key = neighbour->key;
    uint32_t indent = key->start - (key->column - 1);
    size_t at = neighbour->end;
    // Lines of blanks may be the text of a block scalar, which ends behind its last line break.
    bool block = neighbour->kind == PL_YAML_SCALAR && neighbour->style == PL_YAML_BLOCK;
    if (block && at && old.data[at - 1] == '\n') at--;
    while (!block && at > neighbour->start && strchr(" \t\r\n", old.data[at - 1])) at--;
    const char *newline = memchr(old.data + at, '\n', old.bytes - at);
    at = newline ? (size_t)(newline - old.data) + 1 : old.bytes;
    const char *first = memchr(old.data, '\n', old.bytes);
    bool crlf = first && first > old.data && first[-1] == '\r';
    pl_buf_append(text, old.data, at);
    if (!newline) pl_buf_text(text, crlf ? "\r\n" : "\n");
    pl_buf_append(text, old.data + indent, key->start - indent);
    pl_buf_span(text, self->edit->name);
    pl_buf_char(text, ':');
    size_t width = neighbour->line == key->line ? neighbour->start - key->start : 0;
    size_t used = self->edit->name.bytes + 1;
    do pl_buf_char(text, ' ');
    while (++used < width);
    pl_yaml_quote_like(text, self->edit->value, PL_YAML_PLAIN, false);
    if (newline) pl_buf_text(text, crlf ? "\r\n" : "\n");
    pl_buf_append(text, old.data + at, old.bytes - at);
}

static void insert_flow(const editing *self, const pl_yaml *neighbour, pl_buf *text)
{
    pl_span old = self->edit->text;
    size_t at = neighbour ? neighbour->end : self->section->start + 1;
    pl_buf_append(text, old.data, at);
    pl_buf_printf(text, "%s%.*s: ", neighbour ? ", " : "", PL_FMT(self->edit->name));
    pl_yaml_quote_like(text, self->edit->value, PL_YAML_PLAIN, true);
    pl_buf_append(text, old.data + at, old.bytes - at);
}

plumb_status pl_edit_insert(const pl_edit *edit, pl_buf *out, plumb_error *err)
{
    editing self = {.edit = edit, .err = err};
    pl_buf text = {0};
    plumb_status st = begin(&self);
    if (st != PLUMB_OK) goto done;
    const char *reason = pl_name_check(edit->name);
    if (reason) {
        st = pl_fail(err, PLUMB_E_MISUSE, "cannot insert '%.*s' in '%s': the name %s",
                     PL_FMT(edit->name), edit->file, reason);
        goto done;
    }
    if (self.entry) {
        st = refuse(&self, PLUMB_E_CONFLICT, "it is there already");
        goto done;
    }
    const pl_yaml *neighbour = self.after;
    for (const pl_yaml *item = self.section->first; !self.after && item; item = item->next)
        neighbour = item;
    if (self.section->style == PL_YAML_FLOW)
        insert_flow(&self, neighbour, &text);
    else
        insert_line(&self, neighbour, &text);
    st = accept(&self, &text, out);
done:
    pl_buf_done(&text);
    pl_arena_done(&self.arena);
    return st;
}

// Its lines: a scalar written as a block ends behind its last line break.
static void remove_lines(const editing *self, pl_buf *text)
{
    pl_span old = self->edit->text;
    const pl_yaml *entry = self->entry;
    uint32_t start = entry->key->start - (entry->key->column - 1);
    size_t at = entry->end;
    bool block = entry->kind == PL_YAML_SCALAR && entry->style == PL_YAML_BLOCK;
    if (block && at && old.data[at - 1] == '\n') at--;
    while (!block && at > entry->start && strchr(" \t\r\n", old.data[at - 1])) at--;
    const char *newline = memchr(old.data + at, '\n', old.bytes - at);
    at = newline ? (size_t)(newline - old.data) + 1 : old.bytes;
    pl_buf_append(text, old.data, start);
    pl_buf_append(text, old.data + at, old.bytes - at);
}

static void remove_flow(const editing *self, pl_buf *text)
{
    pl_span old = self->edit->text;
    const pl_yaml *entry = self->entry, *before = NULL;
    for (const pl_yaml *item = self->section->first; item != entry; item = item->next)
        before = item;
    size_t start = before ? before->end : entry->key->start, end = entry->end;
    if (!before && entry->next) end = entry->next->key->start;
    pl_buf_append(text, old.data, start);
    pl_buf_append(text, old.data + end, old.bytes - end);
}

plumb_status pl_edit_remove(const pl_edit *edit, pl_buf *out, plumb_error *err)
{
    editing self = {.edit = edit, .err = err};
    pl_buf text = {0};
    const pl_yaml *root = NULL;
    plumb_status st = begin(&self);
    if (st == PLUMB_OK && !self.entry)
        st = refuse(&self, PLUMB_E_NOT_FOUND, "it has no such entry");
    if (st == PLUMB_OK && !self.section->first->next)
        st = refuse(&self, PLUMB_E_FAILED, "nothing else would be left there");
    if (st == PLUMB_OK) {
        if (self.section->style == PL_YAML_FLOW)
            remove_flow(&self, &text);
        else
            remove_lines(&self, &text);
        bool good = compose(&self, pl_buf_view(&text), &root) == PLUMB_OK &&
                    same(root, self.root, NULL, self.entry);
        if (good)
            pl_buf_span(out, pl_buf_view(&text));
        else
            st = refuse(&self, PLUMB_E_FAILED, "the file would not read back without it");
    }
    pl_buf_done(&text);
    pl_arena_done(&self.arena);
    return st;
}

// ---- overlays ----------------------------------------------------------------------------------
static plumb_status lay_over(const char *file, const pl_yaml *entry, pl_buf *text, plumb_error *err)
{
    pl_buf out = {0};
    pl_edit edit = {.file = file,
                    .text = pl_buf_view(text),
                    .section = "map",
                    .name = entry->key->text,
                    .value = entry->text};
    plumb_status st = pl_edit_insert(&edit, &out, err);
    if (st == PLUMB_E_CONFLICT) st = pl_edit_set(&edit, &out, err);
    if (st == PLUMB_OK) {
        pl_buf_reset(text);
        pl_buf_span(text, pl_buf_view(&out));
    }
    pl_buf_done(&out);
    return st;
}

static plumb_status read_overlay(const char *file, pl_span overlay, pl_arena *arena,
                                 const pl_yaml **ret_first, plumb_error *err)
{
    pl_problems problems = {0};
    const pl_yaml *root = pl_yaml_compose(file, overlay, arena, &problems);
    bool good = !problems.count && root && root->kind == PL_YAML_MAP;
    for (const pl_yaml *entry = good ? root->first : NULL; entry; entry = entry->next)
        good = good && entry->kind == PL_YAML_SCALAR;
    pl_problems_done(&problems);
    *ret_first = good ? root->first : NULL;
    return good
               ? PLUMB_OK
               : pl_fail(err, PLUMB_E_MALFORMED,
                         "cannot lay changes over mapping '%s': they are not a map of rules", file);
}

plumb_status pl_edit_overlay(const char *file, pl_span text, pl_span overlay, pl_arena *arena,
                             pl_span *ret_text, plumb_error *err)
{
    const pl_yaml *first;
    PL_TRY(read_overlay(file, overlay, arena, &first, err));
    pl_buf made = {0};
    plumb_status st = PLUMB_OK;
    pl_buf_span(&made, text);
    for (const pl_yaml *entry = first; entry && st == PLUMB_OK; entry = entry->next)
        st = lay_over(file, entry, &made, err);
    if (st == PLUMB_OK) *ret_text = pl_arena_copy(arena, pl_buf_view(&made));
    pl_buf_done(&made);
    return st;
}

static void put_rule(pl_buf *out, pl_span name, pl_span rule)
{
    pl_buf_printf(out, "%.*s: ", PL_FMT(name));
    pl_yaml_quote(out, rule, true);
    pl_buf_char(out, '\n');
}

plumb_status pl_edit_overlay_left(const char *file, pl_span text, pl_span overlay, pl_arena *arena,
                                  pl_span *ret_left, plumb_error *err)
{
    const pl_yaml *first = NULL;
    pl_problems problems = {0};
    *ret_left = PL_SPAN("");
    if (!overlay.bytes) return PLUMB_OK;
    PL_TRY(read_overlay(file, overlay, arena, &first, err));
    const pl_yaml *root = pl_yaml_compose(file, text, arena, &problems);
    const pl_yaml *map = root ? pl_yaml_get(root, "map") : NULL;
    pl_problems_done(&problems);
    pl_buf left = {0};
    for (const pl_yaml *entry = first; entry; entry = entry->next) {
        const pl_yaml *own = map && map->kind == PL_YAML_MAP ? find(map, entry->key->text) : NULL;
        if (!own || own->kind != PL_YAML_SCALAR || !pl_span_equal(own->text, entry->text))
            put_rule(&left, entry->key->text, entry->text);
    }
    *ret_left = pl_arena_copy(arena, pl_buf_view(&left));
    pl_buf_done(&left);
    return PLUMB_OK;
}

plumb_status pl_edit_overlay_set(const char *file, pl_span overlay, pl_span name, pl_span rule,
                                 pl_arena *arena, pl_span *ret_overlay, plumb_error *err)
{
    const pl_yaml *first = NULL;
    pl_buf made = {0};
    if (overlay.bytes) PL_TRY(read_overlay(file, overlay, arena, &first, err));
    for (const pl_yaml *entry = first; entry; entry = entry->next)
        if (!pl_span_equal(entry->key->text, name)) put_rule(&made, entry->key->text, entry->text);
    if (rule.bytes) put_rule(&made, name, rule);
    *ret_overlay = pl_arena_copy(arena, pl_buf_view(&made));
    pl_buf_done(&made);
    return PLUMB_OK;
}

plumb_status pl_edit_overlay_of(const char *file, pl_span overlay,
                                bool (*keep)(const void *context, pl_span name),
                                const void *context, pl_arena *arena, pl_span *ret_overlay,
                                plumb_error *err)
{
    const pl_yaml *first = NULL;
    pl_buf made = {0};
    if (overlay.bytes) PL_TRY(read_overlay(file, overlay, arena, &first, err));
    for (const pl_yaml *entry = first; entry; entry = entry->next)
        if (keep(context, entry->key->text)) put_rule(&made, entry->key->text, entry->text);
    *ret_overlay = pl_arena_copy(arena, pl_buf_view(&made));
    pl_buf_done(&made);
    return PLUMB_OK;
}

// layout.c -- `sort:`, `compression:` and `encodings:` of a contract.
//
// SPDX-License-Identifier: Apache-2.0
#include "contract/contract_int.h"

static const char *const COMPRESSIONS[] = {"snappy", "zstd", NULL};
static const char *const ENCODINGS[] = {"safe", "compact", NULL};
static const char *const DIRECTIONS[] = {"asc", "desc", NULL};

const char *pl_compression_name(pl_compression compression)
{
    return COMPRESSIONS[compression];
}

// "post_id" or "post_id desc"; false after a mistake.
static bool read_direction(const pl_contract_reading *self, const pl_yaml *node,
                           pl_sort_field *field)
{
    const char *space = memchr(node->text.data, ' ', node->text.bytes);
    field->source = node->text;
    if (!space) return true;
    size_t end = (size_t)(space - node->text.data), from = end;
    field->source.bytes = end;
    pl_span word = pl_contract__cut(node->text, &from, node->text.bytes);
    int which = pl_contract__word(word, DIRECTIONS);
    field->descending = field->nulls_last = which == 1;
    if (which >= 0) return true;
    pl_contract__words(
        pl_contract__mistake(&self->base, node, from, "unknown direction '%.*s'", PL_FMT(word)),
        word, DIRECTIONS);
    return false;
}

static void add_sort(pl_contract_reading *self, const pl_yaml *node, pl_sort_order *sort)
{
    pl_sort_field field = {0};
    if (!read_direction(self, node, &field)) return;
    int index = pl_contract__find(self, node, 0, field.source);
    if (index < 0) return;
    pl_kind kind = self->contract->columns[index].field.type.kind;
    if (kind == PL_LIST || kind == PL_JSON)
        pl_contract__mistake(&self->base, node, 0, "cannot sort by column '%.*s': it is %s",
                             PL_FMT(field.source), kind == PL_LIST ? "a list" : "json");
    for (uint32_t i = 0; i < sort->count; i++)
        if (pl_span_equal(sort->fields[i].source, field.source))
            pl_contract__mistake(&self->base, node, 0, "sort names column '%.*s' twice",
                                 PL_FMT(field.source));
    sort->fields[sort->count++] = field;
}

static void read_sort(pl_contract_reading *self, const pl_yaml *root)
{
    pl_sort_order *sort = &self->contract->sort;
    const pl_yaml *node = pl_yaml_get(root, "sort");
    bool single;
    const pl_yaml *item = pl_contract__items(self, node, "sort", &single);
    if (node && node->count > PL_SORT_FIELDS_MAX) {
        pl_contract__mistake(&self->base, node, 0, "%u sort columns, more than the %d allowed",
                             node->count, PL_SORT_FIELDS_MAX);
        return;
    }
    sort->fields = PL_TAKE(self->base.arena, pl_sort_field, PL_SORT_FIELDS_MAX);
    for (; item; item = single ? NULL : item->next)
        if (pl_contract__want(&self->base, item, PL_YAML_SCALAR, "a sort column"))
            add_sort(self, item, sort);
}

// Which of `words` the contract says for `key`; the first where it says nothing, or nothing right.
static int read_word(pl_contract_reading *self, const pl_yaml *root, const char *key,
                     const char *kind, const char *const *words)
{
    const pl_yaml *node = pl_yaml_get(root, key);
    if (!node || !pl_contract__want(&self->base, node, PL_YAML_SCALAR, key)) return 0;
    int which = pl_contract__word(node->text, words);
    if (which >= 0) return which;
    pl_contract__words(
        pl_contract__mistake(&self->base, node, 0, "unknown %s '%.*s'", kind, PL_FMT(node->text)),
        node->text, words);
    return 0;
}

void pl_contract__layout(pl_contract_reading *self, const pl_yaml *root)
{
    read_sort(self, root);
    self->contract->compression =
        (pl_compression)read_word(self, root, "compression", "compression", COMPRESSIONS);
    self->contract->compact = read_word(self, root, "encodings", "encodings", ENCODINGS) == 1;
}

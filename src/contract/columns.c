// SPDX-License-Identifier: Apache-2.0
#include "base/number.h"
#include "contract/contract_int.h"

static const char *const COLUMN_KEYS[] = {"type",  "required", "min", "max",
                                          "range", "was",      "doc", NULL};
static const char *const COLUMN_WORDS[] = {"min", "max", "range", "was", NULL};
static const char *const TYPES[] = {"boolean", "int",          "long",    "float",
                                    "double",  "decimal(p,s)", "date",    "timestamp",
                                    "string",  "json",         "list(T)", NULL};

// A finite number as written, and as a double.
static bool read_number(const pl_contract_reading *self, const pl_yaml *node, size_t offset,
                        pl_span text, double *ret_value)
{
    pl_number number;
    pl_number_verdict verdict = pl_number_parse(text, &number);
    if (verdict == PL_NUMBER_OK) verdict = pl_number_double(&number, 0, ret_value);
    if (verdict == PL_NUMBER_OK) return true;
    pl_contract__mistake(&self->base, node, offset, "'%.*s' %s", PL_FMT(text),
                         pl_number_reason(verdict));
    return false;
}

static bool is_numeric(pl_kind kind)
{
    return kind == PL_INT || kind == PL_LONG || kind == PL_FLOAT || kind == PL_DOUBLE ||
           kind == PL_DECIMAL;
}

static void read_type(const pl_contract_reading *self, const pl_yaml *node, size_t offset,
                      pl_span text, pl_contract_column *column)
{
    if (text.bytes && text.data[text.bytes - 1] == '!') {
        column->field.required = true;
        text.bytes--;
    }
    const char *reason = NULL;
    if (pl_type_parse(text, self->base.arena, &column->field.type, &reason)) return;
    if (reason && strcmp(reason, "unknown type") != 0) {
        pl_contract__mistake(&self->base, node, offset, "type '%.*s': %s", PL_FMT(text), reason);
        return;
    }
    pl_contract__words(
        pl_contract__mistake(&self->base, node, offset, "unknown type '%.*s'", PL_FMT(text)), text,
        TYPES);
}

static void read_bound(const pl_contract_reading *self, const pl_yaml *node, size_t offset,
                       pl_span text, bool upper, pl_contract_column *column)
{
    double value;
    if (!read_number(self, node, offset, text, &value)) return;
    bool *has = upper ? &column->has_max : &column->has_min;
    if (*has)
        pl_contract__mistake(&self->base, node, offset, "%s is given twice", upper ? "max" : "min");
    *has = true;
    *(upper ? &column->max : &column->min) = value;
    *(upper ? &column->max_text : &column->min_text) = text;
}

// "a, b": two bounds.
static void read_range(const pl_contract_reading *self, const pl_yaml *node, size_t from, size_t to,
                       pl_contract_column *column)
{
    const char *comma = memchr(node->text.data + from, ',', to - from);
    if (!comma) {
        pl_contract__mistake(&self->base, node, from, "range needs two numbers, as in range(0, 1)");
        return;
    }
    size_t middle = (size_t)(comma - node->text.data), second = middle + 1;
    pl_span low = pl_contract__cut(node->text, &from, middle);
    pl_span high = pl_contract__cut(node->text, &second, to);
    read_bound(self, node, from, low, false, column);
    read_bound(self, node, second, high, true, column);
}

static void read_was(const pl_contract_reading *self, const pl_yaml *node, size_t offset,
                     pl_span text, pl_contract_column *column)
{
    const char *reason = pl_name_check(text);
    if (reason)
        pl_contract__mistake(&self->base, node, offset, "column name '%.*s' %s", PL_FMT(text),
                             reason);
    column->was = text;
}

// One word behind the type: min(0), range(0, 1), was(old).
static void read_word(const pl_contract_reading *self, const pl_yaml *node, size_t from, size_t to,
                      pl_contract_column *column)
{
    pl_span text = node->text;
    const char *bracket = memchr(text.data + from, '(', to - from);
    size_t open = bracket ? (size_t)(bracket - text.data) : to;
    pl_span word = pl_span_make(text.data + from, open - from);
    int which = pl_contract__word(word, COLUMN_WORDS);
    if (which < 0) {
        pl_contract__words(
            pl_contract__mistake(&self->base, node, from, "unknown word '%.*s'", PL_FMT(word)),
            word, COLUMN_WORDS);
        return;
    }
    if (!bracket) {
        pl_contract__mistake(&self->base, node, from, "'%.*s' needs a value in brackets",
                             PL_FMT(word));
        return;
    }
    size_t inside = open + 1;
    pl_span argument = pl_contract__cut(text, &inside, to - 1);
    switch (which) {
    case 0:
        read_bound(self, node, inside, argument, false, column);
        break;
    case 1:
        read_bound(self, node, inside, argument, true, column);
        break;
    case 2:
        read_range(self, node, inside, to - 1, column);
        break;
    default:
        read_was(self, node, inside, argument, column);
        break;
    }
}

// The short form: "long! min(0) was(old)".
static void read_short(const pl_contract_reading *self, const pl_yaml *node,
                       pl_contract_column *column)
{
    pl_span text = node->text;
    size_t at = 0;
    bool typed = false;
    while (at < text.bytes) {
        if (strchr(" \t\n", text.data[at])) {
            at++;
            continue;
        }
        size_t end = at;
        while (end < text.bytes && !strchr(" \t\n", text.data[end])) {
            if (text.data[end] == '(' || text.data[end] == '[') {
                end = pl_contract__close(text, end);
                if (end == SIZE_MAX) {
                    pl_contract__mistake(&self->base, node, at, "unbalanced bracket in '%.*s'",
                                         PL_FMT(text));
                    return;
                }
            }
            end++;
        }
        if (!typed)
            read_type(self, node, at, pl_span_make(text.data + at, end - at), column);
        else
            read_word(self, node, at, end, column);
        typed = true;
        at = end;
    }
    if (!typed)
        pl_contract__words(pl_contract__mistake(&self->base, node, 0, "column '%.*s' has no type",
                                                PL_FMT(column->field.name)),
                           PL_SPAN(""), TYPES);
}

static bool read_bool(const pl_contract_reading *self, const pl_yaml *node, const char *what)
{
    if (pl_span_is(node->text, "true")) return true;
    if (!pl_span_is(node->text, "false"))
        pl_contract__mistake(&self->base, node, 0, "%s must be true or false, not '%.*s'", what,
                             PL_FMT(node->text));
    return false;
}

// {range: [0, 1]}
static void read_range_list(const pl_contract_reading *self, const pl_yaml *node,
                            pl_contract_column *column)
{
    if (!(node = pl_contract__want(&self->base, node, PL_YAML_LIST, "range"))) return;
    if (node->count != 2) {
        pl_contract__mistake(&self->base, node, 0, "range needs two numbers, as in [0, 1]");
        return;
    }
    int upper = 0;
    for (const pl_yaml *item = node->first; item; item = item->next, upper++)
        if (pl_contract__want(&self->base, item, PL_YAML_SCALAR, "a bound"))
            read_bound(self, item, 0, item->text, upper, column);
}

// The long form: {type: long, min: 0}.
static void read_long(const pl_contract_reading *self, const pl_yaml *node,
                      pl_contract_column *column)
{
    pl_contract__check_keys(&self->base, node, COLUMN_KEYS);
    const pl_yaml *type = pl_yaml_get(node, "type");
    if (!type)
        pl_contract__words(pl_contract__mistake(&self->base, node, 0, "column '%.*s' has no type",
                                                PL_FMT(column->field.name)),
                           PL_SPAN(""), TYPES);
    for (const pl_yaml *item = node->first; item; item = item->next) {
        int which = pl_contract__word(item->key->text, COLUMN_KEYS);
        if (which == 4) {
            read_range_list(self, item, column);
            continue;
        }
        if (which < 0 || !pl_contract__want(&self->base, item, PL_YAML_SCALAR, COLUMN_KEYS[which]))
            continue;
        switch (which) {
        case 0:
            read_type(self, item, 0, item->text, column);
            break;
        case 1:
            column->field.required |= read_bool(self, item, "required");
            break;
        case 2:
            read_bound(self, item, 0, item->text, false, column);
            break;
        case 3:
            read_bound(self, item, 0, item->text, true, column);
            break;
        case 5:
            read_was(self, item, 0, item->text, column);
            break;
        default:
            column->field.doc = item->text;
            break;
        }
    }
}

static void check_bounds(const pl_contract_reading *self, const pl_yaml *node,
                         const pl_contract_column *column)
{
    if ((column->has_min || column->has_max) && !is_numeric(column->field.type.kind))
        pl_contract__mistake(&self->base, node, 0, "column '%.*s' has bounds but is no number",
                             PL_FMT(column->field.name));
    else if (column->has_min && column->has_max && column->min > column->max)
        pl_contract__mistake(&self->base, node, 0, "column '%.*s': min %.*s is above max %.*s",
                             PL_FMT(column->field.name), PL_FMT(column->min_text),
                             PL_FMT(column->max_text));
}

void pl_contract__columns(pl_contract_reading *self, const pl_yaml *root)
{
    pl_contract *contract = self->contract;
    const pl_yaml *columns = pl_yaml_get(root, "columns");
    if (!columns) {
        pl_contract__mistake(&self->base, root, 0, "the contract declares no columns");
        return;
    }
    if (!(columns = pl_contract__want(&self->base, columns, PL_YAML_MAP, "columns"))) return;
    if (columns->count == 0)
        pl_contract__mistake(&self->base, columns, 0, "the contract declares no columns");
    if (columns->count > PL_COLUMNS_MAX) {
        pl_contract__mistake(&self->base, columns, 0, "%u columns, more than the %d allowed",
                             columns->count, PL_COLUMNS_MAX);
        return;
    }
    contract->columns = PL_TAKE(self->base.arena, pl_contract_column, columns->count);
    self->spans = PL_TAKE(self->base.arena, pl_span, columns->count);
    for (const pl_yaml *node = columns->first; node; node = node->next) {
        pl_contract_column *column = &contract->columns[contract->column_count];
        column->field.name = node->key->text;
        column->field.doc = PL_SPAN("");
        column->was = column->min_text = column->max_text = PL_SPAN("");
        column->line = node->key->line;
        column->column = node->key->column;
        const char *reason = pl_name_check(node->key->text);
        if (reason)
            pl_contract__mistake(&self->base, node->key, 0, "column name '%.*s' %s",
                                 PL_FMT(node->key->text), reason);
        uint32_t before = self->base.problems->count;
        if (node->kind == PL_YAML_SCALAR)
            read_short(self, node, column);
        else if (pl_contract__want(&self->base, node, PL_YAML_MAP, "a column"))
            read_long(self, node, column);
        if (self->base.problems->count == before) check_bounds(self, node, column);
        pl_map_add(&self->names, node->key->text, contract->column_count);
        self->spans[contract->column_count++] = node->key->text;
    }
}

// beside.c -- proposals about whole columns: one that goes, one that is filled beside another, and
// those two made one again.
//
// SPDX-License-Identifier: Apache-2.0
#include "contract/diff.h"
#include "contract/edit.h"
#include "contract/mapping_int.h"
#include "contract/propose.h"

#define BESIDE "__next"

// The texts of both files on their way to the proposal.
typedef struct sheet {
    const pl_proposing *with;
    pl_arena *arena;
    pl_proposal *out;
    pl_span mapping, contract;
    const pl_contract *declared; // by that text
} sheet;

static bool PL_PRINTF(2, 3) decline(sheet *self, const char *fmt, ...)
{
    pl_buf text = {0};
    va_list args;
    va_start(args, fmt);
    pl_buf_vprintf(&text, fmt, args);
    va_end(args);
    *self->out = (pl_proposal){.why_not = pl_arena_cstr(self->arena, pl_buf_view(&text))};
    pl_buf_done(&text);
    return false;
}

static sheet begin(const pl_proposing *with, pl_proposal *ret_proposal)
{
    *ret_proposal = pl_proposal_none(with->overlay);
    return (sheet){.with = with,
                   .arena = with->arena,
                   .out = ret_proposal,
                   .mapping = with->file->text,
                   .contract = with->file->contract->text,
                   .declared = with->file->contract};
}

// ---- edits --------------------------------------------------------------------------------------

typedef plumb_status edit_fn(const pl_edit *edit, pl_buf *out, plumb_error *err);

static bool apply(sheet *self, edit_fn *edit_with, bool contract, pl_span name, pl_span value,
                  pl_span after)
{
    const pl_mapping *file = self->with->file;
    pl_span *text = contract ? &self->contract : &self->mapping;
    pl_edit edit = {.file = contract ? file->contract->file : file->file,
                    .text = *text,
                    .section = contract ? "columns" : "map",
                    .name = name,
                    .value = value,
                    .after = after};
    pl_buf out = {0};
    plumb_error err;
    plumb_status st = edit_with(&edit, &out, &err);
    if (st == PLUMB_OK) *text = pl_arena_copy(self->arena, pl_buf_view(&out));
    pl_buf_done(&out);
    if (edit_with == pl_edit_remove && st == PLUMB_E_NOT_FOUND) return true; // it is out
    return st == PLUMB_OK || decline(self, "%s", err.message);
}

static bool lay_over(sheet *self, pl_span column, pl_span rule)
{
    plumb_error err;
    return pl_edit_overlay_set(self->with->file->file, self->out->overlay, column, rule,
                               self->arena, &self->out->overlay, &err) == PLUMB_OK ||
           decline(self, "%s", err.message);
}

// The scalar of a column's entry in a mapping; "" if there is none, or it is no scalar.
static pl_span rule_in(sheet *self, pl_span mapping, pl_span column)
{
    pl_problems problems = {0};
    const pl_yaml *root = pl_yaml_compose(self->with->file->file, mapping, self->arena, &problems);
    const pl_yaml *map = root ? pl_yaml_get(root, "map") : NULL;
    pl_problems_done(&problems);
    for (const pl_yaml *node = map ? map->first : NULL; node; node = node->next)
        if (pl_span_equal(node->key->text, column))
            return node->kind == PL_YAML_SCALAR ? node->text : PL_SPAN("");
    return PL_SPAN("");
}

// ---- what comes of them -------------------------------------------------------------------------

static bool declares(sheet *self)
{
    const pl_contract *old = self->with->file->contract;
    if (pl_span_equal(self->contract, old->text)) return true;
    pl_problems problems = {0};
    self->declared = pl_contract_parse(old->file, self->contract, self->arena, &problems, NULL);
    if (!self->declared)
        decline(self, "%s would not be a contract: line %u: %s", old->file, problems.items[0].line,
                problems.items[0].message);
    pl_problems_done(&problems);
    return self->declared != NULL;
}

static bool maps(sheet *self, pl_span text, const pl_contract *contract)
{
    pl_problems problems = {0};
    pl_contract *copy = PL_TAKE(self->arena, pl_contract, 1);
    *copy = *contract;
    const char *file = self->with->file->file;
    bool good = pl_mapping_parse(file, text, &copy, 1, self->arena, &problems, NULL) != NULL;
    if (!good)
        decline(self, "%s would not be a mapping: line %u: %s", file, problems.items[0].line,
                problems.items[0].message);
    pl_problems_done(&problems);
    return good;
}

// The texts as they are now become the proposal. While one file is written and the other is not,
// the mapping fits the wider of the contracts.
static bool finish(sheet *self, bool contract_first)
{
    const pl_mapping *file = self->with->file;
    bool maps_new = !pl_span_equal(self->mapping, file->text);
    bool declares_new = !pl_span_equal(self->contract, file->contract->text);
    if (!maps_new && !declares_new) return decline(self, "the files say so already");
    plumb_error err;
    pl_span under = file->text;
    if (!declares(self)) return false;
    if (self->out->overlay.bytes && pl_edit_overlay(file->file, file->text, self->out->overlay,
                                                    self->arena, &under, &err) != PLUMB_OK)
        return decline(self, "%s", err.message);
    if (!maps(self, under, contract_first ? self->declared : file->contract) ||
        !maps(self, self->mapping, self->declared))
        return false;
    if (maps_new) self->out->mapping_text = self->mapping;
    if (declares_new) self->out->contract_text = self->contract;
    pl_buf diff = {0};
    for (int n = 0; n < 2; n++) {
        bool contract = (n == 0) == contract_first;
        if (contract && declares_new)
            pl_diff_unified(&diff, file->contract->file, file->contract->text, self->contract);
        if (!contract && maps_new) pl_diff_unified(&diff, file->file, file->text, self->mapping);
    }
    self->out->diff = pl_arena_copy(self->arena, pl_buf_view(&diff));
    pl_buf_done(&diff);
    return true;
}

bool pl_propose_retired(const pl_proposing *with, const pl_span *columns, uint32_t count,
                        bool contract, pl_proposal *ret_proposal)
{
    const pl_span none = PL_SPAN("");
    sheet self = begin(with, ret_proposal);
    for (uint32_t i = 0; i < count; i++)
        if (!apply(&self, pl_edit_remove, false, columns[i], none, none) ||
            (contract && !apply(&self, pl_edit_remove, true, columns[i], none, none)) ||
            !lay_over(&self, columns[i], none))
            return false;
    return finish(&self, false);
}

// ---- beside another -----------------------------------------------------------------------------

pl_span pl_beside_name(pl_span column, pl_arena *arena)
{
    return pl_span_of(pl_arena_printf(arena, "%.*s" BESIDE, PL_FMT(column)));
}

bool pl_is_beside(pl_span name, pl_span column)
{
    const pl_span tail = PL_SPAN(BESIDE);
    return name.bytes == column.bytes + tail.bytes && pl_span_starts(name, column) &&
           memcmp(name.data + column.bytes, tail.data, tail.bytes) == 0;
}

// The one beside it that the mapping fills, or -1.
static int beside(const pl_mapping *mapping, uint32_t column, pl_arena *arena)
{
    const pl_contract *contract = mapping->contract;
    int at =
        pl_contract_find(contract, pl_beside_name(contract->columns[column].field.name, arena));
    return at >= 0 && pl_mapping_rule(mapping, (uint32_t)at) ? at : -1;
}

void pl_mapping_beside(const pl_mapping *mapping, pl_span path, pl_arena *arena,
                       uint32_t **ret_columns, uint32_t *ret_count)
{
    uint32_t *columns, count, kept = 0;
    pl_mapping_columns_of(mapping, path, arena, &columns, &count);
    for (uint32_t i = 0; i < count; i++)
        if (beside(mapping, columns[i], arena) >= 0) columns[kept++] = columns[i];
    *ret_columns = columns;
    *ret_count = kept;
}

static bool put_beside(sheet *self, const pl_contract_column *column, pl_span rule)
{
    const pl_mapping *file = self->with->file;
    const pl_contract *contract = file->contract;
    pl_span name = column->field.name, next = pl_beside_name(name, self->arena);
    const char *long_name = pl_name_check(next);
    int there = pl_contract_find(contract, next);
    if (column->field.required || column->critical)
        return decline(self,
                       "column '%.*s' is %s, so a record whose value it does not take is no row",
                       PL_FMT(name), column->field.required ? "required" : "critical");
    if (long_name)
        return decline(self, "no column can be beside '%.*s': the name %s", PL_FMT(name),
                       long_name);
    // A declaration without a rule is left from before.
    if (there >= 0 && (pl_mapping_rule(file, (uint32_t)there) ||
                       !pl_type_equal(&contract->columns[there].field.type, &column->field.type)))
        return decline(self, "column '%.*s' is there already", PL_FMT(next));
    pl_buf type = {0};
    pl_type_text(&type, &column->field.type);
    pl_span text = pl_arena_copy(self->arena, pl_buf_view(&type));
    pl_buf_done(&type);
    return (there >= 0 || apply(self, pl_edit_insert, true, next, text, name)) &&
           apply(self, pl_edit_insert, false, next, rule, PL_SPAN("")) &&
           lay_over(self, next, rule);
}

bool pl_propose_beside(const pl_proposing *with, const pl_proposal *change,
                       pl_proposal *ret_proposal)
{
    sheet self = begin(with, ret_proposal);
    const pl_contract *contract = with->file->contract;
    for (uint32_t i = 0; i < change->column_count; i++) {
        const pl_contract_column *column = &contract->columns[change->columns[i]];
        pl_span rule = rule_in(&self, change->mapping_text, column->field.name);
        if (!put_beside(&self, column, rule)) return false;
    }
    return finish(&self, true);
}

static bool put_together(sheet *self, pl_span name, bool take, bool contract)
{
    const pl_span none = PL_SPAN("");
    pl_span next = pl_beside_name(name, self->arena);
    pl_span rule = rule_in(self, self->mapping, next);
    if (take && rule.bytes &&
        !(apply(self, pl_edit_set, false, name, rule, none) && lay_over(self, name, rule)))
        return false;
    return lay_over(self, next, none) && apply(self, pl_edit_remove, false, next, none, none) &&
           (!contract || apply(self, pl_edit_remove, true, next, none, none));
}

bool pl_propose_together(const pl_proposing *with, pl_span path, bool take, bool contract,
                         pl_proposal *ret_proposal)
{
    sheet self = begin(with, ret_proposal);
    const pl_contract *declared = with->file->contract;
    uint32_t *columns, count;
    pl_mapping_columns_of(with->file, path, with->arena, &columns, &count);
    for (uint32_t i = 0; i < count; i++) {
        pl_span name = declared->columns[columns[i]].field.name;
        if (pl_contract_find(declared, pl_beside_name(name, with->arena)) >= 0 &&
            !put_together(&self, name, take, contract))
            return false;
    }
    return finish(&self, false);
}

// edits.c -- what a contract may not change of a table that has rows: its partition and its key.
//
// The partition is in the table's metadata. The key is nowhere but in contracts: the one a snapshot
// was published with last says what it was; columns renamed since are known by was().
//
// SPDX-License-Identifier: Apache-2.0
#include "flow/run_int.h"

static plumb_status refuse(const run_table *table, const char *what, pl_buf *from, pl_buf *to,
                           plumb_error *err)
{
    const pl_contract *contract = table->contract;
    bool key = strcmp(what, "key") == 0;
    uint32_t line = key ? contract->key_line : contract->partition_line;
    pl_fail(err, PLUMB_E_CONFIG, "cannot change the %s of table '%s' from [%s] to [%s]: %s", what,
            table->name, pl_buf_cstr(from), pl_buf_cstr(to),
            key ? "its rows were told apart by the old one"
                : "its files are laid out by the old one");
    pl_place(err, contract->file, line ? line : 1,
             !line ? 1
             : key ? contract->key_at
                   : contract->partition_at);
    if (from->count)
        pl_hint(err,
                "Write %s: [%s] again, or give contract and mapping a new table name: it is "
                "filled from all raw objects.",
                what, pl_buf_cstr(from));
    else
        pl_hint(err,
                "Remove %s:, or give contract and mapping a new table name: it is filled from "
                "all raw objects.",
                what);
    return PLUMB_E_CONFIG;
}

static plumb_status check_partition(const run_table *table, plumb_error *err)
{
    if (pl_ice_spec_matches(table->table, &table->contract->partition)) return PLUMB_OK;
    pl_buf from = {0}, to = {0};
    const pl_partition_spec *spec = pl_ice_current_spec(table->table);
    if (spec) pl_partition_spec_text(&from, spec);
    pl_partition_spec_text(&to, &table->contract->partition);
    plumb_status st = refuse(table, "partition", &from, &to, err);
    pl_buf_done(&from);
    pl_buf_done(&to);
    return st;
}

typedef struct last_contract {
    pl_arena *arena;
    pl_span text;
} last_contract;

static bool take_text(void *context, const pl_version_row *row)
{
    last_contract *last = context;
    last->text = pl_arena_copy(last->arena, row->text);
    return true;
}

static bool has_key(const pl_contract *contract, pl_span name)
{
    for (uint32_t i = 0; i < contract->key_count; i++)
        if (pl_span_equal(contract->columns[contract->keys[i]].field.name, name)) return true;
    return false;
}

// Whether both contracts mean the same columns; their order says nothing.
static bool same_key(const pl_contract *then, const pl_contract *now)
{
    if (then->key_count != now->key_count) return false;
    for (uint32_t i = 0; i < now->key_count; i++) {
        const pl_contract_column *column = &now->columns[now->keys[i]];
        if (!has_key(then, column->field.name) &&
            !(column->was.bytes && has_key(then, column->was)))
            return false;
    }
    return true;
}

static void key_text(pl_buf *out, const pl_contract *contract)
{
    for (uint32_t i = 0; i < contract->key_count; i++)
        pl_buf_printf(out, "%s%.*s", i ? ", " : "",
                      PL_FMT(contract->columns[contract->keys[i]].field.name));
}

static plumb_status check_key(run_state *run, const run_table *table, plumb_error *err)
{
    pl_problems problems = {0}, warnings = {0};
    last_contract last = {.arena = run->arena};
    PL_TRY(pl_registry_contracts(run->options->registry, table->name, take_text, &last, err));
    // Without rows nothing was told apart; an old text this version cannot read says nothing.
    if (!last.text.bytes || !table->table->metadata->snapshot_count) return PLUMB_OK;
    const pl_contract *then =
        pl_contract_parse(table->contract->file, last.text, run->arena, &problems, &warnings);
    pl_problems_done(&problems);
    pl_problems_done(&warnings);
    if (!then || same_key(then, table->contract)) return PLUMB_OK;
    pl_buf from = {0}, to = {0};
    key_text(&from, then);
    key_text(&to, table->contract);
    plumb_status st = refuse(table, "key", &from, &to, err);
    pl_buf_done(&from);
    pl_buf_done(&to);
    return st;
}

plumb_status pl_run__check_edits(run_state *run, const run_table *table, plumb_error *err)
{
    PL_TRY(check_partition(table, err));
    return check_key(run, table, err);
}

// SPDX-License-Identifier: Apache-2.0
#include "flow/transaction.h"

#include "base/ulid.h"
#include "flow/log.h"
#include "flow/relocate.h"
#include "os/os.h"

void pl_run_id(int64_t now_us, char ret_run[PL_ID_TEXT])
{
    uint8_t seed[32];
    pl_entropy(seed, sizeof seed);
    pl_ulids ulids = pl_ulids_make(seed);
    pl_ulid_next(&ulids, now_us, ret_run);
}

plumb_status pl_run_settle(pl_registry *registry, const char *run, plumb_error *err)
{
    pl_run_row row;
    bool found;
    pl_arena scratch = {0};
    plumb_error ignored;
    plumb_status st = pl_registry_reopen(registry, &ignored);
    if (st == PLUMB_OK) st = pl_registry_run(registry, run, &scratch, &row, &found, &ignored);
    bool done = st == PLUMB_OK && found && strcmp(row.state, "done") == 0;
    pl_arena_done(&scratch);
    if (st != PLUMB_OK) return PLUMB_E_UNKNOWN;
    if (done) return PLUMB_OK;
    err->status = PLUMB_E_UNAVAILABLE;
    pl_hint(err, "Nothing was changed; try again once the cause is gone.");
    return PLUMB_E_UNAVAILABLE;
}

plumb_status pl_transaction_begin(const pl_transaction_options *options,
                                  pl_transaction *ret_transaction, plumb_error *err)
{
    pl_transaction *t = ret_transaction;
    *t = (pl_transaction){.with = *options, .now_us = pl_clock_micros()};
    pl_run_id(t->now_us, t->run);
    if (options->dry) return PLUMB_OK;
    pl_lock_holder self = {
        .pid = pl_process_id(), .command = options->command, .since_us = t->now_us};
    PL_TRY(pl_run_lock_take(options->lock_path, options->wait_ms, &self, &t->lock, err));
    plumb_status st = PLUMB_OK;
    if (!options->anywhere) st = pl_check_place(options->store, options->registry, err);
    if (st == PLUMB_OK) st = pl_log_repair(options->store, options->registry, err);
    if (st != PLUMB_OK) pl_run_lock_release(&t->lock);
    return st;
}

static plumb_status write_books(pl_transaction *t, pl_transaction_record record, void *context,
                                plumb_error *err)
{
    pl_run_row row = {
        .id = t->run, .started_us = t->now_us, .pid = pl_process_id(), .command = t->with.command};
    PL_TRY(pl_registry_run_start(t->with.registry, &row, err));
    PL_TRY(record(context, err));
    return pl_registry_run_finish(t->with.registry, t->run, "done", pl_clock_micros(), "", err);
}

plumb_status pl_transaction_commit(pl_transaction *transaction, pl_transaction_record record,
                                   void *context, plumb_error *err)
{
    pl_registry *registry = transaction->with.registry;
    PL_TRY(pl_registry_begin(registry, err));
    plumb_status st = write_books(transaction, record, context, err);
    if (st == PLUMB_OK) st = pl_registry_commit(registry, err);
    if (st == PLUMB_E_UNKNOWN) return pl_run_settle(registry, transaction->run, err);
    if (st != PLUMB_OK) pl_registry_rollback(registry);
    return st;
}

void pl_transaction_follow(pl_transaction *transaction, const char *metadata,
                           const pl_ice_commit *commit)
{
    pl_store *store = transaction->with.store;
    plumb_error ignored;
    PL_IGNORE(pl_log_write(store, transaction->with.registry, transaction->run, &ignored));
    if (!metadata || pl_ice_write_hint(store, metadata, &ignored) != PLUMB_OK) return;
    for (uint32_t i = 0; i < commit->outdated_count; i++)
        PL_IGNORE(pl_store_delete(store, commit->outdated[i], &ignored));
}

void pl_transaction_end(pl_transaction *transaction)
{
    pl_run_lock_release(&transaction->lock);
}

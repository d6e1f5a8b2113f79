// publish.c -- the gate, and the one transaction that makes a run real.
//
// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>

#include "flow/follow.h"
#include "flow/judge.h"
#include "flow/log.h"
#include "os/os.h"
#include "json/writer.h"

enum { COMMIT_ATTEMPTS = 5 };

// Invariant I2 per object, and per task against the footers of its files.
plumb_status pl_run__gate(run_state *run, plumb_error *err)
{
    for (uint32_t t = 0; t < run->task_count; t++) {
        const run_task *task = &run->tasks[t];
        uint64_t mapped = 0, written = 0;
        for (uint32_t i = 0; i < task->result.object_count; i++) {
            const pl_object_result *object = &task->result.objects[i];
            mapped += object->rows;
            if (object->records != object->rows + object->quarantined + object->filtered)
                return pl_fail(
                    err, PLUMB_E_FAILED,
                    "cannot publish run '%s': object %s has %llu records, but %llu rows, "
                    "%llu quarantined and %llu filtered",
                    run->run, task->work.objects[i].id.data, (unsigned long long)object->records,
                    (unsigned long long)object->rows, (unsigned long long)object->quarantined,
                    (unsigned long long)object->filtered);
        }
        for (uint32_t i = 0; i < task->result.file_count; i++)
            written += task->result.files[i].metrics.rows;
        if (mapped != written && !task->work.dry)
            return pl_fail(err, PLUMB_E_FAILED,
                           "cannot publish run '%s': task %s mapped %llu rows, its files hold %llu",
                           run->run, task->work.id, (unsigned long long)mapped,
                           (unsigned long long)written);
    }
    return PLUMB_OK;
}

static bool has_objects(const run_state *run, const run_table *table)
{
    for (uint32_t t = 0; t < run->task_count; t++)
        if (run->tasks[t].source->table == table && !run->tasks[t].source->joins) return true;
    return false;
}

static void add_file(run_table *table, pl_ice_data_file *files, uint32_t *count,
                     const pl_part_file *file)
{
    files[(*count)++] = (pl_ice_data_file){file->uri, file->values, file->metrics, file->sorted};
    table->rows += file->metrics.rows;
}

// Write the metadata of one table's commit; nothing refers to it yet.
static plumb_status prepare_table(run_state *run, run_table *table, plumb_error *err)
{
    uint32_t count = table->copy_count, removed = table->swap.removed_count;
    for (uint32_t t = 0; t < run->task_count; t++)
        if (run->tasks[t].source->table == table) count += run->tasks[t].result.file_count;
    table->next = NULL;
    table->snapshot = 0;
    bool first_rows = !table->expected && has_objects(run, table);
    if (!count && !removed && !first_rows && !(table->evolved && table->expected)) return PLUMB_OK;
    pl_ice_data_file *files = PL_TAKE(run->arena, pl_ice_data_file, count);
    count = 0;
    table->rows = 0;
    for (uint32_t i = 0; i < table->copy_count; i++)
        add_file(table, files, &count, &table->copies[i].made);
    for (uint32_t t = 0; t < run->task_count; t++) {
        if (run->tasks[t].source->table != table) continue;
        const pl_task_result *result = &run->tasks[t].result;
        for (uint32_t i = 0; i < result->file_count; i++)
            add_file(table, files, &count, &result->files[i]);
    }
    table->files = count;
    if (!table->commit.snapshot_id) {
        uint64_t random;
        pl_entropy(&random, sizeof random);
        pl_entropy(table->commit.uuid, sizeof table->commit.uuid);
        table->commit.snapshot_id = (int64_t)(random >> 1) | 1;
        pl_ice_pair *pair = PL_TAKE(run->arena, pl_ice_pair, 1);
        *pair = (pl_ice_pair){PL_SPAN("plumb.run"), pl_span_of(run->run)};
        table->commit.summary = pair;
        table->commit.summary_count = 1;
    }
    table->commit.now_ms = pl_clock_micros() / 1000;
    table->commit.removed = table->swap.removed;
    table->commit.removed_count = removed;
    if (strcmp(run->command, "compact") == 0) table->commit.operation = "replace";
    PL_TRY(pl_ice_append(table->table, files, count, &table->commit, &table->next, err));
    table->snapshot = count || removed ? table->commit.snapshot_id : 0;
    // Of the first commit: a run that died may have made the folders and not lived to fsync them.
    const char *key = table->expected ? NULL : pl_store_key(run->options->store, table->next);
    return key ? pl_store_settle_way(run->options->store, key, err) : PLUMB_OK;
}

static plumb_status record_object(run_state *run, const run_task *task, uint32_t i,
                                  plumb_error *err)
{
    pl_registry *registry = run->options->registry;
    const pl_object_result *object = &task->result.objects[i];
    const char *id = task->work.objects[i].id.data, *table = task->source->table->name;
    if (object->damaged) return PLUMB_OK;
    if (task->source->joins) return pl_run__join(run, task, i, err);
    if (task->work.objects[i].retry) return pl_run__record_retry(run, task, i, err);
    pl_state_row state = {.object = id,
                          .table = table,
                          .state = PL_STATE_PUBLISHED,
                          .run = run->run,
                          .snapshot = task->source->table->snapshot,
                          .mapping = task->source->version};
    unsigned from = PL_FROM_PENDING;
    if (task->work.objects[i].replaces) {
        from = PL_FROM(PL_STATE_PUBLISHED) | PL_FROM(PL_STATE_WITHDRAWN);
        // Without rows before and now: it is what the head says.
        int64_t head = task->source->table->table->metadata->current_snapshot_id;
        if (!state.snapshot && head != PL_ICE_NO_SNAPSHOT) state.snapshot = head;
    }
    PL_TRY(pl_registry_state_move(registry, &state, from, err));
    pl_ledger_row ledger = {.object = id,
                            .table = table,
                            .run = run->run,
                            .records = (int64_t)object->records,
                            .curated = (int64_t)object->rows,
                            .quarantined = (int64_t)object->quarantined,
                            .filtered = (int64_t)object->filtered,
                            .duplicates = (int64_t)object->duplicates,
                            .lost = (int64_t)object->lost,
                            .coerced = (int64_t)object->coerced,
                            .conflicts = (int64_t)object->conflicts};
    PL_TRY(pl_registry_ledger_add(registry, &ledger, err));
    for (uint32_t q = 0; q < object->range_count; q++) {
        const pl_quarantine_range *range = &object->ranges[q];
        pl_quarantine_row row = {.object = id,
                                 .table = table,
                                 .run = run->run,
                                 .record_first = (int64_t)range->record_first,
                                 .record_count = (int64_t)range->record_count,
                                 .byte_first = (int64_t)range->byte_first,
                                 .byte_count = (int64_t)range->byte_count,
                                 .column = pl_arena_cstr(run->arena, range->column),
                                 .reason = range->reason,
                                 .byte = (int64_t)range->error_at,
                                 .sample = range->sample};
        PL_TRY(pl_registry_quarantine_add(registry, &row, err));
    }
    return PLUMB_OK;
}

static plumb_status record_file(run_state *run, const run_table *table, const pl_part_file *file,
                                plumb_error *err)
{
    pl_file_row row = {.table = table->name,
                       .path = file->uri.data,
                       .snapshot = table->snapshot,
                       .run = run->run,
                       .rows = (int64_t)file->metrics.rows,
                       .bytes = (int64_t)file->metrics.bytes,
                       .objects = file->objects};
    return pl_registry_file_add(run->options->registry, &row, err);
}

static plumb_status record_task(run_state *run, const run_task *task, plumb_error *err)
{
    for (uint32_t i = 0; i < task->result.object_count; i++)
        PL_TRY(record_object(run, task, i, err));
    for (uint32_t i = 0; i < task->result.file_count; i++)
        PL_TRY(record_file(run, task->source->table, &task->result.files[i], err));
    return pl_registry_task_done(run->options->registry, run->run, task->work.id, "{}", err);
}

static plumb_status record_table(run_state *run, run_table *table, plumb_error *err)
{
    pl_registry *registry = run->options->registry;
    int64_t version;
    if (!table->next) return PLUMB_OK;
    pl_catalog catalog = pl_registry_catalog(registry);
    int64_t parent = table->table->metadata->current_snapshot_id;
    if (parent == PL_ICE_NO_SNAPSHOT) parent = 0;
    if (table->expected) // what is published now was published on that head
        PL_TRY(pl_follow_foreign(registry, table->name, table->table->metadata, table->expected,
                                 run->now_us, err));
    PL_TRY(catalog.swap(catalog.self, table->name, table->expected, table->next, err));
    pl_head_row head = {table->snapshot ? table->snapshot : parent, table->next};
    PL_TRY(pl_registry_head_set(registry, table->name, &head, err));
    PL_TRY(pl_registry_contract_version(registry, pl_arena_cstr(run->arena, table->contract->table),
                                        table->contract->text, run->now_us, &version, err));
    if (!table->snapshot) return PLUMB_OK;
    for (uint32_t i = 0; i < table->copy_count; i++)
        PL_TRY(record_file(run, table, &table->copies[i].made, err));
    pl_snapshot_row row = {.table = table->name,
                           .snapshot_id = table->snapshot,
                           .parent = parent,
                           .run = run->run,
                           .metadata_location = table->next,
                           .rows = (int64_t)table->rows,
                           .files = (int64_t)table->files,
                           .created_us = table->commit.now_ms * 1000};
    return pl_registry_snapshot_add(registry, &row, err);
}

static char *counts_json(run_state *run)
{
    pl_buf text = {0};
    uint64_t records = 0, rows = 0, quarantined = 0, filtered = 0;
    for (uint32_t t = 0; t < run->task_count; t++)
        for (uint32_t i = 0; i < run->tasks[t].result.object_count; i++) {
            const pl_object_result *object = &run->tasks[t].result.objects[i];
            if (run->tasks[t].source->joins) continue; // not published
            records += object->records;
            rows += object->rows;
            quarantined += object->quarantined;
            filtered += object->filtered;
        }
    pl_json_writer w = pl_json_writer_on(&text, 0);
    pl_json_begin(&w, '{');
    pl_json_key(&w, "raw"), pl_json_int(&w, (int64_t)records);
    pl_json_key(&w, "curated"), pl_json_int(&w, (int64_t)rows);
    pl_json_key(&w, "quarantined"), pl_json_int(&w, (int64_t)quarantined);
    pl_json_key(&w, "filtered"), pl_json_int(&w, (int64_t)filtered);
    pl_json_end(&w, '}');
    char *json = pl_arena_cstr(run->arena, pl_buf_view(&text));
    pl_buf_done(&text);
    return json;
}

static plumb_status commit_all(run_state *run, plumb_error *err)
{
    pl_registry *registry = run->options->registry;
    PL_TRY(pl_registry_begin(registry, err));
    plumb_status st = pl_registry_run_finish(registry, run->run, "done", pl_clock_micros(),
                                             counts_json(run), err);
    if (st == PLUMB_E_CONFLICT) // the fence: another process declared this run dead
        st = pl_fail(err, PLUMB_E_FAILED, "cannot publish run '%s': it is no longer working",
                     run->run);
    for (uint32_t i = 0; i < run->table_count && st == PLUMB_OK; i++)
        st = record_table(run, &run->tables[i], err);
    for (uint32_t i = 0; i < run->task_count && st == PLUMB_OK; i++)
        st = record_task(run, &run->tasks[i], err);
    if (st == PLUMB_OK) st = pl_run__record_verdicts(run, err);
    if (st == PLUMB_OK) return pl_registry_commit(registry, err);
    pl_registry_rollback(registry);
    return st;
}

// Data files hold the column ids of the schema they were written with. After a foreign commit the
// table must still give them to the same columns, or values would turn up under other names.
static plumb_status check_ids(run_state *run, const run_table *table, plumb_error *err)
{
    const pl_schema *now = pl_ice_current_schema(table->table);
    for (uint32_t t = 0; t < run->task_count; t++) {
        if (run->tasks[t].source->table != table) continue;
        const pl_schema *then = run->tasks[t].work.schema;
        bool same = now && now->count >= then->count;
        for (uint32_t i = 0; i < then->count && same; i++) {
            int at = pl_schema_find_id(now, then->fields[i].id);
            same = at >= 0 && pl_span_equal(now->fields[at].name, then->fields[i].name) &&
                   pl_type_promotes(&then->fields[i].type, &now->fields[at].type);
        }
        if (same) continue;
        pl_fail(err, PLUMB_E_UNAVAILABLE,
                "could not publish table '%s': another program changed its columns meanwhile",
                table->name);
        pl_hint(err, "Run 'plumb run' again; nothing of this run was published.");
        return PLUMB_E_UNAVAILABLE;
    }
    return PLUMB_OK;
}

// The commit stands; what cannot be written is repaired by the next run. The log goes first: a
// registry rebuilt from the lake must know every run that a hint's metadata speaks of. What the
// metadata log forgot goes last: until then the hint might have led to it.
void pl_run__write_hints(run_state *run)
{
    pl_store *store = run->options->store;
    plumb_error ignored;
    PL_IGNORE(pl_log_write(store, run->options->registry, run->run, &ignored));
    for (uint32_t i = 0; i < run->table_count; i++) {
        const pl_ice_commit *commit = &run->tables[i].commit;
        if (!run->tables[i].next || pl_ice_write_hint(store, run->tables[i].next, NULL)) continue;
        for (uint32_t k = 0; k < commit->outdated_count; k++)
            PL_IGNORE(pl_store_delete(store, commit->outdated[k], NULL));
    }
}

// Other files may go than at the last attempt, so it is another commit.
static plumb_status swap_files(run_state *run, run_table *table, plumb_error *err)
{
    table->commit = (pl_ice_commit){0};
    return run->swap(run, table, err);
}

plumb_status pl_run__publish(run_state *run, plumb_error *err)
{
    plumb_status st = PLUMB_E_CONFLICT;
    run->shared |= run->swap != NULL; // an attempt may leave files that do not count
    for (int attempt = 0; attempt < COMMIT_ATTEMPTS && st == PLUMB_E_CONFLICT; attempt++) {
        st = PLUMB_OK;
        for (uint32_t i = 0; i < run->table_count && st == PLUMB_OK; i++) {
            // When a foreign writer came first, its head is the new parent.
            st = pl_run__load_table(run, &run->tables[i], err);
            if (st == PLUMB_OK) st = check_ids(run, &run->tables[i], err);
            if (st == PLUMB_OK && run->swap) st = swap_files(run, &run->tables[i], err);
            if (st == PLUMB_OK) st = prepare_table(run, &run->tables[i], err);
        }
        if (st == PLUMB_OK) st = commit_all(run, err);
    }
    if (st == PLUMB_OK) pl_run__write_hints(run);
    return st;
}

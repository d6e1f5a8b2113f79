// swap.c -- data files that go with a commit: those that hold rows of the run's objects.
//
//     live files of the head ── the registry's ranges, bounds of _object ──┬─ none of theirs: stay
//                                       │ neither nor: look inside         ├─ theirs alone:   go
//                                       └──────────────────────────────────┴─ both: go, and the
//                                       rest
//                                                                             is copied (copy.h)
//
// Ranges say more than there is. What was found is compared with the ledger; if that says
// otherwise, nothing is believed and every file is looked into that may hold such rows.
//
// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <stdlib.h>

#include "flow/run_int.h"
#include "os/os.h"
#include "os/pool.h"
#include "json/tree.h"

typedef struct live_file {
    const pl_ice_file *file;
    bool known;    // to the registry, with its objects
    bool look;     // inside
    bool may;      // hold theirs, by the bounds
    uint64_t rows; // of theirs
} live_file;

typedef struct ids {
    pl_span *items; // sorted
    uint32_t count, capacity;
} ids;

typedef struct swapping {
    run_state *run;
    run_table *table;
    pl_arena *arena;
    pl_map chosen;
    ids theirs, others; // objects of the run; all others with rows in the table
    uint64_t expected;  // rows of theirs, by the ledger
    live_file *files;
    uint32_t count;
    pl_map by_path;
    const pl_schema *schema;
    void (*each)(struct swapping *s, uint32_t number, pl_arena *arena); // of a pass
    _Atomic uint32_t next;
    pthread_mutex_t lock; // of all below
    plumb_status status;
    plumb_error failure;
    pl_parts_options options;
    _Atomic uint32_t file_number;
} swapping;

static void fail(swapping *s, plumb_status st, const plumb_error *err)
{
    pthread_mutex_lock(&s->lock);
    if (s->status == PLUMB_OK) s->status = st, s->failure = *err;
    pthread_mutex_unlock(&s->lock);
}

// ---- which objects -----------------------------------------------------------------------------
static int by_id(const void *a, const void *b)
{
    const pl_span *left = a, *right = b;
    int order = memcmp(left->data, right->data, PL_MIN(left->bytes, right->bytes));
    return order ? order : (left->bytes > right->bytes) - (left->bytes < right->bytes);
}

static void ids_add(ids *list, pl_span id)
{
    PL_GROW(list->items, list->count, list->capacity);
    list->items[list->count++] = id;
}

// Is one of them between `first` and `last`?
static bool between(const ids *list, pl_span first, pl_span last)
{
    uint32_t low = 0, high = list->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (by_id(&list->items[middle], &first) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low < list->count && by_id(&list->items[low], &last) <= 0;
}

static bool add_other(void *context, const pl_object_row *row, pl_object_state state)
{
    swapping *s = context;
    if (state == PL_STATE_PUBLISHED && pl_map_get(&s->chosen, pl_span_of(row->id)) == PL_MAP_NONE)
        ids_add(&s->others, pl_arena_copy(s->arena, pl_span_of(row->id)));
    return true;
}

static bool add_curated(void *context, const pl_ledger_row *row)
{
    swapping *s = context;
    if (row->state == PL_STATE_PUBLISHED) s->expected += (uint64_t)row->curated;
    return true;
}

// Objects that were mapped: what is damaged keeps its rows.
static plumb_status find_objects(swapping *s, plumb_error *err)
{
    pl_registry *registry = s->run->options->registry;
    for (uint32_t t = 0; t < s->run->task_count; t++) {
        const run_task *task = &s->run->tasks[t];
        if (task->source->table != s->table) continue;
        for (uint32_t i = 0; i < task->work.object_count; i++) {
            if (task->result.objects && task->result.objects[i].damaged) continue;
            pl_span id = task->work.objects[i].id;
            pl_map_add(&s->chosen, id, 0);
            ids_add(&s->theirs, id);
            PL_TRY(pl_registry_ledger(registry, id.data, s->table->name, 1, add_curated, s, err));
        }
    }
    if (s->theirs.count) qsort(s->theirs.items, s->theirs.count, sizeof(pl_span), by_id);
    return pl_registry_objects(registry, NULL, s->table->name, add_other, s, err);
}

// ---- which files -------------------------------------------------------------------------------
static bool read_range(const pl_json *item, pl_span *ret_first, pl_span *ret_last)
{
    if (item->kind != PL_JSON_ARRAY || item->count != 2) return false;
    *ret_first = item->first->text;
    *ret_last = item->first->next->text;
    return ret_first->bytes && ret_last->bytes;
}

// What the registry knows of a live file.
static bool visit_file(void *context, const pl_file_row *row)
{
    swapping *s = context;
    pl_json *root;
    plumb_error ignored;
    uint32_t at = pl_map_get(&s->by_path, pl_span_of(row->path));
    if (at == PL_MAP_NONE ||
        pl_json_parse(pl_span_of(row->objects), s->arena, &root, &ignored) != PLUMB_OK ||
        root->kind != PL_JSON_ARRAY || !root->count)
        return true;
    live_file *live = &s->files[at];
    bool theirs = false, others = false;
    for (const pl_json *item = root->first; item; item = item->next) {
        pl_span first, last;
        if (!read_range(item, &first, &last)) return true;
        theirs |= between(&s->theirs, first, last);
        others |= between(&s->others, first, last);
    }
    live->known = true;
    live->look = theirs && others;
    live->rows = theirs && !others ? live->file->metrics.rows : 0;
    return true;
}

// Bounds are cut: a prefix.
static bool within_bounds(const swapping *s, const pl_ice_file *file)
{
    int field = pl_schema_find(s->schema, PL_SPAN("_object"));
    for (uint32_t i = 0; field >= 0 && i < file->metrics.leaf_count; i++) {
        const pl_leaf_metrics *leaf = &file->metrics.leaves[i];
        if (leaf->field_id != s->schema->fields[field].id || !leaf->has_lower || !leaf->has_upper)
            continue;
        return between(&s->theirs, leaf->lower, leaf->upper);
    }
    return true;
}

static plumb_status find_files(swapping *s, plumb_error *err)
{
    pl_ice_file *files;
    PL_TRY(pl_ice_files(s->table->table, 0, s->arena, &files, &s->count, err));
    s->files = PL_TAKE(s->arena, live_file, s->count);
    for (uint32_t i = 0; i < s->count; i++) {
        s->files[i].file = &files[i];
        pl_map_add(&s->by_path, files[i].path, i);
    }
    PL_TRY(pl_registry_files(s->run->options->registry, s->table->name, visit_file, s, err));
    for (uint32_t i = 0; i < s->count; i++) {
        live_file *live = &s->files[i];
        live->may = within_bounds(s, live->file);
        if (!live->known) live->look = live->may;
    }
    return PLUMB_OK;
}

// ---- passes over the files, on threads ---------------------------------------------------------
static void work(void *context, uint32_t index)
{
    swapping *s = context;
    pl_arena own = {0};
    uint32_t number;
    (void)index;
    while ((number = atomic_fetch_add(&s->next, 1)) < s->count && s->status == PLUMB_OK) {
        if (atomic_load(&pl_cancelled)) {
            plumb_error err;
            fail(s, pl_fail(&err, PLUMB_E_CANCELLED, "stopped on request, nothing was published"),
                 &err);
        }
        s->each(s, number, &own);
    }
    pthread_mutex_lock(&s->lock);
    pl_arena_adopt(s->arena, &own);
    pthread_mutex_unlock(&s->lock);
}

static plumb_status pass(swapping *s, void (*each)(swapping *s, uint32_t number, pl_arena *arena),
                         plumb_error *err)
{
    s->each = each;
    atomic_store(&s->next, 0);
    pl_threads_run(PL_MIN(PL_MAX(s->run->options->threads, 1u), PL_MAX(s->count, 1u)), work, s);
    if (s->status != PLUMB_OK) *err = s->failure;
    return s->status;
}

static plumb_status key_of(const swapping *s, const pl_ice_file *file, pl_arena *arena,
                           const char **ret_key, plumb_error *err)
{
    const char *uri = pl_arena_cstr(arena, file->path);
    *ret_key = pl_store_key(s->run->options->store, uri);
    if (*ret_key) return PLUMB_OK;
    return pl_fail(err, PLUMB_E_FAILED, "cannot replay rows of '%s': it is outside the lake", uri);
}

typedef struct looking {
    const swapping *s;
    uint64_t rows;
} looking;

static void count_rows(void *context, pl_span object, uint64_t rows)
{
    looking *l = context;
    if (pl_map_get(&l->s->chosen, object) != PL_MAP_NONE) l->rows += rows;
}

static void look(swapping *s, uint32_t number, pl_arena *arena)
{
    live_file *live = &s->files[number];
    plumb_error err;
    const char *key;
    looking l = {.s = s};
    if (!live->look) return;
    plumb_status st = key_of(s, live->file, arena, &key, &err);
    if (st == PLUMB_OK)
        st = pl_copy_look(s->run->options->store, key, s->schema, count_rows, &l, &err);
    if (st == PLUMB_E_MALFORMED)
        pl_hint(&err, "Rows are swapped in files plumb wrote; 'plumb verify' says more.");
    if (st != PLUMB_OK) fail(s, st, &err);
    live->rows = l.rows;
}

static plumb_status count_theirs(swapping *s, plumb_error *err)
{
    PL_TRY(pass(s, look, err));
    uint64_t found = 0;
    for (uint32_t i = 0; i < s->count; i++) found += s->files[i].rows;
    if (found == s->expected) return PLUMB_OK;
    for (uint32_t i = 0; i < s->count; i++) s->files[i].look = s->files[i].may;
    for (uint32_t i = 0; i < s->count; i++)
        if (!s->files[i].look) s->files[i].rows = 0;
    return pass(s, look, err); // another program may have deleted rows: what is found, is found
}

static bool is_mixed(const live_file *live)
{
    return live->rows && live->rows != live->file->metrics.rows;
}

static const run_copy *copy_of(const run_table *table, pl_span path)
{
    for (uint32_t i = 0; i < table->copy_count; i++)
        if (pl_span_equal(table->copies[i].from, path)) return &table->copies[i];
    return NULL;
}

static void copy(swapping *s, uint32_t number, pl_arena *arena)
{
    const live_file *live = &s->files[number];
    run_table *table = s->table;
    const pl_ice_file *file = live->file;
    plumb_error err;
    pl_copied made = {0};
    pl_copy_job job = {.key_count = 1, .partition = file->partition, .without = &s->chosen};
    const char *key;
    if (!is_mixed(live) || copy_of(table, file->path)) return;
    plumb_status st = key_of(s, file, arena, &key, &err);
    if (st == PLUMB_OK && file->spec->id != s->options.spec->id)
        st = pl_fail(&err, PLUMB_E_FAILED,
                     "cannot replay rows of '%s': it is partitioned otherwise than the table now",
                     key);
    job.keys = &key;
    if (st == PLUMB_OK) st = pl_copy_files(&s->options, &job, arena, &made, &err);
    if (st == PLUMB_OK && (made.rows_left_out != live->rows ||
                           made.file.metrics.rows != file->metrics.rows - live->rows))
        st = pl_fail(&err, PLUMB_E_FAILED,
                     "cannot publish run '%s': of %llu rows in '%s', %llu were to be copied and "
                     "%llu were",
                     s->run->run, (unsigned long long)file->metrics.rows, key,
                     (unsigned long long)(file->metrics.rows - live->rows),
                     (unsigned long long)made.file.metrics.rows);
    if (st != PLUMB_OK) {
        fail(s, st, &err);
        return;
    }
    pthread_mutex_lock(&s->lock);
    run_copy *copies = PL_TAKE(s->run->arena, run_copy, table->copy_count + 1);
    if (table->copy_count) memcpy(copies, table->copies, table->copy_count * sizeof *copies);
    copies[table->copy_count++] = (run_copy){.from = file->path, .made = made.file};
    table->copies = copies;
    pthread_mutex_unlock(&s->lock);
}

// ---- the table's swap --------------------------------------------------------------------------
void pl_run__copy_options(run_state *run, const run_table *table, pl_parts_options *ret_options)
{
    uint32_t nonce;
    pl_entropy(&nonce, sizeof nonce);
    pl_sort_order *sort = PL_TAKE(run->arena, pl_sort_order, 1);
    int32_t *blooms = PL_TAKE(run->arena, int32_t, table->contract->key_count);
    *sort = pl_ice_current_sort(table->table);
    const pl_schema *schema = pl_ice_current_schema(table->table);
    *ret_options =
        (pl_parts_options){.store = run->options->store,
                           .schema = schema,
                           .spec = pl_ice_current_spec(table->table),
                           .sort = sort,
                           .bloom_ids = blooms,
                           .bloom_count = pl_work_bloom_ids(table->contract, schema, sort, blooms),
                           .zstd = table->contract->compression == PL_COMPRESSION_ZSTD,
                           .compact = table->contract->compact,
                           .data_prefix = pl_arena_printf(run->arena, "%s/data", table->key),
                           .name_prefix = pl_arena_printf(run->arena, "%s-c-%08x", run->run, nonce),
                           .quota = &run->quota,
                           .cancel = &run->stop};
}

static plumb_status copy_mixed(swapping *s, plumb_error *err)
{
    pl_pool *pool = pl_pool_new(PL_BATCH_AT_ONCE);
    pl_run__copy_options(s->run, s->table, &s->options);
    s->options.file_number = &s->file_number;
    s->options.batch = pl_batch_new(s->run->options->store, pool);
    plumb_status st = pass(s, copy, err);
    if (st == PLUMB_OK) st = pl_batch_settle(s->options.batch, err);
    pl_batch_free(s->options.batch);
    pl_pool_free(pool);
    return st;
}

const char *pl_run__partition_path(const pl_schema *schema, const pl_ice_file *file,
                                   pl_arena *arena)
{
    pl_buf path = {0};
    pl_partition_path(&path, file->spec, schema, file->partition);
    const char *copy = pl_arena_cstr(arena, pl_buf_view(&path));
    pl_buf_done(&path);
    return copy;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

// Partitions of the files that go.
static void find_partitions(swapping *s)
{
    run_swap *swap = &s->table->swap;
    pl_map seen = {0};
    swap->partitions = PL_TAKE(s->run->arena, const char *, s->count);
    swap->partition_count = 0;
    for (uint32_t i = 0; i < s->count; i++) {
        if (!s->files[i].rows) continue;
        const char *path = pl_run__partition_path(s->schema, s->files[i].file, s->run->arena);
        if (pl_map_get(&seen, pl_span_of(path)) != PL_MAP_NONE) continue;
        pl_map_add(&seen, pl_span_of(path), 0);
        swap->partitions[swap->partition_count++] = path;
    }
    if (swap->partition_count)
        qsort(swap->partitions, swap->partition_count, sizeof(char *), by_text);
    pl_map_done(&seen);
}

static void add_up(swapping *s)
{
    run_table *table = s->table;
    run_swap *swap = &table->swap;
    uint32_t kept = 0;
    *swap = (run_swap){.removed = PL_TAKE(s->run->arena, pl_span, s->count)};
    for (uint32_t i = 0; i < s->count; i++) {
        const live_file *live = &s->files[i];
        if (!live->rows) continue;
        swap->removed[swap->removed_count++] = live->file->path;
        swap->rows += live->rows;
        if (!is_mixed(live)) {
            swap->whole++;
            continue;
        }
        swap->mixed++;
        swap->mixed_bytes += live->file->metrics.bytes;
        swap->rows_copied += live->file->metrics.rows - live->rows;
    }
    // Of an attempt before this one, and not live any more: nobody needs it.
    for (uint32_t i = 0; i < table->copy_count; i++)
        for (uint32_t k = 0; k < swap->removed_count; k++)
            if (pl_span_equal(table->copies[i].from, swap->removed[k])) {
                table->copies[kept++] = table->copies[i];
                break;
            }
    table->copy_count = kept;
    find_partitions(s);
}

plumb_status pl_run__swap_objects(run_state *run, run_table *table, plumb_error *err)
{
    swapping s = {.run = run,
                  .table = table,
                  .arena = run->arena,
                  .lock = PTHREAD_MUTEX_INITIALIZER,
                  .schema = pl_ice_current_schema(table->table)};
    plumb_status st = find_objects(&s, err);
    if (st == PLUMB_OK) st = find_files(&s, err);
    if (st == PLUMB_OK) st = count_theirs(&s, err);
    if (st == PLUMB_OK && !run->dry) st = copy_mixed(&s, err);
    if (st == PLUMB_OK) add_up(&s);
    pthread_mutex_destroy(&s.lock);
    pl_map_done(&s.chosen);
    pl_map_done(&s.by_path);
    free(s.theirs.items);
    free(s.others.items);
    return st;
}

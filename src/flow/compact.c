// SPDX-License-Identifier: Apache-2.0
#include "flow/compact.h"

#include <stdlib.h>

#include "flow/run_int.h"
#include "os/os.h"
#include "os/pool.h"

// Of memory, to put a row in order: its place and what it is sorted by, twice.
enum { ROW_BYTES = 64 };

typedef struct small_file {
    const pl_ice_file *file;
    const char *key, *partition;
} small_file;

// Files that become one.
typedef struct bin {
    uint32_t first, count; // in the small files
    uint64_t bytes, rows;
} bin;

typedef struct compacting {
    const pl_compact_options *options;
    pl_arena *arena;
    pl_compact_report *report;
    plumb_error *err;
    run_state *run;
    run_table *table;
    pl_map known; // URIs of files plumb wrote; their texts are in the arena
    small_file *files;
    uint32_t file_count;
    bin *bins;
    uint32_t bin_count;
    pl_parts_options copy;
    _Atomic uint32_t file_number, next;
    pthread_mutex_t lock; // of all below
    pl_copied *made;      // of the bins
    plumb_status status;
    plumb_error failure;
} compacting;

// ---- what is put together ----------------------------------------------------------------------
static bool visit_file(void *context, const pl_file_row *row)
{
    compacting *c = context;
    pl_map_add(&c->known, pl_arena_copy(c->arena, pl_span_of(row->path)), 0);
    return true;
}

// By partition, and in it in the order they were added.
static int by_partition(const void *a, const void *b)
{
    const small_file *left = a, *right = b;
    int order = strcmp(left->partition, right->partition);
    if (order) return order;
    if (left->file->sequence != right->file->sequence)
        return left->file->sequence < right->file->sequence ? -1 : 1;
    return strcmp(left->key, right->key);
}

static plumb_status find_files(compacting *c, plumb_error *err)
{
    pl_ice_file *files;
    uint32_t count;
    const pl_schema *schema = pl_ice_current_schema(c->table->table);
    const pl_partition_spec *spec = pl_ice_current_spec(c->table->table);
    PL_TRY(pl_registry_files(c->options->run.registry, c->table->name, visit_file, c, err));
    PL_TRY(pl_ice_files(c->table->table, 0, c->arena, &files, &count, err));
    c->files = PL_TAKE(c->arena, small_file, count);
    c->file_count = 0;
    c->report->files_live = count;
    c->report->files_foreign = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (files[i].metrics.bytes >= PL_COMPACT_BYTES_MIN || files[i].spec->id != spec->id)
            continue;
        const char *key =
            pl_store_key(c->options->run.store, pl_arena_cstr(c->arena, files[i].path));
        if (!key || pl_map_get(&c->known, files[i].path) == PL_MAP_NONE) {
            c->report->files_foreign++;
            continue;
        }
        c->files[c->file_count++] =
            (small_file){.file = &files[i],
                         .key = key,
                         .partition = pl_run__partition_path(schema, &files[i], c->arena)};
    }
    if (c->file_count) qsort(c->files, c->file_count, sizeof *c->files, by_partition);
    return PLUMB_OK;
}

static void find_bins(compacting *c)
{
    uint64_t rows_max = PL_MIN(c->run->quota.all / ROW_BYTES, (uint64_t)PL_COPY_ROWS_MAX);
    bin now = {0};
    c->bins = PL_TAKE(c->arena, bin, c->file_count);
    c->bin_count = 0;
    for (uint32_t i = 0; i < c->file_count; i++) {
        const small_file *f = &c->files[i];
        bool same = now.count && strcmp(f->partition, c->files[now.first].partition) == 0 &&
                    now.bytes + f->file->metrics.bytes <= PL_COMPACT_BYTES_MAX &&
                    now.rows + f->file->metrics.rows <= rows_max;
        if (!same) {
            if (now.count > 1) c->bins[c->bin_count++] = now;
            now = (bin){.first = i};
        }
        now.count++;
        now.bytes += f->file->metrics.bytes;
        now.rows += f->file->metrics.rows;
    }
    if (now.count > 1) c->bins[c->bin_count++] = now;
}

static void tell(compacting *c)
{
    pl_compact_report *report = c->report;
    report->files_before = report->bytes_before = report->rows = 0;
    report->partitions = PL_TAKE(c->arena, const char *, c->bin_count);
    report->partition_count = 0;
    report->files_after = c->bin_count;
    for (uint32_t i = 0; i < c->bin_count; i++) {
        const bin *b = &c->bins[i];
        const char *partition = c->files[b->first].partition;
        report->files_before += b->count;
        report->bytes_before += b->bytes;
        report->rows += b->rows;
        if (!report->partition_count ||
            strcmp(report->partitions[report->partition_count - 1], partition) != 0)
            report->partitions[report->partition_count++] = partition;
    }
}

// ---- putting it together -----------------------------------------------------------------------
static plumb_status copy_bin(compacting *c, uint32_t number, pl_arena *arena, plumb_error *err)
{
    const bin *b = &c->bins[number];
    const char **keys = PL_TAKE(arena, const char *, b->count);
    pl_copied made;
    for (uint32_t i = 0; i < b->count; i++) keys[i] = c->files[b->first + i].key;
    pl_copy_job job = {
        .keys = keys, .key_count = b->count, .partition = c->files[b->first].file->partition};
    PL_TRY(pl_copy_files(&c->copy, &job, arena, &made, err));
    if (made.rows_left_out || made.file.metrics.rows != b->rows)
        return pl_fail(err, PLUMB_E_FAILED,
                       "cannot publish run '%s': %llu rows were to be put together in '%s', and "
                       "%llu were",
                       c->run->run, (unsigned long long)b->rows, made.file.key,
                       (unsigned long long)made.file.metrics.rows);
    c->made[number] = made;
    return PLUMB_OK;
}

static void work(void *context, uint32_t index)
{
    compacting *c = context;
    pl_arena own = {0};
    plumb_error err;
    uint32_t number;
    plumb_status st = PLUMB_OK;
    (void)index;
    while (st == PLUMB_OK && (number = atomic_fetch_add(&c->next, 1)) < c->bin_count) {
        st = atomic_load(&pl_cancelled)
                 ? pl_fail(&err, PLUMB_E_CANCELLED, "stopped on request, nothing was published")
                 : copy_bin(c, number, &own, &err);
    }
    pthread_mutex_lock(&c->lock);
    if (st != PLUMB_OK) {
        if (c->status == PLUMB_OK) c->status = st, c->failure = err;
        atomic_store(&c->next, c->bin_count);
    }
    pl_arena_adopt(c->arena, &own);
    pthread_mutex_unlock(&c->lock);
}

static plumb_status copy_bins(compacting *c, plumb_error *err)
{
    pl_pool *pool = pl_pool_new(PL_BATCH_AT_ONCE);
    pl_run__copy_options(c->run, c->table, &c->copy);
    c->copy.file_number = &c->file_number;
    c->copy.batch = pl_batch_new(c->options->run.store, pool);
    c->made = PL_TAKE(c->arena, pl_copied, c->bin_count);
    atomic_store(&c->next, 0);
    if (c->bin_count)
        pl_threads_run(PL_MIN(PL_MAX(c->options->run.threads, 1u), c->bin_count), work, c);
    plumb_status st = c->status;
    if (st != PLUMB_OK)
        *err = c->failure;
    else
        st = pl_batch_settle(c->copy.batch, err);
    pl_batch_free(c->copy.batch);
    pl_pool_free(pool);
    return st;
}

// run->swap: of the head as it is now.
static plumb_status swap_bins(run_state *run, run_table *table, plumb_error *err)
{
    compacting *c = run->find_context;
    run_swap *swap = &table->swap;
    PL_TRY(find_files(c, err));
    find_bins(c);
    tell(c);
    PL_TRY(copy_bins(c, err));
    *swap = (run_swap){.removed = PL_TAKE(run->arena, pl_span, c->file_count)};
    table->copies = PL_TAKE(run->arena, run_copy, c->bin_count);
    table->copy_count = c->bin_count;
    c->report->bytes_after = 0;
    for (uint32_t i = 0; i < c->bin_count; i++) {
        const bin *b = &c->bins[i];
        table->copies[i] =
            (run_copy){.from = c->files[b->first].file->path, .made = c->made[i].file};
        c->report->bytes_after += c->made[i].file.metrics.bytes;
        for (uint32_t k = 0; k < b->count; k++)
            swap->removed[swap->removed_count++] = c->files[b->first + k].file->path;
    }
    return PLUMB_OK;
}

// ---- the run -----------------------------------------------------------------------------------
static plumb_status compact_all(compacting *c)
{
    const pl_project *project = c->options->run.project;
    const pl_contract *contract = pl_project_contract(project, pl_span_of(c->options->table));
    if (!contract)
        return pl_fail(c->err, PLUMB_E_NOT_FOUND, "cannot compact table '%s': no contract names it",
                       c->options->table);
    run_state *run = c->run = pl_run__new(&c->options->run, NULL, c->arena);
    run->command = "compact";
    run->swap = swap_bins;
    run->find_context = c;
    run->dry = c->options->dry;
    run->tables = PL_TAKE(run->arena, run_table, 1);
    c->table = pl_run__table(run, contract);
    pl_quota_init(&run->quota, pl_run__half_of_memory(run));
    PL_TRY(pl_run__load_table(run, c->table, c->err));
    if (!c->table->expected) return PLUMB_OK;
    PL_TRY(find_files(c, c->err));
    find_bins(c);
    tell(c);
    c->report->run.nothing = !c->bin_count;
    if (!c->bin_count || run->dry) return PLUMB_OK;
    PL_TRY(pl_run__register(run, c->err));
    return pl_run__finish(run, PLUMB_OK, &c->report->run, c->err);
}

static plumb_status compact_locked(const pl_run_options *run, pl_arena *arena, void *context,
                                   plumb_error *err)
{
    compacting *c = context;
    pl_map skip = {0};
    pl_run_report resumed = {.run = "", .nothing = true};
    pl_compact_options options = *c->options;
    options.run = *run;
    c->options = &options;
    plumb_status st = pl_run__begin(run, arena, &skip, &resumed, err);
    pl_map_done(&skip);
    c->report->run.resumed = resumed.resumed;
    return st == PLUMB_OK ? compact_all(c) : st;
}

plumb_status pl_compact(const pl_compact_options *options, pl_arena *arena,
                        pl_compact_report *ret_report, plumb_error *err)
{
    int64_t began = pl_clock_monotonic();
    plumb_error local;
    plumb_status st;
    if (!err) err = &local;
    *ret_report = (pl_compact_report){.run = {.run = "", .nothing = true}};
    pl_compact_options own = *options;
    own.run.source = NULL;
    compacting c = {.options = &own,
                    .arena = arena,
                    .report = ret_report,
                    .err = err,
                    .lock = PTHREAD_MUTEX_INITIALIZER};
    if (options->dry) {
        if (!own.run.threads) own.run.threads = (uint32_t)pl_cpu_count();
        st = compact_all(&c);
    } else {
        st = pl_run__with_lock(&own.run, "compact", compact_locked, arena, &c, err);
    }
    pl_map_done(&c.known);
    pthread_mutex_destroy(&c.lock);
    ret_report->run.micros = pl_clock_monotonic() - began;
    return st;
}

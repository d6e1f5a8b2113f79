// SPDX-License-Identifier: Apache-2.0
#include "flow/work.h"

#include <pthread.h>
#include <stdlib.h>

#include "flow/reading.h"
#include "flow/windows.h"
#include "os/os.h"
#include "os/pool.h"

// Rows of a dry task are only counted: they are dropped so many at a time.
enum { DRY_ROWS = 256 };

struct pl_crew {
    pthread_mutex_t lock; // of everything here, and of the attempts
    pthread_cond_t changed;
    uint32_t leading; // workers who may still begin a task
    bool beginning;   // one of them has taken a task and not opened it yet
    struct attempt *open;
    pl_pool *pool; // that syncs finished files
};

// An object being read, by `users`.
typedef struct place {
    pl_reading *reading; // owned; used for one object after the other
    uint32_t users;
    bool opened, ended;
} place;

typedef struct attempt {
    const pl_work_task *task;
    pl_task_result *result;
    pl_crew *crew;
    struct attempt *next; // that is open
    pl_parts_options options;
    pl_windows *windows;
    _Atomic uint32_t file_number;
    atomic_bool failed; // the others need not go on
    plumb_status status;
    plumb_error failure;
    uint32_t next_object;
    place *places; // as many as workers; owned
    struct lane *lanes;
    uint32_t workers, lane_count; // at most; so far
    uint32_t reading, working;    // lanes that still read; that are not done
    bool damaged;                 // some object is
    pl_leftover *rest;            // once all is read
    bool writing;                 // it is, or something failed
} attempt;

// A worker's share of a task.
typedef struct lane {
    attempt *attempt;
    pl_arena arena; // of its files and of its outcomes' texts
    pl_mapper *mapper;
    pl_parts *parts;
    pl_frames frames;
    const pl_work_object *object; // that the mapper knows of
} lane;

// ---- mapping -----------------------------------------------------------------------------------
static plumb_status map_frames(lane *l, const pl_reading *reading, pl_outcome *outcome,
                               plumb_error *err)
{
    const pl_work_task *task = l->attempt->task;
    uint32_t range = 0;
    pl_frame frame;
    pl_reject reject;
    pl_mapper_envelopes(l->mapper, &l->frames);
    for (uint32_t i = 0; i < l->frames.count; i++) {
        pl_frames_get(&l->frames, i, &frame);
        if (!pl_outcome_wants(outcome, l->object->retry, &range, &frame)) continue;
        outcome->records++;
        switch (pl_mapper_record(l->mapper, &frame, &reject)) {
        case PL_MAPPED_ROW:
            pl_reading_key(reading, l->mapper, outcome);
            if (!task->dry)
                PL_TRY(pl_parts_row(l->parts, l->object->id, err));
            else if (pl_mapper_keep(l->mapper) == DRY_ROWS)
                pl_mapper_clear(l->mapper);
            outcome->rows++;
            break;
        case PL_MAPPED_REJECT:
            pl_outcome_reject(outcome, &frame, &reject, &l->arena);
            break;
        case PL_MAPPED_FILTERED:
            outcome->filtered++;
            break;
        }
    }
    if (task->progress) atomic_fetch_add(&task->progress->records, l->frames.count);
    return PLUMB_OK;
}

// The next chunk of an object.
static plumb_status map_chunk(lane *l, pl_reading *reading, bool *ret_more, plumb_error *err)
{
    const pl_work_object *object = &l->attempt->task->objects[pl_reading_object(reading)];
    pl_outcome outcome = {0};
    PL_TRY(pl_reading_take(reading, &l->frames, &outcome, ret_more, err));
    if (!*ret_more) return PLUMB_OK;
    if (l->object != object) pl_mapper_object(l->mapper, object->id, object->received_us);
    l->object = object;
    pl_map_counts before = *pl_mapper_counts(l->mapper);
    plumb_status st = map_frames(l, reading, &outcome, err);
    const pl_map_counts *after = pl_mapper_counts(l->mapper);
    outcome.lost = after->lost - before.lost;
    outcome.coerced = after->coerced - before.coerced;
    outcome.conflicts = after->conflicts - before.conflicts;
    pl_reading_give(reading, &outcome); // also when it failed: nobody looks at the books then
    return st;
}

// ---- who reads what ----------------------------------------------------------------------------
// An object that nobody has begun. Under the lock.
static place *begin_object(attempt *a, uint32_t *ret_object)
{
    const pl_task_result *result = a->result;
    while (a->next_object < a->task->object_count && result->objects[a->next_object].damaged)
        a->next_object++;
    if (a->next_object == a->task->object_count) return NULL;
    *ret_object = a->next_object++;
    place *free_one = a->places; // there is one: others have one each
    while (free_one->users) free_one++;
    free_one->users = 1;
    free_one->opened = free_one->ended = false;
    return free_one;
}

// The one that the fewest read. Under the lock.
static place *join_object(attempt *a, bool *ret_wait)
{
    place *best = NULL;
    *ret_wait = false;
    for (uint32_t i = 0; i < a->workers; i++) {
        place *p = &a->places[i];
        if (!p->users || p->ended) continue;
        if (!p->opened)
            *ret_wait = true;
        else if (!best || p->users < best->users)
            best = p;
    }
    return best;
}

// Something to read; NULL: there is nothing left, or it failed.
static plumb_status next_place(attempt *a, place **ret_place, plumb_error *err)
{
    uint32_t object = 0;
    bool wait = true;
    pthread_mutex_lock(&a->crew->lock);
    place *p = begin_object(a, &object);
    bool begun = p != NULL;
    while (!p && wait && !atomic_load(&a->failed)) {
        p = join_object(a, &wait);
        if (p)
            p->users++;
        else if (wait)
            pthread_cond_wait(&a->crew->changed, &a->crew->lock);
    }
    pthread_mutex_unlock(&a->crew->lock);
    *ret_place = p;
    if (!begun) return PLUMB_OK;
    if (!p->reading) p->reading = pl_reading_new(a->task);
    PL_TRY(pl_reading_open(p->reading, object, &a->result->objects[object], err));
    pthread_mutex_lock(&a->crew->lock);
    p->opened = true;
    pthread_cond_broadcast(&a->crew->changed);
    pthread_mutex_unlock(&a->crew->lock);
    return PLUMB_OK;
}

// The object was read to its end. Who leaves last has the last word.
static void leave_place(lane *l, place *p)
{
    attempt *a = l->attempt;
    pthread_mutex_lock(&a->crew->lock);
    p->ended = true;
    bool last = !--p->users;
    pl_windows_leave(a->windows, pl_reading_object(p->reading), l->mapper, last);
    if (last) {
        pl_reading_close(p->reading, &a->result->arena);
        a->damaged |= a->result->objects[pl_reading_object(p->reading)].damaged != NULL;
    }
    pthread_mutex_unlock(&a->crew->lock);
}

static plumb_status read_objects(lane *l, plumb_error *err)
{
    attempt *a = l->attempt;
    place *p;
    while (!atomic_load(&a->failed)) {
        PL_TRY(next_place(a, &p, err));
        if (!p) break;
        bool more = true;
        pl_windows_enter(a->windows, pl_reading_object(p->reading), l->mapper);
        while (more && !atomic_load_explicit(&a->failed, memory_order_relaxed))
            PL_TRY(map_chunk(l, p->reading, &more, err));
        if (!more) leave_place(l, p);
    }
    return atomic_load(&a->failed) ? PLUMB_OK : pl_parts_flush(l->parts, err);
}

// ---- lanes -------------------------------------------------------------------------------------
// Under the lock, as the next two.
static void fail(attempt *a, plumb_status st, const plumb_error *err)
{
    if (a->status == PLUMB_OK) {
        a->status = st;
        a->failure = *err;
    }
    atomic_store(&a->failed, true);
    pthread_cond_broadcast(&a->crew->changed);
}

static void begin_writing(attempt *a)
{
    plumb_error err;
    if (a->status == PLUMB_OK && a->damaged)
        fail(a, pl_fail(&err, PLUMB_E_CONFLICT, "raw objects of the task are damaged"), &err);
    if (a->status == PLUMB_OK) {
        pl_parts **parts = pl_alloc(a->lane_count * sizeof(pl_parts *));
        for (uint32_t i = 0; i < a->lane_count; i++) parts[i] = a->lanes[i].parts;
        a->rest = pl_leftover_new(parts, a->lane_count);
        free(parts);
    }
    a->writing = true;
    pthread_cond_broadcast(&a->crew->changed);
}

static lane *join_attempt(attempt *a)
{
    uint32_t number = a->lane_count++;
    lane *l = &a->lanes[number];
    a->working++;
    a->reading += !a->writing;
    *l = (lane){.attempt = a};
    pl_parts_options options = a->options;
    options.spill_key = pl_arena_printf(&l->arena, ".tmp/%s-%u.spill", options.name_prefix, number);
    l->mapper = options.mapper = pl_mapper_new(a->task->plan);
    pl_windows_observe(a->windows, l->mapper);
    l->parts = pl_parts_new(&options, &l->arena);
    return l;
}

static void lane_work(lane *l)
{
    attempt *a = l->attempt;
    plumb_error err;
    pthread_mutex_lock(&a->crew->lock);
    if (!a->writing) {
        pthread_mutex_unlock(&a->crew->lock);
        plumb_status st = read_objects(l, &err);
        pthread_mutex_lock(&a->crew->lock);
        if (st != PLUMB_OK) fail(a, st, &err);
        if (!--a->reading) begin_writing(a);
        while (!a->writing) pthread_cond_wait(&a->crew->changed, &a->crew->lock);
    }
    pl_leftover *rest = a->status == PLUMB_OK ? a->rest : NULL;
    pthread_mutex_unlock(&a->crew->lock);
    plumb_status st = rest ? pl_leftover_write(rest, l->parts, &err) : PLUMB_OK;
    pthread_mutex_lock(&a->crew->lock);
    if (st != PLUMB_OK) fail(a, st, &err);
    a->working--;
    pthread_cond_broadcast(&a->crew->changed);
    pthread_mutex_unlock(&a->crew->lock);
}

// ---- the crew ----------------------------------------------------------------------------------
pl_crew *pl_crew_new(void)
{
    pl_crew *crew = pl_zalloc(1, sizeof *crew);
    *crew = (pl_crew){.lock = PTHREAD_MUTEX_INITIALIZER,
                      .changed = PTHREAD_COND_INITIALIZER,
                      .pool = pl_pool_new(PL_BATCH_AT_ONCE)};
    return crew;
}

void pl_crew_free(pl_crew *crew)
{
    if (!crew) return;
    pl_pool_free(crew->pool);
    free(crew);
}

void pl_crew_enter(pl_crew *crew)
{
    pthread_mutex_lock(&crew->lock);
    crew->leading++;
    pthread_mutex_unlock(&crew->lock);
}

// Is there anything for one worker more?
static bool wants_help(attempt *a)
{
    bool wait;
    if (a->lane_count == a->workers || atomic_load(&a->failed)) return false;
    if (a->writing) return pl_leftover_left(a->rest);
    return a->next_object < a->task->object_count || join_object(a, &wait) || wait;
}

// Help with one task, or wait for a change. Under the lock.
static bool help_one(pl_crew *crew, bool wait)
{
    attempt *a = crew->open;
    while (a && !wants_help(a)) a = a->next;
    if (!a) {
        if (wait) pthread_cond_wait(&crew->changed, &crew->lock);
        return wait;
    }
    lane *l = join_attempt(a);
    pthread_mutex_unlock(&crew->lock);
    lane_work(l);
    pthread_mutex_lock(&crew->lock);
    return true;
}

void pl_crew_begin(pl_crew *crew)
{
    pthread_mutex_lock(&crew->lock);
    while (help_one(crew, crew->beginning)) {
    }
    crew->beginning = true;
    pthread_mutex_unlock(&crew->lock);
}

static void begun(pl_crew *crew)
{
    crew->beginning = false;
    pthread_cond_broadcast(&crew->changed);
}

void pl_crew_end(pl_crew *crew)
{
    pthread_mutex_lock(&crew->lock);
    begun(crew); // if it was not to be done at all
    pthread_mutex_unlock(&crew->lock);
}

void pl_crew_help(pl_crew *crew)
{
    pthread_mutex_lock(&crew->lock);
    crew->leading--;
    begun(crew); // there was no task left to begin
    while (crew->leading || crew->open) help_one(crew, true);
    pthread_mutex_unlock(&crew->lock);
}

// ---- a task ------------------------------------------------------------------------------------
// Key columns that are looked up by value: of these a filter tells which row groups to skip, but
// for the column the rows are sorted by, where minimum and maximum tell it better.
uint32_t pl_work_bloom_ids(const pl_contract *contract, const pl_schema *schema,
                           const pl_sort_order *sort, int32_t *ids)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < contract->key_count; i++) {
        pl_span name = contract->columns[contract->keys[i]].field.name;
        int at = pl_schema_find(schema, name);
        if (at < 0) continue;
        const pl_field *field = &schema->fields[at];
        bool sorted = sort && sort->count && sort->fields[0].source_id == field->id;
        pl_kind kind = field->type.kind;
        if (!sorted && (kind == PL_STRING || kind == PL_LONG || kind == PL_INT))
            ids[count++] = field->id;
    }
    return count;
}

static int by_key(const void *a, const void *b)
{
    return strcmp(((const pl_part_file *)a)->key, ((const pl_part_file *)b)->key);
}

// All files of all lanes.
static void collect_files(attempt *a)
{
    pl_task_result *result = a->result;
    uint32_t count = 0, more;
    for (uint32_t i = 0; i < a->lane_count; i++) {
        pl_parts_files(a->lanes[i].parts, &more);
        count += more;
    }
    result->files = PL_TAKE(&result->arena, pl_part_file, count);
    for (uint32_t i = 0; i < a->lane_count; i++) {
        const pl_part_file *files = pl_parts_files(a->lanes[i].parts, &more);
        if (more) memcpy(result->files + result->file_count, files, more * sizeof *files);
        result->file_count += more;
    }
    if (count) qsort(result->files, count, sizeof *result->files, by_key);
}

static void options_set(attempt *a, int32_t *ids)
{
    const pl_work_task *task = a->task;
    pl_arena *arena = &a->result->arena;
    uint32_t nonce; // two processes may do the same task at once, and one again what another began
    pl_entropy(&nonce, sizeof nonce);
    a->options = (pl_parts_options){
        .store = task->store,
        .schema = task->schema,
        .spec = task->spec,
        .sort = task->sort,
        .bloom_ids = ids,
        .bloom_count = pl_work_bloom_ids(task->contract, task->schema, task->sort, ids),
        .zstd = task->contract->compression == PL_COMPRESSION_ZSTD,
        .compact = task->contract->compact,
        .data_prefix = pl_arena_printf(arena, "%s/data", task->table_key),
        .name_prefix = pl_arena_printf(arena, "%s-%s-%08x", task->run, task->id, nonce),
        .file_number = &a->file_number,
        .batch = pl_batch_new(task->store, a->crew->pool),
        .memory_bytes = task->memory_bytes,
        .open_files_max = PL_MAX(PL_OPEN_FILES_MAX / a->workers, 4u),
        .quota = task->quota,
        .cancel = task->cancel};
}

// Of all lanes, as the files.
static void collect_windows(attempt *a)
{
    for (uint32_t i = 0; i < a->lane_count; i++) pl_windows_few(a->windows, a->lanes[i].mapper);
    pl_windows_take(a->windows, a->result);
}

static void attempt_done(attempt *a)
{
    pl_windows_free(a->windows);
    pl_leftover_free(a->rest);
    for (uint32_t i = 0; i < a->lane_count; i++) {
        lane *l = &a->lanes[i];
        pl_frames_done(&l->frames);
        pl_parts_free(l->parts);
        pl_mapper_free(l->mapper);
        if (a->status == PLUMB_OK)
            pl_arena_adopt(&a->result->arena, &l->arena);
        else
            pl_arena_done(&l->arena);
    }
    for (uint32_t i = 0; i < a->workers; i++) pl_reading_free(a->places[i].reading);
    pl_batch_free(a->options.batch);
    free(a->places);
    free(a->lanes);
}

// Map every object that is not marked damaged. PLUMB_E_CONFLICT: more were found damaged and
// marked, all that are; what was written is void.
static plumb_status attempt_once(const pl_work_task *task, pl_crew *crew, pl_task_result *result,
                                 plumb_error *err)
{
    attempt a = {.task = task, .result = result, .crew = crew};
    a.workers = PL_MAX(task->workers, 1u);
    a.places = pl_zalloc(a.workers, sizeof *a.places);
    a.lanes = pl_zalloc(a.workers, sizeof *a.lanes);
    a.windows = pl_windows_new(task);
    options_set(&a, PL_TAKE(&result->arena, int32_t, task->contract->key_count));
    pthread_mutex_lock(&crew->lock);
    a.next = crew->open;
    crew->open = &a;
    lane *own = join_attempt(&a);
    begun(crew);
    pthread_mutex_unlock(&crew->lock);
    lane_work(own);
    pthread_mutex_lock(&crew->lock);
    attempt **at = &crew->open;
    while (*at != &a) at = &(*at)->next;
    *at = a.next;
    while (a.working) pthread_cond_wait(&crew->changed, &crew->lock);
    pthread_mutex_unlock(&crew->lock);
    if (a.status == PLUMB_OK) a.status = pl_batch_settle(a.options.batch, &a.failure);
    if (a.status == PLUMB_OK) collect_files(&a);
    if (a.status == PLUMB_OK) collect_windows(&a);
    attempt_done(&a);
    if (a.status != PLUMB_OK) *err = a.failure;
    return a.status;
}

static void objects_reset(pl_task_result *result)
{
    for (uint32_t i = 0; i < result->object_count; i++) {
        pl_object_result *object = &result->objects[i];
        free(object->ranges);
        *object = (pl_object_result){.damaged = object->damaged, .recounted = object->recounted};
    }
}

plumb_status pl_work(const pl_work_task *task, pl_task_result *ret_result, plumb_error *err)
{
    *ret_result = (pl_task_result){.object_count = task->object_count};
    ret_result->objects = PL_TAKE(&ret_result->arena, pl_object_result, task->object_count);
    plumb_status st = PLUMB_E_CONFLICT;
    plumb_error local;
    pl_crew *crew = task->crew ? task->crew : pl_crew_new();
    if (!err) err = &local;
    for (uint32_t number = 0; st == PLUMB_E_CONFLICT && number <= task->object_count; number++) {
        objects_reset(ret_result);
        ret_result->file_count = 0;
        st = attempt_once(task, crew, ret_result, err);
    }
    if (!task->crew) pl_crew_free(crew);
    if (st != PLUMB_OK) pl_task_result_done(ret_result);
    return st;
}

void pl_task_result_done(pl_task_result *result)
{
    for (uint32_t i = 0; i < result->object_count; i++) free(result->objects[i].ranges);
    for (uint32_t i = 0; i < result->window_count; i++) pl_shape_done(&result->windows[i].shape);
    pl_arena_done(&result->arena);
    *result = (pl_task_result){0};
}

// SPDX-License-Identifier: Apache-2.0
#include "flow/ingest.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "base/map.h"
#include "base/number.h"
#include "base/time.h"
#include "flow/ingest_int.h"
#include "os/file.h"
#include "os/os.h"
#include "os/pool.h"

// ---- input -------------------------------------------------------------------------------------
typedef struct opened {
    pl_file file;
    bool is_stdin;
    pl_file_info before;
    uint64_t bytes; // read so far
} opened;

static plumb_status changed(const opened *input, uint64_t bytes, plumb_error *err)
{
    pl_fail(err, PLUMB_E_CONFLICT,
            "cannot ingest file '%s': it changed while it was read (%llu bytes, then %llu)",
            input->file.path, (unsigned long long)input->before.bytes, (unsigned long long)bytes);
    pl_hint(err, "Ingest it again once its writer is done; nothing of it was landed.");
    return PLUMB_E_CONFLICT;
}

static bool has_size(const opened *input)
{
    return input->before.is_regular && !input->is_stdin;
}

static plumb_status input_read(void *context, void *buffer, size_t bytes, size_t *ret_got,
                               plumb_error *err)
{
    opened *input = context;
    PL_TRY(pl_file_read(&input->file, -1, buffer, bytes, ret_got, err));
    input->bytes += *ret_got;
    // Not only at the end: a file written faster than it is read has none.
    if (has_size(input) && input->bytes > input->before.bytes)
        return changed(input, input->bytes, err);
    return PLUMB_OK;
}

static plumb_status input_open(const char *path, opened *ret_input, plumb_error *err)
{
    opened input = {.is_stdin = strcmp(path, "-") == 0, .file = {.fd = -1}};
    if (input.is_stdin) {
        static char name[] = "standard input";
        input.file = (pl_file){.fd = STDIN_FILENO, .path = name};
    } else {
        PL_TRY(pl_file_open(&input.file, path, PL_OPEN_READ, err));
    }
    plumb_status st = pl_file_info_get(&input.file, &input.before, err);
    if (st == PLUMB_OK && input.before.is_directory) {
        st = pl_fail(err, PLUMB_E_FAILED, "cannot ingest '%s': it is a directory", path);
        pl_hint(err, "Name the files in it.");
    }
    if (st == PLUMB_OK)
        *ret_input = input;
    else if (!input.is_stdin)
        pl_file_close(&input.file);
    return st;
}

// Open it once more; what it was when it was first looked at still counts.
static plumb_status input_reopen(opened *input, const char *path, plumb_error *err)
{
    return pl_file_open(&input->file, path, PL_OPEN_READ, err);
}

static void input_close(opened *input)
{
    if (!input->is_stdin) pl_file_close(&input->file);
}

// A regular file must be after reading what it was before.
static plumb_status input_check(opened *input, plumb_error *err)
{
    pl_file_info after;
    if (!has_size(input)) return PLUMB_OK;
    PL_TRY(pl_file_info_get(&input->file, &after, err));
    if (after.bytes == input->before.bytes && after.modified_us == input->before.modified_us &&
        input->bytes == after.bytes)
        return PLUMB_OK;
    return changed(input, after.bytes, err);
}

// ---- landing -----------------------------------------------------------------------------------
// Files land in groups: their intents are one transaction, and so are their rows; their fsyncs are
// under way several at once, and a directory has one. (Files of a few kilobytes, on a disk whose
// fsync takes a millisecond: 0.3 ms each instead of 3.7.) A large file is a group of its own, so
// that nobody waits for it to be told of another.
// Each has an open file, its lock. Where so many may not be open, a group is smaller.
enum { GROUP_FILES = 384, FILES_SPARE = 16 };
#define GROUP_BYTES (UINT64_C(8) * 1024 * 1024)

// A file on its way.
typedef struct landing {
    const pl_ingest_options *options;
    const char *path, *name; // name has a NUL
    opened input;
    bool has_input; // it is open
    char id[PL_ULID_TEXT];
    pl_raw_options raw;
    pl_raw_writer *writer; // NULL: nothing was begun
    pl_raw_info info;
    const struct landing *twin; // the one before it in the group with the same content
    char known[PL_ID_TEXT];     // the object that has its content; "" if it is new
    bool keep;                  // its file is visible and must stay
    plumb_status status;
    plumb_error err;
} landing;

typedef struct group {
    pl_store *store;
    pl_registry *registry;
    pl_ulids *ulids;
    const pl_ingest_options *options;
    const char *source; // with a NUL
    pl_pool *pool;
    pl_arena arena; // of this group
    pl_map contents;
    landing *items; // GROUP_FILES
    uint32_t count;
    bool intents; // they are written
} group;

// Something is under way that may become an object.
static bool goes_on(const landing *item)
{
    return item->writer && item->status == PLUMB_OK && !*item->known;
}

// The disk or the registry would say the same of the next file.
static bool stops(plumb_status st)
{
    return st == PLUMB_E_CANCELLED || st == PLUMB_E_UNAVAILABLE || st == PLUMB_E_UNKNOWN;
}

static void fail(landing *item, plumb_status st, const plumb_error *err)
{
    item->status = st;
    item->err = *err;
}

// If this one stops everything, those behind it are not tried.
static bool stops_rest(group *g, uint32_t i)
{
    const landing *item = &g->items[i];
    if (!stops(item->status)) return false;
    while (++i < g->count) fail(&g->items[i], item->status, &item->err);
    return true;
}

// ---- a group: what is in it --------------------------------------------------------------------
static void add(group *g, const char *path)
{
    landing *item = &g->items[g->count++];
    *item = (landing){.options = g->options, .path = path};
    item->status = input_open(path, &item->input, &item->err);
    item->has_input = item->status == PLUMB_OK;
    const char *slash = strrchr(path, '/');
    item->name = item->input.is_stdin ? "" : slash ? slash + 1 : path;
}

// Fill the group from the first of `paths`.
static void gather(group *g, const char *const *paths, uint32_t count)
{
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < count && i < GROUP_FILES; i++) {
        pl_file_info info = {.is_regular = true};
        if (strcmp(paths[i], "-") == 0)
            info.is_regular = false;
        else
            PL_IGNORE(pl_path_info(paths[i], &info, NULL)); // opening it tells why
        bool small = info.is_regular && bytes + info.bytes <= GROUP_BYTES;
        if (!small && i) return;
        add(g, paths[i]);
        if (!small) return;
        bytes += info.bytes;
        // Open files are few; a small one is opened again when its turn comes.
        if (g->items[i].has_input) input_close(&g->items[i].input);
        g->items[i].has_input = false;
    }
}

// ---- a group: hidden files, intents ------------------------------------------------------------
static void progress(void *context, uint64_t bytes)
{
    landing *item = context;
    item->options->progress(item->options->progress_context, item->path, bytes);
}

static plumb_status check_mtime(const landing *item, int64_t now_us, plumb_error *err)
{
    char at[40];
    int64_t mtime_us = item->input.before.modified_us;
    if (mtime_us <= now_us + PL_RECEIVED_AHEAD_US) return PLUMB_OK;
    pl_time_text(mtime_us, at);
    pl_fail(err, PLUMB_E_FAILED,
            "cannot ingest file '%s': its mtime is %s, more than a day from now", item->path, at);
    pl_hint(err, "Mend it ('touch'), or say when it was received: --received TIME.");
    return PLUMB_E_FAILED;
}

static void begin(group *g, landing *item)
{
    const pl_ingest_options *o = g->options;
    bool by_mtime = o->received_mtime && !item->input.is_stdin;
    if (by_mtime) item->status = check_mtime(item, o->now_us, &item->err);
    if (item->status != PLUMB_OK) return;
    pl_ulid_next(g->ulids, o->now_us, item->id);
    item->raw = (pl_raw_options){
        .head = {.id = item->id,
                 .source = o->source,
                 .name = pl_span_of(item->name),
                 .received_us = by_mtime          ? item->input.before.modified_us
                                : o->has_received ? o->received_us
                                                  : o->now_us,
                 .format = o->format,
                 .again = o->again},
        .has_format = o->has_format,
        .level = o->level,
        .progress = o->progress ? progress : NULL,
        .progress_context = item,
    };
    item->status = pl_raw_begin(g->store, &item->raw, &item->writer, &item->err);
}

// All intents in one transaction.
static plumb_status add_intents(group *g, plumb_error *err)
{
    PL_TRY(pl_registry_begin(g->registry, err));
    plumb_status st = PLUMB_OK;
    for (uint32_t i = 0; i < g->count && st == PLUMB_OK; i++)
        if (goes_on(&g->items[i]))
            st = pl_registry_intent_add(g->registry, g->items[i].id,
                                        pl_raw_writer_key(g->items[i].writer), g->options->now_us,
                                        err);
    if (st == PLUMB_OK) return pl_registry_commit(g->registry, err);
    pl_registry_rollback(g->registry);
    return st;
}

static uint32_t count_going(const group *g)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < g->count; i++) count += goes_on(&g->items[i]);
    return count;
}

static void fail_going(group *g, plumb_status st, const plumb_error *err)
{
    for (uint32_t i = 0; i < g->count; i++)
        if (goes_on(&g->items[i])) fail(&g->items[i], st, err);
}

// So many that other descriptors are left; the rest will be another group.
static void cut(group *g, uint32_t count)
{
    uint32_t kept = count > FILES_SPARE ? count - FILES_SPARE : 1;
    for (uint32_t i = kept; i < g->count; i++) pl_raw_abort(g->items[i].writer);
    g->count = kept;
}

static void begin_all(group *g)
{
    plumb_error err;
    for (uint32_t i = 0; i < g->count; i++) {
        if (g->items[i].status == PLUMB_OK) begin(g, &g->items[i]);
        if (g->items[i].err.os_errno == EMFILE && i) cut(g, i);
        if (stops_rest(g, i)) break;
    }
    if (!count_going(g)) return;
    plumb_status st = add_intents(g, &err);
    g->intents = st == PLUMB_OK;
    if (st != PLUMB_OK) fail_going(g, st, &err);
}

// ---- a group: contents -------------------------------------------------------------------------
static plumb_status fill(group *g, landing *item, plumb_error *err)
{
    if (!item->has_input) PL_TRY(input_reopen(&item->input, item->path, err));
    item->has_input = true;
    plumb_status st = pl_raw_fill(item->writer, input_read, &item->input, &item->info, err);
    // What the file system said names its file already; the rest is said of the input.
    if (st != PLUMB_OK && strncmp(err->message, "cannot ", 7) != 0)
        pl_context(err, "cannot ingest file '%s'", item->input.file.path);
    if (st == PLUMB_OK) st = input_check(&item->input, err);
    input_close(&item->input);
    item->has_input = false;
    if (st != PLUMB_OK || g->options->again) return st;
    PL_TRY(
        pl_registry_object_by_sha(g->registry, g->source, item->info.identity, item->known, err));
    if (*item->known) return PLUMB_OK;
    uint32_t own = (uint32_t)(item - g->items);
    uint32_t first = pl_map_add(&g->contents, pl_span_of(item->info.identity), own);
    if (first == own) return PLUMB_OK;
    item->twin = &g->items[first];
    memcpy(item->known, item->twin->id, sizeof item->known);
    return PLUMB_OK;
}

static void fill_all(group *g)
{
    for (uint32_t i = 0; i < g->count; i++) {
        landing *item = &g->items[i];
        if (goes_on(item)) item->status = fill(g, item, &item->err);
        if (stops_rest(g, i)) break;
    }
}

// ---- a group: names ----------------------------------------------------------------------------
static bool intent_other(void *context, const char *id, const char *key, int64_t at_us)
{
    (void)key, (void)at_us;
    const group *g = *(const group **)context;
    for (uint32_t i = 0; i < g->count; i++) // their order is that of the ids, and of the intents
        if (strcmp(id, g->items[i].id) == 0) return true;
    *(const group **)context = NULL;
    return false;
}

// While another ingest is under way, or died there, a directory on our way may be of its making
// and not durable yet. Alone, all of them are: who makes one has an intent until it is.
static plumb_status settle_shared(group *g, plumb_error *err)
{
    const group *alone = g;
    const char *last = "";
    PL_TRY(pl_registry_intents(g->registry, intent_other, &alone, err));
    for (uint32_t i = 0; i < g->count && !alone; i++) {
        if (!goes_on(&g->items[i])) continue;
        const char *key = pl_raw_writer_key(g->items[i].writer), *slash = strrchr(key, '/');
        if (strncmp(key, last, (size_t)(slash - key) + 1) == 0) continue; // the same directory
        PL_TRY(pl_store_settle_way(g->store, key, err));
        last = key;
    }
    return PLUMB_OK;
}

static void publish_all(group *g)
{
    plumb_error err;
    uint32_t count = 0;
    pl_publishing *list = PL_TAKE(&g->arena, pl_publishing, g->count);
    landing **of = PL_TAKE(&g->arena, landing *, g->count);
    for (uint32_t i = 0; i < g->count; i++) {
        if (!goes_on(&g->items[i])) continue;
        of[count] = &g->items[i];
        list[count++] =
            (pl_publishing){.put = pl_raw_writer_put(g->items[i].writer), .mode = PL_RAW_MODE};
    }
    if (!count) return;
    pl_put_publish_all(g->store, g->pool, list, count);
    for (uint32_t i = 0; i < count; i++)
        if (list[i].status != PLUMB_OK) fail(of[i], list[i].status, &list[i].err);
    plumb_status st = settle_shared(g, &err);
    if (st != PLUMB_OK) fail_going(g, st, &err);
}

// ---- a group: rows -----------------------------------------------------------------------------
// The object's row, and its intent gone; or the object that has its content.
static plumb_status record(group *g, landing *item, plumb_error *err)
{
    const char *key = pl_raw_writer_key(item->writer);
    pl_object_row row = pl_ingest__row(&item->raw.head, g->source, key, item->name, &item->info,
                                       g->options->now_us);
    char winner[PL_ID_TEXT] = "";
    plumb_status st = pl_registry_object_add(g->registry, &row, g->options->again, winner, err);
    if (st == PLUMB_OK) return pl_registry_intent_remove(g->registry, item->id, err);
    if (st != PLUMB_E_CONFLICT || !*winner) return st;
    memcpy(item->known, winner, sizeof winner); // landed by another while this one was copied
    return PLUMB_OK;
}

static void record_all(group *g)
{
    plumb_error err;
    if (!count_going(g)) return;
    plumb_status st = pl_registry_begin(g->registry, &err);
    bool begun = st == PLUMB_OK;
    for (uint32_t i = 0; i < g->count && st == PLUMB_OK; i++)
        if (goes_on(&g->items[i])) st = record(g, &g->items[i], &err);
    if (st == PLUMB_OK)
        st = pl_registry_commit(g->registry, &err);
    else if (begun)
        pl_registry_rollback(g->registry);
    for (uint32_t i = 0; i < g->count; i++)
        g->items[i].keep = goes_on(&g->items[i]) && (st == PLUMB_OK || st == PLUMB_E_UNKNOWN);
    if (st != PLUMB_OK) fail_going(g, st, &err);
}

// What has no row goes, then its intent. What cannot be forgotten now, recovery forgets; should an
// intent come back with a power loss, recovery removes it once more.
static void forget_rest(group *g)
{
    uint32_t gone = 0;
    for (uint32_t i = 0; i < g->count; i++) {
        if (g->items[i].has_input) input_close(&g->items[i].input);
        if (g->items[i].writer && !g->items[i].keep) {
            pl_raw_abort(g->items[i].writer);
            g->items[i].writer = NULL;
            gone += g->intents;
        }
    }
    if (!gone || pl_registry_begin_unsynced(g->registry, NULL) != PLUMB_OK) return;
    for (uint32_t i = 0; i < g->count; i++)
        if (*g->items[i].id && !g->items[i].keep)
            PL_IGNORE(pl_registry_intent_remove(g->registry, g->items[i].id, NULL));
    PL_IGNORE(pl_registry_commit(g->registry, NULL));
}

// ---- a group: what is told ---------------------------------------------------------------------
static plumb_status result_of(group *g, landing *item, pl_ingest_result *result, plumb_error *err)
{
    const pl_raw_info *info = &item->info;
    *result = (pl_ingest_result){
        .format = info->format,
        .broken = info->broken,
        .reason = info->reason,
        .broken_at = info->broken_at,
        .stored_bytes = info->stored_bytes,
        .content_bytes = info->content_bytes,
        .received_us = item->raw.head.received_us,
        .landed_us = g->options->now_us,
        .name = item->name,
    };
    memcpy(result->sha256, info->identity, sizeof result->sha256);
    snprintf(result->id, sizeof result->id, "%s", item->id);
    if (!*item->known) {
        result->key = pl_raw_writer_key(item->writer);
        return PLUMB_OK;
    }
    pl_object_row row; // the earlier one
    const char *id = item->twin && *item->twin->known ? item->twin->known : item->known;
    PL_TRY(pl_registry_object(g->registry, id, &g->arena, &row, err));
    result->known = true;
    snprintf(result->id, sizeof result->id, "%s", row.id);
    result->key = row.key;
    result->name = row.name;
    result->received_us = row.received_us;
    result->landed_us = row.landed_us;
    result->stored_bytes = (uint64_t)row.stored_bytes;
    return PLUMB_OK;
}

// Returns false if one of them stops everything.
static bool tell_all(group *g, pl_ingest_told told, void *context)
{
    for (uint32_t i = 0; i < g->count; i++) {
        landing *item = &g->items[i];
        pl_ingest_result result;
        if (item->twin && item->status == PLUMB_OK && item->twin->status != PLUMB_OK)
            fail(item, item->twin->status, &item->twin->err);
        if (item->status == PLUMB_OK) item->status = result_of(g, item, &result, &item->err);
        told(context, item->path, item->status, &result, &item->err);
        if (stops(item->status)) return false;
    }
    return true;
}

static void group_clear(group *g)
{
    for (uint32_t i = 0; i < g->count; i++) pl_raw_release(g->items[i].writer);
    pl_map_done(&g->contents);
    g->contents = (pl_map){0};
    pl_arena_reset(&g->arena);
    g->count = 0;
    g->intents = false;
}

void pl_ingest_files(pl_store *store, pl_registry *registry, pl_ulids *ulids,
                     const char *const *paths, uint32_t count, const pl_ingest_options *options,
                     pl_ingest_told told, void *context)
{
    pl_arena arena = {0};
    group g = {.store = store, .registry = registry, .ulids = ulids, .options = options};
    g.source = pl_arena_cstr(&arena, options->source);
    g.pool = pl_pool_new(PL_BATCH_AT_ONCE);
    g.items = PL_TAKE(&arena, landing, PL_MIN(count, (uint32_t)GROUP_FILES));
    bool more = true;
    for (uint32_t at = 0; at < count && more;) {
        gather(&g, paths + at, count - at);
        begin_all(&g);
        fill_all(&g);
        publish_all(&g);
        record_all(&g);
        forget_rest(&g);
        at += g.count;
        more = tell_all(&g, told, context);
        group_clear(&g);
    }
    pl_pool_free(g.pool);
    pl_arena_done(&g.arena);
    pl_arena_done(&arena);
}

typedef struct one_file {
    pl_arena *arena;
    pl_ingest_result *result;
    plumb_status status;
    plumb_error *err;
} one_file;

static void told_one(void *context, const char *path, plumb_status st,
                     const pl_ingest_result *result, const plumb_error *err)
{
    (void)path;
    one_file *one = context;
    one->status = st;
    if (st != PLUMB_OK) {
        if (one->err) *one->err = *err;
        return;
    }
    *one->result = *result;
    one->result->key = pl_arena_cstr(one->arena, pl_span_of(result->key));
    one->result->name = pl_arena_cstr(one->arena, pl_span_of(result->name));
}

plumb_status pl_ingest_file(pl_store *store, pl_registry *registry, pl_ulids *ulids,
                            const char *path, const pl_ingest_options *options, pl_arena *arena,
                            pl_ingest_result *ret_result, plumb_error *err)
{
    one_file one = {.arena = arena, .result = ret_result, .err = err};
    pl_ingest_files(store, registry, ulids, &path, 1, options, told_one, &one);
    return one.status;
}

// ---- times -------------------------------------------------------------------------------------
const char *pl_ingest_parse_time(pl_span text, int64_t *ret_micros)
{
    pl_number number;
    int32_t days;
    int64_t micros;
    text = pl_span_trim(text);
    if (pl_number_parse(text, &number) == PL_NUMBER_OK) {
        // 10^11 s is the year 5138, and 10^11 ms is 1973: what is larger has the finer unit.
        int64_t digits = (int64_t)number.count + number.exponent; // before the decimal point
        int shift = digits <= 11 ? 6 : digits <= 14 ? 3 : digits <= 17 ? 0 : -3;
        if (pl_number_long(&number, shift, &micros) != PL_NUMBER_OK) return "is no time since 1970";
    } else if (pl_date_parse(text, &days) == NULL) {
        micros = days * PL_MICROS_PER_DAY;
    } else {
        const char *reason = pl_time_parse_iso(text, &micros);
        if (reason) return reason;
    }
    if (micros < PL_TIME_MICROS_MIN || micros > PL_TIME_MICROS_MAX) return "is out of range";
    *ret_micros = micros;
    return NULL;
}

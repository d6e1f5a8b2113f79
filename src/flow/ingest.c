// SPDX-License-Identifier: Apache-2.0
#include "flow/ingest.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/number.h"
#include "base/time.h"
#include "os/file.h"
#include "os/os.h"

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
static pl_object_row object_row(const pl_raw_head *head, const char *source, const char *key,
                                const char *name, const pl_raw_info *info, int64_t landed_us)
{
    return (pl_object_row){
        .id = head->id,
        .source = source,
        .key = key,
        .format = pl_format_name(info->format),
        .name = name,
        .sha256 = info->identity,
        .received_us = head->received_us,
        .landed_us = landed_us,
        .stored_bytes = (int64_t)info->stored_bytes,
        .content_bytes = info->broken ? -1 : (int64_t)info->content_bytes,
        .broken = info->broken,
    };
}

static plumb_status intent_add(pl_registry *registry, const char *id, const char *key,
                               int64_t now_us, plumb_error *err)
{
    PL_TRY(pl_registry_begin(registry, err));
    plumb_status st = pl_registry_intent_add(registry, id, key, now_us, err);
    if (st == PLUMB_OK) return pl_registry_commit(registry, err);
    pl_registry_rollback(registry);
    return st;
}

// Should it come back with a power loss, recovery removes it once more.
static plumb_status intent_remove(pl_registry *registry, const char *id, plumb_error *err)
{
    PL_TRY(pl_registry_begin_unsynced(registry, err));
    plumb_status st = pl_registry_intent_remove(registry, id, err);
    if (st == PLUMB_OK) return pl_registry_commit(registry, err);
    pl_registry_rollback(registry);
    return st;
}

// The object row, and its intent gone, in one transaction. PLUMB_E_CONFLICT: `winner` has the
// content already; nothing was written.
static plumb_status record(pl_registry *registry, const pl_object_row *row, bool again,
                           char winner[PL_ID_TEXT], plumb_error *err)
{
    PL_TRY(pl_registry_begin(registry, err));
    plumb_status st = pl_registry_object_add(registry, row, again, winner, err);
    if (st == PLUMB_OK) st = pl_registry_intent_remove(registry, row->id, err);
    if (st == PLUMB_OK) return pl_registry_commit(registry, err);
    pl_registry_rollback(registry);
    return st;
}

// The result for content that is known.
static plumb_status name_earlier(pl_registry *registry, const char *id, pl_arena *arena,
                                 pl_ingest_result *result, plumb_error *err)
{
    pl_object_row row;
    PL_TRY(pl_registry_object(registry, id, arena, &row, err));
    result->known = true;
    snprintf(result->id, sizeof result->id, "%s", row.id);
    result->key = row.key;
    result->name = row.name;
    result->received_us = row.received_us;
    result->landed_us = row.landed_us;
    result->stored_bytes = (uint64_t)row.stored_bytes;
    return PLUMB_OK;
}

static void fill_result(pl_ingest_result *result, const pl_raw_head *head, const pl_raw_info *info,
                        int64_t now_us)
{
    *result = (pl_ingest_result){
        .format = info->format,
        .broken = info->broken,
        .reason = info->reason,
        .broken_at = info->broken_at,
        .stored_bytes = info->stored_bytes,
        .content_bytes = info->content_bytes,
        .received_us = head->received_us,
        .landed_us = now_us,
    };
    memcpy(result->sha256, info->identity, sizeof result->sha256);
    snprintf(result->id, sizeof result->id, "%s", head->id);
}

typedef struct landing {
    pl_store *store;
    pl_registry *registry;
    const pl_ingest_options *options;
    const char *source, *name; // with a NUL
    pl_raw_options raw;
    opened input;
    pl_arena *arena;
} landing;

static bool intent_other(void *context, const char *id, const char *key, int64_t at_us)
{
    (void)key, (void)at_us;
    const char **own = context;
    if (strcmp(id, *own) == 0) return true;
    *own = NULL;
    return false;
}

// While another ingest is under way, or died there, a directory on our way may be of its making
// and not durable yet. Alone, all of them are: who makes one has an intent until it is.
static plumb_status settle_shared(landing *at, const char *key, plumb_error *err)
{
    const char *own = at->raw.head.id;
    PL_TRY(pl_registry_intents(at->registry, intent_other, &own, err));
    return own ? PLUMB_OK : pl_store_settle_way(at->store, key, err);
}

// Between the two transactions. *ret_keep: the file is visible and must stay even on failure.
static plumb_status land(landing *at, pl_raw_writer *writer, pl_ingest_result *result,
                         bool *ret_keep, plumb_error *err)
{
    pl_raw_info info;
    char known[PL_ID_TEXT] = "";
    plumb_status st = pl_raw_fill(writer, input_read, &at->input, &info, err);
    if (st != PLUMB_OK) {
        // What the file system said names its file already; the rest is said of the input.
        if (err && strncmp(err->message, "cannot ", 7) != 0)
            pl_context(err, "cannot ingest file '%s'", at->input.file.path);
        return st;
    }
    PL_TRY(input_check(&at->input, err));
    fill_result(result, &at->raw.head, &info, at->options->now_us);
    if (!at->options->again) {
        PL_TRY(pl_registry_object_by_sha(at->registry, at->source, info.identity, known, err));
        if (*known) return name_earlier(at->registry, known, at->arena, result, err);
    }
    PL_TRY(pl_raw_publish(writer, err));
    const char *key = pl_arena_cstr(at->arena, pl_span_of(pl_raw_writer_key(writer)));
    PL_TRY(settle_shared(at, key, err));
    pl_object_row row =
        object_row(&at->raw.head, at->source, key, at->name, &info, at->options->now_us);
    st = record(at->registry, &row, at->options->again, known, err);
    if (st == PLUMB_E_CONFLICT && *known) // it was landed by another while this one was copied
        return name_earlier(at->registry, known, at->arena, result, err);
    *ret_keep = st == PLUMB_OK || st == PLUMB_E_UNKNOWN;
    if (st == PLUMB_OK) {
        result->key = key;
        result->name = pl_arena_cstr(at->arena, pl_span_of(at->name));
    }
    return st;
}

plumb_status pl_ingest_file(pl_store *store, pl_registry *registry, pl_ulids *ulids,
                            const char *path, const pl_ingest_options *options, pl_arena *arena,
                            pl_ingest_result *ret_result, plumb_error *err)
{
    landing at = {.store = store, .registry = registry, .options = options, .arena = arena};
    pl_ingest_result result = {0};
    char id[PL_ULID_TEXT];
    PL_TRY(input_open(path, &at.input, err));
    const char *slash = strrchr(path, '/');
    at.name = at.input.is_stdin ? "" : slash ? slash + 1 : path;
    at.source = pl_arena_cstr(arena, options->source);
    pl_ulid_next(ulids, options->now_us, id);
    at.raw = (pl_raw_options){
        .head = {.id = id,
                 .source = options->source,
                 .name = pl_span_of(at.name),
                 .received_us = options->received_mtime && !at.input.is_stdin
                                    ? at.input.before.modified_us
                                : options->has_received ? options->received_us
                                                        : options->now_us,
                 .format = options->format,
                 .again = options->again},
        .has_format = options->has_format,
        .level = options->level,
        .progress = options->progress,
        .progress_context = options->progress_context,
    };
    pl_raw_writer *writer = NULL;
    bool keep = false, intent = false;
    plumb_status st = pl_raw_begin(store, &at.raw, &writer, err);
    if (st == PLUMB_OK) {
        st = intent_add(registry, id, pl_raw_writer_key(writer), options->now_us, err);
        intent = st == PLUMB_OK;
    }
    if (st == PLUMB_OK) st = land(&at, writer, &result, &keep, err);
    if (keep)
        pl_raw_release(writer);
    else
        pl_raw_abort(writer);
    // What cannot be forgotten now, recovery forgets.
    if (intent && !keep) PL_IGNORE(intent_remove(registry, id, NULL));
    if (st == PLUMB_OK) *ret_result = result;
    input_close(&at.input);
    return st;
}

// ---- recovery ----------------------------------------------------------------------------------
typedef struct intents {
    pl_arena arena;
    struct {
        const char *id, *key; // in arena
    } * items;
    uint32_t count, capacity;
} intents;

static bool intent_collect(void *context, const char *id, const char *key, int64_t at_us)
{
    (void)at_us;
    intents *list = context;
    PL_GROW(list->items, list->count, list->capacity);
    list->items[list->count].id = pl_arena_cstr(&list->arena, pl_span_of(id));
    list->items[list->count].key = pl_arena_cstr(&list->arena, pl_span_of(key));
    list->count++;
    return true;
}

typedef struct intent_search {
    const char *id;
    bool found;
} intent_search;

static bool intent_find(void *context, const char *id, const char *key, int64_t at_us)
{
    (void)key, (void)at_us;
    intent_search *search = context;
    search->found = strcmp(id, search->id) == 0;
    return !search->found;
}

// The right to act on an intent is that it is still there: another recovery may have been faster.
// What is undone by a power loss is done again; a commit that acknowledges something syncs it, too.
static plumb_status intent_begin(pl_registry *registry, const char *id, bool *ret_ours,
                                 plumb_error *err)
{
    intent_search search = {.id = id};
    PL_TRY(pl_registry_begin_unsynced(registry, err));
    plumb_status st = pl_registry_intents(registry, intent_find, &search, err);
    *ret_ours = search.found;
    return st;
}

static plumb_status intent_end(pl_registry *registry, const char *id, plumb_status st,
                               plumb_error *err)
{
    if (st == PLUMB_OK) st = pl_registry_intent_remove(registry, id, err);
    if (st == PLUMB_OK) return pl_registry_commit(registry, err);
    pl_registry_rollback(registry);
    return st;
}

// A whole object without a row: give it one, or remove it if its content was landed meanwhile.
static plumb_status finish(pl_store *store, pl_registry *registry, const char *id, const char *key,
                           const pl_raw_head *head, const pl_raw_info *info, int64_t now_us,
                           pl_ingest_recovery *recovery, plumb_error *err)
{
    pl_arena scratch = {0};
    const char *source = pl_arena_cstr(&scratch, head->source);
    const char *name = pl_arena_cstr(&scratch, head->name);
    pl_object_row row = object_row(head, source, key, name, info, now_us);
    char winner[PL_ID_TEXT] = "";
    bool ours = false, lost = false;
    plumb_status st = intent_begin(registry, id, &ours, err);
    if (st == PLUMB_OK && ours) {
        st = pl_registry_object_add(registry, &row, head->again, winner, err);
        lost = st == PLUMB_E_CONFLICT && *winner;
        if (lost) st = strcmp(winner, id) == 0 ? PLUMB_OK : pl_store_delete(store, key, err);
    }
    st = intent_end(registry, id, st, err);
    if (st == PLUMB_OK && ours) (*(lost ? &recovery->removed : &recovery->finished))++;
    pl_arena_done(&scratch);
    return st;
}

// It was damaged before it was acknowledged: whoever sent it has not been told that it landed.
static plumb_status remove_damaged(pl_store *store, pl_registry *registry, const char *id,
                                   const char *key, pl_ingest_recovery *recovery, plumb_error *err)
{
    bool ours = false;
    plumb_status st = intent_begin(registry, id, &ours, err);
    if (st == PLUMB_OK && ours) st = pl_store_delete(store, key, err);
    st = intent_end(registry, id, st, err);
    if (st == PLUMB_OK && ours) recovery->removed++;
    return st;
}

static plumb_status resolve(pl_store *store, pl_registry *registry, const char *id, const char *key,
                            int64_t now_us, pl_ingest_recovery *recovery, plumb_error *err)
{
    char hidden[PL_ULID_TEXT + 8];
    pl_writer_state was, now;
    snprintf(hidden, sizeof hidden, ".tmp/%s", id);
    // Hidden name first: a living writer renames hidden to final, never back. After a crash the
    // file may have both names, then the final one counts.
    PL_TRY(pl_store_writer(store, hidden, &was, err));
    if (was == PL_WRITER_ALIVE) return PLUMB_OK;
    PL_TRY(pl_store_writer(store, key, &now, err));
    if (now == PL_WRITER_ALIVE) return PLUMB_OK;
    if (was == PL_WRITER_DEAD) PL_TRY(pl_store_delete(store, hidden, err));
    PL_TRY(pl_store_settle_way(store, key, err)); // it may have died before it did that
    if (now == PL_WRITER_NOTHING) {
        recovery->removed += was == PL_WRITER_DEAD;
        return intent_remove(registry, id, err);
    }
    pl_raw *raw = NULL;
    pl_raw_info info;
    plumb_status st = pl_raw_verify(store, key, &info, err);
    if (st == PLUMB_OK) st = pl_raw_open(store, key, &raw, err);
    if (st == PLUMB_E_NOT_FOUND) return intent_remove(registry, id, err); // removed meanwhile
    if (st == PLUMB_E_MALFORMED) return remove_damaged(store, registry, id, key, recovery, err);
    if (st == PLUMB_OK)
        st = finish(store, registry, id, key, pl_raw_head_of(raw), &info, now_us, recovery, err);
    else if (st != PLUMB_E_CANCELLED) // not readable now: for a later recovery
        st = PLUMB_OK;
    pl_raw_close(raw);
    return st;
}

plumb_status pl_ingest_recover(pl_store *store, pl_registry *registry, int64_t now_us,
                               pl_ingest_recovery *ret_recovery, plumb_error *err)
{
    intents list = {0};
    pl_ingest_recovery recovery = {0};
    plumb_status st = pl_registry_intents(registry, intent_collect, &list, err);
    for (uint32_t i = 0; i < list.count && st == PLUMB_OK; i++)
        st = resolve(store, registry, list.items[i].id, list.items[i].key, now_us, &recovery, err);
    uint32_t swept = 0;
    if (st == PLUMB_OK) st = pl_store_sweep(store, NULL, NULL, &swept, err);
    recovery.removed += swept;
    if (st == PLUMB_OK) *ret_recovery = recovery;
    pl_arena_done(&list.arena);
    free(list.items);
    return st;
}

plumb_status pl_ingest_adopt(pl_store *store, pl_registry *registry, const char *key,
                             plumb_error *err)
{
    pl_arena scratch = {0};
    pl_raw *raw = NULL;
    pl_raw_info info;
    PL_TRY(pl_raw_verify(store, key, &info, err));
    PL_TRY(pl_raw_open(store, key, &raw, err));
    const pl_raw_head *head = pl_raw_head_of(raw);
    pl_object_row row = object_row(head, pl_arena_cstr(&scratch, head->source), key,
                                   pl_arena_cstr(&scratch, head->name), &info,
                                   pl_ulid_micros(pl_span_of(head->id)));
    plumb_status st = pl_registry_object_add(registry, &row, head->again, NULL, err);
    pl_raw_close(raw);
    pl_arena_done(&scratch);
    return st;
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

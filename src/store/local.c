// The store over a local directory.
//
//     <root>/.tmp/<name>   --fsync, rename without replacing, fsync the new directory-->
//     <root>/<key>
//
// SPDX-License-Identifier: Apache-2.0
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "os/file.h"
#include "os/os.h"
#include "store/store_int.h"

#define HIDDEN       ".tmp"
#define LOCK_WAIT_MS 2000 // for a sweeper that looks at our new file this very moment

struct pl_store {
    char *root;   // absolute, no slash at the end; owned
    char *hidden; // root/.tmp; owned
    char *former; // root it was moved from, no slash at the end; owned, may be NULL
};

struct pl_put {
    pl_file file; // locked; its path is the hidden one
    char *final;  // path of the key; owned
    char *key;    // owned
    uint64_t bytes;
    bool published;
};

static char *text_join(const char *a, const char *slash, const char *b)
{
    size_t bytes = strlen(a) + strlen(slash) + strlen(b) + 1;
    char *text = pl_alloc(bytes);
    snprintf(text, bytes, "%s%s%s", a, slash, b);
    return text;
}

// What is wrong with a key, or NULL.
static const char *key_mistake(const char *key)
{
    if (!*key) return "it is empty";
    if (strlen(key) > 1024) return "it is longer than 1024 bytes";
    for (const char *part = key;;) {
        size_t bytes = strcspn(part, "/");
        if (bytes == 0) return "it has an empty element";
        if (bytes > 255) return "an element is longer than 255 bytes";
        if (part[0] == '.' && (bytes == 1 || (bytes == 2 && part[1] == '.')))
            return "it has a '.' or '..' element";
        if (part[bytes] == '\0') return NULL;
        part += bytes + 1;
    }
}

static plumb_status key_check(const char *key, plumb_error *err)
{
    const char *mistake = key_mistake(key);
    return mistake ? pl_fail(err, PLUMB_E_MISUSE, "cannot use key '%s': %s", key, mistake)
                   : PLUMB_OK;
}

static char *key_path(const pl_store *store, const char *key)
{
    return text_join(store->root, strcmp(store->root, "/") == 0 ? "" : "/", key);
}

// The directory part of an absolute path, in place.
static void cut_last(char *path)
{
    char *slash = strrchr(path, '/');
    assert(slash);
    slash[slash == path] = '\0';
}

plumb_status pl_store_open_local(const char *path, bool create, pl_store **ret_store,
                                 plumb_error *err)
{
    pl_arena scratch = {0};
    char *real;
    pl_file_info info;
    plumb_status st = create ? pl_path_make_way(path, err) : PLUMB_OK;
    if (st == PLUMB_OK) st = pl_path_real(path, &scratch, &real, err);
    if (st == PLUMB_OK) st = pl_path_info(real, &info, err);
    if (st == PLUMB_OK && !info.is_directory)
        st = pl_fail(err, PLUMB_E_FAILED, "cannot open store '%s': it is not a directory", path);
    if (st == PLUMB_OK) {
        pl_store *store = pl_zalloc(1, sizeof *store);
        store->root = text_join(real, "", "");
        store->hidden = key_path(store, HIDDEN);
        *ret_store = store;
    }
    pl_arena_done(&scratch);
    return st;
}

void pl_store_close(pl_store *store)
{
    if (!store) return;
    free(store->root);
    free(store->hidden);
    free(store->former);
    free(store);
}

char *pl_store_path(const pl_store *store, const char *key, pl_arena *arena)
{
    const char *slash = strcmp(store->root, "/") == 0 ? "" : "/";
    return pl_arena_printf(arena, "%s%s%s", store->root, slash, key);
}

char *pl_store_uri(const pl_store *store, const char *key, pl_arena *arena)
{
    const char *slash = strcmp(store->root, "/") == 0 ? "" : "/";
    return pl_arena_printf(arena, "file://%s%s%s", store->root, slash, key);
}

static const char *without_scheme(const char *uri)
{
    return strncmp(uri, "file://", 7) == 0 ? uri + 7
           : strncmp(uri, "file:", 5) == 0 ? uri + 5
                                           : uri;
}

// The key of a path below `root`; NULL if it is not.
static const char *key_below(const char *root, const char *path)
{
    size_t bytes = strlen(root);
    if (bytes == 1) bytes = 0; // "/"
    if (strncmp(path, root, bytes) != 0 || path[bytes] != '/') return NULL;
    return key_mistake(path + bytes + 1) ? NULL : path + bytes + 1;
}

const char *pl_store_key(const pl_store *store, const char *uri)
{
    const char *path = without_scheme(uri), *key = key_below(store->root, path);
    return key || !store->former ? key : key_below(store->former, path);
}

void pl_store_moved_from(pl_store *store, const char *prefix)
{
    free(store->former);
    store->former = text_join(without_scheme(prefix), "", "");
    size_t bytes = strlen(store->former);
    while (bytes > 1 && store->former[bytes - 1] == '/') store->former[--bytes] = '\0';
}

static void put_free(pl_put *put)
{
    pl_file_close(&put->file);
    free(put->final);
    free(put->key);
    free(put);
}

// Create the hidden file and lock it. Between the two a sweeper may take it for a dead writer's
// and remove it; then the file we hold has no name any more and we begin again.
static plumb_status hidden_create(pl_file *ret_file, const char *path, const char *directory,
                                  plumb_error *err)
{
    for (int attempt = 0; attempt < 100; attempt++) {
        pl_file file = {.fd = -1};
        pl_file_info info = {0};
        plumb_status st = pl_file_open(&file, path, PL_OPEN_CREATE, err);
        if (st == PLUMB_E_NOT_FOUND) {
            PL_TRY(pl_path_make_way(directory, err));
            st = pl_file_open(&file, path, PL_OPEN_CREATE, err);
        }
        if (st != PLUMB_OK) return st;
        st = pl_file_lock(&file, LOCK_WAIT_MS, err);
        if (st == PLUMB_OK) st = pl_file_info_get(&file, &info, err);
        if (st == PLUMB_OK && info.links > 0) {
            *ret_file = file;
            return PLUMB_OK;
        }
        if (st != PLUMB_OK) PL_IGNORE(pl_path_unlink(path, NULL)); // ours: it was new
        pl_file_close(&file);
        if (st != PLUMB_OK) return st;
    }
    return pl_fail(err, PLUMB_E_UNAVAILABLE, "cannot create file '%s': it is removed each time",
                   path);
}

plumb_status pl_put_begin_as(pl_store *store, const char *key, const char *name, pl_put **ret_put,
                             plumb_error *err)
{
    PL_TRY(key_check(key, err));
    PL_TRY(key_check(name, err));
    char *path = text_join(store->hidden, "/", name);
    pl_file file = {.fd = -1};
    plumb_status st = hidden_create(&file, path, store->hidden, err);
    free(path);
    if (st != PLUMB_OK) return st;
    pl_put *put = pl_zalloc(1, sizeof *put);
    put->file = file;
    put->final = key_path(store, key);
    put->key = text_join(key, "", "");
    *ret_put = put;
    return PLUMB_OK;
}

plumb_status pl_put_begin(pl_store *store, const char *key, pl_put **ret_put, plumb_error *err)
{
    uint64_t random[2];
    char name[40];
    pl_entropy(random, sizeof random);
    snprintf(name, sizeof name, "%016llx%016llx", (unsigned long long)random[0],
             (unsigned long long)random[1]);
    return pl_put_begin_as(store, key, name, ret_put, err);
}

plumb_status pl_put_write(pl_put *put, pl_span bytes, plumb_error *err)
{
    PL_TRY(pl_file_write(&put->file, bytes, err));
    put->bytes += bytes.bytes;
    return PLUMB_OK;
}

uint64_t pl_put_bytes(const pl_put *put)
{
    return put->bytes;
}

// Sync what was written, then give it its final name in `directory`.
static plumb_status put_name(pl_put *put, const char *directory,
                             plumb_status (*make)(const char *path, plumb_error *err),
                             plumb_error *err)
{
    assert(!put->published);
    PL_TRY(pl_file_sync(&put->file, err));
    PL_TRY(make(directory, err));
    plumb_status st = pl_path_rename_new(put->file.path, put->final, err);
    if (st == PLUMB_E_CONFLICT)
        st = pl_fail(err, PLUMB_E_CONFLICT, "cannot create object '%s': it exists already",
                     put->key);
    put->published = st == PLUMB_OK;
    return st;
}

plumb_status pl_put__mode(pl_put *put, unsigned mode, plumb_error *err)
{
    if (!mode) return PLUMB_OK;
    pl_file_info info; // what the umask left of 0644 bounds the mode
    PL_TRY(pl_file_info_get(&put->file, &info, err));
    return pl_file_mode(&put->file, mode & info.mode, err);
}

plumb_status pl_put__make_directory(pl_put *put, plumb_error *err)
{
    char *directory = text_join(put->final, "", "");
    cut_last(directory);
    plumb_status st = pl_path_make_directories(directory, err);
    free(directory);
    return st;
}

plumb_status pl_put_publish(pl_put *put, unsigned mode, plumb_error *err)
{
    PL_TRY(pl_put__mode(put, mode, err));
    char *directory = text_join(put->final, "", "");
    cut_last(directory);
    plumb_status st = put_name(put, directory, pl_path_make_directories, err);
    // The hidden name may come back with a power loss, beside the final one; it is swept then.
    if (st == PLUMB_OK) st = pl_path_sync_directory(directory, err);
    free(directory);
    return st;
}

plumb_status pl_put__name(pl_put *put, plumb_error *err)
{
    char *directory = text_join(put->final, "", "");
    cut_last(directory);
    plumb_status st = put_name(put, directory, pl_path_make_way, err);
    free(directory);
    return st;
}

const char *pl_put__key(const pl_put *put)
{
    return put->key;
}

void pl_put_release(pl_put *put)
{
    if (put) put_free(put);
}

plumb_status pl_put_finish(pl_put *put, unsigned mode, plumb_error *err)
{
    plumb_status st = pl_put_publish(put, mode, err);
    if (st == PLUMB_OK)
        pl_put_release(put);
    else
        pl_put_abort(put);
    return st;
}

void pl_put_abort(pl_put *put)
{
    if (!put) return;
    // Removed while still locked: no sweeper can come between. What cannot be removed now, a
    // sweep removes later.
    PL_IGNORE(pl_path_unlink(put->published ? put->final : put->file.path, NULL));
    put_free(put);
}

plumb_status pl_store_put(pl_store *store, const char *key, pl_span bytes, plumb_error *err)
{
    pl_put *put;
    PL_TRY(pl_put_begin(store, key, &put, err));
    plumb_status st = pl_put_write(put, bytes, err);
    if (st == PLUMB_OK) return pl_put_finish(put, 0, err);
    pl_put_abort(put);
    return st;
}

plumb_status pl_store_put_unsettled(pl_store *store, const char *key, pl_span bytes,
                                    plumb_error *err)
{
    pl_put *put;
    PL_TRY(pl_put_begin(store, key, &put, err));
    plumb_status st = pl_put_write(put, bytes, err);
    if (st == PLUMB_OK) st = pl_put__name(put, err);
    if (st == PLUMB_OK)
        pl_put_release(put);
    else
        pl_put_abort(put);
    return st;
}

plumb_status pl_store_replace(pl_store *store, const char *key, pl_span bytes, plumb_error *err)
{
    pl_put *put;
    PL_TRY(pl_put_begin(store, key, &put, err));
    char *directory = text_join(put->final, "", "");
    cut_last(directory);
    plumb_status st = pl_put_write(put, bytes, err);
    if (st == PLUMB_OK) st = pl_file_sync(&put->file, err);
    if (st == PLUMB_OK) st = pl_path_make_way(directory, err);
    if (st == PLUMB_OK) st = pl_path_rename_over(put->file.path, put->final, err);
    if (st == PLUMB_OK) {
        st = pl_path_sync_directory(directory, err);
        pl_put_release(put);
    } else {
        pl_put_abort(put);
    }
    free(directory);
    return st;
}

plumb_status pl_store_writer(pl_store *store, const char *key, pl_writer_state *ret_state,
                             plumb_error *err)
{
    PL_TRY(key_check(key, err));
    char *path = key_path(store, key);
    pl_file file = {.fd = -1};
    plumb_status st = pl_file_open(&file, path, PL_OPEN_READ, err);
    free(path);
    if (st == PLUMB_E_NOT_FOUND) {
        *ret_state = PL_WRITER_NOTHING;
        return PLUMB_OK;
    }
    if (st != PLUMB_OK) return st;
    st = pl_file_lock_shared(&file, 0, err);
    if (st == PLUMB_OK || st == PLUMB_E_UNAVAILABLE) {
        *ret_state = st == PLUMB_OK ? PL_WRITER_DEAD : PL_WRITER_ALIVE;
        st = PLUMB_OK;
    }
    pl_file_close(&file);
    return st;
}

// Remove one hidden file if nobody holds it.
static plumb_status sweep_one(const char *path, uint32_t *removed, plumb_error *err)
{
    pl_file file = {.fd = -1};
    plumb_status st = pl_file_open(&file, path, PL_OPEN_READ, err);
    if (st == PLUMB_E_NOT_FOUND) return PLUMB_OK; // its writer was faster
    if (st != PLUMB_OK) return st;
    st = pl_file_lock_shared(&file, 0, err);
    if (st == PLUMB_OK) {
        // A name may go while we look (the writer published and ended), never come back.
        st = pl_path_unlink(path, err);
        if (st == PLUMB_OK) *removed += 1;
        if (st == PLUMB_E_NOT_FOUND) st = PLUMB_OK;
    } else if (st == PLUMB_E_UNAVAILABLE) {
        st = PLUMB_OK;
    }
    pl_file_close(&file);
    return st;
}

plumb_status pl_store_sweep(pl_store *store, bool (*keep)(void *context, const char *name),
                            void *context, uint32_t *ret_removed, plumb_error *err)
{
    pl_arena scratch = {0};
    char **names = NULL;
    uint32_t count = 0, removed = 0;
    plumb_status st = pl_path_list(store->hidden, &scratch, &names, &count, err);
    if (st == PLUMB_E_NOT_FOUND) st = PLUMB_OK;
    for (uint32_t i = 0; i < count && st == PLUMB_OK; i++) {
        if (keep && keep(context, names[i])) continue;
        st = sweep_one(pl_arena_printf(&scratch, "%s/%s", store->hidden, names[i]), &removed, err);
    }
    if (st == PLUMB_OK) *ret_removed = removed;
    pl_arena_done(&scratch);
    return st;
}

static plumb_status object_open(const pl_store *store, const char *key, pl_file *ret_file,
                                plumb_error *err)
{
    PL_TRY(key_check(key, err));
    char *path = key_path(store, key);
    plumb_status st = pl_file_open(ret_file, path, PL_OPEN_READ, err);
    free(path);
    if (st == PLUMB_E_NOT_FOUND)
        st = pl_fail(err, PLUMB_E_NOT_FOUND, "cannot read object '%s': no such object", key);
    return st;
}

plumb_status pl_store_get(pl_store *store, const char *key, uint64_t bytes_max, pl_arena *arena,
                          pl_span *ret_bytes, plumb_error *err)
{
    PL_TRY(key_check(key, err));
    char *path = key_path(store, key);
    plumb_status st = pl_path_read(path, bytes_max, arena, ret_bytes, err);
    free(path);
    if (st == PLUMB_E_NOT_FOUND)
        st = pl_fail(err, st, "cannot read object '%s': no such object", key);
    if (st == PLUMB_E_LIMIT)
        st = pl_fail(err, st, "cannot read object '%s': more than %llu bytes", key,
                     (unsigned long long)bytes_max);
    return st;
}

plumb_status pl_store_read(pl_store *store, const char *key, uint64_t offset, void *buffer,
                           size_t bytes, size_t *ret_got, plumb_error *err)
{
    pl_file file = {.fd = -1};
    PL_TRY(object_open(store, key, &file, err));
    plumb_status st = pl_file_read(&file, (int64_t)offset, buffer, bytes, ret_got, err);
    pl_file_close(&file);
    return st;
}

static plumb_status object_info(pl_store *store, const char *key, pl_file_info *ret_info,
                                plumb_error *err)
{
    PL_TRY(key_check(key, err));
    char *path = key_path(store, key);
    plumb_status st = pl_path_info(path, ret_info, err);
    free(path);
    if (st == PLUMB_E_NOT_FOUND || (st == PLUMB_OK && ret_info->is_directory))
        return pl_fail(err, PLUMB_E_NOT_FOUND, "cannot read object '%s': no such object", key);
    return st;
}

plumb_status pl_store_size(pl_store *store, const char *key, uint64_t *ret_bytes, plumb_error *err)
{
    pl_file_info info;
    PL_TRY(object_info(store, key, &info, err));
    *ret_bytes = info.bytes;
    return PLUMB_OK;
}

plumb_status pl_store_written(pl_store *store, const char *key, int64_t *ret_us, plumb_error *err)
{
    pl_file_info info;
    PL_TRY(object_info(store, key, &info, err));
    *ret_us = info.modified_us;
    return PLUMB_OK;
}

plumb_status pl_store_delete(pl_store *store, const char *key, plumb_error *err)
{
    PL_TRY(key_check(key, err));
    char *path = key_path(store, key);
    plumb_status st = pl_path_unlink(path, err);
    free(path);
    return st == PLUMB_E_NOT_FOUND ? PLUMB_OK : st;
}

typedef struct lister {
    const pl_store *store;
    pl_store_visit visit;
    void *context;
    pl_buf key; // of the directory being listed, with a slash at its end, or empty
    bool stop;
    plumb_error *err;
} lister;

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static plumb_status list_directory(lister *at, int depth);

// One entry; `name` ends with a slash if it is a directory.
static plumb_status list_entry(lister *at, const char *name, uint64_t bytes, int depth)
{
    size_t before = at->key.count;
    pl_buf_text(&at->key, name);
    plumb_status st = PLUMB_OK;
    if (name[strlen(name) - 1] == '/')
        st = list_directory(at, depth + 1);
    else
        at->stop = !at->visit(at->context, pl_buf_cstr(&at->key), bytes);
    at->key.count = before;
    return st;
}

// Directories sort by their name with the slash, so that keys come in byte order.
static plumb_status list_directory(lister *at, int depth)
{
    pl_arena scratch = {0};
    char **names = NULL;
    uint32_t count = 0, kept = 0;
    pl_file_info info;
    if (depth > 64)
        return pl_fail(at->err, PLUMB_E_LIMIT, "cannot list store: more than 64 directories deep");
    const char *directory = pl_store_path(at->store, pl_buf_cstr(&at->key), &scratch);
    plumb_status st = pl_path_list(directory, &scratch, &names, &count, at->err);
    if (st == PLUMB_E_NOT_FOUND) st = PLUMB_OK;
    for (uint32_t i = 0; i < count && st == PLUMB_OK; i++) {
        if (depth == 0 && at->key.count == 0 && strcmp(names[i], HIDDEN) == 0) continue;
        char *path = pl_arena_printf(&scratch, "%s/%s", directory, names[i]);
        st = pl_path_info(path, &info, at->err);
        if (st == PLUMB_OK && !info.is_directory && !info.is_regular) continue;
        if (st == PLUMB_OK)
            names[kept++] =
                info.is_directory ? pl_arena_printf(&scratch, "%s/", names[i]) : names[i];
        if (st == PLUMB_E_NOT_FOUND) st = PLUMB_OK; // gone since
    }
    if (kept) qsort(names, kept, sizeof *names, compare_names);
    for (uint32_t i = 0; i < kept && st == PLUMB_OK && !at->stop; i++) {
        char *path = pl_arena_printf(&scratch, "%s/%s", directory, names[i]);
        st = pl_path_info(path, &info, at->err);
        if (st == PLUMB_OK) st = list_entry(at, names[i], info.bytes, depth);
        if (st == PLUMB_E_NOT_FOUND) st = PLUMB_OK;
    }
    pl_arena_done(&scratch);
    return st;
}

plumb_status pl_store_list(pl_store *store, const char *prefix, pl_store_visit visit, void *context,
                           plumb_error *err)
{
    lister at = {.store = store, .visit = visit, .context = context, .err = err};
    size_t bytes = strlen(prefix);
    if (bytes && prefix[bytes - 1] == '/') bytes--;
    if (bytes) {
        char *key = text_join(prefix, "", "");
        key[bytes] = '\0';
        plumb_status st = key_check(key, err);
        free(key);
        if (st != PLUMB_OK) return st;
        pl_buf_append(&at.key, prefix, bytes);
        pl_buf_char(&at.key, '/');
    }
    plumb_status st = list_directory(&at, 0);
    free(at.key.data);
    return st;
}

plumb_status pl_store_settle(pl_store *store, const char *key, plumb_error *err)
{
    PL_TRY(key_check(key, err));
    char *path = key_path(store, key);
    cut_last(path);
    plumb_status st = pl_path_sync_directory(path, err);
    free(path);
    return st == PLUMB_E_NOT_FOUND ? PLUMB_OK : st;
}

plumb_status pl_store_settle_way(pl_store *store, const char *key, plumb_error *err)
{
    PL_TRY(key_check(key, err));
    char *part = text_join(key, "", "");
    plumb_status st = pl_store_settle(store, part, err);
    while (st == PLUMB_OK && strchr(part, '/')) {
        cut_last(part);
        st = pl_store_settle(store, part, err);
    }
    free(part);
    return st;
}

typedef struct doomed {
    pl_arena arena;
    char **keys;
    uint32_t count, capacity;
} doomed;

static bool doom(void *context, const char *key, uint64_t bytes)
{
    doomed *all = context;
    (void)bytes;
    PL_GROW(all->keys, all->count, all->capacity);
    all->keys[all->count++] = pl_arena_cstr(&all->arena, pl_span_of(key));
    return true;
}

plumb_status pl_store_delete_all(pl_store *store, const char *prefix, plumb_error *err)
{
    doomed all = {0};
    plumb_status st = pl_store_list(store, prefix, doom, &all, err);
    for (uint32_t i = 0; i < all.count && st == PLUMB_OK; i++) {
        char *key = all.keys[i];
        st = pl_store_delete(store, key, err);
        while (st == PLUMB_OK && strlen(key) > strlen(prefix)) { // upwards, as far as all is empty
            cut_last(key);
            st = pl_path_remove_directory(pl_store_path(store, key, &all.arena), err);
        }
    }
    if (st == PLUMB_OK)
        st = pl_path_remove_directory(pl_store_path(store, prefix, &all.arena), err);
    pl_arena_done(&all.arena);
    free(all.keys);
    return st;
}

// SPDX-License-Identifier: Apache-2.0
#include "registry/lock.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/time.h"
#include "json/tree.h"
#include "json/writer.h"

#define HOLDER_BYTES_MAX 4096

// What the file says about its last holder; zeros if it says nothing usable.
static pl_lock_holder read_holder(const char *path, pl_arena *arena)
{
    pl_lock_holder holder = {.command = ""};
    pl_span text, command;
    pl_json *root = NULL;
    if (pl_path_read(path, HOLDER_BYTES_MAX, arena, &text, NULL) != PLUMB_OK) return holder;
    if (pl_json_parse(text, arena, &root, NULL) != PLUMB_OK) return holder;
    if (!pl_json_get_long(root, "pid", &holder.pid)) holder.pid = 0;
    if (!pl_json_get_long(root, "since_us", &holder.since_us)) holder.since_us = 0;
    if (pl_json_get_text(root, "command", &command)) holder.command = pl_arena_cstr(arena, command);
    return holder;
}

static plumb_status write_self(pl_file *file, const pl_lock_holder *self, plumb_error *err)
{
    pl_buf text = {0};
    pl_json_writer writer = pl_json_writer_on(&text, 0);
    pl_json_begin(&writer, '{');
    pl_json_key(&writer, "pid");
    pl_json_int(&writer, self->pid);
    pl_json_key(&writer, "command");
    pl_json_cstr(&writer, self->command);
    pl_json_key(&writer, "since_us");
    pl_json_int(&writer, self->since_us);
    pl_json_end(&writer, '}');
    plumb_status st = pl_file_truncate(file, 0, err);
    if (st == PLUMB_OK) st = pl_file_write(file, pl_buf_view(&text), err);
    pl_buf_done(&text);
    return st;
}

static void name_holder(const char *path, int64_t wait_ms, plumb_error *err)
{
    pl_arena scratch = {0};
    pl_lock_holder holder = read_holder(path, &scratch);
    char since[40];
    if (holder.pid && pl_time_text(holder.since_us, since))
        pl_fail(err, PLUMB_E_UNAVAILABLE,
                "could not take run lock '%s': process %lld (plumb %s) has held it since %s, "
                "waited %lld s",
                path, (long long)holder.pid, holder.command, since, (long long)(wait_ms / 1000));
    else
        pl_fail(err, PLUMB_E_UNAVAILABLE,
                "could not take run lock '%s': another process holds it, waited %lld s", path,
                (long long)(wait_ms / 1000));
    pl_hint(err, "Wait for it to end, or wait longer with --wait.");
    pl_arena_done(&scratch);
}

plumb_status pl_run_lock_take(const char *path, int64_t wait_ms, const pl_lock_holder *self,
                              pl_run_lock *ret_lock, plumb_error *err)
{
    const char *slash = strrchr(path, '/');
    if (slash && slash != path) {
        char *folder = strndup(path, (size_t)(slash - path));
        plumb_status st = pl_path_make_way(folder, err);
        free(folder);
        if (st != PLUMB_OK) return st;
    }
    pl_run_lock lock = {.held = true};
    PL_TRY(pl_file_open(&lock.file, path, PL_OPEN_LOCK, err));
    plumb_status st = pl_file_lock(&lock.file, wait_ms, err);
    if (st == PLUMB_E_UNAVAILABLE) name_holder(path, wait_ms, err);
    if (st == PLUMB_OK) st = write_self(&lock.file, self, err);
    if (st != PLUMB_OK) {
        pl_file_close(&lock.file);
        return st;
    }
    *ret_lock = lock;
    return PLUMB_OK;
}

void pl_run_lock_release(pl_run_lock *lock)
{
    plumb_error ignored;
    if (!lock->held) return;
    // An idle lock file is empty, so that a run with nothing to do leaves the lake as it was.
    // Should it fail, a stale name stays, which proves nothing anyway.
    PL_IGNORE(pl_file_truncate(&lock->file, 0, &ignored));
    pl_file_close(&lock->file);
    lock->held = false;
}

plumb_status pl_run_lock_holder(const char *path, pl_arena *arena, pl_lock_holder *ret_holder,
                                plumb_error *err)
{
    *ret_holder = (pl_lock_holder){.command = ""};
    pl_file file;
    plumb_error ignored;
    if (!pl_path_exists(path)) return PLUMB_OK;
    PL_TRY(pl_file_open(&file, path, PL_OPEN_READ, err));
    bool held = pl_file_lock_shared(&file, 0, &ignored) == PLUMB_E_UNAVAILABLE;
    if (held) *ret_holder = read_holder(path, arena);
    ret_holder->held = held;
    pl_file_close(&file);
    return PLUMB_OK;
}

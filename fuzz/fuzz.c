// SPDX-License-Identifier: Apache-2.0
#include "fuzz.h"

#include <fcntl.h>
#include <unistd.h>

#include "../test/unit/temp.h"

plumb_status fuzz_read(void *feed, void *buffer, size_t bytes, size_t *ret_got, plumb_error *err)
{
    (void)err;
    fuzz_feed *from = feed;
    size_t got = PL_MIN(PL_MIN(bytes, from->left.bytes), from->chunk);
    if (got) {
        memcpy(buffer, from->left.data, got);
        from->left.data += got;
        from->left.bytes -= got;
    }
    *ret_got = got;
    return PLUMB_OK;
}

plumb_status fuzz_write(void *buf, pl_span bytes, plumb_error *err)
{
    (void)err;
    pl_buf_span(buf, bytes);
    return PLUMB_OK;
}

static char *dir;
static pl_store *store;

static void remove_store(void)
{
    pl_store_close(store);
    temp_remove(dir);
}

pl_store *fuzz_store(void)
{
    if (store) return store;
    if (!getenv("TMPDIR") && access("/dev/shm", W_OK) == 0) setenv("TMPDIR", "/dev/shm", 1);
    dir = temp_make();
    FUZZ_CHECK(pl_store_open_local(dir, true, &store, NULL) == PLUMB_OK);
    atexit(remove_store);
    return store;
}

void fuzz_object(const char *key, pl_span bytes)
{
    pl_arena arena = {0};
    int file = open(pl_store_path(fuzz_store(), key, &arena), O_WRONLY | O_CREAT | O_TRUNC, 0644);
    FUZZ_CHECK(file >= 0 && write(file, bytes.data, bytes.bytes) == (ssize_t)bytes.bytes);
    FUZZ_CHECK(close(file) == 0);
    pl_arena_done(&arena);
}

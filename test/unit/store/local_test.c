// SPDX-License-Identifier: Apache-2.0
#include <sys/mount.h>
#include <sys/wait.h>

#include "unit.h"

#include "base/buf.h"
#include "os/file.h"
#include "store/store.h"
#include "temp.h"

static char *dir;
static pl_store *store;
static plumb_error err;
static pl_arena arena;

static int set_up(void **state)
{
    (void)state;
    dir = temp_make();
    return pl_store_open_local(temp_path(dir, "lake"), true, &store, &err) != PLUMB_OK;
}

static int tear_down(void **state)
{
    (void)state;
    pl_store_close(store);
    pl_arena_done(&arena);
    temp_remove(dir);
    return 0;
}

static bool collect(void *context, const char *key, uint64_t bytes)
{
    pl_buf_printf(context, "%s=%llu ", key, (unsigned long long)bytes);
    return strstr(key, "stop") == NULL;
}

static const char *list(const char *prefix)
{
    pl_buf out = {0};
    CHECK_OK(pl_store_list(store, prefix, collect, &out, &err), err);
    const char *text = pl_arena_cstr(&arena, pl_buf_view(&out));
    pl_buf_done(&out);
    return text;
}

static uint32_t hidden_count(void)
{
    char **names;
    uint32_t count = 0;
    PL_IGNORE(pl_path_list(temp_path(dir, "lake/.tmp"), &arena, &names, &count, NULL));
    return count;
}

TEST(store_puts_and_gets)
{
    pl_put *put;
    pl_span bytes;
    uint64_t size;
    char buffer[8];
    size_t got;
    CHECK_OK(pl_put_begin(store, "a/b/c.txt", &put, &err), err);
    CHECK_OK(pl_put_write(put, PL_SPAN("hello "), &err), err);
    CHECK_OK(pl_put_write(put, PL_SPAN("world"), &err), err);
    CHECK_INT(11, pl_put_bytes(put));
    CHECK_STR("", list(""));
    CHECK_INT(1, hidden_count());
    CHECK_OK(pl_put_finish(put, 0444, &err), err);
    CHECK_INT(0, hidden_count());
    CHECK_STR("a/b/c.txt=11 ", list("a"));
    CHECK_OK(pl_store_get(store, "a/b/c.txt", 11, &arena, &bytes, &err), err);
    CHECK_SPAN("hello world", bytes);
    CHECK_OK(pl_store_read(store, "a/b/c.txt", 6, buffer, sizeof buffer, &got, &err), err);
    CHECK_SPAN("world", pl_span_make(buffer, got));
    CHECK_OK(pl_store_size(store, "a/b/c.txt", &size, &err), err);
    CHECK_INT(11, size);
    pl_file_info info;
    CHECK_OK(pl_path_info(temp_path(dir, "lake/a/b/c.txt"), &info, &err), err);
    CHECK_INT(0444, info.mode);
}

TEST(store_never_overwrites)
{
    pl_span bytes;
    CHECK_OK(pl_store_put(store, "k", PL_SPAN("1"), &err), err);
    CHECK_INT(PLUMB_E_CONFLICT, pl_store_put(store, "k", PL_SPAN("2"), &err));
    CHECK_STR("cannot create object 'k': it exists already", err.message);
    CHECK_INT(0, hidden_count());
    CHECK_OK(pl_store_get(store, "k", 9, &arena, &bytes, &err), err);
    CHECK_SPAN("1", bytes);
    CHECK_OK(pl_store_replace(store, "k", PL_SPAN("3"), &err), err);
    CHECK_OK(pl_store_get(store, "k", 9, &arena, &bytes, &err), err);
    CHECK_SPAN("3", bytes);
    CHECK_OK(pl_store_delete(store, "k", &err), err);
    CHECK_OK(pl_store_delete(store, "k", &err), err);
    CHECK_INT(PLUMB_E_NOT_FOUND, pl_store_get(store, "k", 9, &arena, &bytes, &err));
    CHECK_STR("cannot read object 'k': no such object", err.message);
}

TEST(store_refuses_odd_keys)
{
    static const char *const keys[][2] = {{"", "it is empty"},
                                          {"/a", "it has an empty element"},
                                          {"a//b", "it has an empty element"},
                                          {"a/", "it has an empty element"},
                                          {"../a", "it has a '.' or '..' element"},
                                          {"a/./b", "it has a '.' or '..' element"},
                                          {"a/..", "it has a '.' or '..' element"}};
    char want[200];
    for (size_t i = 0; i < PL_COUNT(keys); i++) {
        CHECK_INT(PLUMB_E_MISUSE, pl_store_put(store, keys[i][0], PL_SPAN("x"), &err));
        snprintf(want, sizeof want, "cannot use key '%s': %s", keys[i][0], keys[i][1]);
        CHECK_STR(want, err.message);
    }
    CHECK_OK(pl_store_put(store, "p=a%2Fb/..x/\xf0\x9f\x98\x80 y", PL_SPAN("x"), &err), err);
    CHECK_STR("p=a%2Fb/..x/\xf0\x9f\x98\x80 y=1 ", list(""));
}

TEST(store_lists_in_byte_order_of_keys)
{
    static const char *const keys[] = {"t/a/x", "t/a-b",    "t/a.z",   "t/B",
                                       "u",     "t/stop/a", "t/stop/b"};
    for (size_t i = 0; i < PL_COUNT(keys); i++)
        CHECK_OK(pl_store_put(store, keys[i], PL_SPAN("x"), &err), err);
    CHECK_STR("t/B=1 t/a-b=1 t/a.z=1 t/a/x=1 t/stop/a=1 ", list("t/"));
    CHECK_STR("t/a/x=1 ", list("t/a"));
    CHECK_STR("", list("none"));
    CHECK_INT(PLUMB_E_MISUSE, pl_store_list(store, "../x", collect, NULL, &err));
}

TEST(store_uri_and_key_are_inverse)
{
    const char *uri = pl_store_uri(store, "tables/t x/y", &arena);
    char want[8192];
    snprintf(want, sizeof want, "file://%s/lake/tables/t x/y", dir);
    CHECK_STR(want, uri);
    CHECK_STR("tables/t x/y", pl_store_key(store, uri));
    CHECK_STR("tables/t x/y", pl_store_key(store, uri + 7));
    CHECK_STR(uri + 7, pl_store_path(store, "tables/t x/y", &arena));
    CHECK(pl_store_key(store, "file:///elsewhere/x") == NULL);
    CHECK(pl_store_key(store, temp_path(dir, "lakeside/x")) == NULL);
    CHECK(pl_store_key(store, temp_path(dir, "lake/../x")) == NULL);
    pl_store_moved_from(store, "file:///elsewhere/"); // from now on both places are meant
    CHECK_STR("x", pl_store_key(store, "file:///elsewhere/x"));
    CHECK_STR("tables/t x/y", pl_store_key(store, uri));
    CHECK(pl_store_key(store, "file:///elsewhere") == NULL);
    CHECK(pl_store_key(store, "file:///elsewheres/x") == NULL);
    pl_store_moved_from(store, "/");
    CHECK_STR("elsewhere/x", pl_store_key(store, "file:///elsewhere/x"));
}

TEST(store_tells_living_writers_from_dead_ones)
{
    pl_put *put, *other;
    pl_writer_state writer;
    uint32_t removed;
    CHECK_OK(pl_put_begin_as(store, "k", "01X", &put, &err), err);
    CHECK_INT(PLUMB_E_CONFLICT, pl_put_begin_as(store, "q", "01X", &other, &err));
    CHECK_OK(pl_store_writer(store, ".tmp/01X", &writer, &err), err);
    CHECK_INT(PL_WRITER_ALIVE, writer);
    CHECK_OK(pl_store_sweep(store, NULL, NULL, &removed, &err), err);
    CHECK_INT(0, removed);
    CHECK_OK(pl_put_publish(put, 0444, &err), err);
    CHECK_OK(pl_store_writer(store, ".tmp/01X", &writer, &err), err);
    CHECK_INT(PL_WRITER_NOTHING, writer);
    CHECK_OK(pl_store_writer(store, "k", &writer, &err), err);
    CHECK_INT(PL_WRITER_ALIVE, writer);
    pl_put_release(put);
    CHECK_OK(pl_store_writer(store, "k", &writer, &err), err);
    CHECK_INT(PL_WRITER_DEAD, writer);

    CHECK_OK(pl_put_begin(store, "z", &put, &err), err);
    CHECK_OK(pl_put_publish(put, 0, &err), err);
    pl_put_abort(put);
    CHECK_STR("k=0 ", list(""));
}

static bool keep_it(void *context, const char *name)
{
    return strcmp(name, context) == 0;
}

TEST(store_sweeps_what_a_killed_writer_left)
{
    pid_t child = fork();
    if (child == 0) {
        pl_put *put;
        PL_IGNORE(pl_put_begin_as(store, "a", "one", &put, NULL));
        PL_IGNORE(pl_put_begin_as(store, "b", "two", &put, NULL));
        _exit(0);
    }
    CHECK_INT(child, waitpid(child, NULL, 0));
    pl_writer_state writer;
    uint32_t removed;
    char keep[] = "two";
    CHECK_INT(2, hidden_count());
    CHECK_OK(pl_store_writer(store, ".tmp/one", &writer, &err), err);
    CHECK_INT(PL_WRITER_DEAD, writer);
    CHECK_OK(pl_store_sweep(store, keep_it, keep, &removed, &err), err);
    CHECK_INT(1, removed);
    CHECK_OK(pl_store_sweep(store, NULL, NULL, &removed, &err), err);
    CHECK_INT(1, removed);
    CHECK_INT(0, hidden_count());
}

TEST(store_settles_what_is_there)
{
    CHECK_OK(pl_store_put(store, "a/b/c", PL_SPAN("c"), &err), err);
    CHECK_OK(pl_store_settle(store, "a/b/c", &err), err);
    CHECK_OK(pl_store_settle_way(store, "a/b/c", &err), err);
    CHECK_OK(pl_store_settle_way(store, "x/y/z", &err), err);
    CHECK_INT(PLUMB_E_MISUSE, pl_store_settle(store, "", &err));
}

// Only root can mount; elsewhere the test says so.
TEST(store_full_disk_leaves_nothing)
{
    const char *small = temp_path(dir, "small");
    CHECK_OK(pl_path_make_directories(small, &err), err);
    if (mount("none", small, "tmpfs", 0, "size=64k") != 0) skip();
    char path[8192];
    snprintf(path, sizeof path, "%s", small);
    pl_store *full = NULL;
    CHECK_OK(pl_store_open_local(path, false, &full, &err), err);
    pl_buf big = {0};
    memset(pl_buf_reserve(&big, 200000), 'x', 200000);
    big.count = 200000;
    plumb_status st = pl_store_put(full, "k", pl_buf_view(&big), &err);
    plumb_status small_st = pl_store_put(full, "k", PL_SPAN("fits"), NULL);
    pl_buf_done(&big);
    pl_store_close(full);
    umount(path);
    CHECK_INT(PLUMB_E_UNAVAILABLE, st);
    CHECK(strstr(err.message, "No space left on device") != NULL);
    CHECK_INT(PLUMB_OK, small_st);
}

TEST(store_open_needs_a_directory)
{
    pl_store *none;
    char want[9000];
    CHECK_INT(PLUMB_E_NOT_FOUND, pl_store_open_local(temp_path(dir, "x"), false, &none, &err));
    snprintf(want, sizeof want, "cannot resolve path '%s': No such file or directory",
             temp_path(dir, "x"));
    CHECK_STR(want, err.message);
    temp_write(temp_path(dir, "x"), "", 0);
    CHECK_INT(PLUMB_E_FAILED, pl_store_open_local(temp_path(dir, "x"), false, &none, &err));
    snprintf(want, sizeof want, "cannot open store '%s': it is not a directory",
             temp_path(dir, "x"));
    CHECK_STR(want, err.message);
}

#define F(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    return RUN_TESTS("store/local", F(store_puts_and_gets), F(store_never_overwrites),
                     F(store_refuses_odd_keys), F(store_lists_in_byte_order_of_keys),
                     F(store_uri_and_key_are_inverse), F(store_tells_living_writers_from_dead_ones),
                     F(store_sweeps_what_a_killed_writer_left), F(store_settles_what_is_there),
                     F(store_full_disk_leaves_nothing), F(store_open_needs_a_directory));
}

// SPDX-License-Identifier: Apache-2.0
#include <pthread.h>
#include <stdatomic.h>

#include "unit.h"

#include "os/file.h"
#include "os/os.h"
#include "temp.h"

static char *dir;
static plumb_error err;

static int set_up(void **state)
{
    (void)state;
    dir = temp_make();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    temp_remove(dir);
    return 0;
}

TEST(file_reads_back_what_was_written)
{
    pl_file file = {.fd = -1};
    char buffer[16] = {0};
    size_t got = 99;
    const char *path = temp_path(dir, "a");
    CHECK_OK(pl_file_open(&file, path, PL_OPEN_CREATE, &err), err);
    CHECK_OK(pl_file_write(&file, PL_SPAN("hello world"), &err), err);
    CHECK_OK(pl_file_sync(&file, &err), err);
    CHECK_OK(pl_file_read(&file, 6, buffer, sizeof buffer, &got, &err), err);
    CHECK_INT(5, got);
    CHECK_STR("world", buffer);
    CHECK_OK(pl_file_read(&file, 11, buffer, sizeof buffer, &got, &err), err);
    CHECK_INT(0, got);
    CHECK_OK(pl_file_truncate(&file, 5, &err), err);
    CHECK_OK(pl_file_mode(&file, 0444, &err), err);
    pl_file_info info;
    CHECK_OK(pl_file_info_get(&file, &info, &err), err);
    CHECK_INT(5, info.bytes);
    CHECK_INT(0444, info.mode);
    CHECK_INT(1, info.links);
    CHECK(info.is_regular && !info.is_directory);
    CHECK(llabs(info.modified_us - pl_clock_micros()) < 60 * 1000000ll);
    pl_file_close(&file);
    pl_file_close(&file);
    CHECK_INT(-1, file.fd);
}

TEST(file_appends)
{
    pl_arena arena = {0};
    pl_span bytes;
    const char *path = temp_path(dir, "a");
    for (int i = 0; i < 2; i++) {
        pl_file file = {.fd = -1};
        CHECK_OK(pl_file_open(&file, path, PL_OPEN_APPEND, &err), err);
        CHECK_OK(pl_file_write(&file, PL_SPAN("ab"), &err), err);
        pl_file_close(&file);
    }
    CHECK_OK(pl_path_read(path, 4, &arena, &bytes, &err), err);
    CHECK_SPAN("abab", bytes);
    pl_arena_done(&arena);
}

TEST(file_errors_name_the_file)
{
    pl_file file = {.fd = -1};
    pl_arena arena = {0};
    pl_span bytes;
    char want[600];
    const char *path = temp_path(dir, "none");
    CHECK_INT(PLUMB_E_NOT_FOUND, pl_file_open(&file, path, PL_OPEN_READ, &err));
    snprintf(want, sizeof want, "cannot open file '%s': No such file or directory", path);
    CHECK_STR(want, err.message);
    CHECK_INT(-1, file.fd);

    CHECK_OK(pl_path_write(path, PL_SPAN("12345"), &err), err);
    CHECK_INT(PLUMB_E_CONFLICT, pl_file_open(&file, path, PL_OPEN_CREATE, &err));
    snprintf(want, sizeof want, "cannot create file '%s': it exists already", path);
    CHECK_STR(want, err.message);

    CHECK_INT(PLUMB_E_LIMIT, pl_path_read(path, 4, &arena, &bytes, &err));
    snprintf(want, sizeof want, "cannot read file '%s': more than 4 bytes", path);
    CHECK_STR(want, err.message);

    CHECK_INT(PLUMB_E_FAILED, pl_path_read(dir, 4, &arena, &bytes, &err));
    snprintf(want, sizeof want, "cannot read file '%s': it is a directory", dir);
    CHECK_STR(want, err.message);

    CHECK_INT(PLUMB_E_FAILED, pl_path_make_directories(temp_path(path, "x"), &err));
    snprintf(want, sizeof want, "cannot make directory '%s': a file of that name exists", path);
    CHECK_STR(want, err.message);

    CHECK_INT(PLUMB_E_NOT_FOUND, pl_path_unlink(temp_path(dir, "q"), &err));
    snprintf(want, sizeof want, "cannot remove '%s': No such file or directory",
             temp_path(dir, "q"));
    CHECK_STR(want, err.message);
    pl_arena_done(&arena);
}

TEST(path_rename_new_never_replaces)
{
    pl_arena arena = {0};
    pl_span bytes;
    char want[600];
    CHECK_OK(pl_path_write(temp_path(dir, "a"), PL_SPAN("A"), &err), err);
    CHECK_OK(pl_path_write(temp_path(dir, "b"), PL_SPAN("B"), &err), err);
    CHECK_INT(PLUMB_E_CONFLICT, pl_path_rename_new(temp_path(dir, "a"), temp_path(dir, "b"), &err));
    snprintf(want, sizeof want, "cannot create '%s': it exists already", temp_path(dir, "b"));
    CHECK_STR(want, err.message);
    CHECK_OK(pl_path_read(temp_path(dir, "b"), 9, &arena, &bytes, &err), err);
    CHECK_SPAN("B", bytes);
    CHECK_OK(pl_path_rename_new(temp_path(dir, "a"), temp_path(dir, "c"), &err), err);
    CHECK(!pl_path_exists(temp_path(dir, "a")));
    CHECK_OK(pl_path_rename_over(temp_path(dir, "c"), temp_path(dir, "b"), &err), err);
    CHECK_OK(pl_path_read(temp_path(dir, "b"), 9, &arena, &bytes, &err), err);
    CHECK_SPAN("A", bytes);
    pl_arena_done(&arena);
}

TEST(path_makes_directories_and_lists_by_bytes)
{
    pl_arena arena = {0};
    char **names, *real;
    uint32_t count;
    CHECK_OK(pl_path_make_directories(temp_path(dir, "x//y/z/"), &err), err);
    CHECK_OK(pl_path_make_directories(temp_path(dir, "x/y/z"), &err), err);
    CHECK_OK(pl_path_write(temp_path(dir, "x/b"), PL_SPAN(""), &err), err);
    CHECK_OK(pl_path_write(temp_path(dir, "x/B"), PL_SPAN(""), &err), err);
    CHECK_OK(pl_path_write(temp_path(dir, "x/\xc3\xa9"), PL_SPAN(""), &err), err);
    CHECK_OK(pl_path_list(temp_path(dir, "x"), &arena, &names, &count, &err), err);
    CHECK_INT(4, count);
    CHECK_STR("B", names[0]);
    CHECK_STR("b", names[1]);
    CHECK_STR("y", names[2]);
    CHECK_STR("\xc3\xa9", names[3]);
    CHECK_OK(pl_path_real(temp_path(dir, "x/../x/y"), &arena, &real, &err), err);
    CHECK_STR(temp_path(dir, "x/y"), real);
    pl_arena_done(&arena);
}

TEST(path_scratch_is_private_and_goes_with_all_it_holds)
{
    pl_arena arena = {0};
    char *one, *two, want[600];
    pl_file_info info;
    CHECK_OK(pl_path_make_scratch(temp_path(dir, "try-"), &arena, &one, &err), err);
    CHECK_OK(pl_path_make_scratch(temp_path(dir, "try-"), &arena, &two, &err), err);
    CHECK(strcmp(one, two) != 0 && strlen(one) == strlen(temp_path(dir, "try-")) + 6);
    CHECK_OK(pl_path_info(one, &info, &err), err);
    CHECK_INT(0700, info.mode);

    const char *deep = pl_arena_printf(&arena, "%s/a/b", one);
    CHECK_OK(pl_path_make_way(deep, &err), err);
    CHECK_OK(pl_path_write(pl_arena_printf(&arena, "%s/file", deep), PL_SPAN("x"), &err), err);
    CHECK_OK(pl_path_write(temp_path(dir, "kept"), PL_SPAN("x"), &err), err);
    CHECK_INT(0, symlink(dir, pl_arena_printf(&arena, "%s/up", one)));
    CHECK_INT(0, symlink("nowhere", pl_arena_printf(&arena, "%s/dangling", one)));
    CHECK_OK(pl_path_remove_all(one, &err), err);
    CHECK(!pl_path_exists(one));
    CHECK(pl_path_exists(two) && pl_path_exists(temp_path(dir, "kept"))); // links are not followed
    CHECK_OK(pl_path_remove_all(one, &err), err);

    CHECK_INT(PLUMB_E_NOT_FOUND,
              pl_path_make_scratch(temp_path(dir, "no/try-"), &arena, &one, &err));
    snprintf(want, sizeof want,
             "cannot make a directory '%s/no/try-XXXXXX': No such file or directory", dir);
    CHECK_STR(want, err.message);
    pl_arena_done(&arena);
}

typedef struct waiter {
    const char *path;
    plumb_status now, later;
    atomic_bool tried; // `now` is there
} waiter;

static void *wait_for_lock(void *context)
{
    waiter *w = context;
    pl_file file = {.fd = -1};
    PL_IGNORE(pl_file_open(&file, w->path, PL_OPEN_LOCK, NULL));
    w->now = pl_file_lock(&file, 0, NULL);
    atomic_store(&w->tried, true);
    w->later = pl_file_lock(&file, 5000, NULL);
    pl_file_close(&file);
    return NULL;
}

TEST(file_lock_excludes_every_other_descriptor)
{
    pl_file a = {.fd = -1}, b = {.fd = -1};
    char want[600];
    waiter w = {.path = temp_path(dir, "lock")};
    CHECK_OK(pl_file_open(&a, w.path, PL_OPEN_LOCK, &err), err);
    CHECK_OK(pl_file_lock(&a, 0, &err), err);
    CHECK_OK(pl_file_open(&b, w.path, PL_OPEN_READ, &err), err);
    CHECK_INT(PLUMB_E_UNAVAILABLE, pl_file_lock_shared(&b, 0, &err));
    snprintf(want, sizeof want, "cannot lock file '%s': another process holds it", w.path);
    CHECK_STR(want, err.message);
    pl_file_close(&b); // closing another descriptor keeps the lock

    pthread_t thread;
    CHECK_INT(0, pthread_create(&thread, NULL, wait_for_lock, &w));
    while (!atomic_load(&w.tried)) pl_sleep_ms(1);
    pl_sleep_ms(20); // that it waits
    pl_file_close(&a);
    pthread_join(thread, NULL);
    CHECK_INT(PLUMB_E_UNAVAILABLE, w.now);
    CHECK_INT(PLUMB_OK, w.later);
}

TEST(path_network_is_null_for_a_local_directory)
{
    CHECK(pl_path_network(dir) == NULL);
    CHECK(pl_path_network(temp_path(dir, "not/made/yet")) == NULL);
}

#define F(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    return RUN_TESTS("os/file", F(file_reads_back_what_was_written), F(file_appends),
                     F(file_errors_name_the_file), F(path_rename_new_never_replaces),
                     F(path_makes_directories_and_lists_by_bytes),
                     F(path_scratch_is_private_and_goes_with_all_it_holds),
                     F(file_lock_excludes_every_other_descriptor),
                     F(path_network_is_null_for_a_local_directory));
}

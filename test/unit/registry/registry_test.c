// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "registry/drift.h"
#include "scratch.h"

static char text[1024];

static const char *expect(const char *fmt, const char *path)
{
    const char *at = strstr(fmt, "%s");
    snprintf(text, sizeof text, "%.*s%s%s", (int)(at - fmt), fmt, path, at + 2);
    return text;
}

static void sql(const scratch *it, const char *statement)
{
    sqlite3 *db;
    CHECK(sqlite3_open(it->path, &db) == SQLITE_OK);
    CHECK(sqlite3_exec(db, statement, NULL, NULL, NULL) == SQLITE_OK);
    sqlite3_close(db);
}

TEST(open_says_which_file_is_missing)
{
    scratch it = scratch_make();
    pl_registry *registry = NULL;
    plumb_error err;
    CHECK_INT(PLUMB_E_NOT_FOUND, pl_registry_open(it.path, PL_REGISTRY_READ, &registry, &err));
    CHECK_STR(expect("cannot open registry '%s': no such file", it.path), err.message);
    CHECK_INT(PLUMB_E_NOT_FOUND, pl_registry_open(it.path, PL_REGISTRY_WRITE, &registry, &err));
    CHECK(registry == NULL);
    scratch_done(&it);
}

TEST(create_makes_folders_and_opens_again)
{
    scratch it = scratch_make();
    snprintf(it.path, sizeof it.path, "%s/a/b/plumb.db", it.folder);
    pl_registry_close(scratch_open(&it, PL_REGISTRY_CREATE));
    pl_registry_close(scratch_open(&it, PL_REGISTRY_CREATE));
    pl_registry_close(scratch_open(&it, PL_REGISTRY_WRITE));
    pl_registry *registry = scratch_open(&it, PL_REGISTRY_READ);
    plumb_error err;
    CHECK_OK(pl_registry_check(registry, &err), err);
    CHECK_STR(it.path, pl_registry_path(registry));
    pl_registry_close(registry);
    scratch_done(&it);
}

TEST(log_files_stay_for_readers_without_write_permission)
{
    scratch it = scratch_make();
    pl_registry_close(scratch_open(&it, PL_REGISTRY_CREATE));
    char name[128];
    snprintf(name, sizeof name, "%s-wal", it.path);
    CHECK(access(name, F_OK) == 0);
    snprintf(name, sizeof name, "%s-shm", it.path);
    CHECK(access(name, F_OK) == 0);
    scratch_done(&it);
}

TEST(newer_schema_is_refused)
{
    scratch it = scratch_make();
    pl_registry *registry = NULL;
    plumb_error err;
    pl_registry_close(scratch_open(&it, PL_REGISTRY_CREATE));
    sql(&it, "PRAGMA user_version = 7");
    for (int mode = PL_REGISTRY_READ; mode <= PL_REGISTRY_CREATE; mode++) {
        CHECK_INT(PLUMB_E_MALFORMED,
                  pl_registry_open(it.path, (pl_registry_mode)mode, &registry, &err));
        CHECK_STR(expect("cannot open registry '%s': a newer plumb wrote it (schema 7, this one "
                         "knows 5)",
                         it.path),
                  err.message);
        CHECK_STR("Use the newer plumb, or name another file with 'state:' in plumb.yaml.",
                  err.hint);
    }
    scratch_done(&it);
}

// What versions 5 and 4 added.
#define WITHOUT_4                                                                                  \
    "ALTER TABLE mappings DROP COLUMN since; DROP TABLE checks; DROP TABLE heads; DROP TABLE "     \
    "lineage; DROP TABLE doomed; DROP TABLE attempts;"                                             \
    "DROP INDEX publications_by_snapshot;"                                                         \
    "DROP TABLE shapes; DROP TABLE holds; DROP TABLE findings; DROP INDEX events_by_kind;"         \
    "DROP INDEX events_by_log; ALTER TABLE events DROP COLUMN logged;"

static bool see_event(void *context, const pl_event_row *row)
{
    snprintf(context, 64, "%s %s %s", row->kind, row->who, row->text);
    return true;
}

TEST(books_of_version_3_are_kept)
{
    scratch it = scratch_make();
    pl_arena arena = {0};
    pl_hold_row hold;
    plumb_error err;
    char seen[64] = "";
    bool found;
    pl_registry_close(scratch_open(&it, PL_REGISTRY_CREATE));
    sql(&it, WITHOUT_4 "INSERT INTO events(at_us, kind, who, tbl, text) VALUES (5, 'mapping', 'me',"
                       " '', '{}'); PRAGMA user_version = 3;");
    pl_registry_close(scratch_open(&it, PL_REGISTRY_WRITE));
    pl_registry *registry = scratch_open(&it, PL_REGISTRY_READ);
    CHECK_OK(pl_registry_check(registry, &err), err);
    CHECK_OK(pl_registry_events_like(registry, "map", 0, see_event, seen, &err), err);
    CHECK_STR("mapping me {}", seen);
    CHECK_OK(pl_registry_hold(registry, "shop", "posts", &arena, &hold, &found, &err), err);
    CHECK(!found);
    pl_registry_close(registry);
    pl_arena_done(&arena);
    scratch_done(&it);
}

TEST(older_schema_is_brought_up_to_date_by_who_writes)
{
    scratch it = scratch_make();
    pl_registry *registry = NULL;
    plumb_error err;
    pl_registry_close(scratch_open(&it, PL_REGISTRY_CREATE));
    sql(&it, WITHOUT_4
        "DROP TABLE mapping_uses; PRAGMA user_version = 1;"
        "DROP TRIGGER tally_object; DROP TRIGGER tally_state; DROP TRIGGER tally_leave;"
        "DROP TRIGGER tally_enter; DROP TRIGGER tally_ledger; DROP VIEW summands;"
        "DROP TABLE tallies; DROP TABLE source_tallies;"
        "DROP INDEX states_by_run; DROP INDEX publications_by_run; DROP INDEX ledger_by_run;"
        "DROP INDEX quarantine_by_run; DROP INDEX files_by_run; DROP INDEX snapshots_by_run");
    CHECK_INT(PLUMB_E_FAILED, pl_registry_open(it.path, PL_REGISTRY_READ, &registry, &err));
    CHECK_STR(expect("cannot open registry '%s': an older plumb wrote it (schema 1, this one "
                     "needs 5)",
                     it.path),
              err.message);
    CHECK_STR("Run 'plumb run' once; whatever writes brings the registry up to date.", err.hint);
    pl_registry_close(scratch_open(&it, PL_REGISTRY_WRITE));
    pl_registry_close(scratch_open(&it, PL_REGISTRY_READ));
    sql(&it, "SELECT pinned FROM mapping_uses");
    scratch_done(&it);
}

TEST(database_of_another_program_is_left_alone)
{
    scratch it = scratch_make();
    pl_registry *registry = NULL;
    plumb_error err;
    sql(&it, "CREATE TABLE bookmarks(url TEXT)");
    CHECK_INT(PLUMB_E_MALFORMED, pl_registry_open(it.path, PL_REGISTRY_CREATE, &registry, &err));
    CHECK_STR(expect("cannot open registry '%s': it is a database of another program", it.path),
              err.message);
    sql(&it, "INSERT INTO bookmarks VALUES('x')");
    scratch_done(&it);
}

TEST(empty_file_reads_as_missing)
{
    scratch it = scratch_make();
    pl_registry *registry = NULL;
    plumb_error err;
    close(open(it.path, O_CREAT | O_WRONLY, 0644));
    CHECK_INT(PLUMB_E_NOT_FOUND, pl_registry_open(it.path, PL_REGISTRY_READ, &registry, &err));
    CHECK_STR(expect("cannot open registry '%s': it is empty", it.path), err.message);
    scratch_done(&it);
}

TEST(damage_is_named)
{
    scratch it = scratch_make();
    pl_registry *registry = NULL;
    plumb_error err;
    FILE *file = fopen(it.path, "w");
    for (int i = 0; i < 1000; i++) fputs("not a database ", file);
    fclose(file);
    CHECK_INT(PLUMB_E_MALFORMED, pl_registry_open(it.path, PL_REGISTRY_CREATE, &registry, &err));
    CHECK_STR(expect("cannot open registry '%s': the file is not a database", it.path),
              err.message);
    CHECK_STR(
        "Move the file away with its -wal and -shm neighbours; then 'plumb rebuild' makes it again "
        "from the lake.",
        err.hint);
    scratch_done(&it);
}

TEST(swap_is_compare_and_set)
{
    scratch it = scratch_make();
    pl_registry *registry = scratch_open(&it, PL_REGISTRY_CREATE);
    pl_catalog catalog = pl_registry_catalog(registry);
    pl_arena arena = {0};
    plumb_error err;
    char *location = text;
    CHECK_OK(catalog.load(catalog.self, "posts", &arena, &location, &err), err);
    CHECK(location == NULL);

    CHECK_OK(pl_registry_begin(registry, &err), err);
    CHECK_OK(catalog.swap(catalog.self, "posts", NULL, "file:///a", &err), err);
    CHECK_INT(PLUMB_E_CONFLICT, catalog.swap(catalog.self, "posts", NULL, "file:///b", &err));
    CHECK_STR(expect("could not create table 'posts' in registry '%s': it exists already", it.path),
              err.message);
    CHECK_OK(catalog.swap(catalog.self, "posts", "file:///a", "file:///c", &err), err);
    CHECK_INT(PLUMB_E_CONFLICT,
              catalog.swap(catalog.self, "posts", "file:///a", "file:///d", &err));
    CHECK_STR(
        expect("could not commit table 'posts' in registry '%s': another writer committed first",
               it.path),
        err.message);
    CHECK_OK(pl_registry_commit(registry, &err), err);
    CHECK_OK(catalog.load(catalog.self, "posts", &arena, &location, &err), err);
    CHECK_STR("file:///c", location);
    pl_arena_done(&arena);
    pl_registry_close(registry);
    scratch_done(&it);
}

TEST(second_writer_is_told_to_come_later)
{
    scratch it = scratch_make();
    pl_registry *first = scratch_open(&it, PL_REGISTRY_CREATE);
    plumb_error err;
    CHECK_OK(pl_registry_begin(first, &err), err);
    sqlite3 *db; // a writer that does not wait
    CHECK(sqlite3_open(it.path, &db) == SQLITE_OK);
    CHECK_INT(SQLITE_BUSY, sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL));
    sqlite3_close(db);
    pl_registry *reader = scratch_open(&it, PL_REGISTRY_READ); // readers do not wait
    pl_registry_close(reader);
    pl_registry_close(first);
    scratch_done(&it);
}

TEST(what_was_not_committed_is_gone)
{
    scratch it = scratch_make();
    plumb_error err;
    pl_arena arena = {0};
    char *location = text;
    for (int how = 0; how < 2; how++) { // rolled back, or closed as a crash would
        pl_registry *registry = scratch_open(&it, PL_REGISTRY_CREATE);
        pl_catalog catalog = pl_registry_catalog(registry);
        CHECK_OK(pl_registry_begin(registry, &err), err);
        CHECK_OK(catalog.swap(catalog.self, "posts", NULL, "file:///a", &err), err);
        if (how == 0) pl_registry_rollback(registry);
        pl_registry_close(registry);
        registry = scratch_open(&it, PL_REGISTRY_READ);
        catalog = pl_registry_catalog(registry);
        CHECK_OK(catalog.load(catalog.self, "posts", &arena, &location, &err), err);
        CHECK(location == NULL);
        pl_registry_close(registry);
    }
    pl_arena_done(&arena);
    scratch_done(&it);
}

static long log_bytes(const scratch *it)
{
    char name[128];
    struct stat info;
    snprintf(name, sizeof name, "%s-wal", it->path);
    CHECK(stat(name, &info) == 0);
    return (long)info.st_size;
}

// A power loss keeps the log's end and not these bytes before it.
static void lose_log(const scratch *it, long from, long to)
{
    char name[128];
    snprintf(name, sizeof name, "%s-wal", it->path);
    FILE *file = fopen(name, "r+b");
    CHECK(file && fseek(file, from, SEEK_SET) == 0);
    for (; from < to; from++) fputc(0, file);
    fclose(file);
    snprintf(name, sizeof name, "%s-shm", it->path);
    remove(name);
}

static void intent(const scratch *it, const char *added, const char *removed)
{
    plumb_error err;
    pl_registry *registry = scratch_open(it, PL_REGISTRY_CREATE);
    CHECK_OK((added ? pl_registry_begin : pl_registry_begin_unsynced)(registry, &err), err);
    if (added) CHECK_OK(pl_registry_intent_add(registry, added, "raw/x", 1, &err), err);
    if (removed) CHECK_OK(pl_registry_intent_remove(registry, removed, &err), err);
    CHECK_OK(pl_registry_commit(registry, &err), err);
    pl_registry_close(registry);
}

static bool see_intent(void *context, const char *id, const char *key, int64_t at_us)
{
    (void)key, (void)at_us;
    snprintf(context, 64, "%s", id);
    return true;
}

TEST(lost_end_of_the_log_does_not_come_back)
{
    scratch it = scratch_make();
    plumb_error err;
    char seen[64] = "none";
    intent(&it, ID_1, NULL);
    long first = log_bytes(&it);
    intent(&it, NULL, ID_1);
    long second = log_bytes(&it);
    intent(&it, ID_2, NULL);
    CHECK(first < second && second < log_bytes(&it));
    lose_log(&it, first, second);
    intent(&it, NULL, ID_1); // recovery does once more what was done
    pl_registry *registry = scratch_open(&it, PL_REGISTRY_READ);
    CHECK_OK(pl_registry_intents(registry, see_intent, seen, &err), err);
    CHECK_STR("none", seen);
    pl_registry_close(registry);
    scratch_done(&it);
}

TEST(killed_writer_leaves_all_or_nothing)
{
    scratch it = scratch_make();
    pl_registry_close(scratch_open(&it, PL_REGISTRY_CREATE));
    for (int committed = 0; committed < 2; committed++) {
        pid_t child = fork();
        if (child == 0) {
            plumb_error err;
            pl_registry *registry = scratch_open(&it, PL_REGISTRY_WRITE);
            pl_catalog catalog = pl_registry_catalog(registry);
            CHECK_OK(pl_registry_begin(registry, &err), err);
            CHECK_OK(catalog.swap(catalog.self, "posts", NULL, "file:///a", &err), err);
            if (committed) CHECK_OK(pl_registry_commit(registry, &err), err);
            raise(SIGKILL);
        }
        int status;
        CHECK(waitpid(child, &status, 0) == child && WIFSIGNALED(status));
        pl_registry *registry = scratch_open(&it, PL_REGISTRY_READ);
        pl_catalog catalog = pl_registry_catalog(registry);
        pl_arena arena = {0};
        plumb_error err;
        char *location = NULL;
        CHECK_OK(catalog.load(catalog.self, "posts", &arena, &location, &err), err);
        CHECK((location != NULL) == committed);
        pl_arena_done(&arena);
        pl_registry_close(registry);
    }
    scratch_done(&it);
}

// The write-ahead log may not grow: what a full disk does to a commit.
TEST(failed_commit_is_unknown)
{
    scratch it = scratch_make();
    pl_registry_close(scratch_open(&it, PL_REGISTRY_CREATE));
    pid_t child = fork();
    if (child == 0) {
        plumb_error err;
        pl_registry *registry = scratch_open(&it, PL_REGISTRY_WRITE);
        pl_catalog catalog = pl_registry_catalog(registry);
        struct rlimit limit = {.rlim_cur = 1024, .rlim_max = 1024};
        signal(SIGXFSZ, SIG_IGN);
        CHECK_OK(pl_registry_begin(registry, &err), err);
        CHECK_OK(catalog.swap(catalog.self, "posts", NULL, "file:///a", &err), err);
        setrlimit(RLIMIT_FSIZE, &limit);
        plumb_status st = pl_registry_commit(registry, &err);
        const char *want = "registry '%s': the disk";
        bool same = strstr(err.message, expect(want, it.path)) != NULL &&
                    strcmp(err.hint, "It is not known yet whether the commit happened; the next "
                                     "command finds out.") == 0;
        pl_registry_close(registry);
        _exit(st == PLUMB_E_UNKNOWN && same ? 0 : 1);
    }
    int status;
    CHECK(waitpid(child, &status, 0) == child);
    CHECK_INT(0, WEXITSTATUS(status));
    scratch_done(&it);
}

// As a user who may only read, with the log beside the file and without it.
TEST(reading_needs_no_write_permission)
{
    for (int copied = 0; copied < 2; copied++) {
        scratch it = scratch_make();
        plumb_error err;
        pl_registry *registry = scratch_open(&it, PL_REGISTRY_CREATE);
        pl_catalog catalog = pl_registry_catalog(registry);
        CHECK_OK(pl_registry_begin(registry, &err), err);
        CHECK_OK(catalog.swap(catalog.self, "posts", NULL, "file:///a", &err), err);
        CHECK_OK(pl_registry_commit(registry, &err), err);
        char name[128], copy[128];
        snprintf(copy, sizeof copy, "%s-copy", it.path);
        if (copied) CHECK_OK(pl_registry_backup(registry, copy, &err), err);
        pl_registry_close(registry);
        if (copied) CHECK(rename(copy, it.path) == 0);
        for (int i = 0; i < 2; i++) {
            snprintf(name, sizeof name, "%s%s", it.path, i ? "-wal" : "-shm");
            if (copied) unlink(name);
            chmod(name, 0444);
        }
        chmod(it.path, 0444);
        chmod(it.folder, 0555);
        pid_t child = fork();
        if (child == 0) {
            if (getuid() == 0 && setuid(65534) != 0) _exit(2);
            pl_arena arena = {0};
            char *location = NULL;
            if (pl_registry_open(it.path, PL_REGISTRY_READ, &registry, &err)) _exit(3);
            catalog = pl_registry_catalog(registry);
            if (catalog.load(catalog.self, "posts", &arena, &location, &err)) _exit(4);
            bool same = location && strcmp(location, "file:///a") == 0;
            pl_arena_done(&arena);
            pl_registry_close(registry);
            _exit(same ? 0 : 5);
        }
        int status;
        CHECK(waitpid(child, &status, 0) == child);
        CHECK_INT(0, WEXITSTATUS(status));
        scratch_done(&it);
    }
}

TEST(read_only_writer_says_so)
{
    scratch it = scratch_make();
    pl_registry_close(scratch_open(&it, PL_REGISTRY_CREATE));
    pid_t child = fork();
    if (child == 0) {
        plumb_error err;
        pl_registry *registry = NULL;
        chmod(it.path, 0444);
        chmod(it.folder, 0555);
        if (getuid() == 0 && setuid(65534) != 0) _exit(2);
        plumb_status st = pl_registry_open(it.path, PL_REGISTRY_WRITE, &registry, &err);
        const char *want =
            expect("cannot open registry '%s': the file or its folder is read-only", it.path);
        if (st != PLUMB_E_FAILED || strcmp(err.message, want) != 0) {
            fprintf(stderr, "got: %s\n", err.message);
            _exit(3);
        }
        _exit(0);
    }
    int status;
    CHECK(waitpid(child, &status, 0) == child);
    CHECK_INT(0, WEXITSTATUS(status));
    scratch_done(&it);
}

static bool name_table(void *context, const pl_table_row *row)
{
    char *names = context;
    size_t used = strlen(names);
    snprintf(names + used, 64 - used, "%s%s", row->name,
             row->previous_metadata_location ? "+ " : " ");
    return true;
}

TEST(tables_are_listed_by_name)
{
    scratch it = scratch_make();
    pl_registry *registry = scratch_open(&it, PL_REGISTRY_CREATE);
    pl_catalog catalog = pl_registry_catalog(registry);
    plumb_error err;
    char names[64] = "";
    CHECK_OK(pl_registry_begin(registry, &err), err);
    CHECK_OK(catalog.swap(catalog.self, "posts", NULL, "file:///a", &err), err);
    CHECK_OK(catalog.swap(catalog.self, "clicks", NULL, "file:///b", &err), err);
    CHECK_OK(catalog.swap(catalog.self, "clicks", "file:///b", "file:///c", &err), err);
    CHECK_OK(pl_registry_commit(registry, &err), err);
    CHECK_OK(pl_registry_tables(registry, name_table, names, &err), err);
    CHECK_STR("clicks+ posts ", names);
    pl_registry_close(registry);
    scratch_done(&it);
}

TEST(backup_holds_what_the_log_still_holds)
{
    scratch it = scratch_make();
    pl_registry *registry = scratch_open(&it, PL_REGISTRY_CREATE);
    pl_catalog catalog = pl_registry_catalog(registry);
    plumb_error err;
    char names[64] = "";
    CHECK_OK(pl_registry_begin(registry, &err), err);
    CHECK_OK(catalog.swap(catalog.self, "posts", NULL, "file:///a", &err), err);
    CHECK_OK(pl_registry_commit(registry, &err), err);
    scratch copy = it;
    snprintf(copy.path, sizeof copy.path, "%s/copy.db", it.folder);
    CHECK_OK(pl_registry_backup(registry, copy.path, &err), err);
    CHECK_INT(PLUMB_E_CONFLICT, pl_registry_backup(registry, copy.path, &err));
    CHECK_STR(expect("cannot write backup '%s': it exists already", copy.path), err.message);
    pl_registry_close(registry);
    registry = scratch_open(&copy, PL_REGISTRY_WRITE);
    CHECK_OK(pl_registry_tables(registry, name_table, names, &err), err);
    CHECK_STR("posts ", names);
    pl_registry_close(registry);
    scratch_done(&it);
}

int main(void)
{
    return RUN_TESTS(
        "registry/registry", T(open_says_which_file_is_missing),
        T(create_makes_folders_and_opens_again),
        T(log_files_stay_for_readers_without_write_permission), T(newer_schema_is_refused),
        T(books_of_version_3_are_kept), T(older_schema_is_brought_up_to_date_by_who_writes),
        T(database_of_another_program_is_left_alone), T(empty_file_reads_as_missing),
        T(damage_is_named), T(swap_is_compare_and_set), T(second_writer_is_told_to_come_later),
        T(what_was_not_committed_is_gone), T(lost_end_of_the_log_does_not_come_back),
        T(killed_writer_leaves_all_or_nothing), T(failed_commit_is_unknown),
        T(reading_needs_no_write_permission), T(read_only_writer_says_so),
        T(tables_are_listed_by_name), T(backup_holds_what_the_log_still_holds));
}

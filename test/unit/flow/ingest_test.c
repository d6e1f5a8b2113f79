// SPDX-License-Identifier: Apache-2.0
#include <signal.h>
#include <sys/wait.h>

#include "unit.h"

#include "flow/ingest.h"
#include "os/file.h"
#include "os/os.h"
#include "temp.h"

#define NOW INT64_C(1795316400000000) // 2026-11-22T03:00:00Z

static char *dir;
static pl_store *store;
static pl_registry *registry;
static pl_ulids ulids;
static plumb_error err;
static pl_arena arena;
static pl_buf buf;

static int set_up(void **state)
{
    (void)state;
    uint8_t entropy[32] = {1};
    dir = temp_make();
    ulids = pl_ulids_make(entropy);
    if (pl_store_open_local(temp_path(dir, "lake"), true, &store, &err) != PLUMB_OK) return 1;
    return pl_registry_open(temp_path(dir, "lake/plumb.db"), PL_REGISTRY_CREATE, &registry, &err) !=
           PLUMB_OK;
}

static int tear_down(void **state)
{
    (void)state;
    pl_registry_close(registry);
    pl_store_close(store);
    pl_arena_done(&arena);
    pl_buf_done(&buf);
    temp_remove(dir);
    return 0;
}

static pl_ingest_options options(void)
{
    return (pl_ingest_options){.source = PL_SPAN("shop"), .now_us = NOW, .level = 1};
}

static const char *file(const char *name, const char *text)
{
    const char *path = pl_arena_cstr(&arena, pl_span_of(temp_path(dir, name)));
    temp_write(path, text, strlen(text));
    return path;
}

static pl_ingest_result land(const char *path, pl_ingest_options opts)
{
    pl_ingest_result result = {0};
    CHECK_OK(pl_ingest_file(store, registry, &ulids, path, &opts, &arena, &result, &err), err);
    return result;
}

static bool show_object(void *context, const pl_object_row *row, pl_object_state state)
{
    (void)state;
    pl_buf_printf(context, "%s %s %lld%s;", row->name, row->format, (long long)row->content_bytes,
                  row->broken ? " broken" : "");
    return true;
}

static const char *objects(void)
{
    pl_buf_reset(&buf);
    CHECK_OK(pl_registry_objects(registry, NULL, NULL, show_object, &buf, &err), err);
    return pl_buf_cstr(&buf);
}

static bool count_intent(void *context, const char *id, const char *key, int64_t at_us)
{
    (void)id, (void)key, (void)at_us;
    ++*(unsigned *)context;
    return true;
}

static unsigned intents(void)
{
    unsigned count = 0;
    CHECK_OK(pl_registry_intents(registry, count_intent, &count, &err), err);
    return count;
}

static bool count_file(void *context, const char *key, uint64_t bytes)
{
    (void)key, (void)bytes;
    ++*(unsigned *)context;
    return true;
}

static unsigned files(const char *prefix)
{
    unsigned count = 0;
    char **names;
    uint32_t hidden = 0;
    CHECK_OK(pl_store_list(store, prefix, count_file, &count, &err), err);
    PL_IGNORE(pl_path_list(temp_path(dir, "lake/.tmp"), &arena, &names, &hidden, NULL));
    return count + hidden * 1000;
}

TEST(ingest_lands_once_and_names_the_earlier_object)
{
    pl_ingest_options opts = options();
    pl_ingest_result first = land(file("a.json", "{\"a\": 1}\n"), opts);
    CHECK(!first.known);
    CHECK(pl_span_starts(pl_span_of(first.key),
                         PL_SPAN("raw/source=shop/year=2026/month=11/day=22/hour=03/01")));
    CHECK(first.received_us == NOW && first.landed_us == NOW);
    opts.now_us = NOW + 5;
    pl_ingest_result second = land(file("b.json", "{\"a\": 1}\n"), opts);
    CHECK(second.known);
    CHECK_STR(first.id, second.id);
    CHECK_STR(first.key, second.key);
    CHECK_STR(first.sha256, second.sha256);
    CHECK(second.landed_us == NOW);
    CHECK_STR("a.json ndjson 9;", objects());
    CHECK_INT(0, intents());
    CHECK_INT(1, files("raw"));

    opts.again = true;
    pl_ingest_result third = land(temp_path(dir, "b.json"), opts);
    CHECK(!third.known);
    CHECK(strcmp(third.id, first.id) > 0);
    opts.again = false;
    opts.source = PL_SPAN("other");
    CHECK(!land(temp_path(dir, "b.json"), opts).known);
    CHECK_STR("a.json ndjson 9;b.json ndjson 9;b.json ndjson 9;", objects());
}

static void tell(void *context, const char *path, plumb_status st, const pl_ingest_result *result,
                 const plumb_error *error)
{
    (void)context;
    pl_buf_printf(&buf, "%s: ", strrchr(path, '/') + 1);
    if (st != PLUMB_OK)
        pl_buf_printf(&buf, "%s\n", strrchr(error->message, ':') + 2);
    else
        pl_buf_printf(&buf, "%s %s %llu\n", result->known ? "known as" : "landed", result->name,
                      (unsigned long long)result->content_bytes);
}

static const char *land_all(const char *const *paths, uint32_t count, pl_ingest_options opts)
{
    pl_buf_reset(&buf);
    pl_ingest_files(store, registry, &ulids, paths, count, &opts, tell, NULL);
    return pl_buf_cstr(&buf);
}

TEST(ingest_lands_files_together_and_tells_them_in_turn)
{
    land(file("old.json", "{\"a\": 0}\n"), options());
    const char *paths[] = {file("a.json", "{\"a\": 1}\n"),
                           file("b.json", "{\"a\": 22}\n"),
                           file("twin.json", "{\"a\": 1}\n"),
                           pl_arena_cstr(&arena, pl_span_of(temp_path(dir, "none"))),
                           file("older.json", "{\"a\": 0}\n"),
                           file("z.bz2", "BZh9..."),
                           file("c.json", "{\"a\": 333}\n")};
    CHECK_STR("a.json: landed a.json 9\n"
              "b.json: landed b.json 10\n"
              "twin.json: known as a.json 9\n"
              "none: No such file or directory\n"
              "older.json: known as old.json 9\n"
              "z.bz2: bzip2 compression is not read yet\n"
              "c.json: landed c.json 11\n",
              land_all(paths, PL_COUNT(paths), options()));
    CHECK_STR("old.json ndjson 9;a.json ndjson 9;b.json ndjson 10;c.json ndjson 11;", objects());
    CHECK_INT(0, intents());
    CHECK_INT(4, files("raw"));
    pl_ingest_options opts = options();
    opts.again = true;
    CHECK_STR("a.json: landed a.json 9\n"
              "b.json: landed b.json 10\n"
              "twin.json: landed twin.json 9\n",
              land_all(paths, 3, opts));
    CHECK_INT(7, files("raw"));
}

TEST(ingest_of_more_than_a_group)
{
    enum { MANY = 500 };
    const char *paths[MANY];
    for (int i = 0; i < MANY; i++)
        paths[i] = file(pl_arena_printf(&arena, "%d.json", i),
                        pl_arena_printf(&arena, "{\"a\": %d}\n", i - i % 100)); // each 100 times
    pl_ingest_options opts = options();
    land_all(paths, MANY, opts);
    CHECK_INT(5, files("raw"));
    opts.again = true;
    opts.received_mtime = true;
    opts.now_us = pl_clock_micros(); // as the files are
    land_all(paths, MANY, opts);
    CHECK_INT(5 + MANY, files("raw"));
    CHECK_INT(0, intents());
}

TEST(ingest_tries_no_more_files_once_it_is_stopped)
{
    pl_ingest_options opts = options();
    const char *paths[] = {file("a.json", "1"), file("b.json", "2"), file("c.json", "3")};
    atomic_store(&pl_cancelled, true);
    CHECK_STR("a.json: interrupted\n", land_all(paths, PL_COUNT(paths), opts));
    atomic_store(&pl_cancelled, false);
    CHECK_INT(0, intents());
    CHECK_INT(0, files("raw"));
}

TEST(ingest_takes_the_receipt_time_it_is_told)
{
    pl_ingest_options opts = options();
    opts.has_received = true;
    opts.received_us = 0;
    CHECK(strstr(land(file("a.json", "1"), opts).key, "year=1970/month=01/day=01/hour=00"));
    opts.has_received = false;
    opts.received_mtime = true;
    opts.now_us = pl_clock_micros();
    pl_ingest_result result = land(file("b.json", "2"), opts);
    CHECK(llabs(result.received_us - pl_clock_micros()) < 60 * INT64_C(1000000));
    CHECK(result.landed_us == opts.now_us);
}

TEST(ingest_format_is_sniffed_or_told)
{
    pl_ingest_options opts = options();
    CHECK(land(file("a.json", "[1]"), opts).format == PL_FORMAT_ARRAY);
    opts.has_format = true;
    opts.format = PL_FORMAT_DOCUMENT;
    CHECK(land(file("b.json", "[2]"), opts).format == PL_FORMAT_DOCUMENT);
}

TEST(ingest_errors_land_nothing)
{
    pl_ingest_options opts = options();
    pl_ingest_result result;
    char want[9000];
    CHECK_INT(PLUMB_E_NOT_FOUND, pl_ingest_file(store, registry, &ulids, temp_path(dir, "none"),
                                                &opts, &arena, &result, &err));
    snprintf(want, sizeof want, "cannot open file '%s': No such file or directory",
             temp_path(dir, "none"));
    CHECK_STR(want, err.message);
    CHECK_INT(PLUMB_E_FAILED,
              pl_ingest_file(store, registry, &ulids, dir, &opts, &arena, &result, &err));
    snprintf(want, sizeof want, "cannot ingest '%s': it is a directory", dir);
    CHECK_STR(want, err.message);
    const char *bzip2 = file("z", "BZh9...");
    CHECK_INT(PLUMB_E_MALFORMED,
              pl_ingest_file(store, registry, &ulids, bzip2, &opts, &arena, &result, &err));
    snprintf(want, sizeof want, "cannot ingest file '%s': bzip2 compression is not read yet",
             bzip2);
    CHECK_STR(want, err.message);
    CHECK_INT(0, intents());
    CHECK_INT(0, files("raw"));
}

// The progress call comes between two reads: a good moment to be another process.
static void grow(void *context, const char *path, uint64_t bytes)
{
    (void)path, (void)bytes;
    FILE *more = fopen(context, "ab");
    fputs("{\"a\": 2}\n", more);
    fclose(more);
}

TEST(ingest_notices_a_file_that_grows)
{
    pl_ingest_options opts = options();
    pl_ingest_result result;
    char path[4096], want[9000];
    snprintf(path, sizeof path, "%s", file("a.json", "{\"a\": 1}\n"));
    opts.progress = grow;
    opts.progress_context = path;
    CHECK_INT(PLUMB_E_CONFLICT,
              pl_ingest_file(store, registry, &ulids, path, &opts, &arena, &result, &err));
    pl_file_info info;
    CHECK_OK(pl_path_info(path, &info, &err), err);
    CHECK_INT(PLUMB_E_CONFLICT,
              pl_ingest_file(store, registry, &ulids, path, &opts, &arena, &result, &err));
    snprintf(want, sizeof want,
             "cannot ingest file '%s': it changed while it was read (%llu bytes, then %llu)", path,
             (unsigned long long)info.bytes, (unsigned long long)info.bytes + 9);
    CHECK_STR(want, err.message);
    CHECK_INT(0, intents());
    CHECK_INT(0, files("raw"));
}

static plumb_status test_read(void *context, void *buffer, size_t bytes, size_t *ret_got,
                              plumb_error *error)
{
    return pl_file_read(context, -1, buffer, bytes, ret_got, error);
}

// As ingest does, up to and including `steps`, then the process is gone.
static void die_after(int steps, const char *id, const char *path)
{
    CHECK_INT(0, fflush(NULL));
    pid_t child = fork();
    if (child == 0) {
        pl_registry *own;
        pl_raw_writer *writer;
        pl_raw_info info;
        pl_file from;
        pl_raw_options raw = {.head = {.id = id, .source = PL_SPAN("shop"), .name = PL_SPAN("k")},
                              .level = 1};
        raw.head.received_us = NOW;
        if (pl_registry_open(temp_path(dir, "lake/plumb.db"), PL_REGISTRY_WRITE, &own, &err) ||
            pl_file_open(&from, path, PL_OPEN_READ, &err) ||
            pl_raw_begin(store, &raw, &writer, &err))
            _exit(1);
        if (steps >= 1 && (pl_registry_begin(own, &err) ||
                           pl_registry_intent_add(own, id, pl_raw_writer_key(writer), NOW, &err) ||
                           pl_registry_commit(own, &err)))
            _exit(1);
        if (steps >= 2 && pl_raw_fill(writer, test_read, &from, &info, &err)) _exit(1);
        if (steps >= 3 && pl_raw_publish(writer, &err)) _exit(1);
        raise(SIGKILL);
    }
    int result;
    CHECK_INT(child, waitpid(child, &result, 0));
    CHECK(WIFSIGNALED(result));
}

TEST(ingest_recovers_from_death_at_every_step)
{
    static const char *const ids[] = {"01ARYZ6S41TSV4RRFFQ69G5FA0", "01ARYZ6S41TSV4RRFFQ69G5FA1",
                                      "01ARYZ6S41TSV4RRFFQ69G5FA2", "01ARYZ6S41TSV4RRFFQ69G5FA3"};
    const char *path = file("k", "{\"a\": 1}\n");
    // SQLite connections do not survive a fork: the child makes its own, ours is closed meanwhile.
    for (int steps = 0; steps < 4; steps++) {
        pl_registry_close(registry);
        registry = NULL;
        die_after(steps, ids[steps], path);
        CHECK_OK(
            pl_registry_open(temp_path(dir, "lake/plumb.db"), PL_REGISTRY_WRITE, &registry, &err),
            err);
        CHECK_INT(steps > 0, intents());
        pl_ingest_recovery recovery;
        CHECK_OK(pl_ingest_recover(store, registry, NOW + 9, &recovery, &err), err);
        CHECK_INT(steps == 3, recovery.finished);
        CHECK_INT(steps < 3, recovery.removed);
        CHECK_INT(0, intents());
        CHECK_INT(steps == 3, files("raw"));
    }
    CHECK_STR("k ndjson 9;", objects());
    CHECK(land(path, options()).known);

    // Once more: whole, without a row, but its content is known by now.
    pl_registry_close(registry);
    registry = NULL;
    die_after(3, ids[0], path);
    CHECK_OK(pl_registry_open(temp_path(dir, "lake/plumb.db"), PL_REGISTRY_WRITE, &registry, &err),
             err);
    pl_ingest_recovery recovery;
    CHECK_OK(pl_ingest_recover(store, registry, NOW + 9, &recovery, &err), err);
    CHECK_INT(1, recovery.removed);
    CHECK_INT(1, files("raw"));
    CHECK_STR("k ndjson 9;", objects());
}

// A child that dies having published; the recovery of what `after` makes of the file.
static pl_ingest_recovery recovered(const char *id, const char *path, void (*after)(const char *))
{
    pl_ingest_recovery recovery = {0};
    pl_buf key = {0};
    pl_registry_close(registry);
    registry = NULL;
    die_after(3, id, path);
    pl_raw_key(id, PL_SPAN("shop"), NOW, &key);
    after(temp_path(dir, pl_arena_printf(&arena, "lake/%s", pl_buf_cstr(&key))));
    pl_buf_done(&key);
    CHECK_OK(pl_registry_open(temp_path(dir, "lake/plumb.db"), PL_REGISTRY_WRITE, &registry, &err),
             err);
    CHECK_OK(pl_ingest_recover(store, registry, NOW + 9, &recovery, &err), err);
    CHECK_INT(0, intents());
    CHECK_INT(0, files(".tmp"));
    return recovery;
}

static void cut_in_half(const char *path)
{
    struct stat info;
    CHECK_INT(0, stat(path, &info));
    CHECK_INT(0, truncate(path, 30)); // within the head
}

static void also_hidden(const char *path)
{
    const char *slash = strrchr(path, '/');
    pl_span id = {slash + 1, strlen(slash + 1) - strlen(".json.gz")};
    CHECK_INT(0, link(path, temp_path(dir, pl_arena_printf(&arena, "lake/.tmp/%.*s", PL_FMT(id)))));
}

TEST(ingest_recovery_removes_what_was_damaged_before_its_row)
{
    const char *path = file("k", "{\"a\": 1}\n");
    pl_ingest_recovery recovery = recovered("01ARYZ6S41TSV4RRFFQ69G5FA0", path, cut_in_half);
    CHECK_INT(1, recovery.removed);
    CHECK_INT(0, files("raw"));
    CHECK_STR("", objects());
    CHECK(!land(path, options()).known);
}

TEST(ingest_recovery_finishes_a_file_with_both_names)
{
    const char *path = file("k", "{\"a\": 1}\n");
    pl_ingest_recovery recovery = recovered("01ARYZ6S41TSV4RRFFQ69G5FA0", path, also_hidden);
    CHECK_INT(1, recovery.finished);
    CHECK_INT(0, recovery.removed);
    CHECK_INT(1, files("raw"));
    CHECK_STR("k ndjson 9;", objects());
}

TEST(ingest_recovery_leaves_the_living_alone)
{
    pl_raw_writer *writer;
    pl_raw_info info;
    pl_file from;
    pl_ingest_recovery recovery;
    pl_raw_options raw = {.head = {.id = "01ARYZ6S41TSV4RRFFQ69G5FA0", .source = PL_SPAN("shop")}};
    CHECK_OK(pl_raw_begin(store, &raw, &writer, &err), err);
    CHECK_OK(pl_registry_begin(registry, &err), err);
    CHECK_OK(pl_registry_intent_add(registry, raw.head.id, pl_raw_writer_key(writer), NOW, &err),
             err);
    CHECK_OK(pl_registry_commit(registry, &err), err);
    CHECK_OK(pl_ingest_recover(store, registry, NOW, &recovery, &err), err);
    CHECK_INT(1, intents());
    CHECK_OK(pl_file_open(&from, file("a", "{}"), PL_OPEN_READ, &err), err);
    CHECK_OK(pl_raw_fill(writer, test_read, &from, &info, &err), err);
    pl_file_close(&from);
    CHECK_OK(pl_raw_publish(writer, &err), err);
    CHECK_OK(pl_ingest_recover(store, registry, NOW, &recovery, &err), err);
    CHECK_INT(1, intents());
    CHECK_INT(0, recovery.finished + recovery.removed);
    pl_raw_release(writer);
    CHECK_OK(pl_ingest_recover(store, registry, NOW, &recovery, &err), err);
    CHECK_INT(1, recovery.finished);
    CHECK_INT(0, intents());
}

TEST(ingest_time_is_text_or_a_number_of_any_unit)
{
    static const char *const same[] = {
        "2026-11-22T03:00:00Z", "2026-11-22 04:00:00+01:00", "1795316400",    "1795316400000",
        "1795316400000000",     "1795316400000000000",       " 1795316400.0 "};
    int64_t micros = 1;
    for (size_t i = 0; i < PL_COUNT(same); i++) {
        CHECK(pl_ingest_parse_time(pl_span_of(same[i]), &micros) == NULL);
        CHECK(micros == NOW);
    }
    CHECK(pl_ingest_parse_time(PL_SPAN("1970-01-02"), &micros) == NULL);
    CHECK(micros == INT64_C(86400000000));
    CHECK(pl_ingest_parse_time(PL_SPAN("0"), &micros) == NULL);
    CHECK(micros == 0);
    CHECK(pl_ingest_parse_time(PL_SPAN("yesterday"), &micros) != NULL);
    CHECK(pl_ingest_parse_time(PL_SPAN("2026-11-22T03:00:00"), &micros) != NULL);
    CHECK(pl_ingest_parse_time(PL_SPAN("1e30"), &micros) != NULL);
}

#define F(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    return RUN_TESTS(
        "flow/ingest", F(ingest_lands_once_and_names_the_earlier_object),
        F(ingest_lands_files_together_and_tells_them_in_turn), F(ingest_of_more_than_a_group),
        F(ingest_tries_no_more_files_once_it_is_stopped),
        F(ingest_takes_the_receipt_time_it_is_told), F(ingest_format_is_sniffed_or_told),
        F(ingest_errors_land_nothing), F(ingest_notices_a_file_that_grows),
        F(ingest_recovers_from_death_at_every_step), F(ingest_recovery_leaves_the_living_alone),
        F(ingest_recovery_removes_what_was_damaged_before_its_row),
        F(ingest_recovery_finishes_a_file_with_both_names),
        F(ingest_time_is_text_or_a_number_of_any_unit));
}

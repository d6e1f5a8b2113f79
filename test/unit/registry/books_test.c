// SPDX-License-Identifier: Apache-2.0
#include "scratch.h"

typedef struct fixture {
    scratch at;
    pl_registry *registry;
    pl_arena arena;
    plumb_error err;
    char seen[1024];
} fixture;

// A registry with objects 1 and 2 of tiktok and 3 of shop, and an open transaction.
static fixture *begin(void)
{
    fixture *f = pl_zalloc(1, sizeof *f);
    f->at = scratch_make();
    f->registry = scratch_open(&f->at, PL_REGISTRY_CREATE);
    CHECK_OK(pl_registry_begin(f->registry, &f->err), f->err);
    const char *const rows[][3] = {
        {ID_1, "tiktok", "aa"}, {ID_2, "tiktok", "bb"}, {ID_3, "shop", "aa"}};
    for (int i = 0; i < 3; i++) {
        pl_object_row row = scratch_object(rows[i][0], rows[i][1], rows[i][2]);
        CHECK_OK(pl_registry_object_add(f->registry, &row, false, NULL, &f->err), f->err);
    }
    return f;
}

static void end(fixture *f)
{
    CHECK_OK(pl_registry_check(f->registry, &f->err), f->err); // whatever the test wrote
    pl_registry_rollback(f->registry);
    pl_registry_close(f->registry);
    pl_arena_done(&f->arena);
    scratch_done(&f->at);
    free(f);
}

static void note(fixture *f, const char *text)
{
    size_t used = strlen(f->seen);
    snprintf(f->seen + used, sizeof f->seen - used, "%s ", text);
}

static bool see_object(void *context, const pl_object_row *row, pl_object_state state)
{
    note(context, row->id + 25);
    note(context, pl_object_state_name(state));
    return true;
}

static const char *pending(fixture *f, const char *source, const char *table)
{
    f->seen[0] = '\0';
    CHECK_OK(pl_registry_objects_pending(f->registry, source, table, "", see_object, f, &f->err),
             f->err);
    return f->seen;
}

static pl_state_row to(const char *object, pl_object_state state, int64_t snapshot)
{
    return (pl_state_row){.object = object,
                          .table = "posts",
                          .state = state,
                          .run = RUN,
                          .snapshot = snapshot,
                          .mapping = 3};
}

TEST(object_without_a_state_is_new)
{
    fixture *f = begin();
    CHECK_STR("1 new 2 new ", pending(f, "tiktok", "posts"));
    CHECK_STR("3 new ", pending(f, "shop", "posts"));
    CHECK_STR("", pending(f, "nobody", "posts"));

    pl_state_row row = to(ID_1, PL_STATE_STAGED, 0);
    CHECK_OK(pl_registry_state_move(f->registry, &row, PL_FROM_PENDING, &f->err), f->err);
    CHECK_STR("1 staged 2 new ", pending(f, "tiktok", "posts"));
    CHECK_STR("1 new 2 new ", pending(f, "tiktok", "comments")); // states are per table
    row = to(ID_1, PL_STATE_PUBLISHED, 77);
    CHECK_OK(pl_registry_state_move(f->registry, &row, PL_FROM_PENDING, &f->err), f->err);
    CHECK_STR("2 new ", pending(f, "tiktok", "posts"));
    end(f);
}

TEST(object_is_published_once)
{
    fixture *f = begin();
    pl_state_row row = to(ID_1, PL_STATE_PUBLISHED, 77);
    CHECK_OK(pl_registry_state_move(f->registry, &row, PL_FROM_PENDING, &f->err), f->err);
    CHECK_INT(PLUMB_E_CONFLICT,
              pl_registry_state_move(f->registry, &row, PL_FROM_PENDING, &f->err));
    CHECK_STR("could not move object '" ID_1 "' to published for table 'posts': it is published",
              f->err.message);

    pl_state_row replayed = to(ID_1, PL_STATE_PUBLISHED, 78);
    replayed.run = "R2";
    CHECK_OK(pl_registry_state_move(f->registry, &replayed, PL_FROM(PL_STATE_PUBLISHED), &f->err),
             f->err);
    pl_state_row withdrawn = {.object = ID_1, .table = "posts", .state = PL_STATE_WITHDRAWN};
    CHECK_OK(pl_registry_state_move(f->registry, &withdrawn, PL_FROM(PL_STATE_PUBLISHED), &f->err),
             f->err);
    pl_state_row now;
    CHECK_OK(pl_registry_state(f->registry, ID_1, "posts", &f->arena, &now, &f->err), f->err);
    CHECK_INT(PL_STATE_WITHDRAWN, now.state);
    CHECK_STR("R2", now.run);                           // kept
    CHECK_STR("2 new ", pending(f, "tiktok", "posts")); // withdrawn waits for a replay
    end(f);
}

TEST(same_content_lands_once_unless_asked)
{
    fixture *f = begin();
    char winner[PL_ID_TEXT];
    pl_object_row row = scratch_object("01J00000000000000000000009", "tiktok", "aa");
    CHECK_INT(PLUMB_E_CONFLICT, pl_registry_object_add(f->registry, &row, false, winner, &f->err));
    CHECK_STR("cannot record object '01J00000000000000000000009': '" ID_1 "' has the same content",
              f->err.message);
    CHECK_STR(ID_1, winner);
    CHECK_OK(pl_registry_object_add(f->registry, &row, true, NULL, &f->err), f->err);
    pl_object_row found;
    CHECK_OK(pl_registry_object(f->registry, row.id, &f->arena, &found, &f->err), f->err);
    CHECK_INT(1, found.again);
    CHECK_STR("posts.jsonl", found.name);
    CHECK_OK(pl_registry_object_by_sha(f->registry, "tiktok", "aa", winner, &f->err), f->err);
    CHECK_STR(ID_1, winner);
    CHECK_OK(pl_registry_object_by_sha(f->registry, "tiktok", "zz", winner, &f->err), f->err);
    CHECK_STR("", winner);
    end(f);
}

TEST(unknown_object_is_named)
{
    fixture *f = begin();
    char want[256];
    pl_object_row row;
    CHECK_INT(PLUMB_E_NOT_FOUND, pl_registry_object(f->registry, "X", &f->arena, &row, &f->err));
    snprintf(want, sizeof want, "cannot find object 'X' in registry '%s': no such object",
             f->at.path);
    CHECK_STR(want, f->err.message);
    end(f);
}

TEST(rows_of_unknown_objects_are_refused)
{
    fixture *f = begin();
    char want[256];
    pl_state_row row = to("nobody", PL_STATE_STAGED, 0);
    CHECK_INT(PLUMB_E_FAILED, pl_registry_state_move(f->registry, &row, PL_FROM_PENDING, &f->err));
    snprintf(want, sizeof want,
             "cannot move object 'nobody' in registry '%s': FOREIGN KEY constraint failed",
             f->at.path);
    CHECK_STR(want, f->err.message);
    end(f);
}

static bool see_intent(void *context, const char *id, const char *key, int64_t at_us)
{
    note(context, id);
    note(context, key);
    CHECK_INT(5, at_us);
    return true;
}

TEST(intents_are_there_until_resolved)
{
    fixture *f = begin();
    CHECK_OK(pl_registry_intent_add(f->registry, "A", "raw/a", 5, &f->err), f->err);
    CHECK_OK(pl_registry_intent_add(f->registry, "B", "raw/b", 5, &f->err), f->err);
    CHECK_OK(pl_registry_intent_remove(f->registry, "A", &f->err), f->err);
    CHECK_OK(pl_registry_intents(f->registry, see_intent, f, &f->err), f->err);
    CHECK_STR("B raw/b ", f->seen);
    end(f);
}

static bool see_run(void *context, const pl_run_row *row)
{
    note(context, row->id);
    note(context, row->state);
    return true;
}

TEST(run_finishes_once)
{
    fixture *f = begin();
    char want[256];
    pl_run_row row = {.id = "R1", .started_us = 10, .pid = 7, .command = "run"};
    CHECK_OK(pl_registry_run_start(f->registry, &row, &f->err), f->err);
    row.id = "R2";
    CHECK_OK(pl_registry_run_start(f->registry, &row, &f->err), f->err);
    CHECK_OK(pl_registry_run_finish(f->registry, "R1", "done", 20, "{}", &f->err), f->err);
    CHECK_INT(PLUMB_E_CONFLICT,
              pl_registry_run_finish(f->registry, "R1", "done", 20, "{}", &f->err));
    snprintf(want, sizeof want,
             "could not finish run 'R1' in registry '%s': it is no longer working", f->at.path);
    CHECK_STR(want, f->err.message);
    CHECK_OK(pl_registry_runs(f->registry, NULL, 0, see_run, f, &f->err), f->err);
    CHECK_STR("R2 working R1 done ", f->seen);
    f->seen[0] = '\0';
    CHECK_OK(pl_registry_runs(f->registry, "working", 1, see_run, f, &f->err), f->err);
    CHECK_STR("R2 working ", f->seen);
    end(f);
}

static bool see_task(void *context, const char *task, const char *result)
{
    note(context, task);
    note(context, result ? result : "open");
    return true;
}

TEST(one_result_per_task_is_taken)
{
    fixture *f = begin();
    pl_run_row row = {.id = "R1", .started_us = 10, .pid = 7, .command = "run"};
    CHECK_OK(pl_registry_run_start(f->registry, &row, &f->err), f->err);
    CHECK_OK(pl_registry_task_add(f->registry, "R1", "t1", &f->err), f->err);
    CHECK_OK(pl_registry_task_add(f->registry, "R1", "t2", &f->err), f->err);
    CHECK_OK(pl_registry_task_done(f->registry, "R1", "t1", "t1.json", &f->err), f->err);
    CHECK_INT(PLUMB_E_CONFLICT,
              pl_registry_task_done(f->registry, "R1", "t1", "other.json", &f->err));
    CHECK_STR("could not take the result of task 't1' of run 'R1': it was taken before",
              f->err.message);
    CHECK_OK(pl_registry_tasks(f->registry, "R1", see_task, f, &f->err), f->err);
    CHECK_STR("t1 t1.json t2 open ", f->seen);
    end(f);
}

static bool see_ledger(void *context, const pl_ledger_row *row)
{
    char line[128];
    snprintf(line, sizeof line, "%s %s %s %lld=%lld+%lld+%lld %s", row->object + 25, row->source,
             row->table, (long long)row->records, (long long)row->curated,
             (long long)row->quarantined, (long long)row->filtered,
             pl_object_state_name(row->state));
    note(context, line);
    return true;
}

static bool see_quarantine(void *context, const pl_quarantine_row *row)
{
    char line[128];
    snprintf(line, sizeof line, "%lld %s %lld+%lld %s: %s;", (long long)row->id, row->object + 25,
             (long long)row->record_first, (long long)row->record_count, row->column, row->reason);
    note(context, line);
    return true;
}

TEST(ledger_must_balance)
{
    fixture *f = begin();
    pl_ledger_row row = {.object = ID_1,
                         .table = "posts",
                         .run = RUN,
                         .records = 10,
                         .curated = 8,
                         .quarantined = 1};
    CHECK_INT(PLUMB_E_FAILED, pl_registry_ledger_add(f->registry, &row, &f->err));
    CHECK_STR("cannot record ledger of object '" ID_1 "' for table 'posts': 10 records are not 8 "
              "curated + 1 quarantined + 0 filtered",
              f->err.message);
    end(f);
}

TEST(ledger_and_quarantine_follow_the_state)
{
    fixture *f = begin();
    pl_ledger_row first = {.object = ID_1,
                           .table = "posts",
                           .run = "R1",
                           .records = 10,
                           .curated = 8,
                           .quarantined = 1,
                           .filtered = 1};
    pl_ledger_row second = first;
    second.run = "R2", second.curated = 9, second.quarantined = 0;
    pl_quarantine_row bad = {.object = ID_1,
                             .table = "posts",
                             .run = "R1",
                             .record_first = 4,
                             .record_count = 1,
                             .byte_first = 90,
                             .byte_count = 20,
                             .column = "likes",
                             .reason = "is not a number",
                             .byte = 99,
                             .sample = "\"many\""};
    CHECK_OK(pl_registry_ledger_add(f->registry, &first, &f->err), f->err);
    CHECK_OK(pl_registry_ledger_add(f->registry, &second, &f->err), f->err);
    CHECK_OK(pl_registry_quarantine_add(f->registry, &bad, &f->err), f->err);
    CHECK_OK(pl_registry_ledger(f->registry, NULL, NULL, 0, see_ledger, f, &f->err), f->err);
    CHECK_STR("", f->seen); // nobody published it yet

    pl_quarantine_filter all = {0};
    pl_state_row row = to(ID_1, PL_STATE_PUBLISHED, 77);
    row.run = "R1";
    CHECK_OK(pl_registry_state_move(f->registry, &row, PL_FROM_PENDING, &f->err), f->err);
    CHECK_OK(pl_registry_ledger(f->registry, "01J000000", NULL, 0, see_ledger, f, &f->err), f->err);
    CHECK_OK(pl_registry_quarantine(f->registry, &all, see_quarantine, f, &f->err), f->err);
    CHECK_STR("1 tiktok posts 10=8+1+1 published 1 1 4+1 likes: is not a number; ", f->seen);

    f->seen[0] = '\0'; // a replay by R2 maps the record
    row.run = "R2", row.snapshot = 78;
    CHECK_OK(pl_registry_state_move(f->registry, &row, PL_FROM(PL_STATE_PUBLISHED), &f->err),
             f->err);
    CHECK_OK(pl_registry_ledger(f->registry, NULL, "posts", 5, see_ledger, f, &f->err), f->err);
    CHECK_OK(pl_registry_quarantine(f->registry, &all, see_quarantine, f, &f->err), f->err);
    CHECK_STR("1 tiktok posts 10=9+0+1 published ", f->seen);

    pl_counts counts;
    CHECK_OK(pl_registry_counts(f->registry, "tiktok", "posts", &counts, &f->err), f->err);
    CHECK_INT(2, counts.objects);
    CHECK_INT(1, counts.fresh);
    CHECK_INT(1, counts.published);
    CHECK_INT(100, counts.pending_bytes);
    CHECK_INT(9, counts.curated);
    CHECK_INT(1000, counts.newest_received_us);
    CHECK_OK(pl_registry_counts(f->registry, NULL, "posts", &counts, &f->err), f->err);
    CHECK_INT(1, counts.objects);
    CHECK_OK(pl_registry_counts(f->registry, "shop", "posts", &counts, &f->err), f->err);
    CHECK_INT(1, counts.fresh);
    CHECK_INT(0, counts.records);
    end(f);
}

TEST(sums_are_those_of_the_rows)
{
    fixture *f = begin();
    pl_counts counts;
    pl_ledger_row made = {
        .object = ID_1, .table = "posts", .run = "R1", .records = 9, .curated = 9};
    pl_state_row row = to(ID_1, PL_STATE_PUBLISHED, 77);
    row.run = "R1";
    CHECK_OK(pl_registry_state_move(f->registry, &row, PL_FROM_PENDING, &f->err), f->err);
    CHECK_OK(pl_registry_ledger_add(f->registry, &made, &f->err), f->err);
    CHECK_OK(pl_registry_check(f->registry, &f->err), f->err);
    row.state = PL_STATE_WITHDRAWN;
    CHECK_OK(pl_registry_state_move(f->registry, &row, PL_FROM(PL_STATE_PUBLISHED), &f->err),
             f->err);
    CHECK_OK(pl_registry_counts(f->registry, "tiktok", "posts", &counts, &f->err), f->err);
    CHECK_INT(0, counts.published);
    CHECK_INT(1, counts.withdrawn);
    CHECK_INT(0, counts.curated); // its rows are in no table now
    CHECK_INT(0, counts.newest_received_us);
    row = to(ID_2, PL_STATE_PUBLISHED, 79);
    CHECK_OK(pl_registry_state_move(f->registry, &row, PL_FROM_PENDING, &f->err), f->err);
    row = to(ID_1, PL_STATE_PUBLISHED, 79);
    CHECK_OK(pl_registry_state_move(f->registry, &row, PL_FROM(PL_STATE_WITHDRAWN), &f->err),
             f->err);
    row = to(ID_2, PL_STATE_WITHDRAWN, 80);
    CHECK_OK(pl_registry_state_move(f->registry, &row, PL_FROM(PL_STATE_PUBLISHED), &f->err),
             f->err);
    CHECK_OK(pl_registry_counts(f->registry, "tiktok", "posts", &counts, &f->err), f->err);
    CHECK_INT(1, counts.published);
    CHECK_INT(1000, counts.newest_received_us); // looked for, once the newest one has left
    CHECK_OK(pl_registry_check(f->registry, &f->err), f->err);
    end(f);
}

TEST(staged_pair_has_no_rows_until_it_is_published)
{
    fixture *f = begin();
    pl_counts counts;
    pl_state_row row = to(ID_1, PL_STATE_STAGED, 0);
    row.run = "R1", row.mapping = 0; // given up: it has no ledger rows
    CHECK_OK(pl_registry_state_move(f->registry, &row, PL_FROM_PENDING, &f->err), f->err);
    row.object = ID_2;
    CHECK_OK(pl_registry_state_move(f->registry, &row, PL_FROM_PENDING, &f->err), f->err);
    CHECK_OK(pl_registry_counts(f->registry, "tiktok", "posts", &counts, &f->err), f->err);
    CHECK_INT(2, counts.objects);
    CHECK_INT(2, counts.staged);
    CHECK_INT(0, counts.fresh);
    CHECK_INT(200, counts.pending_bytes);
    CHECK_INT(0, counts.records);
    CHECK_INT(0, counts.newest_received_us);
    CHECK_OK(pl_registry_ledger(f->registry, NULL, "posts", 0, see_ledger, f, &f->err), f->err);
    CHECK_STR("", f->seen);
    CHECK_OK(pl_registry_check(f->registry, &f->err), f->err);

    row = to(ID_1, PL_STATE_PUBLISHED, 77);
    row.run = "R2";
    CHECK_OK(pl_registry_state_move(f->registry, &row, PL_FROM_PENDING, &f->err), f->err);
    pl_ledger_row made = {
        .object = ID_1, .table = "posts", .run = "R2", .records = 9, .curated = 8, .filtered = 1};
    CHECK_OK(pl_registry_ledger_add(f->registry, &made, &f->err), f->err);
    CHECK_OK(pl_registry_counts(f->registry, "tiktok", "posts", &counts, &f->err), f->err);
    CHECK_INT(1, counts.staged);
    CHECK_INT(1, counts.published);
    CHECK_INT(100, counts.pending_bytes);
    CHECK_INT(8, counts.curated);
    CHECK_INT(1000, counts.newest_received_us);
    CHECK_STR("2 staged ", pending(f, "tiktok", "posts"));
    row = to(ID_1, PL_STATE_STAGED, 0);
    CHECK_INT(PLUMB_E_CONFLICT,
              pl_registry_state_move(f->registry, &row, PL_FROM_PENDING, &f->err));
    CHECK_STR("could not move object '" ID_1 "' to staged for table 'posts': it is published",
              f->err.message);
    end(f);
}

static bool see_version(void *context, const pl_version_row *row)
{
    char line[64];
    snprintf(line, sizeof line, "%s/%lld:%.*s:%lld", row->table, (long long)row->version,
             PL_FMT(row->text), (long long)row->objects);
    note(context, line);
    return true;
}

TEST(same_text_is_the_same_version)
{
    fixture *f = begin();
    const char *const texts[] = {"a", "b", "a", "c", "b"};
    const int64_t versions[] = {1, 2, 1, 3, 2};
    int64_t version;
    for (int i = 0; i < 5; i++) {
        CHECK_OK(pl_registry_mapping_version(f->registry, "tiktok", "posts", pl_span_of(texts[i]),
                                             9, &version, &f->err),
                 f->err);
        CHECK_INT(versions[i], version);
        CHECK_OK(pl_registry_contract_version(f->registry, "posts", pl_span_of(texts[i]), 9,
                                              &version, &f->err),
                 f->err);
        CHECK_INT(versions[i], version);
    }
    CHECK_OK(pl_registry_mapping_version(f->registry, "tiktok", "comments", PL_SPAN("a"), 9,
                                         &version, &f->err),
             f->err);
    CHECK_INT(1, version);
    pl_state_row row = to(ID_1, PL_STATE_PUBLISHED, 77); // made by version 3
    CHECK_OK(pl_registry_state_move(f->registry, &row, PL_FROM_PENDING, &f->err), f->err);
    CHECK_OK(pl_registry_mappings(f->registry, "tiktok", NULL, see_version, f, &f->err), f->err);
    CHECK_STR("comments/1:a:0 posts/1:a:0 posts/2:b:0 posts/3:c:1 ", f->seen);
    f->seen[0] = '\0';
    CHECK_OK(pl_registry_contracts(f->registry, "posts", see_version, f, &f->err), f->err);
    CHECK_STR("posts/1:a:0 posts/2:b:0 posts/3:c:0 ", f->seen);
    end(f);
}

static bool see_snapshot(void *context, const pl_snapshot_row *row)
{
    char line[96];
    snprintf(line, sizeof line, "%lld<%lld@%s", (long long)row->snapshot_id, (long long)row->parent,
             row->metadata_location);
    note(context, line);
    return true;
}

static bool see_file(void *context, const pl_file_row *row)
{
    note(context, row->path);
    note(context, row->objects);
    return true;
}

static bool see_event(void *context, const pl_event_row *row)
{
    note(context, row->kind);
    return row->id != 2; // stop there
}

TEST(history_is_kept)
{
    fixture *f = begin();
    pl_snapshot_row snapshot = {.table = "posts",
                                .snapshot_id = 5,
                                .run = RUN,
                                .metadata_location = "m5",
                                .rows = 8,
                                .files = 1,
                                .created_us = 1};
    CHECK_OK(pl_registry_snapshot_add(f->registry, &snapshot, &f->err), f->err);
    snapshot.snapshot_id = 6, snapshot.parent = 5, snapshot.created_us = 2;
    snapshot.metadata_location = "m6";
    CHECK_OK(pl_registry_snapshot_add(f->registry, &snapshot, &f->err), f->err);
    CHECK_OK(pl_registry_snapshots(f->registry, "posts", 0, see_snapshot, f, &f->err), f->err);
    pl_file_row file = {.table = "posts",
                        .path = "file:///p",
                        .snapshot = 5,
                        .run = RUN,
                        .rows = 8,
                        .bytes = 80,
                        .objects = "[]"};
    CHECK_OK(pl_registry_file_add(f->registry, &file, &f->err), f->err);
    CHECK_OK(pl_registry_files(f->registry, "posts", see_file, f, &f->err), f->err);
    for (int i = 0; i < 3; i++) {
        pl_event_row event = {
            .at_us = i, .kind = i == 1 ? "b" : "a", .who = "me", .table = "", .text = "{}"};
        CHECK_OK(pl_registry_event_add(f->registry, &event, &f->err), f->err);
    }
    CHECK_OK(pl_registry_events(f->registry, 0, see_event, f, &f->err), f->err);
    CHECK_STR("6<5@m6 5<0@m5 file:///p [] a b ", f->seen);
    end(f);
}

static bool see_source(void *context, const pl_source_row *row)
{
    char line[64];
    snprintf(line, sizeof line, "%s %lld %lld", row->source, (long long)row->objects,
             (long long)row->stored_bytes);
    note(context, line);
    return true;
}

// A visitor may ask again with the statement it is called from.
static bool see_nested(void *context, const pl_source_row *row)
{
    fixture *f = context;
    (void)row;
    CHECK_OK(pl_registry_sources(f->registry, see_source, f, &f->err), f->err);
    return false;
}

TEST(visitors_may_read)
{
    fixture *f = begin();
    CHECK_OK(pl_registry_sources(f->registry, see_nested, f, &f->err), f->err);
    CHECK_STR("shop 1 100 tiktok 2 200 ", f->seen);
    f->seen[0] = '\0';
    CHECK_OK(pl_registry_objects(f->registry, NULL, "posts", see_object, f, &f->err), f->err);
    CHECK_STR("1 new 2 new 3 new ", f->seen);
    end(f);
}

int main(void)
{
    return RUN_TESTS(
        "registry/books", T(object_without_a_state_is_new), T(object_is_published_once),
        T(same_content_lands_once_unless_asked), T(unknown_object_is_named),
        T(rows_of_unknown_objects_are_refused), T(intents_are_there_until_resolved),
        T(run_finishes_once), T(one_result_per_task_is_taken), T(ledger_must_balance),
        T(sums_are_those_of_the_rows), T(staged_pair_has_no_rows_until_it_is_published),
        T(ledger_and_quarantine_follow_the_state), T(same_text_is_the_same_version),
        T(history_is_kept), T(visitors_may_read));
}

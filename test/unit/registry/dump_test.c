// SPDX-License-Identifier: Apache-2.0
#include "registry/drift.h"
#include "scratch.h"

#define HELD "01JR0000000000000000000002"
#define DONE "01JR0000000000000000000003"

typedef struct fixture {
    scratch at, other;
    pl_registry *registry, *rebuilt;
    pl_arena arena;
    plumb_error err;
    char stored[8][64]; // texts, by number
    uint32_t stored_count;
    char seen[1024];
} fixture;

static fixture *begin(void)
{
    fixture *f = pl_zalloc(1, sizeof *f);
    f->at = scratch_make(), f->other = scratch_make();
    f->registry = scratch_open(&f->at, PL_REGISTRY_CREATE);
    f->rebuilt = scratch_open(&f->other, PL_REGISTRY_CREATE);
    CHECK_OK(pl_registry_begin(f->registry, &f->err), f->err);
    const char *const rows[][2] = {{ID_1, "aa"}, {ID_2, "bb"}};
    for (int i = 0; i < 2; i++) {
        pl_object_row row = scratch_object(rows[i][0], "shop", rows[i][1]);
        CHECK_OK(pl_registry_object_add(f->registry, &row, false, NULL, &f->err), f->err);
    }
    CHECK_OK(pl_registry_commit(f->registry, &f->err), f->err);
    return f;
}

static void end(fixture *f)
{
    CHECK_OK(pl_registry_check(f->rebuilt, &f->err), f->err);
    pl_registry_close(f->registry);
    pl_registry_close(f->rebuilt);
    pl_arena_done(&f->arena);
    scratch_done(&f->at);
    scratch_done(&f->other);
    free(f);
}

static plumb_status put_text(void *context, pl_span text, const char *shape,
                             char ret_name[PL_REGISTRY_TEXT_NAME], plumb_error *err)
{
    fixture *f = context;
    (void)err;
    CHECK(text.bytes < sizeof f->stored[0] && f->stored_count < PL_COUNT(f->stored));
    memcpy(f->stored[f->stored_count], text.data, text.bytes);
    snprintf(ret_name, PL_REGISTRY_TEXT_NAME, "%s%zu-%u", shape ? "b" : "t", text.bytes,
             f->stored_count++);
    return PLUMB_OK;
}

static plumb_status get_text(void *context, pl_span name, pl_span *ret_text, plumb_error *err)
{
    fixture *f = context;
    size_t bytes;
    uint32_t at;
    (void)err;
    CHECK(sscanf(name.data + 1, "%zu-%u", &bytes, &at) == 2);
    *ret_text = pl_span_make(f->stored[at], bytes);
    return PLUMB_OK;
}

// What the log says of a run, and the same into the other registry. Text of the document.
static const char *carry(fixture *f, const char *run)
{
    pl_buf text = {0};
    pl_json_writer json = pl_json_writer_on(&text, 0);
    pl_json_begin(&json, '{');
    CHECK_OK(pl_registry_dump(f->registry, run, &json, put_text, f, &f->err), f->err);
    pl_json_end(&json, '}');
    pl_span span = pl_arena_copy(&f->arena, pl_buf_view(&text));
    pl_buf_done(&text);
    pl_json *root = NULL;
    CHECK_OK(pl_json_parse(span, &f->arena, &root, &f->err), f->err);
    CHECK_OK(pl_registry_begin(f->rebuilt, &f->err), f->err);
    CHECK_OK(pl_registry_restore(f->rebuilt, root, get_text, f, &f->err), f->err);
    CHECK_OK(pl_registry_commit(f->rebuilt, &f->err), f->err);
    return pl_arena_cstr(&f->arena, span);
}

static void start(fixture *f, const char *run)
{
    pl_run_row row = {.id = run, .started_us = 1, .command = "run"};
    CHECK_OK(pl_registry_begin(f->registry, &f->err), f->err);
    CHECK_OK(pl_registry_run_start(f->registry, &row, &f->err), f->err);
}

// Ends the transaction, too.
static void finish(fixture *f, const char *run, const char *state)
{
    CHECK_OK(pl_registry_run_finish(f->registry, run, state, 2, "", &f->err), f->err);
    CHECK_OK(pl_registry_commit(f->registry, &f->err), f->err);
}

static void move(fixture *f, const char *object, pl_object_state state, const char *run)
{
    pl_state_row row = {
        .object = object, .table = "posts", .state = state, .run = run, .snapshot = 7};
    CHECK_OK(pl_registry_state_move(f->registry, &row, PL_FROM_PENDING, &f->err), f->err);
}

static void find(fixture *f, pl_finding_state state, const char *run, int64_t at_us)
{
    pl_finding_row row = {.source = "shop",
                          .table = "posts",
                          .fingerprint = "removed $.likes",
                          .class = "removed",
                          .strength = "certain",
                          .before = "$.likes",
                          .after = "",
                          .column = "likes",
                          .state = state,
                          .first_us = 4,
                          .opened_us = 5,
                          .changed_us = at_us,
                          .first_object = ID_1,
                          .run = run,
                          .records = 3,
                          .document = "{\"why\":\"\xc3\xa9\"}"};
    int64_t id;
    CHECK_OK(pl_registry_finding_put(f->registry, &row, "plumb", NULL, &id, &f->err), f->err);
}

static void shape(fixture *f, const char *run, int64_t at_us, pl_span document)
{
    pl_shape_row row = {.source = "shop",
                        .table = "posts",
                        .run = run,
                        .until_us = at_us,
                        .records = 3,
                        .document = document};
    int64_t version;
    CHECK_OK(pl_registry_shape_put(f->registry, &row, &version, &f->err), f->err);
}

static bool see_finding(void *context, const pl_finding_row *row)
{
    fixture *f = context;
    size_t used = strlen(f->seen);
    snprintf(f->seen + used, sizeof f->seen - used, "%d %s %s %d %s %s; ", (int)row->id,
             row->fingerprint, pl_finding_state_name(row->state), (int)row->changed_us,
             row->run + 25, row->document);
    return true;
}

static bool see_event(void *context, const pl_event_row *row)
{
    fixture *f = context;
    size_t used = strlen(f->seen);
    snprintf(f->seen + used, sizeof f->seen - used, "%d %s; ", (int)row->id, row->kind);
    return true;
}

static const char *rebuilt(fixture *f)
{
    pl_finding_filter all = {0};
    f->seen[0] = '\0';
    CHECK_OK(pl_registry_findings(f->rebuilt, &all, see_finding, f, &f->err), f->err);
    CHECK_OK(pl_registry_events(f->rebuilt, 0, see_event, f, &f->err), f->err);
    return f->seen;
}

TEST(what_a_held_run_found_is_in_the_log_of_the_next_one)
{
    fixture *f = begin();
    start(f, HELD);
    find(f, PL_FINDING_HELD, HELD, 5);
    finish(f, HELD, "held");
    carry(f, HELD);
    CHECK_STR("", rebuilt(f));
    start(f, DONE);
    finish(f, DONE, "done");
    carry(f, DONE);
    CHECK_STR("1 removed $.likes held 5 2 {\"why\":\"\xc3\xa9\"}; 1 drift.held; ", rebuilt(f));
    end(f);
}

TEST(later_state_of_a_finding_is_the_one_that_counts)
{
    fixture *f = begin();
    start(f, HELD);
    // The order in which a publish does it: first the fence, then the books.
    CHECK_OK(pl_registry_run_finish(f->registry, HELD, "done", 2, "", &f->err), f->err);
    find(f, PL_FINDING_OPEN, HELD, 5);
    CHECK_OK(pl_registry_commit(f->registry, &f->err), f->err);
    carry(f, HELD);
    CHECK_STR("1 removed $.likes open 5 2 {\"why\":\"\xc3\xa9\"}; 1 drift.open; ", rebuilt(f));
    CHECK_OK(pl_registry_begin(f->registry, &f->err), f->err);
    find(f, PL_FINDING_REJECTED, HELD, 9); // a person did: of a run whose entry is written
    CHECK_OK(pl_registry_commit(f->registry, &f->err), f->err);
    start(f, DONE);
    finish(f, DONE, "done");
    const char *text = carry(f, DONE);
    CHECK_STR("1 removed $.likes rejected 9 2 {\"why\":\"\xc3\xa9\"}; 2 drift.rejected; "
              "1 drift.open; ",
              rebuilt(f));
    CHECK(strstr(text, "drift.open") == NULL);
    end(f);
}

TEST(version_of_a_shape_is_logged_as_its_first_run_left_it)
{
    fixture *f = begin();
    pl_shape_row row;
    start(f, HELD);
    shape(f, HELD, 5, PL_SPAN("a\0\xff"));
    finish(f, HELD, "done");
    carry(f, HELD);
    start(f, DONE);
    shape(f, DONE, 6, PL_SPAN("b"));
    finish(f, DONE, "done");
    CHECK(strstr(carry(f, DONE), "\"shapes\":[]") != NULL);
    CHECK_OK(pl_registry_shape(f->rebuilt, "shop", "posts", 0, &f->arena, &row, &f->err), f->err);
    CHECK(pl_span_equal(PL_SPAN("a\0\xff"), row.document));
    CHECK_INT(1, row.version);
    CHECK_INT(5, row.since_us);
    CHECK_STR(HELD, row.run);
    end(f);
}

TEST(staged_objects_are_in_no_log)
{
    fixture *f = begin();
    start(f, DONE);
    move(f, ID_1, PL_STATE_PUBLISHED, DONE);
    move(f, ID_2, PL_STATE_STAGED, DONE);
    finish(f, DONE, "done");
    CHECK(strstr(carry(f, DONE), ID_2) == NULL);
    pl_counts counts;
    CHECK_OK(pl_registry_counts(f->rebuilt, "shop", "posts", &counts, &f->err), f->err);
    CHECK_INT(1, counts.published);
    CHECK_INT(0, counts.staged);
    end(f);
}

TEST(entry_of_an_older_program_is_enough)
{
    fixture *f = begin();
    static const char text[] =
        "{\"runs\":[],\"tasks\":[],\"objects\":[],\"states\":[],\"publications\":[],"
        "\"ledger\":[],\"quarantine\":[],\"snapshots\":[],\"files\":[],"
        "\"mappings\":[{\"source\":\"shop\",\"tbl\":\"posts\",\"version\":1,"
        "\"text_id\":\"t0-0\",\"created_us\":5}],"
        "\"contracts\":[],\"heads\":[]}";
    pl_json *root = NULL;
    CHECK_OK(pl_json_parse(PL_SPAN(text), &f->arena, &root, &f->err), f->err);
    CHECK_OK(pl_registry_begin(f->rebuilt, &f->err), f->err);
    CHECK_OK(pl_registry_restore(f->rebuilt, root, get_text, f, &f->err), f->err);
    CHECK_OK(pl_registry_commit(f->rebuilt, &f->err), f->err);
    end(f);
}

int main(void)
{
    return RUN_TESTS("registry/dump", T(what_a_held_run_found_is_in_the_log_of_the_next_one),
                     T(later_state_of_a_finding_is_the_one_that_counts),
                     T(version_of_a_shape_is_logged_as_its_first_run_left_it),
                     T(staged_objects_are_in_no_log), T(entry_of_an_older_program_is_enough));
}

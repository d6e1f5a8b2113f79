// SPDX-License-Identifier: Apache-2.0
#include "registry/drift.h"
#include "scratch.h"

typedef struct fixture {
    scratch at;
    pl_registry *registry;
    pl_arena arena;
    plumb_error err;
    char seen[1024];
} fixture;

static fixture *begin(void)
{
    fixture *f = pl_zalloc(1, sizeof *f);
    f->at = scratch_make();
    f->registry = scratch_open(&f->at, PL_REGISTRY_CREATE);
    CHECK_OK(pl_registry_begin(f->registry, &f->err), f->err);
    return f;
}

static void end(fixture *f)
{
    CHECK_OK(pl_registry_check(f->registry, &f->err), f->err);
    pl_registry_close(f->registry);
    pl_arena_done(&f->arena);
    scratch_done(&f->at);
    free(f);
}

static pl_finding_row renamed(pl_finding_state state, int64_t at_us)
{
    return (pl_finding_row){.source = "shop",
                            .table = "posts",
                            .fingerprint = "renamed $.likes $.like_count",
                            .class = "renamed",
                            .strength = "strong",
                            .before = "$.likes",
                            .after = "$.like_count",
                            .column = "likes",
                            .state = state,
                            .first_us = at_us - 5,
                            .opened_us = state == PL_FINDING_SEEN ? 0 : at_us,
                            .changed_us = at_us,
                            .first_object = ID_1,
                            .run = RUN,
                            .records = 12,
                            .document = "{\"why\":\"so\"}"};
}

static int64_t put(fixture *f, const pl_finding_row *row, const char *note)
{
    int64_t id = 0;
    CHECK_OK(pl_registry_finding_put(f->registry, row, "plumb", note, &id, &f->err), f->err);
    return id;
}

static bool see_event(void *context, const pl_event_row *row)
{
    fixture *f = context;
    size_t used = strlen(f->seen);
    snprintf(f->seen + used, sizeof f->seen - used, "%d %s %s %s %s\n", (int)row->at_us, row->kind,
             row->who, row->table, row->text);
    return true;
}

static bool see_finding(void *context, const pl_finding_row *row)
{
    fixture *f = context;
    size_t used = strlen(f->seen);
    snprintf(f->seen + used, sizeof f->seen - used, "%d %s/%s %s %s; ", (int)row->id, row->source,
             row->table, row->fingerprint, pl_finding_state_name(row->state));
    return true;
}

TEST(change_of_state_is_an_event)
{
    fixture *f = begin();
    pl_finding_row row = renamed(PL_FINDING_SEEN, 10);
    CHECK_INT(1, put(f, &row, NULL));
    CHECK_INT(1, put(f, &row, NULL)); // counted again: nothing changed
    row = renamed(PL_FINDING_HELD, 20);
    CHECK_INT(1, put(f, &row, "likes is gone"));
    row = renamed(PL_FINDING_HELD, 30);
    CHECK_INT(1, put(f, &row, "still"));
    pl_event_row other = {.at_us = 40, .kind = "mapping", .who = "me", .table = "", .text = "{}"};
    CHECK_OK(pl_registry_event_add(f->registry, &other, &f->err), f->err);
    CHECK_OK(pl_registry_events_like(f->registry, "drift.", 0, see_event, f, &f->err), f->err);
    CHECK_STR("20 drift.held plumb posts {\"finding\":1,\"source\":\"shop\",\"class\":\"renamed\","
              "\"before\":\"$.likes\",\"after\":\"$.like_count\",\"column\":\"likes\","
              "\"from\":\"seen\",\"to\":\"held\",\"note\":\"likes is gone\"}\n"
              "10 drift.seen plumb posts {\"finding\":1,\"source\":\"shop\",\"class\":\"renamed\","
              "\"before\":\"$.likes\",\"after\":\"$.like_count\",\"column\":\"likes\","
              "\"from\":null,\"to\":\"seen\",\"note\":null}\n",
              f->seen);
    f->seen[0] = '\0';
    CHECK_OK(pl_registry_events_like(f->registry, "drift.seen", 1, see_event, f, &f->err), f->err);
    CHECK_INT(0, strncmp("10 drift.seen ", f->seen, 14));
    end(f);
}

TEST(what_is_found_again_is_the_same_finding)
{
    fixture *f = begin();
    pl_finding_row row = renamed(PL_FINDING_SEEN, 10), got;
    bool found;
    put(f, &row, NULL);
    row = renamed(PL_FINDING_OPEN, 20);
    row.first_object = ID_2, row.records = 40, row.run = "R2", row.critical = true;
    put(f, &row, NULL);
    row = renamed(PL_FINDING_HELD, 30);
    row.flips = 2, row.strength = "medium", row.document = "{}";
    put(f, &row, NULL);
    row.changed_us = 35;
    put(f, &row, NULL);
    CHECK_OK(pl_registry_finding(f->registry, 1, &f->arena, &got, &f->err), f->err);
    CHECK_INT(5, got.first_us);
    CHECK_STR(ID_1, got.first_object);
    CHECK_INT(20, got.opened_us);
    CHECK_INT(30, got.changed_us);
    CHECK_INT(12, got.records);
    CHECK_INT(2, got.flips);
    CHECK_STR("medium", got.strength);
    CHECK_STR("{}", got.document);
    CHECK_STR(RUN, got.run);
    CHECK(!got.critical && got.state == PL_FINDING_HELD);
    CHECK_OK(pl_registry_finding_by(f->registry, "shop", "posts", row.fingerprint, &f->arena, &got,
                                    &found, &f->err),
             f->err);
    CHECK(found && got.id == 1);
    CHECK_STR("$.likes", got.before);
    CHECK_STR("$.like_count", got.after);
    CHECK_STR("likes", got.column);
    CHECK_STR("renamed", got.class);
    CHECK_OK(pl_registry_finding_by(f->registry, "shop", "likes", row.fingerprint, &f->arena, &got,
                                    &found, &f->err),
             f->err);
    CHECK(!found);
    end(f);
}

TEST(returns_are_counted_by_events)
{
    fixture *f = begin();
    pl_finding_row row = renamed(PL_FINDING_HELD, 10);
    int64_t count = 0;
    put(f, &row, NULL);
    for (int64_t at = 20; at < 60; at += 20) { // back at 30 and at 50
        row = renamed(PL_FINDING_RESOLVED, at);
        put(f, &row, NULL);
        row = renamed(at == 20 ? PL_FINDING_HELD : PL_FINDING_OPEN, at + 10);
        put(f, &row, NULL);
    }
    pl_finding_row other = renamed(PL_FINDING_RESOLVED, 70);
    other.fingerprint = "added $.x";
    put(f, &other, NULL);
    other.state = PL_FINDING_OPEN, other.changed_us = 80;
    put(f, &other, NULL);
    const int64_t since[] = {0, 29, 30, 49, 50}, want[] = {2, 2, 1, 1, 0};
    for (size_t i = 0; i < PL_COUNT(since); i++) {
        CHECK_OK(pl_registry_finding_returns(f->registry, 1, since[i], &count, &f->err), f->err);
        CHECK_INT(want[i], count);
    }
    end(f);
}

TEST(a_source_waits_for_what_shows_in_its_hold)
{
    pl_hold_row hold = {.run = "R2"};
    pl_finding_row row = {.run = "R1", .state = PL_FINDING_HELD};
    CHECK(pl_finding_waits(&row, &hold));
    row.state = PL_FINDING_FLAPPING;
    CHECK(!pl_finding_waits(&row, &hold));
    row.run = "R2";
    CHECK(pl_finding_waits(&row, &hold));
    row.state = PL_FINDING_OPEN;
    CHECK(!pl_finding_waits(&row, &hold));
}

static const char *list(fixture *f, pl_finding_filter filter)
{
    f->seen[0] = '\0';
    CHECK_OK(pl_registry_findings(f->registry, &filter, see_finding, f, &f->err), f->err);
    return f->seen;
}

TEST(findings_are_listed_newest_change_first)
{
    fixture *f = begin();
    pl_finding_row row = renamed(PL_FINDING_HELD, 30);
    put(f, &row, NULL);
    row = renamed(PL_FINDING_SEEN, 10);
    row.table = "likes", row.fingerprint = "added $.x";
    put(f, &row, NULL);
    row.source = "mail", row.changed_us = 40, row.state = PL_FINDING_AUTO;
    put(f, &row, NULL);
    CHECK_STR("3 mail/likes added $.x auto; 1 shop/posts renamed $.likes $.like_count held; "
              "2 shop/likes added $.x seen; ",
              list(f, (pl_finding_filter){0}));
    CHECK_STR("3 mail/likes added $.x auto; ", list(f, (pl_finding_filter){.limit = 1}));
    CHECK_STR("3 mail/likes added $.x auto; 2 shop/likes added $.x seen; ",
              list(f, (pl_finding_filter){.table = "likes"}));
    CHECK_STR("2 shop/likes added $.x seen; ",
              list(f, (pl_finding_filter){.source = "shop",
                                          .states = PL_FINDING_IN(PL_FINDING_SEEN) |
                                                    PL_FINDING_IN(PL_FINDING_AUTO)}));
    CHECK_STR("", list(f, (pl_finding_filter){.states = PL_FINDING_IN(PL_FINDING_REVERTED)}));
    end(f);
}

TEST(unknown_finding_is_named)
{
    fixture *f = begin();
    pl_finding_row row;
    char want[256];
    CHECK_INT(PLUMB_E_NOT_FOUND, pl_registry_finding(f->registry, 12, &f->arena, &row, &f->err));
    snprintf(want, sizeof want, "cannot find finding '12' in registry '%s': no such finding",
             f->at.path);
    CHECK_STR(want, f->err.message);
    CHECK_STR("'plumb drift ls' lists the findings there are.", f->err.hint);
    end(f);
}

TEST(states_have_names)
{
    pl_finding_state found;
    for (int i = 0; i < PL_FINDING_STATES; i++) {
        CHECK(
            pl_finding_state_parse(pl_span_of(pl_finding_state_name((pl_finding_state)i)), &found));
        CHECK_INT(i, found);
    }
    CHECK(!pl_finding_state_parse(PL_SPAN("lost"), &found));
    CHECK_STR("provisional", pl_finding_state_name(PL_FINDING_PROVISIONAL));
}

int main(void)
{
    return RUN_TESTS("registry/findings", T(change_of_state_is_an_event),
                     T(what_is_found_again_is_the_same_finding), T(returns_are_counted_by_events),
                     T(a_source_waits_for_what_shows_in_its_hold),
                     T(findings_are_listed_newest_change_first), T(unknown_finding_is_named),
                     T(states_have_names));
}

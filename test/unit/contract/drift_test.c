// SPDX-License-Identifier: Apache-2.0
#include "contract/drift.h"

#include "contract/project.h"
#include "mistakes.h"

static const char CONTRACT[] = "table: posts\n"
                               "columns:\n"
                               "  id:    string!\n"
                               "  likes: long\n"
                               "  views: long\n"
                               "critical: [likes]\n";

typedef struct loaded {
    pl_arena arena;
    pl_problems problems, warnings;
    pl_contract *contract;
    pl_mapping *mapping;
    pl_project project;
} loaded;

static void load(loaded *self, const char *settings, const char *drift)
{
    *self = (loaded){0};
    pl_arena *arena = &self->arena;
    const char *text = pl_arena_printf(
        arena, "source: s\ninto: posts\nmap: {id: id, likes: likes, views: views}\n%s", drift);
    self->contract =
        pl_contract_parse("c.yml", pl_span_of(CONTRACT), arena, &self->problems, &self->warnings);
    self->mapping = pl_mapping_parse("s.yml", pl_span_of(text), &self->contract, 1, arena,
                                     &self->problems, &self->warnings);
    pl_settings_parse("plumb.yaml", pl_span_of(settings), arena, &self->project.settings,
                      &self->problems, &self->warnings);
}

static void done(loaded *self)
{
    pl_problems_done(&self->problems);
    pl_problems_done(&self->warnings);
    pl_arena_done(&self->arena);
}

TEST(without_a_word_the_defaults_hold)
{
    loaded l;
    load(&l, "", "");
    CHECK_INT(0, l.problems.count);
    pl_drift_policy p = pl_project_drift(&l.project, l.mapping);
    CHECK(!p.strict && p.limit_us == INT64_C(5400000000) && p.added_per_day == 20);
    CHECK(p.added == PL_ADDED_AUTO);
    CHECK(p.removed_after_us == INT64_C(3600000000) && p.retyped_share == 0.01);
    CHECK(p.lost_share == 0.05 && p.lost_share_critical == 0.005);
    CHECK(p.conflict_share == 0.001);
    CHECK(p.auto_replay_bytes == UINT64_C(1073741824));
    CHECK(pl_project_drift_column(&l.project, l.mapping, 1).lost_share == 0.005);
    CHECK(pl_project_drift_column(&l.project, l.mapping, 2).lost_share == 0.05);
    CHECK_INT(0, l.warnings.count);
    done(&l);
}

TEST(the_narrower_place_decides_key_by_key)
{
    loaded l;
    load(&l,
         "policy: strict\n"
         "drift: {limit: 2h, lost_share: 10%, added: hold, added_per_day: 0, removed_after: 1d}\n",
         "policy: guarded\n"
         "drift:\n  limit: 30m\n  lost_share_critical: 0.02\n"
         "  columns:\n    likes: {policy: strict, lost_share: 1%}\n    id: {}\n"
         "    views: {retyped_share: 50%}\n");
    CHECK_INT(0, l.problems.count);
    pl_drift_policy p = pl_project_drift(&l.project, l.mapping);
    CHECK(!p.strict && p.limit_us == INT64_C(1800000000) && p.added_per_day == 0);
    CHECK(p.added == PL_ADDED_HOLD);
    CHECK(p.removed_after_us == INT64_C(86400000000) && p.retyped_share == 0.01);
    CHECK(p.lost_share == 0.1 && p.lost_share_critical == 0.02);
    pl_drift_policy likes = pl_project_drift_column(&l.project, l.mapping, 1);
    CHECK(likes.strict && likes.lost_share == 0.01 && likes.limit_us == p.limit_us);
    pl_drift_policy views = pl_project_drift_column(&l.project, l.mapping, 2);
    CHECK(!views.strict && views.lost_share == 0.1 && views.retyped_share == 0.5);
    CHECK_INT(0, l.warnings.count);
    done(&l);
}

TEST(a_critical_column_has_the_share_of_critical_ones)
{
    loaded l;
    load(&l, "drift: {lost_share_critical: 0.1%, auto_replay: 10GiB, auto_promote: true}\n", "");
    CHECK(pl_project_drift(&l.project, l.mapping).auto_promote);
    CHECK(pl_project_drift_column(&l.project, l.mapping, 1).lost_share == 0.001);
    CHECK(pl_project_drift_column(&l.project, l.mapping, 0).lost_share == 0.05);
    CHECK(pl_project_drift(&l.project, l.mapping).auto_replay_bytes == UINT64_C(10737418240));
    CHECK_MISTAKES("", &l.warnings);
    done(&l);
}

TEST(mistakes_have_a_place_and_the_nearest_name)
{
    loaded l;
    load(&l,
         "policy: lax\n"
         "drift: {limits: 90m, added_per_day: -1, removed_after: soon, retyped_share: 120%,\n"
         "        auto_replay: big, columns: {}, auto_promote: yes}\n",
         "policy: strikt\n"
         "drift: {lost_share: many, added: never, auto_replay: 1GiB, policy: strict, limit: [1h],\n"
         "        columns: {like: {}, views: {limit: 1h, policy: none}, id: 5%}}\n");
    CHECK_MISTAKES("4:9 unknown policy 'strikt'\n"
                   "  Did you mean 'strict'? Valid are guarded and strict.\n"
                   "5:21 'many' is not a share\n"
                   "  Write 2% or 0.02.\n"
                   "5:83 limit must be plain text, not a list\n"
                   "5:34 unknown added 'never'\n"
                   "  Valid are auto, hold and ignore.\n"
                   "5:41 unknown key 'auto_replay'\n"
                   "  Valid are retyped_share, lost_share, conflict_share, lost_share_critical, "
                   "limit, added, added_per_day, "
                   "removed_after, auto_promote and columns.\n"
                   "5:60 unknown key 'policy'\n"
                   "  Valid are retyped_share, lost_share, conflict_share, lost_share_critical, "
                   "limit, added, added_per_day, "
                   "removed_after, auto_promote and columns.\n"
                   "6:19 table 'posts' has no column 'like'\n"
                   "  Did you mean 'likes'? Valid are id, likes and views.\n"
                   "6:56 unknown policy 'none'\n"
                   "  Valid are guarded and strict.\n"
                   "6:37 unknown key 'limit'\n"
                   "  Valid are policy, retyped_share, lost_share and conflict_share.\n"
                   "6:67 a column's drift must be a map, not plain text\n"
                   "1:9 unknown policy 'lax'\n"
                   "  Valid are guarded and strict.\n"
                   "2:77 '120%' is not a share\n"
                   "  Write 2% or 0.02.\n"
                   "2:37 added_per_day '-1' is not a number from 0 to 1000\n"
                   "2:56 removed_after 'soon' is not a duration\n"
                   "  Write it as in 90m, 24h or 2d.\n"
                   "3:54 auto_promote 'yes' is neither true nor false\n"
                   "3:22 auto_replay 'big' is not a size\n"
                   "  Write it as in 512MiB or 10GB.\n"
                   "2:9 unknown key 'limits'\n"
                   "  Did you mean 'limit'? Valid are retyped_share, lost_share, conflict_share, "
                   "lost_share_critical, limit, "
                   "added, added_per_day, removed_after, auto_promote and auto_replay.\n"
                   "3:27 unknown key 'columns'\n"
                   "  Valid are retyped_share, lost_share, conflict_share, lost_share_critical, "
                   "limit, added, added_per_day, "
                   "removed_after, auto_promote and auto_replay.\n",
                   &l.problems);
    done(&l);
}

int main(void)
{
    return RUN_TESTS("contract/drift", T(without_a_word_the_defaults_hold),
                     T(the_narrower_place_decides_key_by_key),
                     T(a_critical_column_has_the_share_of_critical_ones),
                     T(mistakes_have_a_place_and_the_nearest_name));
}

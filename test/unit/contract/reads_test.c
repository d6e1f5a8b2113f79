// SPDX-License-Identifier: Apache-2.0
#include "contract/propose.h"
#include "mistakes.h"

static const char CONTRACT[] = "table: posts\n"
                               "columns:\n"
                               "  id:    string!\n"
                               "  likes: long\n"
                               "  views: long\n"
                               "  saves: long\n"
                               "  at:    timestamp\n"
                               "  owner: string\n"
                               "  extra: json\n"
                               "  none:  long\n";

static const char MAPPING[] = "source: s\n"
                              "into: posts\n"
                              "records: data.list[].posts[]\n"
                              "where: kind == \"post\" and not flags.hidden\n"
                              "map:\n"
                              "  id: item_id | id\n"
                              "  likes: stats.likes | $[\"a.b\"].c\n"
                              "  views: data[name=\"views\"].values[0].value\n"
                              "  saves: counts[1].n | stats.saves | = 0\n"
                              "  at: $received\n"
                              "  owner: $parent.owner.id | $doc.owner\n"
                              "  extra: more\n";

typedef struct parsed {
    pl_arena arena;
    pl_mapping *mapping;
} parsed;

static void parse(parsed *self)
{
    pl_problems problems = {0};
    *self = (parsed){0};
    pl_contract *contract =
        pl_contract_parse("c.yml", pl_span_of(CONTRACT), &self->arena, &problems, NULL);
    self->mapping =
        pl_mapping_parse("s.yml", pl_span_of(MAPPING), &contract, 1, &self->arena, &problems, NULL);
    CHECK_MISTAKES("", &problems);
}

TEST(a_rule_says_which_paths_it_reads)
{
    static const struct {
        const char *column, *want;
    } cases[] = {
        {"id", "$.item_id, $.id, "},
        {"likes", "$.stats.likes, $[\"a.b\"].c, "},
        {"views", "$.data[*].values[*].value, "},
        {"saves", "$.counts[*].n, $.stats.saves, "},
        {"at", ""},
        {"owner", "$doc.data.list[*].owner.id, $doc.owner, "},
    };
    parsed p;
    parse(&p);
    for (size_t i = 0; i < PL_COUNT(cases); i++) {
        int column = pl_contract_find(p.mapping->contract, pl_span_of(cases[i].column));
        pl_rule_path *paths;
        uint32_t count;
        pl_buf got = {0};
        pl_rule_shape_paths(p.mapping, pl_mapping_rule(p.mapping, (uint32_t)column), &p.arena,
                            &paths, &count);
        for (uint32_t j = 0; j < count; j++) pl_buf_printf(&got, "%.*s, ", PL_FMT(paths[j].path));
        CHECK_STR(cases[i].want, pl_buf_cstr(&got));
        pl_buf_done(&got);
    }
    pl_arena_done(&p.arena);
}

TEST(a_path_has_its_columns)
{
    static const struct {
        const char *path, *want;
        bool whole, selects;
    } cases[] = {
        {"$.item_id", "id ", false, false},
        {"$.id", "id ", false, false},
        {"$.i", "", false, false},
        {"$.stats.likes", "likes ", false, false},
        {"$.stats", "likes saves ", false, false},
        {"$.stats.likes.x", "", true, false},
        {"$[\"a.b\"].c", "likes ", false, false},
        {"$[\"a.b\"]", "likes ", false, false},
        {"$[\"stats\"][\"likes\"]", "likes ", false, false},
        {"$.a.b.c", "", false, false},
        {"$.data[*].values[*].value", "views ", false, false},
        {"$.data[*].values", "views ", false, false},
        {"$.data[*].name", "views ", false, false},
        {"$.data[*].title", "", false, false},
        {"$.data[*].values[*].name", "", false, false},
        {"$.data", "views ", false, false},
        {"$.data.values", "", false, false},
        {"$.counts[*].n", "saves ", false, false},
        {"$.more", "extra ", false, false},
        {"$.more.deep[*].x", "", true, false},
        {"$parent.owner", "owner ", false, false},
        {"$parent.owner.id", "owner ", false, false},
        {"$.owner.id", "", false, false},
        {"$doc.owner", "owner ", false, false},
        {"$doc.data.list", "owner ", false, true},
        {"$doc.data.list[*].posts", "", false, true},
        {"$doc.data.list[*].post", "", false, false},
        {"$.kind", "", false, true},
        {"$.flags", "", false, true},
        {"$.flags.shown", "", false, false},
        {"$", "id likes views saves extra ", false, true},
        {"$doc", "owner ", false, true},
        {"stats.likes", "", false, false},
        {"$.", "", false, false},
        {"$.a[", "", false, false},
        {"$.a[0]", "", false, false},
        {"$[\"a.b]", "", false, false},
        {"$parentx.y", "", false, false},
        {"", "", false, false},
    };
    parsed p;
    parse(&p);
    for (size_t i = 0; i < PL_COUNT(cases); i++) {
        pl_span path = pl_span_of(cases[i].path);
        uint32_t *columns, count;
        pl_buf got = {0};
        pl_mapping_columns_of(p.mapping, path, &p.arena, &columns, &count);
        for (uint32_t j = 0; j < count; j++)
            pl_buf_printf(&got, "%.*s ",
                          PL_FMT(p.mapping->contract->columns[columns[j]].field.name));
        CHECK_STR(cases[i].want, pl_buf_cstr(&got));
        CHECK(pl_mapping_takes_whole(p.mapping, path, &p.arena) == cases[i].whole);
        CHECK(pl_mapping_selects_by(p.mapping, path, &p.arena) == cases[i].selects);
        pl_buf_done(&got);
    }
    pl_arena_done(&p.arena);
}

int main(void)
{
    return RUN_TESTS("contract/reads", T(a_rule_says_which_paths_it_reads),
                     T(a_path_has_its_columns));
}

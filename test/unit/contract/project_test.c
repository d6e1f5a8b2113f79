// SPDX-License-Identifier: Apache-2.0
#include "contract/project.h"

#include <stdlib.h>
#include <unistd.h>

#include "mistakes.h"
#include "os/file.h"

static void check_settings(const char *text, const char *mistakes)
{
    pl_arena arena = {0};
    pl_problems problems = {0}, warnings = {0};
    pl_settings settings;
    bool good =
        pl_settings_parse("plumb.yaml", pl_span_of(text), &arena, &settings, &problems, &warnings);
    CHECK(good == (problems.count == 0));
    CHECK_MISTAKES(mistakes, &problems);
    pl_problems_done(&warnings);
    pl_arena_done(&arena);
}

TEST(settings_have_defaults)
{
    pl_arena arena = {0};
    pl_problems problems = {0}, warnings = {0};
    pl_settings s;
    CHECK(pl_settings_parse("plumb.yaml", PL_SPAN(""), &arena, &s, &problems, &warnings));
    CHECK_SPAN("./lake", s.lake);
    CHECK_SPAN("", s.state);
    CHECK_INT(0, s.threads);
    CHECK(s.memory_bytes == UINT64_C(536870912));
    CHECK(s.query_memory_bytes == UINT64_C(1073741824));
    CHECK(s.query_timeout_us == 60000000);
    CHECK(!s.has_guard && !s.drift.given && s.raw_level == 1);
    CHECK_INT(0, warnings.count);
    pl_arena_done(&arena);
}

TEST(settings_are_read_and_what_is_not_done_yet_is_said)
{
    pl_arena arena = {0};
    pl_problems problems = {0}, warnings = {0};
    pl_settings s;
    CHECK(
        pl_settings_parse("plumb.yaml",
                          PL_SPAN("lake: /var/lake\nstate: s.db\nthreads: 4\nmemory: 1.5GiB\n"
                                  "query: {memory: 2GB, timeout: 1m30s}\n"
                                  "guard: {price_per_tb: 5.00, max_bytes: 10GiB}\npolicy: strict\n"
                                  "raw: {level: 0}\ndrift: {auto_replay: 1GiB}\n"),
                          &arena, &s, &problems, &warnings));
    CHECK_INT(4, s.threads);
    CHECK(s.memory_bytes == UINT64_C(1610612736));
    CHECK(s.query_memory_bytes == UINT64_C(2000000000));
    CHECK(s.query_timeout_us == 90000000);
    CHECK(s.has_guard && s.guard_price_per_tb == 5 && s.guard_bytes_max == UINT64_C(10737418240));
    CHECK(s.drift.values.strict && s.raw_level == 0);
    CHECK_MISTAKES("6:1 guard is not applied by this version\n", &warnings);
    pl_arena_done(&arena);
}

TEST(settings_report_all_mistakes)
{
    check_settings(
        "lake: s3://b\nthreads: many\nmemory: 12\nquery: {memory: big, timeout: 0s}\n"
        "guard: {price_per_tb: -1}\npolicy: lax\nraw: {level: 9}\nthread: 1\n",
        "8:1 unknown key 'thread'\n"
        "  Did you mean 'threads'? Valid are lake, state, threads, memory, query, guard, "
        "policy, raw and drift.\n"
        "1:7 lake 's3://b': only local paths are supported by this version\n"
        "2:10 threads 'many' is not a number from 0 to 1024\n"
        "3:9 memory '12' is below the least, 128MiB\n"
        "4:17 memory 'big' is not a size\n"
        "  Write it as in 512MiB or 10GB.\n"
        "4:31 timeout '0s' is not a duration\n"
        "  Write it as in 60s or 5m.\n"
        "5:23 price_per_tb '-1' is not a price\n"
        "6:9 unknown policy 'lax'\n"
        "  Valid are guarded and strict.\n"
        "7:14 level '9' is not a number from 0 to 3\n");
}

TEST(sizes_and_durations_are_exact_or_refused)
{
    uint64_t bytes = 7;
    int64_t us = 7;
    CHECK(pl_size_parse(PL_SPAN("4096"), &bytes) && bytes == 4096);
    CHECK(pl_size_parse(PL_SPAN("64k"), &bytes) && bytes == 64000);
    CHECK(pl_size_parse(PL_SPAN("0.5KiB"), &bytes) && bytes == 512);
    CHECK(!pl_size_parse(PL_SPAN("0.3B"), &bytes));
    CHECK(!pl_size_parse(PL_SPAN("99999999999TiB"), &bytes));
    CHECK(!pl_size_parse(PL_SPAN("12 MiB"), &bytes) && !pl_size_parse(PL_SPAN(""), &bytes));
    CHECK(pl_duration_parse(PL_SPAN("250ms"), &us) && us == 250000);
    CHECK(pl_duration_parse(PL_SPAN("1h30m"), &us) && us == INT64_C(5400000000));
    CHECK(!pl_duration_parse(PL_SPAN("90"), &us) && !pl_duration_parse(PL_SPAN(""), &us));
    CHECK(!pl_duration_parse(PL_SPAN("9999999999w"), &us));
}

static void write_file(const char *dir, const char *name, const char *text)
{
    plumb_error err;
    pl_arena arena = {0};
    char *path = pl_arena_printf(&arena, "%s/%s", dir, name);
    CHECK_OK(pl_path_write(path, pl_span_of(text), &err), err);
    pl_arena_done(&arena);
}

static void make_dir(const char *dir, const char *name)
{
    plumb_error err;
    pl_arena arena = {0};
    CHECK_OK(pl_path_make_directories(pl_arena_printf(&arena, "%s/%s", dir, name), &err), err);
    pl_arena_done(&arena);
}

static void remove_tree(const char *dir)
{
    static const char *const names[] = {"plumb.yaml",      "contracts/a.yml", "contracts/b.yaml",
                                        "contracts/x.txt", "sources/s.yml",   "sources/t.yml",
                                        "contracts",       "sources",         ""};
    for (size_t i = 0; i < PL_COUNT(names); i++) {
        char path[512];
        snprintf(path, sizeof path, "%s/%s", dir, names[i]);
        remove(path);
    }
}

TEST(project_loads_every_file_of_a_folder)
{
    char dir[] = "/tmp/plumb-project-XXXXXX";
    CHECK(mkdtemp(dir) != NULL);
    pl_arena arena = {0};
    pl_problems problems = {0}, warnings = {0};
    plumb_error err;
    pl_project *project;
    CHECK_INT(PLUMB_E_NOT_FOUND,
              pl_project_load(dir, &arena, &project, &problems, &warnings, &err));
    write_file(dir, "plumb.yaml", "lake: ./lake\n");
    make_dir(dir, "contracts");
    make_dir(dir, "sources");
    write_file(dir, "contracts/a.yml", "table: a\ncolumns: {x: long}\n");
    write_file(dir, "contracts/b.yaml", "table: b\ncolumns: {x: long}\n");
    write_file(dir, "contracts/x.txt", "not read");
    write_file(dir, "sources/s.yml", "source: s\ninto: a\nmap: {x: x}\n");
    CHECK_OK(pl_project_load(dir, &arena, &project, &problems, &warnings, &err), err);
    CHECK_INT(2, project->contract_count);
    CHECK_INT(1, project->mapping_count);
    CHECK(pl_project_contract(project, PL_SPAN("b")) == project->contracts[1]);
    CHECK(pl_project_mapping(project, PL_SPAN("s"), PL_SPAN("a")) == project->mappings[0]);
    CHECK(pl_project_mapping(project, PL_SPAN("s"), PL_SPAN("b")) == NULL);
    CHECK_STR(pl_arena_printf(&arena, "%s/lake", dir), project->lake_path);
    CHECK_STR(pl_arena_printf(&arena, "%s/lake/plumb.db", dir), project->state_path);
    CHECK_INT(0, problems.count + warnings.count);
    remove_tree(dir);
    pl_arena_done(&arena);
}

TEST(project_reports_the_mistakes_of_all_files_at_once)
{
    char dir[] = "/tmp/plumb-project-XXXXXX";
    CHECK(mkdtemp(dir) != NULL);
    pl_arena arena = {0};
    pl_problems problems = {0}, warnings = {0};
    plumb_error err;
    pl_project *project;
    make_dir(dir, "contracts");
    make_dir(dir, "sources");
    write_file(dir, "plumb.yaml", "lak: x\n");
    write_file(dir, "contracts/a.yml", "table: a\ncolumns: {x: lng}\n");
    write_file(dir, "contracts/b.yaml", "table: b\ncolumns: {x: long}\n");
    // Table a exists, though its contract has a mistake: that is not reported a second time.
    write_file(dir, "sources/s.yml", "source: s\ninto: a\nmap: {x: 'x |'}\n");
    write_file(dir, "sources/t.yml", "source: t\ninto: b\nmap: {y: y}\n");
    CHECK_INT(PLUMB_E_CONFIG, pl_project_load(dir, &arena, &project, &problems, &warnings, &err));
    pl_buf got = {0};
    for (uint32_t i = 0; i < problems.count; i++)
        pl_buf_printf(&got, "%s:%u:%u: %s\n", problems.items[i].file, problems.items[i].line,
                      problems.items[i].column, problems.items[i].message);
    CHECK_STR("contracts/a.yml:2:14: unknown type 'lng'\n"
              "plumb.yaml:1:1: unknown key 'lak'\n"
              "sources/s.yml:3:14: a path is missing beside '|'\n"
              "sources/t.yml:3:7: table 'b' has no column 'y'\n",
              pl_buf_cstr(&got));
    CHECK_STR(pl_arena_printf(&arena, "cannot use project '%s': 4 mistakes in its files", dir),
              err.message);
    pl_buf_done(&got);
    pl_problems_done(&problems);
    remove_tree(dir);
    pl_arena_done(&arena);
}

int main(void)
{
    return RUN_TESTS("contract/project", T(settings_have_defaults),
                     T(settings_are_read_and_what_is_not_done_yet_is_said),
                     T(settings_report_all_mistakes), T(sizes_and_durations_are_exact_or_refused),
                     T(project_loads_every_file_of_a_folder),
                     T(project_reports_the_mistakes_of_all_files_at_once));
}

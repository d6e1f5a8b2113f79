// unit.h -- the few words our cmocka tests are written in.
//
// TEST(suite_says_behaviour) { ... } defines one test; the list at the end of the file names them
// all: int main(void) { return RUN_TESTS("folder/file", T(a), T(b)); }
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_TEST_UNIT_H
#define PL_TEST_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/base.h"
#include "base/error.h"

#define TEST(name) static void name(__attribute__((unused)) void **state)
#define T(name)    cmocka_unit_test(name)
#define RUN_TESTS(group, ...)                                                                      \
    cmocka_run_group_tests_name(group, ((const struct CMUnitTest[]){__VA_ARGS__}), NULL, NULL)

#define CHECK(condition)      assert_true(condition)
#define CHECK_INT(want, got)  assert_int_equal(got, want)
#define CHECK_STR(want, got)  assert_string_equal(got, want)
#define CHECK_SPAN(want, got) check_span(want, got, __FILE__, __LINE__)
#define CHECK_OK(call, err)                                                                        \
    do {                                                                                           \
        if ((call) != PLUMB_OK) fail_msg("%s: %s", #call, (err).message);                          \
    } while (0)

static inline void check_span(const char *want, pl_span got, const char *file, int line)
{
    pl_span wanted = pl_span_of(want);
    if (!pl_span_equal(wanted, got)) {
        if (!got.data) got = PL_SPAN(""); // printf takes no NULL, not even for no bytes
        if (!wanted.data) wanted = PL_SPAN("");
        print_error("want: %.*s\n got: %.*s\n", PL_FMT(wanted), PL_FMT(got));
        _fail(file, line);
    }
}

#endif

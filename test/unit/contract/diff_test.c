// SPDX-License-Identifier: Apache-2.0
#include "contract/diff.h"

#include "unit.h"

static void check(const char *from, const char *to, const char *want)
{
    pl_buf out = {0};
    pl_diff_unified(&out, "f.yml", pl_span_of(from), pl_span_of(to));
    CHECK_STR(want, pl_buf_cstr(&out));
    pl_buf_done(&out);
}

#define HEAD "--- f.yml\n+++ f.yml\n"

TEST(a_diff_shows_the_lines_that_change_alone)
{
    check("a\nb\nc\n", "a\nb\nc\n", "");
    check("", "", "");
    check("a\nb\nc\n", "a\nx\nc\n", HEAD "@@ -2 +2 @@\n-b\n+x\n");
    check("a\nb\nc\n", "a\nb\nx\nc\n", HEAD "@@ -2,0 +3 @@\n+x\n");
    check("a\nb\nc\n", "a\nc\n", HEAD "@@ -2 +1,0 @@\n-b\n");
    check("", "a\nb\n", HEAD "@@ -0,0 +1,2 @@\n+a\n+b\n");
    check("a\n", "", HEAD "@@ -1 +0,0 @@\n-a\n");
    check("a\nb\n", "x\ny\nz\n", HEAD "@@ -1,2 +1,3 @@\n-a\n-b\n+x\n+y\n+z\n");
}

TEST(hunks_know_where_they_stand_on_either_side)
{
    check("1\n2\n3\n4\n5\n6\n7\n", "1\nx\ny\n3\n4\n6\nz\n7\n",
          HEAD "@@ -2 +2,2 @@\n-2\n+x\n+y\n@@ -5 +5,0 @@\n-5\n@@ -6,0 +7 @@\n+z\n");
    check("a\nb\nc\nd\n", "a\nx\nb\ny\nc\nd\nz\n",
          HEAD "@@ -1,0 +2 @@\n+x\n@@ -2,0 +4 @@\n+y\n@@ -4,0 +7 @@\n+z\n");
}

TEST(a_last_line_without_an_end_says_so)
{
    check("a\nb", "a\nc",
          HEAD "@@ -2 +2 @@\n-b\n\\ No newline at end of file\n+c\n\\ No newline at "
               "end of file\n");
    check("a", "a\nb\n", HEAD "@@ -1 +1,2 @@\n-a\n\\ No newline at end of file\n+a\n+b\n");
    check("a\r\nb\r\n", "a\r\nc\r\n", HEAD "@@ -2 +2 @@\n-b\r\n+c\r\n");
}

int main(void)
{
    return RUN_TESTS("contract/diff", T(a_diff_shows_the_lines_that_change_alone),
                     T(hunks_know_where_they_stand_on_either_side),
                     T(a_last_line_without_an_end_says_so));
}

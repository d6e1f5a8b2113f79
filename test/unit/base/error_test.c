// SPDX-License-Identifier: Apache-2.0
#include "base/error.h"

#include <errno.h>
#include <stdlib.h>

#include "unit.h"

TEST(error_fail_fills_the_message_and_clears_place_and_hint)
{
    plumb_error err;
    memset(&err, 0x55, sizeof err);
    CHECK_INT(PLUMB_E_LIMIT, pl_fail(&err, PLUMB_E_LIMIT, "cannot read '%s': %d", "x", 7));
    CHECK_STR("cannot read 'x': 7", err.message);
    CHECK_INT(PLUMB_E_LIMIT, err.status);
    CHECK_INT(0, err.os_errno);
    CHECK_INT(0, err.line);
    CHECK_INT(0, err.column);
    CHECK_INT(-1, err.offset);
    CHECK_STR("", err.file);
    CHECK_STR("", err.hint);
}

TEST(error_functions_take_null_everywhere)
{
    CHECK_INT(PLUMB_E_FAILED, pl_fail(NULL, PLUMB_E_FAILED, "x"));
    CHECK_INT(PLUMB_E_NOT_FOUND, pl_fail_errno(NULL, ENOENT, "x"));
    pl_hint(NULL, "x");
    pl_place(NULL, "f", 1, 2);
    pl_context(NULL, "x");
}

TEST(error_errno_chooses_the_status_and_ends_the_message)
{
    static const struct {
        int os_errno;
        plumb_status status;
        const char *message;
    } cases[] = {
        {ENOSPC, PLUMB_E_UNAVAILABLE, "cannot write 'f': No space left on device"},
        {EDQUOT, PLUMB_E_UNAVAILABLE, "cannot write 'f': Disk quota exceeded"},
        {EINTR, PLUMB_E_UNAVAILABLE, "cannot write 'f': Interrupted system call"},
        {EAGAIN, PLUMB_E_UNAVAILABLE, "cannot write 'f': Resource temporarily unavailable"},
        {ENOENT, PLUMB_E_NOT_FOUND, "cannot write 'f': No such file or directory"},
        {EACCES, PLUMB_E_FAILED, "cannot write 'f': Permission denied"},
    };
    for (size_t i = 0; i < PL_COUNT(cases); i++) {
        plumb_error err;
        CHECK_INT(cases[i].status,
                  pl_fail_errno(&err, cases[i].os_errno, "cannot write '%s'", "f"));
        CHECK_INT(cases[i].status, err.status);
        CHECK_INT(cases[i].os_errno, err.os_errno);
        CHECK_STR(cases[i].message, err.message);
        bool full = cases[i].os_errno == ENOSPC || cases[i].os_errno == EDQUOT;
        CHECK_STR(full ? PL_HINT_DISK_FULL : "", err.hint);
    }
}

TEST(error_hint_place_and_context_add_to_an_error_just_made)
{
    plumb_error err;
    pl_fail(&err, PLUMB_E_CONFIG, "unknown parser '%s'", "percnt");
    pl_place(&err, "sources/t.yml", 9, 20);
    pl_hint(&err, "Did you mean '%s'?", "percent");
    pl_context(&err, "cannot read mapping '%s'", "t");
    CHECK_STR("cannot read mapping 't': unknown parser 'percnt'", err.message);
    CHECK_STR("Did you mean 'percent'?", err.hint);
    CHECK_STR("sources/t.yml", err.file);
    CHECK_INT(9, err.line);
    CHECK_INT(20, err.column);
}

TEST(error_texts_too_long_are_cut_and_terminated)
{
    char big[2000];
    memset(big, 'x', sizeof big - 1);
    big[sizeof big - 1] = '\0';
    plumb_error err;
    pl_fail(&err, PLUMB_E_FAILED, "%s", big);
    CHECK_INT(sizeof err.message - 1, strlen(err.message));
    pl_hint(&err, "%s", big);
    CHECK_INT(sizeof err.hint - 1, strlen(err.hint));
    pl_place(&err, big, 1, 1);
    CHECK_INT(sizeof err.file - 1, strlen(err.file));
    pl_context(&err, "%.500s", big);
    CHECK_INT(sizeof err.message - 1, strlen(err.message));
    CHECK_STR(": xxxxxxxxx", err.message + 500);
    pl_context(&err, "%s", big);
    CHECK_INT(sizeof err.message - 1, strlen(err.message));
    pl_fail_errno(&err, ENOENT, "%s", big);
    CHECK_INT(sizeof err.message - 1, strlen(err.message));
}

TEST(problems_keep_the_first_200_and_count_the_others)
{
    pl_problems list = {0};
    for (uint32_t i = 0; i < PL_PROBLEMS_MAX + 5; i++)
        pl_hint(pl_problem(&list, "f.yml", i + 1, 2, "mistake %u", i), "Hint %u.", i);
    CHECK_INT(PL_PROBLEMS_MAX, list.count);
    CHECK_INT(5, list.dropped);
    plumb_error *last = &list.items[PL_PROBLEMS_MAX - 1];
    CHECK_STR("mistake 199", last->message);
    CHECK_STR("Hint 199.", last->hint);
    CHECK_STR("f.yml", last->file);
    CHECK_INT(200, last->line);
    CHECK_INT(2, last->column);
    CHECK_INT(PLUMB_E_CONFIG, last->status);
    CHECK_INT(-1, last->offset);
    pl_problems_done(&list);
    CHECK_INT(0, list.count);
    pl_problems_done(&list);
}

static plumb_status tried(plumb_status status, bool *ret_went_on)
{
    *ret_went_on = false;
    PL_TRY(status);
    *ret_went_on = true;
    return PLUMB_OK;
}

TEST(error_try_returns_a_failure_and_goes_on_after_ok)
{
    bool went_on;
    CHECK_INT(PLUMB_E_CONFLICT, tried(PLUMB_E_CONFLICT, &went_on));
    CHECK(!went_on);
    CHECK_INT(PLUMB_OK, tried(PLUMB_OK, &went_on));
    CHECK(went_on);
}

TEST(error_grow_makes_the_next_index_writable)
{
    int *numbers = NULL;
    uint32_t count = 0, capacity = 0;
    for (int i = 0; i < 100; i++) {
        PL_GROW(numbers, count, capacity);
        numbers[count++] = i;
    }
    for (int i = 0; i < 100; i++) CHECK_INT(i, numbers[i]);
    free(numbers);
    free(pl_alloc(0));
    free(pl_zalloc(0, 8));
    free(pl_realloc(NULL, 0));
}

int main(void)
{
    return RUN_TESTS("base/error", T(error_fail_fills_the_message_and_clears_place_and_hint),
                     T(error_functions_take_null_everywhere),
                     T(error_errno_chooses_the_status_and_ends_the_message),
                     T(error_hint_place_and_context_add_to_an_error_just_made),
                     T(error_texts_too_long_are_cut_and_terminated),
                     T(problems_keep_the_first_200_and_count_the_others),
                     T(error_try_returns_a_failure_and_goes_on_after_ok),
                     T(error_grow_makes_the_next_index_writable));
}

// mistakes.h -- a list of mistakes as text, so that a test states whole messages.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_TEST_MISTAKES_H
#define PL_TEST_MISTAKES_H

#include <stdio.h>

#include "base/buf.h"
#include "unit.h"

// "line:column message" per mistake, its hint in a line of its own behind "  ".
static inline void check_mistakes(const char *want, pl_problems *problems, const char *file,
                                  int line)
{
    pl_buf got = {0};
    for (uint32_t i = 0; i < problems->count; i++) {
        const plumb_error *item = &problems->items[i];
        pl_buf_printf(&got, "%u:%u %s\n", item->line, item->column, item->message);
        if (item->hint[0]) pl_buf_printf(&got, "  %s\n", item->hint);
    }
    if (strcmp(want, pl_buf_cstr(&got)) != 0) {
        fprintf(stderr, "want:\n%sgot:\n%s", want, pl_buf_cstr(&got));
        _fail(file, line);
    }
    pl_buf_done(&got);
    pl_problems_done(problems);
    *problems = (pl_problems){0};
}
#define CHECK_MISTAKES(want, problems) check_mistakes(want, problems, __FILE__, __LINE__)

#endif

// guard.h -- memory that ends where nobody may read.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_TEST_GUARD_H
#define PL_TEST_GUARD_H

#include <sys/mman.h>

#include "unit.h"

enum { GUARD_PAGE = 4096 };

// `bytes` bytes that end at a page nobody may touch; `which` tells two such places apart.
static inline char *guarded(int which, size_t bytes)
{
    static char *pages[2];
    if (!pages[which]) {
        char *made =
            mmap(NULL, 2 * GUARD_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        CHECK(made != MAP_FAILED && mprotect(made + GUARD_PAGE, GUARD_PAGE, PROT_NONE) == 0);
        pages[which] = made;
    }
    CHECK(bytes <= GUARD_PAGE);
    return pages[which] + GUARD_PAGE - bytes;
}

#endif

// guard.h -- memory that ends where nobody may read.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_TEST_GUARD_H
#define PL_TEST_GUARD_H

#include <sys/mman.h>

#include "unit.h"

enum { GUARD_PAGE = 4096 };

// A page between two that nobody may touch; `which` tells two of them apart.
static inline char *guarded_page(int which)
{
    static char *pages[2];
    if (!pages[which]) {
        char *made = mmap(NULL, 3 * GUARD_PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        CHECK(made != MAP_FAILED);
        CHECK_INT(0, mprotect(made + GUARD_PAGE, GUARD_PAGE, PROT_READ | PROT_WRITE));
        pages[which] = made + GUARD_PAGE;
    }
    return pages[which];
}

// The last `bytes` bytes of such a page.
static inline char *guarded(int which, size_t bytes)
{
    CHECK(bytes <= GUARD_PAGE);
    return guarded_page(which) + GUARD_PAGE - bytes;
}

#endif

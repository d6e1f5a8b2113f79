// error.h -- one must-use status that drives code, one optional error object for people.
//
// A status is a decision (retry, quarantine, fix the call, give up), not a diagnosis; the
// diagnosis is in plumb_error: message, place, hint. Every function that can fail returns
// plumb_status and takes `plumb_error *err` last; NULL is allowed everywhere. Outputs are
// written only on success.
//
// Messages: `cannot <verb> <kind> '<name>': <reason>`, lower case, no full stop, one line.
// Advice is a full sentence in `hint`.
//
// Out of memory is not a status: pl_oom() ends the process with exit code 1. Every durable step
// is atomic, so the next command continues with nothing lost and nothing twice.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_BASE_ERROR_H
#define PL_BASE_ERROR_H

#include <stdarg.h>

#include "base/base.h"

typedef enum plumb_status {
    PLUMB_OK = 0,
    PLUMB_E_MISUSE,      // the caller broke the contract; nothing was changed
    PLUMB_E_CONFIG,      // a file or flag the user wrote is wrong: exit code 2
    PLUMB_E_LIMIT,       // a configured bound was reached
    PLUMB_E_MALFORMED,   // bytes are not what their format promises
    PLUMB_E_NOT_FOUND,   // the named thing does not exist
    PLUMB_E_CONFLICT,    // another writer came first: reload and retry
    PLUMB_E_UNAVAILABLE, // a disk, peer or lock said "later": retry
    PLUMB_E_CANCELLED,   // the user asked to stop
    PLUMB_E_FAILED,      // it said "no"; os_errno may say why
    PLUMB_E_UNKNOWN,     // it may have happened: find out before undoing
} plumb_status;

typedef struct plumb_error {
    plumb_status status;
    int os_errno;      // 0 unless the operating system refused
    uint32_t line;     // 1-based in `file`, 0 if none
    uint32_t column;   // 1-based byte column, 0 if none
    int64_t offset;    // byte in the input being read, -1 if none
    char file[256];    // file the place is in, "" if none
    char message[512]; // cannot <verb> <kind> '<name>': <reason>
    char hint[512];    // one sentence of advice, or ""
} plumb_error;

// Return early with a callee's failure. Use only where nothing needs releasing.
#define PL_TRY(expr)                                                                               \
    do {                                                                                           \
        plumb_status pl_try_ = (expr);                                                             \
        if (pl_try_ != PLUMB_OK) return pl_try_;                                                   \
    } while (0)

// Fill *err (if not NULL; place and hint are cleared) and return `status`, so that a failure is
// one line: return pl_fail(err, PLUMB_E_LIMIT, "cannot ...", ...).
plumb_status pl_fail(plumb_error *err, plumb_status status, const char *fmt, ...) PL_PRINTF(3, 4);

// As pl_fail, with ": <strerror>" appended and os_errno kept. ENOSPC, EDQUOT, EINTR and EAGAIN
// become PLUMB_E_UNAVAILABLE, ENOENT becomes PLUMB_E_NOT_FOUND, anything else PLUMB_E_FAILED.
plumb_status pl_fail_errno(plumb_error *err, int os_errno, const char *fmt, ...) PL_PRINTF(3, 4);

// Advice where a disk is full; pl_fail_errno gives it by itself.
#define PL_HINT_DISK_FULL                                                                          \
    "Make room on the disk of that path, and give the command again: what was landed and "         \
    "published is kept, and nothing is there in part."

// Set the advice of an error just made. No-op on NULL.
void pl_hint(plumb_error *err, const char *fmt, ...) PL_PRINTF(2, 3);

// Set the place of an error just made: file:line:column. No-op on NULL.
void pl_place(plumb_error *err, const char *file, uint32_t line, uint32_t column);

// Put `fmt` and ": " before the message: for a layer that adds a new noun (column -> object).
void pl_context(plumb_error *err, const char *fmt, ...) PL_PRINTF(2, 3);

// A bounded list of mistakes, so that all are reported at once. Zero-initialise; items are
// owned, pl_problems_done frees. Past PL_PROBLEMS_MAX they are only counted in `dropped`.
#define PL_PROBLEMS_MAX 200
typedef struct pl_problems {
    plumb_error *items;
    uint32_t count, capacity, dropped;
} pl_problems;

// Add one mistake (status PLUMB_E_CONFIG) and return it for pl_hint; never NULL.
plumb_error *pl_problem(pl_problems *list, const char *file, uint32_t line, uint32_t column,
                        const char *fmt, ...) PL_PRINTF(5, 6);
void pl_problems_done(pl_problems *list);

// Abort the process: memory is gone. `bytes` is what was asked for.
void pl_oom(size_t bytes) PL_NORETURN;
// malloc, calloc, realloc that cannot return NULL.
void *pl_alloc(size_t bytes) __attribute__((malloc, returns_nonnull));
void *pl_zalloc(size_t count, size_t bytes) __attribute__((malloc, returns_nonnull));
void *pl_realloc(void *old, size_t bytes) __attribute__((returns_nonnull));

// Grow `array` (elements of its own type) so that index `count` is writable.
#define PL_GROW(array, count, capacity)                                                            \
    do {                                                                                           \
        if ((count) >= (capacity)) {                                                               \
            (capacity) = (capacity) ? (capacity)*2 : 8;                                            \
            (array) = pl_realloc((array), (size_t)(capacity) * sizeof *(array));                   \
        }                                                                                          \
    } while (0)

#endif

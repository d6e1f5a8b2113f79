// fuzz.h -- what a fuzz target is made of.
//
// A target is one file: fuzz_one is given any bytes and must survive them, fuzz_seeds hands out
// inputs that reach deep, made by the project's own writers. The file is linked twice:
//
//     engine.c   under libFuzzer, for `make fuzz` (clang, -Dfuzz=true)
//     replay.c   under a plain main that runs the seeds, and damaged copies of them, once: a test
//
// A property that does not hold is FUZZ_CHECK's to report: it ends the process, as a sanitizer
// does. Inputs are copied to memory of exactly their size.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_FUZZ_FUZZ_H
#define PL_FUZZ_FUZZ_H

#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/buf.h"
#include "store/store.h"

// The target's two functions.
void fuzz_one(pl_span input);
void fuzz_seeds(void);

// For fuzz_seeds: one more input.
void fuzz_seed(pl_span input);
void fuzz_seed_text(const char *input);

#define FUZZ_CHECK(condition)                                                                      \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #condition);         \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

// Take the first byte of an input, which steers a target; 0 when there is none.
static inline unsigned fuzz_byte(pl_span *input)
{
    if (!input->bytes) return 0;
    input->bytes--;
    return (unsigned char)*input->data++;
}

// Take what stands before the first `end`, which is dropped; all of it when there is none.
static inline pl_span fuzz_until(pl_span *input, char end)
{
    const char *found = input->bytes ? memchr(input->data, end, input->bytes) : NULL;
    pl_span taken = *input;
    if (found) taken.bytes = (size_t)(found - input->data);
    size_t used = taken.bytes + (found != NULL);
    if (used) *input = (pl_span){input->data + used, input->bytes - used};
    return taken;
}

// Bytes as a callback gives them, `chunk` at a time; fuzz_read is a pl_read_fn.
typedef struct fuzz_feed {
    pl_span left;
    size_t chunk;
} fuzz_feed;
plumb_status fuzz_read(void *feed, void *buffer, size_t bytes, size_t *ret_got, plumb_error *err);
// Append to a pl_buf: a pl_write_fn.
plumb_status fuzz_write(void *buf, pl_span bytes, plumb_error *err);

// A store in memory-backed files where there are any; removed when the process ends as it should.
pl_store *fuzz_store(void);
// Put one object there, in place of what had this key.
void fuzz_object(const char *key, pl_span bytes);

// Whether the text is JSON (RFC 8259, UTF-8, at most PL_DEPTH_MAX deep): a second opinion.
bool fuzz_json(pl_span text);
// Whether the text is one JSON number and nothing else.
bool fuzz_number(pl_span text);

#endif

// out.h -- a JSON writer that can write the same document in several ways.
//
// Commas, colons and nesting are its business; the caller says keys and values in order. A style
// changes what a reader has to cope with and never what the document means:
//
//   OUT_PLAIN    compact, UTF-8
//   OUT_SPACED   a space after every colon and comma
//   OUT_ESCAPED  everything beyond ASCII as \uXXXX, and / as \/
//   OUT_SHUFFLE  the members of every object in an order of chance
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_SAMPLES_OUT_H
#define PL_SAMPLES_OUT_H

#include <stdio.h>

#include "random.h"

#define OUT_DEPTH   16 // nested objects and arrays
#define OUT_MEMBERS 64 // of one object

typedef enum out_style { OUT_PLAIN, OUT_SPACED, OUT_ESCAPED, OUT_SHUFFLE } out_style;

typedef struct out {
    FILE *file;
    out_style style;
    rng chance; // for OUT_SHUFFLE
    char *data;
    size_t bytes, capacity;
    char *spare; // as large as data
    int depth;
    struct {
        bool object;
        uint32_t count;
        size_t start;               // after the bracket
        size_t member[OUT_MEMBERS]; // where each one begins, objects only
    } level[OUT_DEPTH];
} out;

void out_init(out *o, FILE *file, out_style style, uint64_t seed);

void out_object(out *o);
void out_array(out *o);
void out_end(out *o); // of the innermost object or array

void out_key(out *o, const char *key);
void out_int(out *o, int64_t value);
void out_bool(out *o, bool value);
void out_null(out *o);
void out_text(out *o, const char *text); // UTF-8
void out_raw(out *o, const char *json);  // a value already written as JSON

// value / 10^decimals, all decimals written: out_fixed(o, 473, 4) is 0.0473.
void out_fixed(out *o, int64_t value, int decimals);

void out_line(out *o); // a line feed between documents or elements; writes out what is complete

// Write what is left. False if the file took less than all of it.
bool out_finish(out *o);

#endif

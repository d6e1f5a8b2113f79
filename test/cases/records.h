// records.h -- records of a case file, and the shape they make.
//
// One JSON object a line. With a number behind the head of their block each line that has a '$' is
// there so often, with $n = 1, 2, ... and values that follow from it: $a100 is a number below 100,
// another for each letter and n, but the same in every block; $a{x|y|z} one of these. `*7`, `/7`,
// `+7`, `+$b9` behind a number calculate, from left to right. A line "---" begins the next raw
// object; each is received a microsecond after the one before.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_TEST_RECORDS_H
#define PL_TEST_RECORDS_H

#include "shape/shape.h"

typedef struct case_records {
    pl_span text;
    uint32_t times;
    pl_span by;       // key of the records that names their entity; none: their position does
    const char *side; // a word to tell positions by
} case_records;

typedef struct case_visitor {
    void (*record)(void *context, const pl_json *record); // may be NULL
    void (*object)(void *context);                        // one ends; may be NULL
    void *context;
} case_visitor;

// All of them into a shape, which is settled.
void case_shape(const case_records *records, int64_t received_us, const case_visitor *visitor,
                pl_shape *ret_shape);

#endif

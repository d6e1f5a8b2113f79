// number.h -- from number text to typed values: exact, or a verdict that says why not.
//
// Numbers stay text until the type of their column is known (invariant I9). Text is JSON number
// grammar (RFC 8259 section 6); a leading '+' is not accepted. Nothing here rounds silently, except
// that a double or float takes the value nearest to the text (round half to even), which is what
// those types mean; a text that is not zero never becomes zero or infinity.
//
// Threads: any.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_BASE_NUMBER_H
#define PL_BASE_NUMBER_H

#include "base/base.h"
#include "base/decimal.h"

typedef enum pl_number_verdict {
    PL_NUMBER_OK = 0,
    PL_NUMBER_SYNTAX,  // not a number at all
    PL_NUMBER_RANGE,   // too large for the type
    PL_NUMBER_INEXACT, // has digits the type cannot hold: 5.5 as long, 1.005 as decimal(5,2)
    PL_NUMBER_TINY,    // not zero, but nearer to zero than the type can say
} pl_number_verdict;

// "is not a number", "is out of range", ...: for messages.
const char *pl_number_reason(pl_number_verdict verdict);

// A number taken apart: (-1)^negative * digits * 10^exponent. `digits` holds the significant
// digits without leading or trailing zeros (count 0 for zero).
typedef struct pl_number {
    bool negative;
    int64_t exponent; // clamped to +-10^9, far beyond every type
    uint32_t count;   // significant digits
    uint64_t leading; // the first min(count, 19) of them as an integer
    pl_span text;     // the text it was made from (borrowed), for the slow path
} pl_number;

pl_number_verdict pl_number_parse(pl_span text, pl_number *ret_number);

// number * 10^shift, as the type. `shift` serves percent (-2) without a second rounding.
pl_number_verdict pl_number_long(const pl_number *number, int shift, int64_t *ret_value);
pl_number_verdict pl_number_double(const pl_number *number, int shift, double *ret_value);
pl_number_verdict pl_number_float(const pl_number *number, int shift, float *ret_value);
pl_number_verdict pl_number_decimal(const pl_number *number, int shift, int precision, int scale,
                                    pl_i128 *ret_unscaled);

// A JSON number of at most 18 bytes without exponent and not -0 as value / 10^fraction, at a third
// of what pl_number_parse takes. false: another text, a number or not.
bool pl_number_plain(pl_span text, int64_t *ret_value, uint32_t *ret_fraction);
// value / 10^digits as a double, when one exact division gives it: digits <= 22 and no more bits in
// `value` than a double has.
bool pl_number_quick(int64_t value, uint32_t digits, double *ret_value);

// Which is larger, by value and exactly: < 0, 0 or > 0, as memcmp.
int pl_number_compare(const pl_number *a, const pl_number *b);

// Shortest text that reads back as the same value, valid JSON; non-finite values are written
// as NaN, Infinity, -Infinity. `out` needs 32 bytes; returns the bytes written.
int pl_number_double_text(double value, char out[32]);
int pl_number_float_text(float value, char out[32]);

#endif

// SPDX-License-Identifier: Apache-2.0
#include "base/decimal.h"

pl_i128 pl_decimal_power(int exponent)
{
    pl_i128 power = 1;
    while (exponent-- > 0) power *= 10;
    return power;
}

void pl_decimal_text(pl_buf *out, pl_i128 unscaled, int scale)
{
    char text[PL_I128_TEXT_BYTES];
    char *end = text + sizeof text, *p = end;
    pl_u128 rest = unscaled < 0 ? -(pl_u128)unscaled : (pl_u128)unscaled;
    for (int digit = 0; rest || digit <= scale; digit++, rest /= 10) {
        if (digit == scale && scale > 0) *--p = '.';
        *--p = (char)('0' + (int)(rest % 10));
    }
    if (unscaled < 0) *--p = '-';
    pl_buf_append(out, p, (size_t)(end - p));
}

int pl_decimal_bytes(pl_i128 unscaled, uint8_t out[16])
{
    int bytes = 16;
    // A leading byte is redundant when it only repeats the sign bit of the next one.
    while (bytes > 1) {
        pl_i128 rest = unscaled >> ((bytes - 1) * 8 - 1);
        if (rest != 0 && rest != -1) break;
        bytes--;
    }
    for (int i = 0; i < bytes; i++) out[i] = (uint8_t)(unscaled >> ((bytes - 1 - i) * 8));
    return bytes;
}

int pl_decimal_width(int precision)
{
    uint8_t out[16];
    return pl_decimal_bytes(-pl_decimal_power(precision), out);
}

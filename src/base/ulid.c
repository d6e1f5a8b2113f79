// SPDX-License-Identifier: Apache-2.0
#include "base/ulid.h"

static const char digits[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

pl_ulids pl_ulids_make(const uint8_t entropy[32])
{
    pl_ulids ulids = {.seed = {0}};
    memcpy(ulids.seed, entropy, sizeof ulids.seed);
    // An all-zero state would stay zero for ever.
    ulids.seed[0] |= (ulids.seed[0] | ulids.seed[1] | ulids.seed[2] | ulids.seed[3]) == 0;
    return ulids;
}

static uint64_t rotate(uint64_t x, int by)
{
    return x << by | x >> (64 - by);
}

// xoshiro256** 1.0 as described by Blackman and Vigna, "Scrambled linear pseudorandom number
// generators". Ids need no secrecy, only to differ.
static uint64_t next_random(uint64_t s[4])
{
    uint64_t result = rotate(s[1] * 5, 7) * 9;
    uint64_t t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate(s[3], 45);
    return result;
}

void pl_ulid_next(pl_ulids *ulids, int64_t now_us, char out[PL_ULID_TEXT])
{
    uint64_t ms = now_us > 0 ? (uint64_t)now_us / 1000 : 0;
    ms &= (UINT64_C(1) << 48) - 1;
    if (ms > ulids->ms) {
        ulids->ms = ms;
        // The top bit stays free, so that counting up cannot run over.
        ulids->high = next_random(ulids->seed) & 0x7fff;
        ulids->low = next_random(ulids->seed);
    } else {
        // By a random step, so that ids of two processes started alike still differ.
        uint64_t step = 1 + (next_random(ulids->seed) & 0xffffffff);
        ulids->low += step;
        if (ulids->low < step) ulids->high++;
        if (ulids->high > 0xffff) ulids->high = 0, ulids->ms++;
    }
    for (int i = 0; i < 10; i++) out[i] = digits[ulids->ms >> (5 * (9 - i)) & 31];
    uint64_t high = ulids->high, low = ulids->low;
    for (int i = 25; i >= 10; i--) {
        out[i] = digits[low & 31];
        low = low >> 5 | high << 59;
        high >>= 5;
    }
    out[26] = '\0';
}

static int digit_value(char c)
{
    const char *at = c ? strchr(digits, c) : NULL;
    return at ? (int)(at - digits) : -1;
}

bool pl_ulid_valid(pl_span text)
{
    if (text.bytes != 26 || digit_value(text.data[0]) > 7) return false;
    for (size_t i = 0; i < 26; i++)
        if (digit_value(text.data[i]) < 0) return false;
    return true;
}

int64_t pl_ulid_micros(pl_span text)
{
    uint64_t ms = 0;
    for (size_t i = 0; i < 10; i++) ms = ms << 5 | (uint64_t)digit_value(text.data[i]);
    return (int64_t)ms * 1000;
}

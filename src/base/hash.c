// SPDX-License-Identifier: Apache-2.0
#include "base/hash.h"

static uint64_t load64(const char *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

static uint32_t load32(const char *p)
{
    uint32_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

static uint64_t mix(uint64_t a, uint64_t b)
{
    __extension__ unsigned __int128 product = (unsigned __int128)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

// Multiply-fold over 16 bytes at a time; the odd constants are the fractional bits of sqrt(2),
// sqrt(3). The last 16 bytes may be some of them once more: a copy of 0 to 15 would be a call. Of
// an id of 19 digits it takes 36 instructions, XXH64 77.
uint64_t pl_hash(pl_span bytes)
{
    const uint64_t k0 = 0x6a09e667f3bcc909u, k1 = 0xbb67ae8584caa73bu;
    const char *p = bytes.data;
    size_t left = bytes.bytes;
    uint64_t h = k0, a = 0, b = 0;
    for (; left > 16; p += 16, left -= 16) h = mix(h ^ load64(p), k1 ^ load64(p + 8));
    if (bytes.bytes >= 16) {
        a = load64(p + left - 16);
        b = load64(p + left - 8);
    } else if (left >= 8) {
        a = load64(p);
        b = load64(p + left - 8);
    } else if (left >= 4) {
        a = load32(p) | (uint64_t)load32(p + left - 4) << 32;
    } else if (left) {
        a = (uint8_t)p[0] | (uint64_t)(uint8_t)p[left / 2] << 8 |
            (uint64_t)(uint8_t)p[left - 1] << 16;
    }
    return mix(mix(h ^ a, k1 ^ b) ^ k0, k1 ^ bytes.bytes);
}

uint64_t pl_hash_join(uint64_t first, uint64_t second)
{
    return mix(first ^ 0x3c6ef372fe94f82bu, second ^ 0xa54ff53a5f1d36f1u); // of sqrt(5), sqrt(7)
}

static uint32_t rotate(uint32_t v, int by)
{
    return (v << by) | (v >> (32 - by));
}

uint32_t pl_murmur3(pl_span bytes)
{
    uint32_t h = 0;
    const char *p = bytes.data;
    size_t left = bytes.bytes;
    for (; left >= 4; p += 4, left -= 4) {
        uint32_t k;
        memcpy(&k, p, 4);
        h ^= rotate(k * 0xcc9e2d51u, 15) * 0x1b873593u;
        h = rotate(h, 13) * 5 + 0xe6546b64u;
    }
    uint32_t k = 0;
    if (left) {
        memcpy(&k, p, left);
        h ^= rotate(k * 0xcc9e2d51u, 15) * 0x1b873593u;
    }
    h ^= (uint32_t)bytes.bytes;
    h = (h ^ (h >> 16)) * 0x85ebca6bu;
    h = (h ^ (h >> 13)) * 0xc2b2ae35u;
    return h ^ (h >> 16);
}

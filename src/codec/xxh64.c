// SPDX-License-Identifier: Apache-2.0
#include "codec/xxh64.h"

// Most of what is hashed is short: without the call it is a third less.
#define XXH_INLINE_ALL
#include <xxhash.h>

uint64_t pl_xxh64(pl_span bytes)
{
    return XXH64(bytes.data, bytes.bytes, 0);
}

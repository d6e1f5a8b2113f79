// SPDX-License-Identifier: Apache-2.0
#include "codec/xxh64.h"

#include <xxhash.h>

uint64_t pl_xxh64(pl_span bytes)
{
    return XXH64(bytes.data, bytes.bytes, 0);
}

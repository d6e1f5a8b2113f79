// xxh64.h -- XXH64 with seed 0: the hash of Parquet's bloom filters, and of what shapes keep.
//
// Threads: any.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_CODEC_XXH64_H
#define PL_CODEC_XXH64_H

#include "base/base.h"

uint64_t pl_xxh64(pl_span bytes);

#endif

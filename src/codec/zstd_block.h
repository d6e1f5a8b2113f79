// zstd_block.h -- zstd frames over whole buffers, as Parquet pages use them.
//
// Threads: one packer by one thread at a time; pl_zstd_expand any.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_CODEC_ZSTD_BLOCK_H
#define PL_CODEC_ZSTD_BLOCK_H

#include "base/error.h"

#define PL_ZSTD_LEVEL 3 // zstd's own default

// The most bytes that `bytes` of input can become.
size_t pl_zstd_bound(size_t bytes);

typedef struct pl_zstd_packer pl_zstd_packer; // opaque: libzstd's memory, about 1 MiB
pl_zstd_packer *pl_zstd_packer_new(int level);
void pl_zstd_packer_free(pl_zstd_packer *packer); // NULL is a no-op

// Compress `input` to `out`, which has room for pl_zstd_bound(input.bytes). Returns the bytes
// written. Cannot fail.
size_t pl_zstd_pack(pl_zstd_packer *packer, pl_span input, char *out);

// Expand `packed` to exactly `bytes` bytes of `out`. False: damaged, or of another size.
bool pl_zstd_expand(pl_span packed, char *out, size_t bytes);

#endif

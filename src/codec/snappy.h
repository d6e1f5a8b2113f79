// snappy.h -- Snappy blocks, as Parquet pages use them.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_CODEC_SNAPPY_H
#define PL_CODEC_SNAPPY_H

#include "base/base.h"

// The most bytes that `bytes` of input can become.
size_t pl_snappy_bound(size_t bytes);

// Compress `input` to `out`, which has room for pl_snappy_bound(input.bytes). Returns the bytes
// written. Cannot fail.
size_t pl_snappy_compress(pl_span input, char *out);

// The same, in less time and to less for large inputs; `packer` is memory it uses.
typedef struct pl_snappy_packer pl_snappy_packer; // opaque: 168 KiB; used by one thread at a time
pl_snappy_packer *pl_snappy_packer_new(void);
void pl_snappy_packer_free(pl_snappy_packer *packer); // NULL is a no-op
size_t pl_snappy_pack(pl_snappy_packer *packer, pl_span input, char *out);

// The bytes a block says it becomes; false: it is no Snappy block.
bool pl_snappy_size(pl_span block, size_t *ret_bytes);
// Expand a block to `out`, which has room for exactly the pl_snappy_size of it. False: damaged.
bool pl_snappy_expand(pl_span block, char *out);

#endif

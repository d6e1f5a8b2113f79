// SPDX-License-Identifier: Apache-2.0
#include "codec/zstd_block.h"

#include <stdlib.h>
#include <zstd.h>

struct pl_zstd_packer {
    ZSTD_CCtx *context;
    int level;
};

size_t pl_zstd_bound(size_t bytes)
{
    return ZSTD_compressBound(bytes);
}

pl_zstd_packer *pl_zstd_packer_new(int level)
{
    pl_zstd_packer *packer = pl_zalloc(1, sizeof *packer);
    *packer = (pl_zstd_packer){ZSTD_createCCtx(), level};
    if (!packer->context) abort();
    return packer;
}

void pl_zstd_packer_free(pl_zstd_packer *packer)
{
    if (!packer) return;
    ZSTD_freeCCtx(packer->context);
    free(packer);
}

size_t pl_zstd_pack(pl_zstd_packer *packer, pl_span input, char *out)
{
    size_t bytes = ZSTD_compressCCtx(packer->context, out, ZSTD_compressBound(input.bytes),
                                     input.data, input.bytes, packer->level);
    if (ZSTD_isError(bytes)) abort(); // out of memory is the only failure left
    return bytes;
}

bool pl_zstd_expand(pl_span packed, char *out, size_t bytes)
{
    return ZSTD_decompress(out, bytes, packed.data, packed.bytes) == bytes;
}

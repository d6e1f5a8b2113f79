// SPDX-License-Identifier: Apache-2.0
#include "codec/snappy.h"

#include <assert.h>
#include <snappy-c.h>

size_t pl_snappy_bound(size_t bytes)
{
    return snappy_max_compressed_length(bytes);
}

size_t pl_snappy_compress(pl_span input, char *out)
{
    size_t bytes = pl_snappy_bound(input.bytes);
    snappy_status status = snappy_compress(input.data, input.bytes, out, &bytes);
    assert(status == SNAPPY_OK); // the only failure is a short buffer
    (void)status;
    return bytes;
}

bool pl_snappy_size(pl_span block, size_t *ret_bytes)
{
    return snappy_uncompressed_length(block.data, block.bytes, ret_bytes) == SNAPPY_OK;
}

bool pl_snappy_expand(pl_span block, char *out)
{
    size_t bytes;
    return pl_snappy_size(block, &bytes) &&
           snappy_uncompress(block.data, block.bytes, out, &bytes) == SNAPPY_OK;
}

// SPDX-License-Identifier: Apache-2.0
#include "codec/sha256.h"

#include <assert.h>
#include <openssl/evp.h>
#include <stdlib.h>

struct pl_sha256 {
    EVP_MD_CTX *context;
};

// EVP fails only when it has no memory or SHA-256 was disabled: neither can be mended here.
static void must(int result)
{
    if (result != 1) pl_oom(0);
}

pl_sha256 *pl_sha256_new(void)
{
    pl_sha256 *sha = pl_zalloc(1, sizeof *sha);
    sha->context = EVP_MD_CTX_new();
    must(sha->context != NULL);
    must(EVP_DigestInit_ex(sha->context, EVP_sha256(), NULL));
    return sha;
}

void pl_sha256_add(pl_sha256 *sha, pl_span bytes)
{
    if (bytes.bytes) must(EVP_DigestUpdate(sha->context, bytes.data, bytes.bytes));
}

void pl_sha256_hex(pl_sha256 *sha, char out[PL_SHA256_TEXT])
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned bytes = 0;
    must(EVP_DigestFinal_ex(sha->context, digest, &bytes));
    assert(bytes == 32);
    for (unsigned i = 0; i < bytes; i++) {
        out[2 * i] = "0123456789abcdef"[digest[i] >> 4];
        out[2 * i + 1] = "0123456789abcdef"[digest[i] & 15];
    }
    out[64] = '\0';
}

void pl_sha256_free(pl_sha256 *sha)
{
    if (!sha) return;
    EVP_MD_CTX_free(sha->context);
    free(sha);
}

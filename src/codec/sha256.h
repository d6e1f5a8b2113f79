// sha256.h -- SHA-256 of a stream.
//
//     pl_sha256 *sha = pl_sha256_new();
//     pl_sha256_add(sha, span); ...
//     pl_sha256_hex(sha, hex);      // ends it
//     pl_sha256_free(sha);
//
// Threads: one at a time.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_CODEC_SHA256_H
#define PL_CODEC_SHA256_H

#include "base/error.h"

#define PL_SHA256_TEXT 65 // 64 hex digits and a NUL

typedef struct pl_sha256 pl_sha256; // opaque

pl_sha256 *pl_sha256_new(void);
void pl_sha256_add(pl_sha256 *sha, pl_span bytes);
void pl_sha256_hex(pl_sha256 *sha, char out[PL_SHA256_TEXT]); // nothing may be added after
void pl_sha256_free(pl_sha256 *sha);                          // NULL is a no-op

#endif

// base64.h -- bytes as text (RFC 4648 section 4), without padding: for blobs inside JSON.
//
// Threads: any.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_BASE_BASE64_H
#define PL_BASE_BASE64_H

#include "base/buf.h"

void pl_base64_write(pl_buf *out, pl_span bytes);
// Append the bytes `text` stands for. False: it is not what pl_base64_write makes; `out` may have
// grown.
PL_MUST_USE bool pl_base64_read(pl_buf *out, pl_span text);

#endif

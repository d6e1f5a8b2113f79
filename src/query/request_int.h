// request_int.h -- the REQUEST frame as query/ writes it; sqlworker/request.h says what is in it.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_QUERY_REQUEST_INT_H
#define PL_QUERY_REQUEST_INT_H

#include "query/query.h"

#define PL_SQL_BYTES_MAX (1024u * 1024)

// Append the frame. PLUMB_E_CONFIG for text that is no SQL, PLUMB_E_LIMIT for too much of it.
PL_MUST_USE plumb_status pl_query__request(const pl_query_options *options, pl_buf *out,
                                           plumb_error *err);
void pl_query__probe(const char *library, pl_buf *out);

#endif

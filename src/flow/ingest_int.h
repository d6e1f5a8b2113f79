// ingest_int.h -- shared by landing (ingest.c) and by what finishes it later (intents.c).
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_FLOW_INGEST_INT_H
#define PL_FLOW_INGEST_INT_H

#include "flow/ingest.h"

// The row of an object; texts are borrowed.
pl_object_row pl_ingest__row(const pl_raw_head *head, const char *source, const char *key,
                             const char *name, const pl_raw_info *info, int64_t landed_us);

#endif

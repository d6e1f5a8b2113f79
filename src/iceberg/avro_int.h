// avro_int.h -- what the Avro files of this folder share.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_ICEBERG_AVRO_INT_H
#define PL_ICEBERG_AVRO_INT_H

#include <stdlib.h>

#include "iceberg/avro.h"

// Parse a schema's JSON (which must outlive it). Errors are bare reasons.
PL_MUST_USE plumb_status pl_iceberg__avro_schema(pl_span text, pl_arena *arena,
                                                 const pl_avro_type **ret_type, plumb_error *err);

#endif

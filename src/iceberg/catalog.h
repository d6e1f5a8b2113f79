// catalog.h -- the one pointer that makes a commit: table name -> current metadata.json.
//
// iceberg/ knows a catalog only through this interface; the registry implements it inside its own
// SQLite transaction, so that a snapshot and the states of raw objects change together. `swap` is
// compare-and-set: it succeeds only if the table's current location is `expected`.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_ICEBERG_CATALOG_H
#define PL_ICEBERG_CATALOG_H

#include "base/arena.h"
#include "base/error.h"

typedef struct pl_catalog {
    void *self;
    // Location (URI) of the table's current metadata.json in arena; *ret_location NULL if the
    // table does not exist.
    plumb_status (*load)(void *self, const char *table, pl_arena *arena, char **ret_location,
                         plumb_error *err);
    // Move the table from `expected` (NULL: it must not exist yet) to `next`.
    // PLUMB_E_CONFLICT if it is elsewhere.
    plumb_status (*swap)(void *self, const char *table, const char *expected, const char *next,
                         plumb_error *err);
} pl_catalog;

#endif

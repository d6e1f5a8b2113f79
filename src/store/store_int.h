// store_int.h -- shared inside store/: an object given its name, but not yet the way to it.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_STORE_STORE_INT_H
#define PL_STORE_STORE_INT_H

#include "store/store.h"

// Sync what was written, make the directories of the key, and give the object its name there. That
// the directories and the name are durable is the caller's business: pl_store_settle.
plumb_status pl_put__name(pl_put *put, plumb_error *err);
const char *pl_put__key(const pl_put *put);
plumb_status pl_put__mode(pl_put *put, unsigned mode, plumb_error *err); // 0: as it is
// Make the directory it will be in, durably.
plumb_status pl_put__make_directory(pl_put *put, plumb_error *err);

#endif

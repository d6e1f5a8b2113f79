// unique.h -- how many rows that a run made for a table repeat a key.
//
// A row repeats a key if an earlier row has it: of the table as it is, of a source that stands
// before this one in the run, or of the same source. All keys are read back from data files: those
// of the run, and live ones that may hold a key of the source's new rows. Those are the files in
// the same partition, as far as the partition is made of key columns, whose bounds of every key
// column overlap; so a key with a time in it looks at few, and one without may look at all. Rows of
// objects that this run maps once more are not among the table's. Files that another program wrote
// are passed over.
//
// Keys are hashed to 64 bits, and equal hashes are equal keys: one wrong count in some ten thousand
// runs over a hundred million rows. NULL equals NULL.
//
// Memory: half of the run's, some 15 million keys for a GiB. Where there are more rows, the files
// are read as often as it takes, each time for a share of the hashes: the count is exact, and late.
//
// Threads: one.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_FLOW_UNIQUE_H
#define PL_FLOW_UNIQUE_H

#include "flow/run_int.h"

// `ret_rows`: that the source's files have; 0: there are none to look into.
PL_MUST_USE plumb_status pl_run__repeated(run_state *run, const run_source *source,
                                          uint64_t *ret_rows, uint64_t *ret_repeated,
                                          plumb_error *err);

#endif

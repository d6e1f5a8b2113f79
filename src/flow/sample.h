// sample.h -- look at JSON files before there is a project: for `plumb init --from`.
//
// Files are read as ingest and run would read them (plain, gzip or zstd, format sniffed, framed),
// but only as far as the inference wants to see; documents that are not JSON are counted and left
// out.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_FLOW_SAMPLE_H
#define PL_FLOW_SAMPLE_H

#include "contract/infer.h"
#include "json/framer.h"

typedef struct pl_sample {
    pl_format format;   // of the last file
    uint64_t documents; // given to the inference
    uint64_t broken;    // not JSON, or too large
    char reason[160];   // of the first broken one
} pl_sample;

// Feed one file to `infer`; the counts of *sample are added to. Every failure names the file.
PL_MUST_USE plumb_status pl_sample_file(const char *path, pl_infer *infer, pl_sample *sample,
                                        plumb_error *err);

// A name (of a source or table) made from a file's: lower case, "_" for the rest, the dates and
// numbers at its end left out; "events" if nothing remains.
char *pl_sample_name(const char *path, pl_arena *arena);

#endif

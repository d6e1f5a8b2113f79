// sample.h -- look at JSON files without a project: for `plumb init --from` and `plumb shape`.
//
// Files are read as ingest and run would read them (plain, gzip or zstd, format sniffed, framed),
// but only as far as somebody wants to see; documents that are not JSON are counted and left out.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_FLOW_SAMPLE_H
#define PL_FLOW_SAMPLE_H

#include "contract/infer.h"
#include "json/framer.h"

typedef struct pl_sample {
    pl_format format;   // of the last file
    uint64_t documents; // handed on
    uint64_t broken;    // not JSON, or too large
    char reason[160];   // of the first broken one
} pl_sample;

// Hand on one document, or record; it lives until the function returns. False: no more are wanted.
typedef bool (*pl_sample_take)(void *context, const pl_json *document);

// Every document of a file, or every record where `framing` says where those are (its format is
// sniffed; NULL: documents). The counts of *sample are added to. Every failure names the file.
PL_MUST_USE plumb_status pl_sample_each(const char *path, const pl_framer_options *framing,
                                        pl_sample_take take, void *context, pl_sample *sample,
                                        plumb_error *err);

// The documents of one file to `infer`.
PL_MUST_USE plumb_status pl_sample_file(const char *path, pl_infer *infer, pl_sample *sample,
                                        plumb_error *err);

// A name (of a source or table) made from a file's: lower case, "_" for the rest, the dates and
// numbers at its end left out; "events" if nothing remains.
char *pl_sample_name(const char *path, pl_arena *arena);

#endif

// infer.h -- from sample documents to the text of a contract and a mapping that hold them.
//
// Every guess is written with its evidence as a comment. The envelope is the largest array of
// objects; the key is a path present and distinct in every record, plus the time; types are the
// least that take every value seen, so that mapping the sample quarantines nothing.
//
//     pl_infer *infer = pl_infer_new(&options);
//     pl_infer_add(infer, document);            // as many as wanted; copied, not kept
//     pl_infer_write(infer, &contract, &mapping, &summary);
//     pl_infer_free(infer);
//
// Limits: PL_INFER_BYTES_MAX, PL_INFER_DOCUMENTS_MAX, PL_INFER_COLUMNS_MAX.
// Threads: one at a time.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_CONTRACT_INFER_H
#define PL_CONTRACT_INFER_H

#include "base/buf.h"
#include "json/tree.h"

#define PL_INFER_BYTES_MAX     (64u * 1024 * 1024)
#define PL_INFER_DOCUMENTS_MAX 20000
#define PL_INFER_COLUMNS_MAX   64 // columns written; more become comments
#define PL_INFER_SIBLINGS_MAX  50 // like-shaped sibling keys of an object that is not a map

typedef struct pl_infer pl_infer;

typedef struct pl_infer_options {
    pl_span table; // checked names
    pl_span source;
} pl_infer_options;

typedef struct pl_infer_summary {
    uint64_t documents, records; // that the guess rests on
    uint32_t columns;            // declared
    uint32_t left_out;           // paths left as comments
    pl_span records_path;        // "data.list[]", "" if each document is a record; in the infer
} pl_infer_summary;

pl_infer *pl_infer_new(const pl_infer_options *options);

// Look at one document. Returns false once a limit is reached and more would be ignored.
bool pl_infer_add(pl_infer *infer, const pl_json *document);

// Append both files. PLUMB_E_NOT_FOUND: no document held an object to make a row of.
PL_MUST_USE plumb_status pl_infer_write(pl_infer *infer, pl_buf *contract, pl_buf *mapping,
                                        pl_infer_summary *ret_summary, plumb_error *err);

void pl_infer_free(pl_infer *infer); // safe on NULL

#endif

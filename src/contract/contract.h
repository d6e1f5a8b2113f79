// contract.h -- a contract file: the declared table.
//
//     table: post_metrics
//     key: [platform, post_id, observed_at]
//     partition: [platform, day(published_at)]
//     columns:
//       platform: string!
//       likes:    long min(0) was(like_count)
//     critical: [post_id]
//     checks: {freshness: 90m, nulls: {likes: 2%}}     (see pl_severity)
//     rest: keep
//     duplicates: count          (rows with one key are all kept; first and last are refused yet)
//     sort: [post_id, observed_at desc]
//     compression: zstd
//     encodings: compact
//
// `sort` is the order of rows within each row group of a data file, ascending unless a column says
// desc; NULLs come first ascending and last descending. It costs a sort per row group and lets
// readers skip more. `compression` is snappy (the default) or zstd: smaller files, more CPU.
// `encodings` is safe (the default), what every reader knows, or compact: smaller files that are
// read faster, by readers that know delta encodings. Both may change at any time, for files made
// then.
//
// A column is a type, `!` for required, and any of min(n) max(n) range(a, b) was(name); the long
// form is a map of type, required, min, max, range, was, doc. Field ids are not here: they live in
// the table's metadata alone, so every id below is 0 until the caller assigns it.
//
// Limits: PL_COLUMNS_MAX, PL_NAME_BYTES_MAX, PL_PARTITION_FIELDS_MAX.   Threads: any; immutable.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_CONTRACT_CONTRACT_H
#define PL_CONTRACT_CONTRACT_H

#include "base/error.h"
#include "contract/composer.h"
#include "schema/partition.h"
#include "schema/schema.h"
#include "schema/sort.h"

// Checks are asked of what each source is about to add to the table (flow/checks.h):
//
//     checks:
//       nulls:     {likes: 2%, post_id: 0% critical}       share of rows in which it is NULL
//       ranges:    {likes: 0.1%, rate: reject}             share of values outside min and max
//       unique:    key                                     rows that repeat a key of the table
//       rows:      {min: 10, max: 1000000, change: 50%}    of a run; of an object, to the usual one
//       freshness: 90m                                     age of the newest object published
//
// What fails is `warn`, told and recorded, or `critical`: it waits. Behind the limit stands which
// of the two; where nothing does, it is critical if the column is, and warn where no column is
// concerned. The long form is a map: {max: 2%, severity: critical}, of ranges also outside: keep or
// reject. A column with bounds is checked whether it stands in `ranges` or not, and none may be
// outside if nothing is said. `reject`: such a value is one that does not fit its column, so it is
// lost, or its record quarantined.
typedef enum pl_severity {
    PL_SEVERITY_WARN,     // told and recorded
    PL_SEVERITY_CRITICAL, // nothing is published that fails
} pl_severity;

typedef struct pl_share_check {
    bool asked;
    double max; // highest share that passes, 0..1
    pl_severity severity;
} pl_share_check;

typedef struct pl_contract_column {
    pl_field field;             // id 0
    bool critical;              // a value that does not fit quarantines the record
    bool has_min, has_max;      // inclusive bounds, numeric columns only
    bool rejects;               // a value outside of them does not fit
    double min, max;            // nearest doubles of the texts
    pl_span min_text, max_text; // as written: exact
    pl_share_check nulls;       // of rows
    pl_share_check range;       // of values; asked if there are bounds
    pl_span was;                // former name, "" if none
    uint32_t line, column;      // of the declaration
} pl_contract_column;

typedef enum pl_compression {
    PL_COMPRESSION_SNAPPY,
    PL_COMPRESSION_ZSTD,
} pl_compression;

typedef struct pl_table_checks {
    int64_t freshness_us; // 0: not asked
    pl_severity freshness;
    pl_share_check unique;      // rows that repeat a key
    int64_t rows_min, rows_max; // of a source in a run; -1: not asked
    double rows_change;         // of an object, in parts of the usual; 0: not asked
    pl_severity rows;
} pl_table_checks;

// "snappy", "zstd": as contracts and Iceberg's write.parquet.compression-codec say it.
const char *pl_compression_name(pl_compression compression);

typedef struct pl_contract {
    const char *file; // as given, for messages
    pl_span text;     // the whole file
    pl_span table, doc;
    uint32_t column_count;
    pl_contract_column *columns; // in file order
    pl_schema schema;            // the same columns as fields, ids 0
    uint32_t key_count;
    uint32_t *keys;            // indexes into columns
    uint32_t key_line, key_at; // place of the list; 0: there is none
    uint32_t partition_line, partition_at;
    pl_partition_spec partition; // sources by name; ids 0
    pl_sort_order sort;          // sources by name; ids 0
    pl_compression compression;  // of Parquet pages
    bool compact;                // encodings: compact
    pl_table_checks checks;      // those of no column
    bool drop_rest;              // rest: drop
} pl_contract;

// Parse one contract file. Mistakes go to `problems`, what this version reads but does not do to
// `warnings` (both may already hold others). NULL if this file has a mistake. `file` and `text`
// must outlive the contract.
pl_contract *pl_contract_parse(const char *file, pl_span text, pl_arena *arena,
                               pl_problems *problems, pl_problems *warnings);

int pl_contract_find(const pl_contract *contract, pl_span column); // index or -1

// NULL if `name` may name a table, column or source, else the reason ("is longer than 128 bytes").
const char *pl_name_check(pl_span name);

#endif

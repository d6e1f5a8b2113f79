// mapping.h -- a mapping file: how one source fills each column of one table.
//
//     source: tiktok
//     into: post_metrics
//     records: data.list[]
//     where: type == "video" and not deleted
//     map:
//       platform:        = "tiktok"
//       post_id:         item_id | id
//       published_at:    create_time parse(epoch)
//       engagement_rate: $["a.b"].rate parse(percent) | data[name="rate"].values[0].value
//       observed_at:     $received
//
// One rule is one scalar: terms separated by `|`, tried in order; the first that is present, not
// null and fits wins. parse(...) belongs to the path before it. A literal or a built-in always has
// a value, so it can only stand last. The long forms are a list of terms, and a map of path, parse
// and literal. Parsing checks a rule against its column: names, types, parsers, literals.
//
// Limits: PL_NAME_BYTES_MAX, PL_TERMS_MAX, PL_STEPS_MAX, PL_TESTS_MAX.   Threads: any; a mapping is
// immutable.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_CONTRACT_MAPPING_H
#define PL_CONTRACT_MAPPING_H

#include "base/zone.h"
#include "contract/contract.h"
#include "contract/drift.h"

#define PL_TERMS_MAX  32 // terms of one rule
#define PL_STEPS_MAX  64 // steps of one path
#define PL_ARRAYS_MAX 4  // arrays of one records path
#define PL_TESTS_MAX  64 // tests of one condition

typedef enum pl_step_kind {
    PL_STEP_KEY,    // .key of an object
    PL_STEP_INDEX,  // [index] of an array, from 0
    PL_STEP_LOOKUP, // [lookup_key="lookup_value"]: first object of an array with that member
} pl_step_kind;

typedef struct pl_step {
    pl_step_kind kind;
    pl_span key; // unescaped
    int64_t index;
    pl_span lookup_key, lookup_value; // unescaped
} pl_step;

typedef enum pl_root {
    PL_ROOT_RECORD,
    PL_ROOT_PARENT,   // $parent: the object that holds the array the record is an item of
    PL_ROOT_DOCUMENT, // $doc
} pl_root;

typedef struct pl_path {
    pl_root root;
    pl_step *steps;
    uint32_t count;
} pl_path;

typedef enum pl_parser_kind {
    PL_PARSE_DEFAULT, // none written: by the column's type
    PL_PARSE_EPOCH,   // unit by magnitude
    PL_PARSE_EPOCH_S,
    PL_PARSE_EPOCH_MS,
    PL_PARSE_EPOCH_US,
    PL_PARSE_EPOCH_NS,
    PL_PARSE_ISO,
    PL_PARSE_TIME, // format, zone
    PL_PARSE_DATE,
    PL_PARSE_PERCENT,
    PL_PARSE_NUMBER, // thousands, decimal
    PL_PARSE_COMPACT,
    PL_PARSE_BOOL,
    PL_PARSE_DURATION,
    PL_PARSE_JSON,
    PL_PARSE_TEXT,
    PL_PARSERS
} pl_parser_kind;

typedef struct pl_parser {
    pl_parser_kind kind;
    pl_span format;      // time: checked strptime-like format, see base/time.h
    const pl_zone *zone; // time: what text without an offset is local to; NULL: UTC
    char thousands;      // number: '\0' if none; a space may also be a no-break space
    char decimal;        // number: '.' or ','
} pl_parser;

typedef enum pl_term_kind {
    PL_TERM_PATH,
    PL_TERM_LITERAL,
    PL_TERM_RECEIVED, // $received: when the raw object was received, timestamp
    PL_TERM_OBJECT,   // $object: the raw object's ULID, string
    PL_TERM_RECORD,   // $record: the record's index in the object, long
    PL_TERM_SOURCE,   // $source: the source's name, string
} pl_term_kind;

typedef struct pl_term {
    pl_term_kind kind;
    pl_path path;
    pl_parser parser;
    pl_value literal;      // of the column's kind; NULL for `= null`
    uint32_t line, column; // of the term
    pl_span text;          // as written, for messages
} pl_term;

typedef struct pl_rule {
    uint32_t column; // index into the contract's columns
    uint32_t term_count;
    pl_term *terms;
    uint32_t line, at; // place of the rule: line, byte column
} pl_rule;

// A condition on a record: `where: type == "video" and (likes >= 100 or not hidden)`. It is true or
// false for every record, never unknown:
//
//     path                    the value is true
//     path == literal         same kind and equal; numbers by value, exactly; `!=` is its opposite
//     path < literal          both numbers, or both texts (by code point); so are <= > >=
//     path is null            absent or null; `is not null` is its opposite
//     path exists             present, null or not
//     and or not ( )          not binds first, then and, then or
typedef enum pl_where_kind {
    PL_WHERE_TRUE,
    PL_WHERE_EQUAL,
    PL_WHERE_LESS,       // path < literal
    PL_WHERE_LESS_EQUAL, // path <= literal
    PL_WHERE_NULL,
    PL_WHERE_EXISTS,
    PL_WHERE_NOT, // left
    PL_WHERE_AND, // left, right
    PL_WHERE_OR,
    PL_WHERE_MORE,       // path > literal
    PL_WHERE_MORE_EQUAL, // path >= literal
} pl_where_kind;

typedef struct pl_where {
    pl_where_kind kind;
    struct pl_where *left, *right;
    uint32_t test; // of tests: which of the condition's, from 0
    pl_path path;
    const struct pl_json *literal; // true, false, a number or a text
} pl_where;

typedef struct pl_mapping {
    const char *file; // as given, for messages
    pl_span text;     // the whole file
    pl_span source, table;
    const pl_contract *contract; // borrowed
    bool has_records;            // records: was given; else each document is one record
    bool records_top;            // the first array is the document, $[]; records.count is 0
    pl_path records;             // keys to the array
    uint32_t inner_count;        // arrays inside its items, outermost first: data[].comments[]
    pl_path *inner;              // keys to them from the item
    pl_span records_text;        // as written, "data.list[]"
    const pl_where *where;       // NULL: every record
    uint32_t where_tests;        // its tests, in order of writing
    uint32_t rule_count;
    pl_rule *rules;       // in file order; columns without one are NULL for this source
    bool drop_rest;       // the mapping's own `rest`, else the contract's
    pl_drift_given drift; // policy and drift, if the mapping has its own: pl_project_drift
    uint32_t drift_column_count;
    pl_drift_column *drift_columns;
} pl_mapping;

// Parse one mapping file against the contract its `into` names, one of `contracts`. Mistakes go to
// `problems`, what this version reads but does not do to `warnings`. NULL if this file has a
// mistake. `file`, `text` and the contracts must outlive the mapping.
pl_mapping *pl_mapping_parse(const char *file, pl_span text, pl_contract *const *contracts,
                             uint32_t contract_count, pl_arena *arena, pl_problems *problems,
                             pl_problems *warnings);

// The rule of a column, or NULL.
const pl_rule *pl_mapping_rule(const pl_mapping *mapping, uint32_t column);

// Append a path as a mapping writes it: "a.b[0]", "$[\"a.b\"].c", "data[name=\"likes\"].value".
void pl_path_text(pl_buf *out, const pl_path *path);

// "epoch", "time(\"%Y\", UTC)": as between the brackets of parse(); nothing for PL_PARSE_DEFAULT.
void pl_parser_text(pl_buf *out, const pl_parser *parser);

// Whether values made by `parser` can fill a column of `type`; a list, its innermost elements.
bool pl_parser_fits(pl_parser_kind parser, const pl_type *type);

// One path or parser from text, for callers that have no mapping file (flags, overlays). The
// message says what is wrong, err->column is the byte (from 1).
PL_MUST_USE plumb_status pl_path_parse(pl_span text, pl_arena *arena, pl_path *ret_path,
                                       plumb_error *err);
// The same for `records: ...`: the members of *mapping that say where the records are.
PL_MUST_USE plumb_status pl_records_parse(pl_span text, pl_arena *arena, pl_mapping *mapping,
                                          plumb_error *err);
PL_MUST_USE plumb_status pl_parser_parse(pl_span text, pl_arena *arena, pl_parser *ret_parser,
                                         plumb_error *err);

#endif

// sqltext.h -- the words of an SQL text, without understanding it.
//
// Comments, string literals ('…', E'…', $$…$$) and quoted identifiers are told apart the way
// DuckDB's scanner does; everything else is words and single bytes. Unfinished literals end with
// the text: the engine will complain better.
//
// Threads: any.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_QUERY_SQLTEXT_H
#define PL_QUERY_SQLTEXT_H

#include "base/base.h"

typedef enum pl_sql_kind {
    PL_SQL_WORD,   // identifier or keyword: post_metrics
    PL_SQL_QUOTED, // "post_metrics", quotes included
    PL_SQL_STRING, // '…', E'…' or $tag$…$tag$
    PL_SQL_NUMBER,
    PL_SQL_BYTE, // any other single byte
} pl_sql_kind;

typedef struct pl_sql_token {
    pl_sql_kind kind;
    pl_span text;
} pl_sql_token;

// The token at or after *at; *at moves past it. False at the end.
bool pl_sql_next(pl_span sql, size_t *at, pl_sql_token *ret_token);

// Whether `identifier` is one of the identifiers of `sql`, quoted or not, in any case.
bool pl_sql_names(pl_span sql, pl_span identifier);

#endif

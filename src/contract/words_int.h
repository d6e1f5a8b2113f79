// words_int.h -- what the parsers of this folder share: mistakes with a place and valid choices.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_CONTRACT_WORDS_INT_H
#define PL_CONTRACT_WORDS_INT_H

#include "contract/composer.h"

// One file being read.
typedef struct pl_reading {
    const char *file;
    pl_arena *arena;
    pl_problems *problems;
    pl_problems *warnings;
} pl_reading;

// A mistake at byte `offset` of a scalar, or at the first byte of any other node.
plumb_error *pl_contract__mistake(const pl_reading *reading, const pl_yaml *node, size_t offset,
                                  const char *fmt, ...) PL_PRINTF(4, 5);
// A warning at the node; `what` as in "guard is not applied by this version".
void pl_contract__warn(const pl_reading *reading, const pl_yaml *node, const char *fmt, ...)
    PL_PRINTF(3, 4);

// Hint "Did you mean 'x'? Valid are a, b and c." for a name that is none of `names`.
void pl_contract__choices(plumb_error *err, pl_span got, const pl_span *names, uint32_t count);
// The same for a NULL-ended list of literals.
void pl_contract__words(plumb_error *err, pl_span got, const char *const *words);
// Index of the word, or -1.
int pl_contract__word(pl_span got, const char *const *words);

// Every key of `map` must be one of the words; others are mistakes: "unknown key 'x'".
void pl_contract__check_keys(const pl_reading *reading, const pl_yaml *map,
                             const char *const *words);

// The node as the kind wanted, else NULL and a mistake "key must be a list" and so on. NULL stays
// NULL without a mistake.
const pl_yaml *pl_contract__want(const pl_reading *reading, const pl_yaml *node, pl_yaml_kind kind,
                                 const char *what);

// "2%" or "0.02". false after a mistake.
bool pl_contract__share(const pl_reading *reading, const pl_yaml *node, double *ret_share);
// The same of a part of the node's text, at `offset`.
bool pl_contract__share_of(const pl_reading *reading, const pl_yaml *node, size_t offset,
                           pl_span text, double *ret_share);

// text[at] is '(' or '[': offset of the bracket that closes it, quotes and inner brackets minded;
// SIZE_MAX if none does.
size_t pl_contract__close(pl_span text, size_t at);
// Offset after the string whose opening quote is at `at`, or SIZE_MAX.
size_t pl_contract__string_end(pl_span text, size_t at);

// text[from..to) without white space at its ends; *from moves to its first byte.
pl_span pl_contract__cut(pl_span text, size_t *from, size_t to);

#endif

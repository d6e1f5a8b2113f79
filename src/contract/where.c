// where.c -- the condition of a mapping, by recursive descent: or, and, not, one test.
//
// SPDX-License-Identifier: Apache-2.0
#include "contract/mapping_int.h"
#include "json/tree.h"

enum { NESTING_MAX = 64 }; // of `not` and brackets

typedef struct where_reading {
    const pl_reading *base;
    const pl_yaml *node;
    pl_span text;
    size_t at;
    uint32_t tests, nesting;
    bool failed;
} where_reading;

static pl_where *read_or(where_reading *self);

static pl_where *mistake(where_reading *self, size_t at, const char *hint, const char *what)
{
    plumb_error *err = pl_contract__mistake(self->base, self->node, at, "%s", what);
    if (hint) pl_hint(err, "%s", hint);
    self->failed = true;
    return NULL;
}

// Move over `word` if it stands here as a word of its own.
static bool take_word(where_reading *self, const char *word)
{
    pl_span text = self->text, wanted = pl_span_of(word);
    size_t at = pl_contract__space(text, self->at), end = at + wanted.bytes;
    if (!pl_span_starts(pl_span_make(text.data + at, text.bytes - at), wanted)) return false;
    char next = end < text.bytes ? text.data[end] : ' ';
    if (!strchr(" \t\n()", next)) return false;
    self->at = end;
    return true;
}

static pl_where *make(where_reading *self, pl_where_kind kind, pl_where *left, pl_where *right)
{
    pl_where *where = PL_TAKE(self->base->arena, pl_where, 1);
    *where = (pl_where){.kind = kind, .left = left, .right = right};
    return where;
}

// The comparison that stands here, or NULL.
static const char *take_operator(where_reading *self)
{
    static const char *const operators[] = {"==", "!=", "<=", ">=", "<", ">", NULL};
    self->at = pl_contract__space(self->text, self->at);
    pl_span rest = pl_span_make(self->text.data + self->at, self->text.bytes - self->at);
    for (size_t i = 0; operators[i]; i++)
        if (pl_span_starts(rest, pl_span_of(operators[i]))) {
            self->at += strlen(operators[i]);
            return operators[i];
        }
    return NULL;
}

static pl_where *read_literal(where_reading *self, const char *operator, pl_where * test)
{
    pl_json_error problem;
    pl_json *literal = NULL;
    plumb_error err;
    pl_span text = self->text;
    size_t from = pl_contract__space(text, self->at);
    size_t end = from < text.bytes ? pl_json_skip(text, from, 0, &problem) : SIZE_MAX;
    if (end == SIZE_MAX || pl_json_parse(pl_span_make(text.data + from, end - from),
                                         self->base->arena, &literal, &err) != PLUMB_OK)
        return mistake(self, from, "Compare with \"text\", 12, 1.5, true or false.",
                       "a literal is missing");
    bool order = operator[0] == '<' || operator[0] == '>';
    if (literal->kind == PL_JSON_NULL)
        return mistake(self, from, "Write is null or is not null.", "null is equal to nothing");
    if (literal->kind == PL_JSON_ARRAY || literal->kind == PL_JSON_OBJECT ||
        (order && literal->kind != PL_JSON_NUMBER && literal->kind != PL_JSON_STRING))
        return mistake(self, from, NULL,
                       order ? "only a number or a text has an order"
                             : "a path can be compared with one value only");
    self->at = end;
    test->literal = literal;
    test->kind = !order                             ? PL_WHERE_EQUAL :
                 operator[0] == '<' && !operator[1] ? PL_WHERE_LESS
                 :
                 operator[0] == '<' ? PL_WHERE_LESS_EQUAL
                 :
                 operator[1] ? PL_WHERE_MORE_EQUAL
                             : PL_WHERE_MORE;
    return operator[0] == '!' ? make(self, PL_WHERE_NOT, test, NULL) : test;
}

// A path, and what is asked of it.
static pl_where *read_test(where_reading *self)
{
    plumb_error err;
    size_t from = self->at;
    if (self->tests == PL_TESTS_MAX)
        return mistake(self, from, NULL, "a condition may have 64 tests");
    pl_where *test = make(self, PL_WHERE_TRUE, NULL, NULL);
    test->test = self->tests++;
    if (pl_contract__path(self->text, &self->at, self->base->arena, &test->path, &err) != PLUMB_OK)
        return mistake(self, err.column ? err.column - 1 : from, err.hint[0] ? err.hint : NULL,
                       err.message);
    const char *operator= take_operator(self);
    if (operator) return read_literal(self, operator, test);
    if (take_word(self, "exists")) {
        test->kind = PL_WHERE_EXISTS;
    } else if (take_word(self, "is")) {
        bool negated = take_word(self, "not");
        if (!take_word(self, "null"))
            return mistake(self, pl_contract__space(self->text, self->at), NULL,
                           "null is missing behind 'is'");
        test->kind = PL_WHERE_NULL;
        if (negated) return make(self, PL_WHERE_NOT, test, NULL);
    }
    return test;
}

static pl_where *read_brackets(where_reading *self)
{
    size_t open = self->at++;
    pl_where *inside = read_or(self);
    self->at = pl_contract__space(self->text, self->at);
    if (self->failed) return NULL;
    if (self->at >= self->text.bytes) return mistake(self, open, NULL, "a ( is not closed");
    if (self->text.data[self->at] != ')')
        return mistake(self, self->at, "Tests are joined by and, or, not and brackets.",
                       "a ) or a joining word is expected here");
    self->at++;
    return inside;
}

static pl_where *read_not(where_reading *self)
{
    static const char *const reserved[] = {"and",  "or",   "is",    "exists",
                                           "null", "true", "false", NULL};
    self->at = pl_contract__space(self->text, self->at);
    if (self->nesting++ == NESTING_MAX)
        return mistake(self, self->at, NULL, "the condition is nested too deeply");
    pl_where *where = NULL;
    size_t from = self->at;
    bool missing = from >= self->text.bytes;
    for (size_t i = 0; reserved[i] && !missing; i++) missing = take_word(self, reserved[i]);
    if (missing) {
        mistake(self, from, "A key of the name of a word is written as in $[\"is\"].",
                "a path is missing");
    } else if (take_word(self, "not")) {
        where = read_not(self);
        if (where) where = make(self, PL_WHERE_NOT, where, NULL);
    } else {
        where = self->text.data[from] == '(' ? read_brackets(self) : read_test(self);
    }
    self->nesting--;
    return where;
}

static pl_where *read_and(where_reading *self)
{
    pl_where *left = read_not(self);
    while (left && take_word(self, "and")) {
        pl_where *right = read_not(self);
        left = right ? make(self, PL_WHERE_AND, left, right) : NULL;
    }
    return left;
}

static pl_where *read_or(where_reading *self)
{
    pl_where *left = read_and(self);
    while (left && take_word(self, "or")) {
        pl_where *right = read_and(self);
        left = right ? make(self, PL_WHERE_OR, left, right) : NULL;
    }
    return left;
}

const pl_where *pl_contract__where(const pl_reading *reading, const pl_yaml *node,
                                   uint32_t *ret_tests)
{
    where_reading self = {.base = reading, .node = node, .text = node->text};
    const pl_where *where = read_or(&self);
    self.at = pl_contract__space(self.text, self.at);
    if (where && self.at < self.text.bytes) {
        pl_span rest = pl_span_make(self.text.data + self.at, self.text.bytes - self.at);
        pl_hint(pl_contract__mistake(reading, node, self.at,
                                     "'%.*s' does not belong to a condition", PL_FMT(rest)),
                rest.data[0] == '='
                    ? "Write == to compare."
                    : "A test is path == literal (or != < <= > >=), path is null, path exists or a "
                      "path alone; tests are joined by and, or, not and brackets.");
        where = NULL;
    }
    *ret_tests = self.tests;
    return where;
}

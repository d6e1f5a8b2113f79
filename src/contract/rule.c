// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>

#include "base/number.h"
#include "base/time.h"
#include "contract/mapping_int.h"
#include "json/tree.h"

static const char *const BUILTINS[] = {"$received", "$object", "$record", "$source", NULL};

typedef struct rule_reading {
    const pl_reading *base;
    const pl_contract_column *column; // NULL: unknown, words are checked only
    pl_term terms[PL_TERMS_MAX];
    uint32_t count;
    bool failed;
} rule_reading;

static void type_text(const pl_contract_column *column, char out[64])
{
    pl_buf text = {0};
    pl_type_text(&text, &column->field.type);
    size_t bytes = PL_MIN(text.count, (size_t)63);
    memcpy(out, text.data, bytes);
    out[bytes] = '\0';
    pl_buf_done(&text);
}

// A mistake that a reader of words reported; `base` is where its text begins in the scalar.
static void pass_on(rule_reading *self, const pl_yaml *node, size_t base, const plumb_error *err)
{
    size_t at = base + (err->column ? err->column - 1 : 0);
    plumb_error *mistake = pl_contract__mistake(self->base, node, at, "%s", err->message);
    if (err->hint[0]) pl_hint(mistake, "%s", err->hint);
    self->failed = true;
}

static pl_term *add_term(rule_reading *self, const pl_yaml *node, size_t at)
{
    if (self->count == PL_TERMS_MAX) {
        pl_contract__mistake(self->base, node, at, "a rule may have %d terms", PL_TERMS_MAX);
        self->failed = true;
        return NULL;
    }
    pl_term *term = &self->terms[self->count++];
    *term = (pl_term){.text = PL_SPAN(""), .parser = {.format = PL_SPAN(""), .decimal = '.'}};
    pl_yaml_place(node, at, &term->line, &term->column);
    return term;
}

static const char *number_literal(const pl_json *json, const pl_type *type, pl_value *value)
{
    pl_number number;
    if (json->kind != PL_JSON_NUMBER) return "is not a number";
    pl_number_verdict verdict = pl_number_parse(json->text, &number);
    int64_t whole = 0;
    if (verdict != PL_NUMBER_OK) return pl_number_reason(verdict);
    switch (type->kind) {
    case PL_INT:
        verdict = pl_number_long(&number, 0, &whole);
        if (verdict == PL_NUMBER_OK && (whole < INT32_MIN || whole > INT32_MAX))
            verdict = PL_NUMBER_RANGE;
        value->i32 = (int32_t)whole;
        break;
    case PL_LONG:
        verdict = pl_number_long(&number, 0, &value->i64);
        break;
    case PL_FLOAT:
        verdict = pl_number_float(&number, 0, &value->f32);
        break;
    case PL_DOUBLE:
        verdict = pl_number_double(&number, 0, &value->f64);
        break;
    default:
        verdict = pl_number_decimal(&number, 0, type->precision, type->scale, &value->i128);
        break;
    }
    return verdict == PL_NUMBER_OK ? NULL : pl_number_reason(verdict);
}

// The JSON value as a value of the type; NULL, or why it does not fit.
static const char *literal_value(const pl_json *json, const pl_type *type, pl_arena *arena,
                                 pl_value *value)
{
    value->kind = type->kind;
    switch (type->kind) {
    case PL_BOOLEAN:
        value->boolean = json->kind == PL_JSON_TRUE;
        return value->boolean || json->kind == PL_JSON_FALSE ? NULL : "is not true or false";
    case PL_DATE:
        if (json->kind != PL_JSON_STRING) return "is not text";
        return pl_date_parse(json->text, &value->i32);
    case PL_TIMESTAMP:
        if (json->kind != PL_JSON_STRING) return "is not text";
        return pl_time_parse_iso(json->text, &value->i64);
    case PL_STRING:
        value->text = json->text;
        return json->kind == PL_JSON_STRING ? NULL : "is not text";
    case PL_JSON: {
        pl_buf compact = {0};
        pl_json_compact(&compact, json->raw);
        value->text = pl_arena_copy(arena, pl_buf_view(&compact));
        pl_buf_done(&compact);
        return NULL;
    }
    case PL_LIST:
        return "cannot fill a list";
    default:
        return number_literal(json, type, value);
    }
}

// `= literal`; text is the JSON, which begins at byte `base` of the scalar.
static void set_literal(rule_reading *self, const pl_yaml *node, size_t base, pl_span text,
                        pl_term *term)
{
    pl_json *json = NULL;
    plumb_error err;
    term->kind = PL_TERM_LITERAL;
    if (pl_json_parse(text, self->base->arena, &json, &err) != PLUMB_OK) {
        pl_hint(
            pl_contract__mistake(self->base, node, base, "'%.*s' is not a literal", PL_FMT(text)),
            "Write = \"text\", = 12, = 1.5, = true or = null.");
        self->failed = true;
        return;
    }
    if (!self->column) return;
    const pl_field *field = &self->column->field;
    const char *reason = NULL;
    if (json->kind == PL_JSON_NULL && field->type.kind != PL_JSON) {
        term->literal = (pl_value){.kind = field->type.kind, .is_null = true};
        if (field->required) reason = "is not a value of a required column";
    } else {
        reason = literal_value(json, &field->type, self->base->arena, &term->literal);
    }
    if (!reason) return;
    char type[64];
    type_text(self->column, type);
    plumb_error *mistake = pl_contract__mistake(self->base, node, base,
                                                "literal %.*s does not fit column '%.*s' (%s): %s",
                                                PL_FMT(text), PL_FMT(field->name), type, reason);
    if (field->type.kind == PL_STRING) pl_hint(mistake, "Put text in double quotes.");
    self->failed = true;
}

static void check_builtin(rule_reading *self, const pl_yaml *node, size_t at, const pl_term *term)
{
    if (!self->column) return;
    static const char *const gives[] = {"a timestamp", "a string", "a long", "a string"};
    int which = term->kind - PL_TERM_RECEIVED;
    pl_kind kind = self->column->field.type.kind;
    bool fits = which == 0   ? kind == PL_TIMESTAMP
                : which == 2 ? kind == PL_LONG
                             : kind == PL_STRING;
    if (fits) return;
    char type[64];
    type_text(self->column, type);
    pl_contract__mistake(self->base, node, at, "%s is %s and does not fit column '%.*s' (%s)",
                         BUILTINS[which], gives[which], PL_FMT(self->column->field.name), type);
    self->failed = true;
}

// `$word`: a built-in, or something this version does not know. Returns the offset after it.
static size_t take_builtin(rule_reading *self, const pl_yaml *node, size_t at, pl_term *term)
{
    pl_span text = node->text;
    size_t end = at + 1;
    while (end < text.bytes &&
           (text.data[end] == '_' || (text.data[end] >= 'a' && text.data[end] <= 'z') ||
            (text.data[end] >= 'A' && text.data[end] <= 'Z') ||
            (text.data[end] >= '0' && text.data[end] <= '9')))
        end++;
    pl_span word = pl_span_make(text.data + at, end - at);
    int which = pl_contract__word(word, BUILTINS);
    if (which >= 0) {
        term->kind = (pl_term_kind)(PL_TERM_RECEIVED + which);
        check_builtin(self, node, at, term);
        return end;
    }
    self->failed = true;
    if (pl_span_is(word, "$parent") || pl_span_is(word, "$doc")) {
        pl_contract__mistake(self->base, node, at, "%.*s needs a key, as in %.*s.id", PL_FMT(word),
                             PL_FMT(word));
        return SIZE_MAX;
    }
    plumb_error *err =
        pl_contract__mistake(self->base, node, at, "unknown built-in '%.*s'", PL_FMT(word));
    pl_contract__words(err, word, BUILTINS);
    size_t used = strlen(err->hint);
    if (used + word.bytes + 60 < sizeof err->hint)
        snprintf(err->hint + used, sizeof err->hint - used, " A key of that name is $[\"%.*s\"].",
                 PL_FMT(word));
    return SIZE_MAX;
}

static void check_parser(rule_reading *self, const pl_yaml *node, size_t at, const pl_term *term)
{
    if (!self->column || pl_parser_fits(term->parser.kind, &self->column->field.type)) return;
    char type[64];
    type_text(self->column, type);
    pl_buf text = {0};
    pl_parser_text(&text, &term->parser);
    pl_contract__mistake(self->base, node, at, "parser '%.*s' does not fit column '%.*s' (%s)",
                         PL_FMT(pl_buf_view(&text)), PL_FMT(self->column->field.name), type);
    pl_buf_done(&text);
    self->failed = true;
}

// A path and its parse(...). Returns the offset after them, SIZE_MAX after a mistake.
static size_t take_path(rule_reading *self, const pl_yaml *node, size_t at, pl_term *term)
{
    static const pl_span PARSE = {"parse", 5};
    pl_span text = node->text;
    plumb_error err;
    term->kind = PL_TERM_PATH;
    if (pl_contract__path(text, &at, self->base->arena, &term->path, &err) != PLUMB_OK) {
        pass_on(self, node, 0, &err);
        return SIZE_MAX;
    }
    size_t word = pl_contract__space(text, at);
    size_t open = pl_contract__space(text, word + PARSE.bytes);
    if (word == at || open >= text.bytes || text.data[open] != '(' ||
        !pl_span_starts(pl_span_make(text.data + word, text.bytes - word), PARSE))
        return at;
    size_t close = pl_contract__close(text, open), inside = open + 1;
    if (close == SIZE_MAX) {
        pl_contract__mistake(self->base, node, open, "a ( is not closed");
        self->failed = true;
        return SIZE_MAX;
    }
    pl_span head = pl_span_make(text.data, close);
    size_t name_at = pl_contract__space(head, inside);
    if (pl_contract__parser(head, &inside, self->base->arena, &term->parser, &err) != PLUMB_OK) {
        pass_on(self, node, 0, &err);
        return close + 1;
    }
    if (pl_contract__space(head, inside) != close) {
        pl_contract__mistake(self->base, node, inside, "'%.*s' does not belong to a parser",
                             PL_FMT(pl_span_make(text.data + inside, close - inside)));
        self->failed = true;
    } else {
        check_parser(self, node, name_at, term);
    }
    return close + 1;
}

// `= json`: returns the offset after it.
static size_t take_literal(rule_reading *self, const pl_yaml *node, size_t at, pl_term *term)
{
    pl_span text = node->text;
    pl_json_error problem;
    size_t from = pl_contract__space(text, at + 1);
    size_t end = from < text.bytes ? pl_json_skip(text, from, 0, &problem) : SIZE_MAX;
    if (end == SIZE_MAX) end = text.bytes;
    set_literal(self, node, from, pl_span_make(text.data + from, end - from), term);
    return self->failed ? SIZE_MAX : end;
}

// Does a path into $parent or $doc begin here?
static bool reaches_out(pl_span text, size_t at)
{
    pl_span rest = pl_span_make(text.data + at, text.bytes - at);
    return pl_span_starts(rest, PL_SPAN("$parent.")) || pl_span_starts(rest, PL_SPAN("$parent[")) ||
           pl_span_starts(rest, PL_SPAN("$doc.")) || pl_span_starts(rest, PL_SPAN("$doc["));
}

static size_t take_term(rule_reading *self, const pl_yaml *node, size_t at)
{
    pl_span text = node->text;
    pl_term *term = add_term(self, node, at);
    if (!term) return SIZE_MAX;
    char first = text.data[at], second = at + 1 < text.bytes ? text.data[at + 1] : '\0';
    size_t end;
    if (first == '=')
        end = take_literal(self, node, at, term);
    else if (first == '$' && second != '[' && second != '.' && !reaches_out(text, at))
        end = take_builtin(self, node, at, term);
    else
        end = take_path(self, node, at, term);
    if (end != SIZE_MAX) term->text = pl_span_make(text.data + at, end - at);
    return end;
}

// A rule, or one item of a list of terms: a | b parse(epoch) | = 0
static void read_text(rule_reading *self, const pl_yaml *node)
{
    pl_span text = node->text;
    size_t at = pl_contract__space(text, 0);
    if (at == text.bytes) {
        pl_contract__mistake(self->base, node, 0, "the rule is empty");
        self->failed = true;
        return;
    }
    for (;;) {
        if (at >= text.bytes || text.data[at] == '|') {
            pl_contract__mistake(self->base, node, at, "a path is missing beside '|'");
            self->failed = true;
            return;
        }
        at = take_term(self, node, at);
        if (at == SIZE_MAX) return;
        at = pl_contract__space(text, at);
        if (at == text.bytes) return;
        if (text.data[at] != '|') {
            pl_span rest = pl_span_make(text.data + at, text.bytes - at);
            pl_hint(pl_contract__mistake(self->base, node, at, "'%.*s' does not belong to a rule",
                                         PL_FMT(rest)),
                    "A rule is path parse(...) | path | = literal.");
            self->failed = true;
            return;
        }
        at = pl_contract__space(text, at + 1);
    }
}

// {path: a.b, parse: epoch} or {literal: '"text"'}.
static void read_map(rule_reading *self, const pl_yaml *node)
{
    static const char *const keys[] = {"path", "parse", "literal", NULL};
    uint32_t before = self->base->problems->count;
    pl_contract__check_keys(self->base, node, keys);
    const pl_yaml *path = pl_yaml_get(node, "path"), *parse = pl_yaml_get(node, "parse");
    const pl_yaml *literal = pl_yaml_get(node, "literal");
    if (!path == !literal || (literal && parse))
        pl_contract__mistake(self->base, node, 0, "a term needs a path, or else a literal");
    path = pl_contract__want(self->base, path, PL_YAML_SCALAR, "path");
    parse = pl_contract__want(self->base, parse, PL_YAML_SCALAR, "parse");
    literal = pl_contract__want(self->base, literal, PL_YAML_SCALAR, "literal");
    if (self->base->problems->count != before) {
        self->failed = true;
        return;
    }
    if (literal) {
        pl_term *term = add_term(self, literal, 0);
        if (!term) return;
        term->text = literal->text;
        set_literal(self, literal, 0, literal->text, term);
        return;
    }
    uint32_t first = self->count;
    read_text(self, path);
    if (!parse || self->failed) return;
    pl_term *term = &self->terms[self->count - 1];
    if (self->count != first + 1 || term->kind != PL_TERM_PATH || term->parser.kind) {
        pl_contract__mistake(self->base, parse, 0, "parse needs one path without a parser");
        self->failed = true;
        return;
    }
    plumb_error err;
    if (pl_parser_parse(parse->text, self->base->arena, &term->parser, &err) != PLUMB_OK)
        pass_on(self, parse, 0, &err);
    else
        check_parser(self, parse, 0, term);
}

// What always has a value hides everything behind it.
static void check_order(rule_reading *self, const pl_yaml *node)
{
    for (uint32_t i = 0; i + 1 < self->count; i++) {
        const pl_term *term = &self->terms[i];
        if (term->kind == PL_TERM_PATH) continue;
        pl_problem(self->base->problems, self->base->file, self->terms[i + 1].line,
                   self->terms[i + 1].column, "nothing behind '%.*s' is ever used",
                   PL_FMT(term->text));
        self->failed = true;
        return;
    }
    if (self->count == 0) {
        pl_contract__mistake(self->base, node, 0, "the rule is empty");
        self->failed = true;
    }
}

bool pl_contract__rule(const pl_reading *reading, const pl_yaml *node,
                       const pl_contract_column *column, pl_rule *ret_rule)
{
    rule_reading self = {.base = reading, .column = column};
    if (node->kind == PL_YAML_SCALAR) {
        read_text(&self, node);
    } else if (node->kind == PL_YAML_MAP) {
        read_map(&self, node);
    } else {
        for (const pl_yaml *item = node->first; item; item = item->next) {
            if (item->kind == PL_YAML_MAP)
                read_map(&self, item);
            else if (pl_contract__want(reading, item, PL_YAML_SCALAR, "a term"))
                read_text(&self, item);
            else
                self.failed = true;
        }
    }
    if (!self.failed) check_order(&self, node);
    if (self.failed) return false;
    ret_rule->line = node->line;
    ret_rule->at = node->column;
    ret_rule->term_count = self.count;
    ret_rule->terms = PL_TAKE(reading->arena, pl_term, self.count);
    memcpy(ret_rule->terms, self.terms, self.count * sizeof *self.terms);
    return true;
}

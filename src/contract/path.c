// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <stdlib.h>

#include "base/number.h"
#include "base/time.h"
#include "contract/mapping_int.h"
#include "json/text.h"
#include "json/writer.h"

static const char *const PARSERS[] = {"epoch",   "iso",  "time",     "date", "percent", "number",
                                      "compact", "bool", "duration", "json", "text",    NULL};
static const char ZONES[] = "/usr/share/zoneinfo";
static const char *const UNITS[] = {"s", "ms", "us", "ns", NULL};

plumb_status pl_contract__at(plumb_error *err, size_t at, const char *fmt, ...)
{
    char message[sizeof err->message];
    va_list args;
    va_start(args, fmt);
    vsnprintf(message, sizeof message, fmt, args);
    va_end(args);
    plumb_status status = pl_fail(err, PLUMB_E_CONFIG, "%s", message);
    pl_place(err, "", 0, (uint32_t)at + 1);
    return status;
}

// A key that needs no quotes: letters, digits, _ and -, and everything beyond ASCII.
static bool is_bare(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || (c & 0x80);
}

static pl_span take_bare(pl_span text, size_t *at)
{
    size_t from = *at;
    while (*at < text.bytes && is_bare(text.data[*at])) ++*at;
    return pl_span_make(text.data + from, *at - from);
}

// A "..." string with JSON escapes.
static plumb_status take_string(pl_span text, size_t *at, pl_arena *arena, pl_span *ret_string,
                                plumb_error *err)
{
    pl_json_error problem;
    bool escaped;
    size_t end = pl_json_skip_string(text, *at, &escaped, &problem);
    if (end == SIZE_MAX) {
        if (pl_contract__string_end(text, *at) == SIZE_MAX)
            return pl_contract__at(err, *at, "a \" is not closed");
        return pl_contract__at(err, problem.offset, "not a string: %s", problem.reason);
    }
    *ret_string = pl_json_unescaped(arena, pl_span_make(text.data + *at + 1, end - *at - 2));
    *at = end;
    return PLUMB_OK;
}

// [0], ["key"] or [name="value"]; *at is at the bracket.
static plumb_status take_bracket(pl_span text, size_t *at, pl_arena *arena, pl_step *step,
                                 plumb_error *err)
{
    size_t open = *at, i = pl_contract__space(text, open + 1);
    char c = i < text.bytes ? text.data[i] : '\0';
    pl_span word = PL_SPAN("");
    bool quoted = c == '"';
    size_t word_at = i;
    if (quoted)
        PL_TRY(take_string(text, &i, arena, &word, err));
    else
        word = take_bare(text, &i);
    i = pl_contract__space(text, i);
    if (i < text.bytes && text.data[i] == '=' && (quoted || word.bytes)) {
        i = pl_contract__space(text, i + 1);
        if (i >= text.bytes || text.data[i] != '"')
            return pl_contract__at(err, i,
                                   "a look-up needs a quoted value, as in [name=\"likes\"]");
        step->kind = PL_STEP_LOOKUP;
        step->lookup_key = word;
        PL_TRY(take_string(text, &i, arena, &step->lookup_value, err));
        i = pl_contract__space(text, i);
    } else if (quoted) {
        step->kind = PL_STEP_KEY;
        step->key = word;
    } else {
        pl_number number;
        step->kind = PL_STEP_INDEX;
        if (pl_number_parse(word, &number) != PL_NUMBER_OK ||
            pl_number_long(&number, 0, &step->index) != PL_NUMBER_OK || step->index < 0) {
            plumb_status st =
                pl_contract__at(err, word_at, "'[%.*s' is no index, key or look-up", PL_FMT(word));
            pl_hint(err, "Write [0], [\"key\"] or [name=\"value\"].");
            return st;
        }
    }
    if (i >= text.bytes || text.data[i] != ']')
        return pl_contract__at(err, open, "a [ is not closed");
    *at = i + 1;
    return PLUMB_OK;
}

// What `$` stands for here; *at moves behind it.
static pl_root take_root(pl_span text, size_t *at)
{
    static const char *const roots[] = {"$", "$parent", "$doc"};
    for (int root = PL_ROOT_DOCUMENT; root > PL_ROOT_RECORD; root--) {
        size_t bytes = strlen(roots[root]), end = *at + bytes;
        if (end >= text.bytes || memcmp(text.data + *at, roots[root], bytes) != 0) continue;
        if (text.data[end] != '.' && text.data[end] != '[') continue;
        *at = end;
        return (pl_root)root;
    }
    ++*at;
    return PL_ROOT_RECORD;
}

plumb_status pl_contract__path(pl_span text, size_t *at, pl_arena *arena, pl_path *ret_path,
                               plumb_error *err)
{
    pl_step steps[PL_STEPS_MAX];
    uint32_t count = 0;
    size_t start = *at, i = start;
    bool rooted = i < text.bytes && text.data[i] == '$';
    pl_root root = rooted ? take_root(text, &i) : PL_ROOT_RECORD;
    for (bool first = true;; first = false) {
        char c = i < text.bytes ? text.data[i] : '\0';
        pl_step step = {.key = PL_SPAN(""), .lookup_key = PL_SPAN(""), .lookup_value = PL_SPAN("")};
        bool dot = c == '.' && !(first && !rooted);
        if (!dot && c != '[' && !(first && !rooted)) break;
        if (count == PL_STEPS_MAX)
            return pl_contract__at(err, i, "a path may have %d steps", PL_STEPS_MAX);
        if (c == '[' && !(first && !rooted)) {
            PL_TRY(take_bracket(text, &i, arena, &step, err));
        } else {
            i += dot;
            step.kind = PL_STEP_KEY;
            step.key = take_bare(text, &i);
            if (step.key.bytes == 0) {
                plumb_status st = pl_contract__at(err, i, "a key is missing");
                pl_hint(err, "Keys with other characters than letters, digits, _ and - are written "
                             "as in $[\"a.b\"].");
                return st;
            }
        }
        steps[count++] = step;
    }
    if (count == 0) return pl_contract__at(err, start, "a path needs a key");
    ret_path->steps = PL_TAKE(arena, pl_step, count);
    memcpy(ret_path->steps, steps, count * sizeof *steps);
    ret_path->count = count;
    ret_path->root = root;
    *at = i;
    return PLUMB_OK;
}

// time("format", zone): what is between the brackets.
static plumb_status read_time(pl_span text, size_t from, size_t to, pl_arena *arena,
                              pl_parser *parser, plumb_error *err)
{
    pl_span inside = pl_span_make(text.data, to);
    size_t i = pl_contract__space(inside, from), format_at = i;
    if (i >= to || text.data[i] != '"') {
        plumb_status st = pl_contract__at(err, from, "time needs a format in double quotes");
        pl_hint(err, "Write it as in time(\"%%Y-%%m-%%d %%H:%%M:%%S\", UTC).");
        return st;
    }
    PL_TRY(take_string(inside, &i, arena, &parser->format, err));
    const char *reason = pl_time_check_format(parser->format);
    if (reason)
        return pl_contract__at(err, format_at, "time format \"%.*s\" %s", PL_FMT(parser->format),
                               reason);
    i = pl_contract__space(inside, i);
    bool zoned = false;
    for (size_t j = 0; j + 1 < parser->format.bytes; j++)
        if (parser->format.data[j] == '%' && parser->format.data[++j] != '%')
            zoned = zoned || strchr("zZs", parser->format.data[j]);
    parser->kind = PL_PARSE_TIME;
    if (i < to && text.data[i] == ',') {
        i++;
        pl_span zone = pl_contract__cut(text, &i, to);
        if (zone.bytes >= 2 && zone.data[0] == '"' && zone.data[zone.bytes - 1] == '"')
            zone = pl_span_make(zone.data + 1, zone.bytes - 2), i++;
        return pl_contract__zone(ZONES, zone, i, arena, &parser->zone, err);
    }
    if (i < to) return pl_contract__at(err, i, "time needs \"format\" or \"format\", zone");
    if (zoned) return PLUMB_OK;
    plumb_status st =
        pl_contract__at(err, format_at, "time format \"%.*s\" has no %%z and no zone is given",
                        PL_FMT(parser->format));
    pl_hint(err, "Write time(\"%.*s\", UTC) if the text is UTC.", PL_FMT(parser->format));
    return st;
}

// The separators of a sample such as "1,234.5": a group of exactly three digits at the end with no
// other separator is taken for thousands, anything else behind the last one for the fraction.
static plumb_status read_sample(pl_span text, size_t from, size_t to, pl_arena *arena,
                                pl_parser *parser, plumb_error *err)
{
    pl_span inside = pl_span_make(text.data, to), sample = PL_SPAN("");
    size_t i = pl_contract__space(inside, from), at = i;
    if (i >= to || text.data[i] != '"')
        return pl_contract__at(err, from, "a sample in double quotes is needed, as in \"1,234.5\"");
    PL_TRY(take_string(inside, &i, arena, &sample, err));
    if (pl_contract__space(inside, i) != to)
        return pl_contract__at(err, i, "one sample in double quotes is needed");
    char first = '\0', last = '\0';
    uint32_t marks = 0;
    size_t behind = 0;
    bool good = sample.bytes > 0;
    for (size_t j = 0; good && j < sample.bytes; j++) {
        char c = sample.data[j];
        bool digit = c >= '0' && c <= '9';
        behind += digit && marks > 0;
        if (digit || (parser->kind == PL_PARSE_COMPACT && j + 1 == sample.bytes)) continue;
        good = strchr(",.' _", c) && c;
        if (marks++ == 0) first = c;
        last = c;
        behind = 0;
    }
    bool group = marks == 1 && behind == 3;
    parser->decimal = marks == 0 || group ? (first == '.' ? ',' : '.') : last;
    parser->thousands = group ? first : marks > 1 && first != last ? first : '\0';
    if (marks > 1 && first == last)
        parser->thousands = first, parser->decimal = first == '.' ? ',' : '.';
    good = good && (parser->decimal == '.' || parser->decimal == ',');
    if (good) return PLUMB_OK;
    plumb_status st = pl_contract__at(err, at, "\"%.*s\" shows no separators", PL_FMT(sample));
    pl_hint(err, "Write how 1234.5 looks, as in number(\"1,234.5\") or number(\"1.234,5\").");
    return st;
}

// epoch(ms): the unit between the brackets.
static plumb_status read_unit(pl_span text, size_t from, size_t to, pl_parser *parser,
                              plumb_error *err)
{
    pl_span unit = pl_contract__cut(text, &from, to);
    int which = pl_contract__word(unit, UNITS);
    if (which >= 0) {
        parser->kind = (pl_parser_kind)(PL_PARSE_EPOCH_S + which);
        return PLUMB_OK;
    }
    plumb_status st = pl_contract__at(err, from, "unknown unit '%.*s'", PL_FMT(unit));
    pl_contract__words(err, unit, UNITS);
    return st;
}

plumb_status pl_contract__parser(pl_span text, size_t *at, pl_arena *arena, pl_parser *ret_parser,
                                 plumb_error *err)
{
    static const pl_parser_kind kinds[] = {PL_PARSE_EPOCH,   PL_PARSE_ISO,     PL_PARSE_TIME,
                                           PL_PARSE_DATE,    PL_PARSE_PERCENT, PL_PARSE_NUMBER,
                                           PL_PARSE_COMPACT, PL_PARSE_BOOL,    PL_PARSE_DURATION,
                                           PL_PARSE_JSON,    PL_PARSE_TEXT};
    size_t from = pl_contract__space(text, *at), i = from;
    pl_span word = take_bare(text, &i);
    int which = pl_contract__word(word, PARSERS);
    if (which < 0) {
        plumb_status st = word.bytes
                              ? pl_contract__at(err, from, "unknown parser '%.*s'", PL_FMT(word))
                              : pl_contract__at(err, from, "parse() needs the name of a parser");
        pl_contract__words(err, word, PARSERS);
        return st;
    }
    pl_parser parser = {.kind = kinds[which], .format = PL_SPAN(""), .decimal = '.'};
    if (parser.kind == PL_PARSE_NUMBER || parser.kind == PL_PARSE_COMPACT) parser.thousands = ',';
    i = pl_contract__space(text, i);
    if (i < text.bytes && text.data[i] == '(') {
        size_t close = pl_contract__close(text, i);
        if (close == SIZE_MAX) return pl_contract__at(err, i, "a ( is not closed");
        if (parser.kind == PL_PARSE_EPOCH)
            PL_TRY(read_unit(text, i + 1, close, &parser, err));
        else if (parser.kind == PL_PARSE_TIME)
            PL_TRY(read_time(text, i + 1, close, arena, &parser, err));
        else if (parser.kind == PL_PARSE_NUMBER || parser.kind == PL_PARSE_COMPACT)
            PL_TRY(read_sample(text, i + 1, close, arena, &parser, err));
        else
            return pl_contract__at(err, i, "parser '%.*s' takes nothing in brackets", PL_FMT(word));
        i = close + 1;
    } else if (parser.kind == PL_PARSE_TIME) {
        return read_time(text, i, i, arena, &parser, err);
    }
    *ret_parser = parser;
    *at = i;
    return PLUMB_OK;
}

plumb_status pl_path_parse(pl_span text, pl_arena *arena, pl_path *ret_path, plumb_error *err)
{
    size_t at = 0;
    pl_path path;
    PL_TRY(pl_contract__path(text, &at, arena, &path, err));
    if (at != text.bytes)
        return pl_contract__at(err, at, "'%.*s' does not belong to a path",
                               PL_FMT(pl_span_make(text.data + at, text.bytes - at)));
    *ret_path = path;
    return PLUMB_OK;
}

plumb_status pl_parser_parse(pl_span text, pl_arena *arena, pl_parser *ret_parser, plumb_error *err)
{
    size_t at = 0;
    pl_parser parser;
    PL_TRY(pl_contract__parser(text, &at, arena, &parser, err));
    if (at != text.bytes)
        return pl_contract__at(err, at, "'%.*s' does not belong to a parser",
                               PL_FMT(pl_span_make(text.data + at, text.bytes - at)));
    *ret_parser = parser;
    return PLUMB_OK;
}

static bool all_bare(pl_span key)
{
    bool bare = key.bytes > 0;
    for (size_t i = 0; bare && i < key.bytes; i++) bare = is_bare(key.data[i]);
    return bare;
}

void pl_path_text(pl_buf *out, const pl_path *path)
{
    static const char *const roots[] = {"", "$parent", "$doc"};
    pl_buf_text(out, roots[path->root]);
    for (uint32_t i = 0; i < path->count; i++) {
        const pl_step *step = &path->steps[i];
        if (step->kind == PL_STEP_KEY && all_bare(step->key)) {
            if (i > 0 || path->root) pl_buf_char(out, '.');
            pl_buf_span(out, step->key);
            continue;
        }
        if (i == 0 && !path->root) pl_buf_char(out, '$');
        pl_buf_char(out, '[');
        if (step->kind == PL_STEP_INDEX) {
            pl_buf_printf(out, "%lld", (long long)step->index);
        } else if (step->kind == PL_STEP_KEY) {
            pl_json_quote(out, step->key);
        } else {
            if (all_bare(step->lookup_key))
                pl_buf_span(out, step->lookup_key);
            else
                pl_json_quote(out, step->lookup_key);
            pl_buf_char(out, '=');
            pl_json_quote(out, step->lookup_value);
        }
        pl_buf_char(out, ']');
    }
}

// The sample that shows the separators, or nothing for the default.
static void sample_text(pl_buf *out, const pl_parser *parser, const char *end)
{
    if (parser->thousands == ',' && parser->decimal == '.') return;
    pl_buf_text(out, "(\"1");
    if (parser->thousands) pl_buf_char(out, parser->thousands);
    pl_buf_printf(out, "234%c5%s\")", parser->decimal, end);
}

void pl_parser_text(pl_buf *out, const pl_parser *parser)
{
    static const char *const names[PL_PARSERS] = {
        [PL_PARSE_DEFAULT] = "",
        [PL_PARSE_EPOCH] = "epoch",
        [PL_PARSE_EPOCH_S] = "epoch(s)",
        [PL_PARSE_EPOCH_MS] = "epoch(ms)",
        [PL_PARSE_EPOCH_US] = "epoch(us)",
        [PL_PARSE_EPOCH_NS] = "epoch(ns)",
        [PL_PARSE_ISO] = "iso",
        [PL_PARSE_TIME] = "time",
        [PL_PARSE_DATE] = "date",
        [PL_PARSE_PERCENT] = "percent",
        [PL_PARSE_NUMBER] = "number",
        [PL_PARSE_COMPACT] = "compact",
        [PL_PARSE_BOOL] = "bool",
        [PL_PARSE_DURATION] = "duration",
        [PL_PARSE_JSON] = "json",
        [PL_PARSE_TEXT] = "text",
    };
    pl_buf_text(out, names[parser->kind]);
    if (parser->kind == PL_PARSE_NUMBER) sample_text(out, parser, "");
    if (parser->kind == PL_PARSE_COMPACT) sample_text(out, parser, "K");
    if (parser->kind != PL_PARSE_TIME) return;
    pl_buf_char(out, '(');
    pl_json_quote(out, parser->format);
    const pl_zone *zone = parser->zone;
    int32_t minutes = zone ? zone->seconds / 60 : 0;
    if (zone && zone->name)
        pl_buf_printf(out, ", %s", zone->name);
    else if (minutes)
        pl_buf_printf(out, ", %c%02d:%02d", minutes < 0 ? '-' : '+', abs(minutes) / 60,
                      abs(minutes) % 60);
    else
        pl_buf_text(out, ", UTC");
    pl_buf_char(out, ')');
}

bool pl_parser_fits(pl_parser_kind parser, const pl_type *type)
{
    while (type->kind == PL_LIST) type = type->element;
    pl_kind kind = type->kind;
    bool time = kind == PL_TIMESTAMP || kind == PL_DATE;
    bool fraction = kind == PL_FLOAT || kind == PL_DOUBLE || kind == PL_DECIMAL;
    bool number = fraction || kind == PL_INT || kind == PL_LONG;
    switch (parser) {
    case PL_PARSE_EPOCH:
    case PL_PARSE_EPOCH_S:
    case PL_PARSE_EPOCH_MS:
    case PL_PARSE_EPOCH_US:
    case PL_PARSE_EPOCH_NS:
    case PL_PARSE_ISO:
    case PL_PARSE_TIME:
        return time;
    case PL_PARSE_DATE:
        return kind == PL_DATE;
    case PL_PARSE_PERCENT:
        return fraction;
    case PL_PARSE_NUMBER:
    case PL_PARSE_COMPACT:
    case PL_PARSE_DURATION:
        return number;
    case PL_PARSE_BOOL:
        return kind == PL_BOOLEAN;
    case PL_PARSE_JSON:
        return kind == PL_JSON;
    case PL_PARSE_TEXT:
        return kind == PL_STRING;
    default:
        return true;
    }
}

// drift.c -- runs text case files: what counts as drift, stated so that a reader can learn it.
//
//     drift FILE...        checks; prints what differs and "N passed, N failed"
//     drift --show FILE    prints the file with what really is found
//
// A file is one rule; each of its cases is blocks: a line at the margin names the block, indented
// lines are its text.
//
//     case SENTENCE        what this case says
//     by PATH              the key of the records that names their entity; absent: nobody says
//     as given             minimum counts off, as `plumb shape --diff` compares two files
//     before, after        records, one JSON object a line
//     before N, after N    each line that has a '$' N times, with $n = 1 to N and values that
//                          follow from it: $a100 is a number below 100, another for each letter
//                          and n, but the same before and after; $a{x|y|z} one of these. `*7`,
//                          `/7`, `+7`, `+$b9` behind a number calculate, from left to right.
//     then                 the findings, but not those that are part of another
//
// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <stdlib.h>

#include "shape/findings.h"

typedef struct drift_case {
    pl_span sentence, by;
    bool as_given;
    pl_span before, after, then; // with their indentation
    uint32_t before_times, after_times;
} drift_case;

static char *read_file(const char *path)
{
    pl_buf text = {0};
    FILE *file = fopen(path, "rb");
    if (!file) {
        perror(path);
        exit(2);
    }
    for (int c; (c = getc(file)) != EOF;) pl_buf_char(&text, (char)c);
    fclose(file);
    pl_buf_cstr(&text);
    return text.data;
}

static pl_span next_line(pl_span *text)
{
    const char *end = text->bytes ? memchr(text->data, '\n', text->bytes) : NULL;
    size_t bytes = end ? (size_t)(end - text->data) : text->bytes;
    pl_span line = pl_span_make(text->data, bytes);
    bytes += end != NULL;
    *text = pl_span_make(text->data + bytes, text->bytes - bytes);
    return line;
}

// ---- records -----------------------------------------------------------------------------------

static uint64_t number_at(pl_span line, size_t *at)
{
    uint64_t number = 0;
    for (; *at < line.bytes && line.data[*at] >= '0' && line.data[*at] <= '9'; ++*at)
        number = number * 10 + (uint64_t)(line.data[*at] - '0');
    return number;
}

// The same in every version: an own mix (Steele, Lea and Flood, "SplitMix", OOPSLA 2014), not the
// hash of tables.
static uint64_t chance_of(char name, uint32_t n)
{
    uint64_t z = ((uint64_t)(uint8_t)name << 32 | n) * UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (z ^ (z >> 31)) >> 16;
}

// A number, or one behind a '$'.
static uint64_t operand_at(pl_span line, size_t *at, uint32_t n)
{
    if (*at >= line.bytes || line.data[*at] != '$') return number_at(line, at);
    char name = line.data[*at + 1];
    *at += 2;
    uint64_t limit = number_at(line, at);
    return name == 'n' ? n : chance_of(name, n) % PL_MAX(limit, 1u);
}

// What '$' at `at` and the signs behind it stand for; moves on behind them.
static void substitute(pl_buf *out, pl_span line, size_t *at, uint32_t n)
{
    if (*at + 2 < line.bytes && line.data[*at + 2] == '{') {
        const char *from = line.data + *at + 3, *end = strchr(from, '}');
        uint64_t count = 1;
        for (const char *c = from; c < end; c++) count += *c == '|';
        for (uint64_t skip = chance_of(line.data[*at + 1], n) % count; skip; from++)
            skip -= *from == '|';
        pl_buf_append(out, from, strcspn(from, "|}"));
        *at = (size_t)(end + 1 - line.data);
        return;
    }
    uint64_t value = operand_at(line, at, n);
    while (*at < line.bytes && strchr("*/+", line.data[*at])) {
        char sign = line.data[(*at)++];
        uint64_t operand = operand_at(line, at, n);
        if (sign == '*') value *= operand;
        if (sign == '/') value /= PL_MAX(operand, 1u);
        if (sign == '+') value += operand;
    }
    pl_buf_printf(out, "%llu", (unsigned long long)value);
}

static void observe(pl_shape *shape, pl_span record, pl_span by, const char *position)
{
    pl_arena arena = {0};
    pl_json *root;
    plumb_error err;
    if (pl_json_parse(record, &arena, &root, &err) != PLUMB_OK) {
        fprintf(stderr, "%.*s: %s\n", PL_FMT(record), err.message);
        exit(2);
    }
    pl_span entity = pl_span_of(position);
    char *key = by.bytes ? pl_arena_cstr(&arena, by) : NULL;
    const pl_json *value = key ? pl_json_get(root, key) : NULL;
    if (value) entity = value->raw;
    pl_shape_record(shape, root);
    pl_shape_sample(shape, root, pl_shape_entity(&entity, 1));
    pl_arena_done(&arena);
}

static void build(pl_shape *shape, pl_span text, uint32_t times, pl_span by, const char *side)
{
    pl_shape_init(shape);
    pl_shape_object(shape, 1);
    pl_buf record = {0};
    uint32_t position = 0;
    while (text.bytes) {
        pl_span line = pl_span_trim(next_line(&text));
        uint32_t copies = line.bytes && memchr(line.data, '$', line.bytes) ? times : 0;
        for (uint32_t n = 1; line.bytes && n <= PL_MAX(copies, 1u); n++) {
            pl_buf_reset(&record);
            for (size_t at = 0; at < line.bytes;)
                if (copies && line.data[at] == '$')
                    substitute(&record, line, &at, n);
                else
                    pl_buf_char(&record, line.data[at++]);
            char name[32];
            snprintf(name, sizeof name, "%s:%u", side, position++);
            observe(shape, pl_buf_view(&record), by, name);
        }
    }
    pl_buf_done(&record);
    pl_shape_settle(shape);
}

// ---- findings ----------------------------------------------------------------------------------

static void write_findings(pl_buf *out, const drift_case *one)
{
    pl_shape before, after;
    build(&before, one->before, one->before_times, one->by, "before");
    build(&after, one->after, one->after_times, one->by, "after");
    pl_drift_options options = one->as_given ? pl_drift_as_given() : pl_drift_defaults();
    pl_arena arena = {0};
    pl_finding *findings;
    uint32_t count;
    pl_drift_findings(&before, &after, &options, &arena, &findings, &count);
    for (uint32_t i = 0; i < count; i++) {
        const pl_finding *f = &findings[i];
        if (!f->root) continue;
        pl_buf_printf(out, "  %s", pl_drift_class_name(f->class));
        if (f->strength != PL_DRIFT_CERTAIN)
            pl_buf_printf(out, " (%s)", pl_drift_strength_name(f->strength));
        pl_buf_printf(out, ": %s\n", f->why);
        if (*f->against) pl_buf_printf(out, "    but %s\n", f->against);
        if (*f->proposal && f->class != PL_DRIFT_ADDED)
            pl_buf_printf(out, "    read %s\n", f->proposal);
    }
    pl_arena_done(&arena);
    pl_shape_done(&before);
    pl_shape_done(&after);
}

static bool block_name(pl_span line, const char *name, pl_span *ret_rest)
{
    pl_span start = pl_span_of(name);
    if (!pl_span_starts(line, start)) return false;
    *ret_rest = pl_span_trim(pl_span_make(line.data + start.bytes, line.bytes - start.bytes));
    return line.bytes == start.bytes || line.data[start.bytes] == ' ';
}

// The next case of a file; false: no more.
static bool next_case(pl_span *text, drift_case *ret_case)
{
    drift_case one = {.sentence = {0}};
    pl_span *block = NULL;
    while (text->bytes) {
        pl_span rest = *text, line = next_line(&rest), value;
        if (block_name(line, "case", &value)) {
            if (one.sentence.bytes) break;
            one.sentence = value;
        } else if (block_name(line, "by", &value)) {
            one.by = value;
        } else if (block_name(line, "as given", &value)) {
            one.as_given = true;
        } else if (block_name(line, "before", &value) || block_name(line, "after", &value)) {
            bool before = line.data[0] == 'b';
            uint32_t *times = before ? &one.before_times : &one.after_times;
            *times = value.bytes ? (uint32_t)strtoul(value.data, NULL, 10) : 0;
            block = before ? &one.before : &one.after;
        } else if (block_name(line, "then", &value)) {
            block = &one.then;
        } else if (line.bytes && line.data[0] == ' ' && block) {
            if (!block->bytes) block->data = line.data;
            block->bytes = (size_t)(rest.data - block->data);
        }
        *text = rest;
    }
    *ret_case = one;
    return one.sentence.bytes > 0;
}

static void show(const drift_case *one, const pl_buf *found)
{
    printf("\ncase %.*s\n", PL_FMT(one->sentence));
    if (one->by.bytes) printf("by %.*s\n", PL_FMT(one->by));
    if (one->as_given) puts("as given");
    printf(one->before_times ? "before %u\n" : "before\n", one->before_times);
    printf("%.*s", PL_FMT(one->before));
    printf(one->after_times ? "after %u\n" : "after\n", one->after_times);
    printf("%.*sthen\n%.*s", PL_FMT(one->after), PL_FMT(pl_buf_view(found)));
}

int main(int argc, char **argv)
{
    int passed = 0, failed = 0;
    bool only_show = argc > 1 && strcmp(argv[1], "--show") == 0;
    for (int i = 1 + only_show; i < argc; i++) {
        char *bytes = read_file(argv[i]);
        pl_span text = pl_span_of(bytes);
        while (only_show && text.bytes && text.data[0] == '#') {
            pl_span line = next_line(&text);
            printf("%.*s\n", PL_FMT(line));
        }
        drift_case one;
        while (next_case(&text, &one)) {
            pl_buf found = {0};
            write_findings(&found, &one);
            bool same = pl_span_equal(one.then, pl_buf_view(&found));
            if (only_show)
                show(&one, &found);
            else if (!same)
                printf("%s: %.*s\n--- expected\n%.*s--- found\n%.*s", argv[i], PL_FMT(one.sentence),
                       PL_FMT(one.then), PL_FMT(pl_buf_view(&found)));
            passed += same;
            failed += !same;
            pl_buf_done(&found);
        }
        free(bytes);
    }
    if (only_show) return 0;
    printf("%d passed, %d failed\n", passed, failed);
    return failed || passed == 0;
}

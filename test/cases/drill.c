// drill.c -- runs text case files: what a change of a drill does to a record.
//
//     drill FILE...
//
// A file holds cases; each is lines at the margin and indented text:
//
//     case SENTENCE
//     rename PATH to KEY          change, one a line; what there is: see read_change
//     in                          records, one a line
//     out                         the same records, changed, one a line
//
// Prints what differs and "N passed, N failed".
//
// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <stdlib.h>

#include "drill/mutate.h"

enum { CHANGES_MAX = 8 };

typedef struct drill_case {
    pl_span sentence, in, out;
    pl_span changes[CHANGES_MAX];
    uint32_t count;
} drill_case;

static pl_span next_line(pl_span *text)
{
    const char *end = text->bytes ? memchr(text->data, '\n', text->bytes) : NULL;
    size_t bytes = end ? (size_t)(end - text->data) : text->bytes;
    pl_span line = pl_span_make(text->data, bytes);
    bytes += end != NULL;
    *text = pl_span_make(text->data + bytes, text->bytes - bytes);
    return line;
}

static pl_span next_word(pl_span *line)
{
    const char *space = line->bytes ? memchr(line->data, ' ', line->bytes) : NULL;
    pl_span word = {line->data, space ? (size_t)(space - line->data) : line->bytes};
    *line = pl_span_trim(pl_span_make(line->data + word.bytes, line->bytes - word.bytes));
    return word;
}

// rename PATH to KEY | move PATH into KEY | wrap PATH in KEY | add PATH then KEY |
// values PATH as KEY | words PATH [in UNIT] | shift PATH by DIGITS | remove PATH | text PATH |
// percent PATH | fraction PATH
static void read_change(pl_span line, pl_arena *arena, pl_change *ret_change)
{
    static const char *const names[PL_CHANGE_KINDS] = {
        "rename", "move",    "remove",   "text",   "wrap", "words",
        "shift",  "percent", "fraction", "values", "add",
    };
    pl_span verb = next_word(&line), path = next_word(&line), rest;
    plumb_error err;
    *ret_change = (pl_change){.kind = PL_CHANGE_KINDS};
    for (pl_change_kind kind = 0; kind < PL_CHANGE_KINDS; kind++)
        if (pl_span_is(verb, names[kind])) ret_change->kind = kind;
    if (ret_change->kind == PL_CHANGE_KINDS ||
        pl_path_parse(path, arena, &ret_change->path, &err) != PLUMB_OK) {
        fprintf(stderr, "unknown change '%.*s %.*s'\n", PL_FMT(verb), PL_FMT(path));
        exit(2);
    }
    next_word(&line); // to, into, in, by, ...
    rest = next_word(&line);
    if (ret_change->kind == PL_CHANGE_SHIFT)
        ret_change->digits = (int)strtol(pl_arena_cstr(arena, rest), NULL, 10);
    else
        ret_change->name = rest;
}

static void change_record(const drill_case *one, pl_span record, pl_buf *out)
{
    pl_arena arena = {0};
    pl_json *root;
    plumb_error err;
    if (pl_json_parse(record, &arena, &root, &err) != PLUMB_OK) {
        fprintf(stderr, "%.*s: %s\n", PL_FMT(record), err.message);
        exit(2);
    }
    pl_json *copy = pl_mutate_copy(root, &arena);
    for (uint32_t i = 0; i < one->count; i++) {
        pl_change change;
        read_change(one->changes[i], &arena, &change);
        pl_mutate(copy, &change, &arena);
    }
    pl_buf_text(out, "  ");
    pl_mutate_write(out, copy);
    pl_buf_char(out, '\n');
    pl_arena_done(&arena);
}

// The next case of a file; false: no more.
static bool next_case(pl_span *text, drill_case *ret_case)
{
    drill_case one = {.sentence = {0}};
    pl_span *block = NULL;
    while (text->bytes) {
        pl_span rest = *text, line = next_line(&rest);
        if (pl_span_starts(line, PL_SPAN("case "))) {
            if (one.sentence.bytes) break;
            one.sentence = pl_span_make(line.data + 5, line.bytes - 5);
        } else if (pl_span_is(line, "in") || pl_span_is(line, "out")) {
            block = pl_span_is(line, "in") ? &one.in : &one.out;
        } else if (line.bytes && line.data[0] == ' ' && block) {
            if (!block->bytes) block->data = line.data;
            block->bytes = (size_t)(rest.data - block->data);
        } else if (line.bytes && line.data[0] != '#' && one.count < CHANGES_MAX) {
            one.changes[one.count++] = line;
        }
        *text = rest;
    }
    *ret_case = one;
    return one.sentence.bytes > 0;
}

static bool check_case(const char *file, const drill_case *one)
{
    pl_buf out = {0};
    for (pl_span in = one->in; in.bytes;) {
        pl_span line = pl_span_trim(next_line(&in));
        if (line.bytes) change_record(one, line, &out);
    }
    bool same = pl_span_equal(one->out, pl_buf_view(&out));
    if (!same)
        printf("%s: %.*s\n--- expected\n%.*s--- found\n%.*s", file, PL_FMT(one->sentence),
               PL_FMT(one->out), PL_FMT(pl_buf_view(&out)));
    pl_buf_done(&out);
    return same;
}

int main(int argc, char **argv)
{
    int passed = 0, failed = 0;
    for (int i = 1; i < argc; i++) {
        pl_buf bytes = {0};
        FILE *file = fopen(argv[i], "rb");
        if (!file) {
            perror(argv[i]);
            return 2;
        }
        for (int c; (c = getc(file)) != EOF;) pl_buf_char(&bytes, (char)c);
        fclose(file);
        pl_span text = pl_buf_view(&bytes);
        drill_case one;
        while (next_case(&text, &one)) {
            bool same = check_case(argv[i], &one);
            passed += same;
            failed += !same;
        }
        pl_buf_done(&bytes);
    }
    printf("%d passed, %d failed\n", passed, failed);
    return failed || passed == 0;
}

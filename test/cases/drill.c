// drill.c -- runs text case files: what a change of a drill does to a record.
//
//     case SENTENCE
//     rename PATH to KEY          change, one a line; what there is: see read_change
//     in                          records, one a line
//     out                         the same records, changed, one a line
//
// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <stdlib.h>

#include "casefile.h"
#include "drill/mutate.h"

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

static void change_record(const case_text *one, pl_span record, pl_buf *out)
{
    pl_arena arena = {0};
    pl_json *root;
    plumb_error err;
    if (pl_json_parse(record, &arena, &root, &err) != PLUMB_OK) {
        fprintf(stderr, "%.*s: %s\n", PL_FMT(record), err.message);
        exit(2);
    }
    pl_json *copy = pl_mutate_copy(root, &arena);
    for (int i = 0; i < one->count; i++) {
        pl_change change;
        if (one->blocks[i].text.bytes) continue; // records
        read_change(one->blocks[i].head, &arena, &change);
        pl_mutate(copy, &change, &arena);
    }
    pl_buf_text(out, "  ");
    pl_mutate_write(out, copy);
    pl_buf_char(out, '\n');
    pl_arena_done(&arena);
}

static void play(const case_text *one, pl_buf *found)
{
    for (int i = 0; i < one->count; i++) {
        pl_span records = one->blocks[i].text;
        while (pl_span_is(one->blocks[i].head, "in") && records.bytes) {
            pl_span line = pl_span_trim(case_line(&records));
            if (line.bytes) change_record(one, line, found);
        }
    }
}

int main(int argc, char **argv)
{
    return case_main(argc, argv, "out", play);
}

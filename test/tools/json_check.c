// json_check.c -- one file through the program's JSON grammar and back out.
//
//     json_check FILE...     per file one line: the document in compact form with every number as
//                            it was written, or "not JSON at byte N: reason"
//
// Exit code 1 if any file is not JSON.
//
// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>

#include "os/file.h"
#include "json/tree.h"
#include "json/writer.h"

static void print(pl_json_writer *out, const pl_json *value)
{
    switch (value->kind) {
    case PL_JSON_STRING:
        pl_json_text(out, value->text);
        break;
    case PL_JSON_ARRAY:
    case PL_JSON_OBJECT:
        pl_json_begin(out, value->kind == PL_JSON_OBJECT ? '{' : '[');
        for (const pl_json *item = value->first; item; item = item->next) {
            if (value->kind == PL_JSON_OBJECT) pl_json_key_span(out, item->key);
            print(out, item); // as deep as PL_DEPTH_MAX
        }
        pl_json_end(out, value->kind == PL_JSON_OBJECT ? '}' : ']');
        break;
    default: // numbers and words: as they stood
        pl_json_raw(out, value->raw);
    }
}

// False: the file is not JSON, or cannot be read.
static bool check(const char *path)
{
    pl_arena arena = {0};
    pl_buf line = {0};
    pl_span text;
    plumb_error err;
    pl_json *root;
    plumb_status st = pl_path_read(path, UINT64_MAX, &arena, &text, &err);
    if (st == PLUMB_OK) st = pl_json_parse(text, &arena, &root, &err);
    if (st == PLUMB_OK) {
        pl_json_writer out = pl_json_writer_on(&line, 0);
        print(&out, root);
    } else {
        pl_buf_text(&line, err.message);
    }
    pl_buf_char(&line, '\n');
    fwrite(line.data, 1, line.count, stdout);
    pl_buf_done(&line);
    pl_arena_done(&arena);
    return st == PLUMB_OK;
}

int main(int argc, char **argv)
{
    bool all = true;
    for (int i = 1; i < argc; i++) all = check(argv[i]) && all;
    return all ? 0 : 1;
}

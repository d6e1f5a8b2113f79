// yaml_edit.c -- one splice of a project's file: yaml_edit set|insert FILE SECTION NAME VALUE AFTER
//
// The new file goes to stdout. 1: the edit is refused, its message is on stderr.
//
// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>

#include "contract/edit.h"
#include "os/file.h"

int main(int argc, char **argv)
{
    if (argc != 7) return 2;
    pl_arena arena = {0};
    pl_buf out = {0};
    plumb_error err;
    pl_edit edit = {.file = "file.yml",
                    .section = argv[3],
                    .name = pl_span_of(argv[4]),
                    .value = pl_span_of(argv[5]),
                    .after = pl_span_of(argv[6])};
    plumb_status st = pl_path_read(argv[2], 1 << 20, &arena, &edit.text, &err);
    if (st == PLUMB_OK)
        st = strcmp(argv[1], "set") == 0 ? pl_edit_set(&edit, &out, &err)
                                         : pl_edit_insert(&edit, &out, &err);
    if (st == PLUMB_OK)
        fwrite(out.data, 1, out.count, stdout);
    else
        fprintf(stderr, "%s\n", err.message);
    pl_buf_done(&out);
    pl_arena_done(&arena);
    return st != PLUMB_OK;
}

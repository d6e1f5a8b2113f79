// propose.c -- what a renamed path proposes: propose MAPPING CONTRACT BEFORE AFTER [OVERLAY]
//
// One JSON document on stdout: why_not, or columns, overlay, mapping, diff, and the mapping's text
// under the overlay. 1: a file has a mistake, which is on stderr.
//
// SPDX-License-Identifier: Apache-2.0
#include "contract/propose.h"

#include <stdio.h>

#include "contract/edit.h"
#include "os/file.h"
#include "json/writer.h"

static pl_arena arena;
static pl_problems problems;
static plumb_error err;

static pl_mapping *parse(pl_span text, pl_contract **contract)
{
    return pl_mapping_parse("file.yml", text, contract, 1, &arena, &problems, NULL);
}

// The file, the file under what lies over it, and their contract; false after a mistake.
static bool load(char **argv, pl_span overlay, pl_proposing *with)
{
    pl_span mapping, contract_text, text;
    if (pl_path_read(argv[1], 1 << 20, &arena, &mapping, &err) != PLUMB_OK ||
        pl_path_read(argv[2], 1 << 20, &arena, &contract_text, &err) != PLUMB_OK ||
        pl_edit_overlay("file.yml", mapping, overlay, &arena, &text, &err) != PLUMB_OK)
        return false;
    pl_contract *contract =
        pl_contract_parse("contract.yml", contract_text, &arena, &problems, NULL);
    if (contract)
        *with = (pl_proposing){.file = parse(mapping, &contract),
                               .now = parse(text, &contract),
                               .overlay = overlay,
                               .arena = &arena};
    if (!problems.count) return true;
    err = problems.items[0];
    return false;
}

static void print(const pl_proposing *with, const pl_proposal *made)
{
    pl_buf out = {0};
    pl_span under = PL_SPAN("");
    pl_json_writer json = pl_json_writer_on(&out, 0);
    if (!made->why_not && pl_edit_overlay("file.yml", with->file->text, made->overlay, &arena,
                                          &under, &err) != PLUMB_OK)
        under = PL_SPAN("");
    pl_json_begin(&json, '{');
    pl_json_key(&json, "why_not"), pl_json_cstr(&json, made->why_not);
    pl_json_key(&json, "columns"), pl_json_begin(&json, '[');
    for (uint32_t i = 0; i < made->column_count; i++)
        pl_json_text(&json, with->now->contract->columns[made->columns[i]].field.name);
    pl_json_end(&json, ']');
    pl_json_key(&json, "overlay"), pl_json_text(&json, made->overlay);
    pl_json_key(&json, "mapping"), pl_json_text(&json, made->mapping_text);
    pl_json_key(&json, "under"), pl_json_text(&json, under);
    pl_json_key(&json, "diff"), pl_json_text(&json, made->diff);
    pl_json_end(&json, '}');
    puts(pl_buf_cstr(&out));
    pl_buf_done(&out);
}

int main(int argc, char **argv)
{
    if (argc < 5) return 2;
    pl_proposing with = {0};
    pl_proposal made;
    pl_span overlay = argc > 5 ? pl_span_of(argv[5]) : PL_SPAN("");
    bool good = load(argv, overlay, &with);
    if (good) {
        pl_propose_rename(&with, pl_span_of(argv[3]), pl_span_of(argv[4]), PL_SPAN(""), &made);
        print(&with, &made);
    } else {
        fprintf(stderr, "%u:%u %s\n", err.line, err.column, err.message);
    }
    pl_problems_done(&problems);
    pl_arena_done(&arena);
    return !good;
}

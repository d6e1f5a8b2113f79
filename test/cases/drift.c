// drift.c -- runs the text cases of the classifier: what two sets of records say about a source.
//
//     case SENTENCE        what this case says
//     by PATH              the key of the records that names their entity; absent: nobody says
//     as given             minimum counts off, as `plumb shape --diff` compares two files
//     before, after        records (records.h), with a number as often
//     then                 the findings, but not those that are part of another
//
// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>

#include "casefile.h"
#include "records.h"
#include "shape/findings.h"

static void write_findings(pl_buf *out, const pl_shape *before, const pl_shape *after,
                           const pl_drift_options *options)
{
    pl_arena arena = {0};
    pl_finding *findings;
    uint32_t count;
    pl_drift_findings(before, after, options, &arena, &findings, &count);
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
}

static void play(const case_text *one, pl_buf *found)
{
    pl_drift_options options = pl_drift_defaults();
    case_records sides[2] = {{.side = "before"}, {.side = "after"}};
    pl_shape shapes[2];
    for (int i = 0; i < one->count; i++) {
        const case_block *block = &one->blocks[i];
        pl_span rest;
        if (case_head(block->head, "as given", &rest)) options = pl_drift_as_given();
        if (case_head(block->head, "by", &rest)) sides[0].by = sides[1].by = rest;
        for (int side = 0; side < 2; side++) {
            if (!case_head(block->head, sides[side].side, &rest)) continue;
            sides[side].text = block->text;
            sides[side].times = rest.bytes ? (uint32_t)strtoul(rest.data, NULL, 10) : 0;
        }
    }
    for (int side = 0; side < 2; side++) case_shape(&sides[side], 1, NULL, &shapes[side]);
    write_findings(found, &shapes[0], &shapes[1], &options);
    for (int side = 0; side < 2; side++) pl_shape_done(&shapes[side]);
}

int main(int argc, char **argv)
{
    return case_main(argc, argv, "then", play);
}

// drift_gate.c -- the gate of a rule, as people and programs see it.
//
// SPDX-License-Identifier: Apache-2.0
#include "cli/drift.h"
#include "cli/look.h"

void pl_drift_print_gate(pl_cli *cli, const pl_gate *gate)
{
    static const char *const words[] = {"passed", "too little yet", "FAILED"};
    pl_grid grid = pl_grid_make("gate||measured|asked");
    for (int i = 0; i < PL_GATE_KINDS; i++) {
        const pl_gate_line *line = &gate->lines[i];
        pl_grid_text(&grid, line->name);
        pl_grid_text(&grid, words[line->word]);
        pl_grid_text(&grid, line->measured);
        pl_grid_text(&grid, line->asked);
    }
    pl_cli_print(cli, "\n");
    pl_grid_print(cli, &grid);
}

static void figures_json(pl_json_writer *json, const pl_gate_figures *f)
{
    pl_json_key(json, "figures"), pl_json_begin(json, '{');
    pl_look_int(json, "rows", (int64_t)f->rows);
    pl_look_int(json, "rows_before", (int64_t)f->rows_before);
    pl_look_int(json, "nulls", (int64_t)f->nulls);
    pl_look_int(json, "nulls_before", (int64_t)f->nulls_before);
    pl_look_int(json, "values", (int64_t)f->values);
    pl_look_int(json, "unread", (int64_t)f->unread);
    pl_look_int(json, "entities", (int64_t)f->entities);
    pl_look_int(json, "broken", (int64_t)f->broken);
    pl_json_key(json, "distance");
    if (f->has_distance)
        pl_json_double(json, f->distance);
    else
        pl_json_null(json);
    pl_look_int(json, "both", (int64_t)f->both);
    pl_look_int(json, "differ", (int64_t)f->differ);
    pl_json_end(json, '}');
}

void pl_drift_json_gate(pl_json_writer *json, const pl_gate *gate)
{
    pl_json_key(json, "gate");
    if (!gate) {
        pl_json_null(json);
        return;
    }
    pl_json_begin(json, '{');
    pl_look_text(json, "word", pl_gate_word_name(gate->word));
    pl_look_int(json, "objects", gate->figures.objects);
    pl_look_int(json, "objects_before", gate->figures.objects_before);
    pl_json_key(json, "criteria"), pl_json_begin(json, '[');
    for (int i = 0; i < PL_GATE_KINDS; i++) {
        const pl_gate_line *line = &gate->lines[i];
        pl_json_begin(json, '{');
        pl_look_text(json, "name", line->name);
        pl_look_text(json, "asked", line->asked);
        pl_look_text(json, "measured", line->measured);
        pl_look_text(json, "word", pl_gate_word_name(line->word));
        pl_json_end(json, '}');
    }
    pl_json_end(json, ']');
    figures_json(json, &gate->figures);
    pl_json_end(json, '}');
}

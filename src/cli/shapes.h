// shapes.h -- what the files of `plumb shape` share.
//
// shape.c reads files into shapes, shape_stored.c takes those that runs have kept, shape_tree.c
// prints one, shape_diff.c what changed between two.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_CLI_SHAPES_H
#define PL_CLI_SHAPES_H

#include "cli/cli.h"
#include "shape/shape.h"

// A path as text, in cli->arena.
const char *pl_shapes_path(pl_cli *cli, const pl_shape *shape, uint32_t path);
// "int", "int|string": the kinds that came, most often first, null left out; in cli->arena.
const char *pl_shapes_kinds(pl_cli *cli, const pl_shape_path *path);
// {"null": 3, "int": 7}
void pl_shapes_kinds_json(pl_json_writer *json, const pl_shape_path *path);
// ["5", "\"x\""]: samples as they stand in the JSON
void pl_shapes_samples_json(pl_json_writer *json, const pl_shape_path *path);
// Columns there are for a line.
int pl_shapes_width(void);

// The whole of a shape: a tree for people, or the members of a JSON document.
void pl_shapes_tree(pl_cli *cli, const pl_shape *shape, bool all);
void pl_shapes_json(pl_json_writer *json, pl_cli *cli, const pl_shape *shape);

// One side of a comparison: of a file, or of a stored version.
typedef struct pl_shapes_side {
    const pl_shape *shape;
    const char *file;
    int64_t version; // 0: of a file
    bool since;      // only what came behind the other side
} pl_shapes_side;

// What changed, both ways to print it; `presence`: and which paths came more or less often.
void pl_shapes_diff(pl_cli *cli, const pl_shapes_side *before, const pl_shapes_side *after,
                    bool presence);

// Whether a source of the project here is called so; says nothing if there is no project.
bool pl_shapes_names_source(pl_cli *cli, const char *name);
// `plumb shape SOURCE`, in all its forms; `diff` are two versions as typed, or NULL. Returns the
// exit code.
int pl_shapes_stored(pl_cli *cli, const char *source, const char *const *diff);

#endif

// suspect_words.c -- columns whose values are found in an array by a word: {"name": "likes", ...}.
//
// SPDX-License-Identifier: Apache-2.0
#include "shape/suspect_int.h"

static bool is_among(const uint64_t *hashes, uint32_t count, uint64_t hash)
{
    for (uint32_t i = 0; i < count; i++)
        if (hashes[i] == hash) return true;
    return false;
}

static const pl_shape_values *values_named(const pl_suspect_side *side, const char *path)
{
    uint32_t at = path ? pl_shape_named(side->shape, path) : PL_SHAPE_NONE;
    return at == PL_SHAPE_NONE ? NULL : side->shape->paths[at].values;
}

bool pl_suspect__chosen_otherwise(const pl_suspect_work *work, const pl_suspect_column *asked,
                                  uint64_t missing)
{
    const pl_column_counts *was = &asked->before, *is = &asked->now;
    const pl_shape_values *old = values_named(work->before, asked->chooser);
    const pl_shape_values *new = values_named(work->now, asked->chooser);
    if (!old || !new || old->distinct.registers) return false; // words beyond number are none
    double found = 0, others = 0;
    for (uint32_t i = 0; i < new->pair_count; i++) {
        uint64_t hash = new->pairs[i].value.hash;
        if (is_among(asked->words, asked->word_count, hash))
            found++;
        else
            others += !is_among(old->distinct.hashes, old->distinct.count, hash);
    }
    double share = (double)was->filled / ((double)was->rows + 1), rows = (double)is->rows;
    if (!is->filled) return others > 0 && found == 0;
    if (was->filled < was->rows &&
        pl_suspect__less_often(rows, (double)is->filled, share) >= work->options->absent_chance)
        return false;
    double expected = (double)missing * found / (double)is->filled;
    return others > 0 && others >= expected / 2 && others <= expected * 2;
}

void pl_suspect__put_words(pl_buf *why, const pl_suspect_work *work, const pl_suspect_column *asked)
{
    const pl_shape_values *old = values_named(work->before, asked->chooser);
    const pl_shape_values *new = values_named(work->now, asked->chooser);
    pl_buf_printf(why, "; %s says ", asked->chooser);
    for (uint32_t i = 0; i < new->sample_count; i++) {
        uint64_t hash = pl_shape_scalar_of(pl_span_of(new->samples[i])).hash;
        if (is_among(old->distinct.hashes, old->distinct.count, hash)) continue;
        pl_buf_printf(why, "%s, which it never did", new->samples[i]);
        return;
    }
    pl_buf_text(why, "what it never said");
}

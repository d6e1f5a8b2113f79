// gate.c -- what is asked of a rule, and what the figures answer.
//
// SPDX-License-Identifier: Apache-2.0
#include "flow/gate.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

const char *pl_gate_word_name(pl_gate_word word)
{
    static const char *const names[] = {"passed", "open", "failed"};
    return names[word];
}

// 12,345
static const char *count_text(pl_arena *arena, uint64_t count)
{
    char digits[24], text[32];
    int bytes = snprintf(digits, sizeof digits, "%llu", (unsigned long long)count), to = 0;
    for (int i = 0; i < bytes; i++) {
        if (i && (bytes - i) % 3 == 0) text[to++] = ',';
        text[to++] = digits[i];
    }
    return pl_arena_cstr(arena, pl_span_make(text, (size_t)to));
}

static double share(uint64_t part, uint64_t whole)
{
    return whole ? (double)part / (double)whole : 0;
}

// "99.5 %", "100 %"; never rounded up to all, nor down to none.
static const char *percent_text(pl_arena *arena, uint64_t part, uint64_t whole)
{
    double percent = 100 * share(part, whole);
    if (part && part < whole) percent = PL_MIN(PL_MAX(percent, 0.01), 99.99);
    return pl_arena_printf(arena, "%.4g %%", percent);
}

// Whether so many misses are too many, even if all that is still to come were none: `most` of as
// many as are asked for.
static bool too_many(double misses, double most, uint64_t seen, uint64_t asked)
{
    return misses > most * (double)PL_MAX(seen, asked) + 1e-9;
}

static pl_gate_line judge_rows(const pl_gate_figures *f, pl_arena *arena)
{
    return (pl_gate_line){"rows", "1,000 or more", count_text(arena, f->rows),
                          f->rows >= PL_GATE_ROWS ? PL_GATE_PASSED : PL_GATE_OPEN};
}

static pl_gate_line judge_parse(const pl_gate_figures *f, pl_arena *arena)
{
    pl_gate_line line = {"parse", "99.5 % or more", "no value came yet", PL_GATE_OPEN};
    if (!f->values) return line;
    line.measured = pl_arena_printf(arena, "%s of %s values",
                                    percent_text(arena, f->values - f->unread, f->values),
                                    count_text(arena, f->values));
    if (!too_many((double)f->unread, 1 - PL_GATE_PARSE, f->values, 0))
        line.word = PL_GATE_PASSED;
    else if (too_many((double)f->unread, 1 - PL_GATE_PARSE, f->values, PL_GATE_ROWS))
        line.word = PL_GATE_FAILED;
    return line;
}

static pl_gate_line judge_nulls(const pl_gate_figures *f, pl_arena *arena)
{
    pl_gate_line line = {"NULL", "within 0.5 points", "there are no rows from before",
                         PL_GATE_OPEN};
    if (!f->rows_before) return line;
    line.measured = "there are no rows since then";
    if (!f->rows) return line;
    double moved = fabs(share(f->nulls, f->rows) - share(f->nulls_before, f->rows_before));
    line.measured = pl_arena_printf(arena, "%s of rows before, %s since",
                                    percent_text(arena, f->nulls_before, f->rows_before),
                                    percent_text(arena, f->nulls, f->rows));
    double misses = moved * (double)f->rows;
    if (!too_many(misses, PL_GATE_NULLS, f->rows, 0))
        line.word = PL_GATE_PASSED;
    else if (too_many(misses, PL_GATE_NULLS, f->rows, PL_GATE_ROWS))
        line.word = PL_GATE_FAILED;
    return line;
}

static const char *continuity_text(const pl_gate_figures *f, pl_arena *arena)
{
    const char *entities =
        f->entities ? pl_arena_printf(arena, "%s of %s %s",
                                      percent_text(arena, f->entities - f->broken, f->entities),
                                      count_text(arena, f->entities),
                                      f->entities == 1 ? "entity" : "entities")
                    : "no entity was there before and since";
    if (!f->has_distance) return entities;
    return pl_arena_printf(arena, "%s; distance %.2f", entities, f->distance);
}

static pl_gate_line judge_continuity(const pl_gate_figures *f, pl_arena *arena)
{
    pl_gate_line line = {"continuity", "98 % of 100 entities, or distance 0.05",
                         continuity_text(f, arena), PL_GATE_OPEN};
    const double most = 1 - PL_GATE_CONTINUITY;
    bool enough = f->entities >= PL_GATE_ENTITIES;
    if (enough && !too_many((double)f->broken, most, f->entities, 0))
        line.word = PL_GATE_PASSED;
    else if (f->has_distance && f->distance <= PL_GATE_DISTANCE)
        line.word = PL_GATE_PASSED;
    else if (too_many((double)f->broken, most, f->entities, PL_GATE_ENTITIES))
        line.word = PL_GATE_FAILED;
    else if (f->entities < PL_GATE_ENTITIES / 10 && f->has_distance && f->distance > 0.5)
        line.word = PL_GATE_FAILED; // nearly no value is where half of them were
    return line;
}

static pl_gate_line judge_agreement(const pl_gate_figures *f, pl_arena *arena)
{
    pl_gate_line line = {"agreement", "in every row with both values", "no row has both values",
                         PL_GATE_OPEN};
    if (!f->both) return line;
    line.measured =
        pl_arena_printf(arena, "in %s of %s rows", count_text(arena, f->both - f->differ),
                        count_text(arena, f->both));
    line.word = f->differ ? PL_GATE_FAILED : PL_GATE_PASSED;
    return line;
}

void pl_gate_judge(const pl_gate_figures *figures, pl_arena *arena, pl_gate *ret_gate)
{
    pl_gate *gate = ret_gate;
    *gate = (pl_gate){.figures = *figures};
    gate->lines[PL_GATE_KIND_ROWS] = judge_rows(figures, arena);
    gate->lines[PL_GATE_KIND_PARSE] = judge_parse(figures, arena);
    gate->lines[PL_GATE_KIND_NULLS] = judge_nulls(figures, arena);
    gate->lines[PL_GATE_KIND_CONTINUITY] = judge_continuity(figures, arena);
    gate->lines[PL_GATE_KIND_AGREEMENT] = judge_agreement(figures, arena);
    for (int i = 0; i < PL_GATE_KINDS; i++) gate->word = PL_MAX(gate->word, gate->lines[i].word);
}

const char *pl_gate_reasons(const pl_gate *gate, bool open, pl_arena *arena)
{
    pl_buf text = {0};
    for (int i = 0; i < PL_GATE_KINDS; i++) {
        const pl_gate_line *line = &gate->lines[i];
        if (line->word == PL_GATE_PASSED || (line->word == PL_GATE_OPEN && !open)) continue;
        pl_buf_printf(&text, "%s%s: %s, asked is %s", text.count ? "; " : "", line->name,
                      line->measured, line->asked);
    }
    const char *made = pl_arena_cstr(arena, pl_buf_view(&text));
    pl_buf_done(&text);
    return made;
}

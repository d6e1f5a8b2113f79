// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>

#include "base/time.h"
#include "contract/infer_int.h"

#define NAME_WIDTH_MAX 40  // longer names push their own line only
#define COMMENTS_MAX   100 // paths left out that are listed one by one

#define SAMPLE_BYTES_MAX 36 // values shown as evidence, together

typedef struct layout {
    int name, type, rule; // widths
} layout;

// Append text for a comment: characters that YAML refuses even there become '?'.
static void clean(pl_buf *out, pl_span text)
{
    for (size_t i = 0; i < text.bytes && i < 120; i++) {
        char c = text.data[i];
        pl_buf_char(out, c < 0x20 || c == 0x7F ? '?' : c);
    }
    if (text.bytes > 120) pl_buf_text(out, "...");
}

static void type_of(pl_buf *out, const pl_guess *guess)
{
    pl_type_text(out, &guess->type);
    if (guess->required) pl_buf_char(out, '!');
}

static void rule_of(pl_buf *out, const pl_guess *guess)
{
    if (!guess->draft) {
        pl_buf_text(out, "$received");
        return;
    }
    pl_buf rule = {0};
    pl_path_text(&rule, &guess->path);
    if (guess->parser) pl_buf_printf(&rule, " parse(%s)", guess->parser);
    pl_yaml_quote(out, pl_buf_view(&rule), true);
    pl_buf_done(&rule);
}

static layout measure(const pl_guesses *g)
{
    layout widths = {8, 6, 8};
    pl_buf text = {0};
    for (uint32_t i = 0; i < g->count; i++) {
        const pl_guess *guess = &g->items[i];
        if (!guess->kept) continue;
        int name = (int)guess->name.bytes;
        if (name <= NAME_WIDTH_MAX) widths.name = PL_MAX(widths.name, name);
        pl_buf_reset(&text);
        type_of(&text, guess);
        widths.type = PL_MAX(widths.type, (int)text.count);
        pl_buf_reset(&text);
        rule_of(&text, guess);
        if (text.count <= 48) widths.rule = PL_MAX(widths.rule, (int)text.count);
    }
    pl_buf_done(&text);
    return widths;
}

static uint64_t present(const pl_draft *draft)
{
    uint64_t sum = 0;
    for (int i = PL_DRAFT_NULL + 1; i < PL_DRAFT_KINDS; i++) sum += draft->seen[i];
    return sum;
}

// "all 500", "412 of 500".
static void presence(pl_buf *out, const pl_guesses *g, const pl_draft *draft)
{
    unsigned long long count = present(draft), all = g->record_count;
    if (count == all)
        pl_buf_printf(out, "all %llu", all);
    else
        pl_buf_printf(out, "%llu of %llu", count, all);
}

static void time_range(pl_buf *out, const pl_draft *draft)
{
    char first[40], last[40];
    pl_date_text((int32_t)pl_floor_div(draft->time_min, PL_MICROS_PER_DAY), first);
    pl_date_text((int32_t)pl_floor_div(draft->time_max, PL_MICROS_PER_DAY), last);
    pl_buf_printf(out, strcmp(first, last) == 0 ? ", on %s" : ", %s to %s", first, last);
}

static void values_of(pl_buf *out, const pl_draft *draft)
{
    const pl_seen *values = &draft->values;
    uint64_t count = draft->seen[PL_DRAFT_STRING];
    size_t bytes = 0;
    for (uint32_t i = 0; i < draft->sample_count; i++) bytes += draft->samples[i].bytes;
    if (!values->repeats && !values->full && count > 1)
        pl_buf_text(out, ", all different");
    else if (values->full)
        pl_buf_printf(out, ", over %u values", values->count - 1);
    else if (values->count != draft->sample_count || bytes > SAMPLE_BYTES_MAX)
        pl_buf_printf(out, ", %u value%s", values->count, values->count == 1 ? "" : "s");
    else
        for (uint32_t i = 0; i < draft->sample_count; i++)
            pl_buf_printf(out, "%s\"%.*s\"", i ? " " : ", ", PL_FMT(draft->samples[i]));
}

// What a column's guess rests on.
static void evidence(pl_buf *out, const pl_guesses *g, const pl_guess *guess)
{
    const pl_draft *draft = guess->draft;
    if (!draft) {
        pl_buf_text(out, guess->note);
        return;
    }
    presence(out, g, draft);
    if (guess->note) pl_buf_printf(out, ", %s", guess->note);
    pl_kind kind = guess->type.kind;
    if (guess->is_time && draft->time_min <= draft->time_max)
        time_range(out, draft);
    else if ((kind == PL_LONG || kind == PL_DOUBLE) && draft->min_text.bytes && !guess->note) {
        bool distinct = !draft->values.repeats && !draft->values.full && g->record_count > 1;
        if (distinct && pl_contract__names_id(draft->snake))
            pl_buf_text(out, ", all different");
        else if (pl_span_equal(draft->min_text, draft->max_text))
            pl_buf_printf(out, ", %.*s", PL_FMT(draft->min_text));
        else
            pl_buf_printf(out, ", %.*s to %.*s", PL_FMT(draft->min_text), PL_FMT(draft->max_text));
    } else if (kind == PL_STRING && !guess->note)
        values_of(out, draft);
}

static void left_out(pl_buf *out, const pl_guesses *g, bool contract)
{
    uint32_t nulls = 0, others = 0, listed = 0;
    for (uint32_t i = 0; i < g->count; i++) {
        nulls += g->items[i].only_null;
        others += !g->items[i].kept && !g->items[i].only_null;
    }
    if (others) {
        pl_buf_printf(out,
                      contract ? "\n# Left out above %d columns; their values are kept in _rest.\n"
                               : "  # Left out above %d columns:\n",
                      PL_INFER_COLUMNS_MAX);
        for (uint32_t i = 0; i < g->count; i++) {
            const pl_guess *guess = &g->items[i];
            if (guess->kept || guess->only_null) continue;
            if (listed++ == COMMENTS_MAX) {
                pl_buf_printf(out, "%s# and %u more\n", contract ? "" : "  ",
                              others - COMMENTS_MAX);
                break;
            }
            pl_buf text = {0};
            pl_buf_printf(&text, "%.*s: ", PL_FMT(guess->name));
            if (contract)
                type_of(&text, guess);
            else
                rule_of(&text, guess);
            pl_buf_text(out, contract ? "#   " : "  # ");
            clean(out, pl_buf_view(&text));
            if (contract) {
                pl_buf_text(out, "  # ");
                presence(out, g, guess->draft);
            }
            pl_buf_char(out, '\n');
            pl_buf_done(&text);
        }
    }
    if (!nulls || !contract) return;
    pl_buf_printf(out, "\n# Only null in the sample, so without a type yet:\n#  ");
    listed = 0;
    for (uint32_t i = 0; i < g->count && listed < COMMENTS_MAX; i++) {
        if (!g->items[i].only_null) continue;
        if (listed && listed % 4 == 0) pl_buf_text(out, "\n#  ");
        pl_buf_char(out, ' ');
        clean(out, g->items[i].name);
        listed++;
    }
    if (nulls > listed) pl_buf_printf(out, " and %u more", nulls - listed);
    pl_buf_char(out, '\n');
}

// "500 records", "1 record".
static void counted(pl_buf *out, uint64_t count, const char *noun)
{
    pl_buf_printf(out, "%llu %s%s", (unsigned long long)count, noun, count == 1 ? "" : "s");
}

static void key_and_partition(const pl_guesses *g, pl_buf *out)
{
    const pl_guess *time = &g->items[g->time];
    if (g->key >= 0) {
        const pl_guess *key = &g->items[g->key];
        pl_buf_printf(out, "key: [%.*s, %.*s]  # ", PL_FMT(key->name), PL_FMT(time->name));
        if (g->key_distinct)
            pl_buf_printf(out, "%.*s is different in ", PL_FMT(key->name));
        else
            pl_buf_printf(out, "%.*s has %u values in ", PL_FMT(key->name),
                          key->draft->values.count);
        if (g->key_distinct && g->record_count > 1) pl_buf_text(out, "all ");
        counted(out, g->record_count, "record");
        pl_buf_char(out, '\n');
    } else {
        pl_buf_text(out,
                    "# key: [...]  # no id was in every record: name the columns that tell rows "
                    "apart\n");
    }
    pl_buf_printf(out, "partition: [%s(%.*s)]  # ", g->by_month ? "month" : "day",
                  PL_FMT(time->name));
    if (!time->draft)
        pl_buf_text(out, "no time of its own was in every record");
    else if (time->draft->days.full)
        pl_buf_printf(out, "over %u days", time->draft->days.count - 1);
    else
        counted(out, time->draft->days.count, "day");
    pl_buf_char(out, '\n');
}

void pl_contract__write_contract(pl_infer *infer, const pl_guesses *g, pl_buf *out)
{
    layout widths = measure(g);
    pl_buf_printf(out, "# contracts/%.*s.yml -- what table '%.*s' holds.\n", PL_FMT(infer->table),
                  PL_FMT(infer->table));
    pl_buf_text(out, "# Guessed by plumb init from ");
    counted(out, g->record_count, "record");
    pl_buf_text(out,
                "; the evidence stands behind each line.\n"
                "# Change what is wrong. `!` is required: a record without it is quarantined.\n");
    pl_buf_printf(out, "table: %.*s\n", PL_FMT(infer->table));
    key_and_partition(g, out);
    pl_buf_text(out, "columns:\n");
    pl_buf type = {0};
    for (uint32_t i = 0; i < g->count; i++) {
        const pl_guess *guess = &g->items[i];
        if (!guess->kept) continue;
        pl_buf_reset(&type);
        type_of(&type, guess);
        int pad = PL_MAX(0, widths.name - (int)guess->name.bytes);
        pl_buf_printf(out, "  %.*s:%*s %-*s  # ", PL_FMT(guess->name), pad, "", widths.type,
                      pl_buf_cstr(&type));
        evidence(out, g, guess);
        pl_buf_char(out, '\n');
    }
    pl_buf_done(&type);
    left_out(out, g, true);
}

void pl_contract__write_mapping(pl_infer *infer, const pl_guesses *g, pl_buf *out)
{
    layout widths = measure(g);
    pl_buf_printf(out, "# sources/%.*s.yml -- how source '%.*s' fills table '%.*s'.\n",
                  PL_FMT(infer->source), PL_FMT(infer->source), PL_FMT(infer->table));
    pl_buf_printf(out, "source: %.*s\ninto: %.*s\n", PL_FMT(infer->source), PL_FMT(infer->table));
    if (g->records_path.bytes) {
        pl_buf_text(out, "records: ");
        pl_yaml_quote(out, g->records_path, true);
        pl_buf_text(out, "  # the largest array of objects: ");
        counted(out, g->record_count, "record");
        pl_buf_text(out, " in ");
        counted(out, infer->documents, "document");
        pl_buf_char(out, '\n');
    }
    pl_buf_text(out, "map:\n");
    pl_buf rule = {0};
    for (uint32_t i = 0; i < g->count; i++) {
        const pl_guess *guess = &g->items[i];
        if (!guess->kept) continue;
        pl_buf_reset(&rule);
        rule_of(&rule, guess);
        int pad = PL_MAX(0, widths.name - (int)guess->name.bytes);
        pl_buf_printf(out, "  %.*s:%*s ", PL_FMT(guess->name), pad, "");
        pl_buf_span(out, pl_buf_view(&rule));
        if (guess->parser && guess->note)
            pl_buf_printf(out, "%*s  # %s", PL_MAX(0, widths.rule - (int)rule.count), "",
                          guess->note);
        pl_buf_char(out, '\n');
    }
    pl_buf_done(&rule);
    left_out(out, g, false);
}

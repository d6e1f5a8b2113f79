// checks.c -- runs the text cases of checks: a contract, and what a source is about to add.
//
//     case SENTENCE     what this case says
//     contract          the file; every column is mapped from the key of its name
//     found             what was counted, a number behind a word: objects, records, rows,
//                       quarantined, filtered, flawed, repeated; of a column "likes filled 90" and
//                       "likes outside 3"; "usual 100" rows an object of an earlier run, newest
//                       first; "age 7200" seconds of the newest object; "accepted": a person agrees
//     then              a line for each check: outcome, severity, check, what it says; a '!' in
//                       front of what holds. Of a contract with mistakes these, with their hints
//
// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <stdlib.h>

#include "casefile.h"
#include "flow/checks.h"

#define NOW_US INT64_C(1795316400000000)

typedef struct found_counts {
    pl_arena arena;
    pl_baseline baseline;
    pl_check_subject subject;
    int64_t newest_us;
} found_counts;

static pl_span plain(pl_span text, pl_arena *arena)
{
    pl_buf out = {0};
    while (text.bytes) {
        pl_span line = case_line(&text);
        size_t indent = PL_MIN(line.bytes, (size_t)2);
        pl_buf_append(&out, line.data + indent, line.bytes - indent);
        pl_buf_char(&out, '\n');
    }
    pl_span copy = pl_arena_copy(arena, pl_buf_view(&out));
    pl_buf_done(&out);
    return copy;
}

static pl_baseline_column *column_of(found_counts *f, const char *name)
{
    for (uint32_t i = 0; i < f->baseline.column_count; i++)
        if (pl_span_is(f->baseline.columns[i].name, name)) return &f->baseline.columns[i];
    fprintf(stderr, "there is no column '%s'\n", name);
    exit(2);
}

static void read_found(found_counts *f, pl_span text)
{
    pl_baseline_records *r = &f->baseline.records;
    const struct {
        const char *name;
        uint64_t *value;
    } words[] = {{"objects", &r->objects},   {"records", &r->records},
                 {"rows", &r->rows},         {"quarantined", &r->quarantined},
                 {"filtered", &r->filtered}, {"flawed", &r->flawed},
                 {"repeated", &r->repeated}};
    while (text.bytes) {
        char line[128] = "", one[40] = "", two[40] = "";
        unsigned long long value = 0;
        pl_span words_of = pl_span_trim(case_line(&text));
        snprintf(line, sizeof line, "%.*s", PL_FMT(words_of));
        if (sscanf(line, "%39s %39s %llu", one, two, &value) == 3) {
            pl_baseline_column *column = column_of(f, one);
            *(strcmp(two, "outside") == 0 ? &column->outside : &column->counts.filled) = value;
            continue;
        }
        if (sscanf(line, "%39s %llu", one, &value) < 1) continue;
        for (size_t i = 0; i < PL_COUNT(words); i++)
            if (strcmp(one, words[i].name) == 0) *words[i].value = value;
        if (strcmp(one, "accepted") == 0) f->subject.accepted = true;
        if (strcmp(one, "usual") == 0)
            f->subject.history[f->subject.history_count++] = (double)value;
        if (strcmp(one, "age") == 0) f->newest_us = NOW_US - (int64_t)value * 1000000;
    }
    f->subject.repeated = r->repeated;
    for (uint32_t i = 0; i < f->baseline.column_count; i++)
        f->baseline.columns[i].counts.rows = r->rows;
}

static void write_mistakes(pl_buf *out, pl_problems *problems)
{
    for (uint32_t i = 0; i < problems->count; i++) {
        const plumb_error *item = &problems->items[i];
        pl_buf_printf(out, "  %u:%u %s\n", item->line, item->column, item->message);
        if (item->hint[0]) pl_buf_printf(out, "    %s\n", item->hint);
    }
}

static void write_row(found_counts *f, pl_buf *out, const pl_check_row *row)
{
    pl_buf_printf(out, "  %s%s %s %s: %s\n", pl_check_holds(row) ? "! " : "",
                  pl_check_outcome_name(row->outcome), row->critical ? "critical" : "warn",
                  row->check, pl_check_text(row, &f->arena));
}

static void write_rows(found_counts *f, pl_buf *out)
{
    pl_check_row *rows, age;
    uint32_t count = pl_checks_ask(&f->subject, &f->arena, &rows);
    for (uint32_t i = 0; i < count; i++) write_row(f, out, &rows[i]);
    if (pl_check_freshness(f->subject.mapping->contract, f->newest_us, NOW_US, &f->arena, &age))
        write_row(f, out, &age);
}

static const pl_mapping *mapping_of(pl_contract *contract, pl_arena *arena, pl_problems *problems)
{
    pl_buf text = {0};
    pl_buf_printf(&text, "source: shop\ninto: %.*s\nmap:\n", PL_FMT(contract->table));
    for (uint32_t i = 0; i < contract->column_count; i++)
        pl_buf_printf(&text, "  %.*s: %.*s\n", PL_FMT(contract->columns[i].field.name),
                      PL_FMT(contract->columns[i].field.name));
    pl_span copy = pl_arena_copy(arena, pl_buf_view(&text));
    pl_buf_done(&text);
    return pl_mapping_parse("mapping.yml", copy, &contract, 1, arena, problems, NULL);
}

static void play(const case_text *one, pl_buf *found)
{
    found_counts f = {.subject.now_us = NOW_US};
    pl_problems problems = {0};
    pl_contract *contract = NULL;
    pl_baseline_init(&f.baseline);
    f.subject.found = &f.baseline;
    for (int i = 0; i < one->count; i++) {
        const case_block *block = &one->blocks[i];
        if (pl_span_is(block->head, "contract")) {
            contract = pl_contract_parse("contract.yml", plain(block->text, &f.arena), &f.arena,
                                         &problems, NULL);
            if (contract) f.subject.mapping = mapping_of(contract, &f.arena, &problems);
            f.baseline.columns =
                pl_zalloc(contract ? contract->column_count : 1, sizeof *f.baseline.columns);
            for (uint32_t c = 0; contract && c < contract->column_count; c++)
                f.baseline.columns[f.baseline.column_count++].name =
                    contract->columns[c].field.name;
        }
        if (pl_span_is(block->head, "found")) read_found(&f, block->text);
        if (pl_span_is(block->head, "then")) {
            write_mistakes(found, &problems);
            if (f.subject.mapping) write_rows(&f, found);
            found++;
        }
    }
    pl_problems_done(&problems);
    pl_baseline_done(&f.baseline);
    pl_arena_done(&f.arena);
}

int main(int argc, char **argv)
{
    return case_main(argc, argv, "then", play);
}

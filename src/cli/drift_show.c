// SPDX-License-Identifier: Apache-2.0
#include "cli/drift.h"
#include "cli/look.h"
#include "os/os.h"

static void heading(pl_cli *cli, const char *text)
{
    pl_cli_print(cli, "\n%s%s%s\n", pl_cli_color(cli, PL_COLOR_BOLD), text,
                 pl_cli_color(cli, PL_COLOR_OFF));
}

static void paragraph(pl_cli *cli, const char *head, const char *text)
{
    if (*text) pl_cli_fold(cli, head, PL_DRIFT_WIDTH, text);
}

void pl_drift_print_diff(pl_cli *cli, pl_span diff)
{
    if (diff.bytes) pl_cli_print(cli, "\n");
    while (diff.bytes) {
        const char *end = memchr(diff.data, '\n', diff.bytes);
        pl_span line = {diff.data, end ? (size_t)(end - diff.data) : diff.bytes};
        bool head = pl_span_starts(line, PL_SPAN("--- ")) || pl_span_starts(line, PL_SPAN("+++ "));
        char first = line.bytes && !head ? line.data[0] : ' ';
        pl_cli_print(cli, "    %s",
                     pl_cli_color(cli, first == '+'   ? PL_COLOR_GREEN
                                       : first == '-' ? PL_COLOR_RED
                                                      : PL_COLOR_OFF));
        pl_cli_escape(&cli->out, line);
        pl_cli_print(cli, "%s\n", pl_cli_color(cli, PL_COLOR_OFF));
        diff.data += line.bytes + (end != NULL);
        diff.bytes -= line.bytes + (end != NULL);
    }
}

static void print_text(pl_cli *cli, const pl_drift_facts *facts, const pl_drift_words *words)
{
    const pl_finding_row *row = &facts->row;
    pl_cli_print(cli, "%sFinding %lld%s: %s, %s\n", pl_cli_color(cli, PL_COLOR_BOLD),
                 (long long)row->id, pl_cli_color(cli, PL_COLOR_OFF), row->class,
                 pl_finding_state_name(row->state));
    pl_cli_print(cli, "%s: ", pl_drift_where(&cli->arena, row->source, row->table, row->column));
    pl_cli_escape(&cli->out, pl_span_of(pl_drift_what(&cli->arena, row->before, row->after)));
    pl_cli_print(cli, "\n");
    heading(cli, "What changed");
    paragraph(cli, "  ", words->changed);
    heading(cli, "Since when");
    paragraph(cli, "  ", words->since);
    heading(cli, "How sure, and why");
    paragraph(cli, "  ", words->sure);
    paragraph(cli, "  before:  ", facts->finding.before_values);
    paragraph(cli, "  after:   ", facts->finding.after_values);
    heading(cli, "What happens now");
    paragraph(cli, "  ", words->now);
    if (facts->gate) pl_drift_print_gate(cli, facts->gate);
    heading(cli, "What you can do");
    paragraph(cli, "  ", words->todo);
    pl_drift_print_diff(cli, facts->change.diff);
    if (*words->cost) pl_cli_print(cli, "\n");
    paragraph(cli, "  ", words->cost);
    heading(cli, "If nobody does anything");
    paragraph(cli, "  ", words->later);
}

static void print_json(pl_cli *cli, const pl_drift_facts *facts, const pl_drift_words *words)
{
    pl_json_writer json = pl_cli_json(cli);
    const pl_proposal *change = &facts->change;
    pl_json_begin(&json, '{');
    pl_drift_json(&json, &facts->row);
    pl_json_key(&json, "held");
    if (facts->held) {
        pl_json_begin(&json, '{');
        pl_drift_hold_json(&json, &facts->hold, facts->until_us);
        pl_json_end(&json, '}');
    } else {
        pl_json_null(&json);
    }
    pl_json_key(&json, "concerns");
    pl_json_begin(&json, '{');
    pl_look_int(&json, "objects", facts->objects);
    pl_look_int(&json, "not_published", facts->waiting);
    pl_look_int(&json, "stored_bytes", facts->bytes);
    pl_look_int(&json, "records", facts->records);
    pl_json_key(&json, "seconds");
    if (facts->micros < 0)
        pl_json_null(&json);
    else
        pl_json_double(&json, (double)facts->micros / 1e6);
    pl_json_end(&json, '}');
    pl_json_key(&json, "proposal");
    if (change->diff.bytes) {
        pl_json_begin(&json, '{');
        pl_look_span(&json, "overlay", change->overlay);
        pl_look_span(&json, "diff", change->diff);
        pl_json_end(&json, '}');
    } else {
        pl_json_null(&json);
    }
    pl_look_text(&json, "why_no_proposal", change->diff.bytes ? NULL : change->why_not);
    pl_drift_json_gate(&json, facts->gate);
    pl_json_key(&json, "text");
    pl_json_begin(&json, '{');
    pl_look_text(&json, "changed", words->changed);
    pl_look_text(&json, "since", words->since);
    pl_look_text(&json, "sure", words->sure);
    pl_look_text(&json, "now", words->now);
    pl_look_text(&json, "todo", words->todo);
    pl_look_text(&json, "cost", words->cost);
    pl_look_text(&json, "later", words->later);
    pl_json_end(&json, '}');
    pl_json_end(&json, '}');
}

static plumb_status ask_gate(pl_cli *cli, const pl_lake *lake, pl_drift_facts *facts,
                             plumb_error *err)
{
    pl_decision_options options = {.project = lake->project,
                                   .store = lake->store,
                                   .registry = lake->registry,
                                   .finding = facts->row.id,
                                   .cancel = &pl_cancelled};
    if (facts->row.state != PL_FINDING_PARALLEL || !facts->change.diff.bytes || !lake->store)
        return PLUMB_OK;
    return pl_decision_gate(&options, &cli->arena, &facts->gate, err);
}

int pl_drift_show(pl_cli *cli, const pl_lake *lake, const char *id)
{
    plumb_error err;
    pl_drift_facts facts;
    pl_drift_words words;
    plumb_status st = pl_drift_facts_get(cli, lake, id, &facts, &err);
    if (st == PLUMB_OK) st = ask_gate(cli, lake, &facts, &err);
    if (st != PLUMB_OK) return pl_cli_fail(cli, &err);
    pl_drift_words_of(cli, &facts, &words);
    if (cli->json)
        print_json(cli, &facts, &words);
    else
        print_text(cli, &facts, &words);
    return pl_cli_finish(cli);
}

// SPDX-License-Identifier: Apache-2.0
#include "flow/remedy.h"

#include <string.h>

#include "map/convert.h"

pl_finding_doc pl_drift_document(const pl_finding_row *row, pl_arena *arena)
{
    pl_json *root = NULL;
    pl_finding_doc doc;
    if (pl_json_parse(pl_span_of(row->document), arena, &root, NULL) == PLUMB_OK &&
        pl_finding_read(root, arena, &doc, NULL) == PLUMB_OK)
        return doc;
    pl_json none = {.kind = PL_JSON_OBJECT};
    PL_IGNORE(pl_finding_read(&none, arena, &doc, NULL)); // says nothing, wants a class
    return doc;
}

// What is between the brackets of "likes parse(percent)".
static pl_span parser_in(const char *extractor)
{
    const char *at = strstr(extractor, " parse("), *end = at ? strrchr(at, ')') : NULL;
    return end ? pl_span_make(at + 7, (size_t)(end - at - 7)) : pl_span_make("", 0);
}

// Whether the parser takes every sample for the column, and one of them is a text.
static bool reads(const pl_json *samples, const pl_parser *parser, const pl_type *type,
                  pl_arena *arena)
{
    bool texts = false, good = true;
    for (const pl_json *value = samples->first; value && good; value = value->next) {
        pl_cell cell;
        bool coerced;
        pl_slot slot = pl_slot_of(value->raw);
        texts |= value->kind == PL_JSON_STRING;
        good = !pl_convert(&slot, type, parser, arena, &cell, &coerced) && !coerced;
    }
    return good && texts;
}

// What people write numbers and truths as: the first that reads all of them, exactly.
static pl_span parser_that_reads(const char *values, const pl_type *type, pl_arena *arena)
{
    static const char *const parsers[] = {"number", "compact", "number(\"1.234,5\")", "bool"};
    const char *text = pl_arena_printf(arena, "[%s]", values);
    pl_json *samples;
    pl_parser parser;
    if (pl_json_parse(pl_span_of(text), arena, &samples, NULL) != PLUMB_OK) return PL_SPAN("");
    for (size_t i = 0; i < PL_COUNT(parsers); i++)
        if (pl_parser_parse(pl_span_of(parsers[i]), arena, &parser, NULL) == PLUMB_OK &&
            pl_parser_fits(parser.kind, type) && reads(samples, &parser, type, arena))
            return pl_span_of(parsers[i]);
    return PL_SPAN("");
}

static pl_span parser_of(const pl_finding_row *row, const pl_finding_doc *finding,
                         const pl_proposing *with)
{
    pl_span parser = parser_in(finding->proposal);
    int at = pl_contract_find(with->file->contract, pl_span_of(row->column));
    if (parser.bytes) return parser;
    if (finding->to && strcmp(finding->to, "percent") == 0) return PL_SPAN("percent");
    if (at < 0) return parser;
    return parser_that_reads(finding->after_values, &with->file->contract->columns[at].field.type,
                             with->arena);
}

bool pl_remedy(const pl_finding_row *row, const pl_finding_doc *f, const pl_proposing *with,
               pl_proposal *ret_change)
{
    pl_span before = pl_span_of(row->before), after = pl_span_of(row->after), none = PL_SPAN("");
    pl_span parser;
    pl_proposing named = *with;
    *ret_change = pl_proposal_none(PL_SPAN(""));
    switch (f->class) {
    case PL_DRIFT_REMOVED: // what may continue it
        return f->rival && strcmp(row->before, "$") != 0 &&
               pl_propose_rename(with, before, pl_span_of(f->rival), none, ret_change);
    case PL_DRIFT_RENAMED:
        if ((f->factor == 1 && !f->inverted) || *f->proposal)
            return pl_propose_rename(with, before, after, pl_span_of(f->proposal), ret_change);
        ret_change->why_not = "no parser turns the new values into what the old ones were";
        return false;
    case PL_DRIFT_RETYPED:
        parser = f->strength == PL_DRIFT_LOSSY ? parser_of(row, f, with) : none;
        return parser.bytes &&
               pl_propose_retype(with, after.bytes ? after : before, parser, ret_change);
    case PL_DRIFT_RESCALED:
        parser = parser_of(row, f, with);
        return parser.bytes &&
               pl_propose_rescale(with, after.bytes ? after : before, parser, ret_change);
    case PL_DRIFT_ADDED:
    case PL_DRIFT_MAP:
        named.name = pl_span_of(row->column);
        return pl_propose_added(&named, after, pl_span_of(*f->type ? f->type : "json"), none,
                                ret_change);
    default:
        return false;
    }
}

bool pl_reads_by(const pl_rule *rule, pl_parser_kind kind)
{
    for (uint32_t t = 0; rule && t < rule->term_count; t++)
        if (rule->terms[t].parser.kind == kind) return true;
    return false;
}

bool pl_reads_any_unit(const pl_mapping *mapping, pl_span column, const pl_finding_doc *finding)
{
    int at = pl_contract_find(mapping->contract, column);
    const pl_rule *rule = at < 0 ? NULL : pl_mapping_rule(mapping, (uint32_t)at);
    return pl_reads_by(rule, finding->factor == 1 ? PL_PARSE_PERCENT : PL_PARSE_EPOCH);
}

bool pl_reads_path(const pl_mapping *mapping, pl_span column, pl_span path, pl_arena *arena)
{
    uint32_t *columns, count = 0;
    int at = pl_contract_find(mapping->contract, column);
    if (at < 0 || !path.bytes) return false;
    pl_mapping_columns_of(mapping, path, arena, &columns, &count);
    for (uint32_t i = 0; i < count; i++)
        if ((int)columns[i] == at) return true;
    return false;
}

bool pl_reads_elsewhere(const pl_mapping *mapping, const pl_rule *rule, pl_span path,
                        pl_arena *arena)
{
    pl_rule_path *paths;
    uint32_t count;
    pl_rule_shape_paths(mapping, rule, arena, &paths, &count);
    bool elsewhere = count < rule->term_count; // a literal, a built-in
    for (uint32_t i = 0; i < count; i++) {
        pl_span read = paths[i].path;
        bool beneath = pl_span_starts(read, path) &&
                       (read.bytes == path.bytes || strchr(".[", read.data[path.bytes]));
        elsewhere |= !beneath;
    }
    return elsewhere;
}

void pl_remedy_retiring(const pl_finding_row *row, const pl_mapping *mapping, pl_arena *arena,
                        pl_span **ret_columns, uint32_t *ret_count)
{
    pl_span path = pl_span_of(row->before), *names;
    uint32_t *columns, count = 0, kept = 0;
    if (mapping && path.bytes) pl_mapping_columns_of(mapping, path, arena, &columns, &count);
    names = PL_TAKE(arena, pl_span, count + 1);
    for (uint32_t i = 0; i < count; i++) {
        const pl_field *field = &mapping->contract->columns[columns[i]].field;
        const pl_rule *rule = pl_mapping_rule(mapping, columns[i]);
        if (!field->required && !pl_reads_elsewhere(mapping, rule, path, arena))
            names[kept++] = field->name;
    }
    if (!kept) names[kept++] = pl_span_of(row->column);
    *ret_columns = names;
    *ret_count = kept;
}

bool pl_fills_elsewhere(const pl_project *project, const pl_mapping *mapping, pl_span column)
{
    int at = pl_contract_find(mapping->contract, column);
    bool fills = false;
    for (uint32_t i = 0; i < project->mapping_count && at >= 0; i++)
        fills |= project->mappings[i] != mapping &&
                 pl_span_equal(project->mappings[i]->table, mapping->table) &&
                 pl_mapping_rule(project->mappings[i], (uint32_t)at) != NULL;
    return fills;
}

pl_span pl_remedy_path(const pl_finding_row *row)
{
    return pl_span_of(*row->after ? row->after : row->before);
}

bool pl_remedy_together(const pl_finding_row *row, const pl_project *project,
                        const pl_proposing *with, bool take, pl_proposal *ret_change)
{
    uint32_t *columns, count;
    bool elsewhere = false;
    pl_mapping_columns_of(with->file, pl_remedy_path(row), with->arena, &columns, &count);
    for (uint32_t i = 0; i < count; i++) {
        pl_span name = with->file->contract->columns[columns[i]].field.name;
        elsewhere |= pl_fills_elsewhere(project, with->file, pl_beside_name(name, with->arena));
    }
    return pl_propose_together(with, pl_remedy_path(row), take, !elsewhere, ret_change);
}

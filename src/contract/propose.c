// SPDX-License-Identifier: Apache-2.0
#include "contract/propose.h"

#include "contract/diff.h"
#include "contract/edit.h"
#include "contract/infer_int.h"
#include "contract/mapping_int.h"

// One column's new rule.
typedef struct change {
    uint32_t column;
    pl_span rule;
} change;

typedef struct work {
    const pl_proposing *with;
    const pl_mapping *now;
    pl_arena *arena;
    pl_proposal *out;
    change *changes;
    uint32_t count;
    // What is asked of each term: the text that belongs in front of it, "" if nothing; or with
    // `replace`, in its place. NULL and out->why_not: there is none.
    const char *(*answer)(struct work *self, const pl_rule *rule, const pl_term *term);
    bool replace;
    pl_path before, after;
    pl_span parser; // " parse(percent)", "" for the term's own
} work;

static bool PL_PRINTF(2, 3) decline(work *self, const char *fmt, ...)
{
    pl_buf text = {0};
    va_list args;
    va_start(args, fmt);
    pl_buf_vprintf(&text, fmt, args);
    va_end(args);
    *self->out = (pl_proposal){.why_not = pl_arena_cstr(self->arena, pl_buf_view(&text))};
    pl_buf_done(&text);
    return false;
}

pl_proposal pl_proposal_none(pl_span overlay)
{
    pl_span none = PL_SPAN("");
    return (pl_proposal){NULL, 0, NULL, overlay, none, none, none, none, false};
}

static bool begin(work *self, const pl_proposing *with, pl_proposal *ret_proposal)
{
    *ret_proposal = pl_proposal_none(PL_SPAN(""));
    *self = (work){.with = with,
                   .now = with->now ? with->now : with->file,
                   .arena = with->arena,
                   .out = ret_proposal,
                   .parser = PL_SPAN("")};
    self->changes = PL_TAKE(self->arena, change, self->now->rule_count + 1);
    return true;
}

static bool read_path(work *self, pl_span text, pl_path *ret_path)
{
    if (!pl_contract__shape_path(text, self->arena, ret_path))
        return decline(self, "'%.*s' is no path", PL_FMT(text));
    *ret_path = pl_contract__absolute(self->now, ret_path, self->arena);
    return true;
}

// What stands behind the path that begins a term: " parse(percent)", white space as it is.
static pl_span behind_path(work *self, pl_span term)
{
    plumb_error err;
    pl_path path;
    size_t at = 0;
    if (pl_contract__path(term, &at, self->arena, &path, &err) != PLUMB_OK) return PL_SPAN("");
    size_t open = pl_contract__space(term, at);
    if (!pl_span_starts(pl_span_make(term.data + open, term.bytes - open), PL_SPAN("parse")))
        return PL_SPAN("");
    open = pl_contract__space(term, open + 5);
    size_t close =
        open < term.bytes && term.data[open] == '(' ? pl_contract__close(term, open) : SIZE_MAX;
    if (close == SIZE_MAX) return PL_SPAN("");
    return pl_span_make(term.data + at, close + 1 - at);
}

static char *term_text(work *self, const pl_path *path, pl_span behind)
{
    pl_buf text = {0};
    pl_path_text(&text, path);
    pl_buf_span(&text, behind);
    char *made = pl_arena_cstr(self->arena, pl_buf_view(&text));
    pl_buf_done(&text);
    return made;
}

// ---- the rules that change ----------------------------------------------------------------------

static bool has_term(const pl_rule *rule, const char *text)
{
    for (uint32_t i = 0; i < rule->term_count; i++)
        if (pl_span_is(rule->terms[i].text, text)) return true;
    return false;
}

// The text of one entry with every answer in it. Unchanged: *ret_rule is "".
static bool change_rule(work *self, const pl_yaml *node, pl_span *ret_rule)
{
    pl_problems problems = {0};
    pl_reading reading = {self->now->file, self->arena, &problems, NULL};
    pl_rule rule = {0};
    bool good = pl_contract__rule(&reading, node, NULL, &rule), changed = false;
    pl_buf text = {0};
    size_t taken = 0;
    for (uint32_t t = 0; good && t < rule.term_count; t++) {
        const pl_term *term = &rule.terms[t];
        const char *answer = term->kind == PL_TERM_PATH ? self->answer(self, &rule, term) : "";
        if (!answer) good = false;
        if (!answer || !*answer || has_term(&rule, answer)) continue;
        changed = true;
        if (node->kind != PL_YAML_SCALAR) break;
        size_t at = (size_t)(term->text.data - node->text.data);
        pl_buf_append(&text, node->text.data + taken, at - taken);
        pl_buf_printf(&text, "%s%s", answer, self->replace ? "" : " | ");
        taken = self->replace ? at + term->text.bytes : at;
    }
    if (good && changed && node->kind != PL_YAML_SCALAR)
        good =
            decline(self, "the rule of '%.*s' in %s is written in the long form: change it by hand",
                    PL_FMT(node->key->text), self->now->file);
    if (good && changed) pl_buf_append(&text, node->text.data + taken, node->text.bytes - taken);
    *ret_rule = pl_arena_copy(self->arena, pl_buf_view(&text));
    pl_buf_done(&text);
    pl_problems_done(&problems);
    return good;
}

static bool change_rules(work *self)
{
    pl_problems problems = {0};
    const pl_yaml *root = pl_yaml_compose(self->now->file, self->now->text, self->arena, &problems);
    const pl_yaml *map = root ? pl_yaml_get(root, "map") : NULL;
    pl_problems_done(&problems);
    for (const pl_yaml *node = map ? map->first : NULL; node; node = node->next) {
        int column = pl_contract_find(self->now->contract, node->key->text);
        pl_span rule;
        if (column < 0) continue;
        if (!change_rule(self, node, &rule)) return false;
        if (rule.bytes) self->changes[self->count++] = (change){(uint32_t)column, rule};
    }
    return true;
}

// ---- the texts that come of it ------------------------------------------------------------------

static pl_span name_of(const pl_contract *contract, const change *one)
{
    return contract->columns[one->column].field.name;
}

// The file with every changed rule; or "" and why_not.
static bool edit_file(work *self, const pl_contract *contract, pl_span *ret_text)
{
    const pl_mapping *file = self->with->file;
    pl_buf out = {0};
    plumb_error err;
    plumb_status st = PLUMB_OK;
    pl_span text = file->text;
    for (uint32_t i = 0; st == PLUMB_OK && i < self->count; i++) {
        pl_edit edit = {.file = file->file,
                        .text = text,
                        .section = "map",
                        .name = name_of(contract, &self->changes[i]),
                        .value = self->changes[i].rule};
        pl_buf_reset(&out);
        st = pl_edit_set(&edit, &out, &err);
        if (st == PLUMB_E_NOT_FOUND) st = pl_edit_insert(&edit, &out, &err);
        if (st == PLUMB_OK) text = pl_arena_copy(self->arena, pl_buf_view(&out));
    }
    pl_buf_done(&out);
    *ret_text = text;
    return st == PLUMB_OK || decline(self, "%s", err.message);
}

static void put_entry(pl_buf *out, pl_span name, pl_span rule)
{
    pl_buf_printf(out, "%.*s: ", PL_FMT(name));
    pl_yaml_quote(out, rule, true);
    pl_buf_char(out, '\n');
}

// What lies over the file already, with the changed rules in place of its own and behind them.
static bool merge_overlay(work *self, const pl_contract *contract)
{
    pl_problems problems = {0};
    const pl_yaml *root = pl_yaml_compose("changes", self->with->overlay, self->arena, &problems);
    bool good = !problems.count && root && root->kind == PL_YAML_MAP;
    pl_problems_done(&problems);
    if (!good) return decline(self, "the changes over %s are no map", self->with->file->file);
    pl_buf text = {0};
    for (const pl_yaml *node = root->first; node; node = node->next) {
        bool stays = true;
        for (uint32_t i = 0; i < self->count; i++)
            stays = stays && !pl_span_equal(node->key->text, name_of(contract, &self->changes[i]));
        if (stays) put_entry(&text, node->key->text, node->text);
    }
    for (uint32_t i = 0; i < self->count; i++)
        put_entry(&text, name_of(contract, &self->changes[i]), self->changes[i].rule);
    self->out->overlay = pl_arena_copy(self->arena, pl_buf_view(&text));
    pl_buf_done(&text);
    return true;
}

// Whether the text is a mapping without mistakes.
static bool maps(work *self, pl_span text, const pl_contract *contract)
{
    pl_problems problems = {0};
    pl_contract *copy = PL_TAKE(self->arena, pl_contract, 1);
    *copy = *contract;
    const char *file = self->with->file->file;
    bool good = pl_mapping_parse(file, text, &copy, 1, self->arena, &problems, NULL) != NULL;
    if (!good)
        decline(self, "%s would not be a mapping: line %u: %s", file, problems.items[0].line,
                problems.items[0].message);
    pl_problems_done(&problems);
    return good;
}

// Texts and diffs of the changes; `contract` is as it will be.
static bool finish(work *self, const pl_contract *contract)
{
    pl_proposal *out = self->out;
    const pl_mapping *file = self->with->file;
    plumb_error err;
    pl_span under;
    if (!edit_file(self, contract, &out->mapping_text) || !merge_overlay(self, contract))
        return false;
    if (pl_edit_overlay(file->file, file->text, out->overlay, self->arena, &under, &err) !=
        PLUMB_OK)
        return decline(self, "%s", err.message);
    if (!maps(self, under, contract) || !maps(self, out->mapping_text, contract)) return false;
    out->columns = PL_TAKE(self->arena, uint32_t, self->count);
    for (uint32_t i = 0; i < self->count; i++) out->columns[i] = self->changes[i].column;
    out->column_count = self->count;
    pl_buf diff = {0};
    if (out->contract_text.bytes)
        pl_diff_unified(&diff, self->now->contract->file, self->now->contract->text,
                        out->contract_text);
    pl_diff_unified(&diff, file->file, file->text, out->mapping_text);
    out->diff = pl_arena_copy(self->arena, pl_buf_view(&diff));
    pl_buf_done(&diff);
    return true;
}

// A condition and the place of records have one path each: with another one, what came before would
// not be read.
static bool decline_choice(work *self, pl_span path)
{
    if (pl_contract__where_reads(self->now, &self->before, self->arena))
        return decline(self, "%s keeps records by %.*s, in where: change that by hand",
                       self->now->file, PL_FMT(path));
    return decline(self, "%s takes records from %.*s, which reads %.*s: change that by hand",
                   self->now->file, PL_FMT(self->now->records_text), PL_FMT(path));
}

// The rest of a proposal once what it asks of each term is known.
static bool propose(work *self, pl_span path)
{
    if (pl_mapping_selects_by(self->now, path, self->arena)) return decline_choice(self, path);
    if (!change_rules(self)) return false;
    if (!self->count) {
        decline(self, "no rule of %s has to change for %.*s", self->now->file, PL_FMT(path));
        self->out->written = true;
        return false;
    }
    return finish(self, self->now->contract);
}

// ---- renamed ------------------------------------------------------------------------------------

static uint32_t arrays(const pl_path *path)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < path->count; i++) count += path->steps[i].kind != PL_STEP_KEY;
    return count;
}

// The path of a term that reads `before` or below it, with `after` in its place. Each element is
// chosen as the term chose it.
static pl_path moved(work *self, const pl_path *read)
{
    const pl_path *before = &self->before, *after = &self->after;
    pl_path made = {.root = after->root};
    made.steps = PL_TAKE(self->arena, pl_step, after->count + read->count);
    uint32_t at = 0;
    for (uint32_t i = 0; i < after->count; i++) {
        made.steps[made.count] = after->steps[i];
        if (after->steps[i].kind != PL_STEP_KEY) {
            while (read->steps[at].kind == PL_STEP_KEY) at++;
            made.steps[made.count] = read->steps[at++];
        }
        made.count++;
    }
    for (uint32_t i = before->count; i < read->count; i++)
        made.steps[made.count++] = read->steps[i];
    return made;
}

// The path of a term that finds an element by the key that was renamed.
static pl_path found_by(work *self, const pl_path *read)
{
    uint32_t last = self->before.count - 1;
    pl_path made = *read;
    made.steps = PL_TAKE(self->arena, pl_step, read->count);
    memcpy(made.steps, read->steps, read->count * sizeof *made.steps);
    made.steps[last - 1].lookup_key = self->after.steps[last].key;
    return made;
}

// Whether both are the same but for the last key.
static bool siblings(const pl_path *a, const pl_path *b)
{
    if (a->count != b->count || b->steps[b->count - 1].kind != PL_STEP_KEY) return false;
    pl_path parent = {a->root, a->steps, a->count - 1};
    return pl_contract__reach(&parent, b) == PL_REACH_AROUND;
}

static bool has_path(const pl_rule *rule, const pl_path *path)
{
    pl_buf wanted = {0}, text = {0};
    bool found = false;
    pl_path_text(&wanted, path);
    for (uint32_t i = 0; i < rule->term_count && !found; i++) {
        pl_buf_reset(&text);
        if (rule->terms[i].kind == PL_TERM_PATH) pl_path_text(&text, &rule->terms[i].path);
        found = pl_span_equal(pl_buf_view(&text), pl_buf_view(&wanted));
    }
    pl_buf_done(&wanted);
    pl_buf_done(&text);
    return found;
}

static const char *which_element(work *self, const pl_term *term)
{
    decline(self, "which element takes the place of '%.*s' is not known: change it by hand",
            PL_FMT(term->text));
    return NULL;
}

static const char *answer_renamed(work *self, const pl_rule *rule, const pl_term *term)
{
    pl_path path, read = pl_contract__absolute(self->now, &term->path, self->arena);
    pl_reach reach = pl_contract__reach(&read, &self->before);
    if (reach < PL_REACH_HERE) return "";
    if (reach == PL_REACH_KEY) {
        if (!siblings(&self->before, &self->after)) {
            decline(self,
                    "'%.*s' finds its element by a key that is no longer beside it: change it "
                    "by hand",
                    PL_FMT(term->text));
            return NULL;
        }
        path = found_by(self, &read);
    } else {
        if (arrays(&self->before) != arrays(&self->after)) {
            return which_element(self, term);
        }
        path = moved(self, &read);
    }
    if (term->path.root == PL_ROOT_PARENT) {
        path = pl_contract__from_parent(self->now, &path, self->arena);
        if (path.root == PL_ROOT_DOCUMENT && arrays(&path)) return which_element(self, term);
    }
    bool here = reach == PL_REACH_HERE && read.count == self->before.count;
    if (here && self->parser.bytes) return term_text(self, &path, self->parser);
    return has_path(rule, &path) ? "" : term_text(self, &path, behind_path(self, term->text));
}

bool pl_propose_rename(const pl_proposing *with, pl_span before, pl_span after, pl_span extractor,
                       pl_proposal *ret_proposal)
{
    work self;
    begin(&self, with, ret_proposal);
    self.answer = answer_renamed;
    self.parser = extractor.bytes ? behind_path(&self, extractor) : PL_SPAN("");
    if (!read_path(&self, before, &self.before) || !read_path(&self, after, &self.after))
        return false;
    if (!self.before.count || !self.after.count)
        return decline(&self, "a record has no other name");
    return propose(&self, before);
}

// ---- other values -------------------------------------------------------------------------------

static const char *answer_parsed(work *self, const pl_rule *rule, const pl_term *term)
{
    (void)rule;
    pl_path read = pl_contract__absolute(self->now, &term->path, self->arena);
    bool here = pl_contract__reach(&read, &self->before) == PL_REACH_HERE &&
                read.count == self->before.count;
    return here ? term_text(self, &term->path, self->parser) : "";
}

static bool propose_parser(const pl_proposing *with, pl_span path, pl_span parser, bool replace,
                           pl_proposal *ret_proposal)
{
    work self;
    begin(&self, with, ret_proposal);
    self.answer = answer_parsed;
    self.replace = replace;
    self.parser = pl_span_of(pl_arena_printf(self.arena, " parse(%.*s)", PL_FMT(parser)));
    return read_path(&self, path, &self.before) && propose(&self, path);
}

bool pl_propose_retype(const pl_proposing *with, pl_span path, pl_span parser,
                       pl_proposal *ret_proposal)
{
    return propose_parser(with, path, parser, false, ret_proposal);
}

bool pl_propose_rescale(const pl_proposing *with, pl_span path, pl_span parser,
                        pl_proposal *ret_proposal)
{
    return propose_parser(with, path, parser, true, ret_proposal);
}

// ---- added --------------------------------------------------------------------------------------

static bool is_taken(const pl_contract *contract, pl_span name)
{
    if (pl_contract_find(contract, name) >= 0 || pl_contract__reserved(name)) return true;
    for (uint32_t i = 0; i < contract->partition.count; i++)
        if (pl_span_equal(contract->partition.fields[i].name, name)) return true;
    return false;
}

// A column of that name that no rule of this mapping fills, of that type: it is the one. Another
// source has it, it was given up once, or the contract was written before the mapping.
static bool is_free(work *self, pl_span name, pl_span type)
{
    const pl_contract *contract = self->now->contract;
    int at = pl_contract_find(contract, name);
    pl_problems problems = {0};
    if (at < 0 || pl_mapping_rule(self->now, (uint32_t)at)) return false;
    const pl_yaml *root = pl_yaml_compose(contract->file, contract->text, self->arena, &problems);
    const pl_yaml *columns = root ? pl_yaml_get(root, "columns") : NULL;
    pl_problems_done(&problems);
    for (const pl_yaml *node = columns ? columns->first : NULL; node; node = node->next)
        if (pl_span_equal(node->key->text, name))
            return node->kind == PL_YAML_SCALAR && pl_span_equal(node->text, type);
    return false;
}

// The last key as a name may be; with more of the path, then a number, where that is taken.
static pl_span choose_name(work *self, const pl_path *path, pl_span type)
{
    pl_buf text = {0};
    pl_span name = self->with->name;
    if (name.bytes && (is_free(self, name, type) || !is_taken(self->now->contract, name)))
        return name;
    for (uint32_t first = path->count; first-- > 0;) {
        pl_buf_reset(&text);
        for (uint32_t i = first; i < path->count; i++) {
            pl_span word = pl_contract__snake(self->arena, path->steps[i].key);
            if (text.count && word.bytes) pl_buf_char(&text, '_');
            if (!text.count && word.bytes && word.data[0] >= '0' && word.data[0] <= '9')
                pl_buf_text(&text, "n_");
            pl_buf_span(&text, word);
        }
        if (!text.count) pl_buf_text(&text, "field");
        name = pl_arena_copy(self->arena, pl_buf_view(&text));
        if (name.bytes > PL_NAME_BYTES_MAX - 8) name.bytes = PL_NAME_BYTES_MAX - 8;
        if (is_free(self, name, type)) break;
        if (!is_taken(self->now->contract, name)) break;
    }
    pl_buf_done(&text);
    pl_span base = name;
    for (int n = 2; !is_free(self, name, type) && is_taken(self->now->contract, name); n++)
        name = pl_span_of(pl_arena_printf(self->arena, "%.*s_%d", PL_FMT(base), n));
    return name;
}

static bool new_contract(work *self, pl_span name, pl_span type, pl_contract **ret_contract)
{
    const pl_contract *old = self->now->contract;
    pl_edit edit = {
        .file = old->file, .text = old->text, .section = "columns", .name = name, .value = type};
    pl_buf out = {0};
    plumb_error err;
    plumb_status st = pl_edit_insert(&edit, &out, &err);
    pl_span text = pl_arena_copy(self->arena, pl_buf_view(&out));
    pl_buf_done(&out);
    if (st != PLUMB_OK) return decline(self, "%s", err.message);
    pl_problems problems = {0};
    *ret_contract = pl_contract_parse(old->file, text, self->arena, &problems, NULL);
    if (!*ret_contract)
        decline(self, "%s would not be a contract: line %u: %s", old->file, problems.items[0].line,
                problems.items[0].message);
    pl_problems_done(&problems);
    if (*ret_contract) self->out->contract_text = text;
    return *ret_contract != NULL;
}

bool pl_propose_added(const pl_proposing *with, pl_span path, pl_span type, pl_span parser,
                      pl_proposal *ret_proposal)
{
    work self;
    begin(&self, with, ret_proposal);
    uint32_t *columns, count;
    pl_contract *contract = NULL;
    if (!read_path(&self, path, &self.after)) return false;
    if (arrays(&self.after) || !self.after.count)
        return decline(&self, "%.*s is in an array, and which element is meant nobody said",
                       PL_FMT(path));
    pl_mapping_columns_of(self.now, path, self.arena, &columns, &count);
    if (count || pl_mapping_takes_whole(self.now, path, self.arena))
        return decline(&self, "a rule of %s reads %.*s already", self.now->file, PL_FMT(path));
    pl_span name = choose_name(&self, &self.after, type);
    int there = pl_contract_find(self.now->contract, name);
    if (there < 0 && !new_contract(&self, name, type, &contract)) return false;
    const char *behind =
        parser.bytes ? pl_arena_printf(self.arena, " parse(%.*s)", PL_FMT(parser)) : "";
    self.changes[self.count++] =
        (change){there < 0 ? contract->column_count - 1 : (uint32_t)there,
                 pl_span_of(term_text(&self, &self.after, pl_span_of(behind)))};
    ret_proposal->added = name;
    return finish(&self, there < 0 ? contract : self.now->contract);
}

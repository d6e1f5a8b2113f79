// SPDX-License-Identifier: Apache-2.0
#include "contract/composer.h"

#include <assert.h>
#include <yaml.h>

#include "base/map.h"

typedef struct composer {
    const char *file;
    pl_span text;    // the whole file
    size_t skipped;  // bytes of the BOM
    uint32_t *bytes; // byte of each character after the BOM; NULL when all is ASCII
    uint32_t *lines; // byte at which each line starts
    uint32_t characters, line_count;
    pl_arena *arena;
    pl_problems *problems;
    pl_yaml *root;
    pl_yaml *stack[PL_YAML_DEPTH_MAX]; // open lists and maps
    pl_yaml *last[PL_YAML_DEPTH_MAX];  // last child of each
    pl_yaml *key[PL_YAML_DEPTH_MAX];   // a map's key that waits for its value
    int depth;
    int too_deep; // open collections that are not kept
    bool done;
} composer;

static void index_text(composer *self)
{
    size_t body = self->text.bytes - self->skipped;
    const unsigned char *data = (const unsigned char *)self->text.data + self->skipped;
    uint32_t lines = 1, characters = 0;
    for (size_t i = 0; i < body; i++) {
        lines += data[i] == '\n';
        characters += (data[i] & 0xC0) != 0x80;
    }
    self->lines = PL_TAKE(self->arena, uint32_t, lines);
    self->characters = characters;
    if (characters < body) self->bytes = PL_TAKE(self->arena, uint32_t, characters + 1);
    uint32_t character = 0;
    self->line_count = 1; // lines[0] is 0: a BOM belongs to the first line
    for (size_t i = 0; i < body; i++) {
        if (self->bytes && (data[i] & 0xC0) != 0x80) self->bytes[character++] = (uint32_t)i;
        if (data[i] == '\n') self->lines[self->line_count++] = (uint32_t)(i + 1 + self->skipped);
    }
    if (self->bytes) self->bytes[character] = (uint32_t)body;
}

// libyaml counts characters after the BOM; the tree counts bytes of the file.
static uint32_t to_byte(const composer *self, size_t character)
{
    if (character > self->characters) character = self->characters;
    size_t byte = self->bytes ? self->bytes[character] : character;
    return (uint32_t)(byte + self->skipped);
}

static void to_place(const composer *self, uint32_t byte, uint32_t *ret_line, uint32_t *ret_column)
{
    uint32_t low = 0, high = self->line_count;
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if (self->lines[middle] <= byte)
            low = middle;
        else
            high = middle;
    }
    uint32_t start = low == 0 ? (uint32_t)self->skipped : self->lines[low];
    *ret_line = low + 1;
    *ret_column = byte >= start ? byte - start + 1 : 1;
}

static plumb_error *mistake(composer *self, uint32_t byte, const char *text)
{
    uint32_t line, column;
    to_place(self, byte, &line, &column);
    return pl_problem(self->problems, self->file, line, column, "%s", text);
}

static pl_yaml *new_node(composer *self, pl_yaml_kind kind, const yaml_event_t *event)
{
    pl_yaml *node = PL_TAKE(self->arena, pl_yaml, 1);
    node->kind = kind;
    node->start = to_byte(self, event->start_mark.index);
    node->end = to_byte(self, event->end_mark.index);
    node->file_text = self->text;
    to_place(self, node->start, &node->line, &node->column);
    return node;
}

static void refuse_extras(composer *self, const pl_yaml *node, const void *anchor, const void *tag)
{
    if (anchor)
        pl_hint(mistake(self, node->start, "anchors are not part of this format"),
                "Write the value out where it is used.");
    if (tag)
        pl_hint(mistake(self, node->start, "tags are not part of this format"),
                "Put the text in quotes if it shall begin with '!'.");
}

// Hang a finished or just opened node under what is open.
static void attach(composer *self, pl_yaml *node)
{
    if (self->depth == 0) {
        self->root = node;
        return;
    }
    int top = self->depth - 1;
    pl_yaml *parent = self->stack[top];
    if (parent->kind == PL_YAML_MAP && !self->key[top]) {
        if (node->kind != PL_YAML_SCALAR) mistake(self, node->start, "a key must be plain text");
        self->key[top] = node;
        return;
    }
    node->key = self->key[top];
    self->key[top] = NULL;
    if (self->last[top])
        self->last[top]->next = node;
    else
        parent->first = node;
    self->last[top] = node;
    parent->count++;
}

static void open_node(composer *self, pl_yaml *node)
{
    if (self->too_deep || self->depth == PL_YAML_DEPTH_MAX) {
        if (!self->too_deep++) {
            uint32_t line, column;
            to_place(self, node->start, &line, &column);
            pl_problem(self->problems, self->file, line, column,
                       "lists and maps are nested deeper than %d", PL_YAML_DEPTH_MAX);
        }
        return;
    }
    attach(self, node);
    self->stack[self->depth] = node;
    self->last[self->depth] = NULL;
    self->key[self->depth] = NULL;
    self->depth++;
}

static void check_duplicates(composer *self, const pl_yaml *map)
{
    pl_map seen = {0};
    uint32_t index = 0;
    for (const pl_yaml *item = map->first; item; item = item->next, index++) {
        uint32_t at = pl_map_add(&seen, item->key->text, index);
        if (at == index) continue;
        const pl_yaml *first = map->first;
        while (at--) first = first->next;
        pl_problem(self->problems, self->file, item->key->line, item->key->column,
                   "duplicate key '%.*s', first on line %u", PL_FMT(item->key->text),
                   first->key->line);
    }
    pl_map_done(&seen);
}

static void close_node(composer *self, const yaml_event_t *event)
{
    if (self->too_deep) {
        self->too_deep--;
        return;
    }
    pl_yaml *node = self->stack[--self->depth];
    // The end of a block collection is reported where the next token begins, behind comments.
    if (node->style == PL_YAML_FLOW)
        node->end = to_byte(self, event->end_mark.index);
    else if (self->last[self->depth])
        node->end = self->last[self->depth]->end;
    if (node->kind == PL_YAML_MAP) check_duplicates(self, node);
}

static void on_scalar(composer *self, const yaml_event_t *event)
{
    if (self->too_deep) return;
    pl_yaml *node = new_node(self, PL_YAML_SCALAR, event);
    node->text = pl_arena_copy(self->arena,
                               pl_span_make(event->data.scalar.value, event->data.scalar.length));
    switch (event->data.scalar.style) {
    case YAML_SINGLE_QUOTED_SCALAR_STYLE:
        node->style = PL_YAML_SINGLE;
        break;
    case YAML_DOUBLE_QUOTED_SCALAR_STYLE:
        node->style = PL_YAML_DOUBLE;
        break;
    case YAML_LITERAL_SCALAR_STYLE:
    case YAML_FOLDED_SCALAR_STYLE:
        node->style = PL_YAML_BLOCK;
        break;
    default:
        node->style = PL_YAML_PLAIN;
        break;
    }
    refuse_extras(self, node, event->data.scalar.anchor, event->data.scalar.tag);
    if (memchr(node->text.data, '\0', node->text.bytes))
        mistake(self, node->start, "a NUL character is not allowed");
    attach(self, node);
}

static void on_event(composer *self, const yaml_event_t *event)
{
    pl_yaml *node;
    switch (event->type) {
    case YAML_SCALAR_EVENT:
        on_scalar(self, event);
        break;
    case YAML_ALIAS_EVENT:
        node = new_node(self, PL_YAML_SCALAR, event);
        node->text = PL_SPAN("");
        pl_hint(mistake(self, node->start, "aliases are not part of this format"),
                "Write the value out, or put the text in quotes if it shall begin with '*'.");
        if (!self->too_deep) attach(self, node);
        break;
    case YAML_SEQUENCE_START_EVENT:
        node = new_node(self, PL_YAML_LIST, event);
        node->style = event->data.sequence_start.style == YAML_FLOW_SEQUENCE_STYLE ? PL_YAML_FLOW
                                                                                   : PL_YAML_BLOCK;
        refuse_extras(self, node, event->data.sequence_start.anchor,
                      event->data.sequence_start.tag);
        open_node(self, node);
        break;
    case YAML_MAPPING_START_EVENT:
        node = new_node(self, PL_YAML_MAP, event);
        node->style = event->data.mapping_start.style == YAML_FLOW_MAPPING_STYLE ? PL_YAML_FLOW
                                                                                 : PL_YAML_BLOCK;
        refuse_extras(self, node, event->data.mapping_start.anchor, event->data.mapping_start.tag);
        open_node(self, node);
        break;
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        close_node(self, event);
        break;
    case YAML_DOCUMENT_START_EVENT:
        if (self->root) {
            mistake(self, to_byte(self, event->start_mark.index),
                    "a second document in one file is not allowed");
            self->done = true;
        }
        break;
    case YAML_STREAM_END_EVENT:
        self->done = true;
        break;
    default:
        break;
    }
}

static void on_syntax(composer *self, const yaml_parser_t *parser)
{
    const char *problem = parser->problem ? parser->problem : "not YAML";
    uint32_t byte = to_byte(self, parser->problem_mark.index);
    if (parser->error == YAML_READER_ERROR) {
        size_t offset = self->skipped + parser->problem_offset;
        byte = (uint32_t)PL_MIN(offset, self->text.bytes);
    }
    uint32_t line, column;
    to_place(self, byte, &line, &column);
    plumb_error *err =
        pl_problem(self->problems, self->file, line, column, "not YAML: %s", problem);
    if (strstr(problem, "mapping values"))
        pl_hint(err, "Put text that holds ': ' in single quotes.");
    else if (strstr(problem, "cannot start any token"))
        pl_hint(err, "Indent with spaces, and put text that begins with such a character in "
                     "single quotes.");
    else if (parser->context && parser->context_mark.line != parser->problem_mark.line)
        pl_hint(err, "It was %s that began on line %zu.",
                strncmp(parser->context, "while ", 6) == 0 ? parser->context + 6 : parser->context,
                parser->context_mark.line + 1);
}

pl_yaml *pl_yaml_compose(const char *file, pl_span text, pl_arena *arena, pl_problems *problems)
{
    if (!text.data) text = PL_SPAN("");
    composer self = {.file = file, .text = text, .arena = arena, .problems = problems};
    if (text.bytes > PL_CONFIG_BYTES_MAX) {
        pl_problem(problems, file, 0, 0, "is %zu bytes, more than the %u allowed", text.bytes,
                   PL_CONFIG_BYTES_MAX);
        return NULL;
    }
    if (pl_span_starts(text, PL_SPAN("\xEF\xBB\xBF"))) self.skipped = 3;
    index_text(&self);
    yaml_parser_t parser;
    if (!yaml_parser_initialize(&parser)) pl_oom(sizeof parser);
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser, (const unsigned char *)text.data + self.skipped,
                                 text.bytes - self.skipped);
    bool broken = false;
    while (!self.done && !broken) {
        yaml_event_t event;
        if (!yaml_parser_parse(&parser, &event)) {
            if (parser.error == YAML_MEMORY_ERROR) pl_oom(text.bytes);
            on_syntax(&self, &parser);
            broken = true;
            break;
        }
        on_event(&self, &event);
        yaml_event_delete(&event);
    }
    yaml_parser_delete(&parser);
    if (broken) return NULL;
    if (!self.root) {
        self.root = PL_TAKE(arena, pl_yaml, 1);
        *self.root = (pl_yaml){.kind = PL_YAML_MAP,
                               .style = PL_YAML_BLOCK,
                               .line = 1,
                               .column = 1,
                               .start = (uint32_t)text.bytes,
                               .end = (uint32_t)text.bytes,
                               .file_text = text};
    }
    return self.root;
}

const pl_yaml *pl_yaml_get(const pl_yaml *map, const char *key)
{
    if (!map || map->kind != PL_YAML_MAP) return NULL;
    for (const pl_yaml *item = map->first; item; item = item->next)
        if (pl_span_is(item->key->text, key)) return item;
    return NULL;
}

void pl_yaml_place(const pl_yaml *scalar, size_t offset, uint32_t *ret_line, uint32_t *ret_column)
{
    *ret_line = scalar->line;
    *ret_column = scalar->column;
    uint32_t quote = scalar->style == PL_YAML_SINGLE || scalar->style == PL_YAML_DOUBLE;
    if (scalar->style == PL_YAML_BLOCK || offset > scalar->text.bytes) return;
    if (scalar->start + quote + offset > scalar->file_text.bytes) return;
    const char *written = scalar->file_text.data + scalar->start + quote;
    if (offset == 0 || memcmp(written, scalar->text.data, offset) == 0)
        *ret_column += (uint32_t)offset + quote;
}

// Whether a YAML reader that resolves plain scalars would read `text` as something but text.
static bool resolves(pl_span text)
{
    static const char *const words[] = {"null", "true", "false", "yes", "no",
                                        "on",   "off",  "y",     "n"};
    for (size_t i = 0; i < PL_COUNT(words); i++)
        if (text.bytes == strlen(words[i]) && strncasecmp(text.data, words[i], text.bytes) == 0)
            return true;
    return text.bytes && ((text.data[0] >= '0' && text.data[0] <= '9') || text.data[0] == '=');
}

static bool plain_is_safe(pl_span text, bool rule)
{
    if (text.bytes == 0 || (!rule && resolves(text))) return false;
    unsigned char first = (unsigned char)text.data[0];
    bool starts = (first >= 'a' && first <= 'z') || (first >= 'A' && first <= 'Z') ||
                  (first >= '0' && first <= '9') || first == '_' || first == '$' || first == '=' ||
                  first == '^';
    if (!starts) return false;
    for (size_t i = 0; i < text.bytes; i++) {
        char c = text.data[i];
        char next = i + 1 < text.bytes ? text.data[i + 1] : ' ';
        if (c == ':' && (next == ' ' || !rule)) return false;
        if (c == ' ' && (next == '#' || i + 1 == text.bytes)) return false;
        if (!rule && strchr(",[]{}#&*!|>'\"%@`", c)) return false;
    }
    return true;
}

// Characters that libyaml refuses or folds: they need a double-quoted escape.
static bool needs_escape(uint32_t code)
{
    return code < 0x20 || (code >= 0x7F && code < 0xA0) || code == 0x2028 || code == 0x2029 ||
           code == 0xFEFF || code == 0xFFFE || code == 0xFFFF;
}

// Decode one character of valid UTF-8; a stray byte is taken for itself.
static uint32_t decode(pl_span text, size_t at, size_t *ret_bytes)
{
    const unsigned char *p = (const unsigned char *)text.data + at;
    size_t want = p[0] < 0x80 ? 1 : p[0] >= 0xF0 ? 4 : p[0] >= 0xE0 ? 3 : p[0] >= 0xC0 ? 2 : 1;
    if (at + want > text.bytes) want = 1;
    *ret_bytes = want;
    if (want == 1) return p[0];
    uint32_t code = p[0] & (0xFFu >> (want + 1));
    for (size_t i = 1; i < want; i++) code = code << 6 | (p[i] & 0x3Fu);
    return code;
}

static void quote(pl_buf *out, pl_span text, bool escape)
{
    size_t bytes;
    pl_buf_char(out, escape ? '"' : '\'');
    for (size_t i = 0; i < text.bytes; i += bytes) {
        uint32_t code = decode(text, i, &bytes);
        if (!escape) {
            if (code == '\'') pl_buf_char(out, '\'');
            pl_buf_append(out, text.data + i, bytes);
        } else if (needs_escape(code)) {
            pl_buf_printf(out, code < 0x100 ? "\\x%02X" : "\\u%04X", code);
        } else {
            if (code == '"' || code == '\\') pl_buf_char(out, '\\');
            pl_buf_append(out, text.data + i, bytes);
        }
    }
    pl_buf_char(out, escape ? '"' : '\'');
}

static bool any_escape(pl_span text)
{
    bool escape = false;
    size_t bytes;
    for (size_t i = 0; i < text.bytes && !escape; i += bytes)
        escape = needs_escape(decode(text, i, &bytes));
    return escape;
}

void pl_yaml_quote(pl_buf *out, pl_span text, bool rule)
{
    bool escape = any_escape(text);
    if (!escape && plain_is_safe(text, rule))
        pl_buf_span(out, text);
    else
        quote(out, text, escape);
}

void pl_yaml_quote_like(pl_buf *out, pl_span text, pl_yaml_style style, bool flow)
{
    if (style == PL_YAML_DOUBLE)
        quote(out, text, true);
    else if (style == PL_YAML_SINGLE)
        quote(out, text, any_escape(text));
    else
        pl_yaml_quote(out, text, !flow);
}

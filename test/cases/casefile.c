// SPDX-License-Identifier: Apache-2.0
#include "casefile.h"

#include <stdio.h>
#include <stdlib.h>

char *case_read(const char *path)
{
    pl_buf text = {0};
    FILE *file = fopen(path, "rb");
    if (!file) {
        perror(path);
        exit(2);
    }
    for (int c; (c = getc(file)) != EOF;) pl_buf_char(&text, (char)c);
    fclose(file);
    pl_buf_cstr(&text);
    return text.data;
}

pl_span case_line(pl_span *text)
{
    const char *end = text->bytes ? memchr(text->data, '\n', text->bytes) : NULL;
    size_t bytes = end ? (size_t)(end - text->data) : text->bytes;
    pl_span line = pl_span_make(text->data, bytes);
    bytes += end != NULL;
    *text = pl_span_make(text->data + bytes, text->bytes - bytes);
    return line;
}

bool case_head(pl_span head, const char *name, pl_span *ret_rest)
{
    pl_span start = pl_span_of(name);
    if (!pl_span_starts(head, start)) return false;
    *ret_rest = pl_span_trim(pl_span_make(head.data + start.bytes, head.bytes - start.bytes));
    return head.bytes == start.bytes || head.data[start.bytes] == ' ';
}

bool case_next(pl_span *text, case_text *ret_case)
{
    case_text one = {.count = 0};
    while (text->bytes) {
        pl_span rest = *text, line = case_line(&rest), sentence;
        bool says = line.bytes && line.data[0] != '#';
        if (says && case_head(line, "case", &sentence)) {
            if (one.sentence.bytes) break;
            one.sentence = sentence;
        } else if (says && line.data[0] != ' ') {
            if (one.count == CASE_BLOCKS) exit(2);
            one.blocks[one.count++].head = line;
        } else if (says && one.count) {
            pl_span *body = &one.blocks[one.count - 1].text;
            if (!body->bytes) body->data = line.data;
            body->bytes = (size_t)(rest.data - body->data);
        }
        *text = rest;
    }
    *ret_case = one;
    return one.count > 0;
}

static void show(const case_text *one, const char *head, const pl_buf *found)
{
    printf("\ncase %.*s\n", PL_FMT(one->sentence));
    for (int i = 0; i < one->count; i++) {
        const case_block *block = &one->blocks[i];
        bool then = pl_span_is(block->head, head);
        printf("%.*s\n%.*s", PL_FMT(block->head), PL_FMT(then ? pl_buf_view(found) : block->text));
        found += then;
    }
}

static bool same(const char *path, const case_text *one, const char *head, const pl_buf *found)
{
    bool passed = true;
    for (int i = 0; i < one->count; i++) {
        if (!pl_span_is(one->blocks[i].head, head)) continue;
        pl_span want = one->blocks[i].text, got = pl_buf_view(found++);
        if (pl_span_equal(want, got)) continue;
        printf("%s: %.*s\n--- expected\n%.*s--- found\n%.*s", path, PL_FMT(one->sentence),
               PL_FMT(want), PL_FMT(got));
        passed = false;
    }
    return passed;
}

int case_main(int argc, char **argv, const char *head,
              void (*play)(const case_text *one, pl_buf *found))
{
    int passed = 0, failed = 0;
    bool only_show = argc > 1 && strcmp(argv[1], "--show") == 0;
    for (int i = 1 + only_show; i < argc; i++) {
        char *bytes = case_read(argv[i]);
        pl_span text = pl_span_of(bytes);
        while (only_show && text.bytes && text.data[0] == '#') {
            pl_span line = case_line(&text);
            printf("%.*s\n", PL_FMT(line));
        }
        case_text one;
        while (case_next(&text, &one)) {
            pl_buf found[CASE_BLOCKS] = {{0}};
            play(&one, found);
            if (only_show)
                show(&one, head, found);
            else if (same(argv[i], &one, head, found))
                passed++;
            else
                failed++;
            for (int k = 0; k < CASE_BLOCKS; k++) pl_buf_done(&found[k]);
        }
        free(bytes);
    }
    if (only_show) return 0;
    printf("%d passed, %d failed\n", passed, failed);
    return failed || passed == 0;
}

// The worker's side of the socket, hostile: frames come out the same whatever pieces the bytes come
// in, no payload leads outside itself, and what is taken is, written again, the same bytes.
//
// SPDX-License-Identifier: Apache-2.0
#include "fuzz.h"
#include "pipe/frame.h"
#include "pipe/rows.h"

typedef struct session {
    pl_arena arena;
    uint32_t columns;
    bool has_columns;
    pl_buf notes; // what was received, to compare two sessions
} session;

static void take_rows(session *self, pl_span payload)
{
    pl_rows rows;
    bool found = true;
    pl_cell *cells = PL_TAKE(&self->arena, pl_cell, self->columns + 1);
    if (pl_rows_open(payload, self->columns, &rows, NULL) != PLUMB_OK) return;
    pl_buf again = {0};
    size_t begun = pl_rows_begin(&again);
    uint32_t count = 0;
    plumb_status st;
    while ((st = pl_rows_next(&rows, cells, &found, NULL)) == PLUMB_OK && found) {
        count++;
        for (uint32_t i = 0; i < self->columns; i++) {
            if (cells[i].is_null)
                pl_cell_write_null(&again);
            else
                pl_cell_write(&again, cells[i].text);
        }
    }
    pl_rows_end(&again, begun, count);
    if (st == PLUMB_OK) FUZZ_CHECK(pl_span_equal(pl_buf_view(&again), payload));
    pl_buf_span(&self->notes, pl_buf_view(&again));
    pl_buf_done(&again);
}

static void take_columns(session *self, pl_span payload)
{
    pl_result_column *columns;
    pl_buf again = {0};
    uint32_t count;
    if (pl_columns_read(payload, &self->arena, &columns, &count, NULL) != PLUMB_OK) return;
    self->columns = count;
    self->has_columns = true;
    pl_columns_write(&again, columns, count);
    FUZZ_CHECK(pl_span_equal(pl_buf_view(&again), payload));
    pl_buf_done(&again);
}

static void receive(session *self, pl_span bytes, size_t chunk)
{
    pl_frame_reader reader = {0};
    pl_frame frame;
    bool found, good = true;
    pl_span all = bytes;
    pl_buf again = {0};
    while (good && bytes.bytes) {
        pl_span piece = {bytes.data, PL_MIN(chunk, bytes.bytes)};
        bytes = (pl_span){bytes.data + piece.bytes, bytes.bytes - piece.bytes};
        pl_frame_feed(&reader, piece);
        while ((good = pl_frame_next(&reader, &frame, &found, NULL) == PLUMB_OK) && found) {
            pl_buf_printf(&self->notes, "%d %zu\n", (int)frame.type, frame.payload.bytes);
            pl_frame_append(&again, frame.type, frame.payload);
            if (frame.type == PL_FRAME_COLUMNS) take_columns(self, frame.payload);
            if (frame.type == PL_FRAME_ROWS && self->has_columns) take_rows(self, frame.payload);
        }
    }
    FUZZ_CHECK(again.count <= all.bytes);
    FUZZ_CHECK(pl_span_equal(pl_buf_view(&again), pl_span_make(all.data, again.count)));
    pl_buf_done(&again);
    pl_frame_reader_done(&reader);
}

void fuzz_one(pl_span input)
{
    session whole = {0}, pieces = {0};
    size_t chunk = fuzz_byte(&input) % 32 + 1;
    receive(&whole, input, SIZE_MAX);
    receive(&pieces, input, chunk);
    FUZZ_CHECK(pl_span_equal(pl_buf_view(&whole.notes), pl_buf_view(&pieces.notes)));
    pl_buf_done(&whole.notes);
    pl_buf_done(&pieces.notes);
    pl_arena_done(&whole.arena);
    pl_arena_done(&pieces.arena);
}

static void seed_result(uint32_t columns, uint32_t rows)
{
    const pl_result_column some[] = {
        {PL_SPAN("id"), PL_SPAN("BIGINT"), PL_CLASS_NUMBER},
        {PL_SPAN("name"), PL_SPAN("VARCHAR"), PL_CLASS_TEXT},
        {PL_SPAN("at"), PL_SPAN("TIMESTAMP"), PL_CLASS_TIME},
    };
    pl_buf out = {0};
    pl_buf_char(&out, (char)(rows * 5));
    pl_frame_append(&out, PL_FRAME_HELLO, PL_SPAN("{\"protocol\":1}"));
    size_t frame = pl_frame_begin(&out, PL_FRAME_COLUMNS);
    pl_columns_write(&out, some, columns);
    pl_frame_end(&out, frame);
    frame = pl_frame_begin(&out, PL_FRAME_ROWS);
    size_t begun = pl_rows_begin(&out);
    for (uint32_t i = 0; i < rows * columns; i++) {
        if (i % 4 == 3)
            pl_cell_write_null(&out);
        else
            pl_cell_write(&out, pl_span_make("some text", i % 9));
    }
    pl_rows_end(&out, begun, rows);
    pl_frame_end(&out, frame);
    pl_frame_append(&out, PL_FRAME_DONE, PL_SPAN("{\"rows\":3}"));
    fuzz_seed(pl_buf_view(&out));
    pl_buf_done(&out);
}

void fuzz_seeds(void)
{
    for (uint32_t columns = 0; columns <= 3; columns++)
        for (uint32_t rows = 0; rows <= 4; rows += 2) seed_result(columns, rows);
}

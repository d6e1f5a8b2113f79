// plumb-floor -- the least that any program of this design spends: inflate what was landed, and
// compress the very page bytes that plumb compressed.
//
//     plumb-floor THREADS < LIST
//
// A line of LIST is a raw object ("raw PATH") or a column chunk of one of plumb's data files whose
// pages are Snappy ("chunk OFFSET BYTES PATH"). Pages are expanded before the clock starts. Prints
// user CPU seconds of inflating and of compressing, the bytes that went into each, and wall
// seconds of both.
//
// Inflating is isa-l's, streamed in chunks of 256 KiB, checksums verified; compressing is
// libsnappy's.
//
// SPDX-License-Identifier: Apache-2.0
#include <isa-l/igzip_lib.h>
#include <pthread.h>
#include <snappy-c.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "base/base.h"
#include "parquet/thrift_read_int.h"

#define CHUNK       (256 * 1024)
#define THREADS_MAX 64

typedef struct bytes {
    char *data;
    size_t count;
} bytes;

static struct {
    char **raw;   // paths
    bytes *pages; // expanded
    size_t raw_count, page_count, page_capacity;
} work;
static atomic_size_t next_piece, moved;

static void stop(const char *what, const char *name)
{
    fprintf(stderr, "plumb-floor: %s '%s'\n", what, name);
    exit(1);
}

static void *room(void *memory, size_t count)
{
    memory = realloc(memory, count ? count : 1);
    if (!memory) stop("out of memory at", "realloc");
    return memory;
}

// --- Reading pages, outside the clock

typedef struct header {
    size_t bytes; // of itself
    int32_t plain, packed;
} header;

static header read_header(pl_span from, const char *path)
{
    header h = {0};
    pl_thrift_in in = pl_thrift__over(from);
    while (pl_thrift__next(&in)) {
        if (in.id == 2)
            h.plain = pl_thrift__get_i32(&in);
        else if (in.id == 3)
            h.packed = pl_thrift__get_i32(&in);
        else
            pl_thrift__skip(&in);
    }
    h.bytes = in.at;
    if (in.reason || h.plain < 0 || h.packed < 0 || h.bytes + (size_t)h.packed > from.bytes)
        stop("cannot read a page of", path);
    return h;
}

static void add_chunk(const char *path, long offset, size_t count)
{
    char *data = room(NULL, count);
    FILE *file = fopen(path, "rb");
    if (!file || fseek(file, offset, SEEK_SET) != 0 || fread(data, 1, count, file) != count)
        stop("cannot read", path);
    fclose(file);
    for (size_t at = 0; at < count;) {
        header h = read_header((pl_span){data + at, count - at}, path);
        bytes page = {room(NULL, (size_t)h.plain), (size_t)h.plain};
        if (snappy_uncompress(data + at + h.bytes, (size_t)h.packed, page.data, &page.count) != 0)
            stop("cannot expand a page of", path);
        if (work.page_count == work.page_capacity) {
            work.page_capacity = 2 * work.page_capacity + 64;
            work.pages = room(work.pages, work.page_capacity * sizeof(bytes));
        }
        work.pages[work.page_count++] = page;
        at += h.bytes + (size_t)h.packed;
    }
    free(data);
}

static void read_list(void)
{
    char line[8192], path[8192];
    long offset;
    size_t count;

    while (fgets(line, sizeof line, stdin)) {
        if (sscanf(line, "raw %8191[^\n]", path) == 1) {
            work.raw = room(work.raw, (work.raw_count + 1) * sizeof(char *));
            work.raw[work.raw_count++] = strdup(path);
        } else if (sscanf(line, "chunk %ld %zu %8191[^\n]", &offset, &count, path) == 3) {
            add_chunk(path, offset, count);
        } else {
            stop("what is", line);
        }
    }
}

// --- What the clock sees

static void inflate_file(const char *path, uint8_t *in, uint8_t *out)
{
    FILE *file = fopen(path, "rb");
    struct inflate_state state;
    size_t got;

    if (!file) stop("cannot open", path);
    setvbuf(file, NULL, _IONBF, 0);
    isal_inflate_init(&state);
    state.crc_flag = ISAL_GZIP;
    while ((got = fread(in, 1, CHUNK, file)) > 0) {
        state.next_in = in;
        state.avail_in = (uint32_t)got;
        do {
            if (state.block_state == ISAL_BLOCK_FINISH) { // another member follows
                isal_inflate_reset(&state);
                state.crc_flag = ISAL_GZIP;
            }
            state.next_out = out;
            state.avail_out = CHUNK;
            if (isal_inflate(&state) != ISAL_DECOMP_OK) stop("cannot inflate", path);
            atomic_fetch_add(&moved, CHUNK - state.avail_out);
        } while (state.avail_in > 0 || state.avail_out == 0);
    }
    if (state.block_state != ISAL_BLOCK_FINISH) stop("cut short:", path);
    fclose(file);
}

static void *inflate_all(void *unused)
{
    uint8_t *in = room(NULL, CHUNK), *out = room(NULL, CHUNK);
    for (size_t i; (i = atomic_fetch_add(&next_piece, 1)) < work.raw_count;)
        inflate_file(work.raw[i], in, out);
    free(in);
    free(out);
    return unused;
}

static void *compress_all(void *unused)
{
    char *out = NULL;
    size_t capacity = 0;
    for (size_t i; (i = atomic_fetch_add(&next_piece, 1)) < work.page_count;) {
        bytes page = work.pages[i];
        size_t count = snappy_max_compressed_length(page.count);
        if (count > capacity) out = room(out, capacity = count);
        if (snappy_compress(page.data, page.count, out, &count) != 0) stop("cannot", "compress");
        atomic_fetch_add(&moved, page.count);
    }
    free(out);
    return unused;
}

static double user_seconds(void)
{
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    return (double)used.ru_utime.tv_sec + (double)used.ru_utime.tv_usec * 1e-6;
}

// User seconds of all threads.
static double timed(void *(*run)(void *), unsigned threads, size_t *ret_bytes)
{
    pthread_t thread[THREADS_MAX];
    double start = user_seconds();
    next_piece = moved = 0;
    for (unsigned i = 0; i < threads; i++)
        if (pthread_create(&thread[i], NULL, run, NULL) != 0) stop("cannot start", "a thread");
    for (unsigned i = 0; i < threads; i++) pthread_join(thread[i], NULL);
    *ret_bytes = moved;
    return user_seconds() - start;
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

int main(int argc, char **argv)
{
    unsigned threads = argc == 2 ? (unsigned)strtoul(argv[1], NULL, 10) : 0;
    size_t inflated, compressed;
    if (threads < 1 || threads > THREADS_MAX) stop("threads must be 1 to 64, not", argv[argc - 1]);

    read_list();
    double start = now();
    double inflating = timed(inflate_all, threads, &inflated);
    double compressing = timed(compress_all, threads, &compressed);
    printf("%.6f %.6f %zu %zu %.6f\n", inflating, compressing, inflated, compressed, now() - start);
    return 0;
}

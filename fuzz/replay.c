// The side of a target that needs no fuzzer.
//
//     replay_<target>                every seed, and copies of it cut short and with bytes changed,
//                                    always the same ones
//     replay_<target> FILE...        these inputs
//     replay_<target> --write DIR    the seeds as files, for libFuzzer to start from
//
// SPDX-License-Identifier: Apache-2.0
#include <dirent.h>

#include "fuzz.h"

enum { DAMAGED = 40 }; // copies of one seed

static const char *write_to;
static unsigned seeds;
static uint64_t state = 1;

static uint32_t random_below(size_t limit)
{
    state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)((state >> 33) % limit);
}

static void run(const char *data, size_t bytes)
{
    char *copy = pl_alloc(bytes ? bytes : 1);
    if (bytes) memcpy(copy, data, bytes);
    fuzz_one(pl_span_make(copy, bytes));
    free(copy);
}

static void run_damaged(pl_span seed)
{
    char *copy = pl_alloc(seed.bytes);
    for (int i = 0; i < DAMAGED; i++) {
        memcpy(copy, seed.data, seed.bytes);
        for (uint32_t n = random_below(4) + 1; n; n--)
            copy[random_below(seed.bytes)] ^= (char)(1u << random_below(8));
        run(copy, i % 2 ? seed.bytes : random_below(seed.bytes));
    }
    free(copy);
}

void fuzz_seed(pl_span input)
{
    seeds++;
    if (write_to) {
        char path[4096];
        snprintf(path, sizeof path, "%s/seed-%03u", write_to, seeds);
        FILE *file = fopen(path, "wb");
        FUZZ_CHECK(file && fwrite(input.data, 1, input.bytes, file) == input.bytes);
        FUZZ_CHECK(fclose(file) == 0);
        return;
    }
    run(input.data, input.bytes);
    if (input.bytes) run_damaged(input);
}

void fuzz_seed_text(const char *input)
{
    fuzz_seed(pl_span_of(input));
}

static void run_file(const char *path)
{
    pl_buf bytes = {0};
    FILE *file = fopen(path, "rb");
    size_t got = 1;
    FUZZ_CHECK(file);
    while (got) {
        got = fread(pl_buf_reserve(&bytes, 65536), 1, 65536, file);
        bytes.count += got;
    }
    fclose(file);
    run(bytes.data, bytes.count);
    pl_buf_done(&bytes);
}

// A folder's files, for corpora of more files than a command line holds.
static void run_path(const char *path)
{
    DIR *dir = opendir(path);
    if (!dir) {
        run_file(path);
        return;
    }
    for (const struct dirent *entry; (entry = readdir(dir));) {
        char file[4096];
        if (entry->d_name[0] == '.') continue;
        snprintf(file, sizeof file, "%s/%s", path, entry->d_name);
        run_file(file);
    }
    closedir(dir);
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "--write") == 0) write_to = argv[2];
    if (argc == 1 || write_to) {
        fuzz_seeds();
        printf("%u seeds\n", seeds);
        return seeds == 0;
    }
    for (int i = 1; i < argc; i++) run_path(argv[i]);
    return 0;
}

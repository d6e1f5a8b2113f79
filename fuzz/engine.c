// The side of a target that libFuzzer calls.
//
// SPDX-License-Identifier: Apache-2.0
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    fuzz_one(pl_span_make(data, bytes));
    return 0;
}

void fuzz_seed(pl_span input)
{
    (void)input; // seeds reach libFuzzer as files, which replay.c wrote
}

void fuzz_seed_text(const char *input)
{
    (void)input;
}

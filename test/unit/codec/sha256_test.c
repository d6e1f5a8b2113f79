// SPDX-License-Identifier: Apache-2.0
#include "unit.h"

#include "codec/sha256.h"

static void expect(const char *want, pl_span bytes, size_t step)
{
    char hex[PL_SHA256_TEXT];
    pl_sha256 *sha = pl_sha256_new();
    for (size_t at = 0; at < bytes.bytes; at += step)
        pl_sha256_add(sha, pl_span_make(bytes.data + at, PL_MIN(step, bytes.bytes - at)));
    pl_sha256_hex(sha, hex);
    pl_sha256_free(sha);
    CHECK_STR(want, hex);
}

// The examples of FIPS 180-2.
TEST(sha256_gives_the_published_digests)
{
    expect("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", PL_SPAN(""), 1);
    expect("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", PL_SPAN("abc"), 1);
    pl_span two = PL_SPAN("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq");
    for (size_t step = 1; step < 60; step += 7)
        expect("248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1", two, step);
}

int main(void)
{
    return RUN_TESTS("codec/sha256", T(sha256_gives_the_published_digests));
}

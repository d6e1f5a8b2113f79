#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Kernels made wrong on purpose: the unit tests beside this file must notice every one.

Each line changes one place of src/simd, builds the folder's tests with it and runs them. One that
still pass is a hole in the tests: the script names it and fails. It fails as well when a line does
not fit the source any more. `mutants.py WORD` tries only the lines that have WORD in them.
"""
import concurrent.futures
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

TESTS = pathlib.Path(__file__).resolve().parent
ROOT = TESTS.parents[2]
CC = [os.environ.get("CC", "gcc"), "-std=gnu17", "-D_GNU_SOURCE", "-O1", "-w"]

# (file, what stands there once, what shall stand there)
MUTANTS = [line for file, lines in {
    "text.c": [
        # The scalar forms, which are the specification.
        ("['f'] = '\\f'", "['f'] = 'f'"),
        ("['/'] = '/',", ""),
        ("p[0] < 0xC2", "p[0] < 0xC1"),
        ("p[0] > 0xF4", "p[0] > 0xF5"),
        ("left < 2 || (p[1] & 0xC0) != 0x80", "left < 2 || (p[1] & 0x80) != 0x80"),
        ("left < 3 || ", ""),
        ("left < 4 || ", ""),
        ("(p[2] & 0xC0) != 0x80", "(p[2] & 0x80) != 0x80"),
        ("(p[3] & 0xC0) != 0x80", "(p[3] & 0x80) != 0x80"),
        ("p[1] < 0xA0", "p[1] < 0x90"),
        ("p[1] > 0x9F", "p[1] > 0xAF"),
        ("p[1] < 0x90", "p[1] < 0x80"),
        ("p[1] > 0x8F", "p[1] > 0x9F"),
        ("end - p >= 8", "end - p >= 7"),
        ("0x8080808080808080", "0x8080808000808080"),
        ("['F'] = 31", "['F'] = 30"),
        ("['9'] = 25", "['9'] = 9"),
        ("a & b & c & e)", "a & b & c)"),
        ("(b & 15) << 8", "b << 8"),
        ("left < 2) return 0;\n    if (pl", "left < 1) return 0;\n    if (pl"),
        ("left < 6", "left < 5"),
        ("left < 12", "left < 11"),
        ("unit < 0xD800 ||", "unit <= 0xD800 ||"),
        ("unit > 0xDFFF)", "unit > 0xDBFF)"),
        ("unit > 0xDBFF ||", "unit > 0xDC00 ||"),
        ("p[6] != '\\\\' ||", ""),
        ("|| p[7] != 'u'", ""),
        ("low >= 0xDC00", "low > 0xDC00"),
        ("low <= 0xDFFF", "low <= 0xE000"),
        ("code < 0x80)", "code <= 0x80)"),
        ("code < 0x800)", "code <= 0x800)"),
        ("code < 0x10000)", "code <= 0x10000)"),
        ("0xF0 | (code >> 18)", "0xF0"),
        ("code <= 0xDBFF) {", "code < 0xDBFF) {"),
        ("0x10000 + ((code", "((code"),
        ("|| c < 0x20", "|| c < 0x1F"),
        ("c == '\"' || c < 0x20", "c < 0x20"),
        ("high |= c >= 0x80", "high |= c > 0xC0"),
        # What is wrong with two neighbours.
        ("CUT | OVER_2, CUT, CUT", "CUT, CUT, CUT"),
        ("CUT | OVER_3 | SURROGATE,", "CUT | OVER_3,"),
        ("CUT | OVER_3 | SURROGATE,", "CUT | SURROGATE,"),
        ("CUT | OVER_4 | BEYOND}", "CUT | BEYOND}"),
        ("CUT | OVER_4 | BEYOND}", "OVER_4 | BEYOND}"),
        ("STRAY, STRAY, LONG,", "STRAY, 0, LONG,"),
        ("ANY | OVER_2 | OVER_3 | OVER_4, ANY | OVER_2", "ANY | OVER_2 | OVER_3, ANY | OVER_2"),
        ("OVER_4, ANY | OVER_2, ANY", "OVER_4, ANY, ANY"),
        ("ANY, ANY, ANY | BEYOND", "ANY, ANY, ANY"),
        ("ANY_F | SURROGATE, ANY_F, ANY_F}", "ANY_F, ANY_F, ANY_F}"),
        ("ANY_F | SURROGATE, ANY_F, ANY_F}", "ANY_F | SURROGATE, ANY_F, ANY}"),
        ("OVER_3 | OVER_4, STRAY | LONG | OVER_2 | OVER_3 | BEYOND",
         "OVER_3, STRAY | LONG | OVER_2 | OVER_3 | BEYOND"),
        ("OVER_4, STRAY | LONG | OVER_2 | OVER_3 | BEYOND",
         "OVER_4, STRAY | LONG | OVER_2 | OVER_3"),
        ("OVER_4, STRAY | LONG | OVER_2 | OVER_3 | BEYOND",
         "OVER_4, STRAY | OVER_2 | OVER_3 | BEYOND"),
        ("    STRAY | LONG | OVER_2 | SURROGATE | BEYOND, STRAY",
         "    STRAY | LONG | OVER_2 | BEYOND, STRAY"),
        (" STRAY | LONG | OVER_2 | SURROGATE | BEYOND,\n",
         " LONG | OVER_2 | SURROGATE | BEYOND,\n"),
        # The instructions of each level.
        ("_mm_min_epu8(a, b)", "_mm_min_epi8(a, b)"),
        ("_mm_subs_epu8(a, b)", "_mm_sub_epi8(a, b)"),
        ("_mm_srli_epi16(v, 4)", "_mm_srli_epi16(v, 3)"),
        ("earlier, 16 - (n))\n#define MASK(v)               ",
         "_mm_setzero_si128(), 16 - (n))\n#define MASK(v)               "),
        ("_mm_storeu_si128((void *)(p), v)", "_mm_storel_epi64((void *)(p), v)"),
        ("_mm256_min_epu8(a, b)", "_mm256_min_epi8(a, b)"),
        ("_mm256_subs_epu8(a, b)", "_mm256_sub_epi8(a, b)"),
        ("_mm256_srli_epi16(v, 4)", "_mm256_srli_epi16(v, 3)"),
        ("(earlier, v, 0x21)", "(earlier, v, 0x20)"),
        ("(earlier, v, 0x21)", "(earlier, v, 0x28)"),
        ("_mm256_broadcastsi128_si256(_mm", "_mm256_castsi128_si256(_mm"),
    ],
    "text_tmpl.h": [
        ("BEFORE(block, earlier, 1)", "BEFORE(block, earlier, 2)"),
        ("BEFORE(block, earlier, 2)", "BEFORE(block, earlier, 1)"),
        ("BEFORE(block, earlier, 3)", "BEFORE(block, earlier, 2)"),
        ("AND(before, SPLAT(0x0F))", "AND(before, SPLAT(0x07))"),
        ("0xE0 - 0x80", "0xE1 - 0x80"),
        ("0xF0 - 0x80", "0xF1 - 0x80"),
        ("XOR(pairs,", "OR(pairs,"),
        ("text.bytes - at < VEC)) { // a zero", "text.bytes - at + 1 < VEC)) { // a zero"),
        ("memcpy(last, data, text.bytes - at)", "memcpy(last, data, text.bytes - at - 1)"),
        ("EQ(block, SPLAT('\"')), ", "EQ(block, SPLAT('\\'')), "),
        ("SPLAT(0x1F)", "SPLAT(0x1E)"),
        ("SPLAT(0x1F)", "SPLAT(0x20)"),
        ("earlier = block;", ""),
        ("if (plain > at) stops &= ~UINT32_C(0) << (plain - at);", ""),
        ("if (plain > at) stops &= ~UINT32_C(0)", "if (plain > at) stops &= ~UINT32_C(1)"),
        ("plain - at < VEC ?", "plain - at <= VEC ?"),
        ("stops & ~UINT32_C(0) << (plain - at)", "stops & ~UINT32_C(1) << (plain - at)"),
        ("stop < text.bytes && text.data", "text.data"),
        ("(UINT32_C(2) << (stop - at)) - 1", "(UINT32_C(1) << (stop - at)) - 1"),
        ("(~right & ((UINT32_C(2) << (stop - at)) - 1)) != 0", "~right != 0"),
        ("broken |= (~right", "broken = (~right"),
        ("ret_found->escaped = true;", ""),
        ("plain = stop + escape;", "plain = stop + 2;"),
        ("plain = stop + escape;", "plain = stop + escape + 1;"),
        ("ret_found->broken |= right != (uint32_t)((UINT64_C(1) << VEC) - 1);", ""),
        ("(uint32_t)((UINT64_C(1) << VEC) - 1)", "(uint32_t)((UINT64_C(1) << (VEC - 1)) - 1)"),
        ("for (;; at += VEC)", "for (;; at += VEC - 1)"),
        ("while (end - from >= VEC)", "while (end - from >= VEC - 1)"),
        ("SPLAT('\\\\')));\n        STORE", "SPLAT('/')));\n        STORE"),
        ("out += VEC;", "out += VEC - 1;"),
        ("from += VEC;", "from += VEC - 1;"),
        ("out += __builtin_ctz(stops);", "out += __builtin_ctz(stops) + 1;"),
        ("while (from < end && *from", "while (*from"),
        ("left < VEC && inside.bytes >= VEC", "left < VEC"),
        ("LOAD(end - VEC)", "LOAD(end - VEC - 2)"),
        ("stops >> (VEC - left)", "stops >> (VEC - left + 1)"),
        ("pl_copy(out, from, left);", "pl_copy(out, from, left - 1);"),
        ("return out + left;", "return out + left - 1;"),
        ("(out, (pl_span){from, left})", "(out, (pl_span){from, 0})"),
    ],
    "alike.h": [
        ("i < 32", "i < 24"),
        ("b + i, sizeof right", "b, sizeof right"),
        ("(left ^ right) / 8", "(left ^ right) / 16"),
        ("a + 16", "a + 15"),
        ("b + 16", "b"),
        ("(second) << 16", "(second) << 15"),
        ("(first) |", "(first) &"),
        ("(~same) : 32", "(~same) : 31"),
    ],
    "string.h": [
        ("for (; text.bytes - at >= 16; at += 16)", "for (; text.bytes - at >= 15; at += 16)"),
        ("space = _mm_set1_epi8(' ')", "space = _mm_set1_epi8(0x1F)"),
        ("_mm_cmplt_epi8(block, space)", "_mm_cmpeq_epi8(block, space)"),
        ("if (left < bytes) return false;", ""),
        ("PL_LIKELY(left >= 16)", "PL_LIKELY(left >= 15)"),
        (">= (unsigned)bytes", "+ 1 >= (unsigned)bytes"),
        ("text + bytes - 16, literal + bytes - 16", "text, literal"),
        ("if (bytes > 32) same", "if (bytes > 33) same"),
        ("text + 16, literal + 16", "text, literal"),
        ("== 0xFFFF", "!= 0"),
        ("for (size_t i = 0; i < bytes; i++)", "for (size_t i = 1; i < bytes; i++)"),
    ],
}.items() for line in ((file, *change) for change in lines)]
INLINE = ["alike.h", "string.h"]


def built(source, includes, program, *more):
    """One source compiled, or linked with `more` into a program."""
    link = [*more, "-lcmocka"] if more else ["-c"]
    subprocess.run([*CC, *(f"-I{i}" for i in includes), f"-I{ROOT}/src", f"-I{ROOT}/test/unit",
                    source, "-o", program, *link], check=True)
    return program


def fails(program):
    try:
        return subprocess.run([program], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                              env={**os.environ, "CMOCKA_TEST_ABORT": "1"},
                              timeout=60).returncode != 0
    except subprocess.TimeoutExpired:
        return True


def noticed(mutant, text_test):
    """Whether the tests fail with this line."""
    file, old, new = mutant
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        copy = folder / "src" / "simd"
        shutil.copytree(ROOT / "src" / "simd", copy)
        text = (copy / file).read_text(encoding="utf-8")
        if text.count(old) != 1:
            raise SystemExit(f"mutants: {file} has {text.count(old)} times {old!r}")
        (copy / file).write_text(text.replace(old, new), encoding="utf-8")
        # Some are inline; of the others only text.c has to be compiled anew.
        test = TESTS / file.replace(".h", "_test.c") if file in INLINE else text_test
        return fails(built(test, [folder / "src"], folder / "test", copy / "text.c"))


def main():
    wanted = [m for m in MUTANTS if all(word in " ".join(m) for word in sys.argv[1:])]
    if "avx2" not in pathlib.Path("/proc/cpuinfo").read_text():
        wanted = [m for m in wanted if "256" not in m[1] and "0x21" not in m[1]]
    with tempfile.TemporaryDirectory() as folder, \
            concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        # What every compilation would read anew.
        (pathlib.Path(folder) / "all.h").write_text("#include <immintrin.h>\n")
        built(f"{folder}/all.h", [], f"{folder}/all.h.gch")
        CC.extend(["-include", f"{folder}/all.h"])
        right = ROOT / "src" / "simd" / "text.c"
        text_test = built(TESTS / "text_test.c", [], f"{folder}/text_test.o")
        for test in text_test, *(TESTS / i.replace(".h", "_test.c") for i in INLINE):
            if fails(built(test, [], f"{folder}/right", right)):
                sys.exit(f"mutants: {test} fails without one")
        found = pool.map(lambda m: noticed(m, text_test), wanted)
        survivors = [m for m, seen in zip(wanted, found) if not seen]
    for file, old, new in survivors:
        print(f"not noticed: {file}: {old!r} -> {new!r}")
    print(f"mutants: {len(wanted) - len(survivors)} of {len(wanted)} noticed")
    sys.exit(1 if survivors else 0)


if __name__ == "__main__":
    main()

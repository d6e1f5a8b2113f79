#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# `make check`: everything about the source that is not a test of its behaviour, the unit tests
# under ASan and UBSan, and threads under TSan. ASAN=1 also runs the tests in test/ against the
# ASan build.
# Every step is run; a step's output is shown when it fails.
set -uo pipefail
cd "$(dirname "$0")/.."

tools/setup.sh check || exit 1
passed=0 failed=0
log=.deps/check.log

step() {
    local name=$1 start=$SECONDS
    shift
    printf '%-42s' "$name"
    if "$@" >"$log" 2>&1 </dev/null; then
        passed=$((passed + 1))
        echo "ok      $((SECONDS - start)) s"
    else
        failed=$((failed + 1))
        echo "FAILED  $((SECONDS - start)) s"
        # What meson says when it looks again is no news.
        sed -i -E '/^(Compiler|Library|Dependency|Program|Build targets|Cleaning) /d' "$log"
        if [ "$(wc -l <"$log")" -gt 60 ]; then
            grep -E 'FAILED|warning:|error:|ERROR|WRITE of|READ of|SUMMARY' "$log" | head -20
            echo "    ... and the end of its output:"
        fi
        tail -40 "$log"
    fi
}

format() {
    local tool=clang-format-14
    command -v $tool >/dev/null || { echo "no $tool here: not checked"; return 0; }
    git ls-files -z '*.c' '*.h' | xargs -0 $tool --dry-run -Werror
}

headers() {
    local header bad=0
    for header in $(git ls-files 'src/*.h' | grep -v '_tmpl\.h$'); do
        gcc -std=gnu17 -D_GNU_SOURCE -Wall -Wextra -Werror -fsyntax-only -Isrc \
            -include "$header" -x c /dev/null || { echo "$header does not compile alone"; bad=1; }
    done
    return $bad
}

scripts() {
    local script
    for script in $(git ls-files 'tools/*.sh' .ci/run); do bash -n "$script" || return 1; done
    python3 -m compileall -q tools test bench
}

both() { tools/build.sh "$1" && { [ -z "${2:-}" ] || "$2"; }; }
units() { meson test -C build-asan --no-suite bench --print-errorlogs; }
promises() {
    tools/setup.sh test &&
        PLUMB_BUILD=$PWD/build-asan .deps/venv/bin/python -m pytest test
}

# Where threads are: workers who share tasks, two programs at one registry, one that is to stop.
threads() {
    export TSAN_OPTIONS=halt_on_error=1:exitcode=66
    # shellcheck disable=SC2046 # one word per test
    meson test -C build-tsan --print-errorlogs \
        $(meson test -C build-tsan --list |
            sed -En 's,.* ((os|store|registry|flow|query)_),\1,p') &&
        tools/setup.sh test &&
        PLUMB_BUILD=$PWD/build-tsan .deps/venv/bin/python -m pytest test/e2e -m threads
}

step "format (clang-format)" format
step "layers (tools/layers.txt)" python3 tools/layers.py
step "tidy (tools/tidy.py)" python3 tools/tidy.py
step "scripts parse" scripts
step "headers compile alone" headers
step "gcc -Werror" both gcc
step "clang -Werror" both clang
step "wrong kernels are noticed" python3 test/unit/simd/mutants.py
step "ASan, UBSan: build and unit tests" both asan units
step "TSan: build, and what runs threads" both tsan threads
[ -z "${ASAN:-}" ] || step "ASan, UBSan: tests of the program" promises

echo "check: $passed passed, $failed failed"
[ $failed -eq 0 ]

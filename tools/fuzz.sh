#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# tools/fuzz.sh [--seconds N] [--target NAME]     each fuzz target in turn for N seconds (600)
# tools/fuzz.sh --planted [--seconds N]           each bug of fuzz/planted/ until it is found
#
# Built in build-fuzz with clang's libFuzzer, ASan and UBSan. What was learned is kept in
# .deps/fuzz/<target>/corpus and is where the next run begins; what was found is in
# .deps/fuzz/<target>/found, one file per input, for build-fuzz/fuzz/replay_<target> FILE.
# Then the lines of the sources that a target is for (fuzz/covers.txt) that its inputs reached.
# Fails when anything was found, or with --planted when a bug was not.
set -uo pipefail
cd "$(dirname "$0")/.."

seconds=600 only='' planted=''
while [ $# -gt 0 ]; do
    case $1 in
    --seconds) seconds=$2; shift ;;
    --target) only=$2; shift ;;
    --planted) planted=true ;;
    -h | --help) sed -n '4,13s/^# \{0,1\}//p' "$0"; exit 0 ;;
    *) echo "fuzz: unknown word '$1'; one of --seconds --target --planted" >&2; exit 2 ;;
    esac
    shift
done

tools/setup.sh fuzz || exit 1
home=$PWD/.deps/fuzz
jobs=${JOBS:-$(nproc)}
options=(-timeout=10 -rss_limit_mb=2048 -max_len=4096 -print_final_stats=1 -close_fd_mask=1)
export ASAN_OPTIONS=detect_leaks=1:allocator_may_return_null=0
export UBSAN_OPTIONS=print_stacktrace=1

configure() { # source folder, build folder
    [ -f "$2/build.ninja" ] || CC=clang-14 meson setup "$2" "$1" -Dfuzz=true --buildtype=debug \
        -Db_lundef=false >/dev/null
}

targets() { awk '!/^#/ && NF { print $1 }' fuzz/covers.txt; }

# Run one target: program, name, seconds, then libFuzzer's own options. Its words are in $log.
fuzz_one() {
    local program=$1 name=$2 time=$3 dictionary=()
    shift 3
    log=$home/$name/log
    mkdir -p "$home/$name/corpus" "$home/$name/found" "$home/$name/seeds"
    [ ! -f "fuzz/$name.dict" ] || dictionary=(-dict="fuzz/$name.dict")
    LLVM_PROFILE_FILE=/dev/null build-fuzz/fuzz/cover_"$name" --write "$home/$name/seeds" \
        >/dev/null || return 2
    "$program" "${options[@]}" "${dictionary[@]}" -max_total_time="$time" \
        -artifact_prefix="$home/$name/found/" "$@" "$home/$name/seeds" >"$log" 2>&1 </dev/null
}

stat_of() { sed -n "s/^stat::$1: *//p" "$log" | tail -1; }

# The share of lines of a target's sources that its corpus and seeds reach, per file.
coverage() {
    local name=$1 files
    files=$(awk -v name="$name" '$1 == name { for (i = 2; i <= NF; i++) print "src/" $i }' \
        fuzz/covers.txt)
    local raw=$home/$name/raw.profile profile=$home/$name/profile
    LLVM_PROFILE_FILE=$raw build-fuzz/fuzz/cover_"$name" "$home/$name/corpus" \
        "$home/$name/seeds" >/dev/null 2>&1 || return 0
    llvm-profdata-14 merge -o "$profile" "$raw" || return 0
    # shellcheck disable=SC2086 # files is words
    llvm-cov-14 export -summary-only -instr-profile="$profile" build-fuzz/fuzz/cover_"$name" \
        2>/dev/null | python3 -c '
import json, sys
covered = count = 0
for file in json.load(sys.stdin)["data"][0]["files"]:
    name = "src/" + file["filename"].split("/src/")[-1]
    if name not in sys.argv[1:]:
        continue
    lines = file["summary"]["lines"]
    covered, count = covered + lines["covered"], count + lines["count"]
    print("    %5.1f %%  %s" % (lines["percent"], name))
print("    %5.1f %%  of %d lines" % (100 * covered / max(count, 1), count))' $files
}

run_targets() {
    local name failed=0 result found
    configure . build-fuzz && ninja --quiet -C build-fuzz -j "$jobs" fuzz || exit 1
    for name in ${only:-$(targets)}; do
        fuzz_one build-fuzz/fuzz/fuzz_"$name" "$name" "$seconds" "$home/$name/corpus"
        result=$?
        found=$(find "$home/$name/found" -type f | wc -l)
        printf '%-10s %10s execs  %6s/s  %5s edges  %s\n' "$name" \
            "$(stat_of number_of_executed_units)" "$(stat_of average_exec_per_sec)" \
            "$(sed -n 's/.* cov: \([0-9]*\).*/\1/p' "$log" | tail -1)" \
            "$([ $result = 0 ] && [ "$found" = 0 ] && echo "nothing found" ||
                echo "FOUND $found, see $home/$name")"
        if [ $result != 0 ] || [ "$found" != 0 ]; then
            failed=$((failed + 1))
            grep -E 'ERROR:|runtime error:|does not hold|SUMMARY|oom|timeout' "$log" | head -5
        fi
        coverage "$name"
    done
    [ $failed = 0 ]
}

# Each fuzz/planted/<target>-<what>.patch in a copy of the tree: from the seeds alone, until found.
run_planted() {
    local patch name copy=$home/planted missed=0 before=$home
    rm -rf "$copy" && mkdir -p "$copy/tree"
    configure . build-fuzz && ninja --quiet -C build-fuzz -j "$jobs" fuzz || exit 1
    git ls-files -z -co --exclude-standard | tar -c --null -T - | tar -x -C "$copy/tree"
    for patch in fuzz/planted/*.patch; do
        name=$(basename "$patch")
        name=${name%%-*}
        [ -z "$only" ] || [ "$only" = "$name" ] || continue
        patch -s -d "$copy/tree" -p1 <"$patch" || exit 1
        configure "$copy/tree" "$copy/build" &&
            ninja --quiet -C "$copy/build" -j "$jobs" "fuzz/fuzz_$name" || exit 1
        home=$copy
        local start=$SECONDS
        if fuzz_one "$copy/build/fuzz/fuzz_$name" "$name" "$seconds"; then
            echo "MISSED  $(basename "$patch") in $seconds s"
            missed=$((missed + 1))
        else
            printf 'found   %-40s in %3d s, %s\n' "$(basename "$patch")" $((SECONDS - start)) \
                "$(grep -oE 'does not hold.*|runtime error.*|ERROR: [A-Za-z]*: [a-z0-9-]*' "$log" |
                    head -1)"
        fi
        home=$before
        patch -s -R -d "$copy/tree" -p1 <"$patch"
    done
    [ $missed = 0 ]
}

if [ -n "$planted" ]; then run_planted; else run_targets; fi

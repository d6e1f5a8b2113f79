#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# tools/setup.sh [-y] [build|test|check|fuzz|readers|bench]...
#
# Bring this machine to where plumb builds (build), its tests run (test), `make check` runs (check),
# `make fuzz` runs (fuzz), Spark reads our tables (readers) or `make bench` runs (bench). Says what
# is missing before it installs anything, does nothing when nothing is missing, and can be run any
# number of times.
# System packages come from apt-get; everything else stays in .deps/, gone with `rm -r .deps`.
#
#   -y    do not ask before using sudo (CI=true means the same)
set -euo pipefail
cd "$(dirname "$0")/.."
. tools/versions.sh

say() { printf 'setup: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

yes=${CI:-}
parts=()
for word in "$@"; do
    case $word in
    -y) yes=true ;;
    build | test | check | fuzz | readers | bench) parts+=("$word") ;;
    -h | --help) sed -n '3,13s/^# \{0,1\}//p' "$0"; exit 0 ;;
    *) die "unknown word '$word'; one of build test check fuzz readers bench, and -y" ;;
    esac
done
[ ${#parts[@]} -gt 0 ] || parts=(build)

wants() {
    local part
    for part in "${parts[@]}"; do [ "$part" != "$1" ] || return 0; done
    return 1
}

# The packages that are asked for and not installed, in $missing.
find_missing() {
    local name have wanted
    wanted="$PACKAGES_BUILD"
    # npm unpacks libduckdb.so; a node from elsewhere brings its own and must not be replaced.
    [ -f .deps/libduckdb.so ] || command -v npm >/dev/null || wanted+=" $PACKAGES_NPM"
    if wants test || wants check || wants readers; then wanted+=" $PACKAGES_TEST"; fi
    if wants check; then wanted+=" $PACKAGES_CHECK"; fi
    if wants fuzz; then wanted+=" $PACKAGES_FUZZ"; fi
    if wants readers; then wanted+=" $PACKAGES_READERS"; fi
    if wants bench; then wanted+=" $PACKAGES_BENCH"; fi
    have=" $(dpkg-query -W -f '${db:Status-Status} ${Package}\n' 2>/dev/null |
        sed -n 's/^installed //p' | tr '\n' ' ') "
    missing=()
    for name in $wanted; do
        case $have in *" $name "*) ;; *) missing+=("$name") ;; esac
    done
}

install_missing() {
    local as=() answer
    say "missing system packages: ${missing[*]}"
    if [ "$(id -u)" != 0 ]; then
        command -v sudo >/dev/null || die "no root and no sudo; as root, run:
    apt-get update && apt-get install -y --no-install-recommends ${missing[*]}"
        as=(sudo)
        if [ -z "$yes" ]; then
            [ -t 0 ] || die "cannot ask without a terminal; run one of these first:
    tools/setup.sh -y ${parts[*]}
    sudo apt-get update && sudo apt-get install -y --no-install-recommends ${missing[*]}"
            read -r -p 'setup: install them with sudo apt-get? [Y/n] ' answer
            case $answer in '' | y | Y | yes) ;; *) die "nothing installed" ;; esac
        fi
    fi
    local env=(env DEBIAN_FRONTEND=noninteractive)
    local log=.deps/apt.log
    # A list that is too old names files the mirror no longer has: refresh it first.
    { "${as[@]}" "${env[@]}" apt-get update &&
        "${as[@]}" "${env[@]}" apt-get install -y --no-install-recommends "${missing[@]}"; } \
        </dev/null >"$log" 2>&1 || {
        tail -20 "$log" >&2
        die "apt-get gave up; all it said is in $log"
    }
    say "installed ${#missing[@]} packages"
}

# Python for the tests, in a virtual environment of its own; made again only when the list changed.
make_venv() {
    local venv=$1 list=$2 sum
    sum=$(sha256sum "$list" | cut -d' ' -f1)
    [ "$(cat "$venv/.made-from" 2>/dev/null)" != "$sum" ] || return 0
    say "python packages of $list into $venv"
    local python=/usr/bin/python3
    [ -x "$python" ] || python=python3
    [ -x "$venv/bin/python" ] || "$python" -m venv "$venv"
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check -r "$list" </dev/null
    echo "$sum" >"$venv/.made-from"
}

# Spark's Iceberg reader is one jar, which Maven unpacks.
get_spark_jar() {
    local jar=.deps/spark/$SPARK_ICEBERG_JAR
    [ ! -f "$jar" ] || return 0
    say "$SPARK_ICEBERG into .deps/spark"
    mvn -q -B -Dstyle.color=never org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy \
        -Dartifact="$SPARK_ICEBERG" -DoutputDirectory=.deps/spark.part </dev/null >&2
    mkdir -p .deps/spark
    mv ".deps/spark.part/$SPARK_ICEBERG_JAR" "$jar"
    rm -r .deps/spark.part
}

mkdir -p .deps
if command -v dpkg-query >/dev/null && command -v apt-get >/dev/null; then
    find_missing
    [ ${#missing[@]} -eq 0 ] || install_missing
else
    say "no apt-get here: trusting you to have what $PACKAGES_BUILD stand for"
fi
tools/get-duckdb.sh
if wants test; then make_venv .deps/venv test/requirements.txt; fi
if wants bench; then make_venv .deps/venv-bench bench/requirements.txt; fi
if wants readers; then
    make_venv .deps/venv test/requirements.txt
    make_venv .deps/venv-spark test/requirements-spark.txt
    get_spark_jar
fi

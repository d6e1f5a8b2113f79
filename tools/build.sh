#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# tools/build.sh gcc|clang|asan|tsan
#
# One more build beside the usual one, in build-gcc, build-clang, ...: both compilers with -Werror;
# ASan+UBSan where any report ends the program; TSan, with only what a run needs. Unit tests are
# built too.
set -euo pipefail
cd "$(dirname "$0")/.."

flavour=${1:?one of gcc clang asan tsan}
dir=build-$flavour
case $flavour in
gcc) CC=gcc options=(-Dwerror=true) ;;
# No optimisation: it is here for its warnings, which do not depend on it.
clang) CC=clang options=(-Dwerror=true --buildtype=debug) ;;
asan) CC=gcc options=(--buildtype=debugoptimized -Db_sanitize=address,undefined
    -Db_lundef=false -Dc_args=-fno-sanitize-recover=undefined) ;;
tsan) CC=gcc options=(--buildtype=debugoptimized -Db_sanitize=thread -Db_lundef=false) ;;
*) echo "build: unknown flavour '$flavour'; one of gcc clang asan tsan" >&2; exit 2 ;;
esac
if [ ! -f "$dir/build.ninja" ]; then
    CC=$CC meson setup "$dir" "${options[@]}" >/dev/null
elif [ -n "$(find src test/unit -name meson.build -newer "$dir/build.ninja")" ]; then
    meson setup --reconfigure "$dir" >/dev/null # meson does not notice a folder that is new
fi
ninja --quiet -k 0 -C "$dir" -j "${JOBS:-$(nproc)}" all meson-test-prereq

#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# `make test`: set up, build, run the unit tests and then the tests that use the program as a
# person does and read its tables with other engines. Both are run even if the first one fails.
#
#   BUILD=dir    the build to test (build); ARGS="-k name -x" is handed to pytest
set -euo pipefail
cd "$(dirname "$0")/.."

make --no-print-directory BUILD="${BUILD:=build}"
tools/setup.sh test
# A build made before cmocka was there has no unit tests: look again.
meson introspect --tests "$BUILD" | grep 'plumb:unit' >/dev/null ||
    meson setup --reconfigure "$BUILD" >/dev/null

failed=0
meson test -C "$BUILD" --no-suite bench --print-errorlogs || failed=1
# shellcheck disable=SC2086 # ARGS is words
PLUMB_BUILD=$(realpath "$BUILD") .deps/venv/bin/python -m pytest test ${ARGS:-} || failed=1
exit $failed

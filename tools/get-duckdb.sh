#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Put libduckdb.so into .deps/, by the ordinary npm client. Does nothing if it is there already.
set -eu
cd "$(dirname "$0")/.."
. tools/versions.sh

case "$(uname -m)" in
x86_64) arch=x64 ;;
aarch64) arch=arm64 ;;
*)
    echo "cannot get libduckdb: no package for machine '$(uname -m)'" >&2
    exit 1
    ;;
esac
package="@duckdb/node-bindings-linux-$arch"

# The stamp names the version, so a changed pin is noticed.
stamp=.deps/libduckdb.version
wanted="$package $DUCKDB_NPM_VERSION"
[ ! -f .deps/libduckdb.so ] || [ "$(cat "$stamp" 2>/dev/null)" != "$wanted" ] || exit 0
command -v npm >/dev/null || {
    echo "cannot get libduckdb: no npm here" >&2
    echo "Install the package npm, or set PLUMB_DUCKDB_LIB to a libduckdb.so $DUCKDB_VERSION." >&2
    exit 1
}

mkdir -p .deps
work=$(mktemp -d .deps/duckdb.XXXXXX)
trap 'rm -rf "$work"' EXIT
echo "getting libduckdb $DUCKDB_VERSION ($package $DUCKDB_NPM_VERSION)" >&2
npm pack --silent --pack-destination "$work" "$package@$DUCKDB_NPM_VERSION" >/dev/null
tar -xzf "$work"/*.tgz -C "$work" package/libduckdb.so package/LICENSE
chmod 0755 "$work/package/libduckdb.so"
mv "$work/package/LICENSE" .deps/libduckdb.LICENSE
mv "$work/package/libduckdb.so" .deps/libduckdb.so
echo "$wanted" >"$stamp"

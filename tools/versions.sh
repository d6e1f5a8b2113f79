# SPDX-License-Identifier: Apache-2.0
# The versions of everything that does not come from the system's packages, in one place.
# Sourced by the scripts in tools/ and read by src/sqlworker/meson.build.
DUCKDB_NPM_VERSION=1.5.5-r.5
DUCKDB_VERSION=v1.5.5

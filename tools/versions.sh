# SPDX-License-Identifier: Apache-2.0
# What plumb needs from outside, in one place. Sourced by the scripts in tools/ and read by
# src/sqlworker/meson.build.

# System packages (Debian's names), by what they are for.
PACKAGES_BUILD="gcc libc6-dev make git ca-certificates meson ninja-build pkgconf python3
    libisal-dev zlib1g-dev libsnappy-dev libzstd-dev libxxhash-dev libssl-dev libyaml-dev
    libsqlite3-dev tzdata"
PACKAGES_NPM="nodejs npm"
PACKAGES_TEST="libcmocka-dev python3-venv"
PACKAGES_CHECK="clang clang-format-14"
PACKAGES_FUZZ="clang-14 libclang-rt-14-dev llvm-14"
PACKAGES_READERS="openjdk-17-jre-headless maven"
PACKAGES_BENCH="openjdk-17-jre-headless python3-venv gzip"

# The SQL engine: the shared library alone, from its npm package.
DUCKDB_NPM_VERSION=1.5.5-r.5
DUCKDB_VERSION=v1.5.5

# Spark's Iceberg reader, the one that fits test/requirements-spark.txt.
SPARK_ICEBERG=org.apache.iceberg:iceberg-spark-runtime-4.0_2.13:1.10.0
SPARK_ICEBERG_JAR=iceberg-spark-runtime-4.0_2.13-1.10.0.jar

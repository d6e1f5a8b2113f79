#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""plumb against other engines: landed gzip NDJSON in, a published Parquet table out.

    make bench                                  everything, as bench/RESULTS.md shows it
    make bench PARTS=main PEER=duckdb VARIANT=text POSTS=200000 ROUNDS=3

All read the same files and write the same declared columns, Snappy-compressed and partitioned by
platform and day; plumb adds its system columns, verifies checksums, keeps its books and syncs all
it wrote. Rounds alternate, so that a slow minute of the machine hits everybody, and every figure
is a median over rounds. Ratios are taken within a round, then the median; in brackets the least and
the greatest. Each output of each round is compared with the first one, row by row and bit by bit,
or there is no result.

Parts: main (all peers, the floor), level0 (raw kept unpacked, DuckDB reading plain files), hostile
(shuffled keys, sparse with type drift, escaped, spaced), threads (2 against 1, of eight files and
of one). Not unless asked for: observe (plumb against itself with --no-shape: what it costs to see
drift; of each variant), settings (what was tried for each peer), and growth: size (0.1 to 10
GB of raw), partitions (1 to 5,000), objects (1,000 to 100,000 tiny ones), publish (into a table of
10,000 files and 1,000 snapshots).
"""
import argparse
import os
import pathlib
import platform
import shutil
import subprocess
import sys
import time

import compare
import contenders
import growth
import datasets
import tables

HOSTILE = ["shuffle", "sparse", "escaped", "spaced"]
COMPACT = "encodings: compact\n"


class Round:
    """What one contender came to in one round."""

    def __init__(self, usage):
        self.usage, self.ingest, self.floor, self.start = usage, None, None, None
        self.bytes = self.files = 0
        self.reads = {}


def read_back(files, threads):
    """Seconds of each query over the output, the best of five."""
    import duckdb
    database = duckdb.connect(config={"threads": threads})
    names, best = [str(f) for f in files], {}
    for name, query in compare.READS.items():
        for _ in range(5):
            start = time.perf_counter()
            database.execute(query, [names]).fetchall()
            taken = time.perf_counter() - start
            best[name] = min(best.get(name, taken), taken)
    return best


def run_once(one, folder, files, options, want):
    """Prepare, run, compare with `want` (facts, or an empty dict that becomes them), clear away."""
    shutil.rmtree(folder, ignore_errors=True)
    ingest = one.prepare(folder, files)
    os.sync()  # what others wrote is not this one's to wait for
    usage = contenders.measure(options.build, one.command(folder, files),
                               folder / "out" if isinstance(one, contenders.Peer) else None)
    result = Round(usage)
    result.ingest = ingest
    output = one.output(folder)
    found = compare.facts(output)
    want.update(found if not want else {})
    lines = compare.differences(found, want)
    if lines:
        raise contenders.Failed(f"{one.name} has other rows:\n  " + "\n  ".join(lines))
    result.bytes, result.files = sum(f.stat().st_size for f in output), len(output)
    result.reads = read_back(output, options.threads)
    if options.floor and isinstance(one, contenders.Plumb):
        result.floor = contenders.floor(options.build, one.threads, one.raw(folder), output)
    shutil.rmtree(folder)
    return result


def alternate(runs, options, rounds=None):
    """{name: [Round, ...]} of every (contender, files) in turn; who begins changes each round."""
    results, want = {one.name: [] for one, _ in runs}, {}
    for number in range(rounds or options.rounds):
        shift = number % len(runs)
        for one, files in runs[shift:] + runs[:shift]:
            if sys.stderr.isatty():
                print(f"\x1b[Kround {number + 1}: {one.name}", end="\r", file=sys.stderr,
                      flush=True)
            results[one.name].append(run_once(one, options.work / "run", files, options, want))
    return results


def ways(options, *more):
    """plumb as it comes and, if it knows them, with compact encodings."""
    plain = contenders.Plumb(options.build, options.threads)
    compact = contenders.Plumb(options.build, options.threads, "plumb, compact", contract=COMPACT)
    return [plain, *([compact] if compact.knows(options.work / "probe") else []), *more]


def part_main(options, report):
    for variant in options.variants or ["text", "words"]:
        files = datasets.made(options, variant)
        all_peers = contenders.peers(options.build, options.threads, variant)
        who = ways(options, *(all_peers[name] for name in options.peers))
        few = datasets.made(options, variant, posts=100)
        starts = alternate([(w, few) for w in who], options, rounds=2)
        results = alternate([(w, files) for w in who], options)
        for name, rounds in results.items():
            rounds[0].start = min(r.usage.wall for r in starts[name])
        report.section(f"The job, variant {variant}", files, results)


def part_level0(options, report):
    plain = datasets.made(options, "text", packed=False)
    ours = contenders.Plumb(options.build, options.threads, settings="raw: {level: 0}\n")
    theirs = contenders.peers(options.build, options.threads)["duckdb"]
    report.section("Raw kept at level 0, DuckDB reading plain files", plain,
                   alternate([(ours, plain), (theirs, plain)], options))


def part_hostile(options, report):
    for variant in options.variants or HOSTILE:
        files = datasets.made(options, variant)
        theirs = contenders.peers(options.build, options.threads, variant)["duckdb"]
        ours = contenders.Plumb(options.build, options.threads)
        report.section(f"Hostile: {variant}", files,
                       alternate([(ours, files), (theirs, files)], options))


def part_threads(options, report):
    for title, files in (("eight files", datasets.made(options, "text")),
                         ("one gzip file", datasets.made(options, "text", count=1))):
        who = [contenders.Plumb(options.build, n, f"plumb, {n} thread{'s' * (n > 1)}")
               for n in (2, 1)]
        report.section(f"Threads, {title}", files,
                       alternate([(w, files) for w in who], options))


def part_observe(options, report):
    """The first one does less, so it is ahead by what observing costs: 1.03 are 3 %."""
    for variant in options.variants or ["text"]:
        files = datasets.made(options, variant)
        who = [contenders.Plumb(options.build, options.threads, name, words=words)
               for name, words in (("plumb, not observing", ["--no-shape"]), ("plumb", []))]
        report.section(f"Observing, variant {variant}", files,
                       alternate([(w, files) for w in who], options))


def part_settings(options, report):
    for name in options.peers:
        if name not in contenders.TRIED:
            continue
        files = datasets.made(options, "text")
        who = contenders.tried(options.build, options.threads, name)
        report.section(f"Settings of {name}", files,
                       alternate([(w, files) for w in who], options))


PARTS = {"main": part_main, "level0": part_level0, "hostile": part_hostile,
         "threads": part_threads, "observe": part_observe, "settings": part_settings,
         "size": growth.part_size, "partitions": growth.part_partitions,
         "objects": growth.part_objects, "publish": growth.part_publish}
USUAL = "main,level0,hostile,threads"


def machine():
    """Lines about where this ran."""
    import duckdb
    model = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo", encoding="utf-8")
                  if line.startswith("model name")), platform.processor())
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2 ** 30
    versions = [f"duckdb {duckdb.__version__}"]
    for name in ("chdb", "polars", "pyspark"):
        try:
            module = __import__(name)
            versions.append(f"{name} {module.__version__}")
        except ImportError:
            pass
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], text=True, cwd=HERE,
                            capture_output=True).stdout.strip()
    return [f"{model}, {os.cpu_count()} cores, {memory:.0f} GiB, Linux {platform.release()}",
            f"plumb {commit}, {', '.join(versions)}, Python {platform.python_version()}"]


HERE = pathlib.Path(__file__).resolve().parent


def read_options():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--build", default=HERE.parent / "build", type=pathlib.Path)
    parser.add_argument("--parts", default=USUAL, help="of " + " ".join(PARTS))
    parser.add_argument("--posts", default=1000000, type=int)
    parser.add_argument("--files", default=8, type=int)
    parser.add_argument("--rounds", default=7, type=int)
    parser.add_argument("--threads", default=2, type=int)
    parser.add_argument("--variant", default="", help="only these, comma separated")
    parser.add_argument("--peer", default="duckdb,duckdb-auto,clickhouse,polars,spark")
    parser.add_argument("--snapshots", default=1000, type=int, help="of publish")
    parser.add_argument("--no-floor", dest="floor", action="store_false")
    parser.add_argument("--cache", type=pathlib.Path, help="of data sets (BUILD/bench/data)")
    parser.add_argument("--work", type=pathlib.Path, help="of outputs (BUILD/bench/work)")
    parser.add_argument("--markdown", type=pathlib.Path, help="write the tables there, too")
    parser.add_argument("--append", action="store_true", help="behind what that file holds")
    options = parser.parse_args()
    options.build = options.build.resolve()
    options.cache = (options.cache or options.build / "bench/data").resolve()
    options.work = (options.work or options.build / "bench/work").resolve()
    options.variants = options.variant.split(",") if options.variant else []
    options.peers = options.peer.split(",") if options.peer not in ("", "none") else []
    return options


def main():
    options = read_options()
    options.work.mkdir(parents=True, exist_ok=True)
    report = tables.Report(options, machine())
    for part in options.parts.split(","):
        PARTS[part](options, report)
    report.goals()
    if options.markdown:
        with open(options.markdown, "a" if options.append else "w", encoding="utf-8") as file:
            file.write(report.text())


if __name__ == "__main__":
    try:
        main()
    except contenders.Failed as reason:
        sys.exit(f"bench: {reason}")

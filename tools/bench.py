#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""plumb against DuckDB on the same posts: JSON in, a Parquet table out.

    make bench            or    tools/bench.py --posts 500000 --rounds 5 --platform x

Both read the same gzip file and write one row per post with the same columns, Snappy-compressed,
partitioned by day. plumb also keeps the input (ingest), checks every record and commits a
snapshot: `ingest` and `run` are timed apart, and the ratio is of their sum. DuckDB is told its
columns, so it does not guess. Rounds alternate, so that a slow minute of the machine hits both.
The sums over both tables must agree, or there is no result.
"""
import argparse
import gzip
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent

CONTRACT = """\
table: posts
key: [post_id]
partition: [day(published_at)]
columns:
  post_id: string!
  published_at: timestamp!
  account: string
  text: string
  language: string
  hashtags: list(string)
  likes: long
  replies: long
  shares: long
  views: long
  followers: long
rest: drop
"""
MAPPING = """\
source: x
into: posts
map:
  post_id: id
  published_at: created_at parse(iso)
  account: screen_name
  text: text
  language: lang
  hashtags: hashtags
  likes: favorite_count
  replies: reply_count
  shares: retweet_count
  views: view_count
  followers: followers_count
"""
DUCKDB = """
import duckdb, sys
source, target, threads = sys.argv[1:4]
db = duckdb.connect(config={"threads": int(threads)})
db.execute("SET TimeZone = 'UTC'")
db.execute(f'''
COPY (
  SELECT id::VARCHAR AS post_id, created_at AS published_at, screen_name AS account, text,
         lang AS language, hashtags, favorite_count AS likes, reply_count AS replies,
         retweet_count AS shares, view_count AS views, followers_count AS followers,
         created_at::DATE AS day
  FROM read_json('{source}', format = 'newline_delimited', compression = 'gzip', columns = {{
         id: 'BIGINT', created_at: 'TIMESTAMPTZ', screen_name: 'VARCHAR', text: 'VARCHAR',
         lang: 'VARCHAR', hashtags: 'VARCHAR[]', favorite_count: 'BIGINT', reply_count: 'BIGINT',
         retweet_count: 'BIGINT', view_count: 'BIGINT', followers_count: 'BIGINT'}})
) TO '{target}' (FORMAT parquet, COMPRESSION snappy, PARTITION_BY (day))''')
"""
SUMS = """SELECT count(*), count(DISTINCT post_id), sum(likes), sum(replies), sum(shares),
sum(views), sum(followers), sum(length(text)), sum(len(hashtags)),
sum(epoch_us(published_at) // 1000000) FROM read_parquet(?)"""


# A process inherits the peak of the one it was forked from, and this one is large by now: so a
# small one starts the child and tells what it used.
LAUNCHER = """
import os, sys, time
started = time.monotonic()
child = os.fork() or os.execvp(sys.argv[1], sys.argv[1:])
_, status, used = os.wait4(child, 0)
print(time.monotonic() - started, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024,
      os.waitstatus_to_exitcode(status), file=sys.stderr)
"""


def measure(words):
    """Run and wait; wall and CPU (user + system) seconds and peak memory in MiB of the child."""
    words = [str(w) for w in words]
    done = subprocess.run([sys.executable, "-S", "-c", LAUNCHER, *words],
                          stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=True)
    *said, figures = done.stderr.splitlines()
    wall, cpu, peak, code = figures.split()
    if code != "0":
        sys.exit(f"bench: {' '.join(words)}: exit {code}\n" + "\n".join(said))
    return float(wall), float(cpu), float(peak)


def run_plumb(exe, source, folder, threads):
    for name, text in (("plumb.yaml", f"lake: ./lake\nthreads: {threads}\n"),
                       ("contracts/posts.yml", CONTRACT), ("sources/x.yml", MAPPING)):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    landed = measure([exe, "-C", folder, "ingest", "x", source])
    ran = measure([exe, "-C", folder, "run"])
    return landed, ran


def table_sums(files):
    import duckdb
    return duckdb.execute(SUMS, [[str(f) for f in files]]).fetchone()


def snapshot_files(lake):
    from pyiceberg.catalog.sql import SqlCatalog
    catalog = SqlCatalog("plumb", uri=f"sqlite:///{lake}/plumb.db", warehouse=f"file://{lake}")
    tasks = catalog.load_table("default.posts").scan().plan_files()
    return [t.file.file_path.removeprefix("file://") for t in tasks]


def report(name, results, raw_bytes):
    wall, cpu, peak = (statistics.median(r[i] for r in results) for i in range(3))
    print(f"{name:16}{wall:9.2f} s {cpu:9.2f} s {peak:9.0f} MiB {raw_bytes / wall / 1e6:9.0f} MB/s")
    return wall, cpu


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--build", default=ROOT / "build", type=pathlib.Path)
    parser.add_argument("--posts", default=300000, type=int)
    parser.add_argument("--rounds", default=3, type=int)
    parser.add_argument("--threads", default=os.cpu_count(), type=int)
    parser.add_argument("--variant", default="text")
    options = parser.parse_args()

    build = options.build.resolve()
    with tempfile.TemporaryDirectory(prefix="plumb-bench-") as name:
        work = pathlib.Path(name)
        source = work / "x.json.gz"
        made = subprocess.run([build / "tools/samples/plumb-samples", "--platform", "x", "--days",
                               "7", "--posts", str(options.posts), "--variant", options.variant],
                              capture_output=True, check=True).stdout
        source.write_bytes(gzip.compress(made, 6))
        print(f"{options.posts} posts, {len(made) / 1e6:.0f} MB of JSON, "
              f"{source.stat().st_size / 1e6:.0f} MB as gzip; {options.threads} threads, "
              f"median of {options.rounds} rounds", flush=True)

        landed, ran, other = [], [], []
        for number in range(options.rounds):
            ours, theirs = work / f"plumb-{number}", work / f"duckdb-{number}"
            a, b = run_plumb(build / "src/cli/plumb", source, ours, options.threads)
            landed.append(a)
            ran.append(b)
            other.append(measure([sys.executable, "-c", DUCKDB, source, theirs, options.threads]))
            want = table_sums(theirs.rglob("*.parquet"))
            got = table_sums(snapshot_files(ours / "lake"))
            if want != got:
                sys.exit(f"bench: the tables differ\n  duckdb {want}\n  plumb  {got}")
            shutil.rmtree(ours)
            shutil.rmtree(theirs)

    both = [(a[0] + b[0], a[1] + b[1], max(a[2], b[2])) for a, b in zip(landed, ran)]
    print(f"{'':16}{'wall':>11} {'cpu':>11} {'peak':>13} {'JSON':>14}")
    report("plumb ingest", landed, len(made))
    report("plumb run", ran, len(made))
    wall, cpu = report("plumb, both", both, len(made))
    their_wall, their_cpu = report("duckdb COPY", other, len(made))
    print(f"plumb needs {wall / their_wall:.2f} of DuckDB's time and {cpu / their_cpu:.2f} of its "
          f"CPU; the sums over both tables agree")


if __name__ == "__main__":
    main()

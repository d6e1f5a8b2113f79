# SPDX-License-Identifier: Apache-2.0
"""Who runs: plumb in its ways and each peer, behind one face.

    one.prepare(folder, files)   before the clock; what landing the files took, if that was needed
    one.command(folder, files)   the command whose time is the result
    one.output(folder)           the Parquet files it has written
"""
import os
import pathlib
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent

CONTRACT = """\
table: posts
key: [post_id]
partition: [platform, day(published_at)]
columns:
  platform: string!
  post_id: string!
  published_at: timestamp!
  account_id: string
  username: string
  followers: long
  verified: boolean
  caption: string
  permalink: string
  media_type: string
  language: string
  hashtags: list(string)
  likes: long
  comments: long
  shares: long
  views: long
  saves: long
  engagement_rate: double
  location_name: string
  location_lat: double
  location_lng: double
rest: drop
"""
MAPPING = """\
source: feed
into: posts
map:
  platform: platform
  post_id: id
  published_at: created_at parse(iso)
  account_id: author.id
  username: author.username
  followers: author.followers
  verified: author.verified
  caption: content.caption
  permalink: content.permalink
  media_type: content.type
  language: content.lang
  hashtags: content.hashtags
  likes: metrics.likes
  comments: metrics.comments
  shares: metrics.shares
  views: metrics.views
  saves: metrics.saves
  engagement_rate: metrics.engagement_rate parse(percent)
  location_name: location.name
  location_lat: location.lat
  location_lng: location.lng
"""


class Failed(Exception):
    """A command did not end as it should."""


class Usage:
    """What one run of a command used."""

    def __init__(self, wall, synced, user, system, peak_kib):
        self.wall, self.synced, self.user, self.cpu = wall, synced, user, user + system
        self.peak = peak_kib / 1024


def measure(build, command, sync=None):
    """Run it and wait; Usage of it and of all that it started."""
    words = [str(build / "bench/plumb-measure"), *(["--sync", str(sync)] if sync else []),
             *map(str, command)]
    done = subprocess.run(words, capture_output=True, text=True)
    *figures, code = done.stdout.split() or ["no figures"]
    if code != "0":
        raise Failed(f"{' '.join(map(str, command))}: exit {code}\n{done.stderr[-3000:]}")
    return Usage(*map(float, figures))


class Plumb:
    """plumb run: from landed raw objects to the published table."""

    def __init__(self, build, threads, name="plumb", settings="", contract="", words=()):
        self.build, self.threads, self.name = build, threads, name
        self.settings, self.contract, self.words = settings, contract, words
        self.exe = build / "src/cli/plumb"

    def knows(self, folder):
        """Whether this program takes these settings; `folder` is new and gone again."""
        self._project(folder)
        done = subprocess.run([self.exe, "-C", folder, "status"], capture_output=True)
        shutil.rmtree(folder)
        return done.returncode == 0

    def _project(self, folder):
        for name, text in (("plumb.yaml", f"lake: ./lake\nthreads: {self.threads}\n"
                            + self.settings),
                           ("contracts/posts.yml", CONTRACT + self.contract),
                           ("sources/feed.yml", MAPPING)):
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")

    def prepare(self, folder, files):
        """Land the files. Usage of that: the line `ingest`."""
        self._project(folder)
        return measure(self.build, [self.exe, "-C", folder, "ingest", "feed", *files])

    def command(self, folder, files):
        del files
        return [self.exe, "-C", folder, "run", *self.words]

    def output(self, folder):
        # One run into an empty lake: what lies there is what the snapshot holds. The comparison
        # would find anything else.
        return sorted((folder / "lake/tables/posts/data").rglob("*.parquet"))

    def raw(self, folder):
        return sorted(p for p in (folder / "lake/raw").rglob("*") if p.is_file())


class Peer:
    """A script of bench/peers: OUT THREADS FILE... [name=value...]."""

    def __init__(self, build, threads, name, script, *options):
        self.build, self.threads, self.name, self.options = build, threads, name, options
        self.script = HERE / "peers" / script

    def prepare(self, folder, files):
        del files
        folder.mkdir(parents=True)

    def command(self, folder, files):
        return [sys.executable, self.script, folder / "out", self.threads, *files, *self.options]

    def output(self, folder):
        return sorted((folder / "out").rglob("*.parquet"))


def peers(build, threads, variant="text"):
    """Every peer with the settings that served it best, by the name it is asked for."""
    drift = ["errors=ignore"] if variant == "sparse" else []
    return {name: Peer(build, threads, name, script, *options) for name, script, *options in (
        # Four times as many rows before partitions are written: 5-15 % less CPU, no more memory.
        ("duckdb", "duckdb_copy.py", "partitioned_write_flush_threshold=2000000", *drift),
        ("duckdb-auto", "duckdb_copy.py", "types=auto", *drift),
        ("clickhouse", "clickhouse.py"),
        ("polars", "polars_sink.py", "sink.row_group_size=100000"),  # 13 % less CPU
        ("spark", "spark.py"))}


# What else was tried for each peer, to be beaten by what peers() says: PARTS=settings.
TRIED = {
    "duckdb": ["preserve_insertion_order=false", "allocator_background_threads=true",
               "partitioned_write_flush_threshold=524288", "copy.row_group_size=1000000",
               "read.maximum_object_size=65536", "read.maximum_object_size=4194304"],
    "clickhouse": ["input_format_parallel_parsing=0", "max_insert_threads=2",
                   "output_format_parquet_parallel_encoding=0", "max_block_size=16384",
                   "min_chunk_bytes_for_parallel_parsing=2097152",
                   "output_format_parquet_use_custom_encoder=0"],
    "polars": ["order=keep", "scan.batch_size=16384", "scan.low_memory=true",
               "sink.row_group_size=1000000", "engine=in-memory"],
    "spark": ["spark.driver.extraJavaOptions=-XX:TieredStopAtLevel=1",
              "spark.driver.extraJavaOptions=-XX:+UseParallelGC", "spark.driver.memory=1g",
              "spark.sql.maxConcurrentOutputFileWriters=100", "repartition=2"],
}


def tried(build, threads, name):
    """The peer and its variations, one setting each."""
    base = peers(build, threads)[name]
    return [base] + [Peer(build, threads, f"{name} {word}", base.script, *base.options, word)
                     for word in TRIED[name]]


def floor(build, threads, raw, files):
    """User CPU seconds of inflating `raw` and of compressing what is Snappy in `files`."""
    import duckdb
    chunks = duckdb.execute(
        "SELECT file_name, least(data_page_offset, coalesce(nullif(dictionary_page_offset, 0),"
        " data_page_offset)), total_compressed_size FROM parquet_metadata(?)"
        " WHERE compression = 'SNAPPY'", [[str(f) for f in files]]).fetchall()
    listing = [f"raw {os.fspath(p)}" for p in raw] + [f"chunk {o} {n} {p}" for p, o, n in chunks]
    done = subprocess.run([build / "bench/plumb-floor", str(threads)], text=True,
                          input="".join(f"{line}\n" for line in listing), capture_output=True)
    if done.returncode != 0:
        raise Failed(done.stderr)
    inflating, compressing, *_ = map(float, done.stdout.split())
    return inflating, max(compressing, 1e-6)

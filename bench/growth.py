# SPDX-License-Identifier: Apache-2.0
"""How plumb's costs grow: with the size of raw, with partitions, with the number of raw objects,
with what a table holds."""
import json
import os
import random
import shutil
import statistics
import subprocess
import sys

import contenders
import datasets
import tables

PER_FILE = 125000                                   # posts, about 80 MB of JSON
SIZES = [160000, 500000, 1600000, 5000000, 16000000]  # posts: 0.1 to 10 GB of JSON
PARTITIONS = [(1, 1), (5, 4), (25, 4), (250, 4), (1250, 4)]  # days, platforms
SNAPSHOTS, FILES_EACH = 1000, 10
OBJECTS = [1000, 10000, 50000, 100000]              # tiny ones


def once(options, files):
    """Land and run them in a new lake: Usage of each, output bytes and files; the lake is gone."""
    folder = options.work / "growth"
    shutil.rmtree(folder, ignore_errors=True)
    one = contenders.Plumb(options.build, options.threads)
    landed = one.prepare(folder, files)
    os.sync()
    ran = contenders.measure(options.build, one.command(folder, files))
    output = one.output(folder)
    written = sum(f.stat().st_size for f in output), len(output)
    shutil.rmtree(folder)
    return landed, ran, *written


def row(first, raw, landed, ran, written, count):
    return [first, f"{landed.wall:.2f}", f"{ran.wall:.2f}", f"{ran.cpu:.2f}",
            f"{ran.wall / raw * 1e9:.2f}", f"{ran.cpu / raw * 1e9:.2f}", f"{ran.peak:.0f}",
            f"{written / 1e6:.0f}", f"{count}"]


HEAD = ["ingest s", "run s", "user+sys s", "run s/GB", "user+sys s/GB", "peak MiB", "output MB",
        "files"]


def part_size(options, report):
    """0.1 to 10 GB of raw; only the data set of one size is kept at a time."""
    report.say("## Growth: size of raw", "", f"Files of {PER_FILE} posts, 20 partitions.", "")
    rows = [["raw GB", *HEAD]]
    for count in (n for n in SIZES if n <= options.posts * 16):
        files = datasets.made(options, "text", posts=count, count=max(2, count // PER_FILE))
        raw = datasets.raw_bytes(files)
        rows.append(row(f"{raw / 1e9:.2f}", raw, *once(options, files)))
        print(" | ".join(rows[-1]), file=sys.stderr)
        shutil.rmtree(files[0].parent)
    report.say(*tables.lined(rows), "")


def part_partitions(options, report):
    """The same number of posts in 1 to 5,000 partitions."""
    report.say("## Growth: partitions", "", f"{options.posts} posts in {options.files} files; "
               "every file has rows of all partitions.", "")
    rows = [["partitions", *HEAD]]
    for days, platforms in PARTITIONS:
        files = datasets.made(options, "text", more=["--days", str(days), "--platforms",
                                                  str(platforms)])
        rows.append(row(f"{days * platforms}", datasets.raw_bytes(files), *once(options, files)))
        print(" | ".join(rows[-1]), file=sys.stderr)
        shutil.rmtree(files[0].parent)
    report.say(*tables.lined(rows), "")


def tiny_files(options, folder, count):
    """`count` files of one to ten posts."""
    folder.mkdir(parents=True)
    draw, files = random.Random(1), []
    with subprocess.Popen([options.build / "bench/plumb-posts", "--posts", str(count * 10)],
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as posts:
        for number in range(count):
            files.append(folder / f"{number:06d}.json")
            files[-1].write_bytes(b"".join(posts.stdout.readline()
                                           for _ in range(draw.randint(1, 10))))
        posts.stdout.close()  # what is left nobody wants, and it says so
    return files


def part_objects(options, report):
    """Up to 100,000 raw objects of a few posts: what each command costs of each, and its memory."""
    inputs, folder = options.work / "tiny", options.work / "growth"
    rows = [["objects", "command", "wall s", "user+sys s", "us/object", "CPU us/object",
             "peak MiB"]]
    one = contenders.Plumb(options.build, options.threads)
    shutil.rmtree(inputs, ignore_errors=True)
    files = tiny_files(options, inputs, min(OBJECTS[-1], options.posts))
    for count in (n for n in OBJECTS if n <= len(files)):
        shutil.rmtree(folder, ignore_errors=True)
        landed = [one.prepare(folder, files[at:min(at + 10000, count)])  # what a command may name
                  for at in range(0, count, 10000)]
        used = {"ingest": contenders.Usage(sum(u.wall for u in landed), 0, 0,
                                           sum(u.cpu for u in landed),
                                           max(u.peak for u in landed) * 1024)}
        for name in "run", "run again", "status", "verify":
            used[name] = contenders.measure(options.build,
                                            [one.exe, "-C", folder, name.split()[0]])
        for name, usage in used.items():
            rows.append([f"{count}", name, f"{usage.wall:.2f}", f"{usage.cpu:.2f}",
                         f"{usage.wall / count * 1e6:.0f}", f"{usage.cpu / count * 1e6:.0f}",
                         f"{usage.peak:.0f}"])
            print(" | ".join(rows[-1]), file=sys.stderr)
    shutil.rmtree(folder)
    shutil.rmtree(inputs)
    report.say("## Growth: tiny objects", "", "Files of one to ten posts.", "",
               *tables.lined(rows), "")


class Lake:
    """A lake that gets one small object after another, each a snapshot of ten files."""

    def __init__(self, options, folder):
        self.options, self.folder = options, folder
        self.one = contenders.Plumb(options.build, options.threads)
        self.count = len(self.snapshots()) if folder.exists() else 0

    def snapshots(self):
        folder = self.folder / "lake/tables/posts/metadata"
        newest = max(folder.glob("*.metadata.json"), default=None)
        return json.loads(newest.read_text(encoding="utf-8"))["snapshots"] if newest else []

    def publish(self):
        source = self.folder.with_name(self.folder.name + ".json")
        with open(source, "wb") as out:
            subprocess.run([self.options.build / "bench/plumb-posts", "--first",
                            str(100 * self.count), "--posts", "100", "--platforms", "2"],
                           stdout=out, check=True)
        self.one.prepare(self.folder, [source])
        source.unlink()
        self.count += 1
        return contenders.measure(self.options.build, self.one.command(self.folder, []))


def part_publish(options, report):
    """Into a table of 10,000 files and 1,000 snapshots, against one of 10 files and 1 snapshot."""
    options.cache.mkdir(parents=True, exist_ok=True)
    full = Lake(options, options.cache / "full-lake")
    while full.count < options.snapshots:
        full.publish()
        if full.count % 50 == 0:
            print(f"{full.count} snapshots", file=sys.stderr)
    held = full.snapshots()[-1]["summary"]
    empty = Lake(options, options.work / "empty-lake")
    pairs = []
    for _ in range(options.rounds):
        shutil.rmtree(empty.folder, ignore_errors=True)
        empty.count = 0
        empty.publish()
        pairs.append((full.publish(), empty.publish()))
    shutil.rmtree(empty.folder)
    rows = [["", "wall s", "user+sys s", "peak MiB"]]
    for name, at in (("full", 0), ("empty", 1)):
        rows.append([name, *(f"{statistics.median(getattr(p[at], m) for p in pairs):.3f}"
                             for m in ("wall", "cpu", "peak"))])
    rows.append(["full/empty", *(tables.middle(getattr(f, m) / getattr(e, m) for f, e in pairs)
                                 for m in ("wall", "cpu", "peak"))])
    report.say("## Growth: publishing into a full table", "",
               f"100 posts into 10 partitions: into a table of {held['total-data-files']} files "
               f"and {options.snapshots} snapshots, and into one of 10 files and 1 snapshot.", "",
               *tables.lined(rows), "")

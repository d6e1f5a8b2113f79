# SPDX-License-Identifier: Apache-2.0
"""kill -9 at fifty places in ingest and run. The same command again finishes what was begun: every
record is in the table exactly once, every raw object is there once, nobody counts an orphan.

Where to kill is drawn with a seed: the file system events a command causes in the lake (a file
made, written, renamed, closed, removed; SQLite's log included) are counted once on an undisturbed
run, and the victim dies at the n-th of them. So the places cover the whole of a command, short
steps too, and not only where it spends its time.
"""
import collections
import ctypes
import json
import os
import pathlib
import random
import select
import shutil
import signal
import sqlite3
import struct
import subprocess

import pytest

from conftest import Plumb
from lake import FULL, figures, project, read, table

# A kill of ingest and one of run in each round: 50, and 200 by `make crash`.
PROJECTS, ROUNDS = 20 if FULL else 5, 5
FILES, RECORDS = 3, 2500
TRIES = 12  # draws until a victim dies before it was done

LIBC = ctypes.CDLL(None, use_errno=True)
MODIFY, ATTRIB, CLOSE_WRITE, MOVED_TO, CREATE, DELETE = 0x2, 0x4, 0x8, 0x80, 0x100, 0x200
IS_DIR = 0x40000000


class Watch:
    """inotify on a folder and all folders in it, also those made later."""

    def __init__(self, folder):
        self.fd = LIBC.inotify_init1(os.O_CLOEXEC | os.O_NONBLOCK)
        self.folders = {}
        self.add(folder)

    def add(self, folder):
        mask = MODIFY | ATTRIB | CLOSE_WRITE | MOVED_TO | CREATE | DELETE
        wd = LIBC.inotify_add_watch(self.fd, os.fsencode(folder), mask)
        if wd < 0:
            return
        self.folders[wd] = pathlib.Path(folder)
        for entry in os.scandir(folder):
            if entry.is_dir():
                self.add(entry.path)

    def wait(self, process, events):
        """Until `events` were seen, or the process ended; how many were seen."""
        seen = 0
        while seen < events:
            if not select.select([self.fd], [], [], 0.02)[0]:
                if process.poll() is not None:
                    break
                continue
            data, at = os.read(self.fd, 65536), 0
            while at < len(data):
                wd, mask, _, size = struct.unpack_from("iIII", data, at)
                name = data[at + 16:at + 16 + size].rstrip(b"\0")
                at += 16 + size
                seen += 1
                if mask & IS_DIR and mask & CREATE:
                    self.add(self.folders[wd] / os.fsdecode(name))
        return seen

    def close(self):
        os.close(self.fd)


def start(plumb, words):
    return subprocess.Popen([plumb.exe, *words], cwd=plumb.dir, stdin=subprocess.DEVNULL,
                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def keep(plumb):
    """A copy of the project beside it. Commands run in the real place: tables hold absolute
    paths."""
    shutil.copytree(plumb.dir, plumb.dir.parent / "kept")


def restore(plumb):
    shutil.rmtree(plumb.dir)
    shutil.copytree(plumb.dir.parent / "kept", plumb.dir)


def count_events(plumb, words):
    """Events of an undisturbed run of the command; the project is as before after it."""
    watch = Watch(plumb.dir / "lake")
    process = start(plumb, words)
    seen = watch.wait(process, 10**9)
    watch.close()
    assert process.wait() == 0
    restore(plumb)
    return seen


def killed(plumb, words, events):
    """Run the command and kill it at the n-th event: True if it died of that."""
    watch = Watch(plumb.dir / "lake")
    process = start(plumb, words)
    watch.wait(process, events)
    process.send_signal(signal.SIGKILL)
    watch.close()
    return process.wait() == -signal.SIGKILL


def books(plumb, sql):
    """Rows of plumb.db as the kill left it: asked of a copy, so that nothing is repaired."""
    folder = plumb.dir.parent / "books"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for name in ("plumb.db", "plumb.db-wal"):
        if (plumb.dir / "lake" / name).exists():
            shutil.copy(plumb.dir / "lake" / name, folder)
    with sqlite3.connect(folder / "plumb.db") as db:
        return db.execute(sql).fetchall()


def found(plumb, pattern):
    return sorted(str(p.relative_to(plumb.dir / "lake")) for p in (plumb.dir / "lake").glob(pattern)
                  if p.is_file())


def where_ingest_died(plumb, before):
    (known,), = books(plumb, "SELECT count(*) FROM objects")
    (intents,), = books(plumb, "SELECT count(*) FROM intents")
    hidden = len(found(plumb, "**/.tmp/*"))
    landed = len(found(plumb, "raw/**/*.gz"))
    state = "an intent, no file" if intents and not hidden and landed == known else \
        "a hidden file, half or whole" if hidden else \
        "a file in its place, not in the books" if landed > known else "between two files"
    return f"{known - before} of {FILES} acknowledged; {state}"


def where_run_died(plumb, before):
    tables = books(plumb, "SELECT metadata_location FROM iceberg_tables")
    ((state,),) = books(plumb, "SELECT coalesce((SELECT state FROM runs ORDER BY id DESC LIMIT 1),"
                               " 'none')")
    data = len(found(plumb, "tables/posts/data/**/*.parquet")) - before["data"]
    heads = len(found(plumb, "tables/posts/metadata/*.metadata.json")) - before["heads"]
    avro = len(found(plumb, "tables/posts/metadata/*.avro")) - before["avro"]
    results = found(plumb, ".plumb/runs/*/t*.json")
    if state == "working":
        return "new metadata written, not committed" if heads else \
            "manifests, no metadata" if avro else \
            "results, no manifest" if results else \
            "data files, no result" if data else \
            "planned, no data file" if found(plumb, ".plumb/runs/*/plan.json") else \
            "registered, no plan"
    if len(tables) and heads:
        hint = plumb.dir / "lake/tables/posts/metadata/version-hint.text"
        told = hint.read_text().strip() if hint.exists() else ""
        ((done,),) = books(plumb, "SELECT count(*) FROM runs WHERE state = 'done'")
        return "committed, no log entry" if len(found(plumb, "log/*.json")) < done else \
            "committed, version hint old" if told not in tables[0][0] or not told else \
            "committed, results not cleared" if results else "committed, about to end"
    return "before the run began"


def counted(plumb):
    return {"data": len(found(plumb, "tables/posts/data/**/*.parquet")),
            "heads": len(found(plumb, "tables/posts/metadata/*.metadata.json")),
            "avro": len(found(plumb, "tables/posts/metadata/*.avro"))}


def batch(plumb, number):
    """Three files of records with identifiers of their own."""
    names = []
    for k in range(FILES):
        first = (number * FILES + k) * RECORDS
        names.append(f"{number}-{k}.json")
        (plumb.dir / names[-1]).write_text("".join(
            f'{{"id": {i}, "place": "{"abcde"[i % 5]}", "text": "{i * 2654435761 % 2**32:032b}"}}\n'
            for i in range(first, first + RECORDS)))
    return names


def check_raw(plumb, batches):
    """Every file landed once, nothing hidden left, nothing open in the books."""
    rows = books(plumb, "SELECT key, name FROM objects")
    assert sorted(key for key, _ in rows) == found(plumb, "raw/**/*.gz")
    assert sorted(pathlib.Path(name).name for _, name in rows) == sorted(
        f"{b}-{k}.json" for b in range(batches) for k in range(FILES))
    assert found(plumb, "**/.tmp/*") == []
    assert books(plumb, "SELECT count(*) FROM intents") == [(0,)]


def check_table(plumb, batches):
    """Every record once, in a table whose files are the ones on disk."""
    rows = read(plumb, "posts", "id", "place", "_record")
    ids = rows["id"].to_pylist()
    assert sorted(ids) == list(range(batches * FILES * RECORDS))
    assert all(i % RECORDS == record for i, record in zip(ids, rows["_record"].to_pylist()))
    now = table(plumb, "posts")
    listed = sorted(task.file.file_path.split("/lake/", 1)[1] for task in now.scan().plan_files())
    assert listed == found(plumb, "tables/posts/data/**/*.parquet")  # no orphan is left
    assert len(now.snapshots()) == batches
    hint = (plumb.dir / "lake/tables/posts/metadata/version-hint.text").read_text().strip()
    assert f"/{hint}.metadata.json" in now.metadata_location
    books_say = plumb.json("ledger")
    assert sum(line["records"] for line in books_say) == len(ids)
    assert all(line["state"] == "published" and line["records"] == line["curated"] == RECORDS
               for line in books_say)
    assert books(plumb, "SELECT count(*) FROM runs WHERE state = 'working'") == [(0,)]


@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", range(PROJECTS))
def test_killed_anywhere_the_same_command_again_finishes_it(tmp_path, seed):
    rng = random.Random(seed)
    plumb = Plumb(tmp_path / "project")
    project(plumb, {"posts": """
        table: posts
        key: [id]
        partition: [place]
        columns:
          id:    long!
          place: string!
          text:  string
        """}, {"shop": """
        source: shop
        into: posts
        map:
          id:    id
          place: place
          text:  text
        """})
    (plumb.dir / "lake").mkdir()  # so that it can be watched; the first ingest fills it
    places, again = collections.Counter(), 0
    for number in range(ROUNDS):
        ingest = ["ingest", "shop", *batch(plumb, number)]
        for words, where, check in ((ingest, where_ingest_died, check_raw),
                                    (["run"], where_run_died, check_table)):
            keep(plumb)
            total = count_events(plumb, words)
            before = number * FILES if words is ingest else counted(plumb)
            for _ in range(TRIES):
                if killed(plumb, words, rng.randrange(total)):
                    break
                restore(plumb)
            else:
                pytest.fail(f"{words[0]} was always done before it could be killed")
            shutil.rmtree(plumb.dir.parent / "kept")
            if (plumb.dir / "lake/plumb.db").exists() and books(
                    plumb, "SELECT count(*) FROM sqlite_master WHERE name = 'intents'") == [(1,)]:
                places[f"{words[0]}: {where(plumb, before)}"] += 1
            else:
                places[f"{words[0]}: before plumb.db was made"] += 1
            if rng.randrange(2):  # the command that repairs may be killed, too
                again += killed(plumb, words, rng.randrange(total))
            plumb(*words)
            check(plumb, number + 1)
    assert sum(places.values()) == 2 * ROUNDS
    figures(f"kill -9, project {seed}", json.dumps(dict(sorted(places.items())), indent=1),
            f"{again} more kills of the command that repaired; {ROUNDS * FILES * RECORDS} records, "
            "each counted once")

# SPDX-License-Identifier: Apache-2.0
"""The power fails at any point of ingest, run and their like. What may then be on the disk
(test/power.py) is put there, the next command runs, and PyIceberg counts: what was acknowledged is
there, each record once; what was not, wholly or not at all.

`make crash` tries every point, and every fsync left out of the program: each must make this fail.
"""
import collections
import copy
import gzip
import json
import os
import pathlib
import random
import re
import shutil
import sqlite3
import subprocess
import tempfile

import pytest
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.table import StaticTable

import power
from conftest import Plumb, program
from lake import FULL, figures, project, table

pytestmark = pytest.mark.plain_build

RECORDS = 40  # of a file


class Broken(AssertionError):
    """A promise was not kept."""


def hold(truth, what):
    if not truth:
        raise Broken(what)


# ---- recording -----------------------------------------------------------------------------------
Step = collections.namedtuple("Step", "words files acknowledged published snapshots kept")


class Recording:
    """Commands run under the recorder in a folder of their own, and what each one promised."""

    def __init__(self, folder):
        self.plumb = Plumb(folder)
        self.root = folder
        self.log = folder.parent / f"{folder.name}.log"
        self.number = 0     # of input files
        self.ids = {}       # input file -> its records
        self.steps = []

    def begin(self):
        self.start = power.Disk(self.root)
        self.before = Step((), (), True, *self.heads(), {})

    def file(self, name, source="shop"):
        """A file of records with identifiers of their own."""
        ids = range(self.number * RECORDS, (self.number + 1) * RECORDS)
        self.number += 1
        self.ids[name] = set(ids)
        text = "".join(json.dumps({"id": i, "place": "abcde"[i % 5], "text": f"{i * 7919:032b}",
                                   "notes": [{"n": 2 * i}, {"n": 2 * i + 1}]}) + "\n" for i in ids)
        path = self.root / name
        path.write_bytes(gzip.compress(text.encode()) if name.endswith("gz") else text.encode())
        return name

    def run(self, *words, files=(), kill=None, keep=()):
        """One command; with `kill` it dies after that operation and acknowledges nothing."""
        extra = {"LD_PRELOAD": program("libpower_recorder.so"), "POWER_ROOT": str(self.root),
                 "POWER_LOG": str(self.log), **({"POWER_KILL": kill} if kill else {})}
        done = subprocess.run([self.plumb.exe, *words], cwd=self.root, env={**os.environ, **extra},
                              capture_output=True, text=True)
        assert done.returncode == (-9 if kill else 0), (words, done.stderr)
        self.steps.append(Step(words, files, not kill, *self.heads(),
                               {name: (self.root / name).read_bytes() for name in keep}))
        power.mark(self.log, f"{len(self.steps)}")
        return done.stdout

    def heads(self):
        """{table: ids that are published}, {table: its snapshots}, asked of a copy."""
        published, snapshots = {}, {}
        with tempfile.TemporaryDirectory() as folder:
            for path in (self.root / "lake").glob("plumb.db*"):
                shutil.copy(path, folder)
            if (pathlib.Path(folder) / "plumb.db").exists():
                for name, rows, ids in tables(folder):
                    published[name], snapshots[name] = set(rows), ids
        return published, snapshots

    def read(self):
        self.ops = power.read_log(self.log)
        disk = copy.deepcopy(self.start)
        for op in self.ops:
            disk.apply(op)
        # What the recorder did not see would be missing here.
        found = {p for p in self.root.rglob("*") if p.is_file() and not p.name.endswith("-shm")}
        state = disk.state(power.everything)
        assert {self.root / path for path, (data, _) in state.items() if data is not None} == found
        for path in found:
            data, mode = state[str(path.relative_to(self.root))]
            assert (data, mode) == (path.read_bytes(), path.stat().st_mode & 0o7777), path
        return self


def tables(folder):
    """(name, ids, snapshots) of each table, by PyIceberg on plumb.db."""
    catalog = SqlCatalog("plumb", uri=f"sqlite:///{folder}/plumb.db", warehouse=f"file://{folder}")
    try:
        for _, name in catalog.list_tables("default"):
            now = catalog.load_table(("default", name))
            yield (name, now.scan(selected_fields=("id",)).to_arrow()["id"].to_pylist(),
                   {s.snapshot_id for s in now.snapshots()})
    finally:
        catalog.engine.dispose()


def parts(at, *tasks, kill=None):
    """A run in parts."""
    run = json.loads(at.run("plan", "--tasks", str((len(tasks) + 1) // 2), "--json"))["run"]
    for task in tasks:
        at.run("work", run, task)
    at.run("commit", run, kill=kill)


# ---- the two stories -----------------------------------------------------------------------------
def story_beginning(at):
    """From an empty folder: everything is made for the first time."""
    names = [at.file(name) for name in ("shop.json", "b.json.gz", "c.json", "d.json")]
    at.begin()
    at.run("init", ".", "--from", names[0], "--no-ingest",
           keep=("plumb.yaml", "contracts/shop.yml", "sources/shop.yml"))
    at.run("ingest", "shop", names[0], files=names[:1], kill="mkdir lake")
    at.run("ingest", "shop", names[0], files=names[:1])
    at.run("run", kill="mkdir lake/.plumb")
    parts(at, "t1", kill="mkdir lake/log")
    at.run("run")
    at.run("ingest", "shop", names[1], files=names[1:2])
    at.run("ingest", "shop", *names[2:], files=names[2:])
    at.run("run")
    at.run("doctor", "--backup", "saved.db")


def story_later(at):
    """Two tables of one source, two sources of one table; commands that die; a run in parts."""
    project(at.plumb, {"posts": """
        table: posts
        key: [id]
        partition: [place]
        columns:
          id:    long!
          place: string!
          text:  string
        """, "notes": """
        table: notes
        key: [id]
        columns:
          id:   long!
          post: long
        """}, {"shop": "source: shop\ninto: posts\nmap:\n  id: id\n  place: place\n  text: text\n",
               "shop.notes": "source: shop\ninto: notes\nrecords: notes[]\n"
                             "map:\n  id: n\n  post: $parent.id\n",
               "web": "source: web\ninto: posts\nmap:\n  id: id\n  place: place\n"})
    a, b, c, d, e, f, g, h = (at.file(f"{x}.json") for x in "abcdefgh")
    at.plumb("ingest", "shop", a)
    at.plumb("run")
    for name in "posts", "notes":  # so that old metadata goes at each commit
        with table(at.plumb, name).transaction() as change:
            change.set_properties({"commit.manifest.min-count-to-merge": "2",
                                   "write.metadata.previous-versions-max": "1"})
    at.plumb("run")
    at.begin()
    past = "--received", "2020-01-01T00:00:00Z"
    at.run("ingest", "shop", b, files=[b], kill="rename raw/")
    at.run("ingest", "web", c, files=[c])
    at.run("ingest", "web", *past, d, files=[d], kill="mkdir year=2020")
    at.run("ingest", "web", *past, e, files=[e])
    at.run("run", kill="rename /t1.json")
    at.run("run")
    at.run("ingest", "shop", f, g, files=[f, g])
    parts(at, "t1", "t2", "t3", "t4")
    at.run("ingest", "web", h, h, files=[h])


@pytest.fixture(scope="module")
def stories():
    """Both of them, recorded where fsync costs nothing, if there is such a place."""
    fast = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="plumb-power-", dir=fast) as folder:
        told = {}
        for story in story_beginning, story_later:
            name = story.__name__.removeprefix("story_")
            (pathlib.Path(folder).resolve() / name).mkdir()
            told[name] = Recording(pathlib.Path(folder).resolve() / name)
            story(told[name])
            told[name].read()
        yield told


# ---- after the power came back -------------------------------------------------------------------
class Return:
    """One folder as the power loss left it: the next commands, and what must be true."""

    def __init__(self, at, ended):
        self.at = at
        done = [step for step in at.steps[:ended]]
        sure = [step for step in done if step.acknowledged]
        self.started = at.steps[:ended + 1]
        self.begun = bool(sure or at.before.published)
        self.sure = {file for step in sure for file in step.files}
        self.maybe = {file for step in self.started for file in step.files} - self.sure
        self.last = sure[-1] if sure else at.before
        self.kept = {name: data for step in sure for name, data in step.kept.items()}
        self.backup = sure and sure[-1].words[0] == "doctor"

    def plumb(self, *words, codes=(0,)):
        done = subprocess.run([self.at.plumb.exe, *words], cwd=self.at.root, text=True,
                              capture_output=True, stdin=subprocess.DEVNULL, timeout=60)
        hold(done.returncode in codes, f"plumb {' '.join(words)}: exit {done.returncode}: "
             f"{(done.stderr + done.stdout).strip()[:300]}")
        return done

    def look_before(self):
        """What can be read before any command of ours repaired anything."""
        for name, ids in self.last.published.items():
            metadata = self.at.root / "lake/tables" / name / "metadata"
            hint = metadata / "version-hint.text"
            hold(hint.exists(), f"{name} has no hint")
            file = metadata / f"{hint.read_text().strip()}.metadata.json"
            hold(file.exists(), f"the hint of {name} names '{hint.read_text()[:80]}'")
            rows = StaticTable.from_metadata(str(file)).scan(selected_fields=("id",)).to_arrow()
            hold(ids <= set(rows["id"].to_pylist()), f"the hint of {name} leads to old rows")
        for name, data in self.kept.items():
            path = self.at.root / name
            hold(path.exists() and path.read_bytes() == data, f"{name} is not what init wrote")
        if self.backup:
            with sqlite3.connect(self.at.root / "saved.db") as db:
                hold(db.execute("SELECT count(*) FROM objects").fetchone() == (4,), "the backup")
            db.close()

    def next_commands(self, retry):
        if not self.begun:  # init, not acknowledged: it may be begun again, or say what is there
            done = self.plumb(*self.started[-1].words, codes=(0, 2))
            if done.returncode:
                hold("it exists" in done.stderr, done.stderr)
                self.plumb("status", codes=(0, 1, 2))
                return False
            self.sure, self.maybe = self.sure | self.maybe, set()
        step = self.started[-1].words
        if step[0] in ("work", "commit"):  # planned, acknowledged: the parts go on
            at = self.at.steps.index(self.started[-1])
            for later in self.at.steps[at:]:
                if later.words[0] not in ("work", "commit"):
                    break
                self.plumb(*later.words, codes=(0, 1) if later is self.started[-1] else (0,))
        elif retry and step[0] in ("ingest", "run"):
            self.plumb(*step)
            self.sure |= set(self.started[-1].files)
        self.plumb("status")
        self.plumb("run")
        return True

    def wanted(self, name, ids, notes):
        """Of each file all records once, or none; those of acknowledged files."""
        for file in self.sure | self.maybe | {"a.json"} & set(self.at.ids):
            want = self.at.ids[file]
            if notes:
                want = {2 * i + k for i in want for k in (0, 1)}
            got = sum(ids[i] for i in want)
            hold(got in (0, len(want)) and all(ids[i] == 1 for i in want if got),
                 f"{name}: {got} of {len(want)} records of {file}")
            hold(got or file in self.maybe or self.elsewhere(file, name),
                 f"{name}: {file} was acknowledged and is lost")

    def elsewhere(self, file, name):
        """notes are of source shop alone."""
        return name == "notes" and file in ("c.json", "d.json", "e.json", "h.json")

    def look_after(self):
        found = {name: (collections.Counter(ids), snapshots)
                 for name, ids, snapshots in tables(self.at.root / "lake")}
        for name, (ids, _) in found.items():
            self.wanted(name, ids, name == "notes")
        for name, snapshots in self.last.snapshots.items():
            hold(name in found and snapshots <= found[name][1], f"{name} lost a snapshot")
        hold(found or not self.sure, "there is no table")
        self.plumb("verify")
        with sqlite3.connect(self.at.root / "lake/plumb.db") as db:
            hold(db.execute("SELECT count(*) FROM intents").fetchone() == (0,), "an intent stays")
            landed = {pathlib.Path(name).name for name, in db.execute("SELECT name FROM objects")}
        db.close()
        hold(self.sure <= landed | {"a.json"}, "an object is not in the books")
        hold(not list((self.at.root / "lake/.tmp").glob("*")), "a hidden file stays")

    def look_rebuilt(self):
        """log/ and raw are enough to make plumb.db again."""
        before = {name: sorted(ids) for name, ids, _ in tables(self.at.root / "lake")}
        for path in (self.at.root / "lake").glob("plumb.db*"):
            path.unlink()
        self.plumb("rebuild")
        self.plumb("run")
        after = {name: sorted(ids) for name, ids, _ in tables(self.at.root / "lake")}
        hold(after == before, "another table after rebuild")
        self.plumb("verify")


def check(at, ended, state, retry=False, again=False):
    """The promise that this state breaks, or None."""
    power.rebuild(state, at.root)
    back = Return(at, ended)
    try:
        back.look_before()
        if back.next_commands(retry):
            back.look_after()
            if again:
                back.look_rebuilt()
    except Broken as broken:
        return str(broken)
    except Exception as error:  # a reader that stumbles
        return f"{type(error).__name__}: {error}"[:300]
    return None


def points(at, disk):
    """(operations so far, commands ended) for each point, the disk brought there."""
    ended = 0
    for number, op in enumerate(at.ops):
        disk.apply(op)
        ended += op.kind == "mark"
        yield number + 1, ended


def tried(at, disk, draws, seed=0, nodes=None, when=lambda op, disk: True):
    """Every state worth a try, each once: (operation, commands ended, what is lost, state)."""
    seen = set()
    for number, ended in points(at, disk):
        if not when(at.ops[number - 1], disk):
            continue
        affected = nodes and nodes(disk)
        for lost, choice in power.variants(disk, f"{seed} {number}", draws, affected):
            state = disk.state(choice)
            mark = (ended, power.fingerprint(state))
            if mark not in seen:
                seen.add(mark)
                yield number, ended, lost, state


# ---- fsyncs left out -----------------------------------------------------------------------------
PLUMBING = {"pl_file_sync", "pl_path_sync_directory", "pl_path_make_directories", "pl_put_publish",
            "pl_put_finish", "pl_store_put", "pl_store_replace", "pl_path_write", "pl_path_sync_up",
            "pl_store_settle", "settle_below", "pl_registry__exec", "pl_registry__step",
            "pl_registry_commit"}
KINDS = (r"metadata[.]json$", r"snap-.*avro$", r"avro$", r"parquet$", r"json[.]gz$",
         r"plan[.]json$", r"t\d+[.]json$", r"log/texts/", r"log/.*json$", r"version-hint",
         r"-wal$", r"-journal$", r"[.]db$", r"[.]tmp$", r"[.]ya?ml$", r"gitignore$")


def sites(at, symbols):
    """{an fsync of the program: the call chains that end in it}. One is told from another by what
    it syncs, the function that does it and the one that wants it done."""
    found, finally_ = collections.defaultdict(set), {}
    for op in reversed(at.ops):  # a file is synced before it gets its name
        if op.kind == "rename":
            finally_[op.path] = op.other
        if op.kind != "sync":
            continue
        name = finally_.get(op.path, op.path)
        kind = next((k for k in KINDS if re.search(k, name)), "folder")
        ours = [symbols.name(call).split(".")[0] for call in op.chain if "/plumb+" in call]
        leaf = "SQLite" if "sqlite" in op.chain[0] else \
            [call for call in ours if call in PLUMBING][:2]
        leaf = leaf if isinstance(leaf, str) else " < ".join(leaf)
        wants = next(call for call in ours if call not in PLUMBING)
        found[f"{wants}: {leaf} of {kind.replace(chr(92), '').strip('$')}"].add(power.key(op))
    return found


def caught(at, chains, draws=1, limit=600):
    """The first state that breaks a promise when these fsyncs are not in the program."""
    tries = 0
    for first in True, False:  # ends of commands and syncs of others before all the rest
        disk = copy.deepcopy(at.start)
        disk.skip = chains
        for number, ended, lost, state in tried(
                at, disk, 0 if first else draws, nodes=lambda disk: disk.missed,
                when=lambda op, disk: disk.missed and (op.kind in ("mark", "sync")) == first):
            tries += 1
            why = check(at, ended, state, again=True)
            if why:
                op = at.ops[number - 1]
                return f"{tries}: after {number} {op.kind} {op.path}, {lost}: {why}"
            if tries >= limit:
                return None
    return None


# ---- the tests -----------------------------------------------------------------------------------
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("story", ["beginning", "later"])
def test_the_power_fails_at_any_point(stories, story):
    at = stories[story]
    rng, tries, broken = random.Random(story), 0, []
    states = tried(at, copy.deepcopy(at.start), 2 if FULL else 1,
                   when=lambda op, disk: FULL or rng.random() < 0.03)
    for number, ended, lost, state in states:
        if not FULL and rng.random() < 0.8:
            continue
        tries += 1
        why = check(at, ended, state, retry=tries % 2, again=tries % 8 == 0)
        if why:
            broken.append(f"after {number} of {len(at.ops)} ({at.ops[number - 1].kind} "
                          f"{at.ops[number - 1].path}), {lost}: {why}")
    assert not broken, "\n".join(broken[:20])
    kinds = collections.Counter(op.kind for op in at.ops)
    figures(f"power loss, {story}", f"{len(at.steps)} commands, {len(at.ops)} operations "
            f"{dict(kinds)}", f"{tries} different folders found after a loss, each one made whole")


QUICK = {"beginning": ["pl_ingest_file: pl_path_sync_directory < pl_put_publish of folder",
                       "pl_ice_append: pl_file_sync < pl_put_publish of metadata[.]json"]}


@pytest.mark.timeout(7200)
@pytest.mark.parametrize("story", ["beginning", "later"] if FULL else ["beginning"])
def test_no_fsync_is_spare(stories, story):
    at = stories[story]
    told, spare = [], []
    for site, chains in sites(at, power.Symbols()).items():
        if FULL or site in QUICK[story]:
            why = caught(at, chains)
            (told if why else spare).append(f"{site}: {why}")
    figures(f"fsyncs left out, {story}", *told)
    assert not spare, "\n".join(spare)

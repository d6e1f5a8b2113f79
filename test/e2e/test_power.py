# SPDX-License-Identifier: Apache-2.0
"""The power fails at any point of ingest, run and their like. What may then be on the disk
(test/power.py) is put there, the next command runs, and PyIceberg counts: what was acknowledged is
there, each record once; what was not, wholly or not at all.

`make crash` tries every point. Every fsync is left out of the program in turn, and each must make
this fail.
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
import sys
import tempfile
import time

import pytest
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.exceptions import NoSuchNamespaceError
from pyiceberg.table import StaticTable

import power
from conftest import Plumb, program
from lake import FULL, figures, project, table
from posts import CONTRACT, MAPPING

pytestmark = pytest.mark.plain_build

RECORDS = 40  # of a file
TRIES = 30  # with an fsync left out, at points of one kind


class Broken(AssertionError):
    """A promise was not kept."""


def hold(truth, what):
    if not truth:
        raise Broken(what)


# ---- recording -----------------------------------------------------------------------------------
Step = collections.namedtuple("Step", "words files acknowledged published snapshots kept")


class Recording:
    """Commands run under the recorder in a folder of their own, and what each one promised."""

    def __init__(self, folder, lake="lake", books=None):
        self.plumb = Plumb(folder)
        self.lake = folder / lake
        self.books = folder / (books or lake)  # where plumb.db is
        self.root = folder
        self.log = folder.parent / f"{folder.name}.log"
        self.number = 0     # of input files
        self.ids = {}       # input file -> its records
        self.steps = []

    def begin(self):
        self.start = power.Disk(self.root)
        self.before = Step((), (), True, *self.heads(), {})

    def file(self, name, places="abcde"):
        """A file of records with identifiers of their own."""
        ids = range(self.number * RECORDS, (self.number + 1) * RECORDS)
        self.number += 1
        self.ids[name] = set(ids)
        text = "".join(json.dumps({"id": i, "place": places[i % len(places)],
                                   "text": f"{i * 7919:032b}",
                                   "notes": [{"n": 2 * i}, {"n": 2 * i + 1}]}) + "\n" for i in ids)
        path = self.root / name
        path.write_bytes(gzip.compress(text.encode()) if name.endswith("gz") else text.encode())
        return name

    def start_one(self, words, exe=None, **extra):
        extra.update(LD_PRELOAD=program("libpower_recorder.so"), POWER_ROOT=str(self.root),
                     POWER_LOG=str(self.log))
        return subprocess.Popen([exe or self.plumb.exe, *words], cwd=self.root, text=True,
                                env={**os.environ, **extra}, stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def run(self, *words, files=(), kill=None, keep=(), exe=None):
        """One command; with `kill` it dies after that operation and acknowledges nothing."""
        process = self.start_one(words, exe, **({"POWER_KILL": kill} if kill else {}))
        said, moaned = process.communicate()
        assert process.returncode == (-9 if kill else 0), (words, moaned)
        self.ended(words, files, not kill, keep)
        return said

    def stopped(self, *words, stop):
        """One command, stopped for ever after that operation; returned to be killed."""
        process = self.start_one(words, POWER_STOP=stop)
        assert os.WIFSTOPPED(os.waitpid(process.pid, os.WUNTRACED)[1])
        return process

    def ended(self, words, files, acknowledged, keep=()):
        keep = [*keep, *(str(path.relative_to(self.root)) for folder in ("log", "log/texts")
                         for path in (self.lake / folder).glob("*.*"))]
        self.steps.append(Step(words, files, acknowledged, *self.heads(),
                               {name: (self.root / name).read_bytes() for name in keep}))
        power.mark(self.log, f"{len(self.steps)}")

    def heads(self):
        """{table: ids that are published}, {table: its snapshots}, asked of a copy."""
        published, snapshots = {}, {}
        with tempfile.TemporaryDirectory() as folder:
            for path in self.books.glob("plumb.db*"):
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
    except NoSuchNamespaceError:
        return  # plumb.db was only just made
    finally:
        catalog.engine.dispose()


def parts(at, *tasks, work=None, commits=()):
    """A run in parts; before each work another try of it dies, and so do commits."""
    run = json.loads(at.run("plan", "--tasks", str((len(tasks) + 1) // 2), "--json"))["run"]
    for task in tasks:
        if work:
            at.run("work", run, task, kill=work)
        at.run("work", run, task)
    for kill in commits or [None]:
        at.run("commit", run, kill=kill)


# ---- the stories --------------------------------------------------------------------------------
def story_beginning(at):
    """From an empty folder: everything is made for the first time."""
    names = [at.file(name) for name in ("shop.json", "b.json.gz", "c.json", "d.json")]
    at.begin()
    at.run("init", ".", "--from", names[0], "--no-ingest",
           keep=(".gitignore", "plumb.yaml", "contracts/shop.yml", "sources/shop.yml"))
    at.run("ingest", "shop", names[0], files=names[:1], kill="mkdir lake")
    at.run("ingest", "shop", names[0], files=names[:1])
    at.run("run", kill="mkdir lake/.plumb")
    parts(at, "t1", work="mkdir data", commits=["mkdir metadata", "mkdir lake/log"])
    at.run("run")
    at.run("ingest", "shop", names[1], files=names[1:2])
    at.run("ingest", "shop", *names[2:], files=names[2:])
    at.run("run")
    at.run("doctor", "--backup", "saved.db")


def story_later(at):
    """Two tables of one source, two sources of one table; commands that die; a run in parts."""
    project(at.plumb, {"posts": CONTRACT, "notes": """
        table: notes
        key: [id]
        columns:
          id:   long!
          post: long
        """}, {"shop": MAPPING,
               "shop.notes": "source: shop\ninto: notes\nrecords: notes[]\n"
                             "map:\n  id: n\n  post: $parent.id\n",
               "web": "source: web\ninto: posts\nmap:\n  id: id\n  place: place\n"})
    a, b, c, d, e, f, g, h, i, j, k = (at.file(f"{x}.json", "vwxyz" if x == "c" else "abcde")
                                       for x in "abcdefghijk")
    at.plumb("ingest", "shop", a)
    at.plumb("run")
    for name in "posts", "notes":  # so that old metadata goes at each commit
        changed = table(at.plumb, name)
        with changed.transaction() as change:
            change.set_properties({"commit.manifest.min-count-to-merge": "2",
                                   "write.metadata.previous-versions-max": "1"})
        # Else its connection, whenever that is collected, removes SQLite's log unseen.
        changed.catalog.engine.dispose()
    at.plumb("run")
    at.begin()
    past = "--received", "2020-01-01T00:00:00Z"
    at.run("ingest", "shop", b, files=[b], kill="rename raw/")
    at.run("ingest", "web", c, files=[c])
    at.run("ingest", "web", *past, d, files=[d], kill="mkdir year=2020")
    at.run("ingest", "web", *past, e, files=[e])
    at.run("run", kill="mkdir place=v")
    at.run("run", kill="rename .metadata.json")
    at.run("run")
    for year, name in ("2018", i), ("2019", j), ("2020", k):  # together, each into its own folder
        os.utime(at.root / name, times=(time.mktime((int(year), 6, 1, 0, 0, 0, 0, 0, 0)),) * 2)
    together = "ingest", "shop", "--received", "mtime", i, j, b, i, k
    at.run(*together, files=[i, j, k], kill="mkdir year=2019")
    at.run(*together, files=[i, j, k], kill="rename year=2018")
    at.run(*together, files=[i, j, k])
    reader = sqlite3.connect(f"file:{at.root}/lake/plumb.db?mode=ro", uri=True)
    reader.execute("BEGIN")  # while it looks, nobody empties SQLite's log
    reader.execute("SELECT count(*) FROM objects").fetchone()
    other = at.stopped("ingest", "shop", "--received", "2021-01-01T00:00:00Z", e,
                       stop="mkdir year=2021")
    at.run("ingest", "shop", "--received", "2021-01-01T00:00:00Z", f, files=[f])
    other.kill()
    other.communicate()
    at.run("run")
    reader.close()
    at.run("ingest", "shop", g, files=[g])
    at.run("ingest", "web", h, h, files=[h])
    parts(at, "t1", "t2", "t3", work="rename lake/.plumb/runs")


def story_apart(at):
    """plumb.db is not in the lake, so nothing that is synced for one is for the other; whatever is
    made for the first time is made by a command that dies before it is durable."""
    names = [at.file(name) for name in ("shop.json", "b.json")]
    (at.root / "plumb.yaml").write_text("lake: ./data/lake\nstate: ./books/plumb.db\n")
    at.begin()
    init = "init", ".", "--from", names[0], "--no-ingest"
    at.run(*init, kill="rename .gitignore")
    at.run(*init, keep=(".gitignore", "plumb.yaml", "contracts/shop.yml", "sources/shop.yml"))
    ingest = "ingest", "shop", names[0]
    for kill in "mkdir lake", "mkdir books", "create plumb.db-wal", "mkdir raw", None:
        at.run(*ingest, files=names[:1], kill=kill)
    at.run("run", kill="mkdir lake/.plumb")
    parts(at, "t1", commits=["mkdir metadata", "mkdir lake/log"])
    at.run("run", kill="rename log/texts")
    at.run("run")
    at.run("ingest", "shop", names[1], files=names[1:])
    at.run("run")


FILL = """
import os, sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute("PRAGMA wal_autocheckpoint = 0")
db.execute("PRAGMA synchronous = OFF")
while os.path.getsize(sys.argv[1] + "-wal") < 1010 * 4096:  # the next commit folds it
    db.execute("UPDATE objects SET name = name || ' '")
    db.execute("UPDATE objects SET name = rtrim(name)")
os._exit(0)  # without closing, which would empty it
"""


def story_full(at):
    """SQLite's log is full: a commit folds it into plumb.db, and the next one overwrites it."""
    project(at.plumb, {"posts": CONTRACT}, {"shop": MAPPING})
    names = [at.file(f"{x}.json") for x in "abcd"]
    at.plumb("ingest", "shop", names[0])
    at.plumb("run")
    subprocess.run([sys.executable, "-c", FILL, at.root / "lake/plumb.db"], check=True)
    at.begin()
    at.run("ingest", "shop", *names[1:3], files=names[1:3])
    at.run("ingest", "shop", names[3], files=names[3:])
    at.run("run")


def story_moved(at):
    """The lake was copied: its metadata is written anew. Then plumb.db is lost, but not its log."""
    names = [at.file(f"{x}.json") for x in "abc"]
    old = Plumb(at.root.parent / "old")  # it stays, so that what still names it can be read
    old.dir.mkdir()
    project(old, {"posts": CONTRACT}, {"shop": MAPPING})
    for name in names[:2]:
        old("ingest", "shop", at.root / name)
        old("run")
    shutil.copytree(old.dir, at.root, dirs_exist_ok=True)
    with sqlite3.connect(at.root / "lake/plumb.db") as db:  # from here on its log is not all of it
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()
    at.begin()
    at.run("relocate", kill="rename metadata.json")
    at.run("relocate")
    at.run("mapping", "shop", "--use", "1")
    at.run("ingest", "shop", names[2], files=names[2:])
    at.run("lake/plumb.db", exe="unlink")
    at.run("rebuild", kill="rename plumb.db")
    at.run("run")


STORIES = {"beginning": (story_beginning,), "later": (story_later,),
           "apart": (story_apart, "data/lake", "books"), "full": (story_full,),
           "moved": (story_moved,)}


@pytest.fixture(scope="module")
def stories():
    """All of them, recorded where fsync costs nothing, if there is such a place."""
    fast = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="plumb-power-", dir=fast) as folder:
        told = {}
        for name, (story, *places) in STORIES.items():
            root = pathlib.Path(folder).resolve() / name
            root.mkdir()
            told[name] = Recording(root, *places)
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
        self.moved = "relocate" in (step.words[0] for step in sure)
        lost = "lake/plumb.db" in (step.words[0] for step in self.started)
        self.lost = lost and self.last.words[0] in ("lake/plumb.db", "ingest")
        self.pinned = not lost and "mapping" in (step.words[0] for step in sure)

    def plumb(self, *words, codes=(0,)):
        done = subprocess.run([self.at.plumb.exe, *words], cwd=self.at.root, text=True,
                              capture_output=True, stdin=subprocess.DEVNULL, timeout=60)
        hold(done.returncode in codes, f"plumb {' '.join(words)}: exit {done.returncode}: "
             f"{(done.stderr + done.stdout).strip()[:300]}")
        return done

    def books(self):
        """The names of the files in plumb.db and the pinned mappings, asked of a copy."""
        with tempfile.TemporaryDirectory() as folder:
            for path in self.at.books.glob("plumb.db*"):
                shutil.copy(path, folder)
            with sqlite3.connect(f"{folder}/plumb.db") as db:
                names = {name for name, in db.execute("SELECT name FROM objects")}
                pinned = {version for version, in db.execute("SELECT pinned FROM mapping_uses")}
            db.close()
        return names, pinned

    def look_before(self):
        """What can be read before any command of ours repaired anything."""
        for name, ids in self.last.published.items():
            metadata = self.at.lake / "tables" / name / "metadata"
            hint = metadata / "version-hint.text"
            hold(hint.exists(), f"{name} has no hint")
            file = metadata / f"{hint.read_text().strip()}.metadata.json"
            hold(file.exists(), f"the hint of {name} names '{hint.read_text()[:80]}'")
            rows = StaticTable.from_metadata(str(file)).scan(selected_fields=("id",)).to_arrow()
            hold(ids <= set(rows["id"].to_pylist()), f"the hint of {name} leads to old rows")
            hold(not self.moved or f"{self.at.root.parent}/old" not in file.read_text(),
                 f"the hint of {name} leads to where it was")
        if (self.sure or self.pinned) and not self.lost:
            names, pinned = self.books()
            hold(self.sure <= names, "an object is not in the books")
            hold(not self.pinned or 1 in pinned, "the mapping is not pinned")
        for name, data in self.kept.items():
            path = self.at.root / name
            hold(path.exists() and path.read_bytes() == data, f"{name} is not what was written")
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
                done = self.plumb(*later.words, codes=(0, 1))
                hold(done.returncode == 0 or "it is done already" in done.stderr
                     and self.started[-1].words[0] == "commit", done.stderr)
                if later.words[0] == "commit":
                    break
        elif self.lost:
            done = self.plumb("rebuild", codes=(0, 1))
            hold(not done.returncode or "it exists" in done.stderr, done.stderr)
        elif step[0] == "relocate":
            self.plumb("relocate")
        elif retry and step[0] in ("ingest", "run"):
            self.plumb(*step)
            self.sure |= set(self.started[-1].files)
        self.plumb("run")
        self.plumb("status")
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
                 for name, ids, snapshots in tables(self.at.books)}
        for name, (ids, _) in found.items():
            self.wanted(name, ids, name == "notes")
        for name, snapshots in self.last.snapshots.items():
            hold(name in found and snapshots <= found[name][1], f"{name} lost a snapshot")
        hold(found or not self.sure, "there is no table")
        self.plumb("verify")
        with sqlite3.connect(self.at.books / "plumb.db") as db:
            left = [(id, key, [path.stat().st_size for path in (
                self.at.lake / ".tmp" / id, self.at.lake / key) if path.exists()])
                    for id, key in db.execute("SELECT id, key FROM intents")]
            if left:
                again = self.plumb("run", codes=range(256))
                raise Broken(f"an intent stays, and of its object {left}: {again}")
        db.close()
        hold(self.sure <= self.books()[0], "an object is not in the books")
        hold(not list((self.at.lake / ".tmp").glob("*")), "a hidden file stays")

    def look_rebuilt(self):
        """log/ and raw are enough to make plumb.db again."""
        before = {name: sorted(ids) for name, ids, _ in tables(self.at.books)}
        for path in self.at.books.glob("plumb.db*"):
            path.unlink()
        self.plumb("rebuild")
        self.plumb("run")
        after = {name: sorted(ids) for name, ids, _ in tables(self.at.books)}
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


def tried(at, disk, choices, when=lambda op: True):
    """Each state once that `choices(operation, number)` leads to: (number, ended, lost, state)."""
    seen = set()
    for number, ended in points(at, disk):
        op = at.ops[number - 1]
        for lost, choice in choices(op, number) if when(op) else ():
            state = disk.state(choice)
            mark = (ended, power.fingerprint(state))
            if mark not in seen:
                seen.add(mark)
                yield number, ended, lost, state


# ---- fsyncs left out -----------------------------------------------------------------------------
PLUMBING = {"pl_file_sync", "pl_path_sync_directory", "pl_path_make_directories", "pl_path_sync_up",
            "pl_path_write", "put_name", "pl_put__name", "pl_put_publish", "pl_put_finish",
            "pl_store_put", "pl_store_put_unsettled", "pl_store_replace", "pl_store_settle",
            "pl_store_settle_way", "pl_put__make_directory", "pl_put_publish_all", "publish_job",
            "sync_job", "pl_registry__exec", "pl_registry__step", "pl_registry_commit"}
KINDS = {"metadata": r"metadata[.]json$", "manifest list": r"snap-.*avro$", "manifest": r"avro$",
         "data file": r"parquet$", "raw object": r"json[.]gz$", "plan": r"plan[.]json$",
         "task result": r"t\d+[.]json$", "log text": r"log/texts/.*(yml|zst)$",
         "log entry": r"log/.*json$",
         "hint": r"version-hint", "log of plumb.db": r"-wal$", "journal": r"-journal$",
         "database": r"[.]db$", "nameless": r"[.]tmp/", "file of the project": r"[.]ya?ml$|ignore$"}


def sites(at, symbols):
    """{an fsync of the program: the call chains that end in it}. One is told from another by what
    it syncs and the functions that do it, from the innermost out to the one that has a reason."""
    found, named = collections.defaultdict(set), {}
    for op in reversed(at.ops):  # a file is synced before it gets its name
        if op.kind == "rename":
            named[op.path] = op.other
        if op.kind != "sync":
            continue
        name = named.get(op.path, op.path)
        kind = next((k for k, pattern in KINDS.items() if re.search(pattern, name)), "folder")
        ours = [symbols.name(call).split(".")[0] for call in op.chain if "/plumb+" in call]
        reason = next(call for call in ours if call not in PLUMBING)
        if "sqlite" in op.chain[0]:
            # The folder it syncs once per process, which of them needs it it cannot know.
            found["SQLite: folder" if kind == "folder" else
                  f"SQLite: {kind} in {reason}"].add(power.key(op))
        elif kind != "nameless":  # its process was killed before
            how = dict.fromkeys([*ours[:ours.index(reason)], reason])
            found[f"{kind}: {' < '.join(how)}"].add(power.key(op))
    return found


def telling(at, chains):
    """Points to try with these fsyncs left out, the most telling first: a command was
    acknowledged; something else was just made safe; the others. Of each kind TRIES, far apart."""
    disk, kinds = copy.deepcopy(at.start), ([], [], [])
    disk.skip = chains
    for number, _ in points(at, disk):
        kind = at.ops[number - 1].kind
        if any(id(node) in disk.missed for node in disk.unsafe.values()):
            kinds[0 if kind == "mark" else 1 if kind == "sync" else 2].append(number)
    return [found[::-(-len(found) // TRIES)] for found in kinds if found]


def caught(at, chains):
    """(tries, the first state that breaks a promise when these fsyncs are not in the program)."""
    tries = 0
    again = any(re.search("lake/(log|raw)|lake$", op.path) for op in at.ops
                if power.key(op) in chains)
    for numbers in map(set, telling(at, chains)):
        disk = copy.deepcopy(at.start)
        disk.skip = chains
        states = tried(at, disk, lambda op, number:
                       power.losses(disk.missed) if number in numbers else ())
        for number, ended, lost, state in states:
            tries += 1
            why = check(at, ended, state, again=again)
            if why:
                op = at.ops[number - 1]
                return tries, f"after {number} ({op.kind} {op.path}), {lost}: {why}"
    return tries, None


# ---- the tests -----------------------------------------------------------------------------------
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("story", STORIES)
def test_the_power_fails_at_any_point(stories, story):
    at = stories[story]
    rng, tries, broken = random.Random(story), 0, []
    disk = copy.deepcopy(at.start)
    states = tried(at, disk, lambda op, number: power.variants(
        disk, f"{story} {number}", draws=2, each=op.kind in ("sync", "mark")),
                   when=lambda op: FULL or rng.random() < 0.025)
    for number, ended, lost, state in states:
        if not FULL and rng.random() < 0.9:
            continue
        tries += 1
        why = check(at, ended, state, retry=tries % 2, again=tries % 8 == 0)
        if tries % 200 == 0:
            print(f"{story}: {tries} folders, {number} of {len(at.ops)} operations", flush=True)
        if why:
            broken.append(f"after {number} of {len(at.ops)} ({at.ops[number - 1].kind} "
                          f"{at.ops[number - 1].path}), {lost}: {why}")
            print("BROKEN", broken[-1], flush=True)
    assert not broken, "\n".join(broken[:20])
    kinds = collections.Counter(op.kind for op in at.ops)
    figures(f"power loss, {story}", f"{len(at.steps)} commands, {len(at.ops)} operations "
            f"{dict(kinds)}", f"{tries} different folders found after a loss, each one made whole")


# {a site: why nothing hangs of it}. Both are SQLite's own.
SPARE = {
    "SQLite: journal in open_write": "plumb.db is being made, and nothing is in it yet",
    "SQLite: log of plumb.db in open_write":
        "the log's first page; who commits something syncs the whole log",
}


@pytest.mark.timeout(7200)
def test_no_fsync_is_spare(stories):
    symbols, told, spare = power.Symbols(), [], []
    found = {name: sites(at, symbols) for name, at in stories.items()}
    for site in sorted(set().union(*found.values())):
        if site in SPARE:
            continue
        tries, why = 0, None
        for name in (name for name in found if site in found[name] and not why):
            more, why = caught(stories[name], found[name][site])
            tries += more
        (told if why else spare).append(f"{site}: try {tries}: {why}")
        print("caught" if why else "SPARE", (told if why else spare)[-1], flush=True)
    figures("fsyncs left out", *told)
    assert len(told) > 1
    assert not spare, "\n".join(spare)

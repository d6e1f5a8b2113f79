# SPDX-License-Identifier: Apache-2.0
"""kill -9 at fifty places in ingest and run. The same command again finishes what was begun: every
record is in the table exactly once, every raw object is there once, nobody counts an orphan.

Where to kill is drawn with a seed: the changes a command makes in the lake (a file made, written,
renamed, synced, removed; SQLite's log included) are listed once on an undisturbed run, and the
victim dies just before one of them. Which steps of the protocol were hit is counted from what the
dead process left, and no step may be missed.
"""
import collections
import pathlib
import random
import shutil

import pytest

from dying import draw, killed, watched
from lake import FULL, books, figures, found, keep, listed, lose, project, read, restore, table
from posts import CONTRACT, MAPPING, check, lines

# A kill of ingest and one of run in each round: 50, and 200 by `make crash`.
PROJECTS, ROUNDS = 20 if FULL else 5, 5
FILES, RECORDS = 3, 2500
TRIES = 12  # draws until a victim dies before it was done
BEFORE = "plumb.db is being made"
STEPS = {
    "ingest": ("nothing under way", "a hidden file, no intent", "an intent and its hidden file",
               "an intent, no file", "a file in its place, not in the books"),
    "run": ("before the run began", "registered, no plan", "planned, no data file",
            "data files, no result", "results, no manifest", "manifests, no metadata",
            "metadata, not committed", "committed, no log entry", "committed, version hint old",
            "committed, results not cleared", "committed, about to end")}
hit = {words: collections.Counter() for words in STEPS}
again = {words: collections.Counter() for words in STEPS}  # the command that repaired


def die(plumb, words, rng):
    """Kill the command at a drawn change. What it changes undisturbed is given back."""
    keep(plumb)
    changes = watched(plumb, words)
    for _ in range(TRIES):
        restore(plumb)
        if killed(plumb, words, draw(rng, changes)):
            return changes
    pytest.fail(f"{words[0]} was always done before it could be killed")


def made(plumb):
    return (plumb.dir / "lake/plumb.db").exists() and books(
        plumb, "SELECT count(*) FROM sqlite_master WHERE name = 'intents'") == [(1,)]


def where_ingest_died(plumb, before):
    if not made(plumb):
        return BEFORE
    (known,), = books(plumb, "SELECT count(*) FROM objects")
    (intents,), = books(plumb, "SELECT count(*) FROM intents")
    return "a file in its place, not in the books" if len(found(plumb, "raw/**/*.gz")) > known \
        else "an intent and its hidden file" if intents and found(plumb, ".tmp/*") else \
        "a hidden file, no intent" if found(plumb, ".tmp/*") else \
        "an intent, no file" if intents else "nothing under way"


def where_run_died(plumb, before):
    tables = books(plumb, "SELECT metadata_location FROM iceberg_tables")
    ((state,),) = books(plumb, "SELECT coalesce((SELECT state FROM runs ORDER BY id DESC LIMIT 1),"
                               " 'none')")
    data = len(found(plumb, "tables/posts/data/**/*.parquet")) - before["data"]
    heads = len(found(plumb, "tables/posts/metadata/*.metadata.json")) - before["heads"]
    avro = len(found(plumb, "tables/posts/metadata/*.avro")) - before["avro"]
    results = found(plumb, ".plumb/runs/*/t*.json")
    if state == "working":
        return "metadata, not committed" if heads else \
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
            "committed, results not cleared" if found(plumb, ".plumb/runs/*/*") else \
            "committed, about to end"
    return "before the run began"


def counted(plumb):
    return {"data": len(found(plumb, "tables/posts/data/**/*.parquet")),
            "heads": len(found(plumb, "tables/posts/metadata/*.metadata.json")),
            "avro": len(found(plumb, "tables/posts/metadata/*.avro"))}


def batch(plumb, number):
    """Three files of records with identifiers of their own, and two of them once more."""
    names = []
    for k in range(FILES):
        first = (number * FILES + k) * RECORDS
        names.append(f"{number}-{k}.json")
        (plumb.dir / names[-1]).write_text("".join(
            f'{{"id": {i}, "place": "{"abcde"[i % 5]}", "text": "{i * 2654435761 % 2**32:032b}"}}\n'
            for i in range(first, first + RECORDS)))
    for name in names[:2]:
        shutil.copy(plumb.dir / name, plumb.dir / f"again-{name}")
    return [names[0], f"again-{names[0]}", names[1], f"again-{names[1]}", names[2]]


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
    assert listed(plumb, "posts") == found(plumb, "tables/posts/data/**/*.parquet")  # no orphan
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
def test_killed_anywhere_the_same_command_again_finishes_it(quick, seed):
    plumb, rng = quick, random.Random(seed)
    project(plumb, {"posts": CONTRACT}, {"shop": MAPPING})
    (plumb.dir / "lake").mkdir()
    for number in range(ROUNDS):
        ingest = ["ingest", "shop", *batch(plumb, number)]
        for words, where, sound in ((ingest, where_ingest_died, check_raw),
                                    (["run"], where_run_died, check_table)):
            before = counted(plumb)
            changes = die(plumb, words, rng)
            hit[words[0]][where(plumb, before)] += 1
            # The command that repairs may be killed, too.
            if rng.randrange(2) and killed(plumb, words, draw(rng, changes)):
                again[words[0]][where(plumb, before)] += 1
            plumb(*words)
            sound(plumb, number + 1)


@pytest.mark.timeout(900)
def test_parts_of_a_run_killed_anywhere(quick):
    """plan, work and commit as processes, each killed and then done again."""
    rng, first = random.Random(7), 0
    project(quick, {"posts": CONTRACT}, {"shop": MAPPING})
    for _ in range(20 if FULL else 2):
        names = [f"{first + k}.json" for k in (0, 300)]
        for name in names:
            (quick.dir / name).write_text(lines(int(name[:-5]), 300))
        quick("ingest", "shop", *names)
        first += 600
        die(quick, ["plan", "--tasks", "2"], rng)
        run = quick.json("plan", "--tasks", "2")["run"]
        for words in ["work", run, "t1"], ["work", run, "t2"]:
            die(quick, words, rng)
            quick(*words)
        die(quick, ["commit", run], rng)
        done = quick("commit", run, code=None)
        assert (done.returncode, done.stderr) in (
            (0, ""), (1, f"plumb: cannot commit run '{run}': it is done already\n"))
        quick("run")  # what dead plans and a commit that died late left
        check(quick, first)


@pytest.mark.timeout(900)
def test_rebuild_killed_anywhere(quick):
    """Half a registry is never taken for one: who would go on with it is told to rebuild."""
    rng, places = random.Random(8), collections.Counter()
    project(quick, {"posts": CONTRACT}, {"shop": MAPPING})
    for number in range(3):
        (quick.dir / f"{number}.json").write_text(lines(number * 200, 200))
        quick("ingest", "shop", f"{number}.json")
        if number < 2:
            quick("run")
    lose(quick)
    for _ in range(40 if FULL else 4):
        die(quick, ["rebuild"], rng)
        if not (quick.dir / "lake/plumb.db").exists():
            for words in ["status"], ["ingest", "shop", "0.json"], ["run"]:
                said = quick(*words, code=1).stderr
                assert "it is missing, but lake './lake' has files\n" in said
            quick("rebuild")
            places["no registry yet"] += 1
        else:
            places["a whole one"] += 1
        quick("run")
        check(quick, 600)
        quick("rebuild", code=1)
        assert {file.name for file in (quick.dir / "lake").glob("plumb.db*")} <= {
            "plumb.db", "plumb.db-wal", "plumb.db-shm", "plumb.db.rebuilding",
            "plumb.db.rebuilding-wal", "plumb.db.rebuilding-shm", "plumb.db.part"}
        restore(quick)
    figures("rebuild killed", dict(places))


def test_no_step_was_missed():
    """Runs last: the table of what the kills of ingest and run hit."""
    kills = sum(sum(places.values()) for places in hit.values())
    if kills < PROJECTS * ROUNDS * 2:
        pytest.skip("only a part of the kills was done")
    lines = [f"{words}: {step}: {hit[words][step]}, while repairing {again[words][step]}"
             for words, steps in STEPS.items() for step in (BEFORE, *steps)]
    figures(f"{kills} kills, {sum(sum(places.values()) for places in again.values())} more of the"
            " command that repaired", *lines)
    missed = [f"{words}: {step}" for words, steps in STEPS.items() for step in steps
              if not hit[words][step] + again[words][step]]
    assert missed == [] or not FULL
    assert hit["ingest"][BEFORE] + again["ingest"][BEFORE] or not FULL
    assert not hit["run"][BEFORE] + again["run"][BEFORE]

# SPDX-License-Identifier: Apache-2.0
"""The parts of a run as processes, and what is left when they die, meet or come too late: whatever
happens, every record is in the table once and no file is left over.
"""
import json
import os
import shutil
import sqlite3
import signal
import subprocess
import time

import pytest

from conftest import Plumb
from lake import found, lose, project
from posts import CONTRACT, MAPPING, check, fingerprint, lines


def batch(plumb, first, files=4, records=500):
    names = []
    for k in range(files):
        names.append(f"b{first}-{k}.json")
        (plumb.dir / names[-1]).write_text(lines(first + k * records, records))
    plumb("ingest", "shop", *names)


@pytest.fixture
def made(plumb):
    """A project with four objects of 500 records, nothing mapped."""
    project(plumb, {"posts": CONTRACT}, {"shop": MAPPING})
    batch(plumb, 0)
    return plumb


def copy(plumb, name):
    """The same lake elsewhere: only while it has no tables, whose files have absolute names."""
    other = Plumb(plumb.dir.parent / name)
    shutil.copytree(plumb.dir, other.dir)
    return other


# processes
def test_processes_make_the_table_a_run_makes(made):
    apart = copy(made, "apart")
    told = made.json("run")
    plan = apart.json("plan", "--tasks", "3")
    assert [task["task"] for task in plan["tasks"]] == ["t1", "t2", "t3"]
    assert sum(task["objects"] for task in plan["tasks"]) == 4
    working = [subprocess.Popen([apart.exe, "work", plan["run"], task, "--lake",
                                 str(apart.dir / "lake")], cwd="/", stdout=subprocess.DEVNULL)
               for task in ("t3", "t1", "t2")]
    assert [worker.wait() for worker in working] == [0, 0, 0]
    assert not (apart.dir / "lake/tables/posts/metadata").exists()
    committed = apart.json("commit", plan["run"])
    assert committed["run"] == plan["run"]
    for key in "state", "records":
        assert committed[key] == told[key]
    assert fingerprint(apart) == fingerprint(made)
    check(apart, 2000)
    assert apart.json("runs")[0]["command"] == "plan"
    assert apart.json("plan") == {"run": None, "tasks": [], "unfit": []}


def test_a_task_done_often_counts_once(made):
    run = made.json("plan", "--tasks", "2")["run"]
    words = [made.exe, "work", run, "t1", "--json"]
    working = [subprocess.Popen(words, cwd=made.dir, stdout=subprocess.PIPE) for _ in range(4)]
    assert [json.loads(worker.communicate()[0])["curated"] for worker in working] == [1000] * 4
    assert len(found(made, "tables/posts/data/**/*.parquet")) == 5  # the losers' are gone
    made("work", run, "t1")
    made("work", run, "t2")
    made("commit", run)
    check(made, 2000)


def test_commit_names_what_is_missing_and_goes_on_later(made):
    run = made.json("plan", "--tasks", "4")["run"]
    made("work", run, "t2")
    said = made("commit", run, code=1).stderr
    assert said == (f"plumb: cannot commit run '{run}': no result of tasks t1, t3, t4\n"
                    f"  hint: Do the work first: plumb work {run} t1\n")
    for task in "t1", "t3", "t4":
        made("work", run, task)
    made("commit", run.lower())
    check(made, 2000)


def test_the_second_commit_is_refused_and_changes_nothing(made):
    run = made.json("plan")["run"]
    made("work", run, "t1")
    both = [subprocess.Popen([made.exe, "commit", run], cwd=made.dir, stderr=subprocess.PIPE,
                             stdout=subprocess.DEVNULL, text=True) for _ in range(2)]
    said = [process.communicate()[1] for process in both]
    assert sorted(process.returncode for process in both) == [0, 1]
    assert "".join(said) == f"plumb: cannot commit run '{run}': it is done already\n"
    check(made, 2000)
    said = made("work", run, "t1", code=1).stderr
    assert said.startswith(f"plumb: cannot work for run '{run}': the lake has no plan of it\n")


def test_a_stale_plan_is_refused_and_its_files_go(made):
    run = made.json("plan", "--tasks", "2")["run"]
    made("work", run, "t1")
    made("run", "--source", "shop")  # does not wait for the plan
    made("run")
    said = made("commit", run, code=1).stderr
    assert f"cannot commit run '{run}': it is failed already" in said or "its plan is stale" in said
    assert "plumb plan" in said
    check(made, 2000)


def test_what_a_held_run_made_is_removed_by_the_next(made):
    run = made.json("plan", "--tasks", "2")["run"]
    made("work", run, "t1")
    with sqlite3.connect(made.dir / "lake/plumb.db") as db:  # as if it had died just after that
        db.execute("UPDATE runs SET state = 'held', finished_us = started_us")
    db.close()
    assert made("commit", run, code=1).stderr == (
        f"plumb: cannot commit run '{run}': it is held already\n"
        "  hint: Make a new plan with 'plumb plan'.\n")
    files = f"tables/posts/data/**/{run}-*.parquet"
    assert found(made, files)
    made("run")
    assert not found(made, files) and not found(made, ".plumb/runs/*")
    assert [ended["state"] for ended in made.json("runs")] == ["done", "held"]
    assert made.json("verify")["sound"]
    check(made, 2000)


def test_a_plan_waits_while_others_publish_other_objects(made):
    project(made, {"posts": CONTRACT}, {"shop": MAPPING, "mall": MAPPING.replace("shop", "mall")})
    (made.dir / "m.json").write_text(lines(2000, 100))
    made("ingest", "mall", "m.json")
    run = made.json("plan", "--source", "shop")["run"]
    made("work", run, "t1")
    made("run", "--source", "mall")
    made("commit", run)
    check(made, 2100)


def test_mistakes_are_told(made):
    run = made.json("plan")["run"]
    other = run[:-1] + ("1" if run[-1] == "0" else "0")
    for words, said in (
            (["work", run, "t9"], f"cannot work for run '{run}': its plan has tasks t1 to t1, not"
                                  " 't9'"),
            (["work", "x", "t1"], "cannot work for run 'X': it is no run's id"),
            (["commit", "x"], "cannot commit run 'X': it is no run's id"),
            (["commit", other], f"cannot commit run '{other}': there is no such run")):
        assert made(*words, code=1).stderr.splitlines()[0] == f"plumb: {said}"


def test_a_result_that_is_not_ours_publishes_nothing(made):
    run = made.json("plan")["run"]
    made("work", run, "t1")
    result = made.dir / f"lake/.plumb/runs/{run}/t1.json"
    result.write_text(result.read_text().replace('"records":500', '"records":501', 1))
    assert "has 501 records, but 500 rows" in made("commit", run, code=1).stderr
    assert found(made, "tables/posts/data/**/*") == []
    made("run")
    check(made, 2000)


# death and waking up late
def mappings(tail=""):
    """One task each."""
    names = "shop", "mall", "stall", "fair"
    return {name: MAPPING.replace("shop", name) + tail for name in names}


def large(plumb):
    project(plumb, {"posts": CONTRACT}, mappings())
    for k, name in enumerate(mappings()):
        (plumb.dir / f"{k}.json").write_text(lines(k * 80000, 80000))
        plumb("ingest", name, f"{k}.json")
    return 4 * 80000


def until(plumb, process, pattern):
    """Wait for a file to be there while the process lives."""
    while not found(plumb, pattern):
        assert process.poll() is None, "it was faster"
        time.sleep(0.0005)


def start(plumb, *words):
    return subprocess.Popen([plumb.exe, *words], cwd=plumb.dir, stderr=subprocess.PIPE,
                            stdout=subprocess.DEVNULL, text=True)


def test_a_killed_run_is_finished_without_doing_its_tasks_again(plumb):
    records = large(plumb)
    process = start(plumb, "run", "--threads", "1")
    until(plumb, process, ".plumb/runs/*/t1.json")
    process.kill()
    process.communicate()
    (plan,) = found(plumb, ".plumb/runs/*/plan.json")
    dead = plan.split("/")[2]
    done = plumb.dir / f"lake/.plumb/runs/{dead}/t1.json"
    files = [file["key"] for file in json.loads(done.read_text())["files"]]
    told = plumb.json("run")
    assert (told["resumed"], told["run"]) == (dead, dead)
    assert set(files) <= set(found(plumb, "tables/posts/data/**/*.parquet"))
    check(plumb, records)
    assert [run["run"] for run in plumb.json("runs")] == [dead]


def test_a_killed_run_whose_mapping_was_edited_is_given_up(plumb):
    records = large(plumb)
    process = start(plumb, "run", "--threads", "1")
    until(plumb, process, ".plumb/runs/*/t1.json")
    process.kill()
    process.communicate()
    project(plumb, {"posts": CONTRACT}, mappings("  # edited\n"))
    told = plumb.json("run")
    assert told["resumed"] is None
    assert [run["state"] for run in plumb.json("runs")] == ["done", "failed"]
    check(plumb, records)


def test_what_came_after_a_killed_run_is_mapped_with_it(plumb):
    records = large(plumb)
    process = start(plumb, "run", "--threads", "1")
    until(plumb, process, ".plumb/runs/*/plan.json")
    process.kill()
    process.communicate()
    (plumb.dir / "late.json").write_text(lines(records, 10))
    plumb("ingest", "shop", "late.json")
    told = plumb.json("run")
    assert told["resumed"] and told["run"] != told["resumed"]
    assert told["records"]["curated"] == records + 10
    check(plumb, records + 10)


@pytest.mark.parametrize("when", ["plan.json", "t1.json"])
def test_a_paused_run_that_wakes_up_late_meets_the_fence(plumb, when):
    records = large(plumb)
    process = start(plumb, "run", "--threads", "1")
    until(plumb, process, f".plumb/runs/*/{when}")
    process.send_signal(signal.SIGSTOP)
    said = plumb("run", "--wait", "0s", code=1).stderr  # it still holds the lock
    assert f"process {process.pid}" in said or str(process.pid) in said
    os.unlink(plumb.dir / "lake/.plumb/run.lock")  # as if its machine had gone
    plumb("run")
    before = fingerprint(plumb)
    process.send_signal(signal.SIGCONT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 1, said
    assert "it is no longer working" in said
    assert fingerprint(plumb) == before
    check(plumb, records)
    assert plumb.json("run")["state"] == "nothing"


# plumb.db is lost
def answers(plumb):
    """What a person sees; of the runs, those that published."""
    return {"ledger": plumb.json("ledger"), "status": plumb.json("status"),
            "history": plumb.json("history", "posts"), "quarantine": plumb.json("quarantine"),
            "tables": plumb.json("tables"), "mapping": plumb.json("mapping", "shop"),
            "runs": [run for run in plumb.json("runs") if run["state"] == "done"],
            "rows": fingerprint(plumb)}


def test_a_lost_registry_is_made_again(made):
    made("run")
    (made.dir / "odd.json").write_text(lines(2000, 10) + '{"id": "x"}\n{"id": 1, "place": [2]}\n')
    made("ingest", "shop", "odd.json")
    project(made, {"posts": CONTRACT + "  more: int\n"}, {"shop": MAPPING + "  more: more\n"})
    made("run")
    batch(made, 2010, files=1, records=20)  # new: in no log entry
    before = answers(made)
    said = made("rebuild", code=1).stderr
    assert "cannot rebuild registry" in said and "it exists" in said
    lose(made)
    assert made.json("rebuild") == {"runs": 2, "tables": 1, "objects": 6, "new": 1, "repeated": 0,
                                    "unreadable": 0}
    assert answers(made) == before
    made("run")
    check(made, 2030)


def test_the_log_of_a_lost_registry_is_not_taken_for_that_of_the_new_one(made):
    made("run")
    lost = made.dir / "lake/plumb.db"
    with sqlite3.connect(lost) as db:  # else the log is all there is, and a whole registry
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()
    batch(made, 2000, files=1)
    before = answers(made)
    lost.unlink()
    made("rebuild")
    assert answers(made) == before


def test_a_rebuilt_registry_knows_what_was_found_before_the_last_publish(made):
    """Rows put in by hand, of a source that no run looks at."""
    finding = ("INSERT INTO findings VALUES (?, 'mail', 'posts', 'removed $.x{0}', 'removed',"
               " 'certain', '$.x{0}', '', 'x', 0, 'held', 1, 2, 3, 'O', 'R', 4, 0, '', '{{}}',"
               " 0, 0)")
    event = ("INSERT INTO events(at_us, kind, who, tbl, text) VALUES (3, 'drift.held', 'mail',"
             " 'posts', '{}')")

    def change(*statements):
        with sqlite3.connect(made.dir / "lake/plumb.db") as db:
            for statement, values in statements:
                db.execute(statement, values)
        db.close()

    def books():
        with sqlite3.connect(made.dir / "lake/plumb.db") as db:
            return [db.execute(query).fetchall() for query in (
                "SELECT logged, version, document FROM shapes WHERE source = 'mail'",
                "SELECT logged, * FROM findings WHERE source = 'mail'",
                "SELECT logged, * FROM events WHERE who = 'mail'")]

    change(("INSERT INTO shapes VALUES (1, 'mail', 'posts', 1, 'R', 3, 3, 4, '', ?)",
            [bytes(range(256)) * 4096]), (finding.format(1), [101]), (event, []))
    run = made.json("run")["run"]
    want = books()
    assert [row[0] for rows in want for row in rows] == [run] * 3
    batch(made, 2000, files=1)
    change((finding.format(2), [102]), (event, []),  # and nothing is published after it
           ("INSERT INTO states SELECT 'posts', max(id), 'staged', 'R', 0, 0 FROM objects", []),
           ("INSERT INTO holds SELECT 1, 'shop', 'posts', max(id), 3, 0, 'R', 1, 500, 0, '',"
            " 'x is gone', x'00', 0, 0 FROM objects", []))
    lose(made)
    assert made.json("rebuild")["new"] == 1
    assert books() == want
    status = made.json("status")
    assert (status["sources"][0]["new"], status["sources"][0]["staged"]) == (1, 0)
    assert status["holds"] == []


def test_the_log_is_repaired_by_the_next_run(made):
    made("run")
    (entry,) = (made.dir / "lake/log").glob("*.json")
    whole = entry.read_bytes()
    entry.unlink()
    assert made.json("run")["state"] == "nothing"
    assert entry.read_bytes() == whole


def test_an_entry_of_an_older_program_is_taken(made):
    made("run")
    (entry,) = (made.dir / "lake/log").glob("*.json")
    document = json.loads(entry.read_text())
    for later in "mapping_uses", "shapes", "findings", "events":  # came with schema 2 and 4
        del document[later]
    entry.chmod(0o644)
    entry.write_text(json.dumps(document))
    before = answers(made)
    lose(made)
    made("rebuild")
    assert answers(made) == before


def test_rebuild_refuses_a_log_with_a_hole_and_leaves_nothing(made):
    made("run")
    batch(made, 2000)
    made("run")
    first, second = sorted((made.dir / "lake/log").glob("*.json"))
    kept = first.read_bytes()
    for content, said in ((None, "which log/ does not know"), (kept[:-20], "not JSON at byte"),
                          (kept.replace(b'"curated"', b'"creamed"', 1), "is missing")):
        lose(made)
        first.unlink(missing_ok=True)
        if content:
            first.write_bytes(content)
        assert said in made("rebuild", code=1).stderr
        assert list((made.dir / "lake").glob("plumb.db*")) == []
    first.write_bytes(kept)
    made("rebuild")
    check(made, 4000)

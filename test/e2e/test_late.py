# SPDX-License-Identifier: Apache-2.0
"""Commands that are stopped just before a change to the lake and wake up late, when others have
done their work: nothing is published, landed or counted twice, and nothing is left over.

A stopped run still holds its lock, so that others wait for it. Whoever cannot see the lock, because
the file system does not show it, is held off by the run's row: that is tried by removing the lock.
"""
import collections
import os
import random
import shutil
import signal
import subprocess

import pytest

from dying import draw, start, watched
from lake import FULL, books, figures, found, project
from posts import CONTRACT, MAPPING, check, lines

STOPS = 60 if FULL else 6
RECORDS = 600
BEGUN = []


@pytest.fixture(autouse=True)
def ended():
    """A test that fails leaves no stopped process."""
    yield
    while BEGUN:
        BEGUN.pop().kill()


def stopped(plumb, words, at):
    """Begin a command and see it stop; None if it was done before."""
    process = start(plumb, words, at, by=signal.SIGSTOP, stderr=subprocess.PIPE, text=True)
    BEGUN.append(process)
    seen = os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
    if seen.si_code == os.CLD_STOPPED:
        return process
    assert process.wait() == 0
    return None


def woken(process):
    process.send_signal(signal.SIGCONT)
    said = process.communicate(timeout=60)[1]
    return process.returncode, said


def prepare(plumb, words):
    """A lake with a batch published and the next one landed or, for ingest, lying there; what the
    command changes in it."""
    project(plumb, {"posts": CONTRACT}, {"shop": MAPPING})
    for number in range(3):
        (plumb.dir / f"{number}.json").write_text(lines(number * RECORDS, RECORDS))
    plumb("ingest", "shop", "0.json")
    plumb("run")
    if words[0] == "run":
        plumb("ingest", "shop", "1.json")
    kept = plumb.dir.parent / "kept"
    shutil.copytree(plumb.dir, kept)
    changes = watched(plumb, words)
    return kept, changes


def again(plumb, kept):
    shutil.rmtree(plumb.dir)
    shutil.copytree(kept, plumb.dir)


def others(plumb, *words):
    """A command of somebody else meanwhile: done, or held off and why."""
    done = plumb(*words, code=None)
    if done.returncode == 0:
        return ""
    held = [why for why in ("another process is writing to it", f"process {BEGUN[-1].pid}",
                            "another process holds it") if why in done.stderr]
    assert done.returncode == 1 and held, done.stderr
    return held[0]


@pytest.mark.timeout(3600 if FULL else 300)
def test_a_run_that_wakes_up_late_publishes_nothing_twice(quick):
    rng, seen = random.Random(1), collections.Counter()
    kept, changes = prepare(quick, ["run"])
    while sum(seen.values()) < STOPS:
        again(quick, kept)
        process = stopped(quick, ["run", "--threads", "1"], draw(rng, changes))
        if not process:
            continue
        held = others(quick, "run", "--wait", "0s")
        if "process" in held and "writing" not in held:
            (quick.dir / "lake/.plumb/run.lock").unlink()  # as on a file system that has none
            held = others(quick, "run", "--wait", "0s")
        if not held:
            quick("ingest", "shop", "2.json")
            quick("run")
        code, said = woken(process)
        assert code in (0, 1) and ("plumb: " in said) == (code == 1), said
        seen["it published, the other gave up" if code == 0 and held
             else "nothing was left to do" if code == 0
             else "it met the fence" if "it is no longer working" in said
             else "what it was about to use was gone"] += 1
        quick("ingest", "shop", "2.json")
        quick("run")
        check(quick, 3 * RECORDS)
        assert [run["state"] for run in quick.json("runs")].count("done") == len(
            books(quick, "SELECT DISTINCT run FROM ledger"))
        assert found(quick, ".tmp/*") == [] and quick.json("verify")["sound"]
    figures(f"{STOPS} runs stopped and woken up late", dict(seen))


@pytest.mark.timeout(3600 if FULL else 300)
def test_an_ingest_that_wakes_up_late_lands_nothing_twice(quick):
    rng, seen = random.Random(2), collections.Counter()
    words = ["ingest", "shop", "1.json"]
    kept, changes = prepare(quick, words)
    while sum(seen.values()) < STOPS:
        again(quick, kept)
        process = stopped(quick, words, draw(rng, changes))
        if not process:
            continue
        held = others(quick, *words) or others(quick, "run")
        code, said = woken(process)
        assert code == 0, said
        seen["the other gave up" if held else "the other landed and mapped it"] += 1
        quick("ingest", "shop", "1.json", "2.json")
        quick("run")
        check(quick, 3 * RECORDS)
        assert len(found(quick, "raw/**/*.gz")) == 3 and found(quick, ".tmp/*") == []
        assert books(quick, "SELECT count(*) FROM intents") == [(0,)]
    figures(f"{STOPS} ingests stopped and woken up late", dict(seen))


def test_work_that_wakes_up_late_leaves_nothing(quick):
    rng, seen = random.Random(3), collections.Counter()
    project(quick, {"posts": CONTRACT}, {"shop": MAPPING})
    for number in range(2):
        (quick.dir / f"{number}.json").write_text(lines(number * RECORDS, RECORDS))
    quick("ingest", "shop", "0.json")
    run = quick.json("plan")["run"]
    kept = quick.dir.parent / "kept"
    shutil.copytree(quick.dir, kept)
    words = ["work", run, "t1"]
    changes = watched(quick, words)
    while sum(seen.values()) < STOPS // 2:
        again(quick, kept)
        process = stopped(quick, words, draw(rng, changes))
        if not process:
            continue
        committed = rng.randrange(2)
        if committed:
            quick(*words)  # as a scheduler does that lost sight of the first
            quick("commit", run)
        else:
            quick("run")  # does not wait for the plan, which is stale then
            quick("ingest", "shop", "1.json")
            quick("run")
        code, said = woken(process)
        assert code in (0, 1), said
        seen[f"{'committed' if committed else 'stale'} meanwhile: exit {code}"] += 1
        quick("ingest", "shop", "1.json")
        quick("run")
        check(quick, 2 * RECORDS)
    figures(f"{STOPS // 2} tasks stopped and woken up late", dict(seen))

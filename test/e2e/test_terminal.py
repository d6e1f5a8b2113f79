# SPDX-License-Identifier: Apache-2.0
"""In front of a person: what a long run shows while it works, and that it stops when asked to,
with nothing lost, nothing twice and nothing locked."""
import json
import os
import pty
import re
import signal
import subprocess
import threading
import time

import pytest

from conftest import SANITIZED
from lake import figures, project, read

CONTRACT = ("table: t\npartition: [p]\ncolumns:\n  id: long!\n  p: int\n"
            + "".join(f"  u{i}: string\n" for i in range(6)))
RULES = ("source: s\ninto: t\nmap:\n  id: id\n  p: p\n"
         + "".join(f"  u{i}: u{i}\n" for i in range(6)))
COUNT = 200_000 if SANITIZED else 480_000
ENDLESS = "SELECT count(*) FROM range(100000000000)"


class Terminal:
    """plumb on a terminal of its own: stderr alone, or stdout and stdin as well."""

    def __init__(self, plumb, *words, all=False, env=None):
        self.master, slave = pty.openpty()
        where = {"stdin": slave, "stdout": slave} if all else {"stdout": subprocess.PIPE,
                                                               "stdin": subprocess.DEVNULL}
        # A session of its own whose terminal this is: ^C typed there is a signal.
        script = ["setsid", "--ctty", "--wait"] if all else []
        self.process = subprocess.Popen([*script, plumb.exe, *words], cwd=plumb.dir, stderr=slave,
                                        env={**os.environ, **(env or {})}, **where)
        os.close(slave)
        self.said = b""
        self.reader = threading.Thread(target=self.read)
        self.reader.start()

    def read(self):
        while True:
            try:
                part = os.read(self.master, 65536)
            except OSError:  # the other end is closed
                return
            if not part:
                return
            self.said += part

    def wait_for(self, text):
        deadline = time.monotonic() + 100
        while text not in self.said:
            assert self.process.poll() is None and time.monotonic() < deadline, self.said
            time.sleep(0.01)

    def end(self):
        """What it said, its exit code, and how long that took from now."""
        begun = time.monotonic()
        out = self.process.communicate(timeout=100)[0]
        took = time.monotonic() - begun
        self.reader.join()
        os.close(self.master)
        return self.said.decode(), out, self.process.returncode, took


@pytest.fixture(scope="module")
def content():
    """Some seconds of work: COUNT records over 40 partitions."""
    return "".join(f'{{"id":{i},"p":{i % 40},' + ",".join(f'"u{n}":"{i * n:032x}"'
                                                          for n in range(6)) + "}\n"
                   for i in range(COUNT))


@pytest.fixture
def long(plumb, content):
    """A project with two objects of that, which are two tasks."""
    project(plumb, {"t": CONTRACT}, {"s": RULES}, "lake: ./lake\nmemory: 128MiB\nthreads: 2\n"
            "raw: {level: 0}\n")  # tasks are cut by stored bytes
    half = content.index(f'{{"id":{COUNT // 2},')
    for part in content[:half], content[half:]:
        (plumb.dir / "in.json").write_text(part)
        plumb("ingest", "s", "in.json")
    return plumb


def all_there(plumb):
    """The next run completes, nobody holds the lock, every record is there once."""
    plumb("run", "--wait", "0s")
    assert sorted(read(plumb, "t", "id")["id"].to_pylist()) == list(range(COUNT))
    left = [p for p in (plumb.dir / "lake/.tmp").iterdir()]
    assert left == [] and plumb.json("status")["running"] is False


def test_progress_on_a_terminal_is_one_line_that_goes_away(long):
    screen = Terminal(long, "run", "--threads", "1", "--json")
    said, out, code, _ = screen.end()
    assert code == 0 and json.loads(out)["records"]["raw"] == COUNT
    steps = said.split("\r\x1b[K")
    assert steps[0] == "" and steps[-1] == "" and len(steps) > 2
    for step in steps[1:-1]:
        assert re.fullmatch(r"[\d.]+ [kM]?i?B of [\d.]+ MB?i?B?, [\d,]+ records", step), said


def test_no_progress_where_nobody_looks(long):
    done = long("run")
    assert done.stderr == "" and "\r" not in done.stdout


@pytest.mark.threads
@pytest.mark.parametrize("moment, number", [("mapping", signal.SIGINT),
                                            ("writing", signal.SIGTERM)])
def test_a_run_that_is_asked_to_stop_stops(long, moment, number):
    run = subprocess.Popen([long.exe, "run"], cwd=long.dir, stdout=subprocess.PIPE,
                           stderr=subprocess.PIPE, text=True)
    lake = long.dir / "lake"
    wanted = {"mapping": lambda: list((lake / ".plumb/runs").glob("*/plan.json")),
              "writing": lambda: list((lake / "tables").rglob("*.parquet"))}[moment]
    while not wanted():
        assert run.poll() is None
        time.sleep(0.002)
    run.send_signal(number)
    begun = time.monotonic()
    out, said = run.communicate(timeout=100)
    took = time.monotonic() - begun
    assert (run.returncode, out) == (130, "")
    assert said == "plumb: stopped on request, nothing was published\n"
    assert took < 10
    figures(f"{number.name} while {moment}", f"ended after {took * 1000:.0f} ms")
    assert not list((lake / "tables").rglob("*.parquet"))
    all_there(long)


def test_control_c_in_a_terminal_ends_a_run(long):
    screen = Terminal(long, "run", "--threads", "1", all=True)
    screen.wait_for(b" records")
    os.write(screen.master, b"\x03")
    said, _, code, took = screen.end()
    assert code == 130 and said.endswith("plumb: stopped on request, nothing was published\r\n")
    assert took < 10
    figures("^C during run", f"ended after {took * 1000:.0f} ms")
    all_there(long)


@pytest.mark.threads
def test_control_c_in_a_terminal_ends_a_query(plumb):
    project(plumb, {}, {})
    screen = Terminal(plumb, "query", ENDLESS, all=True)
    time.sleep(1)
    os.write(screen.master, b"\x03")
    said, _, code, took = screen.end()
    assert code == 130 and said.endswith("plumb: cannot run query: interrupted\r\n")
    assert took < 10
    figures("^C during query", f"ended after {took * 1000:.0f} ms")


def test_who_waits_for_another_run_can_be_stopped(long):
    first = subprocess.Popen([long.exe, "run"], cwd=long.dir, stdout=subprocess.DEVNULL)
    while not list((long.dir / "lake/.plumb/runs").glob("*/plan.json")):
        time.sleep(0.002)
    first.send_signal(signal.SIGSTOP)
    second = subprocess.Popen([long.exe, "run", "--wait", "100s"], cwd=long.dir,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    time.sleep(0.5)
    second.send_signal(signal.SIGINT)
    begun = time.monotonic()
    out, said = second.communicate(timeout=100)
    assert (second.returncode, out) == (130, "") and time.monotonic() - begun < 10
    assert said == "plumb: cannot lock file './lake/.plumb/run.lock': interrupted\n"
    first.send_signal(signal.SIGCONT)
    assert first.wait(100) == 0
    all_there(long)

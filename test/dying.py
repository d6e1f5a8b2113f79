# SPDX-License-Identifier: Apache-2.0
"""Processes that die, or stop, just before a chosen change to the files of their lake: the library
test/tools/die_at.c is loaded into them. Places are drawn so that short steps are hit as well as
long ones: first one of the stretches of like changes to like files, then a change in it.

    changes = watched(plumb, ["run"])            # an undisturbed run, change by change
    process = start(plumb, ["run"], at=draw(rng, changes))
"""
import itertools
import os
import re
import signal
import subprocess

from conftest import program
from lake import keep, restore


def start(plumb, words, at=0, by=signal.SIGKILL, log=None, under="lake", **how):
    """Begin a command; `by` comes before its change number `at`, counted from 1, to files in the
    folder `under` of the project."""
    env = {**os.environ, "LD_PRELOAD": program("die_at.so"), "DIE_UNDER": str(plumb.dir / under),
           "DIE_AT": str(at), "DIE_WITH": str(int(by)),
           "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"}
    if log:
        env["DIE_LOG"] = str(log)
    return subprocess.Popen([plumb.exe, *words], cwd=plumb.dir, env=env, stdin=subprocess.DEVNULL,
                            **{"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, **how})


def watched(plumb, words, code=0, **how):
    """What the command, undisturbed, changes in the lake: lines "<kind> <path>"."""
    log = plumb.dir.parent / f"{plumb.dir.name}.changes"
    log.unlink(missing_ok=True)
    assert start(plumb, words, log=log, **how).wait() == code
    return log.read_text().splitlines()


def asleep(plumb, words, where):
    """The command, stopped just before its first change to a file with `where` in its name; the
    project is as it was before."""
    keep(plumb)
    at = next(n for n, change in enumerate(watched(plumb, words), 1) if where in change)
    restore(plumb)
    process = start(plumb, words, at, by=signal.SIGSTOP)
    os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WNOWAIT)
    return process


def alike(change):
    """A change without what differs between files of one kind."""
    return re.sub(r"[0-9A-Za-z-]*[0-9][0-9A-Za-z-]*", "#", change)


def draw(rng, changes):
    """The number of one of the changes."""
    stretches = [list(group) for _, group in itertools.groupby(
        enumerate(changes, 1), key=lambda numbered: alike(numbered[1]))]
    return rng.choice(rng.choice(stretches))[0]


def killed(plumb, words, at, **how):
    """Run the command and kill it: True if it died of that, not done before."""
    return start(plumb, words, at, **how).wait() == -signal.SIGKILL

# SPDX-License-Identifier: Apache-2.0
"""A disk that is full, at every size a run and an ingest may find it with: the command says so and
changes nothing that counts; with room again, the same commands finish. And a lake that may only be
read.
"""
import collections
import json
import os
import pathlib
import re
import shutil
import subprocess
import traceback

import pytest

from conftest import Plumb
from lake import FULL, figures, found, project
from mounts import apart, inside, mount, unmount
from posts import CONTRACT, MAPPING, check, lines

PAGE, SIZE = 4096, 16 << 20
POINTS = 64 if FULL else 8
RECORDS = 1500
FULL_DISK = r"no space left on device|disk is full"


def used(lake):
    return shutil.disk_usage(lake).used


def prepare(plumb, kept):
    """A lake with one batch published, beside the mount; bytes that the next commands leave."""
    lake = plumb.dir / "lake"
    mount(lake, "-t", "tmpfs", "-o", f"size={SIZE}", "none")
    project(plumb, {"posts": CONTRACT}, {"shop": MAPPING})
    for number in range(2):
        (plumb.dir / f"{number}.json").write_text(lines(number * RECORDS, RECORDS))
    plumb("ingest", "shop", "0.json")
    plumb("run")
    shutil.copytree(lake, kept)
    before = used(lake)
    plumb("ingest", "shop", "1.json")
    landed = used(lake)
    plumb("run")
    need = used(lake) - before, landed - before
    unmount(lake)
    return need


def attempt(plumb, words, said):
    """A command that may find the disk full; whether it did what it should."""
    done = plumb(*words, code=None)
    if done.returncode == 0:
        return True
    assert done.returncode == 1 and re.search(FULL_DISK, done.stderr, re.I), done.stderr
    assert done.stderr.startswith("plumb: ") and len(done.stderr.splitlines()) == 2
    assert done.stderr.splitlines()[1].startswith("  hint: Make room on "), done.stderr
    message = re.sub(r"[0-9A-Za-z]*[0-9][-0-9A-Za-z]*|'.*?'", "#", done.stderr.splitlines()[0])
    said[message] += 1
    return False


def at(plumb, kept, free):
    """Fill the disk but for `free` bytes, try, make room, try again. How far it came, and what was
    said."""
    lake, said = plumb.dir / "lake", collections.Counter()
    mount(lake, "-t", "tmpfs", "-o", f"size={SIZE}", "none")
    shutil.copytree(kept, lake, dirs_exist_ok=True)
    with open(lake / "ballast", "wb") as ballast:
        ballast.write(bytes(SIZE - used(lake) - free))
    assert shutil.disk_usage(lake).free == free
    landed = attempt(plumb, ["ingest", "shop", "1.json"], said)
    ran = attempt(plumb, ["run"], said)
    rows = 2 * RECORDS if landed and ran else RECORDS
    (lake / "ballast").unlink()
    assert sum(line["curated"] for line in plumb.json("ledger")) == rows
    check(plumb, rows) if landed == ran else None
    plumb("ingest", "shop", "1.json")
    plumb("run")
    check(plumb, 2 * RECORDS)
    assert found(plumb, ".tmp/*") == []
    assert plumb.json("verify")["sound"]
    unmount(lake)
    return "both done" if landed and ran else "landed, not run" if landed else "not landed", said


def on_its_own(function, *words):
    """Call it in a process of its own: a database of a disk that is gone is closed with that."""
    read_end, write_end = os.pipe()
    pid = os.fork()
    if not pid:
        try:
            os.write(write_end, json.dumps(function(*words)).encode())
            os._exit(0)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
    assert os.waitpid(pid, 0)[1] == 0
    return json.loads(os.read(read_end, 65536))


def fill(folder, points):
    plumb, kept = Plumb(pathlib.Path(folder) / "project"), pathlib.Path(folder) / "kept"
    (plumb.dir / "lake").mkdir(parents=True)
    (need, landing), places, said = prepare(plumb, kept), collections.Counter(), \
        collections.Counter()
    half = int(points) // 2
    pages = {landing * i // half // PAGE for i in range(half)}
    pages |= {(landing + (need * 2 - landing) * i // half) // PAGE for i in range(half)}
    for count in sorted(pages):
        place, messages = on_its_own(at, plumb, kept, count * PAGE)
        places[place] += 1
        said.update(messages)
    print(f"{len(pages)} sizes from {min(pages) * PAGE} to {max(pages) * PAGE} bytes free:",
          dict(places), sep="\n")
    print(*(f"{count} times: {message}" for message, count in sorted(said.items())), sep="\n")
    assert len(places) == 3 and len(pages) >= int(points) * 3 // 4


@pytest.mark.timeout(900)
def test_a_full_disk_loses_nothing(tmp_path):
    figures("a tmpfs of 16 MiB, full", inside("test_disk", "fill", tmp_path, POINTS))


def reader(plumb, how):
    """Words before a command that may read the lake and not write to it."""
    if how == "mount":
        here = str(plumb.dir)
        return [*apart(str(plumb.dir.parent)), "sh", "-c", f"mount --bind '{here}' '{here}' &&"
                f" mount -o remount,ro,bind '{here}' && cd '{here}' && exec \"$@\"", "sh"]
    if os.geteuid():
        for path in (plumb.dir, *plumb.dir.rglob("*")):
            path.chmod(path.stat().st_mode & ~0o222)
        return []
    if not all(folder.stat().st_mode & 1 for folder in pathlib.Path(plumb.exe).resolve().parents):
        pytest.skip("the program lies in a folder that only its owner may enter")
    for folder in (plumb.dir, *plumb.dir.parents):
        if folder.stat().st_mode & 0o005 != 0o005:
            folder.chmod(0o755)
    return ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]


@pytest.mark.parametrize("how", ["mount", "user"])
def test_who_may_only_read_can_look_and_is_told_why_not_more(tmp_path, how):
    plumb = Plumb(tmp_path / "project")
    project(plumb, {"posts": CONTRACT}, {"shop": MAPPING})
    for number in range(2):
        (plumb.dir / f"{number}.json").write_text(lines(number * RECORDS, RECORDS))
        plumb("ingest", "shop", f"{number}.json")
        if number == 0:
            plumb("run")
    looks = (["ledger"], ["status"], ["tables"], ["quarantine"], ["history", "posts"], ["runs"],
             ["describe", "posts"], ["mapping", "shop"])
    before = {tuple(words): plumb.json(*words) for words in looks}
    first = reader(plumb, how)

    def call(*words):
        return subprocess.run([*first, plumb.exe, *words], cwd=plumb.dir, capture_output=True,
                              text=True, stdin=subprocess.DEVNULL, timeout=60)
    try:
        for words in looks:
            done = call(*words, "--json")
            assert (done.returncode, done.stderr) == (0, ""), words
            assert json.loads(done.stdout) == before[tuple(words)]
        done = call("query", "SELECT count(*) AS n FROM posts", "--format", "json")
        assert (done.returncode, json.loads(done.stdout)) == (0, [{"n": RECORDS}]), done.stderr
        done = call("verify")
        assert (done.returncode, done.stderr) == (0, "") and done.stdout.endswith(": sound\n")
        for words in (["run"], ["ingest", "shop", "1.json"], ["plan"]):
            done = call(*words)
            assert done.returncode == 1
            assert done.stderr == ("plumb: cannot open registry './lake/plumb.db': the file or its"
                                   " folder is read-only\n"), words
    finally:
        for path in (plumb.dir, *plumb.dir.rglob("*")):
            path.chmod(path.stat().st_mode | 0o200)
    plumb("run")
    check(plumb, 2 * RECORDS)

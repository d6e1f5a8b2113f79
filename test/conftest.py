# SPDX-License-Identifier: Apache-2.0
"""What every test of the program shares: where it was built, and a way to call it.

    def test_something(plumb):
        plumb("init", ".")                      # fails the test unless it exits with 0
        plumb("ingest", "tiktok", "a.json", code=2)
        assert plumb.json("status")["tables"] == []

`plumb` runs in an empty folder of its own, plumb.dir.
"""
import json
import os
import pathlib
import shutil
import subprocess
import tempfile

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = pathlib.Path(os.environ.get("PLUMB_BUILD", ROOT / "build")).resolve()
SANITIZED = BUILD.name in ("build-asan", "build-tsan")


def program(name):
    """The built executable `name`, wherever in the build it was made."""
    for folder in ("src/cli", "src/sqlworker", "tools/samples", "test/tools", "src", "."):
        if (BUILD / folder / name).is_file():
            return str(BUILD / folder / name)
    pytest.fail(f"{name} is not in {BUILD}: run make", pytrace=False)


def pytest_collection_modifyitems(items):
    if SANITIZED:
        reason = pytest.mark.skip(reason="not with sanitizers")
        for item in items:
            if item.get_closest_marker("plain_build"):
                item.add_marker(reason)


class Plumb:
    """The program plumb, called as a person would, in one folder."""

    def __init__(self, folder):
        self.dir = pathlib.Path(folder)
        self.exe = program("plumb")

    def __call__(self, *words, code=0, input=None, cwd=None, env=None, timeout=240):
        """Run it with `words`; the exit code must be `code` (None: any). Output is text."""
        done = subprocess.run([self.exe, *map(str, words)], input=input, timeout=timeout,
                              capture_output=True, text=not isinstance(input, bytes),
                              cwd=cwd or self.dir, env={**os.environ, **(env or {})},
                              **({} if input is not None else {"stdin": subprocess.DEVNULL}))
        if code is not None and done.returncode != code:
            pytest.fail(f"plumb {' '.join(map(str, words))}: exit {done.returncode}, wanted {code}"
                        f"\n--- stdout\n{done.stdout}\n--- stderr\n{done.stderr}", pytrace=False)
        return done

    def json(self, *words, **how):
        """Run it with --json and give back the document it printed."""
        return json.loads(self(*words, "--json", **how).stdout)


@pytest.fixture
def plumb(tmp_path):
    return Plumb(tmp_path)


@pytest.fixture
def quick():
    """plumb in a folder in memory, if there is one: a process that dies loses nothing the kernel
    has, and a sync costs no time there."""
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) and \
        shutil.disk_usage("/dev/shm").free > 256 << 20 else None
    with tempfile.TemporaryDirectory(prefix="plumb-test-", dir=memory) as folder:
        plumb = Plumb(os.path.join(folder, "project"))
        plumb.dir.mkdir()
        yield plumb


@pytest.fixture(scope="session")
def samples():
    """plumb-samples as a function: samples(platform="tiktok", posts=100, seed=1) -> bytes."""
    exe = program("plumb-samples")

    def make(**options):
        words = [w for k, v in options.items() for w in (f"--{k}", str(v))]
        return subprocess.run([exe, *words, "--out", "-"], capture_output=True, check=True).stdout
    return make


@pytest.fixture(scope="session")
def spark():
    """SQL by Spark over one table, there called t: spark(metadata_file, sql, sql) -> rows, rows.

    Rows are dicts; what JSON has no word for is text. Needs `tools/setup.sh readers`, once.
    """
    python = ROOT / ".deps/venv-spark/bin/python"
    if not python.exists() or not list((ROOT / ".deps/spark").glob("*.jar")):
        pytest.skip("no Spark here: tools/setup.sh readers sets it up")

    def read(metadata, *statements):
        script = ROOT / "test/readers/spark_read.py"
        done = subprocess.run([python, script, str(metadata), *statements], capture_output=True,
                              text=True, timeout=240)
        assert done.returncode == 0, done.stderr[-4000:]
        return [json.loads(line) for line in done.stdout.splitlines()]
    return read

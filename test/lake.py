# SPDX-License-Identifier: Apache-2.0
"""What the end-to-end tests share: a project in a few lines, its tables read by PyIceberg, the
real data nobody here wrote, and a place for the figures a test measured.

    rows = project(plumb, "id long! | v json", shop="id: id\\n v: v")
"""
import hashlib
import importlib.util
import os
import pathlib
import shutil
import sqlite3
import subprocess
import sys
import textwrap

import duckdb
import pytest
from pyiceberg.catalog.sql import SqlCatalog

from conftest import ROOT

SHARED = pathlib.Path(os.environ.get("PLUMB_SHARED", ROOT.parent / "shared"))
DATA = SHARED / "data"
FULL = bool(os.environ.get("PLUMB_FULL"))  # the long forms


def data(*parts):
    """A file or folder of the real data; the test is skipped where it is absent."""
    path = DATA.joinpath(*parts)
    if not path.exists():
        pytest.skip(f"needs {path}, which is not part of the project (PLUMB_SHARED says where)")
    return path


def write(path, text):
    """A text file, indented as it stands in the test."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(textwrap.dedent(text).lstrip("\n"))
    return path


def project(plumb, contracts, sources, settings=""):
    """Files of a project in plumb.dir: {name: text} for contracts/ and sources/."""
    write(plumb.dir / "plumb.yaml", settings or "lake: ./lake\n")
    for folder, files in ("contracts", contracts), ("sources", sources):
        for name, text in files.items():
            write(plumb.dir / folder / f"{name}.yml", text)


def catalog(plumb, lake="lake"):
    """PyIceberg on plumb.db itself: nothing of plumb is asked."""
    lake = plumb.dir / lake
    return SqlCatalog("plumb", uri=f"sqlite:///{lake}/plumb.db", warehouse=f"file://{lake}/tables")


def table(plumb, name):
    return catalog(plumb).load_table(f"default.{name}")


def read(plumb, name, *columns, snapshot=None):
    """The rows of a table, as PyIceberg sees them: a pyarrow table."""
    return table(plumb, name).scan(selected_fields=columns or ("*",),
                                   snapshot_id=snapshot).to_arrow()


def duckdb_iceberg(sql):
    """A question asked by DuckDB's own reader of Iceberg: a pyarrow table."""
    with duckdb.connect(config={"allow_unsigned_extensions": "true"}) as con:
        for name in "avro", "iceberg":
            package = importlib.util.find_spec(f"duckdb_extension_{name}")
            if not package:
                pytest.skip(f"duckdb-extension-{name} is not installed")
            path, = pathlib.Path(package.origin).parent.rglob(f"{name}.duckdb_extension")
            con.execute(f"LOAD '{path}'")
        con.execute("SET TimeZone = 'UTC'")
        return con.execute(sql).to_arrow_table()


def tree(folder, but=("plumb.db", "plumb.db-wal", "plumb.db-shm")):
    """Name, size and SHA-256 of every file below `folder`."""
    found = {}
    for path in sorted(pathlib.Path(folder).rglob("*")):
        if path.is_file() and path.name not in but:
            content = path.read_bytes()
            found[str(path.relative_to(folder))] = (len(content),
                                                    hashlib.sha256(content).hexdigest())
    return found


def measured(plumb, *words, code=0, timeout=240):
    """Run it; seconds of processor time and MiB of memory at most."""
    # From a small process: what is started inherits the size of who starts it as its least.
    script = ("import resource as r, subprocess as s, sys; code = s.call(sys.argv[1:], stdout=2);"
              " u = r.getrusage(r.RUSAGE_CHILDREN); print(u.ru_utime + u.ru_stime, u.ru_maxrss);"
              " sys.exit(code)")
    done = subprocess.run([sys.executable, "-c", script, plumb.exe, *words], cwd=plumb.dir,
                          capture_output=True, text=True, timeout=timeout)
    assert done.returncode == code, done.stderr
    seconds, kib = done.stdout.split()
    return float(seconds), int(kib) / 1024


def found(plumb, pattern):
    """Files of the lake, by their names in it."""
    lake = plumb.dir / "lake"
    return sorted(str(p.relative_to(lake)) for p in lake.glob(pattern) if p.is_file())


def listed(plumb, name):
    """Data files of a table's current snapshot, by their names in the lake."""
    return sorted(task.file.file_path.split("/lake/", 1)[1]
                  for task in table(plumb, name).scan().plan_files())


def lose(plumb):
    """The registry is gone."""
    for file in (plumb.dir / "lake").glob("plumb.db*"):
        file.unlink()


def books(plumb, sql):
    """Rows of plumb.db as it lies there: asked of a copy, so that nothing is repaired."""
    folder = plumb.dir.parent / "books"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for name in ("plumb.db", "plumb.db-wal"):
        if (plumb.dir / "lake" / name).exists():
            shutil.copy(plumb.dir / "lake" / name, folder)
    with sqlite3.connect(folder / "plumb.db") as db:
        return db.execute(sql).fetchall()


def keep(plumb):
    """A copy of the project beside it, to begin anew from in the same place."""
    shutil.rmtree(plumb.dir.parent / "kept", ignore_errors=True)
    shutil.copytree(plumb.dir, plumb.dir.parent / "kept")


def restore(plumb):
    shutil.rmtree(plumb.dir)
    shutil.copytree(plumb.dir.parent / "kept", plumb.dir)


def figures(title, *lines):
    """Report what was measured: to the file PLUMB_FIGURES names, else to the test's output."""
    text = f"\n### {title}\n" + "".join(f"{line}\n" for line in lines)
    where = os.environ.get("PLUMB_FIGURES")
    if where:
        with open(where, "a") as out:
            out.write(text)
    print(text)

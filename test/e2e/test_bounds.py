# SPDX-License-Identifier: Apache-2.0
"""Memory and open files do not grow with the input, and nothing is paid for that in rows or in
the size of row groups. The kernel keeps the limits: RLIMIT_DATA (memory that was not read from a
file: heap and stacks, touched or not) and RLIMIT_NOFILE. It is 128 MiB over some MB; PLUMB_FULL=1
makes it 512 MiB over 2 GB."""
import contextlib
import gzip
import os
import resource
import shutil
import subprocess
import time

import duckdb
import pytest

import lake
from conftest import Plumb
from lake import FULL, figures

MEMORY = 512 if FULL else 128  # MiB
PROGRAM = 64  # MiB: what the program and its libraries have before they read a byte
WIDE = ("p: int", "id: long!", *(f"u{i}: string" for i in range(6)), "at: timestamp", "day: date",
        "ok: boolean", "kind: string", "place: string", "lang: string", "n1: int", "n2: int",
        "n3: long", "n4: long", "d1: double", "d2: double", "d3: double", "price: decimal(12,2)",
        "tag: string", "note: string")
NARROW = ("p: int", "id: long!", "v: double", "u0: string")


def wide(i, p):
    h = (i * 0x9E3779B97F4A7C15) & 0xFFFFFFFFFFFFFFFF
    return (f'{{"p":{p},"id":{i},"u0":"{h:016x}","u1":"post-{h:020d}","u2":"{i:012d}-{h:x}",'
            f'"u3":"https://example.test/p/{h:016x}/{i}","u4":"u{i}","u5":"{h:016x}{i:016x}",'
            f'"at":"2026-{i % 12 + 1:02d}-11T{i % 24:02d}:05:09Z","day":"2026-03-{i % 28 + 1:02d}",'
            f'"ok":{"true" if i & 4 else "false"},"kind":"kind {i % 7}","place":"place {i % 901}",'
            f'"lang":"l{i % 40}","n1":{i % 1000},"n2":{i % 65536},"n3":{h >> 20},"n4":{i * 3},'
            f'"d1":{i / 7},"d2":{i % 100}.5,"d3":{i * 0.001},"price":"{i % 9999}.25",'
            f'"tag":"t{i % 3000}","note":"note number {i % 50000}"}}\n')


def narrow(i, p):
    return f'{{"p":{p},"id":{i},"v":{i / 7},"u0":"u{i}"}}\n'


def widening(i, p):
    return narrow(i, p)[:-2] + (f',"note":"{i:06000d}"}}\n' if i >= 110_000 else "}\n")


def records(line, first, count, partitions):
    """Texts of some thousand lines each, partition after partition in turn."""
    for begin in range(first, first + count, 10000):
        yield "".join([line(i, i % partitions)
                       for i in range(begin, min(begin + 10000, first + count))])


def make(plumb, columns, objects, array=False):
    """A project and its landed objects: [(line, first, count, partitions)]."""
    lake.project(plumb, {"t": "table: t\npartition: [p]\ncolumns:\n"
                         + "".join(f"  {c}\n" for c in columns)},
                 {"s": "source: s\ninto: t\n" + ("records: data[]\n" if array else "") + "map:\n"
                  + "".join(f"  {c.split(':')[0]}: {c.split(':')[0]}\n" for c in columns)},
                 f"lake: ./lake\nmemory: {MEMORY}MiB\n")
    size = 0
    for one in objects:
        with gzip.open(plumb.dir / "in.json.gz", "wb", 1 if FULL else 0) as out:
            if array:
                size += out.write(b'{"data":[')
            comma = b""
            for text in records(*one):
                content = text.encode()
                if array:
                    content = comma + content[:-1].replace(b"\n", b",")
                    comma = b","
                size += out.write(content)
            if array:
                size += out.write(b"]}")
        plumb("ingest", "s", "in.json.gz")
    (plumb.dir / "in.json.gz").unlink()
    return size


def limited_run(plumb, threads, limited=True):
    """Run it; seconds, MiB resident at most, files open at most."""
    def limit():
        if limited:
            resource.setrlimit(resource.RLIMIT_DATA, ((MEMORY + PROGRAM) << 20,) * 2)
            resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
    begun = time.monotonic()
    run = subprocess.Popen([plumb.exe, "run", "--threads", str(threads)], cwd=plumb.dir,
                           preexec_fn=limit, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    files = peak = 0
    status = open(f"/proc/{run.pid}/status")
    while run.poll() is None:
        with contextlib.suppress(OSError):  # it has just ended
            status.seek(0)
            peak = max([peak, *(int(x.split()[1]) for x in status if x.startswith("VmHWM"))])
            files = max(files, len(os.listdir(f"/proc/{run.pid}/fd")))
        time.sleep(0.02)
    assert (run.returncode, run.stderr.read()) == (0, b"")
    return time.monotonic() - begun, peak / 1024, files


def copy_of(plumb, name):
    """The project and its raw objects again, before any run."""
    folder = plumb.dir.parent / name
    shutil.copytree(plumb.dir, folder, copy_function=os.link)
    for file in (folder / "lake").glob("plumb.db*"):  # written to in place
        content = file.read_bytes()
        file.unlink()
        file.write_bytes(content)
    return Plumb(folder)


def content(plumb):
    """Rows, and a hash of them in which their order does not count, over every column."""
    files = [str(p) for p in (plumb.dir / "lake/tables/t/data").rglob("*.parquet")]
    return duckdb.execute("SELECT count(*), bit_xor(hash(t)), sum(hash(t)) FROM "
                          "read_parquet(?, hive_partitioning=false) t", [files]).fetchone()


def groups(plumb):
    """Rows of every row group, by partition and task."""
    files = [str(p) for p in (plumb.dir / "lake/tables/t/data").rglob("*.parquet")]
    found = {}
    for file, rows in duckdb.execute(
            "SELECT file_name, any_value(row_group_num_rows) FROM parquet_metadata(?)"
            " GROUP BY file_name, row_group_id", [files]).fetchall():
        folder, name = file.rsplit("/", 1)
        found.setdefault((folder, name.split("-")[1]), []).append(rows)
    return found


MANY = 4_200_000 if FULL else 60_000
PARTS = 500 if FULL else 40
CASES = {
    # one gzip, its rows spread over many partitions
    "one": (WIDE, [(wide, 0, MANY, PARTS)], False),
    # one document with one array
    "array": (WIDE, [(wide, 0, MANY // 10 if FULL else 40_000, PARTS // 5)], True),
    # several objects, so that two threads work
    "several": (WIDE, [(wide, i * MANY, MANY // 4, PARTS) for i in range(4)], False),
    # tasks much larger than memory, partitions of several row groups
    "large": (WIDE if FULL else NARROW,
              [(wide if FULL else narrow, i * MANY * 5, MANY // 2 if FULL else 300_000,
                6 if FULL else 1) for i in range(2)], False),
    # as many rows as make a row group, and then wide ones
    "widening": ((*NARROW, "note: string"), [(widening, 0, 140_000, 1)], False),
}


@pytest.mark.plain_build
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("case", CASES)
def test_memory_and_files_are_bounded_and_rows_are_the_same(tmp_path, case):
    columns, objects, array = CASES[case]
    first = Plumb(tmp_path / "unlimited")
    first.dir.mkdir()
    size = make(first, columns, objects, array)
    copies = {threads: copy_of(first, f"{threads}") for threads in (1, 2)}
    lines = []
    limited_run(first, 2, limited=False)
    expected = content(first)
    assert expected[0] == sum(one[2] for one in objects)
    shutil.rmtree(first.dir)
    for threads, plumb in copies.items():
        seconds, peak, files = limited_run(plumb, threads)
        assert content(plumb) == expected
        found = groups(plumb)
        if case != "widening":  # rows of which less are much
            assert not {k: v for k, v in found.items() if len(v) > 1 and min(v) < 100_000}
        every = [n for rows in found.values() for n in rows]
        lines.append(f"{threads} threads: {seconds:.1f} s, peak {peak:.0f} MiB, {files} files open,"
                     f" {len(every)} row groups of {min(every)} to {max(every)} rows")
        shutil.rmtree(plumb.dir)
    figures(f"memory: {case}, {size / 1e6:.0f} MB, {expected[0]} rows, under {MEMORY} MiB +"
            f" program ({PROGRAM} MiB)", *lines)

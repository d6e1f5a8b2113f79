# SPDX-License-Identifier: Apache-2.0
"""Little input that becomes much: bombs of gzip and of nesting. They take time, never memory, and
what can be a row becomes one.
"""
import gzip
import json
import zlib

import duckdb
import pytest

from lake import FULL, figures, measured, project, table

CONTRACT = {"t": "table: t\ncolumns:\n  id: long\n  text: string\n"}
RULES = {"s": "source: s\ninto: t\nmap:\n  id: id\n  text: text\n"}
MEMORY = 200  # MiB the program may take, with the setting below
DEEP = 10**6


def bomb(path, pieces):
    """One gzip member of all the pieces; bytes of the content and of the file."""
    packer, count = zlib.compressobj(9, wbits=31), 0
    with open(path, "wb") as out:
        for piece in pieces:
            out.write(packer.compress(piece))
            count += len(piece)
        out.write(packer.flush())
    return count, path.stat().st_size


def ingest_and_run(plumb, name, seconds=240):
    """Both within the memory; seconds and MiB of each."""
    used = [measured(plumb, *words, timeout=seconds) for words in (["ingest", "s", name], ["run"])]
    assert max(mib for _, mib in used) < MEMORY
    return used


def tell(title, size, used, rest):
    figures(title, f"{size[1]:,} bytes of gzip, {size[0]:,} of content", *(
        f"{word}: {seconds:.1f} s of processor, {mib:.0f} MiB at most"
        for word, (seconds, mib) in zip(("ingest", "run"), used)), rest)


@pytest.mark.plain_build
@pytest.mark.parametrize("end", ['"}\n{"id":2}\n', ""])
def test_one_line_of_a_gigabyte(plumb, end):
    project(plumb, CONTRACT, RULES, "lake: ./lake\nmemory: 128MiB\n")
    size = bomb(plumb.dir / "in.gz", [b'{"id":1,"text":"', *[b"a" * (1 << 20)] *
                                      (1024 if FULL else 64), end.encode()])
    used = ingest_and_run(plumb, "in.gz")
    (line,) = plumb.json("ledger")
    tell("one line", size, used, str(line))
    assert (line["records"], line["curated"], line["quarantined"]) == (
        (2, 1, 1) if end else (1, 0, 1))
    assert table(plumb, "t").scan().to_arrow().column("id").to_pylist() == ([2] if end else [])


@pytest.mark.plain_build
@pytest.mark.timeout(3600)
def test_small_records_of_ten_gigabytes(plumb):
    project(plumb, CONTRACT, RULES, "lake: ./lake\nmemory: 128MiB\n")
    one = json.dumps({"id": 12345, "text": "the same small record, many times"}).ljust(99) + "\n"
    block, blocks = one.encode() * 10_000, 10_000 if FULL else 100
    size = bomb(plumb.dir / "in.gz", [block] * blocks)
    used = ingest_and_run(plumb, "in.gz", 3000)
    rows = 10_000 * blocks
    (line,) = plumb.json("ledger")
    assert (line["records"], line["curated"], line["quarantined"]) == (rows, rows, 0)
    files = [task.file for task in table(plumb, "t").scan().plan_files()]
    assert sum(file.record_count for file in files) == rows
    read = duckdb.sql("SELECT count(*), sum(id), min(_record), max(_record), count(DISTINCT text)"
                      f" FROM read_parquet({[file.file_path for file in files]})").fetchone()
    assert read == (rows, 12345 * rows, 0, rows - 1, 1)
    tell("small records", size, used, f"{read[0]:,} rows read back, in {len(files)} files")


@pytest.mark.plain_build
@pytest.mark.parametrize("format", ["auto", "ndjson", "array", "document", "concatenated"])
def test_nesting_of_a_million(plumb, format):
    project(plumb, CONTRACT, RULES, "lake: ./lake\nmemory: 128MiB\n")
    names = []
    for number, opening in enumerate(["[", '{"a":', '[{"a":', '{"id":1,"text":[']):
        closing = "".join({"[": "]", "{": "}"}[c] for c in reversed(opening) if c in "[{")
        for text in (opening * DEEP, opening * DEEP + "1" + closing * DEEP,
                     '{"id":1,"text":' + opening * DEEP + "1" + closing * DEEP + "}"):
            names.append(f"{number}-{len(text)}.gz")
            (plumb.dir / names[-1]).write_bytes(gzip.compress(text.encode() + b"\n", 1))
    (plumb.dir / "good.json").write_text('{"id":7,"text":"good"}\n')
    used = [measured(plumb, "ingest", "s", *names, "--format", format)]
    plumb("ingest", "s", "good.json")
    used.append(measured(plumb, "run"))
    assert all(seconds < 10 and mib < MEMORY for seconds, mib in used)
    books = plumb.json("ledger")
    assert [(line["records"], line["quarantined"]) for line in books].count((1, 1)) == len(names)
    assert table(plumb, "t").scan().to_arrow().column("id").to_pylist() == [7]
    why = {entry["reason"] for entry in plumb.json("quarantine")}
    figures(f"{len(names)} objects nested {DEEP:,} deep, as {format}", *(
        f"{word}: {seconds:.1f} s of processor, {mib:.0f} MiB at most"
        for word, (seconds, mib) in zip(("ingest", "run"), used)), *sorted(why))

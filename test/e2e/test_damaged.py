# SPDX-License-Identifier: Apache-2.0
"""Raw objects that changed after they landed, and gzip input that came cut or chained: what is not
what landed is refused before it is published and said with its name, everything else is published,
and once the right bytes are back the next run maps them.
"""
import gzip
import json
import random
import re

import pytest

from lake import FULL, figures, measured, project, read

CONTRACT = {"t": "table: t\nkey: [id]\ncolumns:\n  id: long!\n  text: string\n"}
RULES = {"s": "source: s\ninto: t\nmap:\n  id: id\n  text: text\n"}
RECORDS = 40


def content(number, records=RECORDS):
    """Records of one object; every object's content has the same length."""
    draw = random.Random(number)
    return "".join(f'{{"id": {10_000_000 + number * records + i}, "text":'
                   f' "{draw.getrandbits(256):064x}"}}\n' for i in range(records)).encode()


def land(plumb, count, records=RECORDS):
    """Objects, every other one from gzip: the paths of their raw files by number."""
    project(plumb, CONTRACT, RULES)
    names = []
    for number in range(count):
        data = content(number, records)
        names.append(f"{number}.json")
        (plumb.dir / names[-1]).write_bytes(gzip.compress(data) if number % 2 else data)
    landed = plumb.json("ingest", "s", *names)["objects"]
    return [plumb.dir / "lake" / one["key"] for one in landed]


def change(path, data):
    path.chmod(0o644)
    path.write_bytes(data)


def flipped(data, at, bit):
    return data[:at] + bytes([data[at] ^ 1 << bit]) + data[at + 1:]


def refused(plumb):
    """Run: what it refused, object -> reason."""
    done = plumb("run", code=None)
    told = dict(re.findall(r"cannot map raw object '(\w+)' of source 's': (.*)", done.stderr))
    assert done.returncode == (1 if told else 0), done.stderr
    return told


def published(plumb):
    rows = read(plumb, "t", "id", "text").to_pylist()
    return {row["id"]: row["text"] for row in rows}, len(rows)


def expected(numbers):
    return {row["id"]: row["text"] for number in numbers
            for row in map(json.loads, content(number).splitlines())}


@pytest.mark.parametrize("seed", range(20 if FULL else 1))
def test_objects_that_changed_are_refused_the_others_published(plumb, seed):
    rng, flips = random.Random(seed), 50
    paths = land(plumb, flips + 12)
    whole = [path.read_bytes() for path in paths]
    at = [rng.randrange(len(data)) for data in whole[:flips]]
    for path, data, offset in zip(paths, whole, at):
        change(path, flipped(data, offset, rng.randrange(8)))
    n = flips
    members = whole[n].index(b"\x1f\x8b\x08", 1)
    for path, data in zip(paths[n:], (
            gzip.compress(content(999)),  # another gzip, with content of the same length
            whole[n + 2], whole[n - 1],  # other objects
            whole[n + 3][:members],  # its head alone
            whole[n + 4][:len(whole[n + 4]) // 2], whole[n + 5][:-1], b"",  # cut
            whole[n + 7] + gzip.compress(b""), whole[n + 8] + b"\0")):  # more than there was
        change(path, data)
    paths[n + 9].unlink()
    names = [path.name.split(".")[0] for path in paths]
    told = refused(plumb)
    silent = [number for number in range(flips) if names[number] not in told]
    assert set(names[n:n + 10]) - set(told) <= {names[n + 8]}
    assert set(told) <= set(names[:n + 10])
    # Bits that nothing reads change nothing: times in gzip headers, the original file's name.
    good = [number for number, name in enumerate(names) if name not in told]
    assert published(plumb) == (expected(good), len(good) * RECORDS)
    for number in silent:
        rest = whole[number][members:]
        assert at[number] < members or rest[:2] != b"\x1f\x8b" or at[number] < members + 10 \
            or at[number] >= whole[number].rindex(b"PL") - 12
    figures(f"raw objects that changed, seed {seed}",
            f"{flips} with one bit flipped: {flips - len(silent)} refused, {len(silent)} where"
            " nothing reads it (rows identical)", "10 replaced, cut, lengthened, removed: "
            f"{len(set(names[n:n + 10]) & set(told))} refused", f"{len(good)} published",
            *sorted({reason.split(': ')[-1] for reason in told.values()}))
    assert refused(plumb) == told  # again, as long as they are not what landed
    for path, data in zip(paths, whole):
        if path.exists():
            path.chmod(0o644)
        path.write_bytes(data)
    assert refused(plumb) == {}
    assert published(plumb) == (expected(range(len(paths))), len(paths) * RECORDS)
    assert all(line["records"] == line["curated"] == RECORDS for line in plumb.json("ledger"))


@pytest.mark.plain_build
def test_many_damaged_objects_cost_one_more_pass(plumb):
    paths = land(plumb, 100, 400)
    other = type(plumb)(plumb.dir / "other")
    other.dir.mkdir()
    land(other, 100, 400)
    whole, _ = measured(other, "run")
    for path in paths[1:]:
        data = path.read_bytes()
        change(path, flipped(data, len(data) * 3 // 4, 1))
    assert len(refused(plumb)) == 99
    seconds, _ = measured(plumb, "run", code=1)
    assert seconds < 5 * whole  # it was fifty passes


def test_a_broken_object_that_changed_is_refused_too(plumb):
    project(plumb, CONTRACT, RULES)
    (plumb.dir / "cut.gz").write_bytes(gzip.compress(content(0))[:-300])
    (landed,) = plumb.json("ingest", "s", "cut.gz")["objects"]
    assert landed["broken"]
    path = plumb.dir / "lake" / landed["key"]
    whole = path.read_bytes()
    change(path, flipped(whole, len(whole) - 5, 3))
    assert list(refused(plumb)) == [landed["object"]]
    change(path, whole)
    assert refused(plumb) == {}
    (line,) = plumb.json("ledger")
    assert line["quarantined"] >= 1 and line["curated"] > 10
    rows, count = published(plumb)
    assert count == line["curated"] and rows.items() <= expected([0]).items()


@pytest.mark.parametrize("members", [2, 300])
def test_chained_gzip_is_one_content(plumb, members):
    project(plumb, CONTRACT, RULES)
    parts = [content(number) for number in range(members)]
    joined = b"".join(parts)
    cuts = sorted(random.Random(members).randrange(len(joined)) for _ in range(members))
    pieces = [joined[a:b] for a, b in zip([0, *cuts], [*cuts, len(joined)])]
    (plumb.dir / "in.gz").write_bytes(b"".join(map(gzip.compress, pieces)))  # some within a record
    plumb("ingest", "s", "in.gz")
    assert refused(plumb) == {}
    assert published(plumb) == (expected(range(members)), members * RECORDS)


@pytest.mark.parametrize("where", ["within the second", "between", "garbage", "zeros"])
def test_what_stands_before_a_break_in_a_chain_is_kept(plumb, where):
    project(plumb, CONTRACT, RULES)
    one, two = gzip.compress(content(0)), gzip.compress(content(1))
    (plumb.dir / "in.gz").write_bytes({"within the second": one + two[:len(two) // 2],
                                       "between": one + two[:5], "garbage": one + b"garbage",
                                       "zeros": one + bytes(100)}[where])
    plumb("ingest", "s", "in.gz")
    assert refused(plumb) == {}
    rows, count = published(plumb)
    assert count == len(rows) and expected([0]).items() <= rows.items()
    assert rows.items() <= expected([0, 1]).items()
    (line,) = plumb.json("ledger")
    assert line["curated"] == count and line["quarantined"] in (1, 2)

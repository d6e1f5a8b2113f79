# SPDX-License-Identifier: Apache-2.0
"""Any record under any mapping: what a path leads to is in its column, and everything else is in
_rest. Made-up records and paths, and the same rules a second time in Python.
"""
import itertools
import json
import random

from conftest import Plumb
from lake import project, read

KEYS = ["a", "b", "c", "a.b", "", "\u00e9", "x y", "$d", "A"]
TABLES, RECORDS, COLUMNS = 30, 150, 5


def scalar(rng):
    return rng.choice([None, True, False, 0, -1, 2**63, 10**30, "", "a", "\u00e9\"\\\n",
                       rng.randrange(1000), "5", [], {}])


def value(rng, depth):
    kind = rng.randrange(8)
    if depth == 0 or kind < 3:
        return scalar(rng)
    if kind == 3:
        return [value(rng, depth - 1) for _ in range(rng.randrange(4))]
    return {rng.choice(KEYS): value(rng, depth - 1) for _ in range(rng.randrange(5))}


def written(rng, v):
    """JSON text of a value in one of the many ways to write it, keys now and then twice."""
    space = rng.choice(["", "", " ", " \t\r"])
    if isinstance(v, dict):
        members = [(k, written(rng, m)) for k, m in v.items()]
        if members and rng.randrange(6) == 0:  # the last of equal keys counts
            members.insert(0, (rng.choice(members)[0], written(rng, scalar(rng))))
        return "{" + space + ",".join(f"{text(rng, k)}{space}:{space}{m}{space}"
                                      for k, m in members) + "}"
    if isinstance(v, list):
        return "[" + space + ",".join(written(rng, i) + space for i in v) + "]"
    return text(rng, v) if isinstance(v, str) else json.dumps(v)


def text(rng, string):
    if rng.randrange(4):
        return json.dumps(string, ensure_ascii=bool(rng.randrange(2)))
    return '"' + "".join(f"\\u{ord(c):04x}" for c in string) + '"'


def path(rng):
    """Steps: keys, and sometimes an index or a lookup among the last ones."""
    steps = [rng.choice(KEYS) for _ in range(rng.randrange(1, 4))]
    if rng.randrange(5) == 0:
        steps.append(rng.randrange(3))
        if rng.randrange(2):
            steps.append(rng.choice(KEYS))
    elif rng.randrange(8) == 0:
        steps.append((rng.choice(["a", "b"]), rng.choice(["a", "5", ""])))
    return steps


def path_text(steps):
    out = "$"
    for step in steps:
        out += f"[{step}]" if isinstance(step, int) else \
            f"[{step[0]}={json.dumps(step[1])}]" if isinstance(step, tuple) else \
            f"[{json.dumps(step, ensure_ascii=False)}]"
    return out


ABSENT = object()


def follow(v, steps):
    for step in steps:
        if isinstance(step, int):
            v = v[step] if isinstance(v, list) and step < len(v) else ABSENT
        elif isinstance(step, tuple):
            v = next((i for i in v if isinstance(i, dict) and i.get(step[0]) == step[1]),
                     ABSENT) if isinstance(v, list) else ABSENT
        else:
            v = v.get(step, ABSENT) if isinstance(v, dict) else ABSENT
        if v is ABSENT:
            break
    return v


def without(v, gone, wanted, here=()):
    """`v` less the paths in `gone`. An object with a wanted path in it is as good as its members:
    when none is left, it is gone too. One that is wanted itself and did not fit stays whole."""
    walked = any(path[:len(here)] == here and len(path) > len(here) for path in wanted)
    if here in wanted or not walked or not isinstance(v, dict):
        return v
    left = {k: without(m, gone, wanted, here + (k,)) for k, m in v.items()
            if here + (k,) not in gone}
    return {k: m for k, m in left.items() if m is not ABSENT} or ABSENT


def put(v, keys, kept):
    """A copy of `v` with `kept` at the path."""
    below = put(v.get(keys[0], {}), keys[1:], kept) if len(keys) > 1 else kept
    return {**v, keys[0]: below}


def expected(record, columns):
    row, flags, gone, wanted = {}, [], set(), set()
    for name, (kind, steps) in zip("pqrst", columns):
        found = follow(record, steps)
        keys = tuple(itertools.takewhile(lambda step: isinstance(step, str), steps))
        keys_only = len(keys) == len(steps)
        wanted.add(keys)
        row[name] = None
        if follow(record, keys) is None:
            gone.add(keys)  # NULL, said by NULL
        if found is ABSENT or found is None:
            continue
        fits = kind == "json" or kind == "long" and not isinstance(found, bool) and (
            isinstance(found, int) and abs(found) < 2**63 or found == "5")
        if not fits:
            flags.append(f"{name}:lost")
            continue
        if kind == "long" and isinstance(found, str):
            flags.append(f"{name}:coerced")
        row[name] = found if kind == "json" else int(found)
        if keys_only:
            gone.add(tuple(steps))
    rest = without(record, gone, wanted)
    # A value that did not fit stays, also where another column took the object around it.
    for keys in wanted - gone:
        if any(keys[:i] in gone for i in range(1, len(keys))):
            kept = follow(record, keys)
            if kept is not ABSENT:
                rest = put({} if rest is ABSENT else rest, keys, kept)
    row["_flags"] = flags or None
    row["_rest"] = None if rest is ABSENT or not rest else rest
    return row


def test_what_no_column_takes_is_in_the_rest(tmp_path):
    rng = random.Random(7)
    plumb = Plumb(tmp_path)
    tables = []
    contracts, sources = {}, {}
    for t in range(TABLES):
        columns, seen = [], []
        while len(columns) < COLUMNS:
            columns.append((rng.choice(["json", "json", "long"]), path(rng)))
        tables.append(columns)
        contracts[f"t{t}"] = f"table: t{t}\ncolumns:\n" + "".join(
            f"  {name}: {kind}\n" for name, (kind, _) in zip("pqrst", columns))
        sources[f"s{t}"] = f"source: s{t}\ninto: t{t}\nmap:\n" + "".join(
            f"  {name}: '{path_text(steps)}'\n" for name, (_, steps) in zip("pqrst", columns))
    project(plumb, contracts, sources)
    records = []
    for t in range(TABLES):
        records.append([{rng.choice(KEYS): value(rng, 3) for _ in range(rng.randrange(6))}
                        for _ in range(RECORDS)])
        lines = [written(rng, record) for record in records[-1]]
        (tmp_path / f"{t}.json").write_text("\n".join(lines))
        plumb("ingest", f"s{t}", f"{t}.json", "--format", "ndjson")
    done = plumb.json("run")
    assert done["records"]["quarantined"] == 0, plumb.json("quarantine")[:3]
    for t, columns in enumerate(tables):
        rows = read(plumb, f"t{t}").sort_by("_record").to_pylist()
        for i, (row, record) in enumerate(zip(rows, records[t], strict=True)):
            got = {name: json.loads(row[name]) if kind == "json" and row[name] is not None
                   else row[name] for name, (kind, _) in zip("pqrst", columns)}
            got["_flags"] = row["_flags"]
            got["_rest"] = None if row["_rest"] is None else json.loads(row["_rest"])
            assert got == expected(record, columns), (t, i, record, columns)

# SPDX-License-Identifier: Apache-2.0
"""Made-up upgrades of an API, judged: renames among decoys, and levels that move without a unit.

    PYTHONPATH=test python3 -m drift.upgrades BUILD SHARED [CASES [SERIES]]

Half of the cases are real records in which one key is renamed, its real siblings being the decoys;
half are made of columns that behave like counters, rates, flags, texts. Of both, every fourth has
no rename at all: a key goes, another one comes.
"""
import collections
import copy
import json
import pathlib
import random
import sys
import tempfile

from drift import chains
from drift.findings import bits, findings, keep, scalars, values

ENTITIES = (3, 5, 10, 20, 50, 100, 300, 1000, 5000)
NAMES = ("tally", "zone_mark", "primary", "extent", "aspect", "q7", "payload_ref", "grade")


def take(record, path):
    for key in path[:-1]:
        record = record[key[1:]]
    return record.pop(path[-1][1:], None)


def grow(chance, record):
    """Counters go on counting."""
    for key, value in record.items():
        if isinstance(value, dict):
            grow(chance, value)
        elif isinstance(value, int) and not isinstance(value, bool) and "count" in key:
            record[key] = value + int(value * chance.random() * 0.1) + (chance.random() < 0.3)


def unrelated(chance, paths):
    """One to three of them, none within another."""
    picked = []
    for path in chance.sample(paths, min(chance.choice((1, 1, 2, 3)), len(paths))):
        if all(path[:len(p)] != p and p[:len(path)] != path for p in picked):
            picked.append(path)
    return picked


# ---- real records

def real_sets(shared):
    """Lists of records that have an id, the last of each id."""
    found = {}
    with tempfile.TemporaryDirectory() as scratch:
        for name, pair, before, after, _ in chains.pairs(shared, scratch):
            for side in (before, after):
                records = [json.loads(line) for line in side.read_text().splitlines()]
                by_id = {str(r["id"]): r for r in records if isinstance(r, dict) and "id" in r}
                if len(by_id) >= 20:
                    found[name, pair, side.name] = list(by_id.values())
    return list(found.values())


def real_case(chance, sets, shared_count):
    records = chance.choice([s for s in sets if len(s) >= min(shared_count, 150)] or sets)
    records = chance.sample(records, min(shared_count, len(records)))
    before = copy.deepcopy(records)
    after = copy.deepcopy(records)
    paths = collections.defaultdict(set)
    seen = collections.Counter()
    for record in records:
        for path, value in scalars(record):
            if "[*]" not in path and path != (".id",):
                paths[path].add(str(value))
                seen[path] += 1
    fit = sorted(p for p in paths if len(paths[p]) > 1 and seen[p] >= 0.5 * len(records))
    if not fit:
        return None
    for record in after:
        grow(chance, record)
    return before, after, unrelated(chance, fit)


# ---- made-up records

def columns(chance, n):
    """Name to (values before, values after): how each kind of column behaves between two polls."""
    level = [int(chance.lognormvariate(6, 2)) for _ in range(n)]
    made = {"id": ([f"p{100000 + i * 7}" for i in range(n)],) * 2}

    def counter(name, values, pace):
        made[name] = (values, [v + int(v * chance.random() * pace) for v in values])

    counter("views", [v * 20 + chance.randrange(100) for v in level], 0.1)
    counter("likes", level, 0.1)
    counter("shares", [int(v * chance.uniform(0.02, 0.2)) for v in level], 0.05)
    counter("comments", [int(v * chance.lognormvariate(-2, 0.5)) for v in level], 0.2)
    rate = [round(chance.betavariate(2, 9), 4) for _ in range(n)]
    made["rate"] = (rate, [round(r * chance.uniform(0.95, 1.05), 4) for r in rate])
    for name, pool in (("title", 100000), ("author", 40), ("place", 9)):
        texts = [f"{name} {chance.randrange(pool)}" for _ in range(n)]
        made[name] = (texts, texts)
    live = [chance.random() < 0.4 for _ in range(n)]
    made["live"] = (live, live)
    kind = [chance.choice(("video", "image", "story")) for _ in range(n)]
    made["kind"] = (kind, kind)
    created = [1700000000 + chance.randrange(10000000) for _ in range(n)]
    made["created"] = (created, created)
    length = [chance.randrange(5, 900) for _ in range(n)]
    made["length"] = (length, length)
    return made


def made_case(chance, n):
    made = columns(chance, n)
    sides = [[{name: made[name][side][i] for name in made} for i in range(n)] for side in (0, 1)]
    paths = sorted(("." + name,) for name in made if name != "id")
    return sides[0], sides[1], unrelated(chance, paths)


# ---- upgrades

DECOYS = ("flag", "number", "like a sibling", "like what is gone", "copy of a sibling")


def decoy(chance, kind, gone, sibling):
    """The value of a new key that continues nothing."""
    if kind == "flag":
        return chance.random() < 0.5
    if kind == "number":
        return chance.randrange(10 ** 6)
    if kind == "copy of a sibling":
        return sibling
    value = gone if kind == "like what is gone" else sibling
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return f"{kind[5]} {chance.randrange(10 ** 4)}"
    return int(value * chance.lognormvariate(0.3, 0.3)) + 1


def move(record, path, how, name):
    """The value at `path` under another name; False: there was none."""
    if not values(record, path):
        return False
    into = record
    for key in path[:-1]:
        into = into[key[1:]]
    value = into.pop(path[-1][1:])
    if how == "text" and isinstance(value, (int, float)) and not isinstance(value, bool):
        value = str(value)
    if how == "into":
        into = record.setdefault("moved_here", {})
    into[name] = value
    return True


def upgrade(chance, after, paths, renamed):
    """Renames `paths` in `after` (or only removes them) among decoys. Returns the new paths."""
    names = chance.sample(NAMES, 6)
    hows = [chance.choice(("name", "name", "into", "text")) for _ in paths]
    kinds = [chance.choice(DECOYS) for _ in range(chance.choice((1, 2, 3)))]
    common = sorted({p[0][1:] for r in after[:20] for p, v in scalars(r) if len(p) == 1}
                    - {p[0][1:] for p in paths} - {"id"})
    sibling = chance.choice(common) if common else None
    for record in after:
        gone = (values(record, paths[0]) or [None])[0]
        kept = record.get(sibling)
        for path, how, name in zip(paths, hows, names):
            if not renamed:
                if values(record, path):
                    take(record, path)
            else:
                move(record, path, how, name)
        for kind, name in zip(kinds, names[3:]):
            record[name] = decoy(chance, kind, gone, kept)
    return [(".moved_here", "." + name) if how == "into" else (*path[:-1], "." + name)
            for path, how, name in zip(paths, hows, names)]


def dotted(path):
    return "$" + "".join(key if key == "[*]" or key[1:].replace("_", "a").isalnum()
                         and not key[1:2].isdigit() else f'["{key[1:]}"]' for key in path)


def play_renames(build, shared, cases, scratch, entities=ENTITIES):
    sets, results = real_sets(shared) if shared else [], []
    for number in range(cases):
        chance = random.Random(number)
        n = entities[number // 2 % len(entities)]
        real = number % 2 == 0 and bool(sets)
        case = real_case(chance, sets, n) if real else made_case(chance, n)
        if not case:
            continue
        before, after, paths = case
        renamed = chance.random() < 0.75
        chance.shuffle(after)
        news = upgrade(chance, after, paths, renamed)
        found = findings(build, keep(before, scratch / "before.jsonl"),
                         keep(after, scratch / "after.jsonl"))
        said = {(f["before"], f["after"]) for f in found
                if f["class"] == "renamed" and f["strength"] == "strong"}
        roots = {(f["before"], f["after"]) for f in found
                 if f["class"] == "renamed" and f["strength"] == "strong" and f["root"]}
        right = {(dotted(old), dotted(new)): old for old, new in zip(paths, news)}
        wrong = sorted(roots - (right.keys() if renamed else set()))
        for k, (pair, path) in enumerate(right.items()):
            agreeing = [v for r in before for v in values(r, path) if v is not None]
            results.append({"number": number, "real": real, "entities": len(before),
                            "renamed": renamed, "bits": bits(agreeing), "found": pair in said,
                            "path": pair, "wrong": [] if k else wrong})
    return results


def play_series(build, series, scratch):
    """Everybody's values move by 2 to 50 times, each a little by itself; no unit changes."""
    wrong = []
    for number in range(series):
        chance = random.Random(10 ** 6 + number)
        n, move = chance.choice((20, 50, 200, 1000)), chance.uniform(0.301, 1.699)
        if chance.random() < 0.3:
            move = -move
        spread, whole = chance.choice((0, 0.002, 0.02, 0.1, 0.3)), chance.random() < 0.7
        before, after = [], []
        for i in range(n):
            value = chance.lognormvariate(7, 1.5) + 20
            now = value * 10 ** (move + chance.gauss(0, spread))
            before.append({"id": f"p{i}", "title": f"t{i}",
                           "level": int(value) if whole else round(value, 3)})
            after.append({"id": f"p{i}", "title": f"t{i}",
                          "level": int(now) if whole else round(now, 3)})
        found = findings(build, keep(before, scratch / "before.jsonl"),
                         keep(after, scratch / "after.jsonl"))
        if any(f["class"] == "rescaled" for f in found):
            wrong.append((number, n, round(10 ** move, 2), spread))
    return wrong


def rates(results):
    said = sum(r["found"] and r["renamed"] for r in results) + sum(len(r["wrong"]) for r in results)
    right = sum(r["found"] and r["renamed"] for r in results)
    there = sum(r["renamed"] for r in results)
    return there, right, right / max(there, 1), said, right / max(said, 1)


def table(title, groups):
    print(f"{title:28}{'renames':>8}{'found':>7}{'recall':>8}{'said':>7}{'precision':>10}")
    for name, group in groups:
        there, right, recall, said, precision = rates(group)
        print(f"{name:28}{there:8}{right:7}{recall:8.3f}{said:7}{precision:10.3f}")


def print_renames(results):
    table("cases", [("all", results), ("real records", [r for r in results if r["real"]]),
                    ("made-up records", [r for r in results if not r["real"]])])
    steps = [0, *ENTITIES[1:], 10 ** 9]
    table("shared entities", [(f"{a} to {b - 1}", [r for r in results if a <= r["entities"] < b])
                              for a, b in zip(steps, steps[1:])])
    many = [r for r in results if r["entities"] >= 100]
    table("100 or more", [("real records", [r for r in many if r["real"]]),
                          ("made-up records", [r for r in many if not r["real"]])])
    steps = [0, 5, 10, 15, 20, 30, 50, 100, 300, 10 ** 9]
    table("bits of evidence", [(f"{a} to {b}", [r for r in results if a <= r["bits"] < b])
                               for a, b in zip(steps, steps[1:])])
    for r in results:
        if r["wrong"] or (r["renamed"] and not r["found"] and r["entities"] >= 20):
            print("wrong" if r["wrong"] else "missed", r["number"], "real" if r["real"] else "made",
                  r["entities"], "entities", round(r["bits"]), "bits", *r["path"], *r["wrong"])


def main():
    build, shared = sys.argv[1:3]
    cases = int(sys.argv[3]) if len(sys.argv) > 3 else 1000
    series = int(sys.argv[4]) if len(sys.argv) > 4 else 1000
    with tempfile.TemporaryDirectory() as scratch:
        print_renames(play_renames(build, shared, cases, pathlib.Path(scratch)))
        wrong = play_series(build, series, pathlib.Path(scratch))
    print(f"rescaled in {series} series without a change of unit: {len(wrong)} {wrong[:5]}")


if __name__ == "__main__":
    main()

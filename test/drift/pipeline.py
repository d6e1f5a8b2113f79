# SPDX-License-Identifier: Apache-2.0
"""Made-up upgrades of an API through the whole program: what is published is what was true.

    PYTHONPATH=test python3 -m drift.pipeline BUILD SHARED [CASES [FIRST]]

A source is polled for some days, then its records are upgraded, and every batch is one landing and
one run. The truth is what the mapping makes of the records had they not been upgraded; after each
run every row that was published is held against it. Whoever waits publishes nothing wrong.
"""
import collections
import copy
import json
import os
import pathlib
import random
import shutil
import sys
import tempfile

import pyarrow.parquet as pq

import lake
from conftest import Plumb
from drift import upgrades
from drift.findings import scalars, values

KINDS = ("renamed", "renamed", "renamed", "optional", "moved", "several", "half-way", "flips",
         "text", "words", "times 100", "times 1000", "percent", "removed", "entity")
UNITS = ("times 100", "times 1000", "percent")  # small counters may come to any value
BATCHES = (1, 2, 5, 20, 300, 10000)
ENTITIES = (3, 20, 100, 300, 1000, 5000)
RUNS = {1: 12, 2: 10, 5: 8, 20: 6, 300: 4, 10000: 2}
DAY = 24 * 3600
START = 1767225600
COLUMNS = 10


# ---- the world ---------------------------------------------------------------------------------

def made_world(chance, n):
    """Records as a platform has them, of which some lack a key."""
    made = upgrades.columns(chance, n)
    world = []
    for i in range(n):
        flat = {name: made[name][0][i] for name in made}
        record = {k: flat[k] for k in ("id", "title", "author", "live", "kind", "created")}
        record["stats"] = {k + "_count": flat[k] for k in ("views", "likes", "shares", "comments")}
        record["stats"]["rate"] = flat["rate"]
        record["length"] = flat["length"]
        if chance.random() < 0.6:
            record["place"] = flat["place"]
        if chance.random() < 0.8:
            record["stats"]["saves_count"] = flat["likes"] // 7 + i % 5
        world.append(record)
    return world


def real_world(chance, sets, n):
    records = copy.deepcopy(chance.choice([s for s in sets if len(s) >= min(n, 80)]))
    return chance.sample(records, min(n, len(records)))


def plain(path):
    return all(key[1:].isidentifier() and key[0] == "." and key[1:].isascii() for key in path)


def typed(found):
    kinds = {type(v) for v in found}
    if kinds == {bool}:
        return "boolean"
    if kinds == {int}:
        return "long" if all(abs(v) < 2 ** 50 for v in found) else None
    if kinds <= {int, float}:
        return "double"
    return "string" if kinds == {str} else None


class World:
    """Entities that go on living, and the columns that are made of them."""

    def __init__(self, chance, entities):
        self.chance, self.entities = chance, entities
        self.paths = {}
        found = collections.defaultdict(list)
        for record in entities:
            for path, value in scalars(record):
                if plain(path) and path != (".id",):
                    found[path].append(value)
        usable = sorted(p for p in found if typed(found[p]))
        for path in chance.sample(usable, min(COLUMNS, len(usable))):
            self.paths[f"c{len(self.paths)}"] = path
        self.types = {name: typed(found[p]) for name, p in self.paths.items()}
        self.found = {name: found[p] for name, p in self.paths.items()}

    def poll(self, size):
        """`size` records as they are now; entities come round one after the other."""
        picked = []
        while len(picked) < size:
            picked += self.chance.sample(self.entities, min(size - len(picked),
                                                            len(self.entities)))
        for record in picked:
            upgrades.grow(self.chance, record)
        return [copy.deepcopy(r) for r in picked]

    def truth(self, record):
        row = {"entity": str(record["id"])}
        for name, path in self.paths.items():
            row[name] = (values(record, path) or [None])[0]
        return row


# ---- upgrades ----------------------------------------------------------------------------------

class Upgrade:
    """What happens to records, the same for every batch but for the values of the decoys."""

    def __init__(self, chance, world, kind):
        self.chance, self.kind = chance, kind
        self.names = chance.sample(upgrades.NAMES, 6)
        self.kinds = [chance.choice(upgrades.DECOYS) for _ in range(chance.choice((1, 2, 3)))]
        self.columns = self.choose(world)
        self.paths = [world.paths[c] for c in self.columns]
        common = sorted({p for r in world.entities[:20] for p, _ in scalars(r) if len(p) == 1}
                        - {p[:1] for p in self.paths} - {(".id",)})
        self.sibling = chance.choice(common)[0][1:] if common else None
        self.right = {"$.id": "$.item_id"} if kind == "entity" else {}
        if kind in ("renamed", "optional", "moved", "several", "half-way", "flips"):
            self.right = {upgrades.dotted(p): upgrades.dotted(self.new_path(p, name))
                          for p, name in zip(self.paths, self.names)}

    def choose(self, world):
        count, many = self.chance.choice((2, 3)) if self.kind == "several" else 1, []
        for name, found in world.found.items():
            share, kind = len(found) / len(world.entities), world.types[name]
            if self.kind in UNITS[:2]:
                fits = kind == "long" and share == 1 and min(found) > 0
            elif self.kind == "percent":
                fits = kind == "double" and 0 <= min(found) and max(found) <= 1
            elif self.kind == "text":
                fits = kind == "long"
            elif self.kind == "words":
                fits = kind in ("long", "double")
            elif self.kind == "optional":
                fits = 0.2 <= share < 1
            elif self.kind == "removed":
                fits = share == 1
            else:
                fits = share >= 0.5
            if fits and len(set(found)) > 1:
                many.append(name)
        return self.chance.sample(many, min(count, len(many)))

    def new_path(self, path, name):
        return (".moved_here", "." + name) if self.kind == "moved" else (*path[:-1], "." + name)

    def change(self, record, path, name):
        into = record
        for key in path[:-1]:
            into = into[key[1:]]
        key, value = path[-1][1:], into[path[-1][1:]]
        if value is None or self.kind == "removed":
            del into[key]
        elif self.kind == "text":
            into[key] = str(value)
        elif self.kind == "words":
            into[key] = f"about {value}"
        elif self.kind.startswith("times "):
            into[key] = value * int(self.kind[6:])
        elif self.kind == "percent":
            into[key] = round(value * 100, 6)
        else:
            upgrades.move(record, path, "into" if self.kind == "moved" else "name", name)

    def __call__(self, record):
        gone = (values(record, self.paths[0]) or [None])[0] if self.paths else None
        kept = record.get(self.sibling)
        for path, name in zip(self.paths, self.names):
            if values(record, path):
                self.change(record, path, name)
        if self.kind == "entity":
            record["item_id"] = record.pop("id")
        for kind, name in zip(self.kinds, self.names[3:]):
            record[name] = upgrades.decoy(self.chance, kind, gone, kept)
        return record

    def apply(self, records, batch, batches):
        if self.kind == "flips" and batch % 2:
            return records
        if self.kind == "half-way":  # servers switch one after the other
            share = min(1, (batch + 1) / (batches / 2 + 1))
            return [self(r) if self.chance.random() < share else r for r in records]
        return [self(r) for r in records]


# ---- one case ----------------------------------------------------------------------------------

class Played:
    def __init__(self, plumb, world, upgrade, critical):
        self.plumb, self.world, self.upgrade = plumb, world, upgrade
        self.truths = {}   # object -> rows as they should be
        self.number, self.now = 0, START
        self.checked = set()
        self.published = set()
        self.nulls, self.wrong, self.absent, self.rows = [], [], [], 0
        contract = "table: posts\nkey: [entity]\npartition: []\n"
        contract += f"critical: [{', '.join(critical)}]\n" if critical else ""
        contract += "columns:\n  entity: string!\n"
        mapping = "source: shop\ninto: posts\nmap:\n  entity: id\n"
        for name, path in world.paths.items():
            contract += f"  {name}: {world.types[name]}\n"
            mapping += f"  {name}: {'.'.join(k[1:] for k in path)}\n"
        lake.project(plumb, {"posts": contract}, {"shop": mapping})

    def land(self, size, pause, batch=None, batches=0):
        records = self.world.poll(size)
        truth = [self.world.truth(r) for r in records]
        if batch is not None:
            records = self.upgrade.apply(records, batch, batches)
        file = self.plumb.dir / f"{self.number}.json"
        file.write_text("".join(json.dumps(r, ensure_ascii=False) + "\n" for r in records))
        self.number, self.now = self.number + 1, self.now + pause
        said = self.plumb.json("ingest", "shop", file.name, "--received", self.now)
        self.truths[said["objects"][0]["object"]] = truth
        file.unlink()
        return said["objects"][0]["object"]

    def run(self):
        said = self.plumb.json("run", code=None)
        self.check()
        return said["holds"]

    def check(self):
        """Rows that came by the last run against the truth; each object is there whole, and once:
        one that was published and then mapped anew for a new column is in two files, one of them
        no more of the table."""
        rows = collections.Counter()
        live = set()
        if (self.plumb.dir / "lake/tables/posts/metadata").exists():
            files = lake.table(self.plumb, "posts").scan().plan_files()
            live = {task.file.file_path for task in files}
        for name in lake.found(self.plumb, "tables/posts/data/**/*.parquet"):
            if name in self.checked:
                continue
            self.checked.add(name)
            path = self.plumb.dir / "lake" / name
            for row in pq.read_table(path).to_pylist():
                rows[row["_object"]] += path.as_uri() in live
                self.compare(row, self.truths[row["_object"]][row["_record"]])
        for name, count in rows.items():
            self.rows += count
            self.published.add(name)
            if count != len(self.truths[name]):
                self.absent.append((name, count, len(self.truths[name])))

    def compare(self, row, truth):
        for name, value in truth.items():
            if row[name] == value:
                continue
            if row[name] is None:
                self.nulls.append((name, value))
            else:
                self.wrong.append((name, value, row[name], row["entity"]))


def play(build, number, sets, scratch, show=False):
    chance = random.Random(number * 7919 + 11)
    kind = KINDS[number % len(KINDS)]
    size = BATCHES[number // len(KINDS) % len(BATCHES)]
    n = chance.choice(ENTITIES)
    if size == 10000 or number < 2 * len(KINDS):
        n = max(n, 20)
    real = chance.random() < 0.5 and bool(sets)
    for _ in range(20):
        world = World(chance, real_world(chance, sets, n) if real else made_world(chance, n))
        upgrade = Upgrade(chance, world, kind)
        if upgrade.columns:
            break
        real &= chance.random() < 0.9
    if not upgrade.columns:
        return None
    critical = upgrade.columns if chance.random() < 0.2 else []
    folder = pathlib.Path(scratch) / f"case{number}"
    folder.mkdir()
    plumb = Plumb.__new__(Plumb)
    plumb.dir, plumb.exe = folder, str(pathlib.Path(build).resolve() / "src/cli/plumb")
    case = Played(plumb, world, upgrade, critical)
    for _ in range(max(3, min(10, -(-60 // len(world.entities))))):
        case.land(len(world.entities), DAY)
    case.run()
    false_holds = 0
    for _ in range(4 if size < 300 else 2):
        case.land(min(size, 2 * len(world.entities)), 3600)
        false_holds += bool(case.run())
    seen = set().union(*([r["entity"] for r in t] for t in case.truths.values()))
    before, batches = len(case.truths), RUNS[size]
    holds, waited = [], 0
    for batch in range(batches):
        case.land(min(size, 2 * len(world.entities)), 3600, batch, batches)
        holds = case.run()
        waited += bool(holds)
    objects = list(case.truths)
    found = lake.books(plumb, "SELECT class, strength, before, after, col, state, critical "
                              "FROM findings")
    held = [o for o in objects if o not in case.published]
    by_rule = [(b, a) for c, s, b, a, _, state, _ in found
               if c == "renamed" and state == "provisional"]
    proposed = [(b, a) for c, s, b, a, _, state, _ in found if c == "renamed" and state == "held"]
    upgraded = set().union(*([r["entity"] for r in case.truths[o]] for o in objects[before:]))
    result = {
        "number": number, "kind": kind, "real": real, "entities": len(world.entities),
        "batch": size, "critical": bool(critical), "columns": upgrade.columns,
        "paths": [upgrades.dotted(p) for p in upgrade.paths], "new": upgrade.right,
        "rows": case.rows, "nulls": case.nulls, "wrong": case.wrong, "absent": case.absent,
        "false_holds": false_holds, "objects": len(objects) - before, "held": len(held),
        "held_rows": sum(len(case.truths[o]) for o in held), "waited": waited,
        "held_before": sum(o in held for o in objects[:before]),
        "right": [p for p in by_rule if upgrade.right.get(p[0]) == p[1]],
        "mistaken": [p for p in by_rule + proposed if upgrade.right.get(p[0]) != p[1]],
        "proposed": [p for p in proposed if upgrade.right.get(p[0]) == p[1]],
        "classes": {c for c, _, b, _, _, state, _ in found
                    if state == "held" and b in map(upgrades.dotted, upgrade.paths)},
        "shared": len(seen & upgraded),
        "why": [h["why"] for h in holds], "found": found, "seen": len(seen),
        "unaccounted": bool(held) != bool(holds)}
    if not show:
        shutil.rmtree(folder)
        shutil.rmtree(folder.parent / "books", ignore_errors=True)
    return result


def play_all(build, shared, numbers, scratch):
    sets = upgrades.real_sets(shared) if shared else []
    return [r for r in (play(build, number, sets, scratch) for number in numbers) if r]


# ---- figures -----------------------------------------------------------------------------------

def line(name, group):
    print(f"{name:24}{len(group):6}{sum(r['rows'] for r in group):9}"
          f"{sum(len(r['nulls']) for r in group):6}{sum(len(r['wrong']) for r in group):6}"
          f"{sum(len(r['absent']) for r in group):8}{sum(r['false_holds'] for r in group):6}"
          f"{sum(bool(r['held']) for r in group):6}{sum(r['held_rows'] for r in group):8}"
          f"{sum(len(r['right']) for r in group):6}{sum(len(r['mistaken']) for r in group):6}")


def renames(results, least, most):
    """Renames that a rule reads or a person is asked about, by entities seen before and after."""
    group = [r for r in results if least <= r["shared"] < most]
    there = sum(len(r["new"]) for r in group)
    right, asked, mistaken = (sum(len(r[k]) for r in group)
                              for k in ("right", "proposed", "mistaken"))
    found = right + asked
    print(f"{least} to {most - 1} shared entities: {there} renames, {right} read by a rule, "
          f"{asked} proposed, recall {found / max(there, 1):.3f}; {mistaken} mistaken, "
          f"precision {found / max(found + mistaken, 1):.3f}")
    return found / max(there, 1)


def print_table(results):
    print(f"{'':24}{'cases':>6}{'rows':>9}{'NULL':>6}{'wrong':>6}{'missing':>8}{'false':>6}"
          f"{'held':>6}{'rows':>8}{'read':>6}{'not':>6}")
    line("all", results)
    for title, key, names in (("", "kind", list(dict.fromkeys(KINDS))),
                              ("batches of ", "batch", BATCHES)):
        for name in names:
            line(f"{title}{name}", [r for r in results if r[key] == name])
    line("real records", [r for r in results if r["real"]])
    line("made-up records", [r for r in results if not r["real"]])
    for least, most in ((3, 20), (20, 100), (100, 10 ** 4)):
        renames(results, least, most)
    for r in results:
        if len(r["right"]) + len(r["proposed"]) < len(r["new"]) and r["shared"] >= 20:
            print("missed", r["number"], r["kind"], "real" if r["real"] else "made", "batch",
                  r["batch"], "shared", r["shared"], r["new"], "right", len(r["right"]))
        if r["nulls"] or r["wrong"] or r["absent"] or r["mistaken"] or r["false_holds"]:
            print(r["number"], r["kind"], "real" if r["real"] else "made", "batch", r["batch"],
                  "of", r["entities"], r["paths"], "NULL", r["nulls"][:2], "wrong",
                  r["wrong"][:2], "missing", r["absent"][:1], "mistaken", r["mistaken"][:2],
                  "false", r["false_holds"])


def main():
    build, shared = sys.argv[1:3]
    cases = int(sys.argv[3]) if len(sys.argv) > 3 else 200
    first = int(sys.argv[4]) if len(sys.argv) > 4 else 0
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(dir=memory) as scratch:
        print_table(play_all(build, shared, range(first, first + cases), scratch))


if __name__ == "__main__":
    main()

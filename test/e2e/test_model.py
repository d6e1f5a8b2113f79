# SPDX-License-Identifier: Apache-2.0
"""Upgrades, ingests, decisions, replays, compactions, rollbacks, kills and power cuts in random
order: after every step PyIceberg reads what a model of two hundred lines (test/model.py) predicts.

A seed gives one schedule. What a killed command left, or the disk after the power was gone, must be
what was before it or after it, and the same command again finishes it. The last seed prints how
often each change of a finding's state was seen.
"""
import collections
import copy
import json
import os
import random
import sqlite3
import subprocess

import pytest

import power
from conftest import SANITIZED, program
from dying import killed
from lake import FULL, books, figures, project, table
from model import COLUMNS, CRITICAL, FEW, POSTS, Model, value

CONTRACT = """table: posts
key: [post_id]
critical: [views]
partition: [source]
columns:
  post_id: string!
  source:  string
  likes:   long
  shares:  long
  views:   long
"""
MAPPING = """source: {source}
into: posts
map:
  post_id: id
  source:  $source
  likes:   likes     # of the post
  shares:  shares
  views:   views
"""
SCHEDULES = range(500 if FULL else 6)
STEPS = 24


def thousands(number):
    return f"{number / 1000:.3f}K"


class Driver:
    def __init__(self, plumb, seed):
        self.plumb, self.rng = plumb, random.Random(seed)
        self.sources = ("shop", "mall")
        self.model = Model(*self.sources)
        self.said = []          # what was done, for a failure's message
        self.names = 0
        self.ids = []           # ULID of each object of the model
        self.snapshots = {}     # id -> what the model has published then
        self.head = None
        self.known = dict.fromkeys(self.sources, 0)  # polls in the baseline: what is replayed
                                                     # after a rollback is not
        project(plumb, {"posts": CONTRACT}, {s: MAPPING.format(source=s) for s in self.sources})

    # ---- commands
    def call(self, *words, code=None, source=None):
        words = [str(w) for w in words]
        self.said.append("plumb " + " ".join(words))
        again = self.rng.random() < 0.2
        if again and self.die(words):
            return
        done = self.plumb(*words, code=None)
        if again and words[0] == "drift" and f"cannot {words[1]} finding" in done.stderr:
            self.plumb("run", "--source", source, code=None)  # it was decided, and maybe no more
            return
        assert done.returncode in ((0, 3) if code is None else (code,)), \
            "\n".join(self.said + [done.stdout, done.stderr])

    def die(self, words):
        """Kill it somewhere in its first changes, if it has as many, or let the power fail; the
        caller runs it again. True: it was done and had said so."""
        if self.rng.random() < 0.5 and not SANITIZED:
            return self.lose_power(words)
        at = self.rng.randrange(1, 60)
        if killed(self.plumb, words, at):
            taken["(killed)"] += 1
            self.said.append(f"  (killed before change {at})")
        return False

    def lose_power(self, words):
        """Of what the command did not sync up to some point, the disk has kept some."""
        disk, log = power.Disk(self.plumb.dir), self.plumb.dir.parent / "power.log"
        log.unlink(missing_ok=True)
        env = {**os.environ, "LD_PRELOAD": program("libpower_recorder.so"),
               "POWER_ROOT": str(self.plumb.dir), "POWER_LOG": str(log)}
        subprocess.run([self.plumb.exe, *words], cwd=self.plumb.dir, env=env, capture_output=True)
        ops = power.read_log(log) if log.exists() else []
        at = len(ops) if self.rng.random() < 0.3 else self.rng.randrange(len(ops) + 1)
        for op in ops[:at]:
            disk.apply(op)
        power.rebuild(disk.state(power.some(self.rng)), self.plumb.dir)
        taken["(power cut)"] += 1
        self.said.append(f"  (power cut after change {at} of {len(ops)})")
        return at == len(ops)

    def edit(self, sql, *values):
        """Make the books older: nobody can wait for a month here."""
        db = sqlite3.connect(self.plumb.dir / "lake/plumb.db")
        assert db.execute(sql, values).rowcount > 0, "\n".join(self.said + [sql, str(values)])
        db.commit()
        db.close()

    def finding(self, what, *states):
        """The id of what the model has, if it is in one of these states."""
        rows = books(self.plumb, f"""SELECT id FROM findings WHERE source = '{what[0]}' AND
            col = '{what[1]}' AND state IN ('{"', '".join(states)}') ORDER BY 1 DESC""")
        return rows[0][0] if rows else None

    def free(self, source):
        """Nothing is pinned, so decisions are made."""
        return not self.model.mappings[source].pinned

    # ---- steps
    def ingest(self):
        source = self.rng.choice(self.sources)
        if len(self.model.pending(source)) > 2:
            return False
        self.land(source)

    def land(self, *which, **lacks):
        o = self.model.lands(*which, **lacks)
        name = self.plumb.dir / f"{o.source}{o.poll}.json"
        name.write_text("".join(json.dumps(
            {"id": f"{o.source}{n}", **{key.removesuffix(" K"): thousands(value(c, n, o.poll))
                                       if key.endswith(" K") else value(c, n, o.poll)
                                       for c, key in o.dialect.items()}})
            + "\n" for n in range(o.posts)))
        self.call("ingest", o.source, name.name, code=0)
        self.ids.append(books(self.plumb, "SELECT max(id) FROM objects")[0][0])

    def changeable(self, source):
        """What nobody has said may be missing is asked about, the rest not for a month; and a
        rename is proven if it was called the same twice before."""
        refused = {c for s, c, _ in self.model.muted if s == source}
        polls = [o.dialect for o in self.model.objects if o.source == source and o.posts == POSTS]
        sent = self.model.dialects[source]
        return [c for c in COLUMNS if self.model.steady(source) and self.known[source] > 1
                and c in sent and c not in refused and " " not in sent[c]
                and [sent[c]] * 2 == [p.get(c) for p in polls[-2:]]]

    def upgrade(self):
        source = self.rng.choice(self.sources)
        columns = self.changeable(source)
        if not columns:
            return False
        column = self.rng.choice(columns)
        self.names += 1
        key = f"{column}_v{self.names}"
        if column == "shares" and self.rng.random() < 0.5:
            key = None
        elif column != CRITICAL and self.rng.random() < 0.4:
            key = self.model.dialects[source][column] + " K"
        self.said.append(f"# {source} calls {column} {key} from now on")
        self.model.upgrade(source, column, key)

    def blip(self):
        """A key comes and goes, maybe so often that it flaps."""
        source = self.rng.choice(self.sources)
        if "shares" not in self.changeable(source):
            return False
        for _ in range(self.rng.choice((1, 1, 5))):
            self.land(source, FEW, shares=None)
            self.run()
            self.land(source, 6 * POSTS)  # so many that those are few
            self.run()

    def grow(self):
        """A key that nobody knows comes, and stays: three objects make it a column."""
        source = self.rng.choice(self.sources)
        if not self.changeable(source):
            return False
        self.names += 1
        key = f"extra{self.names}"
        self.said.append(f"# {source} sends {key} as well from now on")
        self.model.upgrade(source, key, key)
        for _ in range(2):
            self.land(source)
            self.run()
        self.land(source)
        self.run(lambda: self.model.adopt(source, key))

    def returns(self):
        """What was gone is back before anybody has decided: so often that the gap is small, or
        not."""
        # Where a gap was published before, how often it should be there is not foretold.
        gone = [w for w in self.model.held.values() if w[2] is None and self.free(w[0]) and
                w not in self.model.refused]
        if not gone:
            return False
        source, column, _ = self.rng.choice(gone)
        self.model.upgrade(source, column, self.model.mappings[source].now()[column][0])
        self.said.append(f"# {source} sends {column} again")
        self.land(source, posts=self.rng.choice((1, 40)) * POSTS)
        self.run()

    def run(self, then=lambda: None):
        there = set(self.model.published)
        waits = self.model.run()
        for i in set(self.model.published) - there:
            self.known[self.model.objects[i].source] += self.model.objects[i].posts == POSTS
        then()
        self.call("run", code=3 if waits else 0)

    def decide(self, word):
        """Of a pinned mapping nobody can; nor of what goes on with the next run, because it is
        not pinned any more."""
        held = {s: w for s, w in self.model.held.items()
                if self.model.suspect(self.model.pending(s))[1:] == w[1:]}
        # Said once more, after a kill, it goes on with what has landed: so nothing has.
        waiting = [s for s in self.sources if self.free(s) and
                   (s in held or s in self.model.provisional and not self.model.pending(s))]
        if not waiting:
            return False
        source = self.rng.choice(waiting)
        states = ("held", "flapping") if source in self.model.held else ("provisional",)
        what = {**self.model.provisional, **self.model.held}[source]
        if source not in held and not self.finding(what, *states):
            # A rollback took it back, or it was held by a pinned version; its rule is there.
            self.model.provisional.pop(source)
            return False
        id = self.finding(what, *states)
        assert id, "\n".join(self.said + [f"no finding of {what} in {states}"])
        getattr(self.model, word)(source)
        now = ["--now"] if word == "approve" and " " in (what[2] or "") else []  # ask no gate
        self.call("drift", word, id, *now, "--why", "a test", source=source)

    def approve(self):
        return self.decide("approve")

    def beside(self):
        """A rule for other values is tried in a column of its own."""
        found = [w for w in self.model.held.values() if w[2] and " " in w[2] and self.free(w[0])]
        if not found:
            return False
        what = self.rng.choice(found)
        id = self.finding(what, "held")
        self.model.beside(what[0])
        self.call("drift", "approve", "--parallel", id, source=what[0])

    def tried(self):
        found = [w for s, w in self.model.parallel.items() if self.free(s)]
        if not found:
            return False
        what = self.rng.choice(found)
        id = self.finding(what, "parallel")
        if not id:  # reverted by a rollback
            return False
        if self.rng.random() < 0.6:
            self.model.promote(what[0])
            self.call("drift", "promote", "--now", id, source=what[0])
        else:
            self.model.reject_beside(what[0])
            self.call("drift", "reject", id, source=what[0])

    def reject(self):
        return self.decide("reject")

    def tenfold(self):
        """What was refused shows in ten times as many records."""
        sent = self.model.dialects
        found = [w for w in self.model.refused & self.model.muted if self.free(w[0]) and
                 " " not in (w[2] or "") and sent[w[0]].get(w[1]) == w[2] and
                 self.model.steady(w[0])]
        if not found:
            return False
        what = self.rng.choice(sorted(found, key=str))
        self.edit("UPDATE findings SET muted_records = 0 WHERE source = ? AND col = ? AND state IN "
                  "('rejected', 'reverted')", *what[:2])
        self.model.muted.discard(what)
        self.land(what[0])
        self.run()

    def limit(self):
        """Nobody decides in time, and no critical column is concerned."""
        found = [w for w in self.model.held.values() if w[1] != CRITICAL and self.free(w[0])]
        if not found:
            return False
        what = self.rng.choice(found)
        self.edit("UPDATE holds SET since_us = 0 WHERE source = ?", what[0])
        self.model.limit(what)
        self.run()

    def retire(self):
        found = sorted(w[:2] for w in self.model.deprecated if self.free(w[0]) and w[0] not in
                       {**self.model.held, **self.model.provisional, **self.model.parallel} and
                       w[1] not in self.model.dialects[w[0]])
        if not found:
            return False
        what = (*self.rng.choice(found), None)
        self.edit("UPDATE findings SET changed_us = 0 WHERE source = ? AND col = ? AND state = "
                  "'deprecated'", *what[:2])
        id = self.finding(what, "deprecated")
        self.model.retire(what)
        self.call("drift", "approve", id, source=what[0])

    def replay(self):
        there = sorted(set(self.model.published) | set(self.model.withdrawn))
        if not there:
            return False
        chosen = self.rng.sample(there, self.rng.randrange(1, min(4, len(there)) + 1))
        self.model.replay(chosen)
        self.call("replay", "posts", *(w for i in chosen for w in ("--object", self.ids[i])))

    def withdrawn(self):
        if not self.model.withdrawn:
            return False
        self.model.replay(list(self.model.withdrawn))
        self.call("replay", "posts", "--withdrawn")

    def compact(self):
        if not self.model.published:
            return False
        self.call("compact", "posts")

    def rollback(self):
        # Not foretold: what goes on when a decision that it is gone, or all that a source is
        # compared with while it changes, is rolled back.
        changing = [s for s in self.sources if not self.model.steady(s)]
        ids = [id for id, (_, gone, known) in self.snapshots.items()
               if id != self.head and gone == self.gone() and all(known[s] > 1 for s in changing)]
        if not ids:
            return False
        id = self.rng.choice(ids)
        self.model.rollback(self.snapshots[id][0])
        self.known = dict(self.snapshots[id][2])
        self.call("rollback", "posts", "--to", id)

    def gone(self):
        """What was let through, and what of it may yet be retired."""
        return self.model.muted - self.model.refused, set(self.model.deprecated)

    def use_file(self):
        pinned = [s for s in self.sources if self.model.mappings[s].pinned]
        if not pinned:
            return False
        source = self.rng.choice(pinned)
        self.model.use_file(source)
        self.call("mapping", source, "--use", "file")

    # ---- what is there
    def check(self):
        if not self.model.published and not self.snapshots:
            return
        posts = table(self.plumb, "posts")
        rows = posts.scan(selected_fields=("_object", "_record", *COLUMNS)).to_arrow().to_pylist()
        posts.catalog.engine.dispose()  # else it takes SQLite's log along, at any time
        self.head = posts.current_snapshot().snapshot_id
        self.snapshots.setdefault(self.head, (copy.deepcopy(self.model.published),
                                               self.gone(), dict(self.known)))
        place = {id: i for i, id in enumerate(self.ids)}
        seen = sorted((place[r["_object"]], r["_record"], *(r[c] for c in COLUMNS)) for r in rows)
        wanted = self.model.rows()
        assert seen == wanted, "\n".join(self.said + [f"{title} {sorted(set(a) - set(b))[:3]}"
            for title, a, b in (("there:", seen, wanted), ("foretold:", wanted, seen))])
        states = dict(books(self.plumb, "SELECT object, state FROM states"))
        wanted = {**{self.ids[i]: "published" for i in self.model.published},
                  **{self.ids[i]: "staged" for i in self.model.staged},
                  **{self.ids[i]: "withdrawn" for i in self.model.withdrawn}}
        assert states == wanted, "\n".join(self.said)


WEIGHTS = {"ingest": 6, "run": 6, "upgrade": 9, "blip": 1, "grow": 1, "returns": 6, "approve": 6,
           "beside": 12, "tried": 12, "reject": 5, "tenfold": 9, "limit": 2, "retire": 6,
           "replay": 2, "withdrawn": 8, "compact": 1, "rollback": 1, "use_file": 9}
taken = collections.Counter()
edges = collections.Counter()  # of a finding's states: (from, to) -> how often
DIAGRAM = [edge.split(" -> ") for edge in (
    "seen -> open", "open -> auto", "auto -> accepted", "(new) -> provisional",
    "provisional -> accepted", "provisional -> reverted", "(new) -> held", "held -> accepted",
    "held -> parallel", "parallel -> promoted", "held -> rejected", "rejected -> held",
    "held -> resolved", "held -> deprecated", "deprecated -> retired", "resolved -> flapping",
    "accepted -> reverted")]


def count_edges(plumb):
    for text, in books(plumb, "SELECT text FROM events WHERE kind LIKE 'drift.%'"):
        event = json.loads(text)
        edges[event["from"] or "(new)", event["to"]] += event["from"] != event["to"]


@pytest.mark.parametrize("seed", SCHEDULES)
def test_the_table_is_what_the_model_predicts(quick, seed):
    driver = Driver(quick, seed)
    for _ in range(3):
        driver.ingest()
    driver.run()
    driver.check()
    for _ in range(STEPS):
        name = "none"
        while name == "none" or getattr(driver, name)() is False:
            name, = driver.rng.choices(list(WEIGHTS), WEIGHTS.values())
        taken[name] += 1
        driver.check()
    driver.run()  # repairs what a killed command left
    driver.check()
    found = quick.json("verify", code=None)
    assert found["sound"], "\n".join(driver.said + [json.dumps(found)])
    count_edges(quick)
    if seed == SCHEDULES[-1]:
        print_table()
        assert not FULL or all(edges[old, new] >= 10 for old, new in DIAGRAM)


def print_table():
    others = sorted(edge for edge, times in edges.items() if times and list(edge) not in DIAGRAM)
    figures("schedules of the model: what happened",
            *(f"{name}: {times}" for name, times in sorted(taken.items())),
            *(f"| {old} -> {new} | {edges[old, new]} |" for old, new in DIAGRAM),
            *(f"| (beside) {old} -> {new} | {edges[old, new]} |" for old, new in others))

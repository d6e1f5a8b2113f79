# SPDX-License-Identifier: Apache-2.0
"""Upgrades, ingests, approvals, rejections, replays, compactions, rollbacks and kills in random
order: after every step PyIceberg reads what a model of two hundred lines (test/model.py) predicts.

A seed gives one schedule. What a killed command left must be what was before it or after it, and
the same command again finishes it.
"""
import collections
import json
import random

import pytest

from dying import killed
from lake import FULL, books, figures, project, read
from model import COLUMNS, POSTS, Model, value

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
STEPS = 16


class Driver:
    def __init__(self, plumb, seed):
        self.plumb, self.rng = plumb, random.Random(seed)
        self.sources = ("shop", "mall")
        self.model = Model(*self.sources)
        self.said = []          # what was done, for a failure's message
        self.names = 0
        self.ids = []           # ULID of each object of the model
        self.snapshots = []     # id of each one of the model's history
        project(plumb, {"posts": CONTRACT}, {s: MAPPING.format(source=s) for s in self.sources})

    # ---- commands
    def call(self, *words, code=None):
        self.said.append("plumb " + " ".join(map(str, words)))
        again = words[0] != "ingest" and self.rng.random() < 0.2
        if again:
            self.die(words)
        done = self.plumb(*words, code=None)
        if again and words[0] == "drift" and f"cannot {words[1]} finding" in done.stderr:
            return done  # it was decided by then
        assert done.returncode in ((0, 3) if code is None else (code,)), \
            "\n".join(self.said + [done.stdout, done.stderr])
        return done

    def die(self, words):
        """Kill it somewhere in its first changes, if it has as many; the caller runs it again."""
        at = self.rng.randrange(1, 60)
        if killed(self.plumb, list(map(str, words)), at):
            taken["(killed)"] += 1
            self.said.append(f"  (killed before change {at})")

    def finding(self, source, *states):
        rows = [f for f in self.plumb.json("drift", "ls", code=None) if f["source"] == source
                and f["state"] in states]
        assert rows, "\n".join(self.said + [f"no finding of {source} in {states}"])
        return max(f["id"] for f in rows)

    def undecided(self):
        """Sources with a finding that somebody can decide: of a pinned mapping nobody can."""
        return [s for s in self.sources if s in {**self.model.held, **self.model.provisional}
                and not self.model.mappings[s].pinned]

    # ---- steps
    def ingest(self):
        source = self.rng.choice(self.sources)
        o = self.model.lands(source)
        name = self.plumb.dir / f"{source}{o.poll}.json"
        name.write_text("".join(json.dumps(
            {"id": f"{source}{n}", **{key: value(c, n, o.poll) for c, key in o.dialect.items()}})
            + "\n" for n in range(POSTS)))
        self.call("ingest", source, name.name, code=0)
        self.ids.append(books(self.plumb, "SELECT max(id) FROM objects")[0][0])

    def upgrade(self):
        source = self.rng.choice(self.sources)
        if not self.model.steady(source) or self.model.polls[source] < 2 \
                or self.model.new or self.model.mappings[source].pinned:
            return False
        # What somebody said may be missing is not asked about again for a month.
        refused = {c for s, c, _ in self.model.muted if s == source}
        columns = [c for c in COLUMNS if c in self.model.dialects[source] and c not in refused]
        if not columns:
            return False
        column = self.rng.choice(columns)
        self.names += 1
        gone = column == "shares" and self.rng.random() < 0.5
        key = None if gone else f"{column}_v{self.names}"
        self.said.append(f"# {source} calls {column} {key} from now on")
        self.model.upgrade(source, column, key)

    def run(self):
        waits = self.model.run()
        self.call("run", code=3 if waits else 0)

    def approve(self):
        waiting = self.undecided()
        if not waiting:
            return False
        source = self.rng.choice(waiting)
        id = self.finding(source, "held", "provisional")
        self.model.approve(source)
        self.call("drift", "approve", id, "--why", "a test")

    def reject(self):
        waiting = self.undecided()
        if not waiting:
            return False
        source = self.rng.choice(waiting)
        id = self.finding(source, "held", "provisional")
        self.model.reject(source)
        self.call("drift", "reject", id, "--why", "a test")

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
        count = "SELECT count(*) FROM snapshots"
        before = books(self.plumb, count)
        self.call("compact", "posts")
        if books(self.plumb, count) != before:  # else there was nothing to put together
            self.model.history.append(dict(self.model.published))
            self.model.head = len(self.model.history) - 1

    def rollback(self):
        if len(self.model.history) < 2:
            return False
        to = self.rng.randrange(len(self.model.history))
        if to == self.model.head:
            return False
        self.model.rollback(to)
        self.call("rollback", "posts", "--to", self.snapshots[to])

    def use_file(self):
        pinned = [s for s in self.sources if self.model.mappings[s].pinned]
        if not pinned:
            return False
        source = self.rng.choice(pinned)
        self.model.use_file(source)
        self.call("mapping", source, "--use", "file")

    # ---- what is there
    def check(self):
        while len(self.snapshots) < len(self.model.history):
            self.snapshots.append(books(
                self.plumb, "SELECT snapshot_id FROM snapshots ORDER BY created_us DESC "
                            "LIMIT 1")[0][0])
        if not self.model.published and not self.model.history:
            return
        rows = read(self.plumb, "posts", "_object", "_record", *COLUMNS).to_pylist()
        place = {id: i for i, id in enumerate(self.ids)}
        seen = sorted((place[r["_object"]], r["_record"], *(r[c] for c in COLUMNS)) for r in rows)
        assert seen == self.model.rows(), "\n".join(self.said)
        states = dict(books(self.plumb, "SELECT object, state FROM states"))
        wanted = {**{self.ids[i]: "published" for i in self.model.published},
                  **{self.ids[i]: "staged" for i in self.model.staged},
                  **{self.ids[i]: "withdrawn" for i in self.model.withdrawn}}
        assert states == wanted, "\n".join(self.said)


WEIGHTS = {"ingest": 6, "run": 6, "upgrade": 4, "approve": 6, "reject": 2, "replay": 2,
           "withdrawn": 4, "compact": 1, "rollback": 2, "use_file": 4}
taken = collections.Counter()


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
    if seed == SCHEDULES[-1]:
        figures(f"{len(SCHEDULES)} schedules, steps taken",
                *(f"{name}: {times}" for name, times in sorted(taken.items())))

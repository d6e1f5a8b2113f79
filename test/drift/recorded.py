# SPDX-License-Identifier: Apache-2.0
"""The classifier over recorded API versions, two files as given, against what is known of them.

    PYTHONPATH=test python3 -m drift.recorded BUILD SHARED

What is known: paths added, removed, retyped (truth.json), `strong` where no other sample explains
it. Of renames: candidates whose values are equal in the same records, one to one. They count from
the bits on that their values prove (findings.bits); a rename found is right if the values of the
same records say so. Records are paired here by what they have in common, without a key.
"""
import collections
import datetime
import email.utils
import json
import math
import sys
import tempfile

from drift import chains
from drift.findings import bits, findings, parts, scalars, values

THRESHOLD = 10  # bits, as pl_drift_defaults has it
CHOICES = (10, 12, 15, 20, 30, 50)


class Score:
    def __init__(self):
        self.strong = self.found = self.said = self.right = 0
        self.missed, self.wrong = [], []
        self.renames = []     # (bits, found, what) of provable candidates
        self.rename_said = [] # (bits, right, what)

    def add(self, other):
        for name, value in vars(other).items():
            setattr(self, name, getattr(self, name) + value)


# ---- paths that came, went, changed their type

def said_of(items):
    said = collections.defaultdict(set)
    for item in items:
        before, after = (item[side] and parts(item[side]) for side in ("before", "after"))
        moved = before != after and item["class"] in ("renamed", "meaning")
        if item["class"] == "removed" or moved:
            said["removed"].add(before)
        if item["class"] == "added" or moved:
            said["added"].add(after)
        if item["class"] in ("retyped", "widened"):
            said["retyped"].add(after)
    return said


def score_paths(score, items, truth, name):
    """A value that moved into a new object of its own place: the path is there before and after."""
    said = said_of(items)
    both = said["retyped"]
    said["removed"] -= both
    said["added"] -= both
    for kind in ("added", "removed", "retyped"):
        known = {parts(e["path"]): e for e in truth.get(kind, [])}
        strong = {p for p, e in known.items() if e.get("strong")}
        score.strong += len(strong)
        score.found += len(strong & said[kind])
        score.said += len(said[kind])
        score.right += len(said[kind] & known.keys())
        score.missed += [(name, kind, p) for p in sorted(strong - said[kind])]
        score.wrong += [(name, kind, p) for p in sorted(said[kind] - known.keys())]


# ---- renames

def marks(record):
    """Values that tell records apart."""
    return {str(v) for _, v in scalars(record)
            if not isinstance(v, bool) and len(str(v)) >= 5}


def pair_records(before, after):
    """Records of the same thing: each the other's best by the rare values in common."""
    sides = [[marks(r) for r in side] for side in (before, after)]
    often = collections.Counter(v for side in sides for found in side for v in found)
    owners = collections.defaultdict(list)
    for j, found in enumerate(sides[1]):
        for value in found:
            owners[value].append(j)
    best = {}
    for i, found in enumerate(sides[0]):
        sums = collections.Counter()
        for value in found:
            for j in owners[value]:
                sums[j] += 1 / often[value]
        if sums:
            (j, weight), *rest = sums.most_common(2)
            if weight >= 0.5 and (not rest or rest[0][1] < weight):
                if j not in best or best[j][0] < weight:
                    best[j] = (weight, i)
    return [(before[i], after[j]) for j, (_, i) in best.items()]


def instant(text):
    for read in (datetime.datetime.fromisoformat, email.utils.parsedate_to_datetime,
                 lambda t: datetime.datetime.strptime(t, "%a %b %d %H:%M:%S %z %Y")):
        try:
            return read(str(text).replace("Z", "+00:00")).timestamp()
        except (ValueError, TypeError):
            pass
    return None


def same(a, b):
    if str(a) == str(b) or a == b:
        return True
    return instant(a) is not None and instant(a) == instant(b)


def compared(pairs, before, after):
    """Values at two paths in the same records, by position: (old, new) of each."""
    found = []
    for old, new in pairs:
        a, b = values(old, before), values(new, after)
        if len(a) == len(b):
            found += [(x, y) for x, y in zip(a, b) if x is not None and y is not None]
    return found


def score_renames(score, items, truth, files, name):
    said = {(i["before"], i["after"]): i for i in items
            if i["class"] == "renamed" and i["strength"] == "strong"}
    candidates = [c for c in truth.get("rename_candidates", []) if c["unique"]]
    if not said and not candidates:
        return
    pairs = pair_records(*([json.loads(line) for line in file.read_text().splitlines()]
                           for file in files))
    others = math.log2(max(len(truth["added"]), len(truth["removed"]), 1))
    for candidate in candidates:
        pair = candidate["from"], candidate["to"]
        equal = [a if not isinstance(a, (dict, list)) else json.dumps(a)
                 for a, b in compared(pairs, *map(parts, pair)) if same(a, b)]
        proof = bits(equal) - others if len(equal) > 1 else 0
        score.renames.append((proof, pair in said, (name, *pair, len(equal))))
    for pair, item in said.items():
        both = [(a, b) for a, b in compared(pairs, *map(parts, pair))
                if not isinstance(a, (dict, list)) and not isinstance(b, (dict, list))]
        equal = sum(same(a, b) for a, b in both)
        right = not both or equal >= 0.95 * len(both)
        score.rename_said.append((item["bits"], right, (name, *pair, f"{equal} of {len(both)}")))


def rename_rates(score, threshold):
    there = [r for r in score.renames if r[0] >= threshold]
    said = [r for r in score.rename_said if r[0] >= threshold or r[0] == 0]
    return (len(there), sum(r[1] for r in there), len(said), sum(r[1] for r in said))


# ---- the tables

def print_paths(sets, total):
    print(f"{'set':30}{'strong':>8}{'found':>8}{'recall':>8}{'said':>8}{'right':>8}"
          f"{'precision':>10}")
    for name, one in [*sorted(sets.items()), ("all", total)]:
        print(f"{name:30}{one.strong:8}{one.found:8}{one.found / max(one.strong, 1):8.3f}"
              f"{one.said:8}{one.right:8}{one.right / max(one.said, 1):10.3f}")
    for what in total.missed:
        print("  missed", *what)
    for what in total.wrong:
        print("  not known", *what)


def print_renames(sets, total):
    print(f"\n{'renames, from 10 bits on':30}{'provable':>9}{'found':>7}{'recall':>8}{'said':>7}"
          f"{'right':>7}{'precision':>10}   bits chosen without it: recall, precision")
    for name, one in [*sorted(sets.items()), ("all", total)]:
        there, found, said, right = rename_rates(one, THRESHOLD)
        if not one.renames and not one.rename_said:
            continue
        print(f"{name:30}{there:9}{found:7}{found / max(there, 1):8.3f}{said:7}{right:7}"
              f"{right / max(said, 1):10.3f}", end="")
        if name != "all":
            left = choose([s for n, s in sets.items() if n != name])
            there, found, said, right = rename_rates(one, left)
            print(f"   {left}: {found / max(there, 1):.3f}, {right / max(said, 1):.3f}", end="")
        print()
    for proof, found, what in sorted(total.renames, key=str):
        if not found:
            print(f"  missed, {proof:.1f} bits:" if proof >= THRESHOLD
                  else f"  below the threshold, {proof:.1f} bits:", *what)
    for proof, right, what in total.rename_said:
        if not right:
            print(f"  wrong, {proof:.1f} bits:", *what)


def choose(scores):
    """The least threshold without a wrong rename; of those it is the one that finds most."""
    for threshold in CHOICES:
        if all(r[1] for s in scores for r in s.rename_said if r[0] >= threshold):
            return threshold
    return CHOICES[-1]


def play(build, shared, only=None):
    sets = collections.defaultdict(Score)
    with tempfile.TemporaryDirectory() as scratch:
        for name, pair, before, after, truth in chains.pairs(shared, scratch):
            if only and not only(name):
                continue
            items = findings(build, before, after)
            score_paths(sets[name], items, truth, pair)
            score_renames(sets[name], items, truth, (before, after), pair)
    total = Score()
    for one in sets.values():
        total.add(one)
    return sets, total


def main():
    sets, total = play(*sys.argv[1:3])
    print_paths(sets, total)
    print_renames(sets, total)


if __name__ == "__main__":
    main()

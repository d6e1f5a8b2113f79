# SPDX-License-Identifier: Apache-2.0
"""What a table must hold, predicted from what was done to it: two hundred lines that know nothing
of files, snapshots or SQLite. test_model.py does the same to plumb and compares.

A source polls the same posts again and again in a dialect: which key each column's value has now;
"likes K" is text in thousands, which a rule of its own reads. A row is what the rules an object was
mapped with find in a record of its dialect.
"""
import copy
import dataclasses

COLUMNS = "likes", "shares", "views"
CRITICAL = "views"
POSTS = 120
FEW = 30     # posts of a poll that lacks a key for once: too many to be an accident


def value(column, post, poll):
    """Counters that grow from poll to poll, unlike each other."""
    return {"likes": 100 + 7 * post, "shares": 30000 + 11 * post,
            "views": 5000000 + 1013 * post}.get(column, post) + 3 * poll


@dataclasses.dataclass
class Object:
    source: str
    poll: int
    dialect: dict  # column -> key; absent: not sent
    posts: int = POSTS


@dataclasses.dataclass
class Mapping:
    """Of one source: the file's rules, what lies over them, and what is pinned."""
    file: dict
    overlay: dict = dataclasses.field(default_factory=dict)
    pinned: dict = None

    def free(self):
        return {**self.file, **self.overlay}

    def now(self):
        return copy.deepcopy(self.pinned or self.free())


class Model:
    def __init__(self, *sources):
        self.sources = sources
        self.dialects = {s: {c: c for c in COLUMNS} for s in sources}
        self.mappings = {s: Mapping({c: [c] for c in COLUMNS}) for s in sources}
        self.polls = dict.fromkeys(sources, 0)
        self.objects = []        # Object, in landing order
        self.new = []            # indices
        self.staged = []
        self.published = {}      # index -> rules it was mapped with
        self.withdrawn = []
        # Findings by (source, column, key); key None: the column is not sent.
        self.first = {}          # -> index of the first object that shows it
        self.held = {}           # source -> the one that waits for a person
        self.provisional = {}    # source -> the one that a rule made up for
        self.parallel = {}       # source -> the one whose rule is tried in a column beside
        self.refused = set()     # a person said no: no rule is made for it any more
        self.muted = set()       # may be missing: refused, or let through
        self.deprecated = set()  # of those, columns that are gone

    # ---- the outside world
    def lands(self, source, posts=POSTS, **lacks):
        self.polls[source] += 1
        dialect = {c: k for c, k in self.dialects[source].items() if c not in lacks}
        self.objects.append(Object(source, self.polls[source], dialect, posts))
        self.new.append(len(self.objects) - 1)
        return self.objects[-1]

    def upgrade(self, source, column, key):
        """The API calls it otherwise from now on; key None: it is gone."""
        if key is None:
            self.dialects[source].pop(column, None)
        else:
            self.dialects[source][column] = key

    def steady(self, source):
        """Nothing of the source is undecided: the next upgrade may come."""
        sent = self.dialects[source]
        rules = self.mappings[source].now()
        return not self.mappings[source].pinned and source not in {
            **self.held, **self.provisional, **self.parallel} and not self.pending(source) and all(
            sent.get(c) in rules[c] or (source, c, sent.get(c)) in self.muted for c in COLUMNS)

    # ---- what plumb does
    def pending(self, source):
        return sorted(i for i in self.new + self.staged if self.objects[i].source == source)

    def suspect(self, pending):
        """The first of these objects that lacks a column for a reason nobody has agreed to, and
        which; a column that is there again in 95 % of them is well again."""
        for at, i in enumerate(pending):
            o = self.objects[i]
            rules = self.mappings[o.source].now()
            for c in COLUMNS:
                key = o.dialect.get(c)
                posts = [(self.objects[k].posts, c in self.objects[k].dialect)
                         for k in pending[at:]]
                back = key is None and sum(n for n, has in posts if has) >= 0.95 * sum(
                    n for n, _ in posts)
                if key not in rules[c] and not back and (o.source, c, key) not in self.muted:
                    return i, c, key
        return None, None, None

    def run(self, *only):
        """Of all sources, or only of some; true if something waits afterwards."""
        for source in only or self.sources:
            pending, mapping = self.pending(source), self.mappings[source]
            self.held.pop(source, None)
            first, column, key = self.suspect(pending)
            while first is not None and key and " " not in key and column != CRITICAL and \
                    not mapping.pinned and (source, column, key) not in self.refused:
                self.first.setdefault((source, column, key), first)
                mapping.overlay[column] = [key] + mapping.now()[column]
                self.provisional[source] = source, column, key
                first, column, key = self.suspect(pending)
            if first is not None:
                self.first.setdefault((source, column, key), first)
                self.held[source] = source, column, key
            waits = [i for i in pending if first is not None and i >= first]
            self.publish(i for i in pending if i not in waits)
            self.staged = [i for i in self.staged if i not in pending] + waits
            self.new = [i for i in self.new if i not in pending]
        return self.waiting()

    def publish(self, indices):
        for i in list(indices):
            self.published.pop(i, None)  # it is the newest now
            self.published[i] = self.mappings[self.objects[i].source].now()

    def waiting(self):
        return bool(self.staged or self.withdrawn or any(
            m.pinned and m.pinned != m.free() for m in self.mappings.values()))

    # ---- what people do
    def refill(self, source, first):
        """What was published since then by other rules is mapped by those of now."""
        now = self.mappings[source].now()
        self.publish([i for i, rules in self.published.items()
                      if i >= first and self.objects[i].source == source and rules != now])

    def approve(self, source):
        held = self.held.pop(source, None)
        what = _, column, key = held or self.provisional.pop(source)
        mapping = self.mappings[source]
        if key is None:
            self.limit(what)
        else:
            self.muted.discard(what)
            mapping.file[column] = mapping.overlay.pop(column, [key] + mapping.file[column])
        if held:
            self.run(source)
        if held and key is not None:
            self.refill(source, self.first[what])

    def beside(self, source):
        """What waited is published, and a column beside has what the rule would give."""
        what = _, column, key = self.held.pop(source)
        self.parallel[source] = what
        self.muted.add(what)
        self.mappings[source].file["next"] = [key] + self.mappings[source].file[column]
        self.run(source)

    def promote(self, source):
        what = _, column, _ = self.parallel.pop(source)
        self.muted.discard(what)
        self.mappings[source].file[column] = self.mappings[source].file.pop("next")
        self.run(source)
        self.refill(source, self.first[what])

    def reject_beside(self, source):
        what = self.parallel.pop(source)
        self.refused.add(what)
        self.mappings[source].file.pop("next")
        self.run(source)
        self.refill(source, self.first[what])

    def reject(self, source):
        held = self.held.pop(source, None)
        what = _, column, _ = held or self.provisional.pop(source)
        self.refused.add(what)
        self.muted.add(what)
        self.mappings[source].overlay.pop(column, None)
        self.run(source)
        if not held:
            self.refill(source, self.first[what])

    def limit(self, what):
        """Nobody has decided for too long, or agreed that it is gone: published as it is."""
        self.muted.add(what)
        self.refused.discard(what)
        if what[2] is None:
            self.deprecated.add(what)

    def adopt(self, source, key):
        """It came often enough to be a column: filled back to the first that has it."""
        self.mappings[source].file[key] = [key]
        self.refill(source, min(i for i, o in enumerate(self.objects)
                                if o.source == source and key in o.dialect))

    def retire(self, what):
        self.deprecated.discard(what)
        self.mappings[what[0]].file[what[1]] = []
        self.run(what[0])

    def replay(self, indices):
        self.publish(i for i in indices if i in self.published or i in self.withdrawn)
        self.withdrawn = [i for i in self.withdrawn if i not in indices]

    def rollback(self, to):
        """To what was published then, and the mapping of its newest rows."""
        gone = set(self.published) | set(self.withdrawn)
        self.published = copy.deepcopy(to)
        self.withdrawn = sorted(gone - set(to))
        for source in self.sources:
            mine = [i for i in to if self.objects[i].source == source]
            mapping = self.mappings[source]
            if mine:
                mapping.pinned = None if to[mine[-1]] == mapping.free() else to[mine[-1]]

    def use_file(self, source):
        self.mappings[source].pinned = None

    # ---- what must be seen
    def rows(self):
        """[(object index, record, likes, shares, views)] in order; NULL where no rule finds one."""
        return [(i, post, *(value(c, post, self.objects[i].poll)
                            if self.objects[i].dialect.get(c) in rules[c] else None
                            for c in COLUMNS))
                for i, rules in sorted(self.published.items())
                for post in range(self.objects[i].posts)]

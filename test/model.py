# SPDX-License-Identifier: Apache-2.0
"""What a table must hold, predicted from what was done to it: two hundred lines that know nothing
of files, snapshots or SQLite. test_model.py does the same to plumb and compares.

A source polls the same posts again and again in a dialect: which key each column's value has now.
A row is what the rules an object was mapped with find in a record of its dialect.
"""
import copy
import dataclasses

COLUMNS = "likes", "shares", "views"
CRITICAL = "views"
POSTS = 120


def value(column, post, poll):
    """Counters that grow from poll to poll, unlike each other."""
    return {"likes": 100 + 7 * post, "shares": 30000 + 11 * post,
            "views": 5000000 + 1013 * post}[column] + 3 * poll


@dataclasses.dataclass
class Object:
    source: str
    poll: int
    dialect: dict  # column -> key; absent: not sent


@dataclasses.dataclass
class Mapping:
    """Of one source: the file's rules, what lies over them, and what is pinned."""
    file: dict
    overlay: dict = dataclasses.field(default_factory=dict)
    pinned: dict = None

    def now(self):
        return self.pinned or {**self.file, **self.overlay}


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
        self.muted = set()       # (source, key): what a person said may be missing
        self.held = {}           # source -> column that waits for a person
        self.provisional = {}    # source -> column read by an overlay
        self.history = []        # published, as each snapshot has it
        self.head = None         # index into history

    # ---- the outside world
    def lands(self, source):
        self.polls[source] += 1
        self.objects.append(Object(source, self.polls[source], dict(self.dialects[source])))
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
        return source not in self.held and source not in self.provisional and all(
            sent.get(c) in rules[c] or (source, c, sent.get(c)) in self.muted for c in COLUMNS)

    # ---- what plumb does
    def unread(self, index):
        """The column of an object that the rules of today do not fill, or None."""
        o = self.objects[index]
        rules = self.mappings[o.source].now()
        for c in COLUMNS:
            if o.dialect.get(c) not in rules[c] and (o.source, c, o.dialect.get(c)) not in \
                    self.muted:
                return c
        return None

    def run(self, *only):
        """Of all sources, or only of some; true if something waits afterwards."""
        before = dict(self.published)
        for source in only or self.sources:
            pending = sorted(i for i in self.new + self.staged
                             if self.objects[i].source == source)
            for i in pending:
                column = self.unread(i)
                if column is None:
                    continue
                key = self.objects[i].dialect.get(column)
                mapping = self.mappings[source]
                if key is not None and column != CRITICAL and not mapping.pinned:
                    mapping.overlay[column] = [key] + mapping.now()[column]
                    self.provisional[source] = column
                    continue
                self.held[source] = column
                break
            waits = source in self.held
            first = next((i for i in pending if waits and self.unread(i) is not None), None)
            for i in pending:
                if first is not None and i >= first:
                    continue
                self.published[i] = copy.deepcopy(self.mappings[source].now())
            self.staged = [i for i in self.staged if self.objects[i].source != source]
            if first is not None:
                self.staged += [i for i in pending if i >= first]
            self.new = [i for i in self.new if self.objects[i].source != source]
        self.commit(before)
        return self.waiting()

    def waiting(self):
        return bool(self.staged or self.withdrawn or
                    any(m.pinned and m.pinned != {**m.file, **m.overlay}
                        for m in self.mappings.values()))

    def commit(self, before):
        if self.published != before:
            self.history.append(dict(self.published))
            self.head = len(self.history) - 1

    def approve(self, source):
        held = source in self.held
        column = self.held.pop(source) if held else self.provisional.pop(source)
        mapping = self.mappings[source]
        key = self.dialects[source].get(column)
        if key is None:
            self.muted.add((source, column, None))
        else:
            mapping.file[column] = mapping.overlay.pop(column, [key] + mapping.file[column])
        if held:
            self.run(source)

    def reject(self, source):
        held = source in self.held
        column = self.held.pop(source) if held else self.provisional.pop(source)
        key = self.dialects[source].get(column)
        self.muted.add((source, column, key))
        self.mappings[source].overlay.pop(column, None)
        self.run(source)
        if not held:
            before = dict(self.published)
            for i, rules in self.published.items():
                if self.objects[i].source == source and key in rules[column]:
                    self.published[i] = copy.deepcopy(self.mappings[source].now())
            self.commit(before)

    def replay(self, indices):
        before = dict(self.published)
        for i in indices:
            if i in self.published or i in self.withdrawn:
                self.published[i] = copy.deepcopy(self.mappings[self.objects[i].source].now())
        self.withdrawn = [i for i in self.withdrawn if i not in indices]
        self.commit({**before, None: None} if indices else before)

    def rollback(self, to):
        gone = set(self.published) | set(self.withdrawn)
        self.published = dict(self.history[to])
        self.withdrawn = sorted(gone - set(self.published))
        self.head = to
        for source in self.sources:
            mine = [i for i in self.published if self.objects[i].source == source]
            mapping = self.mappings[source]
            if mine:
                then = copy.deepcopy(self.published[max(mine)])
                mapping.pinned = then if then != {**mapping.file, **mapping.overlay} else None

    def use_file(self, source):
        self.mappings[source].pinned = None

    # ---- what must be seen
    def rows(self):
        """[(object index, record, likes, shares, views)] in order; NULL where no rule finds one."""
        found = []
        for i, rules in sorted(self.published.items()):
            o = self.objects[i]
            for post in range(POSTS):
                found.append((i, post, *(value(c, post, o.poll)
                                         if o.dialect.get(c) in rules[c] else None
                                         for c in COLUMNS)))
        return found

# SPDX-License-Identifier: Apache-2.0
"""The shapes that a task left in its result document, read by what src/shape/doc.c says of them and
merged, sharing no code with the program.

    shape = Shape()
    for window in windows:
        shape.add(window["shape"], named)    # named(name of the parent, path) -> name
    shape.shown()                            # as `plumb shape --json` shows one
"""
import base64
import math
import struct

KINDS = ["null", "bool", "int", "float", "string", "array", "object"]
CLASSES = ["bool", "number", "percent", "epoch s", "epoch ms", "epoch us", "time", "uuid", "url",
           "word", "text", "empty"]
GAMMA = 1.01 / 0.99
MASK = (1 << 64) - 1
ROOT2, ROOT3 = 0x6A09E667F3BCC909, 0xBB67AE8584CAA73B  # the fractions of their square roots


def _fold(a, b):
    return (a * b & MASK) ^ a * b >> 64


def hashed(data):
    """What an entity or a value is called: 16 bytes at a time are multiplied, the halves of the
    product put over each other."""
    h, rest, size = ROOT2, data, len(data)
    while len(rest) > 16:
        first, last = struct.unpack_from("<QQ", rest)
        h = _fold(h ^ first, ROOT3 ^ last)
        rest = rest[16:]
    if size >= 16:
        first, last = struct.unpack("<QQ", data[-16:])
    elif size >= 8:
        first, last = struct.unpack("<Q", data[:8])[0], struct.unpack("<Q", data[-8:])[0]
    elif size >= 4:
        first, last = struct.unpack("<Q", data[:4] + data[-4:])[0], 0
    else:
        three = [data[0], data[size // 2], data[-1]] if data else []
        first, last = int.from_bytes(bytes(three), "little"), 0
    return _fold(_fold(h ^ first, ROOT3 ^ last) ^ ROOT2, ROOT3 ^ size)


def _mixed(h):
    for factor in (0xFF51AFD7ED558CCD, 0xC4CEB9FE1A85EC53):
        h = (h ^ h >> 33) * factor & MASK
    return h ^ h >> 33


def is_sampled(data):
    """Whether the record of which this is the entity, as text, is one of the 64th."""
    return (hashed(data) or 1) < MASK // 64


def _blob(values, key):
    text = values.get(key, "")
    return base64.b64decode(text + "=" * (-len(text) % 4))


def _words(data):
    return struct.unpack(f"<{len(data) // 8}Q", data)


class Values:
    """What sampled records say at one path."""

    def __init__(self):
        self.count = self.fractions = self.zero = 0
        self.classes, self.buckets = {}, {}
        self.range, self.text = [], []
        self.hashes, self.registers = set(), None

    def add(self, values):
        self.count += values["count"]
        self.fractions += values.get("fractions", 0)
        self.zero += values.get("zero", 0)
        for name, count in zip(CLASSES, values["classes"]):
            if count:
                self.classes[name] = self.classes.get(name, 0) + count
        self.range += values.get("range", [])
        self.text += values.get("text", [])
        triples = values.get("buckets", [])
        for index, plus, minus in zip(triples[::3], triples[1::3], triples[2::3]):
            had = self.buckets.get(index, (0, 0))
            self.buckets[index] = had[0] + plus, had[1] + minus
        if "registers" in values:
            theirs = _blob(values, "registers")
            ours = self.registers or bytes(len(theirs))
            self.registers = bytes(map(max, ours, theirs))
        self.hashes.update(_words(_blob(values, "distinct")))

    def distinct(self):
        """(how many, whether that is exact)"""
        if not self.registers and len(self.hashes) <= 256:
            return len(self.hashes), True
        registers = bytearray(self.registers or bytes(1024))
        for h in map(_mixed, self.hashes):
            rest = h << 10 & MASK | 512
            index = h >> 54
            registers[index] = max(registers[index], 65 - rest.bit_length())
        m = len(registers)
        estimate = 0.7213 / (1 + 1.079 / m) * m * m / sum(2.0 ** -r for r in registers)
        empty = registers.count(0)
        return (m * math.log(m / empty) if estimate <= 2.5 * m and empty else estimate), False

    def quantile(self, q):
        steps = [(-GAMMA ** index, minus) for index, (_, minus) in self.buckets.items() if minus]
        steps += [(0, self.zero)]
        steps += [(GAMMA ** index, plus) for index, (plus, _) in self.buckets.items() if plus]
        rank, passed = q * (sum(n for _, n in steps) - 1), 0
        for bound, n in sorted(steps):
            passed += n
            if passed > rank:
                return bound * 2 / (GAMMA + 1)
        return None


class Shape:
    """Counts and values by the names of paths."""

    def __init__(self):
        self.records = self.sampled = self.objects = 0
        self.kinds, self.parents, self.values, self.seen_in = {}, {}, {}, {}

    def add(self, document, named):
        self.records += document.get("records", 0)
        self.sampled += document.get("sampled", 0)
        self.objects += document.get("objects", 0)
        names = []
        for path in document["paths"]:
            parent = names[path["in"]] if "in" in path else None
            name = named(parent, path)
            names.append(name)
            self.parents[name] = parent, "items" in path
            kinds = self.kinds.setdefault(name, dict.fromkeys(KINDS, 0))
            for kind, count in zip(KINDS, path["kinds"]):
                kinds[kind] += count
            self.seen_in[name] = self.seen_in.get(name, 0) + path.get("objects", 0)
            if "values" in path:
                self.values.setdefault(name, Values()).add(path["values"])

    def shown(self):
        paths = []
        for name, kinds in self.kinds.items():
            parent, items = self.parents[name]
            seen = sum(kinds.values())
            path = {"path": name, "seen": seen, "kinds": {k: n for k, n in kinds.items() if n},
                    "chances": seen if parent is None or items else self.kinds[parent]["object"]}
            values = self.values.get(name)
            if values:
                count, exact = values.distinct()
                path |= {"classes": values.classes, "fractions": values.fractions,
                         "text_min": min(values.text, default=None),
                         "text_max": max(values.text, default=None),
                         "min": min(values.range, default=None),
                         "max": max(values.range, default=None),
                         "distinct": count, "distinct_exact": exact}
                if values.range:
                    path["quantiles"] = {str(q): values.quantile(q)
                                         for q in (0, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99, 1)}
            paths.append(path)
        return {"paths": paths}

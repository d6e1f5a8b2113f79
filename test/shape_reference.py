# SPDX-License-Identifier: Apache-2.0
"""A second opinion on shapes: the same figures from the same records, plainly and slowly, sharing
no code with the program. No sketches: every value is kept.

    shape = of_lines(lines)      # {"$.a[*]": Path}
    mistakes = compare(shape, document)

`document` is what `plumb shape --json` prints. Everything but the sketches must be equal; those
must be within the errors that shape.h states.
"""
import json
import math
import re
from collections import Counter
from datetime import datetime, timedelta, timezone
from decimal import Decimal

QUANTILE_ERROR = 0.01
BUCKETS_SPAN = 1e-22       # what is smaller than the largest by more is one bucket
DISTINCT_EXACT = 256
DISTINCT_ERROR = 1.04 / math.sqrt(1 << 10)

NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?", re.ASCII)
BARE = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
URL = re.compile(r"[A-Za-z]{1,16}://[^\x00-\x20]*", re.S)
WORD = re.compile(r"[A-Za-z0-9_-]{1,32}")

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
DAY = r"(\d{4})-(\d\d)-(\d\d)"
CLOCK = r"(\d\d):(\d\d):(\d\d)(?:\.(\d+))?"
OFFSET = r"(Z|z|[+-]\d\d(?::?\d\d)?)"
DATE = re.compile(DAY, re.ASCII)
ISO = re.compile(DAY + r"[Tt ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d+))?)? ?" + OFFSET, re.ASCII)
LOCAL = re.compile(DAY + "[T ]" + CLOCK, re.ASCII)
NAMED = re.compile(DAY + r" +(\d\d):(\d\d):(\d\d)() +(UTC|GMT|Z)", re.ASCII | re.I)
MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".lower().split()
NAME = r"[A-Za-z]{3,9}"
UNIX = re.compile(rf"{NAME} +({NAME}) +(\d\d?) +(\d\d):(\d\d):(\d\d) +" + OFFSET + r" +(\d{4})",
                  re.ASCII)
MAIL = re.compile(rf"{NAME}, +(\d\d?) +({NAME}) +(\d{{4}}) +(\d\d):(\d\d):(\d\d) +"
                  r"(Z|z|[+-]\d\d(?::?\d\d)?|UTC|GMT)", re.ASCII | re.I)


class Literal(str):
    """A number as it stands in the JSON."""


def offset(text):
    if text.upper() in ("Z", "UTC", "GMT"):
        return timedelta(0)
    digits = text[1:].replace(":", "")
    span = timedelta(hours=int(digits[:2]), minutes=int(digits[2:] or 0))
    return -span if text[0] == "-" else span


def micros(fraction):
    if len(fraction.rstrip("0")) > 6:
        raise ValueError("finer than a microsecond")
    return int(fraction[:6].ljust(6, "0")) if fraction else 0


def month(name):
    return MONTHS.index(name[:3].lower()) + 1


def instant(text):
    """Microseconds since 1970, or None."""
    try:
        if m := DATE.fullmatch(text):
            parts, shift = [int(x) for x in m.groups()], timedelta(0)
        elif m := ISO.fullmatch(text) or NAMED.fullmatch(text):
            g = m.groups()
            parts = [int(x or 0) for x in g[:6]] + [micros(g[6] or "")]
            shift = offset(g[7])
        elif m := LOCAL.fullmatch(text):
            g = m.groups()
            parts, shift = [int(x) for x in g[:6]] + [micros(g[6] or "")], timedelta(0)
        elif m := UNIX.fullmatch(text):
            g = m.groups()
            parts = [int(g[6]), month(g[0]), *(int(x) for x in g[1:5])]
            shift = offset(g[5])
        elif m := MAIL.fullmatch(text):
            g = m.groups()
            parts = [int(g[2]), month(g[1]), int(g[0]), *(int(x) for x in g[3:6])]
            shift = offset(g[6])
        else:
            return None
        at = datetime(*parts, tzinfo=timezone.utc)
        return (at - shift - EPOCH) // timedelta(microseconds=1)
    except (ValueError, OverflowError):
        return None


def as_float(number):
    """A Decimal as float; None where no float is near."""
    value = float(number)
    if math.isinf(value) or (value == 0 and number != 0):
        return None
    return value


def number_says(text):
    value = Decimal(text)
    if value == value.to_integral_value():
        for name, unit in ("epoch s", 1), ("epoch ms", 10 ** 3), ("epoch us", 10 ** 6):
            if 978307200 * unit <= value < 4133980800 * unit:
                return name, int(value) * (10 ** 6 // unit) / 1e6, canonical(value)
    return "number", as_float(value), canonical(value)


def canonical(number):
    return format(number.normalize() if number else Decimal(0), "f") if abs(
        number.adjusted()) < 5000 else str(number.normalize())


def says(value):
    """(class, number or None, what makes it different from others)"""
    if isinstance(value, bool):
        return "bool", float(value), str(int(value))
    if isinstance(value, Literal):
        return number_says(value)
    if value == "":
        return "empty", None, "text:"
    if len(value.encode()) <= 64:
        if NUMBER.fullmatch(value):
            return number_says(value)
        bare = value[:-1].strip(" \t\r\n")
        if value[-1] == "%" and NUMBER.fullmatch(bare):
            share = Decimal(bare).scaleb(-2)
            return "percent", as_float(share), canonical(share)
        at = instant(value) if len(value) >= 10 else None
        if at is not None:
            return "time", at / 1e6, canonical(Decimal(at).scaleb(-6))
        if value in ("true", "false"):
            return "bool", float(value == "true"), str(int(value == "true"))
    name = ("uuid" if UUID.fullmatch(value) else "url" if URL.fullmatch(value)
            else "word" if WORD.fullmatch(value) else "text")
    return name, None, "text:" + value


class Path:
    def __init__(self, parent):
        self.parent = parent       # Path, or None
        self.items = False
        self.kinds = Counter()
        self.classes = Counter()
        self.numbers = []
        self.fractions = 0
        self.texts = []            # bytes of texts
        self.different = set()

    def chances(self):
        if self.parent is None or self.items:
            return sum(self.kinds.values())
        return self.parent.kinds["object"]


def kind_of(value):
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, Literal):
        return "float" if set(value) & set(".eE") else "int"
    return {str: "string", list: "array", dict: "object"}[type(value)]


def observe(shape, name, parent, value, items=False):
    path = shape.get(name)
    if path is None:
        path = shape[name] = Path(parent)
        path.items = items
    kind = kind_of(value)
    path.kinds[kind] += 1
    if kind == "object":
        for key, member in value.items():
            step = "." + key if BARE.fullmatch(key) else "[" + quoted(key) + "]"
            observe(shape, name + step, path, member)
    elif kind == "array":
        for item in value:
            observe(shape, name + "[*]", path, item, items=True)
    elif kind != "null":
        cls, number, different = says(value)
        path.classes[cls] += 1
        path.different.add(different)
        if kind == "string":
            path.texts.append(len(value.encode()))
        if number is not None:
            path.numbers.append(number)
            path.fractions += cls == "number" and number != int(number)


def quoted(key):
    return json.dumps(key, ensure_ascii=False)


def of_lines(lines):
    shape = {}
    for line in lines:
        if line.strip():
            observe(shape, "$", None, json.loads(line, parse_int=Literal, parse_float=Literal))
    return shape


def close(got, want, largest):
    return abs(got - want) <= abs(want) * QUANTILE_ERROR * (1 + 1e-9) or (
        abs(want) < largest * BUCKETS_SPAN * 10)


def compare_values(name, path, seen, errors):
    """Yields what is wrong; appends the relative errors of distinct counts to `errors`."""
    facts = {"classes": dict(path.classes), "fractions": path.fractions,
             "text_min": min(path.texts, default=None), "text_max": max(path.texts, default=None),
             "min": min(path.numbers, default=None), "max": max(path.numbers, default=None)}
    for fact, want in facts.items():
        if seen.get(fact) != want:
            yield f"{name}: {fact} is {seen.get(fact)}, not {want}"
    different = len(path.different)
    exact = different <= DISTINCT_EXACT
    off = seen["distinct"] / different - 1
    if seen["distinct_exact"] != exact or abs(off) > (0 if exact else 5 * DISTINCT_ERROR):
        yield f"{name}: {seen['distinct']} different values, not {different}"
    if not exact:
        errors.append(off)
    numbers = sorted(path.numbers)
    for rank, got in seen.get("quantiles", {}).items():
        want = numbers[int(float(rank) * (len(numbers) - 1))]
        if not close(got, want, max(abs(numbers[0]), abs(numbers[-1]))):
            yield f"{name}: quantile {rank} is {got}, not {want}"


def compare(shape, document, errors):
    """Everything in which the document differs from the records."""
    seen = {p["path"]: p for p in document["paths"]}
    wrong = [f"{name}: missing" for name in shape.keys() - seen.keys()]
    wrong += [f"{name}: made up" for name in seen.keys() - shape.keys()]
    for name in shape.keys() & seen.keys():
        path, got = shape[name], seen[name]
        want = {"seen": sum(path.kinds.values()), "chances": path.chances(),
                "kinds": dict(path.kinds)}
        wrong += [f"{name}: {fact} is {got[fact]}, not {value}" for fact, value in want.items()
                  if got[fact] != value]
        if path.classes:
            wrong += compare_values(name, path, got, errors)
        elif "classes" in got:
            wrong.append(f"{name}: has values")
    return wrong

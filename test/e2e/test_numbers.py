# SPDX-License-Identifier: Apache-2.0
"""Numbers and times are exact: generated literals of every type go through ingest and run, and what
pyarrow reads back is compared, as text, with what Python's decimal, float, struct and datetime say.

A literal either arrives exactly, or its column is NULL, flagged `lost`, and the literal itself is
in _rest. There is nothing in between. 10^4 literals per type; PLUMB_FULL=1 makes it 10^6.
"""
import datetime
import decimal
import fractions
import json
import math
import random
import re
import struct
import time

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lake import FULL, figures, project, read, table

COUNT = 10**6 if FULL else 10**4
FORMAT = "%d.%m.%Y %H:%M:%S.%f %z"
LOST = object()  # the judge's word for: this type has no such value
CONTEXT = decimal.Context(prec=2000, Emax=decimal.MAX_EMAX, Emin=decimal.MIN_EMIN)
EPOCH = datetime.date(1970, 1, 1).toordinal()
FIRST_MICROS = -62135596800 * 10**6  # 0001-01-01T00:00:00Z
LAST_MICROS = 253402300800 * 10**6 - 1


# --- the judges: the text between the quotes, or the literal, to a value or LOST ------------------

def D(value):
    """A number or its text as a Decimal. An exponent Python refuses becomes one as far out."""
    if isinstance(value, str) and "e" in value.lower():
        mantissa, exponent = value.lower().split("e")
        value = f"{mantissa}e{max(-10**9, min(10**9, int(exponent)))}"
    return decimal.Decimal(value)


def whole(bits):
    low, high = -1 << (bits - 1), (1 << (bits - 1)) - 1

    def judge(text):
        value = D(text)
        if value.adjusted() > 40 or value != value.to_integral_value(context=CONTEXT):
            return LOST
        return int(value) if low <= value <= high else LOST
    return judge


def is_zero(text):
    return not re.search("[1-9]", re.split("[eE]", text)[0])


def double(text):
    value = float(text)
    return LOST if abs(value) == float("inf") or value == 0 and not is_zero(text) else value


def exactly(text):
    """The text as a fraction; one far out of every type's range is cut to something still out."""
    value = D(text)
    return fractions.Fraction(value) if abs(value.adjusted()) < 400 else \
        fractions.Fraction(10) ** (400 if value.adjusted() > 0 else -400) * (-1 if value < 0 else 1)


def single(text):
    """The float nearest to the text. By way of the double, unless that stands exactly in the middle
    of two floats: there the text decides."""
    wide = float(text)
    if abs(wide) > 3.5e38:
        return LOST
    try:
        near = struct.unpack("f", struct.pack("f", wide))[0]
    except OverflowError:
        near = float("inf") if wide > 0 else float("-inf")
    if near != wide:
        limit = 2.0 ** 128  # what the next float after the largest would be
        toward = [limit if wide > 0 else -limit] if abs(near) == float("inf") else []
        around = [struct.unpack("f", struct.pack("I", bits))[0]
                  for bits in neighbours(near)] if not toward else [
                      struct.unpack("f", struct.pack("I", 0x7f7fffff))[0] * (1 if wide > 0 else -1)]
        at = toward[0] if toward else near
        for other in around:
            other_at = limit if other == float("inf") else -limit if other == float("-inf") \
                else other
            middle = fractions.Fraction(at) + fractions.Fraction(other_at)
            if middle == 2 * fractions.Fraction(wide):
                exact = exactly(text)
                if exact != wide and (exact > wide) == (other_at > at):
                    near = other
    return LOST if abs(near) == float("inf") or near == 0 and not is_zero(text) else near


def neighbours(value):
    (bits,) = struct.unpack("I", struct.pack("f", value))
    if bits & 0x7fffffff == 0:
        return [bits ^ 0x80000000 | 1, bits | 1]
    return [bits - 1, bits + 1]


def fixed(precision, scale):
    step = D(1).scaleb(-scale)

    def judge(text):
        value = D(text)
        if value and (value.adjusted() >= precision - scale or value.adjusted() < -scale):
            return LOST
        rounded = value.quantize(step, context=CONTEXT)
        return abs(rounded) if rounded == value == 0 else rounded if rounded == value else LOST
    return judge


def day(text):
    if not re.fullmatch(r"\d{4}-\d\d-\d\d", text):
        return LOST
    try:
        return datetime.date(*map(int, text.split("-"))).toordinal() - EPOCH
    except ValueError:
        return LOST


INSTANT = re.compile(r"(\d{4}-\d\d-\d\d)[Tt ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d+))?)?"
                     r"(?:[Zz]|([+-])(\d\d):?(\d\d)?)")


def instant(text):
    """ISO 8601 with an offset, to microseconds of UTC."""
    parts = INSTANT.fullmatch(text)
    if not parts:
        return LOST
    date, hour, minute, second, fraction, sign, hours, minutes = parts.groups("0")
    if day(date) is LOST:  # 0000-12-31T23:30-01:00 is in the year 1, but written in the year 0
        if date[:4] != "0000" or day("0004" + date[4:]) is LOST:
            return LOST
        days = day("0400" + date[4:]) - 146097
    else:
        days = day(date)
    if int(hour) > 23 or int(minute) > 59 or int(second) > 59 or fraction[6:].strip("0"):
        return LOST
    if int(hours) > 23 or int(minutes) > 59:
        return LOST
    east = (int(hours) * 60 + int(minutes)) * (-1 if sign == "-" else 1)
    seconds = days * 86400 + int(hour) * 3600 + (int(minute) - east) * 60 + int(second)
    micros = seconds * 10**6 + int(fraction[:6].ljust(6, "0"))
    return micros if FIRST_MICROS <= micros <= LAST_MICROS else LOST


def epoch(text, shift=None):
    """Seconds to nanoseconds, by the number of digits before the point where nothing says it."""
    value = D(text)
    digits = value.adjusted() + 1
    if shift is None:
        shift = 6 if digits <= 11 else 3 if digits <= 14 else 0 if digits <= 17 else -3
    micros = value.scaleb(shift, context=CONTEXT)
    if abs(micros) > 10**18 or micros != micros.to_integral_value(context=CONTEXT):
        return LOST
    return int(micros) if FIRST_MICROS <= micros <= LAST_MICROS else LOST


def written(text):
    """A time in FORMAT, by way of the same in ISO 8601."""
    parts = re.fullmatch(r"(\d\d)\.(\d\d)\.(\d{4}) ([\d:.]+) (\S+)", text)
    if not parts or ":" not in parts[4] or "." not in parts[4]:
        return LOST
    day_of, month, year, clock, offset = parts.groups()
    clock = clock.rjust(len(clock) + (clock[1] == ":"), "0")  # %H may have one digit
    return instant(f"{year}-{month}-{day_of}T{clock}{offset}")


def percent(text):
    text = text.strip()
    if re.match("-?0[0-9]", text):  # as in JSON, a number does not begin with zeros
        return LOST
    if text.endswith("%"):
        return double(f"{D(text[:-1].strip()).scaleb(-2, context=CONTEXT):e}")
    return double(text)


# --- the literals ---------------------------------------------------------------------------------

def digits(rng, most):
    return str(rng.randrange(10 ** rng.randrange(1, most)))


def around(rng, *edges):
    return str(rng.choice(edges) + rng.randrange(-3, 4))


def integer_text(rng, bits):
    kind = rng.randrange(10)
    if kind < 5:
        return str(rng.randrange(-1 << (bits - 1), 1 << (bits - 1)) >> rng.randrange(bits))
    if kind < 7:
        return around(rng, 1 << (bits - 1), -1 << (bits - 1), 0, 10**18, -10**18)
    if kind < 8:  # the same in other words
        n = rng.randrange(-10**6, 10**6)
        return rng.choice([f"{n}.0", f"{n}.000", f"{n}e3", f"{n}000e-3", f"{n}.5e1", f"{n}E+2",
                           "-0", "-0.0", "0e9", "0.0e-999999999999999999999"])
    if kind < 9:
        return rng.choice(["", "-"]) + digits(rng, 40)
    return f"{rng.randrange(-1000, 1000)}.{rng.randrange(1000)}"


def real_text(rng, edges):
    kind = rng.randrange(12)
    if kind == 11:  # as many digits as a uint64_t holds, about the point
        return f"{rng.randrange(10**15, 10**19)}e{rng.randrange(-20, 21)}"
    if kind == 10:  # what stands between two doubles, with all of its digits, or nearly there
        value = CONTEXT.divide(D(2 * rng.randrange(1 << 52, 1 << 53) + 1),
                               D(2 ** rng.randrange(1, 120)))
        text = f"{value:f}"
        text = text[:rng.choice([-1, 19, 20, 21, None])] + rng.choice(["", "", "0", "1", "5000001"])
        return text + "0" if text.endswith(".") else text
    if kind < 2:  # any double
        value = struct.unpack("d", rng.randbytes(8))[0]
        return repr(value) if value == value and abs(value) != float("inf") else "0.1"
    if kind < 3:  # any float, and what stands between two
        value = struct.unpack("f", rng.randbytes(4))[0]
        if value != value or abs(value) > 3e38:
            return "-0.0"
        low, high = neighbours(value)
        if rng.randrange(2):
            return repr(value)
        other = struct.unpack("f", struct.pack("I", high))[0]
        middle = D(value) / 2 + D(other) / 2 if abs(other) < 3.5e38 else D(value)
        middle = CONTEXT.add(CONTEXT.divide(D(value), D(2)), CONTEXT.divide(D(other), D(2))) \
            if abs(other) < 3.5e38 else middle
        tail = rng.choice(["", "0", "1", "000000000000000000000000001"])
        text = f"{middle:f}"
        return text + (tail if "." in text else "." + (tail or "0"))
    if kind < 4:  # what stands between two doubles
        n = rng.randrange(1 << 52, 1 << 53)
        text = str((2 * n + 1) << rng.randrange(1, 60))
        return text + rng.choice(["", ".0", ".5", ".00000000000000000000000000000001"])
    if kind < 6:
        return f"{rng.randrange(-10**9, 10**9)}.{digits(rng, 25)}e{rng.randrange(-60, 45)}"
    if kind < 7:
        return rng.choice(edges) if rng.randrange(4) else \
            f"{rng.randrange(1, 10**17)}e{rng.randrange(-360, 330)}"
    if kind < 8:
        return str(rng.randrange(-10**20, 10**20))
    if kind < 9:
        return "0." + "0" * rng.randrange(60) + digits(rng, 30)
    return rng.choice(["-", ""]) + digits(rng, 12) + "." + digits(rng, 4)


DOUBLE_EDGES = ["5e-324", "2.4703282292062327e-324", "2.4703282292062328e-324", "2e-324", "1e-400",
                "1e400", "-1e400", "1.7976931348623157e308", "1.7976931348623158e308",
                "1.7976931348623159e308", "1.797693134862315807e308", "-0.0", "-0", "0", "0.0",
                "2.2250738585072014e-308", "2.2250738585072011e-308", "1e23", "9007199254740993",
                "0e400", "-0e-400", "1e-99999999999999999999", "1e99999999999999999999"]
FLOAT_EDGES = ["1.4e-45", "7.006492321624085e-46", "7.006492321624086e-46", "7e-46", "1e-400",
               "1e400", "3.4028234663852886e38", "3.4028235677973366e38", "3.4028235677973365e38",
               "3.4028235677973367e38", "-3.5e38", "16777217", "16777217.0000000001", "-0.0", "-0",
               "0", "1e-46", "1.1754943508222875e-38"]


def decimal_text(rng, precision, scale):
    kind = rng.randrange(8)
    whole_digits = precision - scale
    if kind < 4:
        return f"{rng.randrange(-10**precision + 1, 10**precision)}e-{scale}" if rng.randrange(2) \
            else f"{D(rng.randrange(-10**precision + 1, 10**precision)).scaleb(-scale, CONTEXT):f}"
    if kind < 5:
        return around(rng, 10**whole_digits, -10**whole_digits, 0)
    if kind < 6:
        return f"{rng.choice(['', '-'])}{digits(rng, whole_digits + 2)}." \
            + str(rng.randrange(10 ** (scale + 1))).zfill(scale + 1)
    if kind < 7:
        return f"{digits(rng, 5)}.{'0' * rng.randrange(1, 60)}"
    return rng.choice(["1e400", "-1e-400", "0e500", "-0", "-0.00", "1E2", "12.340", "1e-2", "1e-11",
                       "9" * precision, "9" * whole_digits, "0." + "9" * scale])


def date_text(rng):
    year = rng.choice([rng.randrange(1, 10000), rng.randrange(1900, 2100), 0, 1, 9999, 2000, 1900,
                       1600, 4, 1969, 1970])
    text = f"{year:04}-{rng.randrange(1, 13):02}-{rng.randrange(1, 32):02}"
    kind = rng.randrange(20)
    if kind == 0:
        return rng.choice(["10000-01-01", "-0001-01-01", "2024-2-3", "2024-13-01", "2023-02-29",
                           "2024-02-30", "2024-00-10", "2024-01-00", "", "today", " 2024-01-01",
                           "2024-01-01T00:00:00Z", "20240101", "2024/01/01", "1e3"])
    return f"{year:04}-02-29" if kind < 4 else text


def time_text(rng):
    date = date_text(rng)
    second = 60 if rng.randrange(30) == 0 else rng.randrange(60)
    clock = f"{rng.randrange(24):02}:{rng.randrange(60):02}"
    if rng.randrange(40) == 0:
        clock = rng.choice(["24:00", "23:60", "7:05", "12", ""])
    if rng.randrange(10):
        clock += f":{second:02}"
        if rng.randrange(2):
            clock += "." + str(rng.randrange(10**6)).zfill(rng.choice([1, 3, 6]))[:6] \
                + rng.choice(["", "", "", "000", "1", "0001"])
    offset = rng.choice(["Z", "z", "+00:00", "-00:00", "+0530", "-03", "+14:00", "-23:59", "+23",
                         f"{rng.choice('+-')}{rng.randrange(15):02}:{rng.choice([0, 30, 45]):02}"])
    if rng.randrange(30) == 0:
        offset = rng.choice(["+00:60", "+24:00", "", "+5", " UTC", "ZZ", "+01:3"])
    return date + rng.choice("TTTt ") + clock + offset


def epoch_text(rng):
    n = rng.choice([rng.randrange(-62135596800, 253402300800), rng.randrange(0, 2 * 10**9),
                    rng.randrange(-10**9, 0), 0, -1, 1])
    kind = rng.randrange(8)
    if kind < 3:
        return str(n)
    if kind < 6:
        unit = rng.choice([10**3, 10**6, 10**9])
        return str(n * unit + rng.randrange(unit))
    if kind < 7:
        return f"{n}.{str(rng.randrange(10**6)).zfill(6)}" + rng.choice(["", "0", "1", "000"])
    return rng.choice(["1e9", "1.5e9", "1e400", "-1e30", "1e-400", "99999999999", "100000000000",
                       "253402300799", "253402300800", "-62135596800", "-62135596801", "-0", "0.5",
                       "1763780645.123456789", "9" * 30])


def written_text(rng):
    while not (parts := re.fullmatch(r"(.{4})-(..)-(..)[Tt ]([\d:.]*)(.*)", time_text(rng))):
        pass
    year, month, day_of, clock, offset = parts.groups()
    return f"{day_of}.{month}.{year} {clock} {offset}"


def percent_text(rng):
    number = f"{rng.randrange(-10**4, 10**6)}.{digits(rng, 20)}" if rng.randrange(3) else \
        rng.choice(["4.7", "0.1", "100", "1e400", "1e-400", "5e-324", "5e-322", "-0", "0.07", "007",
                    "12.345678901234567890", real_text(rng, DOUBLE_EDGES), digits(rng, 20)])
    return number + rng.choice(["%", " %", "%", ""])


def quoted_sometimes(make):
    """The literal as a number, and now and then as text."""
    def literal(rng):
        text = make(rng)
        return f'"{text}"' if rng.randrange(8) == 0 else text
    return literal


def quoted(make):
    return lambda rng: json.dumps(make(rng))


# type, rule, how a literal is made, the judge, and what is flagged although it arrives.
def is_text(literal):
    return literal[0] == '"'


def is_text_or_fraction(literal):
    return is_text(literal) or bool(re.search("[.eE]", literal))


def never(literal):
    return False


KINDS = {
    "int": ("int", "v", quoted_sometimes(lambda r: integer_text(r, 32)), whole(32),
            is_text_or_fraction),
    "long": ("long", "v", quoted_sometimes(lambda r: integer_text(r, 64)), whole(64),
             is_text_or_fraction),
    "float": ("float", "v", quoted_sometimes(lambda r: real_text(r, FLOAT_EDGES)), single, is_text),
    "double": ("double", "v", quoted_sometimes(lambda r: real_text(r, DOUBLE_EDGES)), double,
               is_text),
    "decimal_38_10": ("decimal(38, 10)", "v", quoted_sometimes(lambda r: decimal_text(r, 38, 10)),
                      fixed(38, 10), is_text),
    "decimal_9_2": ("decimal(9, 2)", "v", quoted_sometimes(lambda r: decimal_text(r, 9, 2)),
                    fixed(9, 2), is_text),
    "date": ("date", "v", quoted(date_text), day, never),
    "timestamp": ("timestamp", "v", quoted(time_text), instant, never),
    "epoch": ("timestamp", "v parse(epoch)", quoted_sometimes(epoch_text), epoch, never),
    **{f"epoch_{unit}": ("timestamp", f"v parse(epoch({unit}))", quoted_sometimes(epoch_text),
                         lambda text, shift=shift: epoch(text, shift), never)
       for unit, shift in (("s", 6), ("ms", 3), ("us", 0), ("ns", -3))},
    "time": ("timestamp", f"'v parse(time(\"{FORMAT}\"))'", quoted(written_text), written, never),
    "percent": ("double", "v parse(percent)", quoted(percent_text), percent, never),
}


def as_texts(column):
    """Every value of an Arrow column as text that says all of it."""
    if pa.types.is_timestamp(column.type):
        column = column.cast(pa.int64())
    if pa.types.is_date(column.type):
        column = column.cast(pa.int32())
    if pa.types.is_decimal(column.type):
        return [None if v is None else f"{v:f}" for v in column.to_pylist()]
    return [None if v is None else repr(v) for v in column.to_pylist()]


def text_of(value):
    return f"{value:f}" if isinstance(value, decimal.Decimal) else repr(value)


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("kind", KINDS)
def test_literals_arrive_exactly_or_are_kept_as_lost(plumb, kind):
    column_type, rule, make, judge, flagged = KINDS[kind]
    project(plumb, {"t": f"""
        table: t
        columns:
          v: {column_type}
        """}, {"s": f"""
        source: s
        into: t
        map:
          v: {rule}
        """})
    rng = random.Random(kind)
    literals = [make(rng) for _ in range(COUNT)]
    (plumb.dir / "in.json").write_text("".join(f'{{"v":{text}}}\n' for text in literals))
    plumb("ingest", "s", "in.json")
    started = time.monotonic()
    done = plumb.json("run")
    took = time.monotonic() - started
    assert done["records"] == {"raw": COUNT, "curated": COUNT, "quarantined": 0, "filtered": 0}

    files = [task.file.file_path.removeprefix("file://")
             for task in table(plumb, "t").scan().plan_files()]
    got = pa.concat_tables(pq.ParquetFile(f).read() for f in files).sort_by("_record")
    assert got["_record"].to_pylist() == list(range(COUNT))
    want, flags, rest = [], [], []
    for literal in literals:
        value = judge(json.loads(literal) if is_text(literal) else literal)
        want.append(None if value is LOST else text_of(value))
        flags.append(["v:lost"] if value is LOST else ["v:coerced"] if flagged(literal) else None)
        rest.append(f'{{"v":{literal}}}' if value is LOST else None)
    for name, column, right in (("value", as_texts(got["v"]), want),
                                ("flags", got["_flags"].to_pylist(), flags),
                                ("rest", got["_rest"].to_pylist(), rest)):
        wrong = [(literals[i], have, should) for i, (have, should) in enumerate(zip(column, right))
                 if have != should]
        assert not wrong, (name, len(wrong), wrong[:10])
    lost = want.count(None)
    figures(f"Exact numbers: {kind}", f"{COUNT} literals: {COUNT - lost} exact, {lost} kept as lost"
            f" with their text, 0 wrong; run took {took:.1f} s")


# --- one by one: what JSON can say and a column cannot --------------------------------------------

ODD = {  # literal -> the value, or the reason
    "1e400": "is out of range",
    "-1e400": "is out of range",
    "1e-400": "is not zero but too small for the type",
    "5e-324": 5e-324,
    "-0": -0.0,
    '"NaN"': math.nan,
    '"-Infinity"': -math.inf,
    '"1e400"': "is out of range",
    '"inf"': "is not a number",
    '""': "is not a number",
    "[]": "is not a number",
    "true": "is not a number",
}


def test_what_a_required_double_cannot_hold_is_quarantined_with_its_reason(plumb):
    project(plumb, {"t": """
        table: t
        columns:
          v: double!
        """}, {"s": """
        source: s
        into: t
        map:
          v: v
        """})
    # A good record before each, or neighbours with the same reason would be one entry.
    lines = [line for literal in ODD for line in ('{"v":0.5}', f'{{"v":{literal}}}')]
    (plumb.dir / "in.json").write_text("\n".join(lines))
    plumb("ingest", "s", "in.json")
    plumb("run")
    rows = {r["_record"]: r["v"] for r in read(plumb, "t").to_pylist()}
    entries = {e["record"]: e for e in plumb.json("quarantine")}
    at = 0
    for i, line in enumerate(lines):
        wanted = ODD[line[5:-1]] if i % 2 else 0.5
        if isinstance(wanted, str):
            entry = entries.pop(i)
            assert (entry["column"], entry["reason"], entry["records"]) == ("v", "v " + wanted, 1)
            assert (entry["byte_first"], entry["byte_count"]) == (at, len(line))
            assert entry["byte"] == at + len('{"v":')
        else:
            assert repr(rows.pop(i)) == repr(wanted)
        at += len(line) + 1
    assert not rows and not entries


def test_odd_texts_and_repeated_keys(plumb):
    """A NUL is a character. A lone surrogate is none: that record is refused at its byte. Of a key
    that is repeated the last one counts."""
    project(plumb, {"t": """
        table: t
        columns:
          id: int!
          v:  string
          n:  long
        """}, {"s": """
        source: s
        into: t
        map:
          id: id
          v:  v
          n:  n
        """})
    lines = [r'{"id":0,"v":"a\u0000b"}', r'{"id":1,"v":"\ud800"}', r'{"id":2,"v":"\udc00\ud800"}',
             r'{"id":3,"v":"\ud83d\ude00"}', '{"id":4,"n":1,"n":9007199254740993}',
             '{"id":5,"n":1,"n":null}', '{"id":6,"n":1,"n":"x"}', '{"id":7,"v":"x","\\u0076":"y"}',
             r'{"id":8,"\ud800":1}']
    (plumb.dir / "in.json").write_text("\n".join(lines))
    plumb("ingest", "s", "in.json")
    plumb("run")
    rows = read(plumb, "t", "id", "v", "n", "_flags", "_rest").to_pylist()
    assert sorted(rows, key=lambda r: r["id"]) == [
        {"id": 0, "v": "a\0b", "n": None, "_flags": None, "_rest": None},
        {"id": 3, "v": "\U0001f600", "n": None, "_flags": None, "_rest": None},
        {"id": 4, "v": None, "n": 9007199254740993, "_flags": None, "_rest": None},
        {"id": 5, "v": None, "n": None, "_flags": None, "_rest": None},
        {"id": 6, "v": None, "n": None, "_flags": ["n:lost"], "_rest": '{"n":"x"}'},
        {"id": 7, "v": "y", "n": None, "_flags": None, "_rest": None},
    ]
    starts = [sum(len(line) + 1 for line in lines[:i]) for i in range(len(lines))]
    entries = [(e["record"], e["records"], e["byte"], e["reason"])
               for e in plumb.json("quarantine")]
    assert entries == [  # neighbours with the same reason are one
        (i, count, starts[i] + lines[i].index(r"\u"),
         "not JSON: a lone surrogate is not a character") for i, count in ((1, 2), (8, 1))]

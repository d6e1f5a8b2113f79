# SPDX-License-Identifier: Apache-2.0
"""Predicates made up from a table's values, for PyIceberg and as SQL for DuckDB and Spark.

A predicate is a tree: ("and" | "or", left, right) or (operator, column, literals). Literals are
values the column has, their neighbours, and what bounds make of long texts: where a reader that
prunes by wrong statistics goes wrong.
"""
import datetime
import decimal
import math

import pyarrow as pa
from pyiceberg import expressions as ice

COMPARISONS = ["=", "<>", "<", "<=", ">", ">="]
MADE_OF = {"=": ice.EqualTo, "<>": ice.NotEqualTo, "<": ice.LessThan,
           "<=": ice.LessThanOrEqual, ">": ice.GreaterThan, ">=": ice.GreaterThanOrEqual,
           "in": ice.In, "not in": ice.NotIn, "starts": ice.StartsWith, "null": ice.IsNull,
           "not null": ice.NotNull, "nan": ice.IsNaN, "not nan": ice.NotNaN}


def following(text):
    """The text after all that start with this one, as an upper bound is made."""
    while text and text[-1] == "\U0010ffff":
        text = text[:-1]
    if not text:
        return "\U0010ffff"
    code = ord(text[-1]) + 1
    return text[:-1] + chr(0xe000 if code == 0xd800 else code)


def neighbours(value):
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, int):
        return [max(value - 1, -2 ** 31), min(value + 1, 2 ** 31 - 1)] \
            if -2 ** 31 <= value < 2 ** 31 else [value // 2]
    if isinstance(value, float):
        return [math.nextafter(value, math.inf), -value, 0.0] if math.isfinite(value) else [0.0]
    if isinstance(value, decimal.Decimal):
        return [value.copy_negate(), decimal.Decimal((0, (0,), value.as_tuple().exponent))]
    if isinstance(value, datetime.datetime):
        step = datetime.timedelta(microseconds=1)
        return [value - step if value.year > 1 else value, value + step
                if value.year < 9999 else value]
    if isinstance(value, datetime.date):
        return [value.replace(day=1), value.replace(month=12)]
    cut = value[:16]
    return [cut, following(cut), value[:-1], value + "\x01", value[:1]]


def leaf(pick, name, values):
    known = [v for v in values if v is not None and v == v]
    operators = ["null", "not null"]
    floating = any(isinstance(v, float) for v in values)
    if floating:
        operators += ["nan", "not nan"]
    if known and pick.random() < 0.85:
        operators = COMPARISONS * 2 + ["in", "not in"]
        if isinstance(known[0], str):
            operators += ["starts"] * 3
        if isinstance(known[0], bool):
            operators = ["=", "<>"]
    operator = pick.choice(operators)
    count = {"null": 0, "not null": 0, "nan": 0, "not nan": 0,
             "in": 3, "not in": 3}.get(operator, 1)

    def literal():
        value = pick.choice([min(known), max(known)] if pick.random() < 0.2 else known)
        near = [v for v in neighbours(value) if v == v]
        return pick.choice(near) if near and pick.random() < 0.4 else value
    return operator, name, [literal() for _ in range(count)]


def make(pick, columns):
    """`columns` is {name: values}."""
    if pick.random() < 0.3:
        return pick.choice(["and", "or"]), make(pick, columns), make(pick, columns)
    name = pick.choice(sorted(columns))
    return leaf(pick, name, columns[name])


def for_pyiceberg(tree):
    operator, left, right = tree
    if operator in ("and", "or"):
        both = ice.And if operator == "and" else ice.Or
        return both(for_pyiceberg(left), for_pyiceberg(right))
    made = MADE_OF[operator]
    if operator in ("in", "not in"):
        return made(left, right)
    return made(left, *right)


def text(value, spark):
    if spark:
        value = value.replace("\\", "\\\\").replace("'", "\\'")
    return "'" + (value if spark else value.replace("'", "''")) + "'"


def literal(value, kind, spark):
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return text(value, spark)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime.datetime):
        at = value.astimezone(datetime.timezone.utc)
        said = f"{at.year:04}-{at:%m-%d %H:%M:%S.%f}"
        return f"TIMESTAMP '{said} UTC'" if spark else f"TIMESTAMPTZ '{said}+00'"
    if isinstance(value, datetime.date):
        return f"DATE '{value.year:04}-{value:%m-%d}'"
    if isinstance(value, decimal.Decimal):
        return f"CAST('{value:f}' AS DECIMAL({kind.precision}, {kind.scale}))"
    if isinstance(value, float):
        word = {math.inf: "Infinity", -math.inf: "-Infinity"}.get(value, repr(value))
        return f"CAST('{word}' AS {'FLOAT' if kind == pa.float32() else 'DOUBLE'})"
    return f"CAST('{value}' AS BIGINT)"


def for_sql(tree, kinds, spark=False):
    operator, left, right = tree
    if operator in ("and", "or"):
        return (f"({for_sql(left, kinds, spark)} {operator.upper()}"
                f" {for_sql(right, kinds, spark)})")
    values = [literal(v, kinds[left], spark) for v in right]
    number = "" if operator not in (">", ">=") or not pa.types.is_floating(kinds[left]) else \
        f"NOT isnan({left}) AND "  # NaN is above all in SQL, and not in statistics
    return {"null": f"{left} IS NULL", "not null": f"{left} IS NOT NULL",
            "nan": f"({left} IS NOT NULL AND isnan({left}))",
            "not nan": f"({left} IS NOT NULL AND NOT isnan({left}))",
            "in": f"{left} IN ({', '.join(values)})",
            "not in": f"{left} NOT IN ({', '.join(values)})",
            "starts": f"({'startswith' if spark else 'starts_with'}"
                      f"({left}, {values[0] if values else ''}))",
            }.get(operator) or f"({number}{left} {operator} {values[0]})"

# SPDX-License-Identifier: Apache-2.0
"""One table with everything readers choke on, read by six engines: every row, every value.

Seven snapshots; two columns added later and one promoted; partition values that are NULL, empty or
full of characters that mean something in a path; dates before 1970, negative decimals, NaN, both
zeros, a column without a value, NULL and empty lists, lists of lists, an element of which is
promoted. What each engine must give back is the list the records were made from, not what another
engine says.
"""
import datetime
import decimal
import json
import math
import random
import struct

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from conftest import Plumb
from lake import duckdb_iceberg, project, read, table, write

PLACES = [None, "", "/", "%", "=", ":", "a/b%c=d:e", "a b+c&d?#", "\U0001f600", "caf\u00e9", "..",
          "NULL", "null", "__HIVE_DEFAULT_PARTITION__", "\u2028", "'\"\\"]
DOUBLES = [0.0, -0.0, math.nan, math.inf, -math.inf, 5e-324, 1.7976931348623157e308, 0.1, None]
FLOATS = [0.0, -0.0, math.nan, math.inf, -math.inf, 2.0 ** -149, 3.4028234663852886e38, 0.5, None]
UTC = datetime.timezone.utc
WIDE = decimal.Context(prec=60)
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=UTC)
FIRST = """
    table: odd
    key: [id]
    partition: [place, year(seen)]
    columns:
      id:    int!
      place: string
      seen:  timestamp
      day:   date
      price: decimal(9, 2)
      x:     double
      f:     float
      never: string
      tags:  list(string)
      ok:    boolean
      note:  string
      grid:  list(list(int))
      deep:  list(list(list(string)))
      due:   list(timestamp)
      cash:  list(list(decimal(9, 2)))
    """
RULES = "id place seen day price x f never tags ok note grid deep due cash".split()
SNAPSHOTS = 7
ROWS = 160  # of each snapshot


def number(value):
    """A double as JSON can say it: what is not finite is a text."""
    if value is not None and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return value


def nested(rng, depth, leaf):
    """A list of lists, or NULL, or an empty one, at every depth."""
    if rng.random() < 0.15:
        return None
    if depth == 0:
        return leaf()
    return [nested(rng, depth - 1, leaf) for _ in range(rng.choice([0, 1, 2, 4]))]


def make(snapshot):
    """The rows of one batch, and the NDJSON they are made from."""
    rng = random.Random(snapshot)
    rows, lines = [], []
    for i in range(ROWS):
        micros = rng.choice([0, -1, 1, -1_000_000, 999_999, rng.choice([-2, -1, 2]) * 10**15
                             + rng.randrange(10**12)])
        row = {
            "id": snapshot * 1000 + i if snapshot < 6 or i else 2**62 + snapshot,
            "place": PLACES[i % len(PLACES)],
            "seen": None if i % 10 == 9 else EPOCH + datetime.timedelta(microseconds=micros),
            "day": None if i % 7 == 6 else
            datetime.date(1970, 1, 1) + datetime.timedelta(days=rng.randrange(-40000, 40000)),
            "price": None if i % 9 == 8 else
            decimal.Decimal(rng.choice([-999999999, 999999999, 0, -1, rng.randrange(-10**6, 10**6)])
                            ).scaleb(-2),
            "x": DOUBLES[i % len(DOUBLES)] if i % 2 else rng.gauss(0, 1e6),
            "f": FLOATS[i % len(FLOATS)] if i % 2 else
            struct.unpack("f", struct.pack("f", rng.gauss(0, 1)))[0],
            "never": None,
            "tags": rng.choice([None, [], ["", None, "\U0001f600"], ["a", "b"], [None]]),
            "ok": rng.choice([True, False, None]),
            "note": rng.choice([None, "", "two\nlines", "\u0000", "x" * 300, "\U0010ffff"]),
            "grid": nested(rng, 2, lambda: rng.choice([0, -1, 2**31 - 1, -2**31])),
            "deep": nested(rng, 3, lambda: rng.choice(["", "\U0001f600", "x" * 70, "null"])),
            "due": nested(rng, 1, lambda: EPOCH + datetime.timedelta(
                microseconds=rng.choice([0, -1, 10**15 + 1]))),
            "cash": nested(rng, 2, lambda: decimal.Decimal(rng.randrange(-10**9, 10**9)
                                                           ).scaleb(-2)),
            "extra": None, "amount": None,
        }
        if snapshot >= 6 and i == 0:
            row["grid"] = [[2**62], []]
        if snapshot >= 4:
            row["extra"] = rng.choice([None, "", "added"])
        if snapshot >= 5:
            row["amount"] = WIDE.scaleb(rng.randrange(-10**38 + 1, 10**38), -10)
        said = dict(row, seen=row["seen"] and row["seen"].isoformat(), x=number(row["x"]),
                    f=number(row["f"]), day=row["day"] and row["day"].isoformat())
        said["price"], said["amount"] = "@price", "@amount"  # literals no float may touch
        said["due"] = row["due"] and [at and at.isoformat() for at in row["due"]]
        text = json.dumps(said, ensure_ascii=bool(i % 2), default=lambda exact: f"{exact:f}")
        for name in ("price", "amount"):
            value = "null" if row[name] is None else f"{row[name]:f}"
            text = text.replace(f'"@{name}"', value)
        rows.append(row)
        lines.append(text)
    return rows, "\n".join(lines).encode()


COLUMNS = RULES + ["extra", "amount"]


def exact(value):
    """A value that compares as what it is: NaN equals itself, -0.0 is not 0.0, types count."""
    if isinstance(value, float):
        return "NaN" if math.isnan(value) else value.hex()
    if isinstance(value, decimal.Decimal):
        return f"{value:f}"
    if isinstance(value, datetime.datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, list):
        return [exact(v) for v in value]
    return value


def exactly(rows, columns=COLUMNS):
    return sorted(([exact(row[c]) for c in columns] for row in rows), key=lambda r: r[0])


class Odd:
    """The table, where it is, and what is in each of its snapshots."""

    def __init__(self, plumb):
        self.plumb = plumb
        self.batches, self.ids = [], []
        mapping = "source: odd\ninto: odd\nmap:\n" + "".join(f"  {c}: {c}\n" for c in RULES)
        project(plumb, {"odd": FIRST}, {"odd": mapping})
        contract, source = plumb.dir / "contracts/odd.yml", plumb.dir / "sources/odd.yml"
        for snapshot in range(1, SNAPSHOTS + 1):
            if snapshot in (4, 5):
                name, kind = {4: ("extra", "string"), 5: ("amount", "decimal(38, 10)")}[snapshot]
                write(contract, contract.read_text().rstrip() + f"\n  {name}: {kind}\n")
                write(source, source.read_text() + f"  {name}: {name}\n")
            if snapshot == 6:
                write(contract, contract.read_text().replace("id:    int!", "id:    long!")
                      .replace("list(list(int))", "list(list(long))"))
            rows, content = make(snapshot)
            self.batches.append(rows)
            (plumb.dir / "in.json").write_bytes(content)
            plumb("ingest", "odd", "in.json", "--received", f"2026-11-0{snapshot}")
            done = plumb.json("run")
            assert done["records"] == {"raw": ROWS, "curated": ROWS, "quarantined": 0,
                                       "filtered": 0}, plumb.json("quarantine")
            self.ids.append(done["tables"][0]["snapshot"])
        self.table = table(plumb, "odd")
        self.metadata = self.table.metadata_location.removeprefix("file://")

    def rows(self, snapshot=SNAPSHOTS):
        """What snapshot 1..7 holds."""
        return [row for batch in self.batches[:snapshot] for row in batch]

    def columns(self, snapshot):
        """The columns of the table when the snapshot was made."""
        return COLUMNS[:len(RULES) + max(0, min(snapshot - 3, 2))]

    def files(self, snapshot=SNAPSHOTS):
        """The snapshot's own list of files."""
        tasks = self.table.scan(snapshot_id=self.ids[snapshot - 1]).plan_files()
        return [task.file.file_path.removeprefix("file://") for task in tasks]


@pytest.fixture(scope="module")
def odd(tmp_path_factory):
    return Odd(Plumb(tmp_path_factory.mktemp("odd")))


WHEN = range(1, SNAPSHOTS + 1)
# A question in SQL, and the same in Python.
FILTERS = [
    ("place = '%'", lambda r: r["place"] == "%"),
    ("place = ''", lambda r: r["place"] == ""),
    ("place = '\U0001f600' AND id > 2010", lambda r: r["place"] == "\U0001f600" and r["id"] > 2010),
    ("place IS NULL", lambda r: r["place"] is None),
    ("seen < TIMESTAMPTZ '1970-01-01 00:00:00+00:00'", lambda r: r["seen"] and r["seen"] < EPOCH),
    ("day < DATE '1970-01-01'", lambda r: r["day"] and r["day"] < datetime.date(1970, 1, 1)),
    ("price < 0", lambda r: r["price"] is not None and r["price"] < 0),
    ("id > 2147483647", lambda r: r["id"] > 2147483647),
    ("extra IS NOT NULL", lambda r: r["extra"] is not None),
    ("never IS NULL AND ok", lambda r: r["ok"]),
]


def matching(odd, question):
    return sorted(row["id"] for row in odd.rows() if question(row))


def test_the_table_is_as_odd_as_it_claims(odd):
    assert len(odd.table.snapshots()) == len(set(odd.ids)) == SNAPSHOTS
    types = {f.name: str(f.field_type) for f in odd.table.schema().fields}
    assert types["id"] == "long" and types["extra"] == "string"
    assert types["amount"] == "decimal(38, 10)"
    rows = odd.rows()
    assert all(len(odd.files(n)) > len(odd.files(n - 1)) for n in WHEN if n > 1)
    assert {r["place"] for r in rows} == set(PLACES)
    assert any(r["seen"] and r["seen"] < EPOCH for r in rows)


# --- PyIceberg, pointed at plumb.db ---------------------------------------------------------------

@pytest.mark.parametrize("snapshot", WHEN)
def test_pyiceberg_at_every_snapshot(odd, snapshot):
    got = read(odd.plumb, "odd", snapshot=odd.ids[snapshot - 1]).to_pylist()
    columns = odd.columns(snapshot)
    assert exactly(got, columns) == exactly(odd.rows(snapshot), columns)


@pytest.mark.parametrize("place", PLACES)
def test_pyiceberg_prunes_by_every_partition_value(odd, place):
    from pyiceberg.expressions import EqualTo, IsNull
    question = IsNull("place") if place is None else EqualTo("place", place)
    scan = odd.table.scan(row_filter=question)
    want = sorted(r["id"] for r in odd.rows() if r["place"] == place)
    assert sorted(scan.to_arrow()["id"].to_pylist()) == want
    assert len(list(scan.plan_files())) < len(odd.files())


def test_pyiceberg_filters(odd):
    def ids(question):
        return sorted(odd.table.scan(row_filter=question).to_arrow()["id"].to_pylist())
    assert ids("id > 2147483647") == matching(odd, lambda r: r["id"] > 2147483647)
    assert ids("seen < '1970-01-01T00:00:00+00:00'") == matching(
        odd, lambda r: r["seen"] and r["seen"] < EPOCH)
    assert ids("day < '1970-01-01'") == matching(
        odd, lambda r: r["day"] and r["day"] < datetime.date(1970, 1, 1))
    assert ids("price < -5") == matching(
        odd, lambda r: r["price"] is not None and r["price"] < -5)


# --- pyarrow, over the snapshot's files -----------------------------------------------------------

@pytest.mark.parametrize("snapshot", WHEN)
def test_pyarrow_over_the_files_of_every_snapshot(odd, snapshot):
    parts = [pq.ParquetFile(path).read() for path in odd.files(snapshot)]
    got = pa.concat_tables(parts, promote_options="permissive").to_pylist()
    columns = odd.columns(snapshot)
    assert exactly(got, columns) == exactly(odd.rows(snapshot), columns)


# --- DuckDB, over the snapshot's files and by its Iceberg extension -------------------------------

def duck(sql, *values):
    """Rows of a query as dicts, through Arrow: exact."""
    with duckdb.connect() as con:
        con.execute("SET TimeZone = 'UTC'")
        return con.execute(sql, values).to_arrow_table().to_pylist()


@pytest.mark.parametrize("snapshot", WHEN)
def test_duckdb_over_the_files_of_every_snapshot(odd, snapshot):
    got = duck("SELECT * FROM read_parquet(?, union_by_name = true, hive_partitioning = false)",
               odd.files(snapshot))
    columns = odd.columns(snapshot)
    assert exactly(got, columns) == exactly(odd.rows(snapshot), columns)


@pytest.mark.parametrize("sql, question", FILTERS)
def test_duckdb_filters_over_the_files(odd, sql, question):
    got = duck("SELECT id FROM read_parquet(?, union_by_name = true, hive_partitioning = false) "
               "WHERE " + sql, odd.files())
    assert sorted(r["id"] for r in got) == matching(odd, question)


@pytest.mark.parametrize("snapshot", WHEN)
def test_duckdb_iceberg_extension_at_every_snapshot(odd, snapshot):
    got = duckdb_iceberg(f"SELECT * FROM iceberg_scan('{odd.metadata}', "
                       f"snapshot_from_id = {odd.ids[snapshot - 1]})").to_pylist()
    columns = odd.columns(snapshot)
    assert exactly(got, columns) == exactly(odd.rows(snapshot), columns)


@pytest.mark.parametrize("sql, question", FILTERS)
def test_duckdb_iceberg_extension_filters(odd, sql, question):
    got = duckdb_iceberg(f"SELECT id FROM iceberg_scan('{odd.metadata}') WHERE {sql}").to_pylist()
    assert sorted(r["id"] for r in got) == matching(odd, question)


# --- plumb query ----------------------------------------------------------------------------------

def by_plumb(odd, sql):
    """Rows of `plumb query`; numbers as their text, so that nothing passes through a double."""
    text = odd.plumb("query", sql, "--format", "ndjson").stdout
    return [json.loads(line, parse_float=decimal.Decimal) for line in text.split("\n") if line]


def each(value, convert):
    """The elements of nested lists, converted."""
    if isinstance(value, list):
        return [each(v, convert) for v in value]
    return None if value is None else convert(value)


def real(text, size="d"):
    """A double, or a float, from its text."""
    return None if text is None else struct.unpack(size, struct.pack(size, float(text)))[0]


def from_json(row):
    """A row of plumb query as the values it stands for."""
    made = dict(row)
    made["x"], made["f"] = real(row["x"]), real(row["f"], "f")
    for name, scale in ("price", 2), ("amount", 10):
        if row[name] is not None:
            made[name] = WIDE.quantize(decimal.Decimal(row[name]), decimal.Decimal(10) ** -scale)
    if row["seen"] is not None:
        made["seen"] = datetime.datetime.fromisoformat(row["seen"].replace("Z", "+00:00"))
    if row["day"] is not None:
        made["day"] = datetime.date.fromisoformat(row["day"])
    made["due"] = row["due"] and [at and datetime.datetime.fromisoformat(at) for at in row["due"]]
    made["cash"] = each(row["cash"], lambda v: decimal.Decimal(v).quantize(decimal.Decimal("0.01")))
    return made


def test_plumb_describes_and_verifies_it(odd):
    types = {c["name"]: c["type"] for c in odd.plumb.json("describe", "odd")["columns"]}
    assert types["grid"] == "list(list(long))" and types["cash"] == "list(list(decimal(9, 2)))"
    assert odd.plumb.json("verify")["sound"]


def test_plumb_query_reads_every_row(odd):
    got = [from_json(row) for row in by_plumb(odd, "SELECT * FROM odd")]
    assert exactly(got) == exactly(odd.rows())


@pytest.mark.parametrize("sql, question", FILTERS)
def test_plumb_query_filters(odd, sql, question):
    got = by_plumb(odd, "SELECT id FROM odd WHERE " + sql)
    assert sorted(r["id"] for r in got) == matching(odd, question)


# --- Spark, with Iceberg's own library ------------------------------------------------------------

def from_spark(row):
    made = dict(row, tags=json.loads(row["tags"]) if row["tags"] is not None else None)
    made["x"], made["f"] = real(row["x"]), real(row["f"], "f")
    for name in ("price", "amount"):
        made[name] = None if row[name] is None else decimal.Decimal(row[name])
    made["seen"] = None if row["seen"] is None else EPOCH + datetime.timedelta(
        microseconds=row["seen"])
    made["day"] = None if row["day"] is None else datetime.date(1970, 1, 1) + datetime.timedelta(
        days=row["day"])
    made["due"] = each(row["due"], lambda micros: EPOCH + datetime.timedelta(microseconds=micros))
    made["cash"] = each(row["cash"], decimal.Decimal)
    return made


def test_spark_reads_every_row_at_every_snapshot_and_filters(odd, spark):
    asked = []
    for snapshot in WHEN:
        later = {"extra", "amount"} - set(odd.columns(snapshot))
        asked.append(
            "SELECT id, place, unix_micros(seen) seen, unix_date(day) day,"
            " cast(price AS string) price, cast(x AS string) x, cast(f AS string) f, never,"
            " to_json(tags, map('ignoreNullFields', 'false')) tags, ok, note,"
            " grid, deep, transform(due, d -> unix_micros(d)) due, cash, "
            + ", ".join(f"{'NULL' if c in later else f'cast({c} AS string)'} {c}"
                        for c in ("extra", "amount"))
            + f" FROM t_{odd.ids[snapshot - 1]}")
    filters = [f"SELECT id FROM t WHERE {sql.replace('TIMESTAMPTZ', 'TIMESTAMP')}"
               for sql, _ in FILTERS]
    answers = spark(odd.table.metadata_location, *asked, *filters)
    for snapshot, got in zip(WHEN, answers):
        assert exactly(map(from_spark, got)) == exactly(
            dict(r, extra=r["extra"], amount=r["amount"]) for r in odd.rows(snapshot))
    for (sql, question), got in zip(FILTERS, answers[SNAPSHOTS:], strict=True):
        assert sorted(r["id"] for r in got) == matching(odd, question), sql

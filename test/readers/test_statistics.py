# SPDX-License-Identifier: Apache-2.0
"""What our files and manifests say about their values is true, and no reader loses a row by it.

Two tables: one made by `plumb run` from JSON with hostile texts, numbers and lists, in several
partitions; one of the writer itself (test/tools/parquet_make.c) with what JSON has no word for,
NaN and infinity, in small pages. DuckDB computes again what PyIceberg's inspect.files() shows, and
made-up predicates must give the same rows whether readers prune or not.
"""
import json
import random
import shutil
import subprocess

import duckdb
import pyarrow as pa
import pytest
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.conversions import from_bytes
from pyiceberg.expressions import AlwaysTrue
from pyiceberg.expressions.visitors import bind
from pyiceberg.io.pyarrow import expression_to_pyarrow
from pyiceberg.types import ListType, StringType

import lake
import predicates
from conftest import ROOT, program

COUNT = 200 if lake.FULL else 30

CONTRACT = """\
table: facts
key: [row, name]
partition: [region, "truncate(4, name)"]
columns:
  row: long!
  region: string
  name: string
  long_name: string!
  flag: boolean
  small: int
  big: long
  rate: double
  ratio: float
  price: decimal(9,2)
  amount: decimal(18,4)
  wide: decimal(38,10)
  day: date
  seen: timestamp
  extra: json
  tags: list(string)
  numbers: list(double)
  nothing: string
  steady: long
rest: drop
"""
TEXTS = ["", "a", "abcdefghijklmnop", "abcdefghijklmnopq", "abcdefghijklmno\U0010ffffz",
         "\U0010ffff" * 17, "\U0010ffff" * 16, "\ud7ff" * 20, "\u00e9" * 40, "\U0001f600" * 17,
         "x" * 5000, "\x7f\x01", "\uffff" * 17, "abcdefghijklmno\ud7ffz", "ABC'\"\\%_"]


def facts(count):
    """Rows as JSON; the order of `row` is not the order of anything else."""
    pick = random.Random(7)
    for row in range(count):
        digits = pick.choice([0, 1, -1, 9999999, -9999999, pick.randrange(-10 ** 7, 10 ** 7)])
        wide = pick.choice([10 ** 38 - 1, 1 - 10 ** 38, pick.randrange(-10 ** 30, 10 ** 30)])
        sign, whole = "-" * (wide < 0), f"{abs(wide):011}"
        yield {
            "row": row, "region": pick.choice(["eu", "us", None]),
            "name": pick.choice(["", "west", "weston", "\u00e9\u00e9\u00e9\u00e9\u00e9"]),
            "long_name": pick.choice(TEXTS) if row % 50 else TEXTS[row // 50 % len(TEXTS)],
            "flag": pick.choice([True, False, None]),
            "small": pick.choice([-2 ** 31, 2 ** 31 - 1, None, pick.randrange(-99, 99)]),
            "big": pick.choice([-2 ** 63, 2 ** 63 - 1, pick.randrange(-2 ** 40, 2 ** 40)]),
            "rate": pick.choice([None, -0.0, 0.0, 5e-324, -1.7976931348623157e308, 0.1,
                                 pick.random()]),
            "ratio": pick.choice([None, -0.0, 0.0, 0.5, -1.5, pick.randrange(1000) / 8]),
            "price": digits / 100, "amount": pick.randrange(-10 ** 9, 10 ** 9) / 10 ** 4,
            "wide": f"{sign}{whole[:-10]}.{whole[-10:]}",
            "day": pick.choice(["0001-01-01", "9999-12-31", "1970-01-01", None,
                                f"20{row % 60:02}-02-28"]),
            "seen": pick.choice(["0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z", None,
                               f"2026-11-22T05:{row % 60:02}:00.{row:06}Z"]),
            "extra": pick.choice([None, {"a": row % 3}, [1, "\u00e9"]]),
            "tags": pick.choice([None, [], [None], ["a", "b"], ["z" * 20, None]]),
            "numbers": pick.choice([None, [0.5], [-0.0, 1e300], []]),
            "nothing": None, "steady": row // 1000}


def run_table(plumb):
    lake.project(plumb, {"facts": CONTRACT}, {"shop": "source: shop\ninto: facts\nmap:\n" + "".join(
        f"  {line.split(':')[0].strip()}: {line.split(':')[0].strip()}\n"
        for line in CONTRACT.split("columns:\n")[1].split("rest:")[0].splitlines())})
    rows = list(facts(6000))
    for part in rows[:5000], rows[5000:]:
        with (plumb.dir / "in.json").open("w") as out:
            out.writelines(json.dumps(row) + "\n" for row in part)
        plumb("ingest", "shop", "in.json")
        plumb("run")
    # One partition of more rows than a page takes.
    with (plumb.dir / "in.json").open("w") as out:
        for row in range(6000, 31000):
            out.write(json.dumps({"row": row, "long_name": f"{row % 17000:06}", "region": "as",
                                  "steady": row // 1000, "rate": row % 7 - 3}) + "\n")
    plumb("ingest", "shop", "in.json")
    plumb("run", "--no-shape")  # most columns vanish in these: a run that looks would hold them
    assert plumb.json("verify")["sound"]
    return lake.table(plumb, "facts"), "row"


SCALARS = ["boolean", "int", "long", "float", "double", "decimal(9, 2)", "decimal(18, 4)",
           "decimal(19, 0)", "decimal(38, 10)", "date", "timestamp", "string", "json"]


def ask(**request):
    done = subprocess.run([program("iceberg_make")], input=json.dumps(request), text=True,
                          capture_output=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


def written_table(folder):
    store = folder / "store"
    (store / "tables/t/data").mkdir(parents=True)
    made = subprocess.run([program("parquet_make"), str(store / "tables/t/data"), "table"],
                          check=True, capture_output=True, text=True)
    said = json.loads(made.stdout)
    schema = [{"name": "c0", "type": "long", "required": True}] + [
        {"name": f"c{1 + 4 * i + mode}", "type": kind, "required": mode == 0}
        for i, kind in enumerate(SCALARS) for mode in range(4)]
    location = ask(do="create", store=str(store), key="tables/t", schema=schema, partition=[],
                   seed=1, now=1000)["location"]
    file = {"path": f"file://{store}/tables/t/data/table.parquet", "partition": [],
            "rows": said["rows"], "bytes": said["bytes"], "splits": said["splits"],
            "leaves": [{"id": leaf["id"], "size": leaf["compressed"], "values": leaf["values"],
                        "nulls": leaf["nulls"], "nans": leaf["nans"],
                        **{k: leaf[k] for k in ("lower", "upper") if leaf[k] is not None}}
                       for leaf in said["leaves"]]}
    location = ask(do="append", store=str(store), location=location, files=[file], seed=2,
                   now=2000)["location"]
    catalog = SqlCatalog("c", uri=f"sqlite:///{folder}/c.db", warehouse=f"file://{folder}")
    catalog.create_namespace("default")
    return catalog.register_table("default.t", location), "c0"


@pytest.fixture(scope="module", params=["run", "written"])
def made(request, tmp_path_factory):
    """A table, the column that numbers its rows, the paths of its files."""
    from conftest import Plumb
    folder = tmp_path_factory.mktemp(request.param)
    table, row = run_table(Plumb(folder)) if request.param == "run" else written_table(folder)
    paths = [f["file_path"].removeprefix("file://") for f in table.inspect.files().to_pylist()]
    yield table, row, paths
    shutil.rmtree(folder, ignore_errors=True)


# --- bounds and counts -------------------------------------------------------------------------

def computed(path, name, field):
    """(values, nulls, nans or None, min, max) of a column, by DuckDB."""
    db = duckdb.connect()
    db.execute("SET TimeZone = 'UTC'")
    source = f"read_parquet('{path}')"
    if isinstance(field.field_type, ListType):
        element = field.field_type.element_type
        nan = "count(*) FILTER (isnan(v))" if str(element) in ("float", "double") else "NULL"
        slots, holes, nans = db.execute(
            f"WITH s AS (SELECT unnest(CASE WHEN len({name}) > 0 THEN {name} ELSE [NULL] END) v "
            f"FROM {source}) SELECT count(*), count(*) - count(v), {nan} FROM s").fetchone()
        return slots, holes, nans, None, None
    floating = str(field.field_type) in ("float", "double")
    real = f"FILTER (NOT isnan({name}))" if floating else ""
    nan = f"count(*) FILTER (isnan({name}))" if floating else "NULL"
    # Dates and times as the days and microseconds that bounds hold.
    number = {"date": "date_diff('day', DATE '1970-01-01', {})",
              "timestamptz": "epoch_us({})"}.get(str(field.field_type), "{}")
    return db.execute(f"SELECT count(*), count(*) - count({name}), {nan}, "
                      + number.format(f"min({name}) {real}") + ", "
                      + number.format(f"max({name}) {real}") + f" FROM {source}").fetchone()


def check_bounds(what, kind, low, high, lower, upper):
    if not isinstance(kind, StringType):
        assert (lower, upper) == (low, high), what
        if isinstance(low, float):  # zeros are spread
            assert (low != 0 or str(lower) == "-0.0") and (high != 0 or str(upper) == "0.0"), what
        return
    if low is None:
        assert lower is None and upper is None, what
        return
    assert lower == low[:16], what
    if len(high) <= 16:
        assert upper == high, what
    elif high[:16] == "\U0010ffff" * 16:
        assert upper is None, what
    else:
        assert upper == predicates.following(high[:16]), what
    assert lower.encode() <= low.encode(), what
    assert upper is None or upper.encode() >= high.encode(), what


def test_what_manifests_say_is_what_the_files_hold(made):
    table, _, _ = made
    checked = 0
    for file in table.inspect.files().to_pylist():
        path = file["file_path"].removeprefix("file://")
        counts = {name: dict(file[name] or []) for name in (
            "value_counts", "null_value_counts", "nan_value_counts", "lower_bounds",
            "upper_bounds")}
        [rows] = duckdb.execute("SELECT count(*) FROM read_parquet(?)", [path]).fetchone()
        assert file["record_count"] == rows
        for field in table.schema().fields:
            kind = field.field_type
            nested = isinstance(kind, ListType)
            number = kind.element_id if nested else field.field_id
            what = f"{path}: {field.name}"
            values, nulls, nans, low, high = computed(path, field.name, field)
            assert counts["value_counts"][number] == values, what
            assert counts["null_value_counts"][number] == nulls, what
            assert counts["nan_value_counts"].get(number) == nans, what
            lower, upper = ((None if raw is None else from_bytes(kind, raw)) for raw in (
                counts["lower_bounds"].get(number), counts["upper_bounds"].get(number)))
            check_bounds(what, kind, low, high, lower, upper)
            checked += 1
    lake.figures("statistics", f"{checked} columns of files compared")
    assert checked > 50


# --- predicates --------------------------------------------------------------------------------

def predicates_of(table, seed, count, but=()):
    pick = random.Random(seed)
    full = table.scan().to_arrow()
    kinds = {f.name: f.type for f in full.schema if not pa.types.is_nested(f.type)}
    columns = {name: full[name].to_pylist() for name in kinds if name not in but}
    return full, kinds, [predicates.make(pick, columns) for _ in range(count)]


def test_pyiceberg_finds_the_same_rows_with_and_without_pruning(made):
    table, row, _ = made
    # PyIceberg's residuals fail to compare a partition value that is NULL (0.12).
    full, _, trees = predicates_of(table, 11, COUNT, but=["region"])
    some = 0
    for tree in trees:
        wanted = predicates.for_pyiceberg(tree)
        bound_to = bind(table.schema(), wanted, case_sensitive=True)
        found = table.scan(row_filter=wanted, selected_fields=(row,)).to_arrow()[row].to_pylist()
        mask = full if isinstance(bound_to, AlwaysTrue) else full.filter(
            expression_to_pyarrow(bound_to))
        assert sorted(found) == sorted(mask[row].to_pylist()), tree
        some += 0 < len(found) < full.num_rows
    assert some > COUNT / 3
    lake.figures("predicates, PyIceberg", f"{COUNT} predicates, {some} with some of the rows")


def test_duckdb_finds_the_same_rows_with_and_without_statistics(made):
    table, row, paths = made
    _, kinds, trees = predicates_of(table, 12, COUNT)
    db = duckdb.connect()
    db.execute("SET TimeZone = 'UTC'")
    db.execute(f"CREATE TABLE m AS SELECT * FROM read_parquet({paths}, hive_partitioning = false)")
    for tree in trees:
        where = predicates.for_sql(tree, kinds)
        [found], [want] = (db.execute(f"SELECT list({row} ORDER BY {row}) FROM {source} WHERE "
                                      f"{where}").fetchall()
                           for source in (f"read_parquet({paths}, hive_partitioning = false)", "m"))
        assert found == want, where


def test_spark_finds_the_same_rows_with_and_without_the_column_index(made, spark):
    table, row, paths = made
    # Iceberg's residuals in Java fail to ask what a NULL partition value starts with (1.10).
    _, kinds, trees = predicates_of(table, 13, COUNT if lake.FULL else 12, but=["name"])
    db = duckdb.connect()
    db.execute("SET TimeZone = 'UTC'")
    sums = ["count(*)", f"sum({row})", f"sum({row} * {row} % 1000003)"]
    asked = {"metadata": table.metadata_location, "files": paths, "sums": sums,
             "where": [predicates.for_sql(tree, kinds, spark=True) for tree in trees]}
    done = subprocess.run([ROOT / ".deps/venv-spark/bin/python",
                           ROOT / "test/readers/spark_predicates.py"], input=json.dumps(asked),
                          capture_output=True, text=True, timeout=1800)
    assert done.returncode == 0, done.stderr[-4000:]
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(answers) == len(trees)
    for tree, where, (index, none, iceberg) in zip(trees, asked["where"], answers):
        assert index == none == iceberg, where
        want = db.execute(f"SELECT {', '.join(sums)} FROM read_parquet({paths}, "
                          f"hive_partitioning = false) WHERE {predicates.for_sql(tree, kinds)}"
                          ).fetchone()
        assert index == [*want], where
    lake.figures("predicates, Spark", f"{len(trees)} predicates: column index on = off = Iceberg "
                 "= DuckDB")

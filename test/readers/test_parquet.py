# SPDX-License-Identifier: Apache-2.0
"""Our Parquet files, read by pyarrow and DuckDB: every value, id, type and statistic.

test/tools/parquet_make.c writes files whose values follow from a formula; the same formula is
here. Each reader must give back exactly the values, and what the footer and the writer's metrics
say about them must be what we compute from the values.
"""
import decimal
import functools
import itertools
import json
import math
import re
import struct
import subprocess
import zlib

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from conftest import program

# --- the formula of parquet_make.c -------------------------------------------------------------

TYPES = ["boolean", "int", "long", "float", "double", "decimal(9, 2)", "decimal(18, 4)",
         "decimal(19, 0)", "decimal(38, 10)", "date", "timestamp", "string", "json",
         "list(string)", "list(long)", "list(boolean)", "list(double)", "list(decimal(38, 10))",
         "list(list(int))"]
MODES = ["req", "opt", "some", "nul"]
NULL_OF_7 = {"req": 0, "opt": 0, "some": 1, "nul": 7}
GROUPS = {"types": [1000, 1, 777, 3000], "pages": [1000, 1, 777, 3000],
          "zstd": [1000, 1, 777, 3000], "compact": [1000, 1, 777, 3000],
          "large": [100000], "compact-large": [100000], "keys": [60000, 40000],
          "texts": [1] * 6, "empty": []}
COMPACT = ("compact", "compact-large")
MASK = (1 << 64) - 1
ODD_TEXTS = ["", "\U0010ffff", "\U0001f600" * 3, "\u00e9" * 70, "\ud7ff" * 20, "\x01\x7f"]
LONG_TEXTS = ["a" * 64, "b" * 65, "\u00e9" * 70, "\ud7ff" * 30, "\U0001f600" * 17,
              "\U0010ffff" * 20]
FLOATS = {"float": (16.0, 3.4028234663852886e38, 2.0 ** -149),
          "double": (-8.0, 1.7976931348623157e308, 5e-324)}


def mix(column, row):
    z = ((column << 40) + row + 0x9e3779b97f4a7c15) & MASK
    z = ((z ^ z >> 30) * 0xbf58476d1ce4e5b9) & MASK
    z = ((z ^ z >> 27) * 0x94d049bb133111eb) & MASK
    return z ^ z >> 31


def signed(value, bits):
    value &= (1 << bits) - 1
    return value - (1 << bits) if value >> (bits - 1) else value


def decimal_value(precision, v, more):
    limit = 10 ** precision
    if v % 16 < 4:
        return [limit - 1, 1 - limit, 0, -1][v % 16]
    value = (v * 10 ** 18 + more % 10 ** 18) % limit
    return -value if v & 16 else value


def scalar(kind, column, row):
    """One value: int for whole numbers, dates, times and unscaled decimals; float; str; bool."""
    v = mix(column, row)
    pick = v % 16
    if kind == "boolean":
        return bool(v >> 8 & 1)
    if kind in ("int", "long"):
        bits = 32 if kind == "int" else 64
        extremes = {0: -1 << (bits - 1), 1: (1 << (bits - 1)) - 1}
        return extremes.get(pick, signed(v >> 16 if kind == "int" else v, bits))
    if kind in FLOATS:
        divisor, largest, tiniest = FLOATS[kind]
        other = (signed(v >> 32, 32) if kind == "float" else v >> 11) / divisor
        other = ([math.nan, -0.0, 0.0, math.inf, -math.inf, largest, tiniest] + 9 * [other])[pick]
        return struct.unpack("f", struct.pack("f", other))[0] if kind == "float" else other
    if kind.startswith("decimal"):
        return decimal_value(int(re.findall(r"\d+", kind)[0]), v, mix(column + 300, row))
    if kind == "date":
        return {0: -719162, 1: 2932896}.get(pick, (v >> 16) % 60000 - 20000)
    if kind == "timestamp":
        return {0: -62135596800000000, 1: 253402300799999999}.get(pick, (v >> 13) - (1 << 50))
    if kind == "json":
        return '{"a":%d}' % (v % 50)
    return ODD_TEXTS[pick] if pick < len(ODD_TEXTS) else f"s{v % 1000}"


def cell(kind, column, row, null_of_7):
    if mix(column + 100, row) % 7 < null_of_7:
        return None
    if not kind.startswith("list("):
        return scalar(kind, column, row)
    count = mix(column + 200, row) % 6
    return [cell(kind[5:-1], column, row * 8 + i, 1) for i in range(count)]


class Column:
    """A field of the file: its name, type, id, and its values group by group."""

    def __init__(self, index, name, kind, required, groups):
        self.name, self.kind, self.required, self.groups = name, kind, required, groups
        self.id = 1 + index * 10
        self.depth = kind.count("list(")
        self.leaf_kind = kind[5 * self.depth:len(kind) - self.depth]
        self.leaf_id = self.id + self.depth
        self.values = [v for group in groups for v in group]


@functools.cache
def columns(case):
    if case in ("large", "compact-large", "keys"):
        rows = range(100000)
        values = [
            ("long", [*rows]),
            ("string", [f"user-{row * 7919 % 100000:07}@example.org" for row in rows]),
            ("string", [None if row % 1000 == 7 else f"platform {mix(2, row) % 5}"
                        for row in rows]),
            ("long", [mix(3, row) % 20000 * 1000003 for row in rows]),
            ("timestamp", [1764000000000000 + row * 250 for row in rows]),
            ("double", [mix(5, row) % 100 / 100 for row in rows])]
        cuts = [0, *itertools.accumulate(GROUPS[case])]
        return [Column(i, f"c{i}", kind, i != 2, [v[a:b] for a, b in itertools.pairwise(cuts)])
                for i, (kind, v) in enumerate(values)]
    if case == "texts":
        return [Column(0, "c0", "long", True, [[i] for i in range(6)]),
                Column(1, "c1", "string", True, [[text] for text in LONG_TEXTS])]
    made = []
    for kind in TYPES:
        for mode in MODES:
            groups, row, index = [], 0, len(made)
            for count in GROUPS[case]:
                groups.append([cell(kind, index, r, NULL_OF_7[mode])
                               for r in range(row, row + count)])
                row += count
            made.append(Column(index, f"{kind} {mode}", kind, mode == "req", groups))
    return made


def leaf_slots(column, values):
    """The leaf's values as Parquet counts them: a NULL or empty list is one slot without value."""
    for _ in range(column.depth):
        values = [e for v in values for e in (v if v else [None])]
    return values


def counted(values):
    return [v for v in values if v is not None and v == v]


def smallest_largest(column, values):
    """Bounds as the format orders them: text by its bytes, zeros as -0.0 and +0.0."""
    values = counted(values)
    if not values:
        return None, None
    if isinstance(values[0], str):
        values = [v.encode("utf-8", "surrogatepass") for v in values]
    low, high = min(values), max(values)
    if column.leaf_kind in FLOATS:
        low, high = low or -0.0, high or 0.0
    return low, high


# --- the files ---------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("parquet")

    @functools.cache
    def make(case):
        done = subprocess.run([program("parquet_make"), str(folder), case], check=True,
                              capture_output=True, text=True)
        return folder / f"{case}.parquet", json.loads(done.stdout)
    return make


def exact(value):
    """A form in which equal means identical: NaN equals NaN, -0.0 is not 0.0."""
    if isinstance(value, float):
        return "nan" if value != value else struct.pack("d", value)
    return [exact(v) for v in value] if isinstance(value, list) else value


def plain(array, kind):
    """An Arrow column as the formula's Python values."""
    if kind.startswith("list("):
        elements = iter(plain(pc.list_flatten(array), kind[5:-1]))
        return [None if count is None else [next(elements) for _ in range(count)]
                for count in pc.list_value_length(array).to_pylist()]
    if kind == "timestamp":
        assert array.type == pa.timestamp("us", tz=array.type.tz) and array.type.tz
        array = array.cast(pa.int64())
    elif kind == "date":
        assert array.type == pa.date32()
        array = array.cast(pa.int32())
    values = array.to_pylist()
    if kind.startswith("decimal"):
        precision, scale = map(int, re.findall(r"\d+", kind))
        assert array.type == pa.decimal128(precision, scale)
        with decimal.localcontext(prec=80):
            values = [v if v is None else int(v.scaleb(scale)) for v in values]
    return values


def check_values(case, table):
    assert table.num_rows == sum(GROUPS[case])
    assert table.column_names == [c.name for c in columns(case)]
    for column in columns(case):
        got = plain(table[column.name], column.kind)
        assert len(got) == len(column.values)
        for row, (g, w) in enumerate(zip(got, column.values)):
            assert exact(g) == exact(w), f"column '{column.name}', row {row}"


@pytest.mark.parametrize("case", GROUPS)
def test_pyarrow_reads_every_value(made, case):
    check_values(case, pq.ParquetFile(made(case)[0]).read())


@pytest.mark.parametrize("case", GROUPS)
def test_duckdb_reads_every_value(made, case):
    path = made(case)[0]
    check_values(case, duckdb.connect().execute(f"FROM '{path}'").to_arrow_table())


@pytest.mark.parametrize("case", GROUPS)
def test_schema_has_ids_types_and_nullability(made, case):
    schema = pq.ParquetFile(made(case)[0]).schema_arrow
    leaf = {"boolean": pa.bool_(), "int": pa.int32(), "long": pa.int64(), "float": pa.float32(),
            "double": pa.float64(), "date": pa.date32(), "string": pa.string(),
            "json": pa.string(), "timestamp": pa.timestamp("us", tz="UTC")}
    for column, field in zip(columns(case), schema, strict=True):
        wanted = leaf.get(column.leaf_kind)
        if column.leaf_kind.startswith("decimal"):
            wanted = pa.decimal128(*map(int, re.findall(r"\d+", column.leaf_kind)))
        field_id, required = column.id, column.required
        for _ in range(column.depth):
            assert field.nullable is not required and pa.types.is_list(field.type)
            assert int(field.metadata[b"PARQUET:field_id"]) == field_id
            field, field_id, required = field.type.value_field, field_id + 1, False
            assert field.name == "element"
        assert field.type == wanted and field.nullable is not required
        assert int(field.metadata[b"PARQUET:field_id"]) == field_id


def test_schema_has_both_kinds_of_annotation(made):
    path = made("types")[0]
    rows = duckdb.connect().execute(
        "SELECT name, type, type_length, converted_type, logical_type "
        f"FROM parquet_schema('{path}')").fetchall()
    said = {name: rest for name, *rest in rows}
    assert said["boolean req"] == ["BOOLEAN", None, None, None]
    assert said["decimal(9, 2) req"][:3] == ["INT32", None, "DECIMAL"]
    assert said["decimal(18, 4) req"][:3] == ["INT64", None, "DECIMAL"]
    assert said["decimal(19, 0) req"][:3] == ["FIXED_LEN_BYTE_ARRAY", "9", "DECIMAL"]
    assert said["decimal(38, 10) req"][:3] == ["FIXED_LEN_BYTE_ARRAY", "16", "DECIMAL"]
    assert said["date req"][:3] == ["INT32", None, "DATE"]
    assert said["timestamp req"][:3] == ["INT64", None, "TIMESTAMP_MICROS"]
    assert said["string req"][:3] == said["json req"][:3] == ["BYTE_ARRAY", None, "UTF8"]
    assert said["list(long) req"][2] == "LIST"
    assert "isAdjustedToUTC=1" in said["timestamp req"][3] and "MICROS" in said["timestamp req"][3]
    assert "StringType" in said["json req"][3]


def bloom_filters(path, group):
    """Place and size of a group's bloom filters."""
    return duckdb.connect().execute(
        "SELECT bloom_filter_offset, bloom_filter_length FROM parquet_metadata(?) WHERE "
        "row_group_id = ? AND bloom_filter_offset IS NOT NULL ORDER BY ALL",
        [str(path), group]).fetchall()


# --- what the footer says ----------------------------------------------------------------------

@pytest.mark.parametrize("case", GROUPS)
def test_footer_describes_the_row_groups(made, case):
    path, metrics = made(case)
    meta = pq.ParquetFile(path).metadata
    assert re.fullmatch(r"plumb version \d+\.\d+\.\d+ \(build \w+\)", meta.created_by)
    assert meta.format_version == "1.0" and meta.num_rows == sum(GROUPS[case])
    assert [meta.row_group(g).num_rows for g in range(meta.num_row_groups)] == GROUPS[case]
    end = 4
    for g in range(meta.num_row_groups):
        group, raw = meta.row_group(g), 0
        assert metrics["splits"][g] == end
        for c in range(group.num_columns):
            chunk = group.column(c)
            first = chunk.dictionary_page_offset if chunk.has_dictionary_page \
                else chunk.data_page_offset
            assert first == end and chunk.data_page_offset >= end
            known = {"zstd": ["ZSTD"]} | dict.fromkeys(COMPACT, ["SNAPPY", "UNCOMPRESSED"])
            assert chunk.compression in known.get(case, ["SNAPPY"])
            assert chunk.file_path == ""
            end += chunk.total_compressed_size
            raw += chunk.total_uncompressed_size
        end += sum(size for _, size in bloom_filters(path, g))
        assert group.total_byte_size == raw
    assert len(metrics["splits"]) == meta.num_row_groups
    assert metrics["rows"] == meta.num_rows
    assert metrics["bytes"] == path.stat().st_size >= end + meta.serialized_size + 8


@pytest.mark.parametrize("case", GROUPS)
def test_encodings_say_what_the_pages_are(made, case):
    meta = pq.ParquetFile(made(case)[0]).metadata
    for g in range(meta.num_row_groups):
        for c, column in enumerate(columns(case)):
            chunk = meta.row_group(g).column(c)
            levels = {"RLE"} if column.depth or not column.required else set()
            dictionary = {"RLE_DICTIONARY"} if chunk.has_dictionary_page else set()
            found = set(chunk.encodings) - levels - dictionary
            delta = {"string": "DELTA_LENGTH_BYTE_ARRAY", "json": "DELTA_LENGTH_BYTE_ARRAY"}.get(
                column.leaf_kind, "DELTA_BINARY_PACKED")
            if case not in COMPACT or dictionary:
                assert found == {"PLAIN"}
            else:
                assert found in ({"PLAIN"}, {delta}, {"PLAIN", delta})


def test_compact_is_smaller_in_every_kind_of_column(made):
    """What the default has in a plain column is packed; times and counters to a few bits."""
    large, compact = (pq.ParquetFile(made(case)[0]) for case in ("large", "compact-large"))
    sizes = [[sum(meta.row_group(g).column(c).total_compressed_size
                  for g in range(meta.num_row_groups)) for c in range(6)]
             for meta in (large.metadata, compact.metadata)]
    rows = large.metadata.num_rows
    assert all(small < big * 1.1 for big, small in zip(*sizes))
    assert sizes[1][0] < rows / 4 and sizes[1][4] < rows / 4  # steps of 1 and of 250
    assert sum(sizes[1]) < 0.7 * sum(sizes[0])
    assert large.read().equals(compact.read())
    group = compact.metadata.row_group(0)
    encodings = [set(group.column(c).encodings) - {"RLE", "PLAIN"} for c in range(6)]
    assert encodings == [{"DELTA_BINARY_PACKED"}, {"DELTA_LENGTH_BYTE_ARRAY"}, {"RLE_DICTIONARY"},
                         {"RLE_DICTIONARY"}, {"DELTA_BINARY_PACKED"}, {"RLE_DICTIONARY"}]


def test_a_dictionary_is_used_where_it_pays(made):
    group = pq.ParquetFile(made("large")[0]).metadata.row_group(0)
    used = [group.column(c).has_dictionary_page for c in range(6)]
    assert used == [False, False, True, True, False, True]
    # A dictionary above its bound is dropped as a whole.
    small = pq.ParquetFile(made("pages")[0]).metadata
    wide = next(c for c in columns("pages") if c.name == "string req")
    index = columns("pages").index(wide)
    assert not small.row_group(3).column(index).has_dictionary_page
    assert pq.ParquetFile(made("types")[0]).metadata.row_group(3).column(index).has_dictionary_page


def cut_text(value, limit, length):
    """(lower, upper, exact) of bounds cut to `limit` units, counted by `length`."""
    if length(value) <= limit:
        return value, value, True
    text = value
    while length(text) > limit:
        text = text[:-1]
    upper = text
    while upper and upper[-1] == "\U0010ffff":
        upper = upper[:-1]
    if upper:
        following = 0xe000 if upper[-1] == "\ud7ff" else ord(upper[-1]) + 1
        upper = upper[:-1] + chr(following)
    return text, upper or None, False


def size(text):
    return len(text.encode("utf-8", "surrogatepass"))


def statistic_values(column, values):
    """Statistics as pyarrow shows them, as the formula's values."""
    arrow = {"timestamp": pa.timestamp("us", tz="UTC"), "date": pa.date32()}
    if column.leaf_kind in arrow:
        return plain(pa.array(values, arrow[column.leaf_kind]), column.leaf_kind)
    if column.leaf_kind.startswith("decimal"):
        precision, scale = map(int, re.findall(r"\d+", column.leaf_kind))
        return plain(pa.array(values, pa.decimal128(precision, scale)), column.leaf_kind)
    return values


@pytest.mark.parametrize("case", GROUPS)
def test_chunk_statistics_are_those_of_the_values(made, case):
    path = made(case)[0]
    meta = pq.ParquetFile(path).metadata
    said_exact = {(g, c): flags for g, c, *flags in duckdb.connect().execute(
        "SELECT row_group_id, column_id, min_is_exact, max_is_exact "
        f"FROM parquet_metadata('{path}')").fetchall()}
    for g in range(meta.num_row_groups):
        for c, column in enumerate(columns(case)):
            what = f"column '{column.name}', group {g}"
            chunk = meta.row_group(g).column(c)
            slots = leaf_slots(column, column.groups[g])
            assert chunk.num_values == len(slots), what
            assert chunk.statistics.null_count == slots.count(None), what
            low, high = smallest_largest(column, slots)
            is_exact = [True, True]
            if isinstance(low, bytes):
                low, _, is_exact[0] = cut_text(low.decode(), 64, size)
                _, high, is_exact[1] = cut_text(high.decode(), 64, size)
            has = low is not None and high is not None  # readers want both or none
            assert chunk.statistics.has_min_max == has, what
            if has:
                assert said_exact[g, c] == is_exact, what
                got = statistic_values(column, [chunk.statistics.min, chunk.statistics.max])
                assert exact(got) == exact([low, high]), what


# --- the page index ----------------------------------------------------------------------------

class Thrift:
    """Thrift's compact protocol, as dicts by field id: a reading of our own."""

    def __init__(self, data, at):
        self.data, self.at = data, at

    def varint(self):
        value = shift = 0
        while True:
            byte = self.data[self.at]
            self.at += 1
            value |= (byte & 0x7f) << shift
            shift += 7
            if byte < 0x80:
                return value

    def value(self, kind, in_list=False):
        if kind in (1, 2):
            if not in_list:
                return kind == 1
            self.at += 1
            return self.data[self.at - 1] == 1
        if kind in (4, 5, 6):
            value = self.varint()
            return value >> 1 ^ -(value & 1)
        if kind == 8:
            size = self.varint()
            self.at += size
            return self.data[self.at - size:self.at]
        if kind == 9:
            head = self.data[self.at]
            self.at += 1
            count = self.varint() if head >> 4 == 15 else head >> 4
            return [self.value(head & 15, True) for _ in range(count)]
        assert kind == 12
        return self.struct()

    def struct(self):
        fields, last = {}, 0
        while head := self.data[self.at]:
            self.at += 1
            if head >> 4:
                last += head >> 4
            else:
                last = self.value(4)
            fields[last] = self.value(head & 15)
        self.at += 1
        return fields


def plain_value(column, value):
    """A bound as its PLAIN bytes."""
    if isinstance(value, bytes) or value is None:
        return value or b""
    if column.leaf_kind.startswith("decimal"):
        precision = int(re.findall(r"\d+", column.leaf_kind)[0])
        if precision > 18:
            size = next(n for n in range(1, 17) if 10 ** precision <= 1 << (8 * n - 1))
            return value.to_bytes(size, "big", signed=True)
        return value.to_bytes(4 if precision <= 9 else 8, "little", signed=True)
    return single_value(column.leaf_kind, value)


def slots_with_rows(column, values):
    """(value, first of its row) of every slot."""
    made = []
    for value in values:
        slots = leaf_slots(column, [value])
        made += [(slot, i == 0) for i, slot in enumerate(slots)]
    return made


def page_bounds(column, slots):
    low, high = smallest_largest(column, slots)
    if isinstance(low, bytes):
        low = cut_text(low.decode(), 64, size)[0].encode()
        high = cut_text(high.decode(), 64, size)[1]
        high = None if high is None else high.encode()
    return low, high


@pytest.mark.parametrize("case", GROUPS)
def test_page_index_describes_every_page(made, case):
    path = made(case)[0]
    data = path.read_bytes()
    meta = pq.ParquetFile(path).metadata
    footer = Thrift(data, len(data) - 8 - int.from_bytes(data[-8:-4], "little")).struct()
    most = 0
    for g, group in enumerate(footer[4]):
        for column, chunk in zip(columns(case), group[1], strict=True):
            index = columns(case).index(column)
            what = f"column '{column.name}', group {g}"
            offsets = Thrift(data, chunk[4])
            pages = offsets.struct()[1]
            assert offsets.at == chunk[4] + chunk[5], what
            slots = slots_with_rows(column, column.groups[g])
            at, row, place, parts = 0, 0, chunk[3][9], []
            for page in pages:
                assert page[1] == place and page[3] == row, what
                place += page[2]
                head = Thrift(data, page[1])
                header = head.struct()
                assert head.at + header[3] == place, what
                assert zlib.crc32(data[head.at:place]) == header[4] & 0xffffffff, what
                part = slots[at:at + header[5][1]]
                assert part[0][1], what  # pages start with a row
                at, row = at + len(part), row + sum(first for _, first in part)
                parts.append([slot for slot, _ in part])
            assert at == len(slots) and row == len(column.groups[g]), what
            assert place == chunk[3].get(11, chunk[3][9]) + chunk[3][7], what
            bounds = [page_bounds(column, part) for part in parts]
            unbounded = any(None in b and any(v is not None for v in part)
                            for b, part in zip(bounds, parts))
            said = meta.row_group(g).column(index)
            assert said.has_offset_index and said.has_column_index is not unbounded, what
            if unbounded:
                continue
            said = Thrift(data, chunk[6])
            fields = said.struct()
            assert said.at == chunk[6] + chunk[7], what
            assert fields[1] == [all(v is None for v in part) for part in parts], what
            assert fields[2] == [plain_value(column, low) for low, _ in bounds], what
            assert fields[3] == [plain_value(column, high) for _, high in bounds], what
            assert fields[5] == [part.count(None) for part in parts], what
            real = [b for b in bounds if b[0] is not None]
            pairs = [*zip(real, real[1:])]
            up = all(a[0] <= b[0] and a[1] <= b[1] for a, b in pairs)
            down = all(a[0] >= b[0] and a[1] >= b[1] for a, b in pairs)
            assert fields[4] == (1 if up else 2 if down else 0), what
            most = max(most, len(pages))
            rows = [page[3] for page in pages] + [len(column.groups[g])]
            assert max(b - a for a, b in itertools.pairwise(rows)) <= 20000, what
    assert case != "pages" or most > 20
    assert case != "large" or most == 5


# --- sort order and bloom filters --------------------------------------------------------------

def test_a_declared_order_is_in_every_row_group(made):
    meta = pq.ParquetFile(made("keys")[0]).metadata
    for g in range(meta.num_row_groups):
        assert meta.row_group(g).sorting_columns == (
            pq.SortingColumn(4, descending=False, nulls_first=True),
            pq.SortingColumn(0, descending=False, nulls_first=False))
    assert pq.ParquetFile(made("large")[0]).metadata.row_group(0).sorting_columns == ()


def probe(path, column, values):
    """Per row group: does DuckDB say that the filter holds none of the values, one by one?"""
    db = duckdb.connect()
    return [[excluded for _, _, excluded in sorted(db.execute(
        "FROM parquet_bloom_probe(?, ?, ?)", [str(path), column, value]).fetchall(),
        key=lambda row: row[1])] for value in values]


@pytest.mark.parametrize("name", ["c1", "c3"])
def test_bloom_filters_hold_every_value_and_few_others(made, name):
    path, _ = made("keys")
    column = next(c for c in columns("keys") if c.name == name)
    for g, group in enumerate(column.groups):
        for excluded in probe(path, name, group[::300]):
            assert excluded[g] is False
    others = [f"user-{i:07}@example.net" for i in range(400)] if name == "c1" else \
        [i * 1000003 + 1 for i in range(400)]
    for g in range(2):
        found = sum(not excluded[g] for excluded in probe(path, name, others))
        assert found <= 400 * 0.04  # 1 % promised; 4 % would be 6 standard deviations away


def test_bloom_filters_are_folded_to_what_their_values_need(made):
    path, _ = made("keys")
    # 60,000 and 40,000 unique texts, 20,000 longs: 10 bits each, a power of two; 5 texts: none.
    want = [[65536 * 2, 32768], [65536, 32768]]
    for g in range(2):
        assert [size & -1024 for _, size in bloom_filters(path, g)] == want[g]  # header: below 20
    assert not bloom_filters(made("large")[0], 0)


# --- what Iceberg is told ----------------------------------------------------------------------

def single_value(kind, value):
    """Iceberg's single-value serialisation."""
    if kind.startswith("decimal"):
        size = 1
        while not -1 << (8 * size - 1) <= value < 1 << (8 * size - 1):
            size += 1
        return value.to_bytes(size, "big", signed=True)
    codes = {"boolean": "<?", "int": "<i", "date": "<i", "long": "<q", "timestamp": "<q",
             "float": "<f", "double": "<d"}
    return struct.pack(codes[kind], value)


@pytest.mark.parametrize("case", GROUPS)
def test_metrics_are_those_of_the_values(made, case):
    path, metrics = made(case)
    meta = pq.ParquetFile(path).metadata
    for c, (column, leaf) in enumerate(zip(columns(case), metrics["leaves"], strict=True)):
        slots = leaf_slots(column, column.values)
        assert leaf["id"] == column.leaf_id
        assert leaf["values"] == len(slots) and leaf["nulls"] == slots.count(None)
        nans = sum(v is not None and v != v for v in slots)
        assert leaf["nans"] == (nans if column.leaf_kind in FLOATS else -1)
        assert leaf["compressed"] == sum(meta.row_group(g).column(c).total_compressed_size
                                         for g in range(meta.num_row_groups))
        low, high = smallest_largest(column, slots) if not column.depth else (None, None)
        if isinstance(low, bytes):
            low = cut_text(low.decode(), 16, len)[0].encode()
            high = cut_text(high.decode(), 16, len)[1]
            high = high and high.encode()
        elif low is not None:
            low, high = (single_value(column.kind, v) for v in (low, high))
        got = [b if b is None else bytes.fromhex(b) for b in (leaf["lower"], leaf["upper"])]
        assert got == [low, high], column.name

# SPDX-License-Identifier: Apache-2.0
"""What a person can rely on from one command to the next: nothing is dropped, nothing is done
twice, a mistake is said once and completely. Whole messages are compared.
"""
import collections
import datetime
import gzip
import json
import os
import re
import subprocess
import time

import pytest

from lake import project, read, table, tree, write

POSTS = """
    table: posts
    key: [id]
    partition: [place]
    columns:
      id:    long!
      place: string
      likes: int
      day:   date
    critical: [day]
    """
SHOP = """
    source: shop
    into: posts
    map:
      id:    id
      place: place
      likes: likes
      day:   day
    """


def lines(*records):
    return "".join(r if isinstance(r, str) else json.dumps(r) + "\n" for r in records)


def land(plumb, text, *words, source="shop", name="in.json"):
    """Ingest `text`; what the command said as JSON."""
    (plumb.dir / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    (landed,) = plumb.json("ingest", source, name, *words)["objects"]
    return landed


def quarantine(plumb, *keys):
    return [tuple(entry[k] for k in keys) for entry in plumb.json("quarantine")]


@pytest.fixture
def shop(plumb):
    project(plumb, {"posts": POSTS}, {"shop": SHOP})
    return plumb


def ids(plumb, name="posts"):
    return sorted(read(plumb, name, "id")["id"].to_pylist())


# --- a run, and a run after it --------------------------------------------------------------------

def test_a_second_run_says_nothing_is_new_and_leaves_the_lake_as_it_was(shop):
    land(shop, lines({"id": 1, "place": "a"}, {"id": 2, "place": "b"}, {"id": "x"}))
    first = shop.json("run")
    assert (first["state"], first["records"]) == (
        "published", {"raw": 3, "curated": 2, "quarantined": 1, "filtered": 0})
    before, runs = tree(shop.dir / "lake"), len(shop.json("runs"))
    # The lock, raw, two data files, manifest, list, metadata, hint; log entry, two texts,
    # and what records look like.
    assert len(before) == 12
    again = shop("run")
    assert (again.stdout, again.stderr) == ("nothing new to map\n", "")
    assert shop.json("run")["state"] == "nothing"
    assert tree(shop.dir / "lake") == before
    assert len(shop.json("runs")) == runs


def test_looking_changes_nothing(shop):
    land(shop, lines({"id": 1, "place": "a"}, {"id": "x"}))
    shop("run")
    before = tree(shop.dir / "lake", but=())
    for words in ("status", "tables", "describe posts", "history posts", "runs", "ledger",
                  "quarantine", "mapping shop", "doctor", "query|SELECT * FROM posts"):
        shop(*(words.split("|") if "|" in words else words.split()))
    after = tree(shop.dir / "lake", but=())
    assert {k: v for k, v in after.items() if not k.endswith(("-wal", "-shm"))} == \
        {k: v for k, v in before.items() if not k.endswith(("-wal", "-shm"))}


def test_two_runs_at_once_map_everything_once(shop):
    land(shop, lines(*({"id": i, "place": str(i % 7)} for i in range(50000))))
    both = [subprocess.Popen([shop.exe, "run", "--json"], cwd=shop.dir, stdout=subprocess.PIPE)
            for _ in range(2)]
    said = sorted(json.loads(run.communicate()[0])["state"] for run in both)
    assert [run.returncode for run in both] == [0, 0]
    assert said == ["nothing", "published"]
    assert ids(shop) == list(range(50000))


def test_two_ingests_of_one_content_at_once_land_it_once(shop):
    (shop.dir / "in.json").write_text(lines(*({"id": i} for i in range(50000))))
    both = [subprocess.Popen([shop.exe, "ingest", "shop", "in.json", "--json"], cwd=shop.dir,
                             stdout=subprocess.PIPE) for _ in range(2)]
    landed = [json.loads(one.communicate()[0])["objects"][0] for one in both]
    assert [one.returncode for one in both] == [0, 0]
    assert landed[0]["object"] == landed[1]["object"]
    shop("run")
    assert ids(shop) == list(range(50000))


# --- the raw zone ---------------------------------------------------------------------------------

def test_the_same_content_is_landed_once_however_it_is_packed_unless_asked(shop):
    text = lines({"id": 1}, {"id": 2})
    first = land(shop, text)
    packed = land(shop, gzip.compress(text.encode()), name="other.json.gz")
    assert packed["object"] == first["object"]
    assert (first["state"], packed["state"]) == ("landed", "known")
    shop("run")
    assert ids(shop) == [1, 2]
    again = land(shop, text, "--again")
    assert again["object"] != first["object"] and again["state"] == "landed"
    shop("run")
    assert ids(shop) == [1, 1, 2, 2]


def test_received_is_where_the_object_lies_and_what_the_row_says(plumb):
    project(plumb, {"seen": """
        table: seen
        columns:
          id: long!
          at: timestamp!
        """}, {"shop": """
        source: shop
        into: seen
        map:
          id: id
          at: $received
        """})
    land(plumb, lines({"id": 1}), "--received", "1969-12-31T23:00:00-02:30")
    land(plumb, lines({"id": 2}), "--received", "2024-02-29")
    plumb("run")
    rows = sorted(read(plumb, "seen", "id", "at").to_pylist(), key=lambda r: r["id"])
    utc = datetime.timezone.utc
    assert rows == [{"id": 1, "at": datetime.datetime(1970, 1, 1, 1, 30, tzinfo=utc)},
                    {"id": 2, "at": datetime.datetime(2024, 2, 29, tzinfo=utc)}]
    folders = sorted(str(p.parent.relative_to(plumb.dir))
                     for p in (plumb.dir / "lake/raw").rglob("*.gz"))
    assert folders == ["lake/raw/source=shop/year=1970/month=01/day=01/hour=01",
                       "lake/raw/source=shop/year=2024/month=02/day=29/hour=00"]
    modes = {oct(p.stat().st_mode & 0o777) for p in (plumb.dir / "lake/raw").rglob("*.gz")}
    assert modes == {"0o444"}


def test_received_in_a_year_to_come_is_refused(shop):
    """What is landed stays; but clocks may differ."""
    said = shop("ingest", "shop", "in.json", "--received", 99999999999999, code=2).stderr
    assert said == (
        "plumb ingest: --received '99999999999999' is 5138-11-16T09:46:39.999Z, more than a day "
        "from now; give a time like 2026-11-22T03:00:00Z, or a number since 1970: seconds have 10 "
        "digits, milliseconds 13\n  hint: 'plumb ingest --help' shows how it is used.\n")
    now = int(time.time())
    land(shop, lines({"id": 1}), "--received", now + 86000)
    land(shop, lines({"id": 2}), "--received", now * 1000)
    for name, ahead in ("a.json", 90000), ("b.json", 80000):
        (shop.dir / name).write_text(lines({"id": name}))
        os.utime(shop.dir / name, (now + ahead, now + ahead))
    failed = shop("ingest", "shop", "a.json", "b.json", "--received", "mtime", code=1)
    assert "b.json: landed as " in failed.stdout
    assert failed.stdout.endswith("\n1 landed, 0 already there, 1 failed\n")
    assert re.fullmatch(
        r"plumb: cannot ingest file 'a.json': its mtime is \S+Z, more than a day from now\n"
        r"  hint: Mend it \('touch'\), or say when it was received: --received TIME.\n",
        failed.stderr)


# --- bad input ------------------------------------------------------------------------------------

def test_a_broken_line_costs_one_line(shop):
    land(shop, lines({"id": 1}, '{"id": 2,\n', {"id": 3}, '{"id": 4} x\n', "\n", {"id": 5}))
    shop("run")
    assert ids(shop) == [1, 3, 5]
    assert quarantine(shop, "record", "records", "byte_first", "byte_count", "byte", "reason") == [
        (1, 1, 10, 9, 19, "not JSON: the text ends inside an object"),
        (3, 1, 30, 11, 40, "not JSON: text follows the value")]


def test_what_is_not_json_at_all_is_quarantined_whole(shop):
    text = "Mar  1 12:00:00 host: hello\nMar  2 12:00:00 host: hello\n"
    land(shop, text)
    done = shop.json("run")
    assert done["records"] == {"raw": 2, "curated": 0, "quarantined": 2, "filtered": 0}
    assert quarantine(shop, "record", "records", "byte_first", "byte_count", "byte", "reason") == [
        (0, 2, 0, len(text) - 1, 0, "not JSON: a value is expected here")]
    assert ids(shop) == []


def test_a_truncated_gzip_gives_what_is_whole_and_says_where_it_ends(shop):
    text = lines(*({"id": i, "place": str(i * 7919 % 3)} for i in range(5000)))
    packed = gzip.compress(text.encode())
    landed = land(shop, packed[:len(packed) // 2])
    assert landed["broken"]
    shop("run")
    got = ids(shop)
    assert got == list(range(len(got))) and 1000 < len(got) < 4000
    cut, end = quarantine(shop, "record", "byte_first", "byte_count", "byte", "reason")
    whole = sum(len(line) + 1 for line in text.splitlines()[:len(got)])
    assert cut[:2] == (len(got), whole) and cut[3] == whole + cut[2] == end[3]
    assert cut[4].startswith("not JSON: the text ends ")
    assert end == (len(got) + 1, end[3], 0, end[3],
                   f"gzip is broken after byte {end[3]} of the content")


def test_a_records_path_that_leads_to_no_array_is_one_quarantined_record(plumb):
    project(plumb, {"posts": POSTS}, {"shop": SHOP.replace(
        "into: posts", "into: posts\n    records: data.list[]")})
    for document in ({"data": {"list": [{"id": 1}, {"id": 2}]}}, {"data": {"list": []}},
                     {"data": {"items": [{"id": 3}]}}, {"data": {"list": {"id": 4}}}, {"data": 5}):
        land(plumb, json.dumps(document))
    done = plumb.json("run")
    assert done["records"] == {"raw": 5, "curated": 2, "quarantined": 3, "filtered": 0}
    assert quarantine(plumb, "record", "records", "reason") == [
        (0, 1, "no array at data.list")] * 3
    assert sorted((line["records"], line["curated"], line["quarantined"])
                  for line in plumb.json("ledger")) == [
                      (0, 0, 0), (1, 0, 1), (1, 0, 1), (1, 0, 1), (2, 2, 0)]


def test_a_syntax_error_in_an_array_costs_the_rest_of_that_array(shop):
    text = '[{"id": 1}, {"id": 2}, {"id": }, {"id": 4}]'
    land(shop, text)
    shop("run")
    assert ids(shop) == [1, 2]
    at = text.index('{"id": }')
    assert quarantine(shop, "record", "records", "byte_first", "byte_count", "byte", "reason") == [
        (2, 1, at, len(text) - at, at + 7, "a value is expected here")]


# --- required, critical, optional -----------------------------------------------------------------

def test_what_does_not_fit_follows_what_the_column_is(shop):
    land(shop, lines(
        {"id": 1, "likes": "7", "day": "2024-02-29"},  # exact, but text
        {"id": 2, "likes": 2**31},                     # optional: NULL, kept in _rest
        {"id": 3, "day": "2023-02-29"},                # critical: the record
        {"id": 4, "likes": {"count": 1}, "more": [1]}, # optional, and a member no column takes
        {"likes": 5},                                  # required and absent
        {"id": None},                                  # required and null
        {"id": 7.5},                                   # required and inexact
        {"id": 8, "day": None}))                       # critical and null: NULL
    done = shop.json("run")
    assert done["records"] == {"raw": 8, "curated": 4, "quarantined": 4, "filtered": 0}
    (source,) = done["sources"]
    assert (source["lost"], source["coerced"], source["conflicts"]) == (2, 1, 0)
    rows = read(shop, "posts", "id", "likes", "day", "_record", "_flags", "_rest").to_pylist()
    assert sorted(rows, key=lambda r: r["id"]) == [
        {"id": 1, "likes": 7, "day": datetime.date(2024, 2, 29), "_record": 0,
         "_flags": ["likes:coerced"], "_rest": None},
        {"id": 2, "likes": None, "day": None, "_record": 1,
         "_flags": ["likes:lost"], "_rest": '{"likes":2147483648}'},
        {"id": 4, "likes": None, "day": None, "_record": 3,
         "_flags": ["likes:lost"], "_rest": '{"likes":{"count":1},"more":[1]}'},
        {"id": 8, "likes": None, "day": None, "_record": 7, "_flags": None, "_rest": None}]
    missing = "is required, and no path of its rule has a value"
    assert quarantine(shop, "record", "records", "column", "reason", "sample") == [
        (2, 1, "day", "day names a day that does not exist", "2023-02-29"),
        (4, 2, "id", missing, ""),
        (6, 1, "id", "id has digits the type cannot hold", "7.5")]


def test_the_first_path_that_fits_wins_and_another_value_is_a_conflict(plumb):
    shop = SHOP.replace("likes: likes", "likes: likes | hearts")
    project(plumb, {"posts": POSTS}, {"shop": shop})
    land(plumb, lines({"id": 1, "likes": 1}, {"id": 2, "hearts": 2}, {"id": 3, "likes": 3,
                                                                      "hearts": 3},
                      {"id": 4, "likes": 4, "hearts": 5}, {"id": 5, "likes": "x", "hearts": 5},
                      {"id": 6, "likes": None, "hearts": 6}))
    plumb("run")
    rows = read(plumb, "posts", "id", "likes", "_flags", "_rest").to_pylist()
    assert [tuple(r.values()) for r in sorted(rows, key=lambda r: r["id"])] == [
        (1, 1, None, None), (2, 2, None, None), (3, 3, None, None),
        (4, 4, ["likes:conflict"], '{"hearts":5}'), (5, 5, ["likes:lost"], '{"likes":"x"}'),
        (6, 6, None, None)]


# --- the files a user writes ----------------------------------------------------------------------

def test_every_mistake_is_said_at_once_with_its_place_and_the_valid_words(shop):
    write(shop.dir / "sources/shop.yml", """
        source: shop
        into: post
        map:
          id: id parse(percnt)
        """)
    write(shop.dir / "sources/more.yml", """
        source: more
        into: posts
        map:
          id: id parse(percnt)
          like: likes
          day: = "2023-02-29"
          place: a..b
        """)
    write(shop.dir / "contracts/other.yml", """
        table: other
        columns:
          a: integer
          a: long
        """)
    said = shop("run", code=2)
    assert said.stdout == ""
    parsers = """\
  hint: Did you mean 'percent'? Valid are epoch, iso, time, date, percent, number, compact, bool, \
duration, json and text.
"""
    more = f"""\
plumb: sources/more.yml:4:16: unknown parser 'percnt'
{parsers}\
plumb: sources/more.yml:5:3: table 'posts' has no column 'like'
  hint: Did you mean 'likes'? Valid are id, place, likes and day.
plumb: sources/more.yml:6:10: literal "2023-02-29" does not fit column 'day' (date): names a day \
that does not exist
plumb: sources/more.yml:7:12: a key is missing
  hint: Keys with other characters than letters, digits, _ and - are written as in $["a.b"].
"""
    assert said.stderr == f"""\
plumb: contracts/other.yml:3:6: unknown type 'integer'
  hint: Valid are boolean, int, long, float, double, decimal(p,s), date, timestamp, string, json \
and list(T).
plumb: contracts/other.yml:4:3: duplicate key 'a', first on line 3
{more}\
plumb: sources/shop.yml:4:16: unknown parser 'percnt'
{parsers}\
plumb: cannot use project '.': 7 mistakes in its files
"""
    (shop.dir / "contracts/other.yml").unlink()  # now it is sure that no contract is table 'post'
    assert shop("run", code=2).stderr == f"""\
{more}\
plumb: sources/shop.yml:2:7: no contract declares table 'post'
  hint: Did you mean 'posts'? Valid is posts.
plumb: sources/shop.yml:4:16: unknown parser 'percnt'
{parsers}\
plumb: cannot use project '.': 6 mistakes in its files
"""
    assert not (shop.dir / "lake").exists()


def test_a_column_added_and_an_int_promoted_between_runs(shop):
    land(shop, lines({"id": 1, "likes": 1}))
    shop("run")
    contract = shop.dir / "contracts/posts.yml"
    write(contract, contract.read_text().replace("likes: int", "likes: long\n  note: string"))
    source = shop.dir / "sources/shop.yml"
    write(source, source.read_text() + "  note: note\n")
    land(shop, lines({"id": 2, "likes": 2**40, "note": "n"}))
    shop("run")
    rows = read(shop, "posts", "id", "likes", "note").to_pylist()
    assert sorted(rows, key=lambda r: r["id"]) == [
        {"id": 1, "likes": 1, "note": None}, {"id": 2, "likes": 2**40, "note": "n"}]
    before, now = (table(shop, "posts").schemas()[n] for n in (0, 1))
    assert [str(f.field_type) for f in before.fields if f.name == "likes"] == ["int"]
    assert [str(f.field_type) for f in now.fields if f.name == "likes"] == ["long"]
    assert [f.field_id for f in before.fields] == [
        now.find_field(f.name).field_id for f in before.fields]


def test_a_type_that_cannot_be_promoted_is_refused_and_nothing_changes(shop):
    land(shop, lines({"id": 1, "likes": 1}))
    shop("run")
    before = tree(shop.dir / "lake")
    contract = shop.dir / "contracts/posts.yml"
    write(contract, contract.read_text().replace("likes: int", "likes: string"))
    land(shop, lines({"id": 2, "likes": 2}))
    said = shop("run", code=2)
    assert said.stdout == ""
    assert said.stderr == """\
plumb: contracts/posts.yml:7:3: cannot change column 'likes' of table 'posts' from int to string: \
rows already written could not be read
  hint: Only int to long, float to double and more decimal digits are possible: keep int, or give \
the new type a new column name.
"""
    after = tree(shop.dir / "lake")
    assert {k: after[k] for k in before} == before


def test_several_sources_fill_one_table(shop):
    write(shop.dir / "sources/market.yml", """
        source: market
        into: posts
        records: $[]
        map:
          id:    number
          place: = "market"
          likes: counts.likes | counts.hearts
        """)
    land(shop, lines({"id": 1, "place": "shop", "likes": 3}))
    land(shop, '[{"number": 2, "counts": {"hearts": 4}}]', source="market")
    done = shop.json("run")
    assert [t["rows"] for t in done["tables"]] == [2]
    assert sorted((s["source"], s["curated"]) for s in done["sources"]) == [
        ("market", 1), ("shop", 1)]
    rows = read(shop, "posts", "id", "place", "likes").to_pylist()
    assert sorted(rows, key=lambda r: r["id"]) == [{"id": 1, "place": "shop", "likes": 3},
                                                   {"id": 2, "place": "market", "likes": 4}]


# --- the sandbox of a query -----------------------------------------------------------------------

@pytest.mark.parametrize("sql", [
    "SELECT * FROM read_text('/etc/passwd')", "SELECT * FROM read_csv('/proc/self/environ')",
    "SELECT * FROM '{lake}/plumb.db'", "SELECT * FROM glob('{lake}/**')",
    "SELECT * FROM sniff_csv('/etc/passwd')", "SELECT getenv('HOME')",
    "COPY posts TO '{lake}/out.csv'", "ATTACH '{lake}/plumb.db'", "INSTALL httpfs", "LOAD httpfs",
    "CREATE TABLE x AS SELECT 1", "DELETE FROM posts", "SET enable_external_access = true",
"SELECT 1; DROP VIEW posts",
    "SELECT * FROM read_parquet('{lake}/tables/posts/data/**/*.parquet')"])
def test_a_query_reads_the_tables_and_nothing_else(shop, sql):
    land(shop, lines({"id": 1}))
    shop("run")
    before = tree(shop.dir / "lake")
    said = shop("query", sql.format(lake=shop.dir / "lake"), code=None)
    assert said.returncode != 0 and said.stdout == "" and "plumb: " in said.stderr
    assert tree(shop.dir / "lake") == before
    assert shop.json("query", "SELECT id FROM posts") == [{"id": 1}]


# --- where ----------------------------------------------------------------------------------------

def test_what_where_does_not_keep_is_filtered_and_the_books_balance(plumb):
    filtering = SHOP.replace("map:", 'where: place != "b"\n    map:')
    project(plumb, {"posts": POSTS}, {"shop": filtering})
    land(plumb, lines({"id": 1, "place": "a"}, {"id": 2, "place": "b"}, {"id": "x"}, "{\n"))
    done = plumb.json("run")
    assert done["records"] == {"raw": 4, "curated": 1, "quarantined": 2, "filtered": 1}
    assert [source["filtered"] for source in done["sources"]] == [1]
    assert ids(plumb) == [1]
    assert [row["filtered"] for row in plumb.json("ledger")] == [1]
    assert plumb.json("runs")[0]["records"]["filtered"] == 1


# --- documents that are not held in memory --------------------------------------------------------

ITEMS = """
    table: items
    columns:
      id:   long!
      page: long
      text: string
    """


def test_a_document_larger_than_the_window_is_streamed_with_what_stands_around_it(plumb):
    source = """
        source: shop
        into: items
        records: data.list[]
        map:
          id:   id
          page: $doc.page
          text: $parent.name
        """
    project(plumb, {"items": ITEMS}, {"shop": source})
    count, filler = 6000, "x" * 4000  # 24 MB, the window is 16
    items = ",".join(json.dumps({"id": i, "f": filler}) for i in range(count))
    broken = items.replace('{"id": 5990,', '{"id": ,', 1)
    land(plumb, '{"data":\n {"list": [%s\n]}, "page": 8}\n' % items, name="document.json")
    land(plumb, '{"page": 9, "data": {"list": [%s]}}\n{"data": {"list": [{"id": 1}]}}\n' % broken,
         name="broken.json")
    # Last, or those without a name would look as if it had been renamed.
    land(plumb, '{"data": {"list": [%s], "name": "n"}, "page": 7}' % items, name="line.json")
    done = plumb.json("run")
    assert done["records"] == {"raw": 2 * count + 5992, "curated": 2 * count + 5991,
                               "quarantined": 1, "filtered": 0}
    assert quarantine(plumb, "reason") == [("a value is expected here",)]
    rows = read(plumb, "items", "id", "page", "text").to_pylist()
    found = collections.Counter((row["page"], row["text"]) for row in rows)
    assert found == {(7, "n"): count, (8, None): count, (9, None): 5990, (None, None): 1}
    assert sorted(row["id"] for row in rows if row["page"] == 7) == list(range(count))


def test_concatenated_documents_are_taken_apart(plumb):
    project(plumb, {"posts": POSTS}, {"shop": SHOP})
    landed = land(plumb, '{"id": 1, "place": "a"}{"id": 2}\n{\n "id": 3\n}\n')
    assert landed["format"] == "concatenated"
    plumb("run")
    assert ids(plumb) == [1, 2, 3]


# --- several tables from one source ---------------------------------------------------------------

def test_one_source_fills_two_tables_posts_and_their_comments(plumb):
    contracts = {"posts": "table: posts\ncolumns:\n  id: string!\n  title: string\n",
                 "comments": "table: comments\nkey: [id]\ncolumns:\n  id: string!\n"
                             "  post: string!\n  page: int\n"}
    sources = {"tiktok": "source: tiktok\ninto: posts\nrecords: data[]\n"
                         "map:\n  id: id\n  title: title\n",
               "tiktok.comments": "source: tiktok\ninto: comments\nrecords: data[].comments[]\n"
                                  "map:\n  id: id\n  post: $parent.id\n  page: $doc.page\n"}
    project(plumb, contracts, sources)
    document = {"data": [{"id": "p1", "title": "t", "comments": [{"id": "c1"}, {"id": "c2"}]},
                         {"id": "p2", "comments": []}, {"id": "p3"}], "page": 4}
    land(plumb, lines(document), source="tiktok")
    done = plumb.json("run")
    assert {table["table"]: table["rows"] for table in done["tables"]} == {"posts": 3,
                                                                         "comments": 2}
    assert done["records"] == {"raw": 6, "curated": 5, "quarantined": 1, "filtered": 0}
    assert quarantine(plumb, "table", "reason") == [("comments", "no array at data[].comments")]
    found = read(plumb, "comments", "id", "post", "page").to_pylist()
    assert sorted(tuple(row.values()) for row in found) == [("c1", "p1", 4), ("c2", "p1", 4)]
    assert sorted(ids(plumb)) == ["p1", "p2", "p3"]
    assert {row["table"] for row in plumb.json("ledger")} == {"posts", "comments"}

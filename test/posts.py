# SPDX-License-Identifier: Apache-2.0
"""The table that dying, meeting and coming too late are tested with: posts of a shop, numbered from
0, so that each can be counted; and what is true of a lake that nothing is wrong with.
"""
import random

import duckdb

from lake import books, found, listed, read

CONTRACT = """
    table: posts
    key: [id]
    partition: [place]
    columns:
      id:    long!
      place: string!
      text:  string
    """
MAPPING = """
    source: shop
    into: posts
    map:
      id:    id
      place: place
      text:  text
    """


def lines(first, count, seed=1):
    draw = random.Random(seed)
    return "".join(f'{{"id": {i}, "place": "{"abcde"[i % 5]}",'
                   f' "text": "{draw.getrandbits(256):x}"}}\n'
                   for i in range(first, first + count))


def fingerprint(plumb):
    """Rows and a hash of them all, whatever their order."""
    rows = read(plumb, "posts")
    return duckdb.sql(f"SELECT count(*), sum(hash({', '.join(rows.column_names)})) FROM rows"
                      ).fetchall()


def check(plumb, records):
    """Each record once, no file nobody refers to, no document left, books that balance."""
    assert sorted(read(plumb, "posts", "id")["id"].to_pylist()) == list(range(records))
    assert listed(plumb, "posts") == found(plumb, "tables/posts/data/**/*.parquet")
    assert found(plumb, ".plumb/runs/**/*") == []
    assert sum(line["curated"] for line in plumb.json("ledger")) == records
    assert books(plumb, "SELECT count(*) FROM runs WHERE state = 'working'") == [(0,)]

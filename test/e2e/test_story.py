# SPDX-License-Identifier: Apache-2.0
"""The whole story: overnight a platform renames three metrics, sends an id as text, a percentage as
a fraction, and a key no more. Nobody ever reads a wrong value or a NULL that was a value, what
can be proven heals by itself, the rest takes one command each; and all of it can be taken back and
done again, with the same rows.

After each command two readers that know nothing of plumb look at the table: PyIceberg, and DuckDB
on the metadata file. They must find what the platform meant, row by row.
"""
import json

import duckdb

from lake import duckdb_iceberg, project, read, table

CONTRACT = """table: posts
key: [post_id, observed_at]
critical: [views]
columns:
  post_id:     string!
  observed_at: timestamp!
  author_id:   long
  likes:       long
  shares:      long
  views:       long
  rate:        double   range(0, 1)
  music:       string
"""
MAPPING = """source: tiktok
into: posts
map:
  post_id:     id
  observed_at: $received
  author_id:   author.id
  likes:       stats.likes               # of the post
  shares:      stats.shares
  views:       stats.views
  rate:        stats.rate parse(percent)   # "4.7%" -> 0.047
  music:       music
"""
POSTS = 1200    # seen again every day
RELEASE = 4     # the day on which the platform changes
COLUMNS = "post_id", "author_id", "likes", "shares", "views", "rate", "music"


def meant(n, day):
    """What the platform knows of a post on a day, in the order of COLUMNS."""
    return (f"p{n}", 7000000 + n // 3 * 7919, 100 + 7 * n + 3 * day, 30000 + 11 * n + 2 * day,
            5000000 + 1013 * n + 97 * day, (n % 360 + 1) / 400,
            f"song {n % 40}" if day < RELEASE else None)


def sent(n, day):
    """How it says so: one way before the release, another one since."""
    post, author, likes, shares, views, rate, music = meant(n, day)
    if day < RELEASE:
        return {"id": post, "author": {"id": author}, "music": music, "lang": "en", "stats": {
            "likes": likes, "shares": shares, "views": views, "rate": f"{rate * 100:g}%"}}
    return {"id": post, "author": {"id": str(author)}, "lang": "en", "stats": {
        "like_count": likes, "share_count": shares, "view_count": views, "rate": rate}}


def land(plumb, *days):
    """Two raw objects a day."""
    for day in days:
        for half in 0, 1:
            plumb("ingest", "tiktok", "-", "--received", f"2026-11-{day:02}T{12 * half + 6:02}:00Z",
                  input="".join(json.dumps(sent(n, day)) + "\n"
                                for n in range(half * POSTS // 2, (half + 1) * POSTS // 2)))


def seen(plumb, *days):
    """Both readers find these days as they were meant, and nothing else."""
    meanings = sorted((day, *meant(n, day)) for day in days for n in range(POSTS))
    ask = f"SELECT day(observed_at), {', '.join(COLUMNS)} FROM "
    rows = read(plumb, "posts")
    with duckdb.connect() as db:
        db.execute("SET TimeZone = 'UTC'")
        by_pyiceberg = db.sql(ask + "rows").fetchall()
    by_duckdb = duckdb_iceberg(f"{ask} iceberg_scan('{table(plumb, 'posts').metadata_location}')")
    for found in by_pyiceberg, zip(*(column.to_pylist() for column in by_duckdb.columns)):
        assert [(*row[:6], round(row[6], 12), row[7]) for row in sorted(found)] == meanings
    return rows


def hashed(rows):
    """Order-free, of every column but _mapping: which version of the file made a row is what a
    replay may change, and the only thing."""
    columns = ", ".join(f'"{c}"' for c in rows.column_names if c != "_mapping")
    return duckdb.sql(f"SELECT count(*), sum(hash(({columns}))::HUGEINT) FROM rows").fetchone()


def states(plumb):
    return {f["column"]: (f["class"], f["state"]) for f in plumb.json("drift", "ls", "--all",
                                                                      code=None)}


def test_a_release_of_a_platform_is_survived(plumb):
    project(plumb, {"posts": CONTRACT}, {"tiktok": MAPPING})
    for day in range(1, RELEASE):
        land(plumb, day)
        plumb("run")
        seen(plumb, *range(1, day + 1))
    before = read(plumb, "posts")

    # The release. What is proven and concerns nothing critical is read by a rule at once; all of
    # the source waits, because views is critical: nobody sees a row of it.
    land(plumb, 4)
    plumb("run", code=3)
    seen(plumb, 1, 2, 3)
    assert states(plumb) == {"likes": ("renamed", "provisional"),
                             "shares": ("renamed", "provisional"),
                             "views": ("renamed", "held"),
                             "rate": ("rescaled", "held"), "music": ("removed", "held")}
    land(plumb, 5)
    assert plumb.json("run", code=3)["holds"][0]["objects"] == 4
    seen(plumb, 1, 2, 3)

    # One command each. Until the last of them nothing is published, so nothing half right is.
    waiting = [f["id"] for f in plumb.json("drift", "ls", code=3) if f["state"] == "held"]
    for id in waiting:
        seen(plumb, 1, 2, 3)
        plumb("drift", "approve", id, "--why", "it is in their changelog",
              code=0 if id == waiting[-1] else 3)
    seen(plumb, 1, 2, 3, 4, 5)
    assert states(plumb) == {"likes": ("renamed", "provisional"),
                             "shares": ("renamed", "provisional"),
                             "views": ("renamed", "accepted"), "rate": ("rescaled", "accepted"),
                             "music": ("removed", "deprecated"),
                             "author_id": ("retyped", "provisional")}
    # Comments stay; a value taken from text is flagged; the file has what a person has agreed to.
    assert (plumb.dir / "sources/tiktok.yml").read_text() == MAPPING.replace(
        "  stats.views", "  stats.view_count | stats.views")
    flags = read(plumb, "posts", "observed_at", "_flags", "_rest").to_pylist()
    assert {(r["observed_at"].day >= RELEASE, *(r["_flags"] or ())) for r in flags} == {
        (False,), (True, "author_id:coerced")}
    assert {r["_rest"] for r in flags} == {'{"lang":"en"}'}

    # The platform goes on like that: nothing more is asked.
    land(plumb, 6)
    plumb("run")
    after = seen(plumb, 1, 2, 3, 4, 5, 6)

    # Back to before the release, and forward again by the tag.
    release = next(s for s in plumb.json("history", "posts") if s.get("rows") == before.num_rows)
    plumb("rollback", "posts", "--to", release["snapshot"], code=None)
    assert hashed(seen(plumb, 1, 2, 3)) == hashed(before)
    plumb("rollback", "posts", "--to", "before-rollback-1")
    assert hashed(seen(plumb, 1, 2, 3, 4, 5, 6)) == hashed(after)

    # Back once more; what was withdrawn is mapped anew from raw.
    plumb("rollback", "posts", "--to", release["snapshot"], code=None)
    plumb("run", code=3)
    seen(plumb, 1, 2, 3)
    plumb("mapping", "tiktok", "--use", "file")
    plumb("replay", "posts", "--withdrawn")
    assert hashed(seen(plumb, 1, 2, 3, 4, 5, 6)) == hashed(after)

    # And all of it, by the files as they are now.
    plumb("replay", "posts", "--all")
    assert hashed(seen(plumb, 1, 2, 3, 4, 5, 6)) == hashed(after)
    land(plumb, 7)
    plumb("run")  # and nothing is asked again
    seen(plumb, 1, 2, 3, 4, 5, 6, 7)
    assert plumb.json("verify")["sound"]

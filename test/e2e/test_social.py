# SPDX-License-Identifier: Apache-2.0
"""examples/social, from files to rows: every value of every row, as another engine reads it.

The same mapping is written here a second time, in Python over json.loads; both must agree.
"""
import datetime
import gzip
import json
import shutil
from decimal import Decimal

import pytest

from conftest import ROOT

COLUMNS = ("platform post_id published_at observed_at account text language hashtags likes comments"
           " shares views followers engagement_rate").split()
UTC = datetime.timezone.utc


def iso(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00").replace("+0000", "+00:00"))


def epoch(milliseconds):
    return datetime.datetime(1970, 1, 1, tzinfo=UTC) + datetime.timedelta(milliseconds=milliseconds)


def number(text):
    return None if text is None else int(text)


def tiktok(data):
    for post in (p for line in data.splitlines() for p in json.loads(line)["data"]["list"]):
        rate = post.get("engagement_rate")
        yield dict(post_id=post["item_id"], published_at=epoch(post["create_time"] * 1000),
                   account=post["author"]["unique_id"], text=post["desc"],
                   likes=post["digg_count"], comments=post["comment_count"],
                   shares=post["share_count"], views=post["play_count"],
                   followers=post["author"]["follower_count"],
                   engagement_rate=None if rate is None else float(Decimal(rate[:-1]) / 100))


def instagram(data):
    for post in (p for line in data.splitlines() for p in json.loads(line)["data"]):
        insights = {i["name"]: i["values"][0]["value"]
                    for i in post.get("insights", {}).get("data", [])}
        yield dict(post_id=post["id"], published_at=iso(post["timestamp"]),
                   account=post["owner"]["username"], text=post.get("caption"),
                   hashtags=post.get("tags"), likes=post["like_count"],
                   comments=post["comments_count"], shares=insights.get("shares"),
                   views=insights.get("impressions"), followers=post["owner"]["followers_count"])


def youtube(data):
    for post in (p for line in data.splitlines() for p in json.loads(line)["items"]):
        said, counted = post["snippet"], post["statistics"]
        yield dict(post_id=post["id"], published_at=iso(said["publishedAt"]),
                   account=said["channelId"], text=said["description"],
                   language=said.get("defaultAudioLanguage"), hashtags=said.get("tags"),
                   likes=number(counted.get("likeCount")),
                   comments=number(counted.get("commentCount")),
                   views=number(counted["viewCount"]))


def x(data):
    for post in map(json.loads, data.splitlines()):
        yield dict(post_id=str(post["id"]), published_at=iso(post["created_at"]),
                   account=post["screen_name"], text=post["text"], language=post["lang"],
                   hashtags=post["hashtags"], likes=post["favorite_count"],
                   comments=post["reply_count"], shares=post["retweet_count"],
                   views=post.get("view_count"), followers=post["followers_count"])


def linkedin(data):
    for post in json.loads(data):
        counted = post["totalShareStatistics"]
        yield dict(post_id=post["activity"], published_at=epoch(post["publishedAt"]),
                   account=post["authorName"], text=post.get("commentary"),
                   likes=counted["likeCount"], comments=counted["commentCount"],
                   shares=counted["shareCount"], views=counted["impressionCount"],
                   followers=post["organizationFollowers"],
                   engagement_rate=counted.get("engagement"))


PLATFORMS = {f.__name__: f for f in (tiktok, instagram, youtube, x, linkedin)}


def expected_rows(platform, data, observed):
    for row in PLATFORMS[platform](data):
        row = {**dict.fromkeys(COLUMNS), **row, "platform": platform, "observed_at": observed}
        yield tuple(tuple(v) if isinstance(v, list) else v for v in (row[c] for c in COLUMNS))


def table_rows(folder):
    from pyiceberg.catalog.sql import SqlCatalog
    catalog = SqlCatalog("plumb", uri=f"sqlite:///{folder}/lake/plumb.db",
                         warehouse=f"file://{folder}/lake")
    table = catalog.load_table("default.post_metrics")
    columns = [table.scan().to_arrow()[c].to_pylist() for c in COLUMNS]
    return [tuple(tuple(v) if isinstance(v, list) else v for v in row) for row in zip(*columns)]


def order(row):
    return row[:1] + row[1:2] + (row[3],)


@pytest.mark.parametrize("variant", ["text", "sparse", "shuffle", "escaped"])
def test_every_value_of_every_row_is_as_in_the_json(plumb, samples, variant):
    shutil.copytree(ROOT / "examples/social", plumb.dir, dirs_exist_ok=True)
    expected = []
    for day in ("2026-11-01", "2026-11-02"):
        for platform in PLATFORMS:
            data = samples(platform=platform, posts=400, start=day, variant=variant)
            expected += expected_rows(platform, data, iso(day + "T23:59:59Z"))
            path = plumb.dir / f"{platform}-{day}.json"
            path.write_bytes(gzip.compress(data) if platform == "youtube" else data)
            plumb("ingest", platform, path, "--received", day + "T23:59:59Z")

    said = plumb.json("run")
    assert said["state"] == "published"
    assert said["records"]["raw"] == said["records"]["curated"] == len(expected) == 4000
    assert said["records"]["quarantined"] == said["records"]["filtered"] == 0

    rows = sorted(table_rows(plumb.dir), key=order)
    for got, want in zip(rows, sorted(expected, key=order)):
        assert got == want
    assert len(rows) == len(expected)


def test_a_second_run_changes_nothing(plumb, samples):
    shutil.copytree(ROOT / "examples/social", plumb.dir, dirs_exist_ok=True)
    (plumb.dir / "x.json").write_bytes(samples(platform="x", posts=100))
    plumb("ingest", "x", "x.json")
    plumb("run")

    def tree():
        return {str(p): p.read_bytes() for p in (plumb.dir / "lake").rglob("*")
                if p.is_file() and not p.name.startswith("plumb.db")}
    before = tree()
    assert plumb.json("run")["state"] == "nothing"
    assert tree() == before


def test_one_broken_line_costs_one_record(plumb, samples):
    shutil.copytree(ROOT / "examples/social", plumb.dir, dirs_exist_ok=True)
    lines = samples(platform="x", posts=50).splitlines(keepends=True)
    (plumb.dir / "x.json").write_bytes(b"".join(lines[:20] + [b'{"id": 17, "text": "cut\n']
                                                + lines[20:]))
    plumb("ingest", "x", "x.json")
    records = plumb.json("run")["records"]
    assert records == {"raw": 51, "curated": 50, "quarantined": 1, "filtered": 0}

# SPDX-License-Identifier: Apache-2.0
"""Spark with Iceberg's own Java library reads what plumb wrote: the strictest reader there is."""
import shutil

import pyarrow.compute as pc
from pyiceberg.catalog.sql import SqlCatalog

from conftest import ROOT


def test_spark_reads_the_same_values_as_pyiceberg(spark, plumb, samples):
    shutil.copytree(ROOT / "examples/social", plumb.dir, dirs_exist_ok=True)
    for day in ("2026-11-01", "2026-11-02"):
        for platform in ("x", "tiktok"):
            (plumb.dir / "in.json").write_bytes(samples(platform=platform, posts=300, start=day))
            plumb("ingest", platform, "in.json", "--received", day + "T23:59:59Z")
        plumb("run")

    lake = plumb.dir / "lake"
    table = SqlCatalog("plumb", uri=f"sqlite:///{lake}/plumb.db",
                       warehouse=f"file://{lake}").load_table("default.post_metrics")
    want = table.scan().to_arrow()
    assert len(table.snapshots()) == 2 and want.num_rows == 1200

    totals, first, pruned = spark(
        table.metadata_location,
        "SELECT count(*) n, sum(likes) likes, sum(views) views, sum(length(text)) letters,"
        " sum(size(hashtags)) tags, count(engagement_rate) rates FROM t",
        "SELECT post_id, platform, cast(published_at AS string) at, text, likes FROM t"
        " ORDER BY platform, post_id, observed_at LIMIT 5",
        "SELECT count(*) n FROM t WHERE platform = 'x' AND published_at >= '2026-11-01'")

    tags = sum(len(t) for t in want["hashtags"].to_pylist() if t is not None)
    assert totals == [{"n": 1200, "likes": pc.sum(want["likes"]).as_py(),
                       "views": pc.sum(want["views"]).as_py(),
                       "letters": pc.sum(pc.utf8_length(want["text"])).as_py(),
                       "tags": tags, "rates": len(want) - want["engagement_rate"].null_count}]
    rows = sorted(want.to_pylist(), key=lambda r: (r["platform"], r["post_id"], r["observed_at"]))
    assert [(r["post_id"], r["platform"], r["text"], r["likes"]) for r in rows[:5]] == [
        (r["post_id"], r["platform"], r["text"], r["likes"]) for r in first]
    assert [r["published_at"].strftime("%F %T") for r in rows[:5]] == [r["at"][:19] for r in first]
    assert pruned == [{"n": sum(r["platform"] == "x" and r["published_at"].isoformat()
                                >= "2026-11-01" for r in rows)}]

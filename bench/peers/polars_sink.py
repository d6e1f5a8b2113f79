# SPDX-License-Identifier: Apache-2.0
"""Polars: one lazy query, scanned and sunk by the streaming engine. Words: OUT THREADS FILE...

    order=keep     keep the order of rows (it is given up otherwise)
    engine=NAME    another engine than streaming
    scan.NAME=N    another argument of scan_ndjson, sink.NAME=N of sink_parquet
"""
import os
import sys

from job import words

OUT, THREADS, FILES, OPTIONS = words(sys.argv)
os.environ["POLARS_MAX_THREADS"] = str(THREADS)

import polars as pl  # noqa: E402  it reads the variable when it is imported

TEXT, LONG, DOUBLE = pl.String, pl.Int64, pl.Float64
SCHEMA = {
    "id": TEXT, "platform": TEXT, "created_at": TEXT,
    "author": pl.Struct({"id": TEXT, "username": TEXT, "followers": LONG, "verified": pl.Boolean}),
    "content": pl.Struct({"caption": TEXT, "permalink": TEXT, "type": TEXT, "lang": TEXT,
                          "hashtags": pl.List(TEXT)}),
    "metrics": pl.Struct({"likes": LONG, "comments": LONG, "shares": LONG, "views": LONG,
                          "saves": LONG, "engagement_rate": TEXT}),
    "location": pl.Struct({"name": TEXT, "lat": DOUBLE, "lng": DOUBLE})}
FLAT = {"account_id": "author.id", "username": "author.username", "followers": "author.followers",
        "verified": "author.verified", "caption": "content.caption",
        "permalink": "content.permalink", "media_type": "content.type", "language": "content.lang",
        "hashtags": "content.hashtags", "likes": "metrics.likes", "comments": "metrics.comments",
        "shares": "metrics.shares", "views": "metrics.views", "saves": "metrics.saves",
        "location_name": "location.name", "location_lat": "location.lat",
        "location_lng": "location.lng"}


def typed(prefix):
    return {k[len(prefix):]: int(v) if v.isdigit() else v == "true"
            for k, v in OPTIONS.items() if k.startswith(prefix)}


def main():
    # "4.70%" as 4.70e-2: rounded once. (A division by 100 here is a product with 0.01.)
    rate = pl.col("metrics").struct.field("engagement_rate").str.replace("%", "e-2", literal=True)
    published = pl.col("created_at").str.to_datetime("%Y-%m-%dT%H:%M:%S%.fZ", time_unit="us")
    columns = [pl.col("platform"), pl.col("id").alias("post_id"), published.alias("published_at"),
               rate.cast(DOUBLE).alias("engagement_rate"),
               published.dt.date().alias("day")]
    for name, path in FLAT.items():
        outer, inner = path.split(".")
        columns.append(pl.col(outer).struct.field(inner).alias(name))
    rows = pl.scan_ndjson(FILES, schema=SCHEMA, **typed("scan.")).select(columns)
    rows.sink_parquet(pl.PartitionBy(OUT, key=["platform", "day"], include_key=False),
                      compression="snappy", maintain_order="order" in OPTIONS, mkdir=True,
                      engine=OPTIONS.get("engine", "streaming"), **typed("sink."))


main()

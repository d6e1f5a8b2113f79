# SPDX-License-Identifier: Apache-2.0
"""PySpark in local mode: one read, one write. Words: OUT THREADS FILE... [name=value...]

Options named spark.* are the session's; repartition=N makes N tasks of the files first.
"""
import sys

from pyspark.sql import SparkSession

from job import words

SCHEMA = """id STRING, platform STRING, created_at TIMESTAMP,
  author STRUCT<id: STRING, username: STRING, followers: BIGINT, verified: BOOLEAN>,
  content STRUCT<caption: STRING, permalink: STRING, type: STRING, lang: STRING,
                 hashtags: ARRAY<STRING>>,
  metrics STRUCT<likes: BIGINT, comments: BIGINT, shares: BIGINT, views: BIGINT, saves: BIGINT,
                 engagement_rate: STRING>,
  location STRUCT<name: STRING, lat: DOUBLE, lng: DOUBLE>"""
# "4.70%" as 4.70e-2: rounded once.
COLUMNS = ["platform", "id AS post_id", "created_at AS published_at", "author.id AS account_id",
           "author.username", "author.followers", "author.verified", "content.caption",
           "content.permalink", "content.type AS media_type", "content.lang AS language",
           "content.hashtags", "metrics.likes", "metrics.comments", "metrics.shares",
           "metrics.views", "metrics.saves",
           "CAST(replace(metrics.engagement_rate, '%', 'e-2') AS DOUBLE) AS engagement_rate",
           "location.name AS location_name", "location.lat AS location_lat",
           "location.lng AS location_lng", "CAST(created_at AS DATE) AS day"]
SETTINGS = {"spark.sql.session.timeZone": "UTC", "spark.ui.enabled": "false",
            "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
            "spark.driver.memory": "4g", "spark.log.level": "ERROR"}


def main():
    out, threads, files, options = words(sys.argv)
    tasks = options.pop("repartition", None)
    builder = SparkSession.builder.master(f"local[{threads}]")
    for name, value in {**SETTINGS, **options}.items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    rows = session.read.schema(SCHEMA).json(files)
    rows = rows.repartition(int(tasks)) if tasks else rows
    rows.selectExpr(*COLUMNS).write.partitionBy("platform", "day").parquet(out)
    session.stop()


main()

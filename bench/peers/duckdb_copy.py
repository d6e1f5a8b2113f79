# SPDX-License-Identifier: Apache-2.0
"""DuckDB: one COPY, its columns declared or detected. Words: OUT THREADS FILE... [name=value...]

    types=declared|auto     declared, or what it finds by itself, as people usually call it
    errors=ignore           a value that does not fit is NULL: for files with type drift
    read.NAME=VALUE         an argument of read_json
    copy.NAME=VALUE         an option of COPY
    anything else           is SET before the COPY
"""
import sys

import duckdb

from job import words

COLUMNS = """columns = {
  id: 'VARCHAR', platform: 'VARCHAR', created_at: 'TIMESTAMP',
  author: 'STRUCT(id VARCHAR, username VARCHAR, followers BIGINT, verified BOOLEAN)',
  content: 'STRUCT(caption VARCHAR, permalink VARCHAR, "type" VARCHAR, lang VARCHAR,
                   hashtags VARCHAR[])',
  metrics: 'STRUCT(likes BIGINT, comments BIGINT, shares BIGINT, views BIGINT, saves BIGINT,
                   engagement_rate VARCHAR)',
  location: 'STRUCT(name VARCHAR, lat DOUBLE, lng DOUBLE)'}"""

# "4.70%" as 4.70e-2: rounded once. 4.70 divided by 100 is rounded twice, and another double.
SELECT = """
SELECT platform, id AS post_id, created_at AS published_at, author.id AS account_id,
       author.username AS username, author.followers AS followers, author.verified AS verified,
       content.caption AS caption, content.permalink AS permalink, content.type AS media_type,
       content.lang AS language, content.hashtags AS hashtags, metrics.likes AS likes,
       metrics.comments AS comments, metrics.shares AS shares, metrics.views AS views,
       metrics.saves AS saves,
       {cast}(replace(metrics.engagement_rate, '%', 'e-2') AS DOUBLE) AS engagement_rate,
       location.name AS location_name, location.lat AS location_lat, location.lng AS location_lng,
       created_at::DATE AS day
FROM read_json([{files}], format = 'newline_delimited', {read})
"""


def main():
    out, threads, files, options = words(sys.argv)
    types, errors = options.pop("types", "declared"), options.pop("errors", None)
    read = [COLUMNS] if types == "declared" else []
    read += ["ignore_errors = true"] if errors else []
    read += [f"{k[5:]} = {v}" for k, v in options.items() if k.startswith("read.")]
    copy = ["FORMAT parquet", "COMPRESSION snappy", "PARTITION_BY (platform, day)"]
    copy += [f"{k[5:]} {v}" for k, v in options.items() if k.startswith("copy.")]
    database = duckdb.connect(config={"threads": threads, **{
        k: v for k, v in options.items() if not k.startswith(("read.", "copy."))}})
    select = SELECT.format(files=", ".join(f"'{f}'" for f in files), read=", ".join(read),
                           cast="TRY_CAST" if errors else "CAST")
    if types != "declared":
        select = select.replace("format = 'newline_delimited', ", "")
    database.execute(f"COPY ({select}) TO '{out}' ({', '.join(copy)})")


main()

# SPDX-License-Identifier: Apache-2.0
"""ClickHouse, as chdb: one INSERT INTO FUNCTION file. Words: OUT THREADS FILE... [name=value...]

Options are settings of the query.
"""
import pathlib
import sys

import chdb

from job import words

# Numbers as JSON has them are read to the nearest double only with precise_float_parsing.
SETTINGS = {"date_time_input_format": "best_effort", "precise_float_parsing": 1,
            "output_format_parquet_compression_method": "snappy",
            "input_format_json_defaults_for_missing_elements_in_named_tuple": 1}

STRUCTURE = """id String, platform String, created_at DateTime64(6, 'UTC'),
  author Tuple(id Nullable(String), username Nullable(String), followers Nullable(Int64),
               verified Nullable(Bool)),
  content Tuple(caption Nullable(String), permalink Nullable(String), type Nullable(String),
                lang Nullable(String), hashtags Array(String)),
  metrics Tuple(likes Nullable(Int64), comments Nullable(Int64), shares Nullable(Int64),
                views Nullable(Int64), saves Nullable(Int64), engagement_rate Nullable(String)),
  location Tuple(name Nullable(String), lat Nullable(Float64), lng Nullable(Float64))"""

# "4.70%" as 4.70e-2: rounded once.
SELECT = """
SELECT platform, id AS post_id, created_at AS published_at, author.id AS account_id,
       author.username AS username, author.followers AS followers, author.verified AS verified,
       content.caption AS caption, content.permalink AS permalink, content.type AS media_type,
       content.lang AS language, content.hashtags AS hashtags, metrics.likes AS likes,
       metrics.comments AS comments, metrics.shares AS shares, metrics.views AS views,
       metrics.saves AS saves,
       toFloat64(replaceOne(metrics.engagement_rate, '%', 'e-2')) AS engagement_rate,
       location.name AS location_name, location.lat AS location_lat, location.lng AS location_lng
FROM file('{files}', JSONEachRow, '{structure}')
"""


def main():
    out, threads, files, options = words(sys.argv)
    settings = {**SETTINGS, "max_threads": threads, **options}
    told = ", ".join(f"{k} = {v if str(v).isdigit() else repr(v)}" for k, v in settings.items())
    folder, names = pathlib.Path(files[0]).parent, [pathlib.Path(f).name for f in files]
    select = SELECT.format(files=f"{folder}/{{{','.join(names)}}}" if names[1:] else files[0],
                           structure=STRUCTURE.replace("'", "\\'"))
    # A partition's name is one word for ClickHouse: no folders in it.
    chdb.query(f"INSERT INTO FUNCTION file('{out}/{{_partition_id}}.parquet', Parquet) "
               f"PARTITION BY concat(platform, '.', toString(toDate(published_at))) {select} "
               f"SETTINGS {told}")


main()

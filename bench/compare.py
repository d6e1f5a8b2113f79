# SPDX-License-Identifier: Apache-2.0
"""Whether two folders of Parquet files hold the same rows, DuckDB being the judge of both.

Per declared column: how many values, the least, the greatest, the sum of numbers and of hashes. And
a hash of every whole row, summed: rows may come in any order, from any number of files, and any
value that differs anywhere differs in a sum of 64-bit hashes. Doubles are hashed by the shortest
text that only their bits have.
"""
import duckdb

TEXTS = ["platform", "post_id", "account_id", "username", "caption", "permalink", "media_type",
         "language", "location_name"]
INTS = ["followers", "likes", "comments", "shares", "views", "saves"]
DOUBLES = ["engagement_rate", "location_lat", "location_lng"]
COLUMNS = [*TEXTS, *INTS, *DOUBLES, "published_at", "verified", "hashtags"]


def exact(column):
    """The column as what has the same bits if and only if the value has."""
    if column in DOUBLES:
        return f"{column}::DOUBLE::VARCHAR"
    if column == "published_at":
        return "epoch_us(published_at)"
    if column == "hashtags":  # hash() takes an empty list for NULL
        return "to_json(hashtags::VARCHAR[])::VARCHAR"
    types = {"verified": "BOOLEAN", **dict.fromkeys(INTS, "BIGINT")}
    return f"{column}::{types.get(column, 'VARCHAR')}"


def facts(files):
    """What the rows of these files come to: {name: value}."""
    asked = {"rows": "count(*)",
             "whole rows": f"sum(hash({', '.join(exact(c) for c in COLUMNS)})::HUGEINT)"}
    for column in COLUMNS:
        value = exact(column)
        asked[f"{column}: values"] = f"count({value})"
        asked[f"{column}: hashes"] = f"sum(hash({value})::HUGEINT)"
        asked[f"{column}: least"] = f"min({value})"
        asked[f"{column}: greatest"] = f"max({value})"
        if column in INTS:
            asked[f"{column}: sum"] = f"sum({value})"
    database = duckdb.connect()
    files = [str(f) for f in files]
    # Detection of types in folder names is off: a platform is a text whatever it looks like.
    row = database.execute(f"SELECT {', '.join(asked.values())} FROM read_parquet(?, "
                           "hive_partitioning = true, hive_types_autocast = false)",
                           [files]).fetchone()
    return dict(zip(asked, row))


def differences(ours, theirs):
    """Lines that say where two facts() differ; none if the rows are the same."""
    return [f"{name}: {ours[name]} here, {theirs[name]} there"
            for name in ours if ours[name] != theirs[name]]


READS = {
    "ints": "SELECT sum(likes), sum(comments), sum(shares), sum(views), sum(saves), "
            "sum(followers), max(epoch_us(published_at)) FROM read_parquet(?)",
    "texts": "SELECT count(DISTINCT username), sum(length(caption)), max(permalink), "
             "max(post_id), min(account_id) FROM read_parquet(?)",
}

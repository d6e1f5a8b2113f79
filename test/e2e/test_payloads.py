# SPDX-License-Identifier: Apache-2.0
"""Real payloads, mapped by hand-written mapping files: what people who never heard of plumb wrote
down as the right values must be what PyIceberg reads.
"""
import datetime
import json

from lake import data, figures, project, read

POSTS = """
    table: posts
    key: [post_id]
    columns:
      post_id:  string!
      likes:    long
      comments: long
      text:     string
      created:  timestamp
      type:     string
      url:      string
    """


def dig(record, path):
    """The value at "a.b", None where there is none."""
    for key in path.split("."):
        record = record.get(key) if isinstance(record, dict) else None
    return record


def same(value):
    return value


def iso(text):
    return datetime.datetime.strptime(text, "%Y-%m-%dT%H:%M:%S%z")


def epoch(text):
    return datetime.datetime.fromtimestamp(int(text), datetime.timezone.utc)


# Per generation of the interface: file, and per column the rule, the paths and how to read a value.
# len($.comments), which the oldest generations would need, cannot be mapped: their number of
# comments stays NULL, and the comments themselves stay in _rest.
BETA = {"post_id": ("id", ["id"], str), "likes": ("like_count", ["like_count"], same),
        "text": ("caption.message | caption.text", ["caption.message", "caption.text"], same),
        "created": ("created_time parse(iso)", ["created_time"], iso),
        "type": ("type", ["type"], str), "url": ("link", ["link"], same)}
GENERATIONS = {
    "beta": ("gen0_private_beta_2011-02-02", BETA),
    "beta_again": ("gen0_private_beta_2011-02-22", BETA),
    "beta_texts": ("gen0b_string_ids_2011", BETA),
    "legacy": ("gen1_legacy_api_2011-2017", {
        "post_id": ("id", ["id"], same), "likes": ("likes.count", ["likes.count"], same),
        "comments": ("comments.count", ["comments.count"], same),
        "text": ("caption.text", ["caption.text"], same),
        "created": ("created_time parse(epoch)", ["created_time"], epoch),
        "type": ("type", ["type"], same), "url": ("link", ["link"], same)}),
    "graph": ("gen2_graph_api_2018-2024", {
        "post_id": ("id", ["id"], same), "likes": ("like_count", ["like_count"], same),
        "comments": ("comments_count", ["comments_count"], same),
        "text": ("caption", ["caption"], same),
        "created": ("timestamp parse(iso)", ["timestamp"], iso),
        "type": ("media_type", ["media_type"], same), "url": ("permalink", ["permalink"], same)}),
}
COLUMNS = ("post_id", "likes", "comments", "text", "created", "type", "url")


def expected(record, rules):
    row = dict.fromkeys(COLUMNS)
    for column, (_, paths, convert) in rules.items():
        values = [v for v in (dig(record, path) for path in paths) if v is not None]
        row[column] = convert(values[0]) if values else None
    return row


def test_three_generations_of_instagram_become_one_table(plumb):
    folder = data("social", "instagram-generations")
    project(plumb, {"posts": POSTS}, {
        source: f"source: {source}\ninto: posts\nmap:\n"
                + "".join(f"  {column}: {rule}\n" for column, (rule, _, _) in rules.items())
        for source, (_, rules) in GENERATIONS.items()})
    landed = {}
    for source, (file, _) in GENERATIONS.items():
        plumb("ingest", source, folder / f"{file}.jsonl")
    done = plumb.json("run")
    assert done["records"]["quarantined"] == 0
    for line in plumb.json("ledger"):
        landed[line["source"]] = line["object"]

    rows = {}
    for row in read(plumb, "posts").to_pylist():
        rows.setdefault(row["_object"], {})[row["_record"]] = row
    report = []
    for source, (file, rules) in GENERATIONS.items():
        records = [json.loads(line) for line in (folder / f"{file}.jsonl").open()]
        got = rows.pop(landed[source])
        assert len(got) == len(records)
        for i, record in enumerate(records):
            want = expected(record, rules)
            assert {column: got[i][column] for column in COLUMNS} == want, (source, i)
            assert bool(got[i]["_flags"]) == (source in ("beta", "beta_again"))  # id is a number
        report.append(f"{file}: {len(records)} records, {len(rules)} columns, all equal")
    assert not rows
    figures("Instagram, three generations", *report,
            "comments of the oldest: an array that would have to be counted; cannot be mapped")


# The identifier of a post is written with a prefix in one of the formats; there is no parser that
# takes it off, so the column holds it as the source has it.
FORMATS = {
    "original_format": ("id_str", "user.id_str", "favorite_count", "retweet_count", "{}", "{}"),
    "activity_streams_format": ("id", "actor.id", "favoritesCount", "retweetCount",
                                "tag:search.twitter.com,2005:{}", "id:twitter.com:{}"),
}


def test_the_same_posts_in_two_formats_give_the_same_rows(plumb):
    folder = data("social", "x-two-formats-same-tweets")
    project(plumb, {"posts": """
        table: posts
        columns:
          post_id:   string!
          author_id: string!
          likes:     long!
          shares:    long!
        """}, {source: f"""
        source: {source}
        into: posts
        map:
          post_id:   {post}
          author_id: {author}
          likes:     {likes}
          shares:    {shares}
        """ for source, (post, author, likes, shares, _, _) in FORMATS.items()})
    for source in FORMATS:
        plumb("ingest", source, folder / f"{source}.jsonl")
    plumb("run")
    objects = {line["source"]: line["object"] for line in plumb.json("ledger")}
    want = [json.loads(line) for line in (folder / "expected_canonical.jsonl").open()]
    rows = sorted(read(plumb, "posts").to_pylist(), key=lambda r: r["_record"])
    assert len(rows) == 50
    for source, suffix in ("original_format", ""), ("activity_streams_format", "_as"):
        post, author = FORMATS[source][4:]
        got = [(r["post_id"], r["author_id"], r["likes"], r["shares"]) for r in rows
               if r["_object"] == objects[source]]
        assert got == [(post.format(w["post_id"]), author.format(w["author_id"]),
                        w["likes" + suffix], w["shares" + suffix]) for w in want]
    figures("X, two formats of the same posts", "25 posts, 4 columns, both formats: all equal",
            "identifiers of the second carry a prefix no parser takes off")

# SPDX-License-Identifier: Apache-2.0
"""The made-up posts: what tests, demo and benchmark take for granted about them."""
import json

import pytest

POSTS = {
    "tiktok": (lambda d: d["data"]["list"], "item_id"),
    "instagram": (lambda d: d["data"], "id"),
    "youtube": (lambda d: d["items"], "id"),
    "x": (lambda d: [d], "id"),
    "linkedin": (lambda d: d, "activity"),
}
LIKES = {
    "tiktok": lambda p: p["digg_count"],
    "instagram": lambda p: p["like_count"],
    "youtube": lambda p: int(p["statistics"].get("likeCount", 0)),
    "x": lambda p: p["favorite_count"],
    "linkedin": lambda p: p["totalShareStatistics"]["likeCount"],
}


def read(platform, data):
    documents = [json.loads(data)] if platform == "linkedin" else map(json.loads, data.splitlines())
    return [post for document in documents for post in POSTS[platform][0](document)]


@pytest.mark.parametrize("platform", POSTS)
@pytest.mark.parametrize("variant", "text random shuffle sparse escaped spaced".split())
def test_every_variant_is_json_with_as_many_posts_as_asked(samples, platform, variant):
    data = samples(platform=platform, posts=700, days=3, variant=variant)
    assert len(read(platform, data)) == 700


@pytest.mark.parametrize("platform", POSTS)
def test_same_options_same_bytes_and_another_seed_other_bytes(samples, platform):
    assert samples(platform=platform, seed=5) == samples(platform=platform, seed=5)
    assert samples(platform=platform, seed=5) != samples(platform=platform, seed=6)


@pytest.mark.parametrize("platform", POSTS)
def test_polls_of_two_days_agree_about_a_post_both_saw(samples, platform):
    key = POSTS[platform][1]
    first = {p[key]: p for p in read(platform, samples(platform=platform, start="2026-11-01"))}
    later = {p[key]: p for p in read(platform, samples(platform=platform, start="2026-11-02"))}
    both = first.keys() & later.keys()
    assert len(first) == len(later) == 1000 and 300 < len(both) < 600
    assert all(LIKES[platform](first[k]) <= LIKES[platform](later[k]) for k in both
               if "likeCount" in str(first[k]) or platform != "youtube")


@pytest.mark.parametrize("variant", ["shuffle", "escaped", "spaced"])
def test_a_style_changes_bytes_and_no_value(samples, variant):
    for platform in POSTS:
        plain, styled = samples(platform=platform), samples(platform=platform, variant=variant)
        assert plain != styled
        assert read(platform, plain) == read(platform, styled)


def test_the_upgraded_interface_says_the_same_in_other_words(samples):
    old = read("tiktok", samples(platform="tiktok"))
    new = read("tiktok", samples(platform="tiktok", release="v2"))
    for before, after in zip(old, new):
        assert after["like_count"] == before["digg_count"] and "digg_count" not in after
        if "engagement_rate" in before:
            assert isinstance(after["engagement_rate"], float)
            percent = float(before["engagement_rate"].rstrip("%"))
            assert abs(after["engagement_rate"] - percent / 100) < 1e-4
    assert isinstance(read("x", samples(platform="x"))[0]["id"], int)
    assert isinstance(read("x", samples(platform="x", release="v2"))[0]["id"], str)


def test_ids_of_x_are_too_large_for_a_double(samples):
    ids = [p["id"] for p in read("x", samples(platform="x"))]
    assert min(ids) > 2**53 and any(int(float(i)) != i for i in ids)

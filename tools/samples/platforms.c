// SPDX-License-Identifier: Apache-2.0
#include "platforms.h"

#include <inttypes.h>
#include <string.h>

typedef enum time_style { ISO_Z, ISO_Z_MS, ISO_OFFSET } time_style;

// Key of an optional member: false if this post does without it.
static bool maybe(out *o, const dialect *d, post *p, const char *key)
{
    if (rng_chance(&p->more, d->absent)) return false;
    out_key(o, key);
    return true;
}

static void two(char *to, int64_t value)
{
    to[0] = (char)('0' + value / 10);
    to[1] = (char)('0' + value % 10);
}

// 2026-11-22T05:04:03, from days by the era of 400 years they fall in.
static void out_time(out *o, int64_t ms, time_style style)
{
    char text[40] = "0000-00-00T00:00:00";
    int64_t seconds = ms / 1000, days = seconds / DAY_SECONDS + 719468;
    int64_t era = days / 146097, doe = days % 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100), mp = (5 * doy + 2) / 153;
    int64_t month = mp < 10 ? mp + 3 : mp - 9, year = era * 400 + yoe + (month <= 2);

    two(text, year / 100);
    two(text + 2, year % 100);
    two(text + 5, month);
    two(text + 8, doy - (153 * mp + 2) / 5 + 1);
    two(text + 11, seconds / 3600 % 24);
    two(text + 14, seconds / 60 % 60);
    two(text + 17, seconds % 60);
    if (style == ISO_Z_MS) {
        memcpy(text + 19, ".000Z", 6);
        text[20] = (char)('0' + ms / 100 % 10);
        two(text + 21, ms % 100);
    } else {
        memcpy(text + 19, style == ISO_Z ? "Z" : "+0000", style == ISO_Z ? 2 : 6);
    }
    out_text(o, text);
}

static void out_digits(out *o, int64_t value)
{
    char text[24];
    snprintf(text, sizeof text, "%" PRId64, value);
    out_text(o, text);
}

static void out_upgrade(out *o, const dialect *d)
{
    if (d->release < 2) return;
    out_key(o, "is_ai_generated");
    out_bool(o, false);
}

// --- tiktok

static void tiktok_open(out *o, uint32_t page)
{
    out_object(o);
    out_key(o, "code");
    out_int(o, 0);
    out_key(o, "message");
    out_text(o, "OK");
    out_key(o, "request_id");
    char text[TEXT_MAX];
    text_noise(&(rng){page + 1}, 20, text);
    out_text(o, text);
    out_key(o, "data");
    out_object(o);
    out_key(o, "list");
    out_array(o);
}

static void tiktok_author(out *o, const dialect *d, post *p)
{
    out_key(o, "author");
    out_object(o);
    out_key(o, "unique_id");
    out_text(o, p->by.handle);
    if (maybe(o, d, p, "nickname")) out_text(o, p->by.name);
    out_key(o, "follower_count");
    out_int(o, p->by.followers);
    out_end(o);
}

static void tiktok_post(out *o, const dialect *d, post *p)
{
    out_object(o);
    out_key(o, "item_id");
    out_digits(o, (int64_t)p->id);
    out_key(o, "create_time");
    out_int(o, p->published_ms / 1000);
    out_key(o, "desc");
    out_text(o, p->caption);
    tiktok_author(o, d, p);
    out_key(o, d->release < 2 ? "digg_count" : "like_count");
    out_int(o, p->likes);
    out_key(o, "comment_count");
    out_int(o, p->comments);
    out_key(o, "share_count");
    out_int(o, p->shares);
    out_key(o, "play_count");
    out_int(o, p->views);
    if (maybe(o, d, p, "engagement_rate")) {
        char text[24];
        int64_t cents = p->engagement_ppm / 100; // of a percent
        snprintf(text, sizeof text, "%" PRId64 ".%02" PRId64 "%%", cents / 100, cents % 100);
        if (d->release < 2)
            out_text(o, text);
        else
            out_fixed(o, p->engagement_ppm, 6);
    }
    out_key(o, "text_extra");
    out_array(o);
    for (uint32_t i = 0; i < p->hashtag_count; i++) {
        out_object(o);
        out_key(o, "hashtag_name");
        out_text(o, p->hashtags[i]);
        out_end(o);
    }
    out_end(o);
    if (maybe(o, d, p, "music")) {
        out_object(o);
        out_key(o, "title");
        out_text(o, p->song);
        out_key(o, "duration");
        out_int(o, p->duration_seconds);
        out_end(o);
    }
    out_key(o, "is_ad");
    out_bool(o, p->sponsored);
    out_upgrade(o, d);
    out_end(o);
}

static void tiktok_close(out *o, uint32_t page, bool more)
{
    out_end(o);
    out_key(o, "cursor");
    out_int(o, page);
    out_key(o, "has_more");
    out_bool(o, more);
    out_end(o);
    out_end(o);
}

// --- instagram

static void instagram_open(out *o, uint32_t page)
{
    (void)page;
    out_object(o);
    out_key(o, "data");
    out_array(o);
}

static void instagram_insight(out *o, const char *name, int64_t value)
{
    out_object(o);
    out_key(o, "name");
    out_text(o, name);
    out_key(o, "period");
    out_text(o, "lifetime");
    out_key(o, "values");
    out_array(o);
    out_object(o);
    out_key(o, "value");
    out_int(o, value);
    out_end(o);
    out_end(o);
    out_end(o);
}

static void instagram_post(out *o, const dialect *d, post *p)
{
    static const char *const kinds[] = {"IMAGE", "VIDEO", "CAROUSEL_ALBUM"};
    char text[40];

    out_object(o);
    out_key(o, "id");
    snprintf(text, sizeof text, "17%015" PRIu64, p->id % 1000000000000000u);
    out_text(o, text);
    if (maybe(o, d, p, "caption")) out_text(o, p->caption);
    out_key(o, "media_type");
    out_text(o, kinds[rng_zipf(&p->more, 3) - 1]);
    out_key(o, "timestamp");
    out_time(o, p->published_ms, ISO_OFFSET);
    out_key(o, "like_count");
    out_int(o, p->likes);
    out_key(o, d->release < 2 ? "comments_count" : "comment_count");
    out_int(o, p->comments);
    out_key(o, "owner");
    out_object(o);
    out_key(o, "id");
    out_digits(o, (int64_t)p->by.id);
    out_key(o, "username");
    out_text(o, p->by.handle);
    out_key(o, "followers_count");
    out_int(o, p->by.followers);
    out_end(o);
    if (maybe(o, d, p, "tags")) {
        out_array(o);
        for (uint32_t i = 0; i < p->hashtag_count; i++) out_text(o, p->hashtags[i]);
        out_end(o);
    }
    if (maybe(o, d, p, "insights")) {
        out_object(o);
        out_key(o, "data");
        out_array(o);
        instagram_insight(o, "reach", p->views * 4 / 5);
        instagram_insight(o, d->release < 2 ? "impressions" : "views", p->views);
        instagram_insight(o, "shares", p->shares);
        instagram_insight(o, "saved", p->saves);
        out_end(o);
        out_end(o);
    }
    out_upgrade(o, d);
    out_end(o);
}

static void instagram_close(out *o, uint32_t page, bool more)
{
    char text[TEXT_MAX];
    out_end(o);
    out_key(o, "paging");
    out_object(o);
    out_key(o, "cursors");
    out_object(o);
    out_key(o, "after");
    text_noise(&(rng){page + 7}, 32, text);
    out_text(o, text);
    out_end(o);
    if (more) {
        out_key(o, "next");
        out_text(o, "https://graph.example/v19.0/media?after=QVFI&limit=25");
    }
    out_end(o);
    out_end(o);
}

// --- youtube

static void youtube_open(out *o, uint32_t page)
{
    char text[TEXT_MAX];
    out_object(o);
    out_key(o, "kind");
    out_text(o, "youtube#videoListResponse");
    out_key(o, "etag");
    text_noise(&(rng){page + 3}, 27, text);
    out_text(o, text);
    out_key(o, "items");
    out_array(o);
}

static void youtube_statistic(out *o, const dialect *d, const char *name, int64_t value)
{
    out_key(o, name);
    if (d->release < 2)
        out_digits(o, value);
    else
        out_int(o, value);
}

static void youtube_snippet(out *o, const dialect *d, post *p)
{
    char text[TEXT_MAX];
    out_key(o, "snippet");
    out_object(o);
    out_key(o, d->release < 2 ? "publishedAt" : "publishTime");
    out_time(o, p->published_ms, ISO_Z);
    out_key(o, "channelId");
    snprintf(text, 30, "UC%022" PRIu64, p->by.id);
    out_text(o, text);
    out_key(o, "channelTitle");
    out_text(o, p->by.name);
    out_key(o, "title");
    text_caption(&p->more, p->language, 1, text);
    out_text(o, text);
    out_key(o, "description");
    out_text(o, p->caption);
    if (p->hashtag_count > 0 && maybe(o, d, p, "tags")) {
        out_array(o);
        for (uint32_t i = 0; i < p->hashtag_count; i++) out_text(o, p->hashtags[i]);
        out_end(o);
    }
    out_key(o, "categoryId");
    out_digits(o, 1 + rng_below(&p->more, 44));
    if (maybe(o, d, p, "defaultAudioLanguage")) out_text(o, p->language);
    out_end(o);
}

static void youtube_post(out *o, const dialect *d, post *p)
{
    static const char symbols[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    char id[12] = "", text[24];
    for (int i = 0; i < 11; i++) id[i] = symbols[p->id >> (6 * (10 - i)) & 63];

    out_object(o);
    out_key(o, "kind");
    out_text(o, "youtube#video");
    out_key(o, "id");
    out_text(o, id);
    youtube_snippet(o, d, p);
    out_key(o, "contentDetails");
    out_object(o);
    out_key(o, "duration");
    snprintf(text, sizeof text, "PT%dM%dS", p->duration_seconds / 60, p->duration_seconds % 60);
    out_text(o, text);
    out_key(o, "caption");
    out_text(o, rng_chance(&p->more, 0.3) ? "true" : "false");
    out_end(o);
    out_key(o, "statistics");
    out_object(o);
    youtube_statistic(o, d, "viewCount", p->views);
    if (!rng_chance(&p->more, d->absent)) youtube_statistic(o, d, "likeCount", p->likes);
    youtube_statistic(o, d, "favoriteCount", 0);
    if (!rng_chance(&p->more, d->absent)) youtube_statistic(o, d, "commentCount", p->comments);
    out_end(o);
    out_upgrade(o, d);
    out_end(o);
}

static void youtube_close(out *o, uint32_t page, bool more)
{
    char text[TEXT_MAX];
    out_end(o);
    if (more) {
        out_key(o, "nextPageToken");
        text_noise(&(rng){page + 11}, 6, text);
        out_text(o, text);
    }
    out_key(o, "pageInfo");
    out_object(o);
    out_key(o, "totalResults");
    out_int(o, 1000000);
    out_key(o, "resultsPerPage");
    out_int(o, 50);
    out_end(o);
    out_end(o);
}

// --- x

static void x_post(out *o, const dialect *d, post *p)
{
    out_object(o);
    out_key(o, "id");
    if (d->release < 2)
        out_int(o, (int64_t)p->id);
    else
        out_digits(o, (int64_t)p->id);
    out_key(o, "created_at");
    out_time(o, p->published_ms, ISO_Z_MS);
    out_key(o, "text");
    out_text(o, p->caption);
    out_key(o, "lang");
    out_text(o, p->language);
    out_key(o, "user_id");
    out_int(o, (int64_t)p->by.id);
    out_key(o, "screen_name");
    out_text(o, p->by.handle);
    out_key(o, "followers_count");
    out_int(o, p->by.followers);
    out_key(o, d->release < 2 ? "favorite_count" : "like_count");
    out_int(o, p->likes);
    out_key(o, "retweet_count");
    out_int(o, p->shares);
    out_key(o, "reply_count");
    out_int(o, p->comments);
    if (maybe(o, d, p, "view_count")) out_int(o, p->views);
    if (maybe(o, d, p, "bookmark_count")) out_int(o, p->saves);
    out_key(o, "in_reply_to");
    if (rng_chance(&p->more, 0.15))
        out_int(o, (int64_t)p->id - (int64_t)rng_below(&p->more, 1u << 31));
    else
        out_null(o);
    out_key(o, "hashtags");
    out_array(o);
    for (uint32_t i = 0; i < p->hashtag_count; i++) out_text(o, p->hashtags[i]);
    out_end(o);
    if (maybe(o, d, p, "possibly_sensitive")) out_bool(o, false);
    out_upgrade(o, d);
    out_end(o);
}

// --- linkedin

static void linkedin_open(out *o, uint32_t page)
{
    (void)page;
    out_array(o);
}

static void linkedin_post(out *o, const dialect *d, post *p)
{
    char text[64];
    out_object(o);
    out_key(o, "activity");
    snprintf(text, sizeof text, "urn:li:activity:%" PRIu64, p->id);
    out_text(o, text);
    out_key(o, "author");
    snprintf(text, sizeof text, "urn:li:organization:%" PRIu64, p->by.id);
    out_text(o, text);
    out_key(o, "authorName");
    out_text(o, p->by.name);
    out_key(o, "publishedAt");
    if (d->release < 2)
        out_int(o, p->published_ms);
    else
        out_time(o, p->published_ms, ISO_Z_MS);
    if (maybe(o, d, p, "commentary")) out_text(o, p->caption);
    out_key(o, d->release < 2 ? "totalShareStatistics" : "statistics");
    out_object(o);
    out_key(o, "impressionCount");
    out_int(o, p->views);
    out_key(o, "clickCount");
    out_int(o, p->saves * 3);
    out_key(o, "likeCount");
    out_int(o, p->likes);
    out_key(o, "commentCount");
    out_int(o, p->comments);
    out_key(o, "shareCount");
    out_int(o, p->shares);
    if (maybe(o, d, p, "engagement")) out_fixed(o, p->engagement_ppm, 6);
    out_end(o);
    out_key(o, "organizationFollowers");
    out_int(o, p->by.followers);
    if (maybe(o, d, p, "media")) {
        out_object(o);
        out_key(o, "type");
        out_text(o, p->duration_seconds > 60 ? "video" : "image");
        out_key(o, "altText");
        out_null(o);
        out_end(o);
    }
    out_upgrade(o, d);
    out_end(o);
}

static void linkedin_close(out *o, uint32_t page, bool more)
{
    (void)page;
    (void)more;
    out_end(o);
}

const platform platforms[] = {
    {"tiktok", tiktok_open, tiktok_post, tiktok_close, false},
    {"instagram", instagram_open, instagram_post, instagram_close, false},
    {"youtube", youtube_open, youtube_post, youtube_close, false},
    {"x", NULL, x_post, NULL, false},
    {"linkedin", linkedin_open, linkedin_post, linkedin_close, true},
};
const uint32_t platform_count = sizeof platforms / sizeof *platforms;

// SPDX-License-Identifier: Apache-2.0
#include "world.h"

// How many of a poll are of its own day and of the days before, in percent.
static const uint32_t share_of_age[] = {55, 25, 13, 7};

// Weight of each hour of the day, UTC, in percent.
static const uint8_t hour_weight[24] = {2, 1, 1, 1, 1, 1, 2, 4, 5, 5, 4, 4,
                                        6, 6, 5, 4, 4, 5, 7, 8, 9, 7, 5, 3};

static int64_t second_of_day(rng *r)
{
    uint32_t left = rng_below(r, 100), hour = 0;
    while (hour < 23 && left >= hour_weight[hour]) left -= hour_weight[hour++];
    return (int64_t)hour * 3600 + rng_below(r, 3600);
}

static void make_account(const world *w, uint32_t rank, account *by)
{
    rng r = rng_for(w->seed, w->platform + 100, rank, 0);
    by->rank = rank;
    by->id = 1000000000u + rng_next(&r) % 8000000000u;
    by->followers = (int64_t)rng_lognormal(&r, 4e6 / pow(rank, 0.9) + 200, 0.6);
    text_account(&r, by->handle);
    text_full_name(&r, by->name);
}

static void make_counters(rng *r, double age_hours, post *p)
{
    double followers = (double)p->by.followers;
    double grown = 1 - exp(-age_hours / 20);
    double likes = rng_lognormal(r, followers * 0.02 + 3, 1.1);
    double comments = likes * rng_lognormal(r, 0.02, 0.8);
    double shares = likes * rng_lognormal(r, 0.01, 1.0);
    double views = likes * rng_lognormal(r, 22, 0.5) + 1;

    p->likes = (int64_t)(likes * grown);
    p->comments = (int64_t)(comments * grown);
    p->shares = (int64_t)(shares * grown);
    p->saves = (int64_t)(shares * grown * 0.7);
    p->views = (int64_t)(views * grown) + p->likes;
    p->engagement_ppm =
        (int64_t)(1e6 * (double)(p->likes + p->comments + p->shares) / (double)p->views);
}

// Up to five, each once.
static void make_hashtags(rng *r, post *p)
{
    p->hashtag_count = 0;
    for (uint32_t drawn = rng_below(r, 6); drawn > 0; drawn--) {
        const char *hashtag = text_hashtag(r);
        bool fresh = true;
        for (uint32_t i = 0; i < p->hashtag_count; i++) fresh &= p->hashtags[i] != hashtag;
        if (fresh) p->hashtags[p->hashtag_count++] = hashtag;
    }
}

void world_observe(const world *w, int64_t day, uint32_t index, uint32_t count, post *p)
{
    uint32_t number = index, age = 0;
    for (; age < 3; age++) {
        uint32_t of_age = (uint32_t)((uint64_t)count * share_of_age[age] / 100);
        if (number < of_age) break;
        number -= of_age;
    }

    int64_t born = day - age;
    rng r = rng_for(w->seed, w->platform, (uint64_t)born, number);
    p->published_ms = (born * DAY_SECONDS + second_of_day(&r)) * 1000 + rng_below(&r, 1000);
    p->observed_ms = ((day + 1) * DAY_SECONDS - 1) * 1000;
    // Milliseconds since 2014 above 22 bits that tell posts of one millisecond apart.
    p->id = (uint64_t)(p->published_ms - 1388534400000) << 22 | (number & 0x3fffff);
    make_account(w, rng_zipf(&r, w->accounts), &p->by);
    make_counters(&r, (double)(p->observed_ms - p->published_ms) / 3.6e6, p);

    p->language = text_language(&r);
    p->sponsored = rng_chance(&r, 0.04);
    p->duration_seconds = (int32_t)rng_lognormal(&r, 38, 0.9) + 3;
    if (w->noise)
        text_noise(&r, 40 + rng_below(&r, 200), p->caption);
    else
        text_caption(&r, p->language, 1 + (int)rng_below(&r, 4), p->caption);
    text_song(&r, p->song);
    make_hashtags(&r, p);
    p->more = r;
}

// world.h -- what happened, before any platform puts it into words.
//
// A post is named by (seed, platform, day, number); everything about it follows from that name, so
// the poll of one day and the poll of the next agree about a post they both saw, however many days
// each call of the program covers. A poll of day t returns that day's posts, and fewer and fewer
// of the three days before, with counters that have grown since.
//
//   likes      log-normal around the account's followers, times 1 - exp(-age / 20 h)
//   accounts   by Zipf: rank 1 posts as often as ranks 10 to 27 together
//   time       few posts at night, most in the evening
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_SAMPLES_WORLD_H
#define PL_SAMPLES_WORLD_H

#include "text.h"

#define DAY_SECONDS 86400

typedef struct account {
    uint32_t rank; // 1 = the most frequent
    uint64_t id;
    int64_t followers;
    char handle[TEXT_MAX], name[TEXT_MAX];
} account;

typedef struct post {
    uint64_t id;          // more than 2^53, grows with time
    int64_t published_ms; // since 1970, UTC
    int64_t observed_ms;  // end of the day of the poll
    account by;
    const char *language;
    char caption[TEXT_MAX];
    const char *hashtags[6];
    uint32_t hashtag_count;
    int64_t likes, comments, shares, views, saves;
    int64_t engagement_ppm;   // (likes + comments + shares) per million followers
    int32_t duration_seconds; // of the video
    char song[TEXT_MAX];
    bool sponsored;
    rng more; // for what only one platform knows
} post;

typedef struct world {
    uint64_t seed;
    uint32_t platform;
    uint32_t accounts;
    bool noise; // captions without any pattern
} world;

// Observation `index` of `count` in the poll of `day` (days since 1970).
void world_observe(const world *w, int64_t day, uint32_t index, uint32_t count, post *ret_post);

#endif

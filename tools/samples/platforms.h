// platforms.h -- how five platforms would say what happened.
//
//   platform   a file is                       time            numbers            post id
//   tiktok     documents: data.list[]          epoch seconds   long, "4.7%"       text, 19 digits
//   instagram  documents: data[], insights     ISO +0000       name/value pairs   text, 17 digits
//   youtube    documents: items[]              ISO Z           digits in text     11 letters
//   x          one flat object a line          ISO Z, ms       long               long over 2^53
//   linkedin   one array                       epoch ms        long, fraction     urn
//
// The names and the nesting resemble the public interfaces; the content is made up. Release v2 is
// the same platform after an upgrade of its interface that nobody announced:
//
//   tiktok     digg_count is now like_count; engagement_rate 0.047 instead of "4.7%"
//   instagram  comments_count is now comment_count; the insight "impressions" is now "views"
//   youtube    statistics are numbers, no longer text; publishedAt is now publishTime
//   x          favorite_count is now like_count; id is text
//   linkedin   totalShareStatistics is now statistics; publishedAt is ISO text
//   all        a new member of no use to anyone: is_ai_generated
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_SAMPLES_PLATFORMS_H
#define PL_SAMPLES_PLATFORMS_H

#include "out.h"
#include "world.h"

typedef struct dialect {
    int release;   // 1 or 2
    double absent; // odds that an optional member is missing
} dialect;

typedef struct platform {
    const char *name;
    // Around the posts of one page, and between pages. NULL: nothing.
    void (*open)(out *o, uint32_t page);
    void (*post)(out *o, const dialect *d, post *p);
    void (*close)(out *o, uint32_t page, bool more);
    bool one_page; // the whole file
} platform;

extern const platform platforms[];
extern const uint32_t platform_count;

#endif

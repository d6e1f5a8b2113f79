// text.h -- captions, names and hashtags that look like what people post. Every word is ours.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_SAMPLES_TEXT_H
#define PL_SAMPLES_TEXT_H

#include <stddef.h>

#include "random.h"

#define TEXT_MAX 1024 // bytes of any text made here, with its NUL

// The languages captions are written in; "en" is by far the most frequent.
const char *text_language(rng *r);

// A caption of `sentences` sentences in `language`, emoji here and there.
void text_caption(rng *r, const char *language, int sentences, char to[TEXT_MAX]);

// As many bytes of letters and digits without any pattern: what compresses badly.
void text_noise(rng *r, size_t bytes, char to[TEXT_MAX]);

const char *text_hashtag(rng *r);               // without '#'
void text_account(rng *r, char to[TEXT_MAX]);   // a handle: quiet_harbor42
void text_full_name(rng *r, char to[TEXT_MAX]); // what the handle's owner calls itself
void text_song(rng *r, char to[TEXT_MAX]);

#endif

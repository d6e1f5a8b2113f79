// survey_int.h -- walk over one document in pieces, in memory that does not grow with it.
//
// The framer keeps documents in its window as long as they are small. Of a large one it asks twice:
// the survey finds where the document ends, whether it is valid and which array is meant, and the
// second pass frames that array's items. The grammar and the reasons are those of pl_json_skip.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_JSON_SURVEY_INT_H
#define PL_JSON_SURVEY_INT_H

#include "json/framer.h"

#define PL_SURVEY_NOWHERE UINT64_MAX

// pl_json_skip of the value that begins `text`, when more may follow the text unless `all` is
// there.
typedef enum pl_survey_skipped {
    PL_SURVEY_DONE,  // *ret_end is set, or SIZE_MAX and the error
    PL_SURVEY_LARGE, // it does not end or break within `limit` bytes
    PL_SURVEY_MORE,  // only more text can tell
} pl_survey_skipped;

pl_survey_skipped pl_survey__skip(pl_span text, int depth, bool all, size_t limit, size_t *ret_end,
                                  pl_json_error *ret_error);

typedef enum pl_survey_expect {
    PL_SURVEY_VALUE,
    PL_SURVEY_FIRST_ITEM, // or ]
    PL_SURVEY_FIRST_KEY,  // or }
    PL_SURVEY_KEY,
    PL_SURVEY_COLON,
    PL_SURVEY_COMMA, // or the end of the container
    PL_SURVEY_TAIL,  // white space to the end
} pl_survey_expect;

typedef struct pl_survey {
    const pl_framer_options *options; // its keys, and what to keep of the objects on their way
    bool with_tail;                   // the document reaches to the end of what is fed
    uint64_t at;                      // content offset of the next byte to feed
    pl_survey_expect expect;
    uint32_t depth; // of the document's own value
    char closers[PL_DEPTH_MAX];
    uint32_t open;
    uint32_t chain;  // open containers that lie on the path of the keys
    bool hit;        // the value that comes next lies on it
    uint32_t keep;   // bytes are copied while more containers than this are open; 0: not
    bool keep_value; // the value that comes next is copied
    bool comma;      // the object being kept has a member already
    pl_buf key;
    // Results, once done.
    bool begun, done;
    const char *reason; // not JSON; NULL: valid
    uint64_t error_at;
    uint64_t array; // content offset of the array's bracket; the first one in broken text
    uint64_t first_array;
    pl_buf kept; // the objects on the way as JSON, with the members wanted; the array is empty
} pl_survey;

// `at` is the content offset of the document's first byte, `depth` how deep it already is.
void pl_survey__begin(pl_survey *survey, const pl_framer_options *options, bool with_tail,
                      uint32_t depth, uint64_t at);
void pl_survey__done(pl_survey *survey);

// Feed what follows at survey->at; `ended`: nothing follows it. Returns the bytes used up: the rest
// is to be fed again with more behind it.
size_t pl_survey__feed(pl_survey *survey, pl_span text, bool ended);

#endif

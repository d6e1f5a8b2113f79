// time_text.h -- ISO 8601 text of every date and time the engine has, its infinities included.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef PL_SQLWORKER_TIME_TEXT_H
#define PL_SQLWORKER_TIME_TEXT_H

#include "base/buf.h"

void pl_time_text_date(int32_t days, pl_buf *out);
// `ticks` since 1970, 10^digits of them per second; `zulu` adds Z.
void pl_time_text_instant(int64_t ticks, int digits, bool zulu, pl_buf *out);
void pl_time_text_day(int64_t micros, pl_buf *out); // 03:04:05.5
// Microseconds in the upper 40 bits; below, the offset's distance from +15:59:59 in seconds.
void pl_time_text_day_tz(uint64_t bits, pl_buf *out);
void pl_time_text_interval(int32_t months, int32_t days, int64_t micros, pl_buf *out);

#endif

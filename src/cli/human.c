// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>

#include "base/time.h"
#include "cli/cli.h"
#include "json/text.h"

const char *pl_human_bytes(pl_human out, int64_t bytes)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    double value = (double)bytes;
    size_t unit = 0;
    while (value >= 1024 && unit + 1 < PL_COUNT(units)) value /= 1024, unit++;
    snprintf(out, sizeof(pl_human), unit && value < 100 ? "%.1f %s" : "%.0f %s", value,
             units[unit]);
    return out;
}

const char *pl_human_count(pl_human out, int64_t count)
{
    char digits[24];
    int n = snprintf(digits, sizeof digits, "%lld", (long long)count);
    int at = 0;
    for (int i = 0; i < n; i++) {
        if (i && digits[i - 1] != '-' && (n - i) % 3 == 0) out[at++] = ',';
        out[at++] = digits[i];
    }
    out[at] = '\0';
    return out;
}

const char *pl_human_duration(pl_human out, int64_t micros)
{
    int64_t ms = micros / 1000, s = ms / 1000;
    if (ms < 1000)
        snprintf(out, sizeof(pl_human), "%lld ms", (long long)ms);
    else if (s < 60)
        snprintf(out, sizeof(pl_human), "%.1f s", (double)ms / 1000);
    else if (s < 3600)
        snprintf(out, sizeof(pl_human), "%lld min %lld s", (long long)(s / 60),
                 (long long)(s % 60));
    else
        snprintf(out, sizeof(pl_human), "%lld h %lld min", (long long)(s / 3600),
                 (long long)(s / 60 % 60));
    return out;
}

const char *pl_human_ago(pl_human out, int64_t now, int64_t then)
{
    static const struct {
        int64_t seconds;
        const char *name;
    } units[] = {{86400, "day"}, {3600, "hour"}, {60, "minute"}, {1, "second"}};
    int64_t seconds = pl_floor_div(now - then, PL_MICROS_PER_SECOND);
    if (then == 0) return memcpy(out, "never", sizeof "never");
    if (seconds < 0) return pl_human_time(out, then);
    if (seconds == 0) return memcpy(out, "just now", sizeof "just now");
    for (size_t i = 0; i < PL_COUNT(units); i++) {
        int64_t n = seconds / units[i].seconds;
        if (n == 0) continue;
        snprintf(out, sizeof(pl_human), "%lld %s%s ago", (long long)n, units[i].name,
                 n == 1 ? "" : "s");
        break;
    }
    return out;
}

const char *pl_human_time(pl_human out, int64_t micros)
{
    char text[40];
    if (micros == 0) return memcpy(out, "-", 2);
    pl_time_text(pl_floor_div(micros, PL_MICROS_PER_SECOND) * PL_MICROS_PER_SECOND, text);
    text[10] = ' '; // YYYY-MM-DDThh:mm:ssZ
    snprintf(out, sizeof(pl_human), "%s", text);
    return out;
}

const char *pl_plural(int64_t count, const char *one, const char *many)
{
    return count == 1 ? one : many;
}

// Bytes of the UTF-8 character at `at`, 0 if there is none.
static size_t character(pl_span text, size_t at)
{
    for (size_t n = 1; n <= 4 && at + n <= text.bytes; n++)
        if (pl_utf8_check(pl_span_make(text.data + at, n)) == SIZE_MAX) return n;
    return 0;
}

void pl_cli_escape(pl_buf *out, pl_span bytes)
{
    for (size_t at = 0; at < bytes.bytes;) {
        unsigned char c = (unsigned char)bytes.data[at];
        size_t n = character(bytes, at);
        bool c1 = n == 2 && c == 0xc2 && (unsigned char)bytes.data[at + 1] < 0xa0;
        if (c == '\n')
            pl_buf_text(out, "\\n");
        else if (c == '\t')
            pl_buf_text(out, "\\t");
        else if (c < 0x20 || c == 0x7f || n == 0)
            pl_buf_printf(out, "\\x%02x", (unsigned)c);
        else if (c1)
            pl_buf_printf(out, "\\x%02x\\x%02x", (unsigned)c, (unsigned char)bytes.data[at + 1]);
        else
            pl_buf_append(out, bytes.data + at, n);
        at += n ? n : 1;
    }
}

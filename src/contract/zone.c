// zone.c -- the zone of parse(time("format", zone)): an offset, or a name of the zone database.
//
// SPDX-License-Identifier: Apache-2.0
#include "base/limits.h"
#include "contract/mapping_int.h"
#include "os/file.h"

// "+hh:mm", "+hhmm", "+hh".
static bool read_offset(pl_span text, int32_t *ret_seconds)
{
    int digits[4] = {0, 0, 0, 0};
    uint32_t count = 0;
    for (size_t i = 1; i < text.bytes; i++) {
        char c = text.data[i];
        if (c == ':' && i == 3) continue;
        if (c < '0' || c > '9' || count == 4) return false;
        digits[count++] = c - '0';
    }
    int hours = digits[0] * 10 + digits[1], minutes = digits[2] * 10 + digits[3];
    if ((count != 2 && count != 4) || hours > 18 || minutes > 59) return false;
    *ret_seconds = (hours * 60 + minutes) * (text.data[0] == '-' ? -60 : 60);
    return true;
}

// [A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+)*: such a name stays inside the database's folder.
static bool is_zone_name(pl_span name)
{
    char before = '/';
    for (size_t i = 0; i < name.bytes; i++) {
        char c = name.data[i];
        bool inner = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                     c == '_' || c == '+' || c == '-';
        if (!inner && (c != '/' || before == '/')) return false;
        before = c;
    }
    return before != '/' && name.bytes <= PL_NAME_BYTES_MAX;
}

static plumb_status unknown(pl_span name, size_t at, plumb_error *err)
{
    plumb_status st = pl_contract__at(err, at, "unknown time zone '%.*s'", PL_FMT(name));
    pl_hint(err, "Write a name such as Europe/Berlin, UTC, or an offset such as +01:00.");
    return st;
}

static plumb_status read_named(const char *folder, pl_span name, size_t at, pl_arena *arena,
                               pl_zone *ret_zone, plumb_error *err)
{
    pl_file_info info;
    pl_span bytes;
    plumb_error cause;
    if (!is_zone_name(name)) return unknown(name, at, err);
    if (pl_path_info(folder, &info, NULL) != PLUMB_OK || !info.is_directory) {
        plumb_status st = pl_contract__at(err, at,
                                          "cannot read time zone '%.*s': this machine has no time "
                                          "zone database in '%s'",
                                          PL_FMT(name), folder);
        pl_hint(err, "Install the package tzdata, or write an offset such as +01:00.");
        return st;
    }
    const char *path = pl_arena_printf(arena, "%s/%.*s", folder, PL_FMT(name));
    if (pl_path_info(path, &info, NULL) != PLUMB_OK || !info.is_regular)
        return unknown(name, at, err);
    if (pl_path_read(path, PL_ZONE_BYTES_MAX, arena, &bytes, &cause) != PLUMB_OK)
        return pl_contract__at(err, at, "%s", cause.message);
    const char *why = pl_zone_read(pl_arena_cstr(arena, name), bytes, arena, ret_zone);
    if (!why) return PLUMB_OK;
    return pl_contract__at(err, at, "cannot read time zone '%.*s': '%s' %s", PL_FMT(name), path,
                           why);
}

plumb_status pl_contract__zone(const char *folder, pl_span name, size_t at, pl_arena *arena,
                               const pl_zone **ret_zone, plumb_error *err)
{
    pl_zone zone = {0};
    if (name.bytes && (name.data[0] == '+' || name.data[0] == '-')) {
        if (!read_offset(name, &zone.seconds)) {
            plumb_status st =
                pl_contract__at(err, at, "'%.*s' is no offset from UTC", PL_FMT(name));
            pl_hint(err, "Write UTC or an offset such as +01:00.");
            return st;
        }
    } else if (!pl_span_is(name, "UTC") && !pl_span_is(name, "Z")) {
        PL_TRY(read_named(folder, name, at, arena, &zone, err));
    }
    pl_zone *kept = PL_TAKE(arena, pl_zone, 1);
    *kept = zone;
    *ret_zone = kept;
    return PLUMB_OK;
}

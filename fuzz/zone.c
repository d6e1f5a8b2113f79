// Time zones: a file of any bytes or, behind an R, a rule for every year. What is taken gives a
// local time for every instant, and an instant for a local time only if it is the one that shows
// it.
//
// SPDX-License-Identifier: Apache-2.0
#include "base/zone.h"

#include "base/tzif.h"
#include "fuzz.h"

enum { DAY = 86400 };

static void check_instant(const pl_zone *zone, int64_t utc)
{
    int32_t offset = pl_zone_offset(zone, utc);
    int64_t local = utc + offset, again;
    FUZZ_CHECK(offset > -26 * 3600 && offset < 26 * 3600);
    const char *why = pl_zone_utc(zone, local, &again);
    FUZZ_CHECK(why ? why == zone->twice : again == utc);
    // And one that may be skipped.
    if (!pl_zone_utc(zone, utc, &again)) FUZZ_CHECK(again + pl_zone_offset(zone, again) == utc);
}

static void check_zone(pl_span bytes)
{
    pl_arena arena = {0};
    pl_zone zone;
    const char *why = pl_zone_read("Here", bytes, &arena, &zone);
    if (!why) {
        const int64_t first = INT64_C(-62135596800), last = INT64_C(253402300799);
        for (int64_t utc = first; utc <= last; utc += (last - first) / 61)
            check_instant(&zone, utc);
        for (int64_t day = 0; day < 366; day += 5)
            check_instant(&zone, INT64_C(2208988800) + day * DAY); // 2040
        for (uint32_t i = 0; i < PL_MIN(zone.count, 64u); i++) {
            if (zone.changes[i] <= first || zone.changes[i] > last) continue;
            check_instant(&zone, zone.changes[i] - 1);
            check_instant(&zone, zone.changes[i]);
        }
    }
    pl_arena_done(&arena);
}

void fuzz_one(pl_span input)
{
    if (!input.bytes || input.data[0] != 'R') {
        check_zone(input);
        return;
    }
    static const int32_t utc[] = {0};
    pl_buf bytes = {0};
    pl_buf rule = {0};
    fuzz_byte(&input);
    pl_buf_span(&rule, input);
    tzif file = {.offsets = utc, .types = 1, .rule = pl_buf_cstr(&rule)};
    tzif_write(&bytes, &file, '3');
    check_zone(pl_buf_view(&bytes));
    pl_buf_done(&rule);
    pl_buf_done(&bytes);
}

static void seed_file(const tzif *file, char version)
{
    pl_buf bytes = {0};
    tzif_write(&bytes, file, version);
    fuzz_seed(pl_buf_view(&bytes));
    pl_buf_done(&bytes);
}

void fuzz_seeds(void)
{
    tzif file = tzif_berlin;
    seed_file(&file, '\0');
    seed_file(&file, '2');
    file.rule = "CET-1CEST,M3.5.0,M10.5.0/3";
    seed_file(&file, '3');
    file.leaps = 1;
    seed_file(&file, '4');
    fuzz_seed_text("RCET-1CEST,M3.5.0,M10.5.0/3");
    fuzz_seed_text("RIST-1GMT0,M10.5.0,M3.5.0/1");
    fuzz_seed_text("R<+1030>-10:30<+11>-11,M10.1.0,M4.1.0");
    fuzz_seed_text("R<-02>2<-01>,M3.5.0/-1,M10.5.0/0");
    fuzz_seed_text("REST5EDT4,59,299/-167:59:59");
    fuzz_seed_text("RXXX3EDT4,0/0,J365/23");
    fuzz_seed_text("R<+0545>-5:45");
    fuzz_seed_text("R");
    fuzz_seed_text("RCET-1CEST,M3.5.0");
}

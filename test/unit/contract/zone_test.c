// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <stdlib.h>

#include "base/tzif.h"
#include "contract/mapping_int.h"
#include "temp.h"
#include "unit.h"

static void check_fails(const char *folder, const char *name, const char *message, const char *hint)
{
    pl_arena arena = {0};
    const pl_zone *zone;
    plumb_error err;
    CHECK_INT(PLUMB_E_CONFIG, pl_contract__zone(folder, pl_span_of(name), 4, &arena, &zone, &err));
    CHECK_STR(message, err.message);
    CHECK_STR(hint, err.hint);
    CHECK_INT(5, err.column);
    pl_arena_done(&arena);
}

TEST(zone_is_an_offset_or_a_file_of_the_database)
{
    char *dir = temp_make();
    pl_arena arena = {0};
    const pl_zone *zone = NULL;
    plumb_error err;
    pl_buf bytes = {0};
    tzif_write(&bytes, &tzif_berlin, '2');
    CHECK_INT(0, mkdir(temp_path(dir, "Europe"), 0755));
    temp_write(temp_path(dir, "Europe/Berlin"), bytes.data, bytes.count);
    CHECK_OK(pl_contract__zone(dir, PL_SPAN("Europe/Berlin"), 0, &arena, &zone, &err), err);
    CHECK_STR("Europe/Berlin", zone->name);
    CHECK_INT(3, zone->count);
    CHECK_OK(pl_contract__zone(dir, PL_SPAN("-0130"), 0, &arena, &zone, &err), err);
    CHECK(!zone->name && zone->seconds == -5400);
    CHECK_OK(pl_contract__zone(dir, PL_SPAN("UTC"), 0, &arena, &zone, &err), err);
    CHECK(!zone->name && zone->seconds == 0);
    pl_buf_done(&bytes);
    pl_arena_done(&arena);
    temp_remove(dir);
}

TEST(zone_that_cannot_be_read_is_a_mistake_that_says_why)
{
    char *dir = temp_make(), message[600];
    temp_write(temp_path(dir, "Notes"), "of zones", 8);
    snprintf(message, sizeof message, "cannot read time zone 'Notes': '%s/Notes' is no TZif file",
             dir);
    check_fails(dir, "Notes", message, "");
    check_fails(dir, "Berlin", "unknown time zone 'Berlin'",
                "Write a name such as Europe/Berlin, UTC, or an offset such as +01:00.");
    snprintf(message, sizeof message,
             "cannot read time zone 'Notes': this machine has no time zone database in '%s/none'",
             dir);
    check_fails(temp_path(dir, "none"), "Notes", message,
                "Install the package tzdata, or write an offset such as +01:00.");
    temp_remove(dir);
}

int main(void)
{
    return RUN_TESTS("contract/zone", T(zone_is_an_offset_or_a_file_of_the_database),
                     T(zone_that_cannot_be_read_is_a_mistake_that_says_why));
}

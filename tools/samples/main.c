// plumb-samples -- posts of five platforms, made up, at any size.
//
// SPDX-License-Identifier: Apache-2.0
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "platforms.h"

static const char usage[] =
    "usage: plumb-samples --platform NAME [options] > FILE\n"
    "Posts of one platform as its interface would return them, made up and always the same for\n"
    "the same options.\n"
    "\n"
    "  --platform NAME   tiktok instagram youtube x linkedin\n"
    "  --posts N         observations of posts to write (1000); some posts are seen again on\n"
    "                    later days, with grown counters\n"
    "  --start DAY       day of the first poll (2026-11-01)\n"
    "  --days D          one poll a day for D days (1), N/D observations each\n"
    "  --seed S          another world (1)\n"
    "  --accounts N      accounts that post (2000)\n"
    "  --page N          posts in one document, where there are documents (25)\n"
    "  --release v1|v2   before or after the upgrade of the interface (v1)\n"
    "  --variant NAME    text random shuffle sparse escaped spaced (text)\n"
    "  --out FILE        - is standard output (-)\n"
    "\n"
    "  plumb-samples --platform x --posts 1000000 --days 7 | gzip -1 > x.json.gz\n";

typedef struct options {
    const platform *platform;
    uint64_t posts, seed;
    int64_t first_day;
    uint32_t days, page;
    dialect dialect;
    out_style style;
    const char *file;
    world world;
} options;

static void die(const char *what, const char *value)
{
    fprintf(stderr, "plumb-samples: %s '%s'\n", what, value);
    exit(2);
}

static uint64_t number(const char *text, uint64_t most)
{
    char *end;
    unsigned long long value = strtoull(text, &end, 10);
    if (*text < '0' || *text > '9' || *end || value > most) die("not a number in range:", text);
    return value;
}

// Days since 1970 of YYYY-MM-DD.
static int64_t day_of(const char *text)
{
    int year, month, day, used = 0;
    if (sscanf(text, "%4d-%2d-%2d%n", &year, &month, &day, &used) != 3 || text[used] ||
        year < 2014 || year > 2200 || month < 1 || month > 12 || day < 1 || day > 31)
        die("not a day like 2026-11-01:", text);
    int64_t y = month <= 2 ? year - 1 : year, m = month <= 2 ? month + 9 : month - 3;
    return 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1 - 719468;
}

static void set_platform(options *o, const char *name)
{
    for (uint32_t i = 0; i < platform_count; i++) {
        if (strcmp(platforms[i].name, name) != 0) continue;
        o->platform = &platforms[i];
        o->world.platform = i;
        return;
    }
    die("unknown platform; one of tiktok instagram youtube x linkedin:", name);
}

static void set_variant(options *o, const char *name)
{
    if (!strcmp(name, "text")) return;
    if (!strcmp(name, "random"))
        o->world.noise = true;
    else if (!strcmp(name, "shuffle"))
        o->style = OUT_SHUFFLE;
    else if (!strcmp(name, "sparse"))
        o->dialect.absent = 0.6;
    else if (!strcmp(name, "escaped"))
        o->style = OUT_ESCAPED;
    else if (!strcmp(name, "spaced"))
        o->style = OUT_SPACED;
    else
        die("unknown variant; one of text random shuffle sparse escaped spaced:", name);
}

static options read_options(int argc, char **argv)
{
    static const struct option names[] = {
        {"platform", 1, 0, 'p'}, {"posts", 1, 0, 'n'},   {"start", 1, 0, 't'},
        {"days", 1, 0, 'd'},     {"seed", 1, 0, 's'},    {"accounts", 1, 0, 'a'},
        {"page", 1, 0, 'g'},     {"release", 1, 0, 'r'}, {"variant", 1, 0, 'v'},
        {"out", 1, 0, 'o'},      {"help", 0, 0, 'h'},    {0, 0, 0, 0}};
    options o = {.posts = 1000, .seed = 1, .days = 1, .page = 25, .file = "-"};
    o.dialect = (dialect){.release = 1, .absent = 0.03};
    o.world.accounts = 2000;
    o.first_day = day_of("2026-11-01");

    for (int c; (c = getopt_long(argc, argv, "h", names, NULL)) != -1;) {
        switch (c) {
        case 'p':
            set_platform(&o, optarg);
            break;
        case 'n':
            o.posts = number(optarg, 1ull << 40);
            break;
        case 't':
            o.first_day = day_of(optarg);
            break;
        case 'd':
            o.days = (uint32_t)number(optarg, 10000);
            break;
        case 's':
            o.seed = number(optarg, UINT64_MAX);
            break;
        case 'a':
            o.world.accounts = (uint32_t)number(optarg, 1u << 30);
            break;
        case 'g':
            o.page = (uint32_t)number(optarg, 1000000);
            break;
        case 'r':
            if (strcmp(optarg, "v1") && strcmp(optarg, "v2")) die("unknown release:", optarg);
            o.dialect.release = optarg[1] - '0';
            break;
        case 'v':
            set_variant(&o, optarg);
            break;
        case 'o':
            o.file = optarg;
            break;
        case 'h':
            fputs(usage, stdout);
            exit(0);
        default:
            fputs(usage, stderr);
            exit(2);
        }
    }
    if (optind < argc) die("unexpected word", argv[optind]);
    if (!o.platform || !o.days || !o.page || !o.world.accounts) {
        fputs(usage, stderr);
        exit(2);
    }
    o.world.seed = o.seed;
    return o;
}

static void write_posts(const options *o, out *to)
{
    const platform *f = o->platform;
    uint64_t written = 0, first = 0; // first: of this day's poll
    uint32_t day = 0, in_page = 0, page = 0;
    uint64_t page_size = f->one_page ? UINT64_MAX : o->page;
    post p;

    while (written < o->posts) {
        uint64_t day_end = o->posts * (day + 1) / o->days;
        if (written == day_end) {
            first = day_end;
            day++;
            continue;
        }
        if (in_page == 0 && f->open) f->open(to, page);
        world_observe(&o->world, o->first_day + day, (uint32_t)(written - first),
                      (uint32_t)(day_end - first), &p);
        f->post(to, &o->dialect, &p);
        written++;
        in_page++;
        bool end = in_page == page_size || written == o->posts;
        if (end && f->close) f->close(to, page, written < o->posts);
        if (end) page++, in_page = 0;
        if (end || !f->close || f->one_page) out_line(to);
    }
    if (o->posts == 0 && f->one_page) f->open(to, 0), f->close(to, 0, false), out_line(to);
}

int main(int argc, char **argv)
{
    options o = read_options(argc, argv);
    FILE *file = strcmp(o.file, "-") ? fopen(o.file, "wb") : stdout;
    out to;

    if (!file) {
        fprintf(stderr, "plumb-samples: cannot create file '%s'\n", o.file);
        return 1;
    }
    out_init(&to, file, o.style, o.seed);
    write_posts(&o, &to);
    bool written = out_finish(&to);
    if (file != stdout && fclose(file) != 0) written = false;
    if (!written) fprintf(stderr, "plumb-samples: cannot write file '%s'\n", o.file);
    return written ? 0 : 1;
}

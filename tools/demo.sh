#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# tools/demo.sh (make demo)
#
# Plays the whole pipeline on made-up posts of five platforms: files of five days go into the raw
# zone, are mapped to one table, and are read back by SQL and by an engine that has never heard of
# plumb. Everything happens in ./demo, which is made anew; run it as often as you like.
set -euo pipefail
cd "$(dirname "$0")/.."

BUILD=$(realpath "${BUILD:-build}")
PATH=$BUILD/src/cli:$BUILD/tools/samples:$PATH
POSTS=${POSTS:-2000} # per platform and day

if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then
    bold=$'\e[1m' dim=$'\e[2m' off=$'\e[0m'
else
    bold='' dim='' off=''
fi
title() { printf '\n%s── %s%s\n' "$bold" "$1" "$off"; }
say() { printf '%s%s%s\n' "$dim" "$*" "$off"; }

# Show a command as one would type it, then run it.
show() {
    local word line=
    for word in "$@"; do
        case $word in
        *\'*) line+=" \"$word\"" ;;
        *[!A-Za-z0-9_./:=@%+,-]*) line+=" '$word'" ;;
        *) line+=" $word" ;;
        esac
    done
    printf '\n%s$%s%s\n' "$bold" "$line" "$off"
    "$@"
}

# Never delete what we did not make.
if [ -e demo ]; then
    if [ ! -f demo/.made-by-demo ]; then
        echo "demo: ./demo is not from a demo; move it away" >&2
        exit 1
    fi
    chmod -R u+w demo
    rm -r demo
fi
mkdir demo
touch demo/.made-by-demo
cp -R examples/social demo/social
cd demo/social

title "1. Five platforms, five days, five ideas of what a post is"
mkdir incoming
for day in 01 02 03 04 05; do
    for platform in tiktok instagram youtube x linkedin; do
        plumb-samples --platform $platform --posts "$POSTS" --start "2026-11-$day" \
            --out "incoming/$platform-$day.json"
    done
done
gzip incoming/youtube-*.json # compressed or not: plumb looks
say "25 files, $(du -sh incoming | cut -f1), in demo/social/incoming. How each of them begins:"
for platform in tiktok instagram youtube x linkedin; do
    cat incoming/$platform-01.json* | { gzip -dcf 2>/dev/null || true; } | head -c 400 |
        tr '\n' ' ' | cut -c1-110 || true
done
say "The project: a contract says what the table is, a mapping says where one source has it."
show cat sources/tiktok.yml

title "2. Every byte is kept: into the raw zone, day by day"
for day in 01 02 03 04 05; do
    for platform in tiktok instagram youtube x linkedin; do
        command=(plumb ingest $platform incoming/$platform-$day.json*
            --received "2026-11-${day}T23:59:59Z")
        if [ $day-$platform = 01-tiktok ]; then
            show "${command[@]}"
            say "... and the same for the other 24 files"
        else
            "${command[@]}" >/dev/null
        fi
    done
done

title "3. Mapped, checked, published: one snapshot"
show plumb run
show plumb tables
show plumb status

title "4. Asked"
show plumb query "SELECT platform, count(*) AS observations, count(DISTINCT post_id) AS posts,
       max(likes) AS most_likes, round(avg(engagement_rate), 4) AS engagement
FROM post_metrics GROUP BY platform ORDER BY observations DESC, platform"
show plumb query "SELECT hashtag, count(*) AS posts, max(likes) AS most_likes
FROM (SELECT unnest(hashtags) AS hashtag, likes FROM post_metrics
      WHERE observed_at >= TIMESTAMPTZ '2026-11-05 00:00:00Z')
GROUP BY hashtag ORDER BY posts DESC, hashtag LIMIT 5"

title "5. A broken line costs one line"
{
    plumb-samples --platform x --posts 3 --start 2026-11-06
    echo '{"id": 1700000000000000001, "created_at": "2026-11-06T10:00'
    plumb-samples --platform x --posts 2 --start 2026-11-06 --seed 2
} >incoming/x-06.json
show plumb ingest x incoming/x-06.json --received 2026-11-06T23:59:59Z
show plumb run
show plumb quarantine
show plumb quarantine show 1

title "6. Overnight a platform changes six things, and nothing is lost"
sed -e 's/"digg_count"/"like_total"/g; s/"share_count"/"share_total"/g' \
    -e 's/"play_count"/"view_total"/g; s/"item_id":"\([0-9]*\)"/"item_id":\1/g' \
    -e 's/"engagement_rate":"\([0-9.]*\)%"/"engagement_rate":\1e-2/g' \
    -e 's/,"follower_count":[0-9]*//g' incoming/tiktok-05.json >incoming/tiktok-06.json
say "The posts of yesterday are asked for again. Three metrics have other names, ids are"
say "numbers, a percentage is a fraction, and the followers are gone. The mapping knows none of it."
show plumb ingest tiktok incoming/tiktok-06.json --received 2026-11-06T23:59:59Z
show plumb run || [ $? = 3 ] # something waits for a person
say "The values of the posts prove what continues what: likes and shares are read by both names"
say "from now on. views is critical, so you are asked, and no row of that day is there before:"
show plumb drift || [ $? = 3 ]
finding() { # by its column
    { plumb drift || true; } | awk -v of="tiktok -> post_metrics.$1 " 'index($0, of) { print $1 }'
}
views=$(finding views) rate=$(finding engagement_rate) followers=$(finding followers)
show plumb drift show "$views"

title "7. The rest takes one command each"
show plumb drift approve "$views" --why 'tiktok announced it' || [ $? = 3 ]
show plumb drift approve "$rate" --why 'a fraction, they say' || [ $? = 3 ]
show plumb drift approve "$followers" --why 'they do not tell any more'
say "No row lacks its likes, and a percentage is what it was:"
show plumb query "SELECT day(observed_at) AS day, count(*) AS rows, count(likes) AS likes,
       count(shares) AS shares, count(views) AS views, count(followers) AS followers,
       round(avg(engagement_rate), 4) AS engagement
FROM post_metrics WHERE platform = 'tiktok' GROUP BY 1 ORDER BY 1"

title "8. Second thoughts: back in a moment, and forward again"
same="SELECT count(*) AS rows, sum(hash(t)) AS hash
FROM (SELECT *, _rest, _flags FROM post_metrics) AS t"
show plumb query "$same"
show plumb rollback post_metrics --to previous
show plumb query "SELECT max(observed_at) AS newest FROM post_metrics WHERE platform = 'tiktok'"
show plumb rollback post_metrics --to before-rollback-1
show plumb query "$same"
say "Or back, and then not forward: what was withdrawn is mapped anew from raw. The same rows."
show plumb rollback post_metrics --to previous
show plumb mapping tiktok --use file
show plumb replay post_metrics --withdrawn
show plumb query "$same"
show plumb history post_metrics

title "9. Nothing new is nothing done"
show plumb run

title "10. Everything checked, byte by byte"
show plumb verify

title "11. Read by others, with no plumb in sight"
python=../../.deps/venv/bin/python
if [ -x $python ]; then
    show $python ../../tools/read_table.py lake post_metrics
else
    say "After tools/setup.sh test, PyIceberg reads it: .deps/venv/bin/python tools/read_table.py \
demo/social/lake post_metrics"
fi

title "12. No contract, no mapping, only a file: let plumb guess"
cd ..
gzip -dc social/incoming/youtube-01.json.gz >videos.json
show plumb init from-sample --from videos.json --source youtube --table videos
show cat from-sample/sources/youtube.yml
show plumb -C from-sample run
show plumb -C from-sample query "SELECT count(*) AS videos FROM videos"

cd ../..
title "Yours now"
cat <<END
  cd demo/social                       the project: plumb.yaml, contracts/, sources/, lake/
  ../../build/plumb query 'SELECT * FROM post_metrics LIMIT 5'
  ../../build/plumb describe post_metrics
  ../../build/plumb history post_metrics
  ../../build/plumb ledger
  ../../build/plumb --help

Rename a column's path in sources/tiktok.yml, ingest another day and run again:
  ../../build/tools/samples/plumb-samples --platform tiktok --start 2026-11-07 > more.json
  ../../build/plumb ingest tiktok more.json && ../../build/plumb run
END

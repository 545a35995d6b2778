#!/usr/bin/env bash
# Ovate on real rows in two minutes: builds a release, loads this clone's git history (or the clones you name) and a table of
# bike stations, starts the server, asks four questions and says what to try next. No network is needed but for packages.
#
#   ./demo.sh                        leaves the server in the foreground; Ctrl-C stops it
#   ./demo.sh --once                 stops it after the answers
#   ./demo.sh ~/src/linux ~/src/git  these clones instead of this one
#
# OVATE_DEMO_ROWS (default 2,000,000) and OVATE_DEMO_PORT (default 8888) change size and port. The rows stay in build/demo,
# so a second run starts at once; removing that folder starts afresh.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
once='' clones=()
for word in "$@"; do
    case $word in
        --once) once=1 ;;
        -*) sed -n '2,11s/^# \{0,1\}//p' "$0"; exit 2 ;;
        *) clones+=("$(cd "$word" && pwd)") ;;
    esac
done
[ ${#clones[@]} -gt 0 ] || clones=("$here")
cd "$here"
rows=${OVATE_DEMO_ROWS:-2000000} port=${OVATE_DEMO_PORT:-8888}
ovate=build/release/ovate data=build/demo/data

scripts/install-packages.sh build
mkdir -p build/demo
echo 'Building a release ...'
if ! { cmake --preset release && cmake --build --preset release --target ovate; } >build/demo/build.log 2>&1; then
    tail -n 40 build/demo/build.log
    echo 'demo.sh: the build failed; build/demo/build.log has all of it' >&2
    exit 1
fi

echo "Loading the history of ${clones[*]} ..."
"$ovate" ingest git "${clones[@]}" --data "$data" # only commits that are not there yet

if [ "$(cat build/demo/rows 2>/dev/null)" != "$rows" ]; then
    echo "Loading $rows rows of bike stations ..."
    mkdir -p build/demo/data-files/stations
    "$ovate" bench gen --rows "$rows" >build/demo/data-files/stations/stations.csv
    sed 's|"data/stations"|"build/demo/data-files/stations"|' docs/examples/stations.json >build/demo/stations.json
    "$ovate" ingest run build/demo/stations.json --data "$data"
    echo "$rows" >build/demo/rows
fi

"$ovate" server --data "$data" --port "$port" >build/demo/server.log 2>&1 &
server=$!
trap 'kill "$server" 2>/dev/null || true; wait "$server" 2>/dev/null || true' EXIT
url=http://127.0.0.1:$port
healthy() { (exec 3<>"/dev/tcp/127.0.0.1/$port" && printf 'GET /status/health HTTP/1.0\r\n\r\n' >&3 && grep -q true <&3) 2>/dev/null; }
for _ in $(seq 200); do
    healthy && break
    if ! kill -0 "$server" 2>/dev/null; then
        tail -n 20 build/demo/server.log
        echo "demo.sh: the server did not start; OVATE_DEMO_PORT chooses another port" >&2
        exit 1
    fi
    sleep 0.05
done
echo
echo "Ovate answers at $url"

ask() { # ask WORDS SQL: the statement, the first rows of its answer, rows and time
    echo
    echo "-- $1"
    echo "$2"
    "$ovate" sql --url "$url" --format table --timer -c "$2" >build/demo/answer 2>build/demo/timer
    head -n 9 build/demo/answer
    [ "$(wc -l <build/demo/answer)" -le 9 ] || echo '...'
    cat build/demo/timer
}
where="WHERE __time >= TIMESTAMP '2023-03-08 00:00:00' AND stationId = 'ST-292'"
ask 'a. The rows of one station since a day' "SELECT stationId, stationLatitude, stationLongitude, stationName FROM seoulbike $where"
ask 'b. How many they are' "SELECT COUNT(*) AS n FROM seoulbike $where"
ask 'c. Rows of every station' 'SELECT stationId, COUNT(*) AS n FROM seoulbike GROUP BY stationId'
ask 'd. The twenty with most rows' 'SELECT stationId, COUNT(*) AS n FROM seoulbike GROUP BY stationId ORDER BY COUNT(*) DESC LIMIT 20'
ask 'Who wrote this clone' "SELECT author, COUNT(*) AS commits, MAX(__time) AS latest FROM git_commits GROUP BY author ORDER BY commits DESC LIMIT 5"

cat <<WORDS

Try next:
  $ovate sql --url $url                      # a shell; .help in it
  $ovate sql --url $url -c "SELECT extension, COUNT(*) AS changes, SUM(additions) AS added FROM git_changes GROUP BY extension ORDER BY changes DESC LIMIT 10"
  curl -s $url/druid/v2/sql -H 'Content-Type: application/json' -d '{"query": "SELECT COUNT(*) AS n FROM seoulbike"}'
  Superset, Grafana, Metabase: add an Apache Druid database at 127.0.0.1:$port
WORDS
if [ -n "$once" ]; then
    exit 0
fi
echo
echo 'The server runs in the foreground; Ctrl-C stops it.'
wait "$server"

#!/usr/bin/env bash
# Installs what tests need, builds (sanitizers, then release) and runs every test.
#
#   ./check.sh            all; when nothing changed since a run that passed, says so and ends at once
#   ./check.sh --again    all, changed or not
#   ./check.sh --quick    sanitizer build; unit, check, slt and http tests only
#
# Needs Debian 12 and root or sudo for the packages (scripts/packages.txt). The last line is
# `N passed, N failed, N skipped`; the status is 0 when nothing failed.
set -u
cd "$(dirname "$0")" || exit 1
again='' quick=''
for word in "$@"; do
    case $word in
        --again) again=1 ;;
        --quick) quick=1 ;;
        *) sed -n '2,9s/^# \{0,1\}//p' "$0"; exit 2 ;;
    esac
done

closing() { # closing PASSED FAILED SKIPPED
    echo "$1 passed, $2 failed, $3 skipped"
    [ "$2" -eq 0 ]
    exit
}
stop() { # stop WORDS: a step before the tests failed
    echo "check.sh: $*" >&2
    closing 0 1 0
}
step() { # step WORDS COMMAND...: run quietly, show the output only when it fails
    local words=$1 start=$SECONDS
    shift
    printf '%-46s' "$words"
    if "$@" >build/check.log 2>&1 </dev/null; then
        echo "$((SECONDS - start)) s"
    else
        echo "failed after $((SECONDS - start)) s"
        tail -n 60 build/check.log
        stop "$words: failed; the whole output is in build/check.log"
    fi
}

mkdir -p build || exit 1
scripts/install-packages.sh build test || stop 'packages could not be installed'

# What the result depends on: every file git tracks or would track, and whether the real data is there.
shared=${OVATE_SHARED:-../shared}
state() {
    git ls-files -z --cached --others --exclude-standard 2>/dev/null | xargs -0 sha256sum 2>/dev/null | sha256sum
    [ -d "$shared/data" ] && echo 'with real data'
    echo "${quick:+quick} rounds ${OVATE_CRASH_ROUNDS:-}"
}
now=$(state)
if [ -z "$again" ] && [ -f build/check.passed ] && [ "$(sed '$d' build/check.passed)" = "$now" ]; then
    echo 'Nothing changed since the last run, in which all tests passed (./check.sh --again runs them once more):'
    tail -n 1 build/check.passed
    exit 0
fi

step 'Python packages for comparisons' tests/setup-venv.sh
step 'configure: sanitizers' cmake --preset asan
step 'build: sanitizers' cmake --build --preset asan
if [ -z "$quick" ]; then
    step 'configure: release' cmake --preset release
    step 'build: release' cmake --build --preset release
fi

# The time-consuming tiers run on the release build, everything else under the sanitizers.
slow='matrix|diff|crash|clients|bench|kafka|memory'
export OVATE_CRASH_ROUNDS=${OVATE_CRASH_ROUNDS:-25}
rm -f build/check-*.xml
run() { # run BUILD CTEST-WORDS...
    local build=$1
    shift
    ctest --test-dir "build/$build" -j "$(nproc)" --no-tests=ignore --output-on-failure --output-junit "$PWD/build/check-$build.xml" \
        "$@" </dev/null
}
run asan -LE "$slow"
[ -n "$quick" ] || run release -L "$slow"

counts=$(python3 -B scripts/count-results.py build/check-*.xml) || stop 'no test results'
# shellcheck disable=SC2086 # three numbers
set -- $counts
if [ "$2" -eq 0 ]; then
    printf '%s\n%s\n' "$now" "$1 passed, $2 failed, $3 skipped" >build/check.passed
fi
closing "$1" "$2" "$3"

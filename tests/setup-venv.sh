#!/usr/bin/env bash
# Installs the Python packages that some test tiers compare with or act as clients of into build/test-venv.
# Not needed to build or to use Ovate; tiers that miss a package say so and are skipped. Runs again in no time.
set -u
cd "$(dirname "$0")/.." || exit 1
packages='duckdb pyarrow pydruid sqlalchemy requests'
venv=build/test-venv
if [ -f "$venv/ready" ] && [ "$(cat "$venv/ready")" = "$packages" ]; then
    exit 0
fi
mkdir -p build
if ! python3 -m venv "$venv"; then
    echo "tests/setup-venv.sh: python3-venv is missing; tiers that compare with other software will be skipped" >&2
    exit 0
fi
# shellcheck disable=SC2086 # a list of words
if "$venv/bin/pip" install --quiet --disable-pip-version-check --retries 1 --timeout 20 $packages; then
    echo "$packages" > "$venv/ready"
else
    echo "tests/setup-venv.sh: the package registry was not reached; tiers that need $packages will be skipped" >&2
fi

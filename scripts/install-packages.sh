#!/usr/bin/env bash
# scripts/install-packages.sh build [test] [bench]: install the Debian packages of scripts/packages.txt that are missing.
# Says nothing and needs no rights when nothing is missing.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
wanted=$(awk -v kinds=" $* " '!/^#/ && NF == 2 && index(kinds, " " $1 " ") { print $2 }' "$here/packages.txt")
missing=''
for package in $wanted; do
    state=$(dpkg-query -W -f='${db:Status-Abbrev}' "$package" 2>/dev/null || true)
    case $state in
        ii*) ;;
        *) missing="$missing $package" ;;
    esac
done
[ -n "$missing" ] || exit 0

as_root=''
if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null; then
        echo "Missing packages:$missing. Install them as root: apt-get install$missing" >&2
        exit 1
    fi
    as_root='sudo'
fi
echo "Installing:$missing"
export DEBIAN_FRONTEND=noninteractive
install() {
    # shellcheck disable=SC2086 # lists of words
    $as_root apt-get -qq -o Dpkg::Use-Pty=0 install --yes --no-install-recommends $missing </dev/null >/dev/null
}
install 2>/dev/null || { $as_root apt-get -qq update </dev/null && install; }

#!/bin/bash
# What a machine without the Debian packages is told: ensure_packages with a dpkg and an apt-get that are ours.
#
# usage: packages_test.sh ROOT
set -euo pipefail
cd "$1"
. tests/packages.sh
failed=0
wrong() { echo "FAILED: $*"; failed=1; }

# The machine: $uid, the packages $there; each apt-get is noted in $calls, and fails with $apt_says if that is set.
calls=$(mktemp)
trap 'rm -f "$calls"' EXIT
dpkg() { echo amd64; }
dpkg-query() { [[ " $there " != *" ${*: -1} "* ]] || echo "amd64 installed"; }
id() { echo "$uid"; }
apt-get() {
    echo "$*" >>"$calls"
    [ -z "$apt_says" ] || { echo "$apt_says" >&2; return 100; }
}

# says EXIT_CODE PATTERN   what ensure_packages build must end with and say
says() {
    local code=0 said expected=$1
    shift
    : >"$calls"
    said=$(ensure_packages build 2>&1) || code=$?
    [ $code -eq "$expected" ] || wrong "exit code $code instead of $expected, and: $said"
    [[ $said == $1 ]] || wrong "said: $said; expected: $1"
}

all=$(packages_of tests/packages.txt build | xargs)
[ -n "$all" ] || wrong "no packages in section build"
apt_says=
uid=1000 there=$all
says 0 ''
there=${all/ninja-build/}
says 1 '* cannot build: packages missing: ninja-build (as root: apt-get update && apt-get install ninja-build)'
[ ! -s "$calls" ] || wrong "an ordinary user must not call apt-get"
uid=0
says 0 '* installing ninja-build'
[[ $(<"$calls") == *update*$'\n'*install*ninja-build ]] || wrong "apt-get was called with: $(<"$calls")"
apt_says='E: Temporary failure resolving'
says 1 $'* installing ninja-build\nE: Temporary failure resolving\n* cannot install packages: ninja-build *'
[ $failed -eq 0 ] && echo "packages: what is missing is told, installed as root, and told when that fails"
exit $failed

#!/bin/bash
# What ensure_packages prints and does on machines without the packages; dpkg and apt-get are replaced by functions.
#
# usage: packages_test.sh ROOT
cd "$1"
. tests/strict.sh
. tests/packages.sh
failed=0
wrong() { echo "FAILED: $*"; failed=1; }

# What the packages' scripts would find: apt-get below records whether services may start.
directory=$(mktemp -d)
POLICY_RC_D=$directory/policy-rc.d

# The machine: user $uid, installed packages $installed; calls of apt-get go to $calls, and fail with $apt_error if it is set.
calls=$(mktemp)
trap 'rm -rf "$calls" "$directory"' EXIT
dpkg() { echo amd64; }
dpkg-query() { [[ " $installed " != *" ${*: -1} "* ]] || echo "amd64 installed"; }
id() { echo "$uid"; }
apt-get() {
    echo "$*" >>"$calls"
    local allowed=0
    "$POLICY_RC_D" nginx start 2>/dev/null || allowed=$?
    [ "$1" != -qq ] || [ "$2" != install ] || echo "$allowed" >"$directory/allowed"
    [ -z "$apt_error" ] || { echo "$apt_error" >&2; return 100; }
}

# expect EXIT_CODE PATTERN   how ensure_packages must end, and what it must print
expect() {
    local code=0 output expected=$1
    shift
    : >"$calls"
    output=$(ensure_packages build 2>&1) || code=$?
    [ $code -eq "$expected" ] || wrong "exit code $code instead of $expected, and: $output"
    [[ $output == $1 ]] || wrong "output: $output; expected: $1"
}

all=$(packages_of tests/packages.txt build | xargs)
[ -n "$all" ] || wrong "no packages in section build"
apt_error=
uid=1000 installed=$all
expect 0 ''
installed=${all/ninja-build/}
expect 1 '* cannot build: packages missing: ninja-build (as root: apt-get update && apt-get install ninja-build)'
[ ! -s "$calls" ] || wrong "an ordinary user must not call apt-get"
uid=0
expect 0 '* installing ninja-build'
[[ $(<"$calls") == *update*$'\n'*install*ninja-build ]] || wrong "apt-get was called with: $(<"$calls")"
[ "$(<"$directory/allowed")" = 101 ] || wrong "services may start while packages are installed"
[ ! -e "$POLICY_RC_D" ] || wrong "policy-rc.d was left behind"
printf '#!/bin/sh\nexit 104\n' >"$POLICY_RC_D"
chmod +x "$POLICY_RC_D"
expect 0 '* installing ninja-build'
[ "$(<"$directory/allowed")" = 104 ] || wrong "an existing policy-rc.d was not kept while packages are installed"
[ -x "$POLICY_RC_D" ] || wrong "an existing policy-rc.d was removed"
rm "$POLICY_RC_D"
apt_error='E: Temporary failure resolving'
expect 1 $'* installing ninja-build\nE: Temporary failure resolving\n* cannot install packages: ninja-build *'
[ ! -e "$POLICY_RC_D" ] || wrong "policy-rc.d was left behind after a failure"

# On a terminal, the last line of a long command's output is shown while it runs.
cat >"$directory/slow" <<SLOW
. tests/packages.sh
until_shown() { echo '[3/9] Building it'; until grep -q 'Building it' $directory/screen; do sleep 0.05; done; }
with_progress $directory/log until_shown
SLOW
timeout 60 script -qefc "bash $directory/slow" /dev/null >"$directory/screen" 2>&1 </dev/null ||
    wrong "no progress on a terminal: $(<"$directory/screen")"
[ $failed -eq 0 ] && echo "packages: missing ones are reported or, as root, installed"
exit $failed

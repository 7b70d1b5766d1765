#!/bin/bash
# Installs packages from npm, as a package-lock.json fixes them; run.sh uses it.
#
# usage: npm.sh SOURCE DIRECTORY    SOURCE has package.json and package-lock.json; the packages are then in
#                                   DIRECTORY/node_modules
#
# A failure is one line, and the tests that need the packages are skipped.
set -uo pipefail
source=$1
directory=$2
. "$(dirname "$0")/packages.sh"

skip() { echo "npm.sh: $1: tests with the packages of $source are skipped"; exit 1; }

mkdir -p "$directory"
cmp -s "$source/package-lock.json" "$directory/package-lock.json" && [ -e "$directory/complete" ] && exit 0
# A Node.js that is not Debian's has its own npm.
command -v npm >/dev/null || { [ "$(id -u)" -eq 0 ] && install_packages nodejs npm >/dev/null 2>&1; } || skip "cannot install npm"
rm -f "$directory/complete"
cp "$source/package.json" "$source/package-lock.json" "$directory/" || skip "cannot write to $directory"
# No script of a package is run, and every file must have the hash in package-lock.json.
(cd "$directory" && npm ci --ignore-scripts --no-fund --no-audit >npm.log 2>&1 </dev/null) || skip "npm cannot get the packages"
touch "$directory/complete"

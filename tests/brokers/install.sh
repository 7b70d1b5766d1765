#!/bin/bash
# Installs Aedes and the JavaScript clients from npm, as npm/package-lock.json fixes them; run.sh uses it.
#
# usage: install.sh DIRECTORY    they are then in DIRECTORY/node_modules
#
# A failure is one line, and what needs them is skipped.
set -uo pipefail
directory=$1
here=$(dirname "$0")
. "$here/../packages.sh"

skip() { echo "install.sh: $1: Aedes and the JavaScript clients are skipped"; exit 1; }

mkdir -p "$directory"
cmp -s "$here/npm/package-lock.json" "$directory/package-lock.json" && [ -d "$directory/node_modules/aedes" ] && exit 0
# A Node.js that is not Debian's has its own npm.
command -v npm >/dev/null || { [ "$(id -u)" -eq 0 ] && install_packages nodejs npm >/dev/null 2>&1; } || skip "cannot install npm"
cp "$here/npm/package.json" "$here/npm/package-lock.json" "$directory/" || skip "cannot write to $directory"
# No script of a package is run, and every file must have the hash in package-lock.json.
(cd "$directory" && npm ci --ignore-scripts --no-fund --no-audit >npm.log 2>&1 </dev/null) || skip "npm cannot get the packages"

#!/bin/bash
# Installs what run.py needs: Chromium (as root, from Debian) and MQTT.js (from npm).
#
# usage: install.sh DIRECTORY    MQTT.js is then in DIRECTORY/node_modules/mqtt
#
# A failure is one line, and the test is skipped.
set -uo pipefail
directory=$1
version=5.16.0
# Of dist/mqtt.min.js, the only file that is used: a package that was changed in the registry is not run.
sha512=87d58882a3520d18f07e2c173087e2e6ca78d5cf3e443507c30450516f00643bd811e3558f874d5021142b0da0357a150d300485dc007ce9f4df295adca48380
. "$(dirname "$0")/../../packages.sh"

skip() { echo "install.sh: $1: the test with the browser will be skipped"; exit 1; }
is_genuine() { sha512sum --check --status <<<"$sha512  $1/dist/mqtt.min.js" 2>/dev/null; }

packages=()
command -v chromium >/dev/null || packages+=(chromium)
# A Node.js that is not Debian's has its own npm.
command -v npm >/dev/null || packages+=(npm)
[ ${#packages[@]} -eq 0 ] || { [ "$(id -u)" -eq 0 ] && install_packages "${packages[@]}" >/dev/null 2>&1; } ||
    skip "cannot install ${packages[*]}"

package=$directory/node_modules/mqtt
is_genuine "$package" && exit 0
rm -rf "$package"
mkdir -p "$package"
# Only this package, without its dependencies: the file has them in itself. `npm pack` runs no script of the package.
tarball=$(npm pack --pack-destination "$directory" --ignore-scripts --silent "mqtt@$version" 2>"$directory/npm.log" </dev/null) &&
    tar -xzf "$directory/$tarball" -C "$package" --strip-components=1 --no-same-owner || skip "cannot get mqtt@$version with npm"
is_genuine "$package" || { rm -rf "$package"; skip "the file of mqtt@$version has another sha512 than expected"; }

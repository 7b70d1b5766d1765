#!/bin/bash
# Installs what run.py needs: Chromium (as root, from Debian), and MQTT.js and Paho JavaScript (from npm).
#
# usage: install.sh DIRECTORY    the packages are then in DIRECTORY/node_modules
#
# A failure is one line, and the test is skipped.
set -uo pipefail
directory=$1
. "$(dirname "$0")/../../packages.sh"

skip() { echo "install.sh: $1: the test with the browser will be skipped"; exit 1; }

packages=()
command -v chromium >/dev/null || packages+=(chromium)
# A Node.js that is not Debian's has its own npm.
command -v npm >/dev/null || packages+=(npm)
[ ${#packages[@]} -eq 0 ] || { [ "$(id -u)" -eq 0 ] && install_packages "${packages[@]}" >/dev/null 2>&1; } ||
    skip "cannot install ${packages[*]}"

# install PACKAGE VERSION FILE SHA512: FILE is all that is used; one that was changed in the registry is not run.
install() {
    local name=$1 version=$2 file=$3 sha512=$4 package=$directory/node_modules/$1 tarball
    is_genuine() { sha512sum --check --status <<<"$sha512  $package/$file" 2>/dev/null; }
    is_genuine && return
    rm -rf "$package"
    mkdir -p "$package"
    # Only this package, without its dependencies: the file has them in itself. `npm pack` runs no script of the package.
    tarball=$(npm pack --pack-destination "$directory" --ignore-scripts --silent "$name@$version" 2>"$directory/npm.log" </dev/null) &&
        tar -xzf "$directory/$tarball" -C "$package" --strip-components=1 --no-same-owner || skip "cannot get $name@$version with npm"
    is_genuine || { rm -rf "$package"; skip "the file of $name@$version has another sha512 than expected"; }
}

install mqtt 5.16.0 dist/mqtt.min.js \
    87d58882a3520d18f07e2c173087e2e6ca78d5cf3e443507c30450516f00643bd811e3558f874d5021142b0da0357a150d300485dc007ce9f4df295adca48380
install paho-mqtt 1.1.0 paho-mqtt-min.js \
    30af47bf5f6e4cc51e5c0bb33a9f2d5d01c1ec5ab5264a7074a4ca165853d04b5a9361b54b3db2daba93ceab00e5c395efa30c9555f60356721a88764244b94d

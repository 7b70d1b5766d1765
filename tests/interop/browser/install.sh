#!/bin/bash
# Installs what run.py needs: Chromium (as root, from Debian) and MQTT.js (from npm).
#
# usage: install.sh DIRECTORY    MQTT.js goes to DIRECTORY/node_modules/mqtt
#
# A failure is one line, and the test is skipped.
set -uo pipefail
directory=$1
version=5.16.0

packages=()
command -v chromium >/dev/null || packages+=(chromium)
# A Node.js that is not Debian's has its own npm.
command -v npm >/dev/null || packages+=(npm)
if [ ${#packages[@]} -gt 0 ]; then
    if [ "$(id -u)" -ne 0 ] || ! { apt-get -qq update && DEBIAN_FRONTEND=noninteractive \
        apt-get -qq install -y --no-install-recommends "${packages[@]}"; } >/dev/null 2>&1 </dev/null; then
        echo "install.sh: cannot install ${packages[*]}: the test with the browser will be skipped"
        exit 1
    fi
fi
[ -f "$directory/node_modules/mqtt/dist/mqtt.min.js" ] && exit 0
mkdir -p "$directory"
if ! npm install --prefix "$directory" --ignore-scripts --no-save --no-package-lock --no-audit --no-fund \
    "mqtt@$version" >"$directory/npm.log" 2>&1 </dev/null; then
    echo "install.sh: cannot install mqtt@$version with npm: the test with the browser will be skipped"
    exit 1
fi

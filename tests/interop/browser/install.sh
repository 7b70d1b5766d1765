#!/bin/bash
# Gets what run.py needs and may be missing: Chromium (as root, from Debian) and MQTT.js (from npm).
#
# usage: install.sh FOLDER    MQTT.js goes to FOLDER/node_modules/mqtt
#
# Nothing else depends on them, so a failure is told in one line and the test is skipped.
set -uo pipefail
folder=$1
version=5.16.0

packages=()
command -v chromium >/dev/null || packages+=(chromium)
# Where Node.js does not come from Debian, npm does not either.
command -v npm >/dev/null || packages+=(npm)
if [ ${#packages[@]} -gt 0 ]; then
    if [ "$(id -u)" -ne 0 ] || ! { apt-get -qq update && DEBIAN_FRONTEND=noninteractive \
        apt-get -qq install -y --no-install-recommends "${packages[@]}"; } >/dev/null 2>&1 </dev/null; then
        echo "install.sh: cannot install ${packages[*]}: the test with the browser will be skipped"
        exit 1
    fi
fi
[ -f "$folder/node_modules/mqtt/dist/mqtt.min.js" ] && exit 0
mkdir -p "$folder"
if ! npm install --prefix "$folder" --ignore-scripts --no-save --no-package-lock --no-audit --no-fund \
    "mqtt@$version" >"$folder/npm.log" 2>&1 </dev/null; then
    echo "install.sh: cannot install mqtt@$version with npm: the test with the browser will be skipped"
    exit 1
fi

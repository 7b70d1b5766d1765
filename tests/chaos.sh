#!/bin/sh
# The long form of the delivery tests: 100,000 messages at each QoS over a network that cuts, delays, splits and
# stalls, with the embedded broker and Debian's mosquitto, which is also stopped and killed; and 200,000 lines.
# Prints what was lost and duplicated. ctest runs the same tests in short.
#
# usage: tests/chaos.sh [BUILD]    (default build/dev; the test programs are built if need be)
set -e
cd "$(dirname "$0")/.."
build=${1:-build/dev}
[ -d "$build" ] || cmake --preset "$(basename "$build")"
cmake --build "$build" --target e2e_chaos e2e_delivery_stream
MQTTC_FULL_LENGTH=1
export MQTTC_FULL_LENGTH
"$build/tests/e2e_chaos" -d
"$build/tests/e2e_delivery_stream" -d

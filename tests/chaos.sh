#!/bin/sh
# The delivery tests at full length: 100,000 messages per QoS over a network that cuts, delays, splits and stalls, with the
# embedded broker and with Debian's mosquitto, which is also stopped and killed; and 200,000 lines.
# Prints the numbers of lost and duplicate messages. ctest runs the same tests with fewer messages.
#
# usage: tests/chaos.sh [BUILD]    (default build/dev; builds the test programs if necessary)
set -e
cd "$(dirname "$0")/.."
build=${1:-build/dev}
[ -d "$build" ] || cmake --preset "$(basename "$build")"
cmake --build "$build" --target e2e_chaos e2e_delivery_stream
MQTTC_FULL_LENGTH=1
export MQTTC_FULL_LENGTH
"$build/tests/e2e_chaos" -d
"$build/tests/e2e_delivery_stream" -d

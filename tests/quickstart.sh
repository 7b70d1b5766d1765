#!/bin/bash
# From a clean clone to a delivered message: installs missing packages, builds, and demonstrates the programs.
#
# usage: tests/quickstart.sh
#
# Shows and checks every command and its output. Exits with 1 if a command does not do what it should.
set -euo pipefail
export LC_ALL=C.UTF-8
cd "$(dirname "$0")/.."
. tests/packages.sh

pids=()
directory=$(mktemp -d)
cleanup() {
    [ ${#pids[@]} -eq 0 ] || kill "${pids[@]}" 2>/dev/null || true
    wait 2>/dev/null || true
    rm -rf "$directory"
}
trap cleanup EXIT

die() {
    echo "quickstart.sh: $1" >&2
    exit 1
}

title() { printf '\n== %s\n' "$1"; }

# until_true SECONDS COMMAND...   repeats COMMAND until it succeeds
until_true() {
    local end=$((SECONDS + $1))
    shift
    until "$@"; do
        [ $SECONDS -lt $end ] || return 1
        sleep 0.05
    done
}

# start_broker OPTIONS...   on port 1883 if it is free, else on a port that the system chooses; sets $port
start_broker() {
    local log=$directory/broker.log requested
    for requested in 1883 0; do
        : >"$log" >"$directory/broker.err"  # remove the output of the previous broker
        (cd "$directory" && exec mqtt_testbroker -v -p $requested "$@") >"$log" 2>"$directory/broker.err" &
        broker=$!
        pids+=("$broker")
        until_true 10 broker_is_ready_or_dead "$log"
        if grep -q '^mqtt_testbroker: listening on ' "$log"; then
            port=$(sed -n '1s/.*://p' "$log")
            echo "\$ mqtt_testbroker -v -p $requested${*:+ $*} 2>broker.err &"
            cat "$log"
            return
        fi
    done
    cat "$directory/broker.err" >&2
    die "mqtt_testbroker does not start"
}
broker_is_ready_or_dead() { grep -q listening "$1" || ! kill -0 "$broker" 2>/dev/null; }

stop_broker() {
    kill "$broker"
    wait "$broker" 2>/dev/null || true
}

# with_port LINE   LINE with the broker's port if that is not the standard port
with_port() {
    if [ "$port" = 1883 ]; then echo "$1"; else echo "${1/-h localhost/-h localhost -p $port}"; fi
}

# run_line EXIT_CODE TEXT LINE   shows LINE with its output; checks its exit code and that it prints TEXT (empty: nothing)
run_line() {
    local line code=0
    line=$(with_port "$3")
    echo "\$ $line"
    (cd "$directory" && timeout 30 bash -c "$line") >"$directory/output" 2>&1 </dev/null || code=$?
    cat "$directory/output"
    [ "$1" -eq 0 ] || echo "(exit code $code)"
    [ "$code" -eq "$1" ] || die "exit code $code instead of $1: $line"
    if [ -z "$2" ]; then
        [ ! -s "$directory/output" ] || die "unexpected output of: $line"
    else
        grep -qF -- "$2" "$directory/output" || die "'$2' was not printed by: $line"
    fi
}

# start_line LINE   shows LINE and starts it; its output goes to $directory/received
start_line() {
    local line
    line=$(with_port "$1")
    echo "\$ $line &"
    : >"$directory/received"
    local before
    before=$(subscriptions)
    (cd "$directory" && exec bash -c "exec $line") >"$directory/received" 2>&1 </dev/null &
    subscriber=$!
    pids+=("$subscriber")
    until_true 20 subscribed_since "$before" || { cat "$directory/received"; die "no subscription by: $line"; }
}

# The broker logs requests (-v).
subscriptions() { grep -c 'SUBSCRIBE .* -> ' "$directory/broker.err" || true; }
subscribed_since() { [ "$(subscriptions)" -gt "$1" ]; }

# received TEXT   waits until the started line has printed TEXT, shows its output and stops it
received() {
    until_true 20 grep -qxF -- "$1" "$directory/received" || { cat "$directory/received"; die "'$1' did not arrive"; }
    cat "$directory/received"
    kill "$subscriber"
    wait "$subscriber" 2>/dev/null || true
}

# type_password LINE PASSWORD   runs LINE on its own terminal and answers its two prompts
type_password() {
    echo "\$ $1"
    mkfifo "$directory/keys"
    : >"$directory/screen"
    (cd "$directory" && exec script -qefc "$1" /dev/null) <"$directory/keys" >"$directory/screen" 2>&1 &
    local terminal=$! code=0 prompts
    pids+=("$terminal")
    exec 3>"$directory/keys"
    for prompts in 1 2; do
        until_true 10 prompted $prompts || { cat "$directory/screen"; die "no prompt $prompts from: $1"; }
        printf '%s\n' "$2" >&3
    done
    wait $terminal || code=$?
    exec 3>&-
    rm "$directory/keys"
    cat "$directory/screen"
    [ $code -eq 0 ] || die "exit code $code: $1"
    ! grep -qF "$2" "$directory/screen" || die "the password was echoed by: $1"
}
prompted() { [ "$(grep -oi 'password[^:]*: ' "$directory/screen" | wc -l)" -ge "$1" ]; }

title "Debian packages"
ensure_packages build broker
echo "quickstart.sh: all installed"

title "Building the release preset and mqtt_testbroker; this takes several minutes (log: build/quickstart.log)"
mkdir -p build
build() { cmake --preset release -D MQTTC_TEST_BROKER=ON && cmake --build --preset release -j "$(nproc)"; }
if ! with_progress build/quickstart.log build; then
    tail -n 40 build/quickstart.log >&2
    die "the build failed; the end of its log is above"
fi
export PATH=$PWD/build/release/bin:$PATH
bin_directory=$PWD/build/release/bin
ls "$bin_directory"

title "A broker, a subscriber and a message"
start_broker
start_line "mqtt_sub -v -h localhost -t '\$SYS/broker/version'"
until_true 20 grep -q '^\$SYS/broker/version .' "$directory/received" || die "no version arrived"
received "$(head -n 1 "$directory/received")"
start_line "mqtt_sub -v -h localhost -t test/val"
run_line 0 "" 'mqtt_pub -h localhost -t test/val -m "Bonjour"'
received "test/val Bonjour"

title "Topics with wildcards"
start_line "mqtt_sub -v -h localhost -t maison/+/temp"
run_line 0 "" "mqtt_pub -h localhost -t maison/salon/hum -m 40"
run_line 0 "" "mqtt_pub -h localhost -t maison/salon/temp -m 21.5"
received "maison/salon/temp 21.5"
! grep -q hum "$directory/received" || die "maison/+/temp matched maison/salon/hum"
run_line 1 "maison/+/temp" "mqtt_sub -h localhost -t maison/+temp"
stop_broker

title "Users and passwords"
type_password "mqtt_passwd -c passwd sondes" mot2passe
start_broker --password-file passwd --no-anonymous
start_line 'mqtt_sub -v -h localhost -u "sondes" -P "mot2passe" -t ctrlled'
run_line 0 "" 'mqtt_pub -h localhost -u "sondes" -P "mot2passe" -t ctrlled -m 1'
received "ctrlled 1"
start_line 'mqtt_sub -v -h localhost -u "sondes" -P "mot2passe" -t maison/+/valeur'
run_line 0 "" 'mqtt_pub -h localhost -u "sondes" -P "mot2passe" -t maison/salon/valeur -m 7'
received "maison/salon/valeur 7"
run_line 5 "mqtt_pub: " "mqtt_pub -h localhost -t ctrlled -m 1"
stop_broker

title "Everything works. The programs are in $bin_directory; tests/run.sh runs the tests."

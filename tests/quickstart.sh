#!/bin/bash
# From a clean clone to a delivered message: installs what is missing, builds, and walks through the programs.
#
# usage: tests/quickstart.sh
#
# Every command is shown with its output, then checked. Exits with 1 when one does not do what it should.
set -euo pipefail
export LC_ALL=C.UTF-8
cd "$(dirname "$0")/.."
. tests/packages.sh

pids=()
folder=$(mktemp -d)
cleanup() {
    [ ${#pids[@]} -eq 0 ] || kill "${pids[@]}" 2>/dev/null || true
    wait 2>/dev/null || true
    rm -rf "$folder"
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

# start_broker OPTIONS...   on port 1883 if that is free, else on one the system chooses; sets $port
start_broker() {
    local log=$folder/broker.log wanted
    for wanted in 1883 0; do
        : >"$log" >"$folder/broker.err"  # not what the last broker said
        (cd "$folder" && exec mqtt_testbroker -v -p $wanted "$@") >"$log" 2>"$folder/broker.err" &
        broker=$!
        pids+=("$broker")
        until_true 10 broker_is_up_or_gone "$log"
        if grep -q '^mqtt_testbroker: listening on ' "$log"; then
            port=$(sed -n '1s/.*://p' "$log")
            echo "\$ mqtt_testbroker -v -p $wanted${*:+ $*} 2>broker.err &"
            cat "$log"
            return
        fi
    done
    cat "$folder/broker.err" >&2
    die "mqtt_testbroker does not start"
}
broker_is_up_or_gone() { grep -q listening "$1" || ! kill -0 "$broker" 2>/dev/null; }

stop_broker() {
    kill "$broker"
    wait "$broker" 2>/dev/null || true
}

# here LINE   LINE as it runs here: with the broker's port when that is not the standard one
here() {
    if [ "$port" = 1883 ]; then echo "$1"; else echo "${1/-h localhost/-h localhost -p $port}"; fi
}

# run_line EXIT_CODE TEXT LINE   shows LINE with its output, and checks its exit code and that it says TEXT (nothing)
run_line() {
    local line code=0
    line=$(here "$3")
    echo "\$ $line"
    (cd "$folder" && timeout 30 bash -c "$line") >"$folder/said" 2>&1 </dev/null || code=$?
    cat "$folder/said"
    [ "$1" -eq 0 ] || echo "(exit code $code)"
    [ "$code" -eq "$1" ] || die "exit code $code instead of $1: $line"
    if [ -z "$2" ]; then
        [ ! -s "$folder/said" ] || die "nothing should have been said by: $line"
    else
        grep -qF -- "$2" "$folder/said" || die "'$2' was not said by: $line"
    fi
}

# start_line LINE   shows LINE and starts it; its output goes to $folder/heard
start_line() {
    local line
    line=$(here "$1")
    echo "\$ $line &"
    : >"$folder/heard"
    local before
    before=$(subscriptions)
    (cd "$folder" && exec bash -c "exec $line") >"$folder/heard" 2>&1 </dev/null &
    listener=$!
    pids+=("$listener")
    until_true 20 subscribed_since "$before" || { cat "$folder/heard"; die "no subscription is made by: $line"; }
}

# The broker (-v) says what it is asked for.
subscriptions() { grep -c 'SUBSCRIBE .* -> ' "$folder/broker.err" || true; }
subscribed_since() { [ "$(subscriptions)" -gt "$1" ]; }

# heard TEXT   waits until the started line has shown TEXT, shows all of it and stops the program
heard() {
    until_true 20 grep -qxF -- "$1" "$folder/heard" || { cat "$folder/heard"; die "'$1' did not arrive"; }
    cat "$folder/heard"
    kill "$listener"
    wait "$listener" 2>/dev/null || true
}

# type_password LINE PASSWORD   runs LINE on a terminal of its own and answers its two prompts
type_password() {
    echo "\$ $1"
    mkfifo "$folder/keys"
    : >"$folder/screen"
    (cd "$folder" && exec script -qefc "$1" /dev/null) <"$folder/keys" >"$folder/screen" 2>&1 &
    local terminal=$! code=0 prompts
    pids+=("$terminal")
    exec 3>"$folder/keys"
    for prompts in 1 2; do
        until_true 10 prompted $prompts || { cat "$folder/screen"; die "no prompt $prompts from: $1"; }
        printf '%s\n' "$2" >&3
    done
    wait $terminal || code=$?
    exec 3>&-
    rm "$folder/keys"
    cat "$folder/screen"
    [ $code -eq 0 ] || die "exit code $code: $1"
    ! grep -qF "$2" "$folder/screen" || die "the password was shown by: $1"
}
prompted() { [ "$(grep -oi 'password[^:]*: ' "$folder/screen" | wc -l)" -ge "$1" ]; }

title "Debian packages"
ensure_packages build
echo "quickstart.sh: all there"

title "Building preset release, which takes some minutes (log: build/quickstart.log)"
mkdir -p build
if ! { cmake --preset release &&
    cmake --build --preset release -j "$(nproc)" --target mqtt_pub mqtt_sub mqtt_passwd mqtt_testbroker; } \
    >build/quickstart.log 2>&1; then
    tail -n 40 build/quickstart.log >&2
    die "the build failed; its last words are above"
fi
export PATH=$PWD/build/release/bin:$PATH
run_here=$PWD/build/release/bin
ls "$run_here"

title "A broker, a subscriber and a message"
start_broker
start_line "mqtt_sub -v -h localhost -t '\$SYS/broker/version'"
until_true 20 grep -q '^\$SYS/broker/version .' "$folder/heard" || die "no version arrived"
heard "$(head -n 1 "$folder/heard")"
start_line "mqtt_sub -v -h localhost -t test/val"
run_line 0 "" 'mqtt_pub -h localhost -t test/val -m "Bonjour"'
heard "test/val Bonjour"

title "Topics with wildcards"
start_line "mqtt_sub -v -h localhost -t maison/+/temp"
run_line 0 "" "mqtt_pub -h localhost -t maison/salon/hum -m 40"
run_line 0 "" "mqtt_pub -h localhost -t maison/salon/temp -m 21.5"
heard "maison/salon/temp 21.5"
! grep -q hum "$folder/heard" || die "maison/+/temp matched maison/salon/hum"
run_line 1 "maison/+/temp" "mqtt_sub -h localhost -t maison/+temp"
stop_broker

title "Users and passwords"
type_password "mqtt_passwd -c passwd sondes" mot2passe
start_broker --password-file passwd --no-anonymous
start_line 'mqtt_sub -v -h localhost -u "sondes" -P "mot2passe" -t ctrlled'
run_line 0 "" 'mqtt_pub -h localhost -u "sondes" -P "mot2passe" -t ctrlled -m 1'
heard "ctrlled 1"
start_line 'mqtt_sub -v -h localhost -u "sondes" -P "mot2passe" -t maison/+/valeur'
run_line 0 "" 'mqtt_pub -h localhost -u "sondes" -P "mot2passe" -t maison/salon/valeur -m 7'
heard "maison/salon/valeur 7"
run_line 5 "mqtt_pub: " "mqtt_pub -h localhost -t ctrlled -m 1"
stop_broker

title "All as it should be. The programs are in $run_here; tests/run.sh runs the tests."

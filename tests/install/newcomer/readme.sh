#!/bin/bash
# Runs the commands of README.md in their order in one shell, as a reader would type them: the blocks marked sh, and the lines
# with a prompt in blocks marked console. A command that fails ends it. The other lines of a console block, and a text block
# that follows an sh block, must be in the output. Warnings of CMake or the compiler are failures, too.
#
# usage: readme.sh README
readme=$1
blocks=$(mktemp -d)
awk -v to="$blocks" '
    /^```/ {
        if (on) { on = ""; next }
        on = substr($0, 4)
        if (on == "") on = "none"
        if (on == "sh" || on == "console") { block = sprintf("%s/%04d", to, NR); print "" >block }
        if (on == "text" && prose == 0 && block) expected = block ".expected"; else expected = ""
        prose = 0
        next
    }
    on == "sh" { print >block }
    on == "console" && /^\$ / { print substr($0, 3) >block; next }
    on == "console" && !/^#/ { print >(block ".expected") }
    on == "text" && expected { print >expected }
    !on && NF { prose = 1 }' "$readme"
set -- "$blocks"/[0-9]???
[ -e "$1" ] || { echo "readme.sh: $readme has no blocks marked sh" >&2; exit 1; }

# Debian's systemd starts the broker when it is installed. It logs subscriptions for the commands that end with &.
broker_started=
start_broker() {
    echo 'log_type all' | sudo tee /etc/mosquitto/conf.d/newcomer.conf >/dev/null
    sudo systemctl start mosquitto >/dev/null
    for _ in {1..100}; do
        ! (exec 3<>/dev/tcp/localhost/1883) 2>/dev/null || return 0
        sleep 0.1
    done
    trap - DEBUG ERR
    cat "$output" >&4
    echo "readme.sh: the broker does not listen" >&4
    exit 1
}
suback() { sudo grep -c 'Sending SUBACK' /var/log/mosquitto/mosquitto.log 2>/dev/null || true; }

# Before each command: a reader would see that the previous one, in the background, has started.
last_job=
subacks=0
before_command() {
    local end
    if [ -z "$broker_started" ] && [ -x /usr/sbin/mosquitto ]; then
        broker_started=yes
        start_broker
    fi
    if [ "${!:-}" != "$last_job" ]; then
        last_job=$!
        end=$((SECONDS + 3))
        while [ "$SECONDS" -lt "$end" ] && kill -0 "$last_job" 2>/dev/null; do
            case $(cat "/proc/$last_job/comm" 2>/dev/null) in
                bash) ;;
                mqtt_sub | "") [ "$(suback)" -eq "$subacks" ] || break ;;
                *) break ;;
            esac
            sleep 0.05
        done
    fi
    [ -z "$broker_started" ] || subacks=$(suback)
}

exec 4>&1
trap 'kill $(jobs -p) 2>/dev/null' EXIT
for block in "$blocks"/[0-9]???; do
    line=${block##*/}
    line=$((10#$line))
    sed '1d; s/^/$ /' "$block" >&4
    output=$block.output  # not one file: commands in the background still write to theirs
    began=$SECONDS
    exec >"$output" 2>&1
    trap before_command DEBUG
    trap 'code=$?; trap - DEBUG ERR; cat "$output" >&4; echo "readme.sh: README.md, block at line $line: exit code $code of: $BASH_COMMAND" >&4; exit 1' ERR
    eval "$(<"$block")"
    :
    trap - DEBUG ERR
    exec >&4 2>&4
    if [ -f "$block.expected" ]; then
        end=$((SECONDS + 10))
        while read -r expected; do
            until grep -qxF -- "$expected" "$output"; do
                [ "$SECONDS" -lt "$end" ] || { cat "$output"; echo "readme.sh: README.md, block at line $line does not print: $expected"; exit 1; }
                sleep 0.1
            done
        done <"$block.expected"
    fi
    if grep -E '^CMake .*Warning|\.(h|hpp|cpp):[0-9:]+ warning: ' "$output"; then
        echo "readme.sh: README.md, block at line $line: a reader would stop at these warnings"
        exit 1
    fi
    tail -n 12 "$output"
    echo "($((SECONDS - began)) s)"
done

#!/bin/bash
# Stands for systemctl in a fresh system without systemd: starts and stops the broker as its unit does. Needs no /proc.
pid_file=/run/mosquitto/mosquitto.pid
start() {
    mkdir -p -m 740 /var/log/mosquitto /run/mosquitto
    chown mosquitto: /var/log/mosquitto /run/mosquitto
    setsid /usr/sbin/mosquitto -c /etc/mosquitto/mosquitto.conf </dev/null >/dev/null 2>&1 &
}
stop() {
    local pid
    pid=$(cat "$pid_file" 2>/dev/null) || return 0
    kill "$pid" || return 0
    while kill -0 "$pid" 2>/dev/null; do sleep 0.05; done
    rm -f "$pid_file"
}
case "$1 ${2%.service}" in
    "start mosquitto") start ;;
    "stop mosquitto") stop ;;
    "restart mosquitto") stop && start ;;
    "reload mosquitto") kill -HUP "$(<"$pid_file")" ;;
    "enable "* | "daemon-reload "*) ;;
    *) echo "systemctl: not supported here: $*" >&2; exit 1 ;;
esac

#!/bin/bash
# Stands for systemctl in a fresh system without systemd: starts and stops the broker as its unit does.
pid_file=/run/mosquitto/mosquitto.pid
start() {
    mkdir -p -m 740 /var/log/mosquitto /run/mosquitto
    chown mosquitto: /var/log/mosquitto /run/mosquitto
    start-stop-daemon --start --background --exec /usr/sbin/mosquitto -- -c /etc/mosquitto/mosquitto.conf
}
stop() {
    [ -s "$pid_file" ] || return 0
    start-stop-daemon --stop --quiet --oknodo --retry 10 --pidfile "$pid_file" --exec /usr/sbin/mosquitto
}
case "$1 ${2%.service}" in
    "start mosquitto") start ;;
    "stop mosquitto") stop ;;
    "restart mosquitto") stop && start ;;
    "reload mosquitto") kill -HUP "$(<"$pid_file")" ;;
    "enable "* | "daemon-reload "*) ;;
    *) echo "systemctl: not supported here: $*" >&2; exit 1 ;;
esac

#!/bin/bash
# Installs mqttc-mosquitto before and after the files of Debian's Mosquitto, and removes it: with a dpkg database of its own,
# because the programs of this machine are used by other tests.
#
# usage: old_names.sh DIRECTORY     of the packages. Only for root.
. "$(dirname "$0")/../strict.sh"
debs=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
die() { echo "old_names.sh: $*" >&2; exit 1; }

# pack PACKAGE VERSION   the programs and manual pages of an installed package, as a package; each program prints its version
pack() {
    local tree=$work/tree file
    rm -rf "$tree"
    mkdir -p "$tree/DEBIAN" "$tree/usr/share/doc/$1"
    echo nobody >"$tree/usr/share/doc/$1/copyright"
    dpkg -L "$1" | grep -E '^/usr/(bin|share/man/man1)/mosquitto' | while read -r file; do
        mkdir -p "$tree/$(dirname "$file")"
        printf '#!/bin/sh\necho %s of Mosquitto %s\n' "${file##*/}" "$2" >"$tree$file"
        chmod 755 "$tree$file"
    done
    printf 'Package: %s\nVersion: %s\nArchitecture: all\nMaintainer: nobody <nobody@example.org>\nDescription: for a test\n' \
        "$1" "$2" >"$tree/DEBIAN/control"
    dpkg-deb -b "$tree" "$work/$1_$2.deb" >/dev/null
}
for version in 1 2; do
    pack mosquitto-clients $version
    pack mosquitto $version
done
theirs() { echo "$work/mosquitto-clients_$1.deb" "$work/mosquitto_$1.deb"; }
ours=("$debs"/mqttc-mosquitto_*.deb "$debs"/mqttc-clients_*.deb)

root=$work/root
# The libraries of mqttc-clients are those of this machine.
dpkg_there() {
    dpkg --root="$root" --force-depends --force-script-chrootless "$@" >"$work/log" 2>&1 || { cat "$work/log"; die "dpkg $*"; }
}
fresh() {
    rm -rf "$root"
    mkdir -p "$root"/var/lib/dpkg/{info,updates,triggers}
    : >"$root/var/lib/dpkg/status"
}
names='pub sub rr passwd'
ours_are_used() {
    local name
    for name in $names; do
        [[ $("$root/usr/bin/mosquitto_$name" --version) == "mosquitto_$name (mqtt_"* ]] || die "mosquitto_$name is not ours: $1"
        gzip -cd "$root/usr/share/man/man1/mosquitto_$name.1.gz" | grep -c '^\.Dd' >/dev/null || die "mosquitto_$name.1.gz is not ours: $1"
    done
}
# theirs_are VERSION WHEN [SUFFIX]
theirs_are() {
    local name
    for name in $names; do
        [ "$("$root/usr/bin/mosquitto_$name${3:-}")" = "mosquitto_$name of Mosquitto $1" ] ||
            die "mosquitto_$name${3:-} is not that of version $1 of Mosquitto: $2"
        [ "$(sh "$root/usr/share/man/man1/mosquitto_$name${3:-}.1.gz")" = "mosquitto_$name.1.gz of Mosquitto $1" ] ||
            die "the manual page mosquitto_$name${3:-}.1.gz is not that of version $1 of Mosquitto: $2"
    done
}
nothing_renamed() {
    local left
    left=$(dpkg-divert --root "$root" --list; find "$root/usr" -name '*.distrib*')
    [ -z "$left" ] || die "$1: left: $left"
}

fresh
# shellcheck disable=SC2046
dpkg_there -i $(theirs 1)
dpkg_there -i "${ours[@]}"
ours_are_used "installed after Mosquitto"
theirs_are 1 "installed before ours" .distrib
dpkg_there -i "${ours[@]}"
ours_are_used "installed twice"
# shellcheck disable=SC2046
dpkg_there -i $(theirs 2)
ours_are_used "after an update of Mosquitto"
theirs_are 2 "after an update" .distrib
dpkg_there -r mqttc-mosquitto
theirs_are 2 "after removal of ours"
nothing_renamed "after removal of ours"
for name in $names; do [ -e "$root/usr/bin/mqtt_${name/rr/pub}" ] || die "mqttc-clients was removed, too"; done

fresh
dpkg_there -i "${ours[@]}"
ours_are_used "without Mosquitto"
# shellcheck disable=SC2046
dpkg_there -i $(theirs 1)
ours_are_used "installed before Mosquitto"
theirs_are 1 "installed after ours" .distrib
dpkg_there -r mosquitto mosquitto-clients
ours_are_used "after removal of Mosquitto"
dpkg_there -r mqttc-mosquitto
left=$(find "$root/usr" -name '*mosquitto*')
[ -z "$left" ] || die "files were not removed: $left"
nothing_renamed "after removal of all"
echo "old names: installed, updated, removed"

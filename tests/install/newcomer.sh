#!/bin/bash
# Does what a newcomer does, in fresh Debian 12 systems without a network: all commands of README.md in their order as an
# ordinary user, then as root; and, in a system where nothing was built, the packages.
#
# usage: newcomer.sh DIRECTORY    a directory for the fresh systems; its downloads are kept for the next run
#
# Only root can run it. It needs apt as this machine has it configured, mmdebstrap and dpkg-dev. The systems have their own
# mounts, processes and network; where that is not permitted (some containers) they are plain chroots.
# Each finished part prints a line `passed: ...`. Exit code 77: skipped.
set -euo pipefail
export LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive
source=$(cd "$(dirname "$0")/../.." && pwd)
here=$source/tests/install/newcomer
mkdir -p "$1"
work=$(cd "$1" && pwd)
. "$source/tests/packages.sh"
me=newcomer.sh
die() { echo "$me: $*" >&2; exit 1; }
heading() { printf '\n-- newcomer: %s  [%d s]\n' "$*" "$SECONDS"; }

if [ "$(id -u)" -ne 0 ]; then
    echo "skipped: only root can make a fresh system"
    exit 77
fi

# Removes a fresh system. Nothing can be mounted in it: mounts end with the namespace, and a plain chroot has none.
remove() {
    ! grep -qF " $1/" /proc/self/mountinfo || die "something is mounted below $1"
    rm -rf --one-file-system "$1"
}
finish() {
    local system
    for system in base user root packages; do
        [ -d "$work/$system" ] || continue
        stop_services "$work/$system"
        remove "$work/$system"
    done
}
# stop_services ROOT   in a plain chroot they run on when the command has ended
stop_services() {
    local process
    for process in /proc/[0-9]*; do
        [ "$(readlink "$process/root")" != "$1" ] || kill -KILL "${process#/proc/}" 2>/dev/null || true
    done
}
trap finish EXIT
finish

# in_system SYSTEM USER COMMAND...   runs COMMAND in the system, in the directory of the sources if there are any
if unshare --mount --pid --net --ipc --uts --fork true 2>/dev/null && unshare --mount --pid --fork --mount-proc true 2>/dev/null; then
    isolated=yes
else
    isolated=
    echo "$me: no namespaces can be made here: the systems are plain chroots, with the network of this machine"
fi
in_system() {
    local root=$work/$1 user=$2 command
    shift 2
    # shellcheck disable=SC2016
    local as_user='cd /home/newcomer/mqttc 2>/dev/null || cd; exec "$@"'
    command=(env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 TERM=dumb
        setpriv --reuid "$user" --regid "$user" --init-groups
        env HOME="$(awk -F: -v u="$user" '$1 == u { print $6 }' "$root/etc/passwd")" USER="$user"
        bash -c "$as_user" bash "$@")
    if [ -z "$isolated" ]; then
        local code=0
        chroot "$root" "${command[@]}" </dev/null || code=$?
        stop_services "$root"
        return "$code"
    fi
    # shellcheck disable=SC2016
    unshare --mount --propagation private --pid --net --ipc --uts --fork --kill-child bash -euc '
        root=$1
        shift
        ip link set lo up 2>/dev/null || python3 "$0"
        hostname newcomer
        mount --bind "$root" "$root"
        mount -t proc proc "$root/proc"
        mount -t tmpfs tmpfs "$root/dev/shm"
        mount -t devpts -o newinstance,ptmxmode=666,mode=620 devpts "$root/dev/pts"
        mount --bind "$root/dev/pts/ptmx" "$root/dev/ptmx"
        exec chroot "$root" "$@"' "$here/loopback_up.py" "$root" "${command[@]}" </dev/null
}

# commands   the commands of README.md: its blocks marked sh and console
commands() { awk '/^```/ { on = ($0 == "```sh" || $0 == "```console"); next } on' "$source/README.md"; }

heading "downloading packages"
# What the commands install, and what this test needs.
mapfile -t wanted < <(commands | sed -n 's/.*apt\(-get\)\{0,1\} install //p' | tr ' ' '\n' | grep -xE '[a-z0-9][a-z0-9+.-]+')
read -ra listed < <(packages_of "$source/tests/packages.txt" build package broker | xargs)
wanted+=("${listed[@]}" '?essential' '?priority(required)' apt sudo ca-certificates mosquitto openssl)
archive=$work/debian
mkdir -p "$archive/partial"
: >"$work/status"
download() {
    apt-get -q -y -o Dir::State::status="$work/status" -o Dir::Cache::archives="$archive" -o Debug::NoLocking=1 \
        -o APT::Keep-Downloaded-Packages=true --no-install-recommends --download-only install "${wanted[@]}" >"$work/download.log" 2>&1
}
download || { apt-get -qq update && download; } || { tail -n 20 "$work/download.log"; die "apt-get cannot download the packages"; }
(cd "$archive" && rm -rf partial lock && dpkg-scanpackages -m -h sha256 . >Packages 2>/dev/null)
grep -q '^Package: mosquitto$' "$archive/Packages" || die "the downloaded packages are incomplete"

heading "a fresh Debian with $(grep -c '^Package:' "$archive/Packages") packages to install"
skips=()
[ -n "$isolated" ] || skips=(--skip=check/canmount,chroot/mount)
mmdebstrap --quiet --mode=root --variant=minbase --include=apt,sudo --dpkgopt=force-unsafe-io "${skips[@]}" '' "$work/base" \
    "deb [trusted=yes] copy:$archive ./" >"$work/base.log" 2>&1 || { tail -n 20 "$work/base.log"; die "no fresh system can be made"; }
base=$work/base
# What the installer of Debian sets up. Questions of apt are answered with yes.
printf '127.0.0.1 localhost\n127.0.1.1 newcomer %s\n::1 localhost\n' "$(hostname)" >"$base/etc/hosts"
echo newcomer >"$base/etc/hostname"
mkdir -p "$base/srv/debian"
cp -l "$archive"/* "$base/srv/debian/" 2>/dev/null || cp "$archive"/* "$base/srv/debian/"
echo 'deb [trusted=yes] file:/srv/debian ./' >"$base/etc/apt/sources.list"
echo 'APT::Get::Assume-Yes "true";' >"$base/etc/apt/apt.conf.d/90newcomer"
echo 'debconf debconf/frontend select Noninteractive' | chroot "$base" debconf-set-selections
chroot "$base" apt-get -qq update
chroot "$base" useradd --create-home --shell /bin/bash newcomer
echo 'newcomer ALL=(ALL) NOPASSWD: ALL' >"$base/etc/sudoers.d/newcomer"
# Without systemd nothing starts services: systemctl starts the broker, which must not run before.
printf '#!/bin/sh\nexit 101\n' >"$base/usr/sbin/policy-rc.d"
install -m 755 "$here/systemctl.sh" "$base/usr/local/bin/systemctl"
install -m 755 -d "$base/opt/newcomer"
install -m 755 "$here"/*.sh "$base/opt/newcomer/"

# README's commands, first as a user, who builds, then in a new system as root, with the user's tree: nothing is compiled twice.
cp -a --reflink=auto "$base" "$work/user"
tree=$work/user/home/newcomer/mqttc
mkdir "$tree"
(cd "$source" && { git ls-files -z 2>/dev/null || find . -path ./build -prune -o -type f -print0; } |
    tar -c --null --files-from=- | tar -x -C "$tree")
chroot "$work/user" chown -R newcomer:newcomer /home/newcomer

heading "what is missing is reported"
in_system user newcomer /opt/newcomer/missing.sh || die "missing packages are not reported as they should be"
echo "passed: missing packages are reported"

heading "README.md as an ordinary user"
in_system user newcomer /opt/newcomer/readme.sh README.md || die "README.md fails for an ordinary user"
in_system user newcomer /opt/newcomer/own_program.sh README.md || die "a program of the user's own cannot be built"
echo "passed: README.md as an ordinary user"

heading "README.md and quickstart.sh as root"
cp -a --reflink=auto "$base" "$work/root"
cp -a --reflink=auto "$tree" "$work/root/home/newcomer/"
debs=("$tree"/build/release/*.deb)
[ -f "${debs[0]}" ] || die "the commands of README.md made no packages in build/release"
cp -a --reflink=auto "$base" "$work/packages"
mkdir "$work/packages/home/newcomer/debs"
cp "${debs[@]}" "$work/packages/home/newcomer/debs/"
remove "$work/user"
if [ -n "$isolated" ]; then
    in_system root root tests/quickstart.sh || die "quickstart.sh fails for root on a fresh system"
    echo "passed: quickstart.sh as root"
else
    echo "skipped: quickstart.sh as root needs a terminal: mounting is not permitted"
fi
in_system root root /opt/newcomer/readme.sh README.md || die "README.md fails for root"
echo "passed: README.md as root"
remove "$work/root"

heading "packages in a system where nothing was built"
in_system packages newcomer /opt/newcomer/packages.sh || die "the packages do not work on a fresh system"
echo "passed: packages in a fresh system"
heading "done"

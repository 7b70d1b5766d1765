# Makes sure that Debian packages are installed; sourced by run.sh and quickstart.sh.

# ensure_packages SECTION...   sections of packages.txt
# As root installs the missing ones; as an ordinary user fails with one line that lists them.
ensure_packages() {
    local me list package missing=()
    me=$(basename "$0")
    list=$(dirname "${BASH_SOURCE[0]}")/packages.txt
    if ! command -v dpkg-query >/dev/null; then
        echo "$me: dpkg is not installed, so these packages are not checked: $(packages_of "$list" "$@" | xargs)"
        return 0
    fi
    for package in $(packages_of "$list" "$@"); do
        is_installed "$package" || missing+=("$package")
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    if [ "$(id -u)" -ne 0 ]; then
        echo "$me: cannot build: packages missing: ${missing[*]} (as root: apt-get update && apt-get install ${missing[*]})" >&2
        return 1
    fi
    echo "$me: installing ${missing[*]}"
    local log
    log=$(mktemp)
    if ! with_progress "$log" install_packages "${missing[@]}"; then
        tail -n 20 "$log" >&2
        rm -f "$log"
        echo "$me: cannot install packages: ${missing[*]} (see the messages of apt-get above)" >&2
        return 1
    fi
    rm -f "$log"
}

# with_progress LOG COMMAND...   the output goes to LOG; a terminal shows its last line, anything else a line every 15 s
with_progress() {
    local log=$1 code=0
    shift
    : >"$log"
    show_progress "$log" $$ &
    local shown_by=$!
    "$@" >"$log" 2>&1 || code=$?
    kill "$shown_by" 2>/dev/null
    wait "$shown_by" 2>/dev/null
    [ ! -t 1 ] || printf '\r\e[K'
    return "$code"
}
show_progress() {
    local began=$SECONDS next=15 line
    # Not until it is killed: it must also end when its parent is killed.
    while kill -0 "$2" 2>/dev/null; do
        line=$(tail -c 1000 "$1" 2>/dev/null | tr -d '\0' | tail -n 1)
        if [ -t 1 ]; then
            printf '\r\e[K%s' "$(cut -c "1-$((${COLUMNS:-$(tput cols 2>/dev/null || echo 80)} - 1))" <<<"$((SECONDS - began)) s  $line")"
        elif [ $((SECONDS - began)) -ge "$next" ]; then
            echo "$((SECONDS - began)) s  $line"
            next=$((next + 15))
        fi
        sleep 0.5
    done
}

# install_packages PACKAGE...   as root, without starting services: mosquitto, nginx and tinyproxy are only tools of the tests
install_packages() (
    # The only setting that the packages' scripts obey with systemd. An existing one is kept.
    policy=${POLICY_RC_D:-/usr/sbin/policy-rc.d}
    if [ ! -e "$policy" ] && [ ! -L "$policy" ]; then
        trap 'rm -f "$policy"' EXIT
        printf '#!/bin/sh\nexit 101\n' >"$policy" && chmod 755 "$policy" || exit 1
    fi
    apt-get -qq update && DEBIAN_FRONTEND=noninteractive \
        apt-get -qq install -y --no-install-recommends "$@" </dev/null
)

# is_installed PACKAGE[:ARCHITECTURE]   a machine for cross builds has packages of several architectures
is_installed() {
    local architecture=${1##*:}
    [ "$architecture" != "$1" ] || architecture=$(dpkg --print-architecture)
    dpkg-query -W -f '${Architecture} ${db:Status-Status}\n' "${1%:*}" 2>/dev/null |
        grep -xE "($architecture|all) installed" >/dev/null
}

packages_of() {
    local list=$1 section
    shift
    for section in "$@"; do
        awk -v want="[$section]" '/^#/ || /^$/ { next } /^\[/ { on = ($0 == want); next } on' "$list"
    done
}

#!/bin/bash
# Builds for ARM on a Debian machine of another kind, runs the tests under qemu-user, and makes the packages.
#
# usage: tests/cross.sh [arm64|armhf]...      without: both
#
#   CROSS_TARGETS="..."   builds and tests only these programs, besides what is packed (e.g. "unit_codec unit_session")
#   CROSS_ROOT=FOLDER     takes the ARM libraries, unpacked, from there instead of installing them (one architecture)
#
# As root it adds the architecture to dpkg and installs what packages.txt names.
set -uo pipefail
export LC_ALL=C.UTF-8
cd "$(dirname "$0")/.." || exit 1
. tests/packages.sh

architectures=("$@")
[ ${#architectures[@]} -gt 0 ] || architectures=(arm64 armhf)
root=${CROSS_ROOT:-}
[ -z "$root" ] || root=$(realpath "$root") || exit 2
read -ra chosen <<<"${CROSS_TARGETS:-}"
# Not interop, which compares with programs of this machine; nor what the emulator cannot do: limit the memory of a
# program and not its own or load a library into it (e2e_delivery), start it without help from the tests (e2e_srv).
labels='unit|e2e'
except_labels='interop'
except='^(e2e_delivery|e2e_srv)$'

die() { echo "cross.sh: $*" >&2; exit 1; }

# add_architecture ARCHITECTURE   taken back when its packages cannot be listed: apt is to work afterwards as before
add_architecture() {
    ! dpkg --print-foreign-architectures | grep -x "$1" >/dev/null || return 0
    [ "$(id -u)" -eq 0 ] || die "the architecture $1 is missing (as root: dpkg --add-architecture $1 && apt-get update)"
    dpkg --add-architecture "$1" || exit 1
    if ! apt-get -qq update; then
        dpkg --remove-architecture "$1" && apt-get -qq update
        die "apt-get cannot list the packages of $1: see above; to use unpacked libraries: CROSS_ROOT=FOLDER"
    fi
}

for architecture in "${architectures[@]}"; do
    case $architecture in
        arm64) triplet=aarch64-linux-gnu ;;
        armhf) triplet=arm-linux-gnueabihf ;;
        *) echo "cross.sh: unknown architecture '$architecture' (there are: arm64 armhf)" >&2; exit 2 ;;
    esac
    ensure_packages build test cross "cross-$architecture" || exit 1
    if [ -z "$root" ]; then
        add_architecture "$architecture"
        ensure_packages "$architecture" || exit 1
    fi

    build=build/$architecture
    packed=(mqtt_pub mqtt_sub mqtt_passwd mqttc mqttc_shared mqttc-tls)
    targets=("${packed[@]}" "${chosen[@]}")
    [ ${#chosen[@]} -gt 0 ] || targets=(all)
    echo "== $architecture: build"
    mkdir -p build
    { cmake --preset "$architecture" -DMQTTC_CROSS_ROOT="$root" &&
        cmake --build --preset "$architecture" --target "${targets[@]}"; } >"$build.log" 2>&1 ||
        { tail -n 40 "$build.log"; die "build of $architecture (whole log: $build.log)"; }

    echo "== $architecture: tests under qemu-user"
    pattern=
    [ ${#chosen[@]} -eq 0 ] || pattern="^($(IFS='|'; echo "${chosen[*]}"))\$"
    ctest --test-dir "$build" -j 2 --timeout 600 --output-on-failure --no-tests=error \
        -L "$labels" -LE "$except_labels" -E "$except" ${pattern:+-R "$pattern"} || die "tests of $architecture"

    echo "== $architecture: packages"
    rm -f "$build"/*.deb
    # dpkg-shlibdeps reads the installed libraries of this architecture; of unpacked ones it knows no package.
    dependencies=()
    if [ -n "$root" ]; then
        dependencies=(-D CPACK_DEBIAN_PACKAGE_SHLIBDEPS=OFF
            -D "CPACK_DEBIAN_MQTTC-CLIENTS_PACKAGE_DEPENDS=libc6 (>= 2.36), libsodium23, libssl3, libwslay1"
            -D "CPACK_DEBIAN_LIBMQTTC_PACKAGE_DEPENDS=libc6 (>= 2.36), libgcc-s1, libssl3, libstdc++6 (>= 12), libwslay1")
    fi
    (cd "$build" && DEB_HOST_ARCH=$architecture cpack -G DEB "${dependencies[@]}") >"$build.log" 2>&1 ||
        { tail -n 40 "$build.log"; die "cpack of $architecture (whole log: $build.log)"; }
    for deb in "$build"/*.deb; do
        printf '%s: %d KiB packed, %s KiB installed\n' "$deb" $(($(stat -c %s "$deb") / 1024)) \
            "$(dpkg-deb -f "$deb" Installed-Size)"
    done
    "$triplet-size" "$build"/bin/mqtt_{pub,sub,passwd} "$build"/lib/libmqttc.so "$build"/lib/mqttc/mqttc-tls.so
done

#!/bin/bash
# Cross-builds for ARM on another Debian machine, runs the tests under qemu-user, and makes and tests the packages.
#
# usage: tests/cross.sh [arm64|armhf]...      without an argument: both
#
#   CROSS_TARGETS="..."   builds and tests only these programs, in addition to those of the packages
#                         (e.g. "unit_codec unit_session")
#   CROSS_UNPACK=yes      unpacks the ARM libraries below build/ instead of installing them; does not change dpkg
#
# As root it adds the architecture to dpkg and installs the packages of packages.txt. Where this is not possible, it unpacks.
# It prints the sizes at the end and, for each architecture, the number of test cases.
set -uo pipefail
export LC_ALL=C.UTF-8
cd "$(dirname "$0")/.." || exit 1
. tests/packages.sh

architectures=("$@")
[ ${#architectures[@]} -gt 0 ] || architectures=(arm64 armhf)
read -ra chosen <<<"${CROSS_TARGETS:-}"
# The programs with each other. Not interop, budget and consistency: they test programs of this machine, or the sources.
# tests/under_qemu.cmake excludes what the emulator cannot do.
labels='unit|cli|e2e'
totals=()

die() { echo "cross.sh: $*" >&2; exit 1; }

# add_architecture ARCHITECTURE   reverted if its packages cannot be listed, so that apt keeps working
add_architecture() {
    ! dpkg --print-foreign-architectures | grep -x "$1" >/dev/null || return 0
    if [ "$(id -u)" -ne 0 ]; then
        echo "cross.sh: only root can add the architecture $1"
        return 1
    fi
    dpkg --add-architecture "$1" || return 1
    apt-get -qq update && return
    dpkg --remove-architecture "$1" && apt-get -qq update
    echo "cross.sh: apt-get cannot list all packages of $1 (see above)"
    return 1
}

# unpack ARCHITECTURE DIRECTORY PACKAGE|FILE...   with all dependencies. Fails if apt cannot satisfy them. apt gets its own
# state, in which nothing is installed; if it cannot fetch one of its lists, it uses the others.
unpack() {
    local architecture=$1 directory=$2 state=$PWD/build/apt-$1 apt deb
    shift 2
    rm -rf "$directory" "$state/archives"
    mkdir -p "$directory" "$state"/{lists,archives}/partial
    : >"$state/status"
    apt=(apt-get -q -o APT::Architecture="$architecture" -o APT::Architectures="$architecture" -o Dir::State="$state"
        -o Dir::State::lists="$state/lists" -o Dir::State::status="$state/status" -o Dir::Cache="$state")
    "${apt[@]}" update >"$state.log" 2>&1 || grep '^E: ' "$state.log"
    "${apt[@]}" install -y --no-install-recommends --download-only "$@" >"$state.log" 2>&1 ||
        { tail -n 20 "$state.log" >&2; return 1; }
    for deb in "$state"/archives/*.deb; do dpkg-deb -x "$deb" "$directory" || return 1; done
    for deb in "$@"; do
        [ ! -f "$deb" ] || dpkg-deb -x "$deb" "$directory" || return 1
    done
}

# run_tests BUILD    adds to totals
run_tests() {
    local junit=$PWD/$1/junit.xml pattern= except='^$' status counted
    # With unpacked libraries the emulator takes their root directory for "/", from which mqtt_passwd follows a path.
    [ -z "$libraries" ] || except='^(unit|cli)_passwd'
    [ ${#chosen[@]} -eq 0 ] || pattern="^($(IFS='|'; echo "${chosen[*]}"))\$"
    rm -f "$junit"
    ctest --test-dir "$1" -j 2 --timeout 1200 --output-on-failure --no-tests=error --output-junit "$junit" \
        --test-output-size-passed 4194304 --test-output-size-failed 4194304 -L "$labels" -E "$except" ${pattern:+-R "$pattern"}
    status=$?
    counted=$(python3 tests/count.py "$junit" | sed -n 1p)
    [ -n "$counted" ] || return 1
    totals+=("$(printf '%s: %d passed, %d failed, %d skipped' "${1##*/}" $counted)")
    return "$status"
}

# try_packages ARCHITECTURE TRIPLET DEB...   apt finds their dependencies; their programs, module and library work together
try_packages() {
    local build=build/$1 root=$PWD/build/$1/root triplet=$2 emulator port message
    emulator=$(sed -n 's/^MQTTC_QEMU:FILEPATH=//p' "$build/CMakeCache.txt")
    unpack "$1" "$root" "${@:3}" || { echo "apt cannot install the packages"; return 1; }
    ours() { local name=$1; shift; "$emulator" -L "$root" "$root/usr/bin/$name" "$@"; }

    coproc broker { exec "$emulator" -L "${libraries:-$root}" "$build/bin/mqtt_testbroker" -p 0; }
    # shellcheck disable=SC2064
    trap "kill $broker_PID 2>/dev/null" EXIT
    read -r -t 60 -u "${broker[0]}" message
    port=${message##*:}
    ours mqtt_pub -p "$port" -t a -r -m retained -q 2 &&
        message=$(ours mqtt_sub -p "$port" -t a -C 1 -W 60) && [ "$message" = retained ] ||
        { echo "mqtt_pub and mqtt_sub of the packages cannot exchange a message: $message"; return 1; }
    # Compile an example program of the manual with the development package and the shared library.
    # shellcheck disable=SC2046
    "$triplet-g++" -std=c++23 "$build/examples/publish.cpp" -o "$build/own" -Wl,-rpath-link="$root/usr/lib/$triplet" \
        $(PKG_CONFIG_LIBDIR=$root/usr/lib/$triplet/pkgconfig PKG_CONFIG_SYSROOT_DIR=$root pkg-config --cflags --libs mqttc) &&
        [[ $("$triplet-readelf" -d "$build/own") == *NEEDED*libmqttc.so.* ]] &&
        "$emulator" -L "$root" "$build/own" "mqtt://127.0.0.1:$port" ||
        { echo "the example program does not work with the packages"; return 1; }
    kill "$broker_PID"
    wait "$broker_PID" 2>/dev/null
    trap - EXIT

    ours mqtt_passwd -b -c "$build/passwd" user secret 2>/dev/null &&
        ours mqtt_passwd --verify user "$build/passwd" <<<secret >/dev/null ||
        { echo "mqtt_passwd cannot verify a password that it has set"; return 1; }
    message=$(ours mqtt_pub -p 1 -t a -m b --tls-use-os-certs 2>&1) && { echo "mqtt_pub connected to port 1, where no server should be"; return 1; }
    case $message in *module*) echo "the TLS module was not found: $message"; return 1 ;; esac
}

for architecture in "${architectures[@]}"; do
    case $architecture in
        arm64) triplet=aarch64-linux-gnu ;;
        armhf) triplet=arm-linux-gnueabihf ;;
        *) echo "cross.sh: unknown architecture '$architecture' (known: arm64 armhf)" >&2; exit 2 ;;
    esac
done
for architecture in "${architectures[@]}"; do
    case $architecture in
        arm64) triplet=aarch64-linux-gnu ;;
        armhf) triplet=arm-linux-gnueabihf ;;
    esac
    build=build/$architecture
    mkdir -p build
    ensure_packages build package broker test cross "cross-$architecture" || exit 1
    libraries=
    if [ "${CROSS_UNPACK:-}" = yes ] || ! { add_architecture "$architecture" && ensure_packages "$architecture"; }; then
        libraries=$PWD/$build-libraries
        echo "== $architecture: unpacking the libraries to $build-libraries"
        read -ra packages < <(packages_of tests/packages.txt "$architecture" | sed 's/:.*//' | xargs)
        unpack "$architecture" "$libraries" "${packages[@]}" || die "libraries of $architecture"
        # Links and linker scripts with absolute paths do not work here. The compiler has its own C library.
        directory=$libraries/usr/lib/$triplet
        for library in ncursesw tinfo; do
            ln -sf "../../../lib/$triplet/lib$library.so.6" "$directory/lib$library.so"
        done
        rm -f "$directory"/lib{c,m}.so
    fi

    packed=(mqtt_pub mqtt_sub mqtt_passwd mqttc mqttc_shared mqttc-tls mqtt_testbroker guide_publish)
    targets=("${packed[@]}" "${chosen[@]}")
    [ ${#chosen[@]} -gt 0 ] || targets=(all)
    echo "== $architecture: build  [$SECONDS s]"
    { cmake --fresh --preset "$architecture" -DMQTTC_CROSS_ROOT="$libraries" &&
        cmake --build --preset "$architecture" --target "${targets[@]}"; } >"$build.log" 2>&1 ||
        { tail -n 40 "$build.log"; die "build of $architecture (whole log: $build.log)"; }

    echo "== $architecture: tests under qemu-user  [$SECONDS s]"
    run_tests "$build" || die "tests of $architecture"
    [ ${#chosen[@]} -gt 0 ] || tests/install/hardening.sh "$build" || die "hardening of $architecture"
    # CROSS_TARGETS builds too few objects for it to judge.
    [ ${#chosen[@]} -gt 0 ] || tests/install/hardening.sh "$build" || die "hardening of $architecture"

    echo "== $architecture: packages  [$SECONDS s]"
    rm -f "$build"/*.deb
    # dpkg-shlibdeps needs installed libraries of this architecture; it does not know the packages of unpacked ones.
    dependencies=()
    if [ -n "$libraries" ]; then
        dependencies=(-D CPACK_DEBIAN_PACKAGE_SHLIBDEPS=OFF
            -D "CPACK_DEBIAN_MQTTC-CLIENTS_PACKAGE_DEPENDS=libc6 (>= 2.36), libncursesw6, libsodium23, libssl3, libtinfo6"
            -D "CPACK_DEBIAN_LIBMQTTC_PACKAGE_DEPENDS=libc6 (>= 2.36), libgcc-s1, libssl3, libstdc++6 (>= 12)")
    fi
    (cd "$build" && DEB_HOST_ARCH=$architecture cpack -G DEB "${dependencies[@]}") >"$build.log" 2>&1 ||
        { tail -n 40 "$build.log"; die "cpack of $architecture (whole log: $build.log)"; }
    debs=("$PWD/$build"/*.deb)
    try_packages "$architecture" "$triplet" "${debs[@]}" || die "packages of $architecture"
    tests/install/judge.sh "${debs[@]}" || die "packages of $architecture"
    "$triplet-size" "$build"/bin/mqtt_{pub,sub,passwd} "$build"/lib/libmqttc.so "$build"/lib/mqttc/mqttc-tls.so
done
echo "== done  [$SECONDS s]"
printf '%s\n' "${totals[@]}"

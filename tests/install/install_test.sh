#!/bin/bash
# Installs a release build into a directory, moves the directory, and uses it: programs, manuals, completions, a program
# built with CMake and with pkg-config, and the TLS module.
#
# usage: install_test.sh BUILD_DIRECTORY    needs mqtt_testbroker of preset dev
. "$(dirname "$0")/../strict.sh"
build=$(cd "$1" && pwd)
source=$(cd "$(dirname "$0")/../.." && pwd)
testbroker=$source/build/dev/bin/mqtt_testbroker
work=$(mktemp -d)
broker=0
finish() {
    [ "$broker" = 0 ] || kill "$broker" 2>/dev/null || true
    rm -rf "$work"
}
trap finish EXIT
die() { echo "install_test.sh: $*" >&2; exit 1; }

[ -x "$testbroker" ] || die "$testbroker is missing: cmake --preset dev && cmake --build --preset dev"
cmake --install "$build" --prefix "$work/first" >"$work/install.log"
# Nothing may depend on the installation directory.
mv "$work/first" "$work/moved"
prefix=$work/moved
version=$(sed -n 's/^CMAKE_PROJECT_VERSION:.*=\([0-9]*\.[0-9]*\)\..*/\1/p' "$build/CMakeCache.txt")
lib=$(cd "$prefix/$(grep '^CMAKE_INSTALL_LIBDIR:' "$build/CMakeCache.txt" | cut -d= -f2)" && pwd)

for file in bin/mqtt_pub bin/mqtt_sub bin/mqtt_passwd share/man/man1/mqtt_pub.1 share/man/man1/mqtt_sub.1 \
    share/man/man1/mqtt_passwd.1 share/man/man3/mqttc.3 share/man/man7/mqttc-recipes.7 share/bash-completion/completions/mqtt_sub \
    share/fish/vendor_completions.d/mqtt_pub.fish share/zsh/vendor-completions/_mqtt_pub include/mqttc/client.hpp; do
    [ -e "$prefix/$file" ] || die "$file was not installed"
done
for file in libmqttc.a libmqttc.so mqttc/mqttc-tls.so mqttc/mqttc-screen.so pkgconfig/mqttc.pc cmake/mqttc/mqttcConfig.cmake; do
    [ -e "$lib/$file" ] || die "$file was not installed"
done
[ ! -e "$prefix/bin/mqtt_testbroker" ] || die "mqtt_testbroker must not be installed"

mkfifo "$work/ports"
"$testbroker" -p 0 >"$work/ports" &
broker=$!
exec 3<"$work/ports"
read -r line <&3
port=${line##*:}

"$prefix/bin/mqtt_pub" -p "$port" -t retained -m installed -r
[ "$("$prefix/bin/mqtt_sub" -p "$port" -t retained -C 1 -W 10)" = installed ] || die "no message was received"

# A broker without TLS: the error message shows whether the TLS module was found.
if message=$("$prefix/bin/mqtt_pub" -p "$port" -t a -m b --tls-use-os-certs --connect-timeout 5 2>&1); then
    die "TLS to a broker without TLS must fail"
fi
case $message in *module*) die "the TLS module was not found: $message" ;; esac

mkdir "$work/own"
cat >"$work/own/main.cpp" <<'CPP'
#include <cstdio>
#include <cstdlib>

#include <mqttc/client.hpp>

struct Handler : mqttc::ClientHandler {
    mqttc::Client* client = nullptr;
    void on_connack(const mqttc::Connack&) override {
        (void)client->publish({.topic = "own", .payload = mqttc::as_bytes("program")});
        client->disconnect();
    }
};

int main(int argc, char** argv) {
    mqttc::ClientOptions options;
    options.endpoint.host = "127.0.0.1";
    options.endpoint.port = static_cast<std::uint16_t>(std::atoi(argc > 1 ? argv[1] : ""));
    if (argc > 2) options.endpoint.tls = mqttc::TlsOptions{};
    Handler handler;
    mqttc::Client client(options, handler);
    handler.client = &client;
    const auto done = client.run();
    if (!done) std::fprintf(stderr, "%s\n", done.error().context.c_str());
    return done ? 0 : 1;
}
CPP
cat >"$work/own/CMakeLists.txt" <<CMAKE
cmake_minimum_required(VERSION 3.25)
project(own LANGUAGES CXX)
find_package(mqttc $version REQUIRED)
add_executable(own_shared main.cpp)
target_link_libraries(own_shared mqttc::mqttc)
add_executable(own_static main.cpp)
target_link_libraries(own_static mqttc::mqttc_static)
CMAKE
cmake -S "$work/own" -B "$work/own/build" -DCMAKE_PREFIX_PATH="$prefix" >"$work/own.log" 2>&1 &&
    cmake --build "$work/own/build" >>"$work/own.log" 2>&1 || { cat "$work/own.log"; die "find_package(mqttc) failed"; }
cmake -S "$prefix/share/doc/libmqttc-dev/examples" -B "$work/examples" -DCMAKE_PREFIX_PATH="$prefix" >"$work/own.log" 2>&1 &&
    cmake --build "$work/examples" >>"$work/own.log" 2>&1 || { cat "$work/own.log"; die "the examples cannot be built"; }
"$work/examples/publish" "mqtt://127.0.0.1:$port" || die "the example does not publish"
flags=$(PKG_CONFIG_PATH="$lib/pkgconfig" pkg-config --cflags --libs mqttc)
# shellcheck disable=SC2086
c++ -std=c++23 "$work/own/main.cpp" $flags -o "$work/own/own_pkgconfig" || die "pkg-config's flags do not build"

received_from() {
    : >"$work/received"  # otherwise the line of the program before may be found before the subscriber has started
    "$prefix/bin/mqtt_sub" -p "$port" -t own -t retained -C 2 -W 20 >"$work/received" &
    local subscriber=$!
    until grep -q installed "$work/received"; do kill -0 "$subscriber" 2>/dev/null || return 1; sleep 0.02; done
    "$@" "$port" || return 1
    wait "$subscriber" && grep -q '^program$' "$work/received"
}
export LD_LIBRARY_PATH=$lib
for program in build/own_shared build/own_static own_pkgconfig; do
    received_from "$work/own/$program" || die "$program did not publish"
done
# A program in another directory finds the module next to the shared library.
if message=$("$work/own/own_pkgconfig" "$port" tls 2>&1); then die "TLS to a broker without TLS must fail"; fi
case $message in *module*) die "the TLS module was not found next to the library: $message" ;; esac
# A program that replaces operator new, as sanitizers do: the module must use it as well.
# shellcheck disable=SC2086
c++ -std=c++23 -fsanitize=address "$work/own/main.cpp" $flags -o "$work/own/own_new" || die "cannot build with a sanitizer"
if message=$(ASAN_OPTIONS=detect_leaks=0 "$work/own/own_new" "$port" tls 2>&1); then die "TLS to a broker without TLS must fail"; fi
case $message in
    *Sanitizer*) die "the module frees what it has not allocated: $message" ;;
    "cannot connect to 127.0.0.1:$port: "*) ;;
    *) die "unexpected message with a sanitizer: $message" ;;
esac

visible=$(nm -DC --defined-only "$lib/libmqttc.so" | cut -d' ' -f3- | grep -vE '^(typeinfo( name)? for |vtable for |VTT for )?mqttc::' || true)
[ -z "$visible" ] || die "the shared library exports more than mqttc's API: $visible"
# The archive must not define names outside of namespace mqttc.
visible=$(nm -gC --defined-only "$lib/libmqttc.a" | awk '$2 ~ /^[ABCDGRSTi]$/' | grep -vE ' (guard variable for )?mqttc::' || true)
[ -z "$visible" ] || die "the static library defines names outside of mqttc: $visible"
# The soname must change when find_package no longer accepts the version.
soname=$(objdump -p "$lib/libmqttc.so" | awk '$1 == "SONAME" { print $2 }')
version=$(sed -n 's/^set(PACKAGE_VERSION "\(.*\)")$/\1/p' "$lib/cmake/mqttc/mqttcConfigVersion.cmake")
case $version in 0.*) [ "$soname" = "libmqttc.so.${version%.*}" ] || die "version $version has the soname $soname" ;; esac

echo "installed, moved, used by CMake and pkg-config"

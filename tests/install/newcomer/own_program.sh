#!/bin/bash
# Builds a program of the user's own with what README says about the library, after the packages have been installed.
#
# usage: own_program.sh README
set -euo pipefail
die() { echo "own_program.sh: $*" >&2; exit 1; }
mkdir -p ~/own
{
    printf 'cmake_minimum_required(VERSION 3.20)\nproject(own CXX)\nadd_executable(own own.cpp)\n'
    grep -oE '`(find_package|target_link_libraries)\([^)]*\)`' "$1" | tr -d '`'
} >~/own/CMakeLists.txt
[ "$(grep -c mqttc ~/own/CMakeLists.txt)" -eq 2 ] || die "README does not say how to use the library with CMake"
cat >~/own/own.cpp <<'CPP'
#include <cstdio>
#include <mqttc/client.hpp>

int main() {
    mqttc::ClientOptions options;
    options.endpoint.port = 1;
    mqttc::ClientHandler handler;
    mqttc::Client client(options, handler);
    const auto ended = client.run();
    std::puts(ended ? "connected" : ended.error().context.c_str());
}
CPP
cmake -S ~/own -B ~/own/build >/dev/null
cmake --build ~/own/build >/dev/null
printed=$(~/own/build/own)
[[ $printed == "cannot connect to "*": connection refused"* ]] || die "the program printed: $printed"
echo "$printed"

#!/bin/bash
# What the build reports on a system without the packages that it needs.
set -euo pipefail
die() { echo "missing.sh: $*" >&2; exit 1; }
expect() { [[ $1 == *"$2"* ]] || die "expected '$2' in: $1"; }
all=$(awk '/^\[/ { on = ($0 == "[build]"); next } on && NF' tests/packages.txt | xargs)

message=$(tests/quickstart.sh 2>&1) && die "quickstart.sh must fail"
expect "$message" "$all"
sudo apt-get -qq install cmake >/dev/null
message=$(cmake --preset release 2>&1) && die "cmake must fail without a compiler"
for package in ninja-build g++ pkg-config; do expect "$message" "$package"; done
expect "$message" "sudo apt install $all"
sudo apt-get -qq install ninja-build g++ pkg-config >/dev/null
message=$(cmake --preset release 2>&1) && die "cmake must fail without libraries"
for package in libcli11-dev libncurses-dev libssl-dev libsodium-dev nlohmann-json3-dev; do expect "$message" "$package"; done
rm -rf build
# shellcheck disable=SC2086
sudo apt-get -qq install $all >/dev/null
cmake --preset release >/dev/null
message=$(cd build/release && cpack 2>&1) && die "cpack must fail without dpkg-shlibdeps"
expect "$message" "sudo apt install dpkg-dev file mandoc"
message=$(cmake --build --preset release --target reference 2>&1) && die "the target reference must fail without doxygen"
expect "$message" "sudo apt install doxygen"
message=$(cmake --install build/release 2>&1) && die "cmake --install must fail without a prefix"
expect "$message" "--prefix"

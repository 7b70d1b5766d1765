# Toolchain file: builds for 64-bit ARM (Raspberry Pi 3 and later with a 64-bit system) on Debian.
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(triplet aarch64-linux-gnu)
set(CPACK_DEBIAN_PACKAGE_ARCHITECTURE arm64)
include(${CMAKE_CURRENT_LIST_DIR}/debian.cmake)

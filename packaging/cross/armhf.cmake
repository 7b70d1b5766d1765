# Toolchain file: builds for 32-bit ARM with hardware floating point (ARMv7) on Debian.
set(CMAKE_SYSTEM_PROCESSOR arm)
set(triplet arm-linux-gnueabihf)
set(CPACK_DEBIAN_PACKAGE_ARCHITECTURE armhf)
# No notes about arguments that GCC 7 passes in another way than GCC 6.
set(CMAKE_CXX_FLAGS_INIT "-Wno-psabi")
include(${CMAKE_CURRENT_LIST_DIR}/debian.cmake)

# Common part of the toolchain files: Debian's cross compiler for ${triplet}, and the multiarch directories of libraries.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_CXX_COMPILER ${triplet}-g++)
set(CMAKE_LIBRARY_ARCHITECTURE ${triplet})
# GNUInstallDirs uses Debian's directory only for native builds.
set(CMAKE_INSTALL_LIBDIR lib/${triplet} CACHE STRING "Where libraries are installed")
# Programs come from the build machine; libraries must be those of the target architecture.
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_IGNORE_PREFIX_PATH /usr/local)
# Where the libraries are: installed, or unpacked (dpkg-deb -x) into a directory.
set(MQTTC_CROSS_ROOT "" CACHE PATH "A directory with the unpacked libraries of the target architecture, or empty")
list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES MQTTC_CROSS_ROOT)
set(ENV{PKG_CONFIG_LIBDIR} ${MQTTC_CROSS_ROOT}/usr/lib/${triplet}/pkgconfig)
if(MQTTC_CROSS_ROOT)
  set(ENV{PKG_CONFIG_SYSROOT_DIR} ${MQTTC_CROSS_ROOT})
  set(CMAKE_FIND_ROOT_PATH ${MQTTC_CROSS_ROOT})
  set(CMAKE_CXX_FLAGS_INIT "${CMAKE_CXX_FLAGS_INIT} -isystem ${MQTTC_CROSS_ROOT}/usr/include/${triplet}")
  set(qemu_arguments -L ${MQTTC_CROSS_ROOT})
  # Programs find the libraries below the emulator's root directory, and need no path for the build.
  set(CMAKE_SKIP_BUILD_RPATH ON)
  foreach(kind EXE SHARED MODULE)
    set(CMAKE_${kind}_LINKER_FLAGS_INIT
      "-Wl,-rpath-link=${MQTTC_CROSS_ROOT}/usr/lib/${triplet}:${MQTTC_CROSS_ROOT}/lib/${triplet}")
  endforeach()
endif()
# libwslay-dev cannot be installed for two architectures at once: use the header of the build machine, which is the same,
# and the library of the package libwslay1.
set(MQTTC_WSLAY ${MQTTC_CROSS_ROOT}/usr/lib/${triplet}/libwslay.so.1 CACHE FILEPATH "The library of wslay")
find_program(MQTTC_QEMU NAMES qemu-${CMAKE_SYSTEM_PROCESSOR} qemu-${CMAKE_SYSTEM_PROCESSOR}-static)
if(MQTTC_QEMU)
  set(CMAKE_CROSSCOMPILING_EMULATOR ${MQTTC_QEMU} ${qemu_arguments})
endif()

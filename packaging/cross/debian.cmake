# What the toolchain files share: Debian's cross compiler of ${triplet}, and the multiarch folders of its libraries.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_CXX_COMPILER ${triplet}-g++)
set(CMAKE_LIBRARY_ARCHITECTURE ${triplet})
# GNUInstallDirs knows Debian's folder only where it does not cross-compile.
set(CMAKE_INSTALL_LIBDIR lib/${triplet} CACHE STRING "Where libraries are installed")
# Programs are the machine's own; libraries of the machine's own architecture are of no use.
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_IGNORE_PREFIX_PATH /usr/local)
# Where the libraries are: installed, or unpacked (dpkg-deb -x) into a folder of their own.
set(MQTTC_CROSS_ROOT "" CACHE PATH "A folder with the unpacked libraries of the other architecture, or nothing")
list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES MQTTC_CROSS_ROOT)
set(ENV{PKG_CONFIG_LIBDIR} ${MQTTC_CROSS_ROOT}/usr/lib/${triplet}/pkgconfig)
if(MQTTC_CROSS_ROOT)
  set(ENV{PKG_CONFIG_SYSROOT_DIR} ${MQTTC_CROSS_ROOT})
  set(CMAKE_FIND_ROOT_PATH ${MQTTC_CROSS_ROOT})
  set(CMAKE_CXX_FLAGS_INIT "${CMAKE_CXX_FLAGS_INIT} -isystem ${MQTTC_CROSS_ROOT}/usr/include/${triplet}")
  set(qemu_arguments -L ${MQTTC_CROSS_ROOT})
endif()
# libwslay-dev cannot be installed for two architectures at once: its header is the machine's own
# (the same everywhere), its library is that of the package libwslay1.
set(MQTTC_WSLAY ${MQTTC_CROSS_ROOT}/usr/lib/${triplet}/libwslay.so.1 CACHE FILEPATH "The library of wslay")
find_program(MQTTC_QEMU NAMES qemu-${CMAKE_SYSTEM_PROCESSOR} qemu-${CMAKE_SYSTEM_PROCESSOR}-static)
if(MQTTC_QEMU)
  set(CMAKE_CROSSCOMPILING_EMULATOR ${MQTTC_QEMU} ${qemu_arguments})
endif()

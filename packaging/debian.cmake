# The Debian packages, made by CPack: one for each component.
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME mqttc)
set(CPACK_PACKAGE_VENDOR mqttc)
set(CPACK_PACKAGE_CONTACT "mqttc maintainers <maintainers@users.noreply.github.com>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "")  # it would be the synopsis of each package
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES TRUE)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_PROJECT_CONFIG_FILE ${CMAKE_CURRENT_LIST_DIR}/check_cpack.cmake)
mqttc_packages(CPACK_MQTTC_REQUIRED package)
set(CPACK_PRE_BUILD_SCRIPTS ${CMAKE_CURRENT_LIST_DIR}/compress_manuals.cmake)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
set(CPACK_DEBIAN_ENABLE_COMPONENT_DEPENDS OFF)

set(deb ${CMAKE_CURRENT_BINARY_DIR}/deb)
file(MAKE_DIRECTORY ${deb})
set(version "(= ${PROJECT_VERSION}-1)")  # of packages that belong together

# Copyright and changelogs of each package.
file(WRITE ${deb}/copyright "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: mqttc

Files: *
Copyright: 2026 the mqttc authors
License: MIT
")
file(READ ${PROJECT_SOURCE_DIR}/LICENSE licence)
string(REGEX REPLACE "^MIT License\n\nCopyright[^\n]*\n\n" "" licence "${licence}")
string(REGEX REPLACE "\n$" "" licence "${licence}")
string(REPLACE "\n\n" "\n.\n" licence "${licence}")
string(REPLACE "\n" "\n " licence "${licence}")
file(APPEND ${deb}/copyright "\nLicense: MIT\n ${licence}\n")
# The date is that of the release in CHANGELOG.md.
file(STRINGS ${PROJECT_SOURCE_DIR}/CHANGELOG.md released REGEX "^## \\[${PROJECT_VERSION}\\] - " LIMIT_COUNT 1)
if(NOT released)
  message(FATAL_ERROR "CHANGELOG.md has no section for version ${PROJECT_VERSION}")
endif()
string(REGEX REPLACE ".* - " "" released "${released}")
find_program(MQTTC_DATE date REQUIRED)
execute_process(COMMAND ${CMAKE_COMMAND} -E env LC_ALL=C ${MQTTC_DATE} -u -R -d "${released} 12:00" OUTPUT_VARIABLE released
  OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
file(WRITE ${deb}/changelog.Debian "mqttc (${PROJECT_VERSION}-1) bookworm; urgency=medium

  * Version ${PROJECT_VERSION}: see changelog.gz in this directory.

 -- mqttc maintainers <maintainers@users.noreply.github.com>  ${released}
")
configure_file(${PROJECT_SOURCE_DIR}/CHANGELOG.md ${deb}/changelog COPYONLY)
find_program(MQTTC_GZIP gzip REQUIRED)
execute_process(COMMAND ${MQTTC_GZIP} -9 -n -f -k changelog changelog.Debian WORKING_DIRECTORY ${deb}
  COMMAND_ERROR_IS_FATAL ANY)

# mqttc_package(COMPONENT SECTION DESCRIPTION [NAME package] [VARIABLE value]...)
# The first line of DESCRIPTION is the synopsis. Each VARIABLE is one of CPack: CPACK_DEBIAN_<COMPONENT>_PACKAGE_<VARIABLE>.
macro(mqttc_package component section description)
  string(TOUPPER CPACK_DEBIAN_${component} prefix)
  set(${prefix}_PACKAGE_NAME ${component})
  set(${prefix}_PACKAGE_SECTION ${section})
  set(${prefix}_DESCRIPTION "${description}")
  set(arguments ${ARGN})
  while(arguments)
    list(POP_FRONT arguments variable value)
    set(${prefix}_PACKAGE_${variable} "${value}")
  endwhile()
  install(FILES ${deb}/copyright ${deb}/changelog.gz ${deb}/changelog.Debian.gz
    DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/${${prefix}_PACKAGE_NAME} COMPONENT ${component} EXCLUDE_FROM_ALL)
  list(APPEND CPACK_COMPONENTS_ALL ${component})
endmacro()

set(recommended "")
if(MQTTC_PROTOBUF)
  set(recommended ", mqttc-protobuf ${version}")
endif()
# mqtt_sub --save loads OpenSSL at run time. The library is linked into the programs, but not its TLS module.
mqttc_package(mqttc-clients net "publish, subscribe and manage passwords with MQTT
mqtt_pub, mqtt_sub and mqtt_passwd take the options of Mosquitto's clients,
so that scripts keep working. No acknowledged message is lost, and messages
and exit codes report each kind of failure.

MQTT 3.1, 3.1.1 and 5.0 over TCP, TLS, WebSocket and Unix sockets."
  DEPENDS libssl3
  RECOMMENDS "libmqttc${MQTTC_ABI_VERSION} ${version}, ca-certificates${recommended}"
  SUGGESTS mqttc-doc)

include(${CMAKE_CURRENT_LIST_DIR}/mosquitto.cmake)

if(MQTTC_PROTOBUF)
  mqttc_package(mqttc-protobuf net "Sparkplug B and Protocol Buffers for MQTT programs
The module that mqtt_sub --decode and mqtt_pub --encode need for Sparkplug B and
for the messages of .proto files.")
endif()

mqttc_package(libmqttc libs "MQTT client library for C++ - shared library and TLS module
A C++23 library for MQTT 3.1, 3.1.1 and 5.0 at every quality of service: a
client that reconnects, and a protocol core without I/O for any event loop."
  NAME libmqttc${MQTTC_ABI_VERSION}
  RECOMMENDS ca-certificates)
file(WRITE ${deb}/triggers "activate-noawait ldconfig\n")
file(WRITE ${deb}/shlibs "libmqttc ${MQTTC_ABI_VERSION} libmqttc${MQTTC_ABI_VERSION} (>= ${PROJECT_VERSION})\n")
set(CPACK_DEBIAN_LIBMQTTC_PACKAGE_CONTROL_EXTRA ${deb}/triggers ${deb}/shlibs)

mqttc_package(libmqttc-dev libdevel "MQTT client library for C++ - development files
Headers, the static library, the CMake package, the pkg-config file and the
manual of libmqttc, a C++23 library for MQTT 3.1, 3.1.1 and 5.0."
  DEPENDS "libmqttc${MQTTC_ABI_VERSION} ${version}"
  SUGGESTS mqttc-doc)

mqttc_package(mqttc-doc doc "MQTT programs and client library - manual in HTML
The manual pages of mqtt_pub, mqtt_sub, mqtt_passwd and of the C++ library
libmqttc as HTML: open /usr/share/doc/mqttc-doc/html/index.html."
  ARCHITECTURE all)

include(CPack)

# Three Debian packages by CPack: mqttc-clients, libmqttc, libmqttc-dev.
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME mqttc)
set(CPACK_PACKAGE_VENDOR mqttc)
set(CPACK_PACKAGE_CONTACT "mqttc maintainers <maintainers@users.noreply.github.com>")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES TRUE)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ON)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS_POLICY >=)
set(CPACK_PRE_BUILD_SCRIPTS ${CMAKE_CURRENT_LIST_DIR}/compress_manuals.cmake)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_COMPONENTS_ALL mqttc-clients libmqttc libmqttc-dev)
set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
set(CPACK_DEBIAN_ENABLE_COMPONENT_DEPENDS OFF)
set(CPACK_DEBIAN_PACKAGE_HOMEPAGE "https://mqtt.org/")

set(deb ${CMAKE_CURRENT_BINARY_DIR}/deb)
file(MAKE_DIRECTORY ${deb})

set(CPACK_DEBIAN_MQTTC-CLIENTS_PACKAGE_NAME mqttc-clients)
set(CPACK_DEBIAN_MQTTC-CLIENTS_PACKAGE_SECTION net)
# mqtt_sub --save loads OpenSSL at run time.
set(CPACK_DEBIAN_MQTTC-CLIENTS_PACKAGE_DEPENDS "libssl3")
set(CPACK_DEBIAN_MQTTC-CLIENTS_DESCRIPTION "MQTT command line: publish, subscribe, password files
mqtt_pub, mqtt_sub and mqtt_passwd take the options of Mosquitto's clients,
so that scripts keep working. No acknowledged message is lost, and messages
and exit codes report each kind of failure.

MQTT 3.1, 3.1.1 and 5.0 over TCP, TLS, WebSocket and Unix sockets.")
# The library is linked into the programs; they load its TLS module when they need it.
set(CPACK_DEBIAN_MQTTC-CLIENTS_PACKAGE_RECOMMENDS "libmqttc${MQTTC_ABI_VERSION} (= ${PROJECT_VERSION}-1), ca-certificates")

set(CPACK_DEBIAN_LIBMQTTC_PACKAGE_NAME libmqttc${MQTTC_ABI_VERSION})
set(CPACK_DEBIAN_LIBMQTTC_PACKAGE_SECTION libs)
set(CPACK_DEBIAN_LIBMQTTC_PACKAGE_RECOMMENDS ca-certificates)
set(CPACK_DEBIAN_LIBMQTTC_DESCRIPTION "MQTT client library - shared library and TLS module
A C++23 library for MQTT 3.1, 3.1.1 and 5.0 at every quality of service: a
client that reconnects, and a protocol core without I/O for any event loop.")
file(WRITE ${deb}/triggers "activate-noawait ldconfig\n")
set(CPACK_DEBIAN_LIBMQTTC_PACKAGE_CONTROL_EXTRA ${deb}/triggers)

set(CPACK_DEBIAN_LIBMQTTC-DEV_PACKAGE_NAME libmqttc-dev)
set(CPACK_DEBIAN_LIBMQTTC-DEV_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_LIBMQTTC-DEV_PACKAGE_DEPENDS "libmqttc${MQTTC_ABI_VERSION} (= ${PROJECT_VERSION}-1), libwslay-dev")
set(CPACK_DEBIAN_LIBMQTTC-DEV_DESCRIPTION "MQTT client library - development files
Headers, the static library, the CMake package, the pkg-config file and the
manual of libmqttc, a C++23 library for MQTT 3.1, 3.1.1 and 5.0.")

# Copyright and changelog of each package.
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
file(WRITE ${deb}/changelog "mqttc (${PROJECT_VERSION}-1) bookworm; urgency=medium

  * See CHANGELOG.md of the sources.

 -- mqttc maintainers <maintainers@users.noreply.github.com>  Sun, 22 Nov 2026 12:00:00 +0000
")
find_program(MQTTC_GZIP gzip REQUIRED)
execute_process(COMMAND ${MQTTC_GZIP} -9 -n -f -k changelog WORKING_DIRECTORY ${deb} COMMAND_ERROR_IS_FATAL ANY)
foreach(package mqttc-clients libmqttc${MQTTC_ABI_VERSION} libmqttc-dev)
  string(REGEX REPLACE "[0-9.]+$" "" component ${package})
  install(FILES ${deb}/copyright DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/${package} COMPONENT ${component})
  install(FILES ${deb}/changelog.gz DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/${package} COMPONENT ${component}
    RENAME changelog.Debian.gz)
endforeach()

include(CPack)

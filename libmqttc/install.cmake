# What others build against: the static and the shared library, headers, CMake package and pkg-config file.
include(CMakePackageConfigHelpers)

set_target_properties(mqttc PROPERTIES EXPORT_NAME mqttc_static)
set(public_headers ${CMAKE_CURRENT_SOURCE_DIR}/include)
target_include_directories(mqttc INTERFACE $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)

# The shared library is made of the same objects and shows only what MQTTC_API marks.
add_library(mqttc_shared SHARED)
set_target_properties(mqttc_shared PROPERTIES
  OUTPUT_NAME mqttc EXPORT_NAME mqttc LINKER_LANGUAGE CXX
  VERSION ${PROJECT_VERSION} SOVERSION ${MQTTC_ABI_VERSION}
  LINK_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/libmqttc.map)
target_include_directories(mqttc_shared INTERFACE $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
target_compile_features(mqttc_shared INTERFACE cxx_std_23)
target_link_libraries(mqttc_shared PRIVATE mqttc_base mqttc_codec mqttc_session mqttc_net mqttc_client mqttc_build_flags)
target_link_options(mqttc_shared PRIVATE LINKER:--exclude-libs,ALL LINKER:--no-undefined LINKER:--as-needed
  LINKER:--version-script=${CMAKE_CURRENT_SOURCE_DIR}/libmqttc.map)
set_target_properties(mqttc_shared PROPERTIES LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/lib)

install(TARGETS mqttc_shared EXPORT mqttc
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT libmqttc NAMELINK_COMPONENT libmqttc-dev)
install(FILES $<TARGET_FILE:mqttc> DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT libmqttc-dev)
install(DIRECTORY include/mqttc DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT libmqttc-dev
  FILES_MATCHING PATTERN *.hpp)
install(EXPORT mqttc NAMESPACE mqttc:: FILE mqttcTargets.cmake
  DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/mqttc COMPONENT libmqttc-dev)
configure_package_config_file(mqttcConfig.cmake.in mqttcConfig.cmake
  INSTALL_DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/mqttc
  PATH_VARS CMAKE_INSTALL_INCLUDEDIR CMAKE_INSTALL_LIBDIR)
write_basic_package_version_file(mqttcConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/mqttcConfig.cmake ${CMAKE_CURRENT_BINARY_DIR}/mqttcConfigVersion.cmake
  DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/mqttc COMPONENT libmqttc-dev)
# Relocatable: the prefix is derived from the directory of the file.
file(RELATIVE_PATH MQTTC_PREFIX_FROM_PC ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig ${CMAKE_INSTALL_PREFIX})
configure_file(mqttc.pc.in mqttc.pc @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/mqttc.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig
  COMPONENT libmqttc-dev)

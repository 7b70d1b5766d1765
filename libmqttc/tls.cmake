# TLS: a module that is loaded when it is first needed, so that a plain connection never maps OpenSSL.
find_package(OpenSSL 3 REQUIRED COMPONENTS SSL Crypto)

# Separate from the module: the tests' broker uses the same stream for its server side.
add_library(mqttc_tls_stream OBJECT src/net/tls_stream.cpp)
target_include_directories(mqttc_tls_stream PUBLIC include src src/net)
target_link_libraries(mqttc_tls_stream PUBLIC OpenSSL::SSL PRIVATE mqttc_build_flags)

add_library(mqttc-tls MODULE src/net/tls_context.cpp src/net/tls_explain.cpp src/net/tls_files.cpp
  src/net/tls_keys.cpp src/net/tls_revocation.cpp src/net/tls_tpm.cpp)
# Alone, because it includes OpenSSL with what is deprecated.
set_source_files_properties(src/net/tls_keys.cpp PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
set_target_properties(mqttc-tls PROPERTIES PREFIX "" LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/lib/mqttc)
target_link_libraries(mqttc-tls PRIVATE mqttc_base mqttc_tls_stream mqttc_program_flags)
# It exports its entry point, and operator new and delete: the program's have precedence, so that an object made on one
# side may be destroyed on the other. The rest of its libstdc++ is private.
target_link_options(mqttc-tls PRIVATE LINKER:--version-script=${CMAKE_CURRENT_SOURCE_DIR}/mqttc-tls.map)
set_target_properties(mqttc-tls PROPERTIES LINK_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/mqttc-tls.map)
install(TARGETS mqttc-tls LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}/mqttc COMPONENT libmqttc)

target_compile_definitions(mqttc_net PRIVATE MQTTC_ABI_VERSION="${MQTTC_ABI_VERSION}")

# The API reference as a target of its own: only who asks for it needs Doxygen. A warning fails it.
find_program(MQTTC_DOXYGEN doxygen)
if(MQTTC_DOXYGEN)
  configure_file(${CMAKE_CURRENT_LIST_DIR}/Doxyfile.in ${CMAKE_BINARY_DIR}/Doxyfile @ONLY)
  add_custom_target(reference COMMAND ${MQTTC_DOXYGEN} ${CMAKE_BINARY_DIR}/Doxyfile VERBATIM
    COMMENT "Making the API reference in reference/html")
endif()

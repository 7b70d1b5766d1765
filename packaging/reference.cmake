# The target "reference": the API reference. Doxygen is needed only for this target; its warnings are errors.
find_program(MQTTC_DOXYGEN doxygen)
if(MQTTC_DOXYGEN)
  configure_file(${CMAKE_CURRENT_LIST_DIR}/Doxyfile.in ${CMAKE_BINARY_DIR}/Doxyfile @ONLY)
  add_custom_target(reference COMMAND ${MQTTC_DOXYGEN} ${CMAKE_BINARY_DIR}/Doxyfile VERBATIM
    COMMENT "Creating the API reference: ${CMAKE_BINARY_DIR}/reference/html/index.html")
else()
  add_custom_target(reference
    COMMAND ${CMAKE_COMMAND} -E echo "doxygen is missing: sudo apt install doxygen, then cmake --preset release again"
    COMMAND ${CMAKE_COMMAND} -E false VERBATIM)
endif()

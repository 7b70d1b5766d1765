# Read by cpack before it makes packages. Without dpkg-shlibdeps it would make packages without dependencies, and exit with 0.
if(CPACK_GENERATOR STREQUAL DEB)
  foreach(program dpkg-shlibdeps file mandoc)
    find_program(found_${program} ${program})
    if(NOT found_${program})
      message(FATAL_ERROR "${program} is missing. To make packages:\n  sudo apt install ${CPACK_MQTTC_REQUIRED}")
    endif()
  endforeach()
endif()

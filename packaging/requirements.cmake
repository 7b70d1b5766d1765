# Reports everything that the build needs and this machine lacks at once, by the names of the Debian packages. Included before
# project(), because CMake stops there without a compiler or Ninja.

# The packages in SECTION of tests/packages.txt, which is the only list of them
function(mqttc_packages variable section)
  file(READ ${CMAKE_CURRENT_FUNCTION_LIST_DIR}/../tests/packages.txt lines)
  string(REGEX REPLACE "#[^\n]*" "" lines "${lines}")
  string(REPLACE "[" "<" lines "${lines}")  # a list cannot have elements with brackets
  string(REPLACE "]" ">" lines "${lines}")
  string(REGEX MATCHALL "[^\n]+" lines "${lines}")
  set(wanted FALSE)
  set(found "")
  foreach(line IN LISTS lines)
    if(line MATCHES "^<(.*)>$")
      string(COMPARE EQUAL "${CMAKE_MATCH_1}" "${section}" wanted)
    elseif(wanted)
      list(APPEND found ${line})
    endif()
  endforeach()
  list(JOIN found " " found)
  set(${variable} "${found}" PARENT_SCOPE)
endfunction()

# mqttc_require(PACKAGE FILE...)   one of the files: headers (with an extension) or programs
function(mqttc_require package)
  string(MAKE_C_IDENTIFIER "MQTTC_FOUND_${ARGV1}" found)
  if(ARGV1 MATCHES "\\.")
    find_path(${found} NAMES ${ARGN})
  else()
    find_program(${found} NAMES ${ARGN})
  endif()
  mark_as_advanced(${found})
  if(NOT ${found})
    set_property(GLOBAL APPEND PROPERTY MQTTC_MISSING ${package})
  endif()
endfunction()

# Stops when something that was required is missing.
function(mqttc_check_requirements)
  get_property(missing GLOBAL PROPERTY MQTTC_MISSING)
  if(NOT missing)
    return()
  endif()
  list(REMOVE_DUPLICATES missing)
  list(JOIN missing " " missing)
  mqttc_packages(all build)
  message(FATAL_ERROR "Packages are missing: ${missing}\n"
    "  sudo apt install ${missing}\n"
    "Everything that a build needs on Debian 12:\n"
    "  sudo apt install ${all}")
endfunction()

if(CMAKE_GENERATOR STREQUAL "Ninja" AND NOT CMAKE_MAKE_PROGRAM)
  mqttc_require(ninja-build ninja ninja-build)
endif()
if(NOT CMAKE_CXX_COMPILER AND NOT CMAKE_TOOLCHAIN_FILE AND NOT DEFINED ENV{CXX})
  mqttc_require(g++ c++ g++ clang++)
endif()
mqttc_require(pkg-config pkg-config)

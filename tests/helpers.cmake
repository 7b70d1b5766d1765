# How a test program is declared; every folder under tests/ uses these three functions.

# mqttc_test(NAME SOURCES a.cpp... [LINK targets...] [INCLUDE folders...] [LABELS l...] [TIMEOUT s])
# A doctest program `NAME`, registered in ctest under its own name. It can use tests/support.
# Exit code 77 means "skipped": something the machine lacks, said on stdout.
function(mqttc_test name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "TIMEOUT" "SOURCES;LINK;INCLUDE;LABELS")
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 120)
  endif()
  add_executable(${name} ${arg_SOURCES})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  target_include_directories(${name} PRIVATE ${arg_INCLUDE} ${PROJECT_SOURCE_DIR}/tests)
  target_link_libraries(${name} PRIVATE mqttc_doctest_main mqttc_test_support ${arg_LINK} mqttc_build_flags)
  add_test(NAME ${name} COMMAND ${name})
  set_tests_properties(${name} PROPERTIES TIMEOUT ${arg_TIMEOUT} LABELS "${arg_LABELS}" SKIP_RETURN_CODE 77)
endfunction()

# mqttc_unit_test(LAYER SOURCES a.cpp... [LINK targets...] [INCLUDE folders...] [TIMEOUT s])
# The program unit_LAYER. A layer of the library brings its objects and those of the layers below it
# and their private headers by bare name; parts of the programs name theirs with LINK and INCLUDE.
function(mqttc_unit_test layer)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "TIMEOUT" "SOURCES;LINK;INCLUDE")
  set(below_codec codec)
  set(below_session session codec)
  set(below_net net)
  set(below_client client session net codec)
  foreach(part IN LISTS below_${layer})
    if(TARGET mqttc_${part})
      list(APPEND arg_LINK mqttc_${part})
    endif()
    list(APPEND arg_INCLUDE ${PROJECT_SOURCE_DIR}/libmqttc/src/${part})
  endforeach()
  list(APPEND arg_INCLUDE ${PROJECT_SOURCE_DIR}/libmqttc/include)
  mqttc_test(unit_${layer} SOURCES ${arg_SOURCES} LINK ${arg_LINK} INCLUDE ${arg_INCLUDE} LABELS unit
    TIMEOUT ${arg_TIMEOUT})
endfunction()

# mqttc_fuzzer(NAME SOURCES a.cpp... [LINK targets...] [INCLUDE folders...] [CORPUS folder])
# The libFuzzer program fuzz_NAME (defines LLVMFuzzerTestOneInput). Build them all with the target `fuzzers`.
# ctest runs it with one seed, so that two runs of one commit agree; tests/fuzz.sh looks for what is new.
# CORPUS is read, never written to.
set(MQTTC_FUZZ_SECONDS 5 CACHE STRING "How long ctest runs each fuzzer")
function(mqttc_fuzzer name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "CORPUS" "SOURCES;LINK;INCLUDE")
  set(target fuzz_${name})
  add_executable(${target} ${arg_SOURCES})
  set_target_properties(${target} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  target_include_directories(${target} PRIVATE ${arg_INCLUDE} ${PROJECT_SOURCE_DIR}/libmqttc/include
    ${PROJECT_SOURCE_DIR}/tests)
  target_link_libraries(${target} PRIVATE ${arg_LINK} mqttc_build_flags)
  target_link_options(${target} PRIVATE -fsanitize=fuzzer)
  if(NOT TARGET fuzzers)
    add_custom_target(fuzzers)
  endif()
  add_dependencies(fuzzers ${target})
  set(found ${CMAKE_CURRENT_BINARY_DIR}/found_${name})
  file(MAKE_DIRECTORY ${found})
  add_test(NAME ${target} COMMAND ${target} -seed=1 -max_total_time=${MQTTC_FUZZ_SECONDS} -timeout=10 -rss_limit_mb=2048
    -print_final_stats=1 -artifact_prefix=${found}/ ${found} ${arg_CORPUS})
  set_tests_properties(${target} PROPERTIES TIMEOUT 120 LABELS fuzz)
endfunction()

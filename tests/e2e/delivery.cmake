# Tests of the delivery guarantees (tests/README.md) with both programs.
mqttc_test(e2e_delivery_stream SOURCES delivery_stream_test.cpp LINK mqttc_test_broker LABELS e2e)
add_dependencies(e2e_delivery_stream mqtt_pub mqtt_sub)

# Preloaded into the programs: a name look-up that never ends.
add_library(slow_names SHARED slow_names.cpp)
set_target_properties(slow_names PROPERTIES LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)

mqttc_test(e2e_delivery SOURCES
  delivery_hostile_test.cpp
  delivery_reason_test.cpp
  delivery_resource_test.cpp
  delivery_signal_test.cpp
  early_test.cpp
  scripted_peer.cpp
  LINK mqttc_test_broker LABELS e2e)
add_dependencies(e2e_delivery mqtt_pub mqtt_sub slow_names)

mqttc_test(e2e_chaos SOURCES chaos_proxy.cpp chaos_test.cpp LINK mqttc_test_broker LABELS e2e)
add_dependencies(e2e_chaos mqtt_pub mqtt_sub)

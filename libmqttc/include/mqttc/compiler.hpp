// Stops a compiler that is too old, or in a mode that is too old, with one plain sentence.
#pragma once

#include <version>

#ifndef __cpp_lib_expected
#error \
    "libmqttc needs C++23: compile with -std=c++23, and GCC 12, Clang 19 or newer, because its functions return std::expected"
// Ends the compilation here: without <expected> hundreds of errors would follow.
#include <expected_of_cxx23_is_missing>
#endif

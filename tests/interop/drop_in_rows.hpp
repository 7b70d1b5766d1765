// The command lines that drop_in_test.cpp compares.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "support/programs.hpp"

namespace mqttc::test {

/// One command line. Words may hold {PORT} (the open broker), {GUARDED} (the broker that requires a password),
/// {CLOSED} (a port without a listener) and {FILES} (a directory with the files payload, empty and options).
struct Row {
    bool subscriber = false;
    Words words;
    std::string input = {};
    std::string difference = {};          ///< why our client differs; empty: it does not
    int exit = 0;                         ///< with a difference: our exit code
    std::optional<std::string> out = {};  ///< with a difference: our stdout, if it matters
    bool by_any_name = false;             ///< the exit code differs by the names of Mosquitto's programs, too
};

/// The retained messages of the open broker before the rows are run.
inline constexpr std::pair<const char*, std::string_view> retained_messages[] = {
    {"r/one", "1"},
    {"r/two", "two words"},
    {"r/json", "{\"a\":[1,2]}"},
    {"r/binary", std::string_view("A\0B\xff", 4)},
    {"r/deep/er", "deep"},
    {"été/val", "19.5"},
};

std::vector<Row> drop_in_rows();

}  // namespace mqttc::test

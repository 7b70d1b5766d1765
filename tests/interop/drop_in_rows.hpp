// The command lines that drop_in_test.cpp compares.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mqttc::test {

/// One command line. Words may hold {PORT} (a broker for everybody), {GUARDED} (one that wants a password),
/// {CLOSED} (nobody listens there) and {FILES} (a folder with the files payload, empty and options).
struct Row {
    bool subscriber = false;
    std::vector<std::string> words;
    std::string input = {};
    std::string difference = {};          ///< why ours is not the same; empty: it is
    int exit = 0;                         ///< with a difference: our exit code
    std::optional<std::string> out = {};  ///< with a difference: our stdout, if it matters
};

/// What is retained at the broker before the rows are run.
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

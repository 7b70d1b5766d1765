// Running mqtt_passwd in tests.
#pragma once

#include <doctest/doctest.h>

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "support/process.hpp"
#include "support/temp_dir.hpp"

namespace mqttc::test {

inline std::vector<std::string> passwd_argv(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), program("mqtt_passwd"));
    return arguments;
}

inline Result passwd(std::vector<std::string> arguments, std::string input = {}) {
    return run(passwd_argv(std::move(arguments)), std::move(input));
}

// Runs it and demands exit code 0 and silence; returns what it wrote to stdout.
inline std::string passwd_ok(std::vector<std::string> arguments, std::string input = {}) {
    const Result result = passwd(std::move(arguments), std::move(input));
    CHECK(result.exit.code == 0);
    CHECK(result.err == "");
    return result.out;
}

inline bool right_password(const std::string& file, const std::string& user, const std::string& password) {
    const Result result = passwd({"-b", "--verify", user, file, password});
    CHECK((result.exit.code == 0 || result.exit.code == 2));
    return result.exit.code == 0;
}

inline std::vector<std::string> names_in(const std::filesystem::path& folder) {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(folder))
        names.push_back(entry.path().filename());
    return names;
}

}  // namespace mqttc::test

// Running mqtt_passwd in tests.
#pragma once

#include <doctest/doctest.h>

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "support/programs.hpp"
#include "support/temp_dir.hpp"

namespace mqttc::test {

inline Words passwd_argv(Words arguments) {
    return program_command("mqtt_passwd", std::move(arguments)).argv;
}

inline Result passwd(Words arguments, std::string input = {}) {
    Command command = program_command("mqtt_passwd", std::move(arguments));
    command.input = std::move(input);
    return run(std::move(command));
}

// Runs it; it must end with 0 and print nothing on stderr. Returns its stdout.
inline std::string passwd_ok(Words arguments, std::string input = {}) {
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

inline std::vector<std::string> names_in(const std::filesystem::path& directory) {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(directory))
        names.push_back(entry.path().filename());
    return names;
}

}  // namespace mqttc::test

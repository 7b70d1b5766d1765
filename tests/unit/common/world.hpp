// A world for the option parser: arguments, environment and files that exist only in the test.
#pragma once

#include <doctest/doctest.h>

#include <cerrno>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "parse.hpp"

namespace mqttc::test {

/// "-t a -m ''" to its words: blanks separate, '' is the empty word, a leading and closing ' keep blanks
/// together.
inline std::vector<std::string> words(std::string_view line) {
    std::vector<std::string> out;
    while (!line.empty()) {
        if (line.front() == ' ') {
            line.remove_prefix(1);
            continue;
        }
        const bool quoted = line.front() == '\'';
        if (quoted) line.remove_prefix(1);
        const std::size_t end = std::min(line.size(), line.find(quoted ? '\'' : ' '));
        out.emplace_back(line.substr(0, end));
        line.remove_prefix(std::min(line.size(), end + 1));
    }
    return out;
}

struct World {
    app::Program program = app::Program::pub;
    std::map<std::string, std::string, std::less<>> environment = {{"HOME", "/home/me"}};
    std::map<std::string, std::string> files = {};
    std::map<std::string, int> unreadable = {};  ///< files that are there, and the errno of reading them

    bool open_to_others = false;  ///< the files

    app::ParseResult parse(const std::vector<std::string>& arguments) const {
        const std::vector<std::string_view> views(arguments.begin(), arguments.end());
        return app::parse({program, views,
                           [this](std::string_view name) -> std::optional<std::string> {
                               const auto found = environment.find(name);
                               if (found == environment.end()) return std::nullopt;
                               return found->second;
                           },
                           [this](const std::string& path) -> std::expected<std::string, int> {
                               const auto broken = unreadable.find(path);
                               if (broken != unreadable.end()) return std::unexpected(broken->second);
                               const auto found = files.find(path);
                               if (found == files.end()) return std::unexpected(ENOENT);
                               return found->second;
                           },
                           [this](const std::string&) { return open_to_others; }});
    }
    app::ParseResult parse(std::string_view line) const { return parse(words(line)); }

    /// The options of a good line.
    app::Options good(std::string_view line) const {
        auto result = parse(line);
        if (const auto* error = std::get_if<app::UsageError>(&result)) {
            FAIL_CHECK("refused: " << error->text());
            return {};
        }
        if (auto* options = std::get_if<app::Options>(&result)) return std::move(*options);
        FAIL_CHECK("asked for help or version");
        return {};
    }

    /// The message for a wrong line; empty when it was accepted.
    std::string wrong(std::string_view line) const {
        const auto result = parse(line);
        if (const auto* error = std::get_if<app::UsageError>(&result)) return error->text();
        return {};
    }
};

inline World pub_world() {
    return {};
}
inline World sub_world() {
    World world;
    world.program = app::Program::sub;
    return world;
}

}  // namespace mqttc::test

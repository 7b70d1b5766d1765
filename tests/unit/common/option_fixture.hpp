// Parses options with arguments, environment and files that exist only in the test.
#pragma once

#include <doctest/doctest.h>

#include <cerrno>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "read_options.hpp"

namespace mqttc::test {

/// Splits "-t a -m ''" into words: spaces separate, '' is the empty word, single quotes keep spaces together.
inline std::vector<std::string> split_words(std::string_view line) {
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

using Environment = std::map<std::string, std::string, std::less<>>;
using Files = std::map<std::string, std::string>;

template <typename Options>
struct OptionFixture {
    using Result = std::expected<Options, app::NoOptions>;

    Result (*read)(const app::OptionInput&);
    app::Program program = app::Program::pub;
    Environment environment = {{"HOME", "/home/me"}};
    Files files = {};
    std::map<std::string, int> unreadable = {};  ///< existing files, and the errno of reading them
    app::FileAccess access = {};                 ///< to the files

    Result parse(const std::vector<std::string>& arguments, std::optional<app::CalledAs> called = {}) const {
        const std::vector<std::string_view> views(arguments.begin(), arguments.end());
        return read({views,
                     [this](std::string_view name) -> std::optional<std::string_view> {
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
                     [this](const std::string&) { return access; },
                     {},
                     called});
    }
    Result parse(std::string_view line, std::optional<app::CalledAs> called = {}) const {
        return parse(split_words(line), called);
    }

    /// The options of a valid line.
    Options good(std::string_view line) const {
        auto result = parse(line);
        if (result) return std::move(*result);
        FAIL_CHECK("refused: " << result.error().message());
        return {};
    }

    /// The message for an invalid line; empty when it was accepted.
    std::string wrong(std::string_view line) const {
        const auto result = parse(line);
        return !result && result.error().is_error ? result.error().message() : std::string();
    }

    /// What --help and the like print; empty when the line is not such a request.
    std::string printed(std::string_view line) const {
        const auto result = parse(line);
        return !result && !result.error().is_error ? result.error().text : std::string();
    }
};

inline OptionFixture<app::PubOptions> pub_fixture() {
    return {.read = app::read_pub_options};
}
inline OptionFixture<app::SubOptions> sub_fixture() {
    return {.read = app::read_sub_options, .program = app::Program::sub};
}

}  // namespace mqttc::test

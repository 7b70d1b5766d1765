// Command line, config file, profile and environment in; options, help, version or a usage error out. Pure:
// prints nothing, opens nothing, exits nowhere.
#pragma once

#include <expected>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "options.hpp"

namespace mqttc::app {

/// The command line is wrong. `message` is one line without the program's name; it says option, value and
/// what is allowed.
struct UsageError {
    std::string message;
    std::string file = {};  ///< the config file or profile it stands in; empty for the command line
    unsigned line = 0;      ///< in that file
    bool quiet = false;     ///< --quiet was among the options

    /// "file:line: message" or "message".
    std::string text() const;
};
struct HelpRequest {};
struct VersionRequest {};

using ParseResult = std::variant<Options, HelpRequest, VersionRequest, UsageError>;

/// The world outside, as the parser sees it.
struct ParseInput {
    Program program;
    std::span<const std::string_view> arguments;  ///< without the program's name
    /// The value of an environment variable, none when it is not set.
    std::function<std::optional<std::string>(std::string_view name)> environment;
    /// The content of a file, or the errno that reading it gave.
    std::function<std::expected<std::string, int>(const std::string& path)> load_file;
    /// Whether others than the owner may read a file; asked of those that hold a secret. Empty: none.
    std::function<bool(const std::string& path)> open_to_others = {};
};

ParseResult parse(const ParseInput& input);

/// The text of --help, ending with a newline.
std::string help_text(Program program);
/// "mqtt_pub 0.1.0\n"
std::string version_text(Program program);

}  // namespace mqttc::app

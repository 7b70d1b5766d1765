// Command line, config file, profile and environment in; options, a text to print or a usage error out. Prints nothing,
// ends nothing; files and environment are the caller's.
#pragma once

#include <expected>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "called_as.hpp"
#include "command_line.hpp"
#include "options.hpp"

namespace mqttc::app {

/// What users other than the one who runs the program, and root, can do with a regular file.
struct FileAccess {
    bool others_can_read = false;
    bool others_can_write = false;
    bool others_own = false;
};

/// How the parser reaches the arguments, environment and files.
struct OptionInput {
    std::span<const std::string_view> arguments;  ///< without the program's name
    /// The value of an environment variable, none when it is not set.
    std::function<std::optional<std::string_view>(std::string_view name)> environment;
    /// The content of a file, or the errno of reading it.
    std::function<std::expected<std::string, int>(const std::string& path)> load_file;
    /// Called for files that contain a secret, or an option that needs a safe file. Empty: no other user has access.
    std::function<FileAccess(const std::string& path)> file_access = {};
    /// Overwrites a secret in `arguments` or `environment`, after it has been stored. Empty: nothing is overwritten.
    std::function<void(std::string_view secret, bool is_url)> wipe = {};
    /// The name the program was called by; without a value its own.
    std::optional<CalledAs> called = {};
};

/// The options of mqtt_pub and of mqtt_sub.
std::expected<PubOptions, NoOptions> read_pub_options(const OptionInput& input);
std::expected<SubOptions, NoOptions> read_sub_options(const OptionInput& input);

}  // namespace mqttc::app

// Command line, config file, profile and environment in; options, a text to print or a usage error out. Prints nothing,
// ends nothing; files and environment are the caller's.
#pragma once

#include <expected>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "no_options.hpp"
#include "options.hpp"

namespace mqttc::app {

/// How the parser reaches the arguments, environment and files.
struct OptionInput {
    std::span<const std::string_view> arguments;  ///< without the program's name
    /// The value of an environment variable, none when it is not set.
    std::function<std::optional<std::string>(std::string_view name)> environment;
    /// The content of a file, or the errno of reading it.
    std::function<std::expected<std::string, int>(const std::string& path)> load_file;
    /// Whether users other than the owner can read a file; called for files that contain a secret. Empty: no.
    std::function<bool(const std::string& path)> readable_by_others = {};
    /// Overwrites a secret in `arguments`, after it has been stored. Empty: nothing is overwritten.
    std::function<void(std::string_view secret, bool is_url)> wipe = {};
};

/// The options of mqtt_pub and of mqtt_sub.
std::expected<PubOptions, NoOptions> read_pub_options(const OptionInput& input);
std::expected<SubOptions, NoOptions> read_sub_options(const OptionInput& input);

}  // namespace mqttc::app

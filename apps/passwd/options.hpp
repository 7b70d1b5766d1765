// The command line as plain data. Parsing prints nothing, opens nothing, ends nothing.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "common/called_as.hpp"
#include "common/command_line.hpp"
#include "common/option_row.hpp"
#include "password_hash.hpp"

namespace mqttc::passwd {

enum class Action : std::uint8_t { set, remove, hash_all, import_users, list, verify };

/// The password views the arguments.
struct Options {
    Action action = Action::set;
    HashRecipe recipe;
    bool create = false;                       ///< -c
    bool batch = false;                        ///< -b
    bool one_line_stdin = false;               ///< --stdin
    std::string file;                          ///< "-" only with create: stdout
    std::string user;                          ///< set, remove, verify
    std::string import_from;                   ///< import_users; "-" is standard input
    std::optional<std::string_view> password;  ///< with batch
};

/// `arguments` without the program's name. REQUIRES: they outlive the result.
[[nodiscard]] std::expected<Options, app::NoOptions> parse_options(
    std::span<const char* const> arguments,
    const app::CalledAs& called = app::own_name(app::Program::passwd));

/// The option table of mqtt_passwd.
[[nodiscard]] const app::OptionTable& option_table();

}  // namespace mqttc::passwd

// The command line as plain data. Parsing prints nothing, opens nothing, ends nothing.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "password_hash.hpp"

namespace mqttc::passwd {

enum class Action : std::uint8_t { set, remove, hash_all, import_users, list, verify };

/// The strings view the arguments.
struct Options {
    Action action = Action::set;
    HashRecipe recipe;
    bool create = false;                       ///< -c
    bool one_line_stdin = false;               ///< --stdin
    std::string file;                          ///< "-" only with create: stdout
    std::string user;                          ///< set, remove, verify
    std::string import_from;                   ///< import_users; "-" is standard input
    std::optional<std::string_view> password;  ///< -b
};
struct HelpWanted {};
struct VersionWanted {};
/// Why the command line cannot be obeyed, as one line.
struct OptionError {
    std::string text;
};

/// `arguments` without the program's name. REQUIRES: they outlive the result.
[[nodiscard]] std::variant<Options, HelpWanted, VersionWanted, OptionError> parse_options(
    std::span<const char* const> arguments);

/// What an option is called and does: --help, the parser and the tests of the man page read the same rows.
struct OptionRow {
    char flag;               ///< '\0': long name only
    std::string_view name;   ///< long name, without "--"
    std::string_view value;  ///< what its argument is called; empty: takes none
    std::string_view help;
    std::optional<std::string> (*apply)(struct Draft&,
                                        std::string_view value);  ///< what is wrong, if anything
};
[[nodiscard]] std::span<const OptionRow> option_rows();

[[nodiscard]] std::string help_text();

}  // namespace mqttc::passwd

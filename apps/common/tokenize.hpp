// Splits arguments and config lines into options and their values.
//
// Ours and not CLI11's. Measured on Debian 12 with 2.1.2 and 90 options: building and running the parser
// costs 0.4 ms and 1.3 MB of program, of a start-up budget of 1 ms; repeated occurrences are merged into one
// list, so that
// `-D publish user-property k v -D publish content-type x` can't be told apart; and an option with three or
// four values doesn't take a fourth that begins with '-'.
#pragma once

#include <array>
#include <expected>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "option_rows.hpp"

namespace mqttc::app {

/// One option as given. Views into the argument or line.
struct Occurrence {
    const OptionRow* row = nullptr;
    bool long_form = false;
    std::array<std::string_view, 4> values{};
    unsigned value_count = 0;
    unsigned line = 0;  ///< of a config file

    std::string_view value() const { return values[0]; }
    /// "-q" or "--qos", as it was given.
    std::string spelling() const;
};

/// Whether `text` is the name of an option: as a value that is allowed, and mostly a slip.
bool is_option_name(Program program, std::string_view text);

/// A line that can't be split. `message` as in UsageError.
struct TokenError {
    std::string message;
    unsigned line = 0;
};

using Tokens = std::expected<std::vector<Occurrence>, TokenError>;

/// `complete` gets what was split before an error, too (wiping secrets and --quiet need it).
Tokens tokenize_arguments(Program program, std::span<const std::string_view> arguments,
                          std::vector<Occurrence>* complete = nullptr);

/// One option a line, the last value is the rest of the line (of numbers and choices without blanks at its
/// end); '#' in column one starts a comment. With
/// `skip_other_program` options that only the other program has are left out.
Tokens tokenize_file(Program program, std::string_view content, bool skip_other_program);

}  // namespace mqttc::app

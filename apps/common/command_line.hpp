// Splits arguments and config lines into options and their values. Values are views into the arguments: nothing is
// copied, and a secret can be wiped where it is.
#pragma once

#include <cstddef>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "option_row.hpp"

namespace mqttc::app {

/// One option as given. The views live as long as the arguments.
struct ParsedOption {
    const OptionRow* row = nullptr;
    std::string spelling;                  ///< "-q" or "--qos", as it was given
    std::vector<std::string_view> values;  ///< row->value_count() of them, or 4 for a user property
    std::size_t index = 0;                 ///< of the argument that contains the option's name

    std::string_view value() const { return values.empty() ? std::string_view() : values[0]; }
};

struct ParsedLine {
    std::vector<ParsedOption> options;  ///< in the order given; with an error, those before it
    std::size_t operands = 0;     ///< index of the first argument that is not an option or the value of one
    std::string error;            ///< one line; empty = none
    std::size_t error_index = 0;  ///< the argument that is wrong
};

/// What may follow the options.
enum class Operands : bool { none, allowed };

/// Parses `arguments`. With Operands::allowed the first argument that is not an option ends the options, and "--" before
/// it is skipped; otherwise such an argument is an error.
ParsedLine parse_arguments(const OptionTable& table, Program program,
                           std::span<const std::string_view> arguments, Operands operands = Operands::none);

/// A config file as arguments for parse_arguments().
struct ConfigArguments {
    std::vector<std::string_view> arguments;  ///< views into the content
    std::vector<unsigned> lines;              ///< the line number of each argument
    std::string error;                        ///< one line; empty = none
    unsigned error_line = 0;
};

/// One option per line; the last value is the rest of the line, without trailing spaces if the row has ends_at_space;
/// '#' in column one starts a comment. With `skip_other_program`, options that only the other program has are left out.
ConfigArguments read_config(const OptionTable& table, Program program, std::string_view content,
                            bool skip_other_program);

/// The option in `word` that takes the value, or its last option, and where an attached value begins ("-q1",
/// "--qos=1"). No row: an unknown option or not an option.
struct OptionWord {
    const OptionRow* row = nullptr;
    std::optional<std::size_t> value;  ///< its position in the word
};
OptionWord split_word(const OptionTable& table, ProgramSet programs, std::string_view word);

/// No options to run with: a text to print (--help, --version, --generate), or what is wrong.
struct NoOptions {
    /// To print, or one line without the program's name: option, value and what is allowed.
    std::string text;
    bool is_error = true;
    std::string file = {};  ///< the config file or profile that is wrong; empty: the command line
    unsigned line = 0;      ///< in that file
    bool quiet = false;     ///< --quiet was among the options

    /// An error as "file:line: text" or "text".
    std::string message() const;
};

}  // namespace mqttc::app

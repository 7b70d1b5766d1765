// Parses arguments with CLI11, the only source that includes it. It is given the rows whose names occur in the
// arguments: registering all of them would cost more than the rest of the start.
#include "command_line.hpp"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include <algorithm>
#include <utility>

#include "base/escape.hpp"
#include "base/text.hpp"

namespace mqttc::app {
namespace {

constexpr std::string_view spaces = " \t";
constexpr std::string_view user_property = "user-property";

// What CLI11 sees in place of a value: it needs none of them, and copies would keep secrets in memory.
constexpr const char* separate_value = "s";
constexpr const char* attached_value = "a";

// The row's name as it is used in `word`.
std::string spelling_in(std::string_view word, const OptionRow& row) {
    return word.starts_with("--") ? "--" + std::string(row.name) : std::string("-") + row.short_name;
}

constexpr const char* value_needs_quotes = " (a value with spaces needs quotes)";

std::string needs_value(const OptionRow& row, std::string spelling) {
    if (row.value != ValueKind::property) {
        spelling.append(" needs a value: ").append(row.argument);
        if (row.argument == "FILTER") spelling.append(" (a shell treats # as a comment: quote it, '#')");
        return spelling;
    }
    return spelling.append(
        " needs a command, a property name and a value (a user-property: a name and a value)");
}

// "--stats=json", for an option whose value may be left out.
std::string with_value(const OptionRow& row) {
    return "--" + std::string(row.name) + "=" + std::string(row.choices);
}

class ArgumentParser {
  public:
    ArgumentParser(const OptionTable& table, Program program, std::span<const std::string_view> arguments,
                   Operands operands)
        : table_(table), program_(program), arguments_(arguments), operands_(operands) {
        app_.set_help_flag();
        app_.allow_extras();
        app_.prefix_command(operands == Operands::allowed);
    }

    ParsedLine parse() {
        // CLI11 takes the arguments from the end of the vector.
        rest_.reserve(arguments_.size());
        for (const std::string_view argument : arguments_) rest_.push_back(prepare(argument));
        std::ranges::reverse(rest_);
        bool value_missing = false;
        try {
            app_.parse(rest_);
        } catch (const CLI::ParseError&) {
            value_missing = line_.error.empty();
        }
        line_.operands = std::min(line_.operands, arguments_.size());
        if (!line_.error.empty()) return std::move(line_);
        const std::size_t last = std::min(next_, arguments_.size() - 1);
        const auto remaining = app_.remaining();
        if (!remaining.empty() && !(operands_ == Operands::allowed && skip_to_operands(remaining.front()))) {
            next_ = last;
            fail(last, extra_error(remaining.front()));
        } else if (value_missing) {
            fail(last, missing_value(arguments_[last]));
        }
        return std::move(line_);
    }

  private:
    // Registers the options of an argument, which may be a value too, and returns what CLI11 gets in its place.
    std::string prepare(std::string_view argument) {
        if (!argument.starts_with('-') || argument == "-") return separate_value;
        if (argument.starts_with("--")) {
            const std::size_t equals = argument.find('=');
            if (argument.size() > 2) add(table_.find_spelled(only(program_), argument.substr(0, equals)));
            return std::string(argument.substr(0, equals)) +
                   (equals == argument.npos ? "" : std::string("=") + attached_value);
        }
        std::size_t end = 1;
        for (; end < argument.size(); ++end) {
            const OptionRow* row = table_.find(only(program_), argument.substr(end, 1));
            add(row);
            if (row != nullptr && row->value_count() > 0) return cut(argument, end + 1);
        }
        return std::string(argument);
    }

    static std::string cut(std::string_view argument, std::size_t value) {
        return std::string(argument.substr(0, value)) + (value < argument.size() ? attached_value : "");
    }

    void add(const OptionRow* row) {
        if (row == nullptr || std::ranges::find(rows_, row) != rows_.end()) return;
        rows_.push_back(row);
        std::string names;
        if (row->short_name != 0)
            names.append("-").append(1, row->short_name).append(row->name.empty() ? "" : ",");
        if (!row->name.empty()) names.append("--").append(row->name);
        const int values = static_cast<int>(row->value_count());
        app_.add_option(names, [this, row](const CLI::results_t& results) { return take(*row, results); })
            ->type_size(values)
            ->expected(values == 0 ? 0 : 1)
            ->trigger_on_parse();
    }

    // CLI11 has read one option and its values.
    bool take(const OptionRow& row, const CLI::results_t& results) {
        const unsigned count = row.value_count();
        const bool attached = count > 0 && results.front() == attached_value;
        std::size_t next = arguments_.size() - rest_.size();
        ParsedOption option{
            .row = &row, .spelling = {}, .values = {}, .index = next - 1 - count + (attached ? 1 : 0)};
        const std::string_view word = arguments_[option.index];
        const bool is_long = word.starts_with("--");
        option.spelling = spelling_in(word, row);
        // "-topic" isn't a cluster of -t with "opic", but a slip.
        if (!is_long && word.size() > 2 && table_.find(only(program_), word.substr(1)) != nullptr)
            return fail(option.index,
                        "unknown option " + in_quotes(word) + " (did you mean -" + std::string(word) + "?)");
        if (const std::size_t equals = word.find('='); count == 0 && is_long && equals != word.npos) {
            if (!row.value_optional) return fail(option.index, option.spelling + " takes no value");
            option.values.push_back(word.substr(equals + 1));
        }
        for (std::size_t i = option.index + 1; i < next; ++i) option.values.push_back(arguments_[i]);
        if (attached) {
            const std::string_view value = word.substr(*split_word(table_, only(program_), word).value);
            if (!is_long && value.starts_with('=')) {
                const bool shown = row.secrecy == Secrecy::not_secret;
                return fail(option.index, "a short option takes its value without '=': " + option.spelling +
                                              " " + escape_controls(shown ? value.substr(1) : row.argument));
            }
            option.values.insert(option.values.begin(), value);
        }
        if (row.value == ValueKind::property && option.values[1] == user_property) {
            if (rest_.empty()) return fail(option.index, needs_value(row, option.spelling));
            option.values.push_back(arguments_[next++]);
            rest_.pop_back();
        }
        // A cluster is taken with its last option, and not at all with an unknown one.
        const bool whole = is_long || split_word(table_, only(program_), word).row == &row;
        if (option.index <= next_) next_ = whole ? next : option.index;
        line_.operands = next;
        line_.options.push_back(std::move(option));
        return true;
    }

    bool fail(std::size_t index, std::string error) {
        line_.error = std::move(error);
        line_.error_index = index;
        return false;
    }

    // The last option has fewer values than it needs: there are no more arguments.
    std::string missing_value(std::string_view argument) const {
        const OptionWord word = split_word(table_, only(program_), argument);
        if (word.row == nullptr || word.row->value_count() == 0) return "a value is missing";
        return needs_value(*word.row, spelling_in(argument, *word.row));
    }

    // True: what is left are operands.
    bool skip_to_operands(const std::string& first) {
        if (first == "--") line_.operands = next_ + 1;
        return first == "--" || !first.starts_with('-') || first == "-";
    }

    // The option that was taken as a value: an empty variable without quotes leaves none.
    const OptionRow* option_as_value(const ParsedOption& option) const {
        if (option.values.size() != 1) return nullptr;
        const OptionWord word = split_word(table_, only(program_), option.value());
        return word.value ? nullptr : word.row;
    }

    // What is wrong with the argument that no option has taken. `extra`: what CLI11 did not know of it, as prepared.
    std::string extra_error(std::string_view extra) const {
        const std::string_view argument = arguments_[next_];
        const std::span before(line_.options.begin(),
                               std::ranges::find_if(line_.options, [this](const ParsedOption& option) {
                                   return option.index >= next_;
                               }));
        const OptionRow* taken = before.empty() ? nullptr : option_as_value(before.back());
        // The argument is its value, then.
        const bool secret = taken != nullptr && taken->secrecy != Secrecy::not_secret;
        if (!secret && before.size() < line_.options.size() && line_.options[before.size()].index == next_)
            // "-rz": CLI11 has taken -r.
            return "unknown option " + in_quotes(extra.substr(0, 2)) + " in " + in_quotes(argument);
        if (!secret && extra.starts_with('-') && extra.size() > 1) return unknown_option(argument);
        if (taken == nullptr) return unexpected_argument(argument, before);
        const ParsedOption& last = before.back();
        std::string message = secret ? "" : "unexpected argument " + in_quotes(argument) + ": ";
        return message.append(last.spelling)
            .append(" took ")
            .append(last.row->secrecy == Secrecy::not_secret ? in_quotes(last.value()) : "an option")
            .append(" as its value; is the value of ")
            .append(last.spelling)
            .append(" missing?");
    }

    std::string unknown_option(std::string_view given) const {
        const std::string_view name = given.substr(0, given.find('='));
        std::string message = "unknown option " + in_quotes(name);
        const auto other = static_cast<ProgramSet>(pub_and_sub & ~only(program_));
        if (program_ != Program::passwd && table_.find_spelled(other, name) != nullptr)
            return message.append(" (it is an option of ")
                .append(program_name(static_cast<Program>(other)))
                .append(")");
        const std::string near = table_.nearest(program_, given);
        if (near.empty()) return message;
        const bool is_option = near.starts_with('-');
        return message.append(is_option ? " (did you mean " : " (")
            .append(near)
            .append(is_option ? "?)" : ")");
    }

    // `before`: the options before the argument.
    std::string unexpected_argument(std::string_view argument, std::span<const ParsedOption> before) const {
        std::string message = "unexpected argument " + in_quotes(argument);
        // Without quotes around it, a password with spaces continues here.
        if (!before.empty() && before.back().row->secrecy != Secrecy::not_secret)
            return "unexpected argument after " + before.back().spelling + value_needs_quotes;
        if (!before.empty() && before.back().row->value_optional && before.back().values.empty())
            return message.append(" (write ").append(with_value(*before.back().row)).append(")");
        const auto names_topic = [](const ParsedOption& one) {
            return one.row->name == "topic" || one.row->name == "url" || one.row->name == "unsubscribe";
        };
        const auto gives_message = [](const ParsedOption& one) {
            return std::string_view("mflsn").find(one.row->short_name) != std::string_view::npos;
        };
        const bool continues_text = !before.empty() && before.back().row->value == ValueKind::text;
        if (!continues_text && std::ranges::none_of(before, names_topic))
            return message.append(" (for a topic use -t)");
        if (program_ == Program::pub && std::ranges::none_of(before, gives_message))
            return message.append(" (for a message use -m; a value with spaces needs quotes)");
        return message.append(value_needs_quotes);
    }

    const OptionTable& table_;
    Program program_;
    std::span<const std::string_view> arguments_;
    Operands operands_;
    CLI::App app_;
    std::vector<const OptionRow*> rows_;  // registered
    std::vector<std::string> rest_;       // what CLI11 has not read yet, the next one last
    std::size_t next_ = 0;                // the first argument that no option has taken
    ParsedLine line_;
};

std::string_view without_leading_spaces(std::string_view text) {
    return text.substr(std::min(text.size(), text.find_first_not_of(spaces)));
}

std::string_view take_word(std::string_view& text) {
    text = without_leading_spaces(text);
    const std::string_view word = text.substr(0, text.find_first_of(spaces));
    text = without_leading_spaces(text.substr(word.size()));
    return word;
}

std::string not_an_option(const OptionTable& table, Program program, std::string_view word) {
    const OptionRow* row = word.size() > 1 ? table.find(only(program), word) : nullptr;
    if (row == nullptr) return in_quotes(word).append(" is not an option: an option begins with '-'");
    std::string message = in_quotes(word).append(" is not an option (did you mean ");
    if (row->short_name != 0) message.append("-").append(1, row->short_name).append(" or ");
    return message.append("--").append(row->name).append("?)");
}

// Appends the words of one line, which has at least one. Error: what is wrong with it; empty: nothing.
std::string add_config_line(const OptionTable& table, Program program, std::string_view line,
                            std::vector<std::string_view>& out) {
    std::string_view rest = line;
    const std::string_view word = take_word(rest);
    if (!word.starts_with('-')) return not_an_option(table, program, word);
    const OptionWord option = split_word(table, only(program), word);
    const auto trimmed = [&](std::string_view value) {
        return option.row->ends_at_space ? value.substr(0, value.find_last_not_of(spaces) + 1) : value;
    };
    if (option.row != nullptr && option.value && word.starts_with("--")) {
        // "--name=value with spaces": the value is the rest of the line.
        out.push_back(trimmed(without_leading_spaces(line)));
        return {};
    }
    out.push_back(word);
    if (option.row == nullptr) return {};  // reported by the parser
    unsigned missing = option.value ? 0 : option.row->value_count();
    bool is_pair = false;
    for (; missing > 0 && !rest.empty(); --missing) {
        if (option.row->value == ValueKind::property && missing == 1 && !is_pair &&
            out.back() == user_property) {
            is_pair = true;
            missing = 2;
        }
        out.push_back(missing > 1 ? take_word(rest) : trimmed(std::exchange(rest, {})));
    }
    const std::string spelling = spelling_in(word, *option.row);
    if (missing > 0) return needs_value(*option.row, spelling);
    if (rest.empty()) return {};
    // Not repeated in the message: it may be a password.
    if (option.row->value_optional) return spelling + ": write " + with_value(*option.row);
    if (option.row->value_count() == 0) return spelling + " takes no value";
    return spelling + ": unexpected text after the value (separate option and value with a space)";
}

}  // namespace

OptionWord split_word(const OptionTable& table, ProgramSet programs, std::string_view word) {
    if (word.starts_with("--")) {
        const std::size_t equals = word.find('=');
        OptionWord found{.row = table.find_spelled(programs, word.substr(0, equals)), .value = {}};
        if (equals != word.npos) found.value = equals + 1;
        return found;
    }
    OptionWord found;
    if (!word.starts_with('-')) return found;
    for (std::size_t i = 1; i < word.size(); ++i) {
        found.row = table.find(programs, word.substr(i, 1));
        if (found.row == nullptr) return found;
        if (found.row->value_count() == 0) continue;
        if (i + 1 < word.size()) found.value = i + 1;
        return found;
    }
    return found;
}

ParsedLine parse_arguments(const OptionTable& table, Program program,
                           std::span<const std::string_view> arguments, Operands operands) {
    return ArgumentParser(table, program, arguments, operands).parse();
}

ConfigArguments read_config(const OptionTable& table, Program program, std::string_view content,
                            bool skip_other_program) {
    content = without_byte_order_mark(content);
    ConfigArguments out;
    for (unsigned number = 1; !content.empty(); ++number) {
        std::string_view line = take_until(content, '\n');
        if (line.ends_with('\r')) line.remove_suffix(1);
        std::string_view rest = line;
        const std::string_view word = take_word(rest);
        if (line.starts_with('#') || word.empty()) continue;
        if (skip_other_program && split_word(table, only(program), word).row == nullptr &&
            split_word(table, pub_and_sub, word).row != nullptr)
            continue;
        out.error = add_config_line(table, program, line, out.arguments);
        out.lines.resize(out.arguments.size(), number);
        if (out.error.empty()) continue;
        out.error_line = number;
        break;
    }
    return out;
}

std::string NoOptions::message() const {
    if (file.empty()) return text;
    return escape_controls(file).append(":").append(std::to_string(line)).append(": ").append(text);
}

}  // namespace mqttc::app

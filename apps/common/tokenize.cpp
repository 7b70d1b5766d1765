// Splits arguments and config lines into options and their values, by the option rows.
#include "tokenize.hpp"

#include <algorithm>
#include <optional>

#include "messages.hpp"
#include "values.hpp"

namespace mqttc::app {
namespace {

// Where values come from: the following arguments, or the rest of a line.
class ValueSource {
  public:
    virtual ~ValueSource() = default;
    virtual std::optional<std::string_view> next(bool last_value) = 0;
};

class ArgumentValues : public ValueSource {
  public:
    explicit ArgumentValues(std::span<const std::string_view> arguments) : rest_(arguments) {}
    std::optional<std::string_view> next(bool /*last_value*/) override {
        if (rest_.empty()) return std::nullopt;
        const std::string_view value = rest_.front();
        rest_ = rest_.subspan(1);
        return value;
    }
    bool empty() const { return rest_.empty(); }

  private:
    std::span<const std::string_view> rest_;
};

constexpr std::string_view blanks = " \t";

class LineValues : public ValueSource {
  public:
    explicit LineValues(std::string_view line) : rest_(line) {}
    std::optional<std::string_view> next(bool last_value) override {
        rest_.remove_prefix(std::min(rest_.size(), rest_.find_first_not_of(blanks)));
        if (rest_.empty()) return std::nullopt;
        const std::string_view value = last_value ? rest_ : rest_.substr(0, rest_.find_first_of(blanks));
        rest_.remove_prefix(value.size());
        return value;
    }
    bool empty() const { return rest_.find_first_not_of(blanks) == std::string_view::npos; }

  private:
    std::string_view rest_;
};

std::string needs_value(const Occurrence& option) {
    std::string message = option.spelling();
    if (option.row->kind != ValueKind::property)
        return message.append(" needs a value: ").append(option.row->argument);
    return message.append(
        " needs a command, a property name and a value (a user-property: a name and a value)");
}

// Whether blanks behind the value can't be meant. In a text they may be, and Mosquitto keeps them.
bool ends_at_blank(ValueKind kind) {
    return kind == ValueKind::number || kind == ValueKind::seconds || kind == ValueKind::choice;
}

// What options of a config file have and others don't: a line, and blanks that nobody sees.
void settle(std::span<Occurrence> options, unsigned line) {
    for (Occurrence& option : options) {
        option.line = line;
        std::string_view& value = option.values[0];
        if (ends_at_blank(option.row->kind)) value = value.substr(0, value.find_last_not_of(blanks) + 1);
    }
}

// Takes the values of `option`; `attached` is the first one when it stood in the same argument ("--qos=1",
// "-q1").
std::optional<std::string> take_values(Occurrence& option, std::optional<std::string_view> attached,
                                       ValueSource& source) {
    unsigned wanted = option.row->values();
    while (option.value_count < wanted) {
        const bool last =
            option.value_count + 1 == wanted && !(wanted == 3 && option.values[1] == "user-property");
        const auto value = attached ? attached : source.next(last);
        attached.reset();
        if (!value) return needs_value(option);
        option.values[option.value_count++] = *value;
        if (option.value_count == 2 && wanted == 3 && *value == "user-property") wanted = 4;
    }
    return std::nullopt;
}

std::string unknown_option(Program program, std::string_view given) {
    std::string message("unknown option ");
    message += quoted(given.substr(0, given.find('=')));
    const Program other = program == Program::pub ? Program::sub : Program::pub;
    if (is_option_name(other, given.substr(0, given.find('='))))
        return message.append(" (it is one of ").append(program_name(other)).append(")");
    const std::string near = nearest_option(program, given);
    if (!near.empty()) message.append(" (did you mean ").append(near).append("?)");
    return message;
}

// What is wrong with an argument that is neither an option nor the value of one.
std::string unexpected_argument(Program program, std::string_view argument,
                                std::span<const Occurrence> before) {
    std::string message = std::string("unexpected argument ").append(quoted(argument));
    const auto took_option = std::ranges::find_if(before.rbegin(), before.rend(), [&](const Occurrence& one) {
        return one.value_count == 1 && is_option_name(program, one.value());
    });
    if (took_option != before.rend()) {
        const bool open = took_option->row->secrecy == Secrecy::open;
        return message.append(": ")
            .append(took_option->spelling())
            .append(" took ")
            .append(open ? quoted(took_option->value()) : "an option")
            .append(" as its value: is its own value missing?");
    }
    const auto names_topic = [](const Occurrence& one) {
        using enum OptionId;
        return one.row->id == topic || one.row->id == url || one.row->id == unsubscribe;
    };
    const bool goes_on = !before.empty() && before.back().row->kind == ValueKind::text;
    if (!goes_on && std::ranges::none_of(before, names_topic))
        return message.append(" (a topic goes with -t)");
    return message.append(" (a value with blanks needs quotes)");
}

// The same in a config file.
std::string unexpected_word(Program program, std::string_view word) {
    std::string message = quoted(word).append(" is no option");
    const OptionRow* row = find_option(program, word);
    if (row == nullptr) return message.append(": an option begins with '-'");
    message.append(" (did you mean ");
    if (row->short_name != 0) message.append("-").append(1, row->short_name).append(" or ");
    return message.append("--").append(row->long_name).append("?)");
}

// Splits one argument and takes its values. `find` looks an option up by name. Error: the message.
std::optional<std::string> take_option(Program program, std::string_view argument, ValueSource& source,
                                       std::vector<Occurrence>& out) {
    if (argument.starts_with("--") && argument.size() > 2) {
        const std::size_t equals = argument.find('=');
        const OptionRow* row =
            find_option(program, argument.substr(2, equals == argument.npos ? equals : equals - 2));
        if (row == nullptr) return unknown_option(program, argument);
        Occurrence option{.row = row, .long_form = true};
        if (equals == argument.npos) {
            if (auto error = take_values(option, std::nullopt, source)) return error;
        } else {
            if (row->values() == 0) return option.spelling().append(" takes no value");
            if (auto error = take_values(option, argument.substr(equals + 1), source)) return error;
        }
        out.push_back(option);
        return std::nullopt;
    }
    if (!argument.starts_with('-') || argument.size() < 2) return unexpected_argument(program, argument, out);
    // "-topic" is no cluster of -t with "opic", but a slip.
    if (argument.size() > 2 && find_option(program, argument.substr(1)) != nullptr) {
        return std::string("unknown option ")
            .append(quoted(argument))
            .append(" (did you mean -")
            .append(argument)
            .append("?)");
    }
    for (std::size_t i = 1; i < argument.size(); ++i) {
        const OptionRow* row = find_option(program, argument[i]);
        if (row == nullptr) {
            if (i == 1) return unknown_option(program, argument);
            return std::string("unknown option '-")
                .append(visible(argument.substr(i, 1)))
                .append("' in ")
                .append(quoted(argument));
        }
        Occurrence option{.row = row};
        const std::string_view rest = argument.substr(i + 1);
        const bool has_value = row->values() > 0;
        if (has_value) {
            if (rest.starts_with('=')) {
                return std::string("a short option takes its value without '=': -")
                    .append(argument.substr(i, 1))
                    .append(" ")
                    .append(visible(rest.substr(1)));
            }
            const auto attached = rest.empty() ? std::nullopt : std::optional(rest);
            if (auto error = take_values(option, attached, source)) return error;
        }
        out.push_back(option);
        if (has_value) break;
    }
    return std::nullopt;
}

}  // namespace

std::string Occurrence::spelling() const {
    if (long_form) return std::string("--").append(row->long_name);
    return std::string("-") + row->short_name;
}

bool is_option_name(Program program, std::string_view text) {
    if (text.starts_with("--")) return find_option(program, text.substr(2)) != nullptr;
    return text.size() == 2 && text.front() == '-' && find_option(program, text[1]) != nullptr;
}

Tokens tokenize_arguments(Program program, std::span<const std::string_view> arguments,
                          std::vector<Occurrence>* complete) {
    std::vector<Occurrence> options;
    ArgumentValues source(arguments);
    std::optional<std::string> error;
    while (!error && !source.empty()) error = take_option(program, *source.next(false), source, options);
    if (complete != nullptr) *complete = options;
    if (error) return std::unexpected(TokenError{std::move(*error)});
    return options;
}

Tokens tokenize_file(Program program, std::string_view content, bool skip_other_program) {
    constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";
    if (content.starts_with(byte_order_mark)) content.remove_prefix(byte_order_mark.size());
    const Program other = program == Program::pub ? Program::sub : Program::pub;
    std::vector<Occurrence> options;
    for (unsigned number = 1; !content.empty(); ++number) {
        std::string_view line = content.substr(0, content.find('\n'));
        content.remove_prefix(std::min(content.size(), line.size() + 1));
        if (line.ends_with('\r')) line.remove_suffix(1);
        if (line.starts_with('#')) continue;
        LineValues source(line);
        const auto word = source.next(false);
        if (!word) continue;
        if (word->starts_with("--") && word->find('=') != word->npos) {
            // "--name=value with blanks": the value is the rest of the line.
            const std::size_t start = static_cast<std::size_t>(word->data() - line.data());
            std::vector<Occurrence> one;
            LineValues nothing{std::string_view()};
            const auto error = take_option(program, line.substr(start), nothing, one);
            if (error) return std::unexpected(TokenError{*error, number});
            settle(one, number);
            options.push_back(one.front());
            continue;
        }
        if (!word->starts_with('-'))
            return std::unexpected(TokenError{unexpected_word(program, *word), number});
        const std::size_t before = options.size();
        auto error = take_option(program, *word, source, options);
        if (error && skip_other_program) {
            std::vector<Occurrence> ignored;
            LineValues again(line);
            again.next(false);
            if (options.size() == before && !take_option(other, *word, again, ignored)) continue;
        }
        if (!error && !source.empty()) {
            // Not repeated: it may be a password.
            const bool flag = options.back().row->values() == 0;
            error = options.back().spelling().append(
                flag ? " takes no value"
                     : ": unexpected text behind its value (a blank belongs between option and value)");
        }
        if (error) return std::unexpected(TokenError{std::move(*error), number});
        settle(std::span(options).subspan(before), number);
    }
    return options;
}

}  // namespace mqttc::app

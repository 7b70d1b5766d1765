// The table of options, a getopt-like walk over the arguments, and what goes with what.
#include "options.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <expected>
#include <vector>

#include "common/nearest.hpp"
#include "common/visible.hpp"

namespace mqttc::passwd {

// What the arguments said, before it is known whether it makes sense together.
struct Draft {
    Options options;
    bool help = false;
    bool version = false;
    bool batch = false;
    bool salt_length_given = false;
    bool memory_given = false;
    std::vector<std::string_view> actions;  // the options that chose one, as written
};

namespace {

using Wrong = std::optional<std::string>;

Wrong choose(Draft& draft, Action action, std::string_view option) {
    draft.options.action = action;
    if (std::ranges::find(draft.actions, option) == draft.actions.end()) draft.actions.push_back(option);
    return std::nullopt;
}

std::expected<std::uint32_t, std::string> number(std::string_view text, std::uint32_t least,
                                                 std::uint32_t most) {
    std::uint32_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size() || value < least || value > most)
        return std::unexpected("not a number from " + std::to_string(least) + " to " + std::to_string(most));
    return value;
}

Wrong set_scheme(Draft& draft, std::string_view value) {
    std::string known;
    for (const HashSchemeName& row : hash_schemes()) {
        if (row.name == value) {
            draft.options.recipe.scheme = row.scheme;
            return std::nullopt;
        }
        if (!known.empty()) known += ", ";
        known += row.name;
    }
    return "not a hash (" + known + ")";
}

Wrong set_iterations(Draft& draft, std::string_view value) {
    const auto iterations = number(value, 1, max_iterations);
    if (!iterations) return iterations.error();
    draft.options.recipe.iterations = *iterations;
    return std::nullopt;
}

Wrong set_memory(Draft& draft, std::string_view value) {
    const auto memory = number(value, min_argon2id_memory_kib, max_argon2id_memory_kib);
    if (!memory) return memory.error();
    draft.options.recipe.memory_kib = *memory;
    draft.memory_given = true;
    return std::nullopt;
}

Wrong set_salt_length(Draft& draft, std::string_view value) {
    if (value != "12" && value != "64") return "neither 12 nor 64";
    draft.options.recipe.salt_length = value == "12" ? 12 : 64;
    draft.salt_length_given = true;
    return std::nullopt;
}

constexpr std::array<OptionRow, 14> rows{{
    {'b', "batch", "", "the password is on the command line, for all to see",
     [](Draft& draft, std::string_view) -> Wrong {
         draft.batch = true;
         return std::nullopt;
     }},
    {'c', "create", "", "start with an empty file; '-' is stdout",
     [](Draft& draft, std::string_view) -> Wrong {
         draft.options.create = true;
         return std::nullopt;
     }},
    {'D', "delete", "", "delete the user",
     [](Draft& draft, std::string_view) { return choose(draft, Action::remove, "-D"); }},
    {'H', "hash", "HASH", "sha512-pbkdf2 (default), sha512 or argon2id", set_scheme},
    {'I', "iterations", "N", "rounds of sha512-pbkdf2 (20000) or argon2id passes (1)", set_iterations},
    {'U', "hash-all", "", "hash every password that is still in clear",
     [](Draft& draft, std::string_view) { return choose(draft, Action::hash_all, "-U"); }},
    {'\0', "import", "FILE", "add or replace all user:password lines of FILE or '-'",
     [](Draft& draft, std::string_view value) {
         draft.options.import_from = value;
         return choose(draft, Action::import_users, "--import");
     }},
    {'\0', "list", "", "print the users of the file",
     [](Draft& draft, std::string_view) { return choose(draft, Action::list, "--list"); }},
    {'\0', "verify", "USER", "check the password: exit 0 if right, 2 if wrong",
     [](Draft& draft, std::string_view value) {
         draft.options.user = value;
         return choose(draft, Action::verify, "--verify");
     }},
    {'\0', "stdin", "", "read the password as one line of standard input",
     [](Draft& draft, std::string_view) -> Wrong {
         draft.options.one_line_stdin = true;
         return std::nullopt;
     }},
    {'\0', "salt-length", "N", "12 or 64 for sha512-pbkdf2; 2.0 brokers read only 12", set_salt_length},
    {'\0', "memory", "KIB", "memory of argon2id (47104)", set_memory},
    {'\0', "help", "", "print this and exit",
     [](Draft& draft, std::string_view) -> Wrong {
         draft.help = true;
         return std::nullopt;
     }},
    {'\0', "version", "", "print the version and exit",
     [](Draft& draft, std::string_view) -> Wrong {
         draft.version = true;
         return std::nullopt;
     }},
}};

std::string unknown_long_option(std::string_view name) {
    std::array<std::string_view, rows.size()> names;
    std::ranges::transform(rows, names.begin(), &OptionRow::name);
    const std::string_view near = app::nearest_name(name, names);
    std::string message = "unknown option --" + app::visible(name);
    if (!near.empty()) message += " (did you mean --" + std::string(near) + "?)";
    return message;
}

// Walks the options at the front; what is left is in `rest`. As with the original, options end at the
// first argument that is none, so that a password may start with "-".
Wrong walk(std::span<const char* const> arguments, Draft& draft, std::vector<std::string_view>& rest) {
    std::size_t i = 0;
    const auto apply = [&](const OptionRow& row, const std::string& as_written,
                           std::optional<std::string_view> glued) -> Wrong {
        if (row.value.empty() && glued) return as_written + " takes no value";
        if (!row.value.empty() && !glued) {
            if (i + 1 >= arguments.size()) return as_written + " needs a value: " + std::string(row.value);
            glued = arguments[++i];
        }
        const auto wrong = row.apply(draft, glued.value_or(""));
        if (wrong) return as_written + " " + app::visible(*glued) + ": " + *wrong;
        return std::nullopt;
    };
    for (; i < arguments.size(); ++i) {
        const std::string_view argument = arguments[i];
        if (argument == "--") {
            ++i;
            break;
        }
        if (argument.size() < 2 || argument.front() != '-') break;
        if (argument.starts_with("--")) {
            const auto equals = argument.find('=');
            const auto name = argument.substr(2, equals == argument.npos ? equals : equals - 2);
            const auto* row = std::ranges::find(rows, name, &OptionRow::name);
            if (row == rows.end()) return unknown_long_option(name);
            std::optional<std::string_view> glued;
            if (equals != argument.npos) glued = argument.substr(equals + 1);
            if (auto wrong = apply(*row, "--" + std::string(name), glued)) return wrong;
            continue;
        }
        for (std::size_t k = 1; k < argument.size(); ++k) {
            const auto* row = std::ranges::find(rows, argument[k], &OptionRow::flag);
            if (row == rows.end()) return "unknown option -" + app::visible(argument.substr(k, 1));
            std::optional<std::string_view> glued;
            if (!row->value.empty() && k + 1 < argument.size()) glued = argument.substr(k + 1);
            if (auto wrong = apply(*row, std::string("-") + row->flag, glued)) return wrong;
            if (glued) break;
        }
    }
    for (; i < arguments.size(); ++i) rest.emplace_back(arguments[i]);
    return std::nullopt;
}

// The rules of what goes with what.
Wrong check_together(const Draft& draft) {
    const Options& options = draft.options;
    if (draft.actions.size() > 1)
        return std::string(draft.actions[0]) + " and " + std::string(draft.actions[1]) +
               " exclude each other";
    const bool sets = options.action == Action::set;
    const std::string action = draft.actions.empty() ? "" : std::string(draft.actions[0]);
    if (options.create && !sets && options.action != Action::import_users)
        return "-c and " + action + " exclude each other";
    const bool takes_password = sets || options.action == Action::verify;
    if (draft.batch && !takes_password) return "-b and " + action + " exclude each other";
    if (options.one_line_stdin && !takes_password) return "--stdin and " + action + " exclude each other";
    if (draft.batch && options.one_line_stdin) return "-b and --stdin exclude each other";
    if (draft.salt_length_given && options.recipe.scheme != HashScheme::sha512_pbkdf2)
        return "--salt-length is for -H sha512-pbkdf2 only";
    if (draft.memory_given && options.recipe.scheme != HashScheme::argon2id)
        return "--memory is for -H argon2id only";
    return std::nullopt;
}

// What stands behind the options: passwordfile [username] [password], by action.
Wrong take_operands(Draft& draft, std::span<const std::string_view> rest) {
    Options& options = draft.options;
    const bool wants_user = options.action == Action::set || options.action == Action::remove;
    std::vector<std::string_view> wanted = {"passwordfile"};
    if (wants_user) wanted.emplace_back("username");
    if (draft.batch) wanted.emplace_back("password");
    if (rest.size() < wanted.size()) return std::string(wanted[rest.size()]) + " is missing";
    if (rest.size() > wanted.size()) {
        if (options.action == Action::set && !draft.batch && rest.size() == 3)
            return "a password on the command line needs -b in front of the file's name";
        const bool option_behind = std::ranges::any_of(rest.subspan(1), [](std::string_view argument) {
            return argument.size() > 1 && argument.starts_with('-');
        });
        return std::string("too many arguments") +
               (option_behind ? " (options go in front of the file's name)" : "");
    }
    options.file = rest[0];
    if (wants_user) options.user = rest[1];
    if (draft.batch) options.password = rest.back();
    if (options.file.empty()) return "the file's name is empty";
    if (options.file == "-" && !options.create) return "'-' as the file goes with -c only";
    return std::nullopt;
}

}  // namespace

std::variant<Options, HelpWanted, VersionWanted, OptionError> parse_options(
    std::span<const char* const> arguments) {
    Draft draft;
    std::vector<std::string_view> rest;
    if (auto wrong = walk(arguments, draft, rest)) return OptionError{*wrong};
    if (draft.help) return HelpWanted{};
    if (draft.version) return VersionWanted{};
    if (auto wrong = check_together(draft)) return OptionError{*wrong};
    if (auto wrong = take_operands(draft, rest)) return OptionError{*wrong};
    return std::move(draft.options);
}

std::span<const OptionRow> option_rows() {
    return rows;
}

std::string help_text() {
    std::string text =
        "mqtt_passwd keeps the password file of an MQTT broker.\n"
        "\n"
        "usage: mqtt_passwd [-H hash] [-I iterations] [-c | -D] [-b | --stdin] passwordfile username "
        "[password]\n"
        "       mqtt_passwd [-H hash] [-I iterations] -U passwordfile\n"
        "       mqtt_passwd [-H hash] [-I iterations] [-c] --import file passwordfile\n"
        "       mqtt_passwd --list passwordfile\n"
        "       mqtt_passwd --verify user [-b | --stdin] passwordfile [password]\n"
        "\n";
    constexpr std::size_t column = 26;
    for (const OptionRow& row : rows) {
        std::string line = row.flag != '\0' ? std::string("  -") + row.flag + ", " : "      ";
        line += "--" + std::string(row.name);
        if (!row.value.empty()) line += " " + std::string(row.value);
        line.resize(std::max(line.size() + 1, column), ' ');
        text += line + std::string(row.help) + "\n";
    }
    text += "\nexit status: 0 done, 1 not done, 2 the passwords do not match\n";
    return text;
}

}  // namespace mqttc::passwd

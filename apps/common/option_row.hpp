// One option, as data: its names, values and rules, and how its value is stored. The tables of rows are the only
// place that knows an option; parsing, checks, --help, completions and manuals read them.
#pragma once

#include <cstdint>
#include <expected>
#include <span>
#include <string>
#include <string_view>

namespace mqttc::app {

enum class Program : std::uint8_t { pub = 1, sub = 2, passwd = 4 };
using ProgramSet = std::uint8_t;
constexpr ProgramSet only(Program program) {
    return static_cast<ProgramSet>(program);
}
inline constexpr ProgramSet pub_and_sub = only(Program::pub) | only(Program::sub);

/// "mqtt_pub", "mqtt_sub" or "mqtt_passwd".
std::string_view program_name(Program program);

/// Where an option was given; a higher one wins.
enum class OptionSource : std::uint8_t { environment, profile, config_file, command_line };

/// What an argument is, for splitting config lines and for completions.
enum class ValueKind : std::uint8_t {
    none,  ///< a flag
    text,
    number,   ///< whole number
    seconds,  ///< may be fractional
    choice,   ///< one of `choices`
    file,
    directory,
    host,
    property,  ///< command, identifier, value (-D)
    command,
    profile,  ///< the name of a profile
};

/// What a second occurrence does.
enum class Repeats : std::uint8_t {
    last_wins,
    adds,        ///< also to what a config file gave
    per_source,  ///< adds within the command line or one file; a higher source replaces a lower one
};

/// What of the value is wiped from the process's arguments, and makes a config file secret.
enum class Secrecy : std::uint8_t {
    not_secret,
    value,           ///< all of it
    url_password,    ///< the password of scheme://user:password@host
    header_value,    ///< all but header_name()
    property_value,  ///< the value of authentication-data
    file_content     ///< nothing of it: it names a file that contains a secret
};

/// What an option means to the parser itself, besides its own value.
enum class Role : std::uint8_t {
    ordinary,
    selects_tls,
    selects_websocket,
    selects_v5,  ///< MQTT 3.x has no field for what it requests
    no_tls,
    config_file,
    profile,
    quiet,
    help,
    version,
    generate,
};

struct OptionContext;
using OptionResult = std::expected<void, std::string>;

/// One option. A row has only what is special about it.
struct OptionRow {
    char short_name = 0;             ///< 0 = none
    std::string_view name = {};      ///< the long name without the dashes; empty = none
    std::string_view argument = {};  ///< as shown in --help; empty = a flag
    ValueKind value = argument.empty() ? ValueKind::none : ValueKind::text;
    std::string_view choices = {};  ///< separated by spaces; suggestions unless `value` is choice
    bool value_optional = false;    ///< only "--name=value" gives one
    /// What the value is, if it must not be empty: "the address".
    std::string_view not_empty =
        value == ValueKind::file || value == ValueKind::directory ? "the file name" : "";
    Repeats repeats = Repeats::last_wins;
    Secrecy secrecy = Secrecy::not_secret;
    Role role = Role::ordinary;
    std::string_view environment = {};  ///< the variable that gives a default
    /// The variable isn't read when one of these is given either; written like `needs`.
    std::string_view replaces_environment = {};
    /// Without one of these it is an error: "name" or "name=choice", separated by '|'. A name is a long name, or the
    /// letter of an option without one.
    std::string_view needs = {};
    /// Called by a name of Mosquitto: without what it needs it is ignored, as Mosquitto does, with a warning.
    bool mosquitto_ignores = false;
    std::string_view excludes = {};  ///< cannot be used together with any of these; written like `needs`
    std::string_view why = {};       ///< the reason for `excludes`, in the message
    bool overridable = false;        ///< no error when a higher source has what it conflicts with
    bool needs_safe_file = false;    ///< refused in a config file that other users can change
    /// Spaces after the value in a config file cannot be intended. In a text they may be, and Mosquitto keeps them.
    bool ends_at_space = value == ValueKind::number || value == ValueKind::seconds ||
                         value == ValueKind::choice || value == ValueKind::host;
    /// In a profile it may lack what it needs: it is meant for the other program.
    bool shared_by_profile = false;
    std::string_view help = {};    ///< one line; empty: not shown
    std::string_view manual = {};  ///< what the manual says, in mdoc; empty: `help`
    /// Stores the value (context.values). Error: what is wrong with the value, one line.
    OptionResult (*set)(OptionContext&) = nullptr;

    /// Values it takes from the next arguments: 0, 1, or 3 (-D; 4 when the second one is "user-property").
    constexpr unsigned value_count() const {
        return value == ValueKind::none || value_optional ? 0 : value == ValueKind::property ? 3 : 1;
    }
    /// "-q, --qos", "-M" or "--will-topic".
    std::string names() const;
    /// "-q" or "--will-topic", for messages.
    std::string short_form() const;
};

/// Options under one heading of --help.
struct OptionSection {
    ProgramSet programs;
    std::string_view title;
    std::span<const OptionRow> rows;
};

/// The options of a program family: mqtt_pub and mqtt_sub have one table, mqtt_passwd another.
class OptionTable {
  public:
    /// The sections and their rows must outlive the table.
    constexpr explicit OptionTable(std::span<const OptionSection> sections) : sections_(sections) {}

    std::span<const OptionSection> sections() const { return sections_; }
    /// Calls `visit(row)` for each row that one of `programs` has.
    template <typename Visit>
    void for_each(ProgramSet programs, Visit visit) const {
        for (const OptionSection& section : sections_) {
            if ((section.programs & programs) == 0) continue;
            for (const OptionRow& row : section.rows) visit(row);
        }
    }
    /// The row of an option that one of `programs` has, or nullptr. `name` without dashes; a single character is a
    /// short name.
    const OptionRow* find(ProgramSet programs, std::string_view name) const;
    /// The row for a complete word of a command line, "-q" or "--qos", or nullptr.
    const OptionRow* find_spelled(ProgramSet programs, std::string_view word) const;
    /// The option that a wrong name was meant to be, with its dashes ("--retian" -> "--retain", "--conn" ->
    /// "--connect-timeout", "--user" -> "--username"); empty when none is near.
    std::string nearest(Program program, std::string_view given) const;

  private:
    std::span<const OptionSection> sections_;
};

}  // namespace mqttc::app

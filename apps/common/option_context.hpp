// What an option row's setter works with: the value at hand and the options it is stored in; and setters for the usual
// kinds of values.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "base/text.hpp"
#include "option_row.hpp"
#include "option_values.hpp"

namespace mqttc::passwd {
struct Options;
}

namespace mqttc::app {

struct ConnectionOptions;
struct ParsedOption;
struct PubOptions;
struct RunOptions;
struct SubOptions;

/// An option that was given, and the highest source that gave it.
struct GivenOption {
    const OptionRow* row;
    OptionSource source;
    std::string value;  ///< of a choice, or the name of a file with a secret
};

/// What -L gave and no later option has replaced. The URL of another broker removes it.
struct UrlParts {
    std::optional<OptionSource> username, password, topic;
    std::string path = {};         ///< of ws:// and wss://, which may be the WebSocket's path or the topic
    std::size_t filter_index = 0;  ///< the URL's filter among the topics of mqtt_sub
};

/// Calls `visit(name, choice)` for each alternative of a row's `needs`, `excludes` or `replaces_environment`.
template <typename Visit>
void for_each_alternative(std::string_view alternatives, Visit visit) {
    while (!alternatives.empty()) {
        std::string_view choice = take_until(alternatives, '|');
        const std::string_view name = take_until(choice, '=');
        visit(name, choice);
    }
}

struct OptionContext {
    Program program;
    const OptionTable& table;
    bool mosquitto = false;                   ///< called by a name of Mosquitto's programs
    ConnectionOptions* connection = nullptr;  ///< mqtt_pub and mqtt_sub
    RunOptions* run = nullptr;                ///< mqtt_pub and mqtt_sub
    PubOptions* pub = nullptr;
    SubOptions* sub = nullptr;
    passwd::Options* passwd = nullptr;

    /// The option being stored. The views live until the setter returns.
    const OptionRow* row = nullptr;
    OptionSource source = OptionSource::environment;
    std::string spelling = {};
    std::span<const std::string_view> values = {};
    std::size_t choice = 0;    ///< of ValueKind::choice: the position of the value among the row's choices
    bool has_no_tls = false;   ///< --no-tls is in this source
    bool tls_dropped = false;  ///< --no-tls is in this source or a higher one
    bool is_default = false;   ///< set by a setter whose value means the same as not giving the option

    std::vector<GivenOption> given = {};
    UrlParts url = {};
    std::string message_option = {};  ///< the option that gives mqtt_pub's message, as spelled
    std::optional<OptionSource> message_source = {};

    std::string_view value() const { return values.empty() ? std::string_view() : values[0]; }
    /// The option when it was given, or nullptr. `name` as in OptionTable::find.
    const GivenOption* find(std::string_view name) const;
    /// Whether the option was already given in the source at hand.
    bool repeated(std::string_view name) const;
    /// As if the option had not been given: another one replaces it.
    void forget(std::string_view name);
    /// Stores an option of `source`. Error: one line.
    OptionResult apply(const ParsedOption& option);
    /// Checks the rows' `needs` and `excludes` for the options given. Error: one line.
    OptionResult check_rules() const;

    template <typename Options>
    Options& options() {
        if constexpr (std::is_same_v<Options, ConnectionOptions>) return *connection;
        if constexpr (std::is_same_v<Options, RunOptions>) return *run;
        if constexpr (std::is_same_v<Options, PubOptions>) return *pub;
        if constexpr (std::is_same_v<Options, SubOptions>) return *sub;
        if constexpr (std::is_same_v<Options, passwd::Options>) return *passwd;
    }
};

/// Setters for rows. `field` is a path of member pointers: set_text<&ConnectionOptions::tls, &TlsOptions::ciphers>.
namespace detail {
template <typename Class, typename Member>
Class class_of(Member Class::*);
template <auto First, auto... Rest>
auto& field(OptionContext& context) {
    using Options = decltype(class_of(First));
    return ((context.options<Options>().*First).*....*Rest);
}
}  // namespace detail

template <auto... Field>
OptionResult set_flag(OptionContext& context) {
    detail::field<Field...>(context) = true;
    return {};
}
template <auto... Field>
OptionResult clear_flag(OptionContext& context) {
    detail::field<Field...>(context) = false;
    return {};
}
template <auto... Field>
OptionResult set_text(OptionContext& context) {
    detail::field<Field...>(context) = std::string(context.value());
    return {};
}
template <std::uint64_t Min, std::uint64_t Max, auto... Field>
OptionResult set_number(OptionContext& context) {
    return assign(detail::field<Field...>(context), to_number(context.value(), Min, Max));
}
template <double Min, double Max, auto... Field>
OptionResult set_decimal(OptionContext& context) {
    return assign(detail::field<Field...>(context), to_decimal(context.value(), Min, Max));
}
template <double Min, auto... Field>
OptionResult set_seconds(OptionContext& context) {
    return assign(detail::field<Field...>(context), to_seconds(context.value(), Min));
}
/// An enum, or an optional one, whose values are in the order of the row's choices.
template <typename Enum, auto... Field>
OptionResult set_choice(OptionContext& context) {
    detail::field<Field...>(context) = static_cast<Enum>(context.choice);
    return {};
}

/// Options that only the parser itself looks at.
inline OptionResult no_setting(OptionContext& /*context*/) {
    return {};
}

// clang-format off
/// The rows that all programs have.
inline constexpr OptionRow generate_row{.name = "generate", .argument = "NAME", .value = ValueKind::choice,
    .choices = "bash zsh fish man", .role = Role::generate, .set = no_setting};
inline constexpr OptionRow help_row{.name = "help", .role = Role::help, .help = "print this text",
    .manual = "Print a summary of the options and exit.", .set = no_setting};
inline constexpr OptionRow version_row{.name = "version", .role = Role::version, .help = "print the version",
    .manual = "Print the version and exit.", .set = no_setting};
// clang-format on

}  // namespace mqttc::app

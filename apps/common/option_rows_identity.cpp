// The options for the client: identifier, login, session and properties.
#include <algorithm>

#include "option_rows.hpp"
#include "property_option.hpp"

namespace mqttc::app {
namespace {

using PasswordKind = PasswordSource::Kind;

OptionResult set_client_id(OptionContext& context) {
    const bool is_id = context.row->name == "id";
    const std::string_view other = is_id ? "id-prefix" : "id";
    if (context.repeated(other))
        return std::unexpected(std::string("cannot be used with ").append(is_id ? "-I" : "-i"));
    context.forget(other);
    constexpr std::size_t longest_pid = 20;
    const auto good = is_id ? check_max_length(context.value(), "the client identifier")
                            : check_max_length(context.value(), "the prefix of a client identifier",
                                               max_string_bytes - longest_pid);
    if (!good) return good;
    ConnectionOptions& to = *context.connection;
    to.client_id.reset();
    to.id_prefix.reset();
    return assign(is_id ? to.client_id : to.id_prefix, to_utf8(context.value()));
}

OptionResult set_username(OptionContext& context) {
    if (auto good = check_max_length(context.value(), "the user name"); !good) return good;
    context.url.username.reset();
    return assign(context.connection->username, to_utf8(context.value()));
}

OptionResult set_password(OptionContext& context) {
    if (auto good = check_max_length(context.value(), "the password"); !good) return good;
    context.url.password.reset();
    context.connection->password = {.kind = PasswordKind::given,
                                    .value = Secret(context.value()),
                                    .from_environment = context.source == OptionSource::environment};
    context.forget("password-file");
    return {};
}

OptionResult set_password_file(OptionContext& context) {
    context.url.password.reset();
    context.connection->password = {.kind = PasswordKind::file};
    return set_text<&ConnectionOptions::password, &PasswordSource::path>(context);
}

OptionResult set_ask_password(OptionContext& context) {
    context.url.password.reset();
    context.connection->password = {.kind = PasswordKind::ask};
    context.forget("password-file");
    return {};
}

OptionResult set_session_expiry(OptionContext& context) {
    std::optional<std::uint32_t>& expiry = context.connection->session_expiry;
    if (context.value() == "-1" || context.value() == "\u221e") {
        expiry = UINT32_MAX;
        return {};
    }
    const auto number = to_number(context.value(), 0, UINT32_MAX);
    if (!number) return std::unexpected(number.error() + ", -1 or \u221e (never)");
    expiry = static_cast<std::uint32_t>(*number);
    return {};
}

OptionResult add_property(OptionContext& context) {
    auto property = to_property(context.values);
    if (!property) return std::unexpected(std::move(property.error()));
    property->source = context.source;
    auto& list = context.connection->properties;
    if (!repeatable(*property)) {
        const auto same = std::ranges::find_if(list, [&](const PropertyOption& p) {
            return p.where == property->where && p.id == property->id;
        });
        if (same != list.end()) {
            if (same->source == context.source)
                return std::unexpected(std::string("this property is given twice"));
            list.erase(same);
        }
    }
    list.push_back(std::move(*property));
    return {};
}

// clang-format off
constexpr OptionRow identity_options[] = {
    {.short_name = 'i', .name = "id", .argument = "ID", .not_empty = "the client identifier",
     .help = "client identifier (default: the broker assigns one)",
     .manual = R"(The client identifier.
By default the broker assigns one.
In MQTT 3.1 the default is the name of the program, a dash and the process ID.)",
     .set = set_client_id},
    {.short_name = 'I', .name = "id-prefix", .argument = "PREFIX", .not_empty = "the client identifier",
     .help = "client identifier is PREFIX and the process id",
     .manual = R"(Use
.Ar prefix
followed by the process ID as the client identifier.
Cannot be combined with
.Fl i .)",
     .set = set_client_id},
    {.short_name = 'u', .name = "username", .argument = "NAME", .environment = "MQTT_USERNAME",
     .help = "user name",
     .manual = "The user name.",
     .set = set_username},
    {.short_name = 'P', .name = "pw", .argument = "PASSWORD", .secrecy = Secrecy::value, .environment = "MQTT_PASSWORD",
     .replaces_environment = "password-file|ask-password",
     .help = "password (visible to other users; prefer one of the next two)",
     .manual = R"(The password.
It is wiped from the process's argument list, but other users can see it for a
moment, and it stays in the shell's history.
Prefer one of the two options below, or
.Ev MQTT_PASSWORD .)",
     .set = set_password},
    {.name = "password-file", .argument = "FILE", .value = ValueKind::file, .secrecy = Secrecy::file_content,
     .help = "the password is the first line of FILE",
     .manual = R"(Read the password from the first line of
.Ar file .)",
     .set = set_password_file},
    {.name = "ask-password", .help = "ask for the password on the terminal",
     .manual = "Prompt for the password on the terminal, without echo.",
     .set = set_ask_password},
    {.short_name = 'c', .name = "disable-clean-session",
     .help = "the broker keeps the session; needs -i",
     .manual = R"(Ask the broker to keep the session after the connection ends, so that QoS 1
and 2 messages are queued there.
Requires
.Fl i .
In MQTT 5 the broker keeps the session forever unless
.Fl x
sets a limit.)",
     .set = clear_flag<&ConnectionOptions::clean_start>},
    {.short_name = 'x', .argument = "SECONDS", .value = ValueKind::number, .role = Role::selects_v5,
     .help = "session expiry interval, -1 = never; selects MQTT 5",
     .manual = R"(The session expiry interval, 0 to 4294967295;
.Cm -1
or
.Cm ∞
means never, and needs
.Fl i .
Selects MQTT 5.
Without
.Fl x
and
.Fl c ,
a run with QoS 1 or 2 that reconnects requests 300 seconds in MQTT 5, so that
no message is lost in an outage and QoS 2 stays exactly once, and ends the
session when it exits.)",
     .set = set_session_expiry},
    {.short_name = 'D', .name = "property", .argument = "COMMAND NAME VALUE", .value = ValueKind::property,
     .choices = "connect publish will subscribe unsubscribe disconnect", .repeats = Repeats::adds,
     .secrecy = Secrecy::property_value, .role = Role::selects_v5,
     .help = "MQTT 5 property, e.g. -D publish content-type text/plain; repeats",
     .manual = R"(Add an MQTT 5 property to the packets of a command.
The identifier
.Cm user-property
takes two values, a name and a value.
Selects MQTT 5.
May be repeated.
The commands and their identifiers are:)",
     .set = add_property},
};
// clang-format on

}  // namespace

constinit const std::span<const OptionRow> identity_rows = identity_options;

}  // namespace mqttc::app

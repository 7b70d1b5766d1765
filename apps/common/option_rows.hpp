// The table of options of mqtt_pub and mqtt_sub: parsing, --help and the checks of man pages and completions
// read it.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace mqttc::app {

enum class Program : std::uint8_t { pub = 1, sub = 2 };
using ProgramSet = std::uint8_t;
constexpr ProgramSet only(Program program) {
    return static_cast<ProgramSet>(program);
}
inline constexpr ProgramSet both_programs = only(Program::pub) | only(Program::sub);

/// "mqtt_pub" or "mqtt_sub".
std::string_view program_name(Program program);

/// What an option does. An identifier may have one row per program when the two differ in words or
/// repetition.
enum class OptionId : std::uint8_t {
    // broker
    host,
    port,
    url,
    unix_socket,
    srv,
    bind_address,
    protocol_version,
    keep_alive,
    no_delay,
    connect_timeout,
    ack_timeout,
    run_timeout,
    reconnect,
    reconnect_delay,
    // who we are
    client_id,
    id_prefix,
    username,
    password,
    password_file,
    ask_password,
    disable_clean_session,
    session_expiry,
    // TLS
    ca_file,
    ca_path,
    system_store,
    cert,
    key,
    key_passphrase_file,
    key_form,
    tls_engine,
    tls_engine_kpass_sha1,
    ciphers,
    tls13_ciphers,
    tls_version,
    tls_alpn,
    insecure,
    tls_keylog,
    psk,
    psk_identity,
    psk_file,
    no_tls,
    // WebSocket and proxies
    websocket,
    websocket_path,
    websocket_header,
    proxy,
    // will
    will_topic,
    will_payload,
    will_qos,
    will_retain,
    // the message (mqtt_pub)
    topic,
    qos,
    retain,
    message,
    file,
    stdin_line,
    stdin_file,
    null_message,
    encoding,
    input,
    separator,
    skip_invalid,
    replay,
    speed,
    // how messages are sent (mqtt_pub)
    repeat,
    repeat_delay,
    rate,
    max_inflight,
    max_packet_size,
    request,
    response_topic,
    stamp,
    progress,
    // what is received (mqtt_sub)
    unsubscribe,
    filter_out,
    count,
    exit_after_suback,
    no_retain,
    retained_only,
    remove_retained,
    retain_as_published,
    retain_handling,
    no_local,
    dry_run,
    random_filter,
    idle_timeout,
    // how it is printed (mqtt_sub)
    verbose,
    no_newline,
    format,
    pretty,
    field,
    message_rate,
    watch,
    raw,
    save,
    exec,
    jobs,
    // both
    property,
    config_file,
    profile,
    stats,
    debug,
    quiet,
    help,
    version,
};

/// The headings of --help, in this order.
enum class OptionGroup : std::uint8_t {
    message,
    sending,
    subscription,
    output,
    broker,
    identity,
    tls,
    transport,
    will,
    general,
};
std::string_view group_title(OptionGroup group);

/// What an argument is, for completions and tests.
enum class ValueKind : std::uint8_t {
    none,  ///< a flag
    text,
    number,   ///< whole number
    seconds,  ///< may be fractional
    choice,   ///< one of `choices`
    file,
    directory,
    host,
    url,
    topic,
    filter,
    property,  ///< command, identifier, value (-D)
    format,    ///< the language of -F
    command,
};

enum class OptionStatus : std::uint8_t {
    ready,
    unsupported,  ///< known from the original and deliberately left out: a clear "not supported"
};

/// What a second occurrence does.
enum class Repeats : std::uint8_t {
    last_wins,
    adds,       ///< also to what a config file gave
    per_layer,  ///< adds within the command line or one file; what stands higher replaces what stands lower
    once,       ///< an error in the same place, the higher layer wins otherwise
};

/// What of the value is wiped from the process's arguments.
enum class Secrecy : std::uint8_t {
    open,
    value,          ///< all of it
    url_password,   ///< the password of scheme://user:password@host
    header_value,   ///< all but header_name()
    property_value  ///< the value of authentication-data
};

/// One option. The table is sorted by group.
struct OptionRow {
    OptionId id;
    char short_name;             ///< 0 = none
    std::string_view long_name;  ///< without the dashes; empty = none
    std::string_view argument;   ///< as shown in --help; empty = a flag
    ProgramSet programs;
    OptionGroup group;
    ValueKind kind;
    Repeats repeats;
    OptionStatus status;
    Secrecy secrecy;
    std::string_view choices;  ///< separated by blanks, for ValueKind::choice
    std::string_view help;     ///< one line

    /// Arguments it takes: 0, 1, or 3 (-D; 4 when the second one is "user-property").
    constexpr unsigned values() const {
        return kind == ValueKind::none ? 0 : kind == ValueKind::property ? 3 : 1;
    }
};

/// All rows; static storage.
std::span<const OptionRow> option_rows();
/// The row of an option that `program` has, or nullptr. `long_name` without dashes.
const OptionRow* find_option(Program program, std::string_view long_name);
const OptionRow* find_option(Program program, char short_name);
/// The row of an option that `program` has (every identifier it has: it must have it).
const OptionRow& option_row(Program program, OptionId id);
/// "-q, --qos", "-M" or "--will-topic", for messages.
std::string option_name(const OptionRow& row);
/// What a wrong name was meant to be, with its dashes ("--retian" -> "--retain", "--conn" ->
/// "--connect-timeout", "--user" -> "--username"); empty when none is near.
std::string nearest_option(Program program, std::string_view given);

}  // namespace mqttc::app

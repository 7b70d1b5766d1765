// Which options go together, and what must be there: the end of OptionsBuilder's work.
#include <algorithm>

#include "apply.hpp"
#include "connection.hpp"
#include "values.hpp"

namespace mqttc::app {
namespace {

using Result = std::expected<void, std::string>;

Result wrong(std::string message) {
    return std::unexpected(std::move(message));
}

bool has_property(const ConnectionSettings& settings, PacketSet where) {
    for (const PropertyOption& property : settings.properties) {
        if (property.where == where) return true;
    }
    return false;
}

std::string long_name(OptionId id) {
    return std::string("--").append(option_row(Program::sub, id).long_name);
}

const PropertyOption* find_property(const ConnectionSettings& settings, PacketType where, PropertyId id) {
    for (const PropertyOption& property : settings.properties) {
        if (property.where == packet_bit(where) && property.id == id) return &property;
    }
    return nullptr;
}

// A session that was to end with its connection can't be prolonged when leaving (MQTT 5.0 section 3.14.2.2.2):
// the broker would take the DISCONNECT for an error, and publish the Will.
Result check_disconnect(const ConnectionSettings& settings) {
    constexpr PropertyId interval = PropertyId::session_expiry_interval;
    const PropertyOption* at_end = find_property(settings, PacketType::disconnect, interval);
    if (at_end == nullptr || at_end->number == 0) return {};
    const PropertyOption* at_start = find_property(settings, PacketType::connect, interval);
    const bool kept = at_start != nullptr ? at_start->number > 0
                                          : settings.session_expiry.value_or(settings.clean ? 0 : 1) > 0;
    if (kept) return {};
    return wrong(
        "-D disconnect session-expiry-interval needs a session that is kept: -x SECONDS or -D connect "
        "session-expiry-interval SECONDS");
}

Result check_authentication(const ConnectionSettings& settings) {
    const auto given = [&](PropertyId id) { return find_property(settings, PacketType::connect, id); };
    if (given(PropertyId::authentication_data) && !given(PropertyId::authentication_method))
        return wrong("-D connect authentication-data needs -D connect authentication-method");
    return {};
}

Result check_will(const ConnectionSettings& settings) {
    const WillOptions& will = settings.will;
    if (will.topic) return {};
    if (will.payload) return wrong("--will-payload needs --will-topic");
    if (will.qos) return wrong("--will-qos needs --will-topic");
    if (will.retain) return wrong("--will-retain needs --will-topic");
    if (has_property(settings, will_properties_bit)) return wrong("-D will needs --will-topic");
    return {};
}

Result check_session(const ConnectionSettings& settings) {
    if (settings.client_id) return {};
    if (!settings.clean) return wrong("-c needs a client id that stays the same: -i ID");
    if (settings.session_expiry == UINT32_MAX) {
        return wrong("a session that never expires needs a client id that stays the same: -i ID");
    }
    return {};
}

Result check_tls(const ConnectionSettings& settings) {
    if (settings.no_tls) return {};
    const TlsOptions& tls = settings.tls;
    if (tls.cert_file.empty() && !tls.key_file.empty()) return wrong("--key needs --cert");
    if (!tls.cert_file.empty() && tls.key_file.empty()) return wrong("--cert needs --key");
    if (!settings.key_passphrase_file.empty() && tls.key_file.empty()) {
        return wrong("--key-passphrase-file needs --key");
    }
    const bool has_psk = !tls.psk_key.empty() || !settings.psk_file.empty();
    if (has_psk && tls.psk_identity.empty()) return wrong("--psk needs --psk-identity");
    if (!has_psk && !tls.psk_identity.empty()) return wrong("--psk-identity needs --psk or --psk-file");
    if (has_psk && !(tls.ca_file.empty() && tls.ca_path.empty())) {
        return wrong("--psk can't be used with --cafile or --capath");
    }
    return {};
}

}  // namespace

Result OptionsBuilder::check_message() const {
    const PubOptions& pub = options_.pub;
    const bool lines = pub.source == PayloadSource::lines;
    const bool lines_bring_topics = lines && pub.input.value_or(InputFormat::lines) != InputFormat::lines;
    if (pub.topics.empty() && !lines_bring_topics)
        return wrong(has(OptionId::url) ? "a topic is needed: -t TOPIC, or /TOPIC in the URL"
                                        : "a topic is needed: -t TOPIC");
    if (pub.source == PayloadSource::none) return wrong("a message is needed: one of -m, -f, -l, -s, -n");
    if (lines && pub.repeat > 1) return wrong("--repeat can't be used with -l");
    if (auto input = check_input(); !input) return input;
    return check_request();
}

Result OptionsBuilder::check_request() const {
    const PubOptions& pub = options_.pub;
    if (!pub.request) {
        if (!pub.response_topic.empty()) return wrong("--response-topic needs --request");
        if (options_.count && layer_of(OptionId::count) != Layer::profile) return wrong("-C needs --request");
        return {};
    }
    if (pub.source == PayloadSource::lines) return wrong("--request can't be used with -l");
    if (pub.repeat > 1) return wrong("--request can't be used with --repeat");
    if (pub.stamp) return wrong("--request can't be used with --stamp");
    if (effective_version(options_.connection) != ProtocolVersion::v5 && pub.response_topic.empty())
        return wrong("--request needs --response-topic without MQTT 5 (-V mqttv5)");
    return {};
}

Result OptionsBuilder::check_input() const {
    const PubOptions& pub = options_.pub;
    const bool lines = pub.source == PayloadSource::lines;
    if (!lines && pub.input) return wrong("--input needs -l");
    if (!lines && pub.skip_invalid) return wrong("--skip-invalid needs -l");
    const bool topic_lines = pub.input == InputFormat::topic;
    const bool json = pub.input == InputFormat::json;
    if (pub.separator && !topic_lines) return wrong("--separator needs --input topic");
    if (topic_lines && has(OptionId::topic)) return wrong("-t can't be used with --input topic");
    if (pub.encoding != Encoding::raw) {
        if (!lines && pub.source != PayloadSource::message) return wrong("--encoding needs -m or -l");
        if (json)
            return wrong(
                "--encoding can't be used with --input json: write payload_encoding into the objects");
    }
    if (pub.replay && !json) return wrong("--replay needs --input json");
    if (has(OptionId::speed) && !pub.replay) return wrong("--speed needs --replay");
    return {};
}

Result OptionsBuilder::check_subscription() const {
    const SubOptions& sub = options_.sub;
    if (sub.topics.empty() && sub.unsubscribe.empty())
        return wrong(has(OptionId::url) ? "a topic is needed: -t FILTER, or /FILTER in the URL (or -U FILTER)"
                                        : "a topic is needed: -t FILTER (or -U FILTER)");
    // With a single topic the last -q counts, as it does in scripts that override an earlier one.
    if (options_.qos.size() != 1 && sub.topics.size() > 1 && options_.qos.size() != sub.topics.size()) {
        return wrong("-q is given " + std::to_string(options_.qos.size()) + " times for " +
                     std::to_string(sub.topics.size()) + " topics: give it once, or once for each topic");
    }
    if (sub.dry_run && !sub.remove_retained) return wrong("--dry-run needs --remove-retained");
    if (sub.no_retain && sub.retained_only) return wrong("-R can't be used with --retained-only");
    return check_output();
}

// One way only for the messages to go.
Result OptionsBuilder::check_output() const {
    using enum OptionId;
    const SubOptions& sub = options_.sub;
    OptionId first = version;
    for (const OptionId id : {save, exec, watch, message_rate}) {
        if (!has(id)) continue;
        if (first != version) return wrong(long_name(id) + " can't be used with " + long_name(first));
        first = id;
    }
    if (has(jobs) && !sub.exec) return wrong("--jobs needs --exec");
    if (sub.field && !sub.watch) return wrong("--field needs -w");
    if (sub.field && has(format) && layer_of(format) >= layer_of(field))
        return wrong("-F can't be used with --field: both say what the table shows");
    if (sub.dry_run && first != version) return wrong(long_name(first) + " can't be used with --dry-run");
    if (first != save && first != exec) return {};
    for (const OptionId id : {format, verbose}) {
        // One in a configuration file is left aside.
        if (has(id) && layer_of(id) >= layer_of(first))
            return wrong((id == format ? "-F can't be used with " : "-v can't be used with ") +
                         long_name(first) + ": nothing is printed");
    }
    return {};
}

Result OptionsBuilder::check_connection() const {
    const ConnectionSettings& settings = options_.connection;
    if (auto will = check_will(settings); !will) return will;
    if (auto session = check_session(settings); !session) return session;
    if (auto tls = check_tls(settings); !tls) return tls;
    if (auto authentication = check_authentication(settings); !authentication) return authentication;
    if (auto disconnect = check_disconnect(settings); !disconnect) return disconnect;

    using Kind = PasswordSource::Kind;
    const Kind kind = settings.password.kind;
    const bool asked = kind == Kind::given || kind == Kind::file || kind == Kind::ask;
    if (asked && !settings.username && effective_version(settings) != ProtocolVersion::v5) {
        return wrong("a password needs a user name (-u), except in MQTT 5 (-V mqttv5)");
    }
    if (!settings.endpoint.unix_path.empty() && settings.endpoint.proxy)
        return wrong("--proxy can't be used with --unix");
    if (settings.endpoint.srv && settings.endpoint.proxy)
        return wrong("-S can't be used with --proxy: the proxy resolves the name");
    if (!settings.endpoint.unix_path.empty() && settings.endpoint.srv)
        return wrong("-S can't be used with --unix");
    return {};
}

// MQTT_CAFILE is a default; mqtt:// on a higher layer says that there is no TLS.
bool OptionsBuilder::url_without_tls_beats_environment() const {
    const auto beaten = [&](const OptionRow& row) {
        return row.group != OptionGroup::tls || !has(row.id) || layer_of(row.id) == Layer::environment;
    };
    return has(OptionId::url) && layer_of(OptionId::url) > Layer::environment &&
           !options_.connection.url_tls && std::ranges::all_of(option_rows(), beaten);
}

Result OptionsBuilder::set_environment_password(std::string_view value) {
    const bool by_url = url_password_ == Layer::environment;
    if (options_.connection.password.kind != PasswordSource::Kind::none && !by_url) return {};
    if (auto good = fits(value, "the password"); !good) return good;
    options_.connection.password = {PasswordSource::Kind::environment, Secret(value), {}};
    return {};
}

std::expected<Options, std::string> OptionsBuilder::finish() {
    // Answers are told apart by properties, so a request is MQTT 5 unless the user chose otherwise.
    ConnectionSettings& connection = options_.connection;
    if (options_.pub.request && !connection.version) connection.version = ProtocolVersion::v5;
    if (url_without_tls_beats_environment()) connection.tls_asked = false;
    Result result = options_.program == Program::pub ? check_message() : check_subscription();
    if (result) result = check_connection();
    if (!result) return std::unexpected(std::move(result.error()));
    // A profile's -C is meant for mqtt_sub.
    if (options_.program == Program::pub && !options_.pub.request) options_.count.reset();
    if (options_.sub.topics.size() <= 1) options_.qos.assign(1, options_.qos.back());
    return std::move(options_);
}

}  // namespace mqttc::app

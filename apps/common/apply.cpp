// Turns split options into Options; the groups that say who and where the broker is.
#include "apply.hpp"

#include <algorithm>
#include <array>

#include "mqttc/url.hpp"
#include "property_option.hpp"
#include "values.hpp"

namespace mqttc::app {

using Result = std::expected<void, std::string>;

namespace {

// Nothing in the packets of 3.x can carry what these ask for.
bool selects_v5(OptionId id) {
    using enum OptionId;
    return id == session_expiry || id == property || id == no_local || id == retain_handling ||
           id == retain_as_published;
}

}  // namespace

std::expected<void, std::string> OptionsBuilder::apply(const Occurrence& option, Layer layer) {
    layer_ = layer;
    if (option.row->group == OptionGroup::tls && options_.connection.no_tls) return {};
    Result result;
    if (option.row->status == OptionStatus::unsupported) {
        result = std::unexpected(std::string("not supported: OpenSSL engines are deprecated"));
    } else {
        switch (option.row->group) {
            case OptionGroup::broker:
                result = apply_broker(option);
                break;
            case OptionGroup::identity:
                result = apply_identity(option);
                break;
            case OptionGroup::tls:
                result = apply_tls(option);
                break;
            case OptionGroup::transport:
                result = apply_transport(option);
                break;
            case OptionGroup::will:
                result = apply_will(option);
                break;
            case OptionGroup::message:
            case OptionGroup::sending:
                result = apply_message(option);
                break;
            case OptionGroup::subscription:
                result = apply_subscription(option);
                break;
            case OptionGroup::output:
            case OptionGroup::general:
                result = apply_output(option);
                break;
        }
    }
    if (!result) return std::unexpected(option.spelling().append(": ").append(result.error()));
    given(option.row->id) = layer;
    if (selects_v5(option.row->id)) options_.connection.v5_option = option.spelling();
    return {};
}

Result OptionsBuilder::apply_broker(const Occurrence& option) {
    ConnectionSettings& to = options_.connection;
    const std::string_view value = option.value();
    switch (option.row->id) {
        case OptionId::host:
            to.endpoint.unix_path.clear();
            return store(to.endpoint.host, to_host(value));
        case OptionId::port: {
            const auto port = to_number(value, 0, 65'535);
            if (!port) return std::unexpected(port.error());
            to.port = static_cast<std::uint16_t>(*port);
            return {};
        }
        case OptionId::url:
            return apply_url(option);
        case OptionId::unix_socket:
            return store(to.endpoint.unix_path, to_path(value));
        case OptionId::srv:
            to.endpoint.srv = true;
            return {};
        case OptionId::bind_address:
            if (value.empty()) return std::unexpected(std::string("the address is empty"));
            to.endpoint.bind_address = value;
            return {};
        case OptionId::protocol_version: {
            const auto choice = to_choice(option);
            if (!choice) return std::unexpected(choice.error());
            constexpr std::array versions{ProtocolVersion::v31, ProtocolVersion::v311, ProtocolVersion::v5};
            to.version = versions[*choice % versions.size()];
            return {};
        }
        case OptionId::keep_alive:
            return store(to.keep_alive, to_keep_alive(value));
        case OptionId::connect_timeout:
            return store(to.connect_timeout, to_seconds(value));
        case OptionId::ack_timeout:
            return store(to.ack_timeout, to_seconds(value));
        case OptionId::run_timeout: {
            constexpr double shortest = 0.001;
            return store(options_.run_timeout, to_seconds(value, shortest));
        }
        case OptionId::reconnect: {
            const auto tries = to_tries(value);
            if (!tries) return std::unexpected(tries.error());
            to.reconnect = *tries;
            return {};
        }
        case OptionId::reconnect_delay: {
            constexpr double shortest = 0.001;
            const std::size_t colon = value.find(':');
            const auto min = to_seconds(value.substr(0, colon), shortest);
            if (!min) return std::unexpected(min.error());
            to.reconnect_min = *min;
            to.reconnect_max.reset();
            if (colon == value.npos) return {};
            const auto max = to_seconds(value.substr(colon + 1), shortest);
            if (!max) return std::unexpected(max.error());
            if (*max < *min)
                return std::unexpected(quoted(value).append(": the longest delay is shorter than the first"));
            to.reconnect_max = *max;
            return {};
        }
        case OptionId::max_inflight:
            return store(to.max_inflight, to_number(value, 1, 65'535));
        case OptionId::max_packet_size: {
            constexpr std::uint32_t smallest = 128;  // room for a CONNACK with properties
            return store(to.max_packet_size, to_number(value, smallest, max_remaining_length + 5));
        }
        case OptionId::no_delay:  // always set by the library
            return {};
        default:
            return std::unexpected(std::string("not handled"));
    }
}

// A URL is one thing: what another broker's URL gave, its password above all, must not go to this one.
void OptionsBuilder::forget_lower_url() {
    const auto lower = [&](std::optional<Layer>& from) {
        if (!from || *from == layer_) return false;
        from.reset();
        return true;
    };
    if (lower(url_username_)) options_.connection.username.reset();
    if (lower(url_password_)) options_.connection.password = {};
    if (url_topic_ && given(OptionId::url) != layer_) {
        options_.pub.topics.clear();
        url_topic_ = false;
    }
    if (lower(url_filter_layer_))
        options_.sub.topics.erase(options_.sub.topics.begin() + static_cast<std::ptrdiff_t>(url_filter_));
}

Result OptionsBuilder::apply_url(const Occurrence& option) {
    auto url = parse_url(option.value());
    if (!url) return std::unexpected(std::move(url.error().context));
    if (url->username)
        if (auto good = fits(*url->username, "the user name"); !good) return good;
    if (url->password)
        if (auto good = fits(url->password->view(), "the password"); !good) return good;
    forget_lower_url();
    ConnectionSettings& to = options_.connection;
    to.endpoint.host = std::move(url->host);
    to.endpoint.unix_path.clear();
    to.port = url->port == 0 ? std::nullopt : std::optional(url->port);
    to.url_tls = url->tls;
    to.url_websocket = url->websocket;
    if (url->username) {
        to.username = std::move(url->username);
        url_username_ = layer_;
    }
    if (url->password) {
        to.password = {PasswordSource::Kind::given, std::move(*url->password), {}};
        url_password_ = layer_;
    }
    if (!url->topic) return {};

    const bool publishing = options_.program == Program::pub;
    auto topic = publishing ? to_topic(*url->topic) : to_filter(*url->topic);
    if (!topic) return std::unexpected(std::move(topic.error()));
    if (publishing) {
        auto& topics = options_.pub.topics;
        if (repeated(OptionId::topic)) return {};  // -t of the same layer says more
        topics.assign(1, *topic);
        url_topic_ = true;
    } else {
        url_filter_ = options_.sub.topics.size();
        url_filter_layer_ = layer_;
        options_.sub.topics.push_back(std::move(*topic));
    }
    return {};
}

Result OptionsBuilder::apply_identity(const Occurrence& option) {
    ConnectionSettings& to = options_.connection;
    const std::string_view value = option.value();
    switch (option.row->id) {
        case OptionId::client_id:
        case OptionId::id_prefix: {
            const bool is_id = option.row->id == OptionId::client_id;
            const OptionId other = is_id ? OptionId::id_prefix : OptionId::client_id;
            if (repeated(other))
                return std::unexpected(std::string("can't be used with ").append(is_id ? "-I" : "-i"));
            if (value.empty()) return std::unexpected(std::string("the client id is empty"));
            constexpr std::size_t longest_pid = 20;
            const auto good = is_id ? fits(value, "the client id")
                                    : fits(value, "the prefix of a client id", max_text_bytes - longest_pid);
            if (!good) return good;
            to.client_id.reset();
            to.id_prefix.reset();
            return store(is_id ? to.client_id : to.id_prefix, to_utf8(value));
        }
        case OptionId::username:
            if (auto good = fits(value, "the user name"); !good) return good;
            url_username_.reset();
            return store(to.username, to_utf8(value));
        case OptionId::password:
            if (auto good = fits(value, "the password"); !good) return good;
            url_password_.reset();
            to.password = {PasswordSource::Kind::given, Secret(value), {}};
            return {};
        case OptionId::password_file: {
            url_password_.reset();
            to.password = {PasswordSource::Kind::file, {}, {}};
            return store(to.password.path, to_path(value));
        }
        case OptionId::ask_password:
            url_password_.reset();
            to.password = {PasswordSource::Kind::ask, {}, {}};
            return {};
        case OptionId::disable_clean_session:
            to.clean = false;
            return {};
        case OptionId::session_expiry:
            return store(to.session_expiry, to_expiry(value));
        case OptionId::property:
            return apply_property(option);
        default:
            return std::unexpected(std::string("not handled"));
    }
}

Result OptionsBuilder::apply_will(const Occurrence& option) {
    WillOptions& will = options_.connection.will;
    switch (option.row->id) {
        case OptionId::will_topic:
            return store(will.topic, to_topic(option.value()));
        case OptionId::will_payload: {
            if (auto good = fits(option.value(), "the payload of a will"); !good) return good;
            will.payload = option.value();
            return {};
        }
        case OptionId::will_qos:
            return store(will.qos, to_qos(option));
        case OptionId::will_retain:
            will.retain = true;
            return {};
        default:
            return std::unexpected(std::string("not handled"));
    }
}

Result OptionsBuilder::apply_property(const Occurrence& option) {
    auto property = to_property(option);
    if (!property) return std::unexpected(std::move(property.error()));
    property->layer = layer_;
    auto& list = options_.connection.properties;
    if (!repeatable(*property)) {
        const auto same = std::ranges::find_if(list, [&](const PropertyOption& p) {
            return p.where == property->where && p.id == property->id;
        });
        if (same != list.end()) {
            if (same->layer == layer_) return std::unexpected(std::string("this property is given twice"));
            list.erase(same);
        }
    }
    list.push_back(std::move(*property));
    return {};
}

}  // namespace mqttc::app

// Options that say how the broker is reached: TLS, WebSocket, proxies.
#include <algorithm>

#include "apply.hpp"
#include "mqttc/url.hpp"
#include "values.hpp"

namespace mqttc::app {

using Result = std::expected<void, std::string>;

Result OptionsBuilder::apply_tls(const Occurrence& option) {
    ConnectionSettings& to = options_.connection;
    TlsOptions& tls = to.tls;
    const std::string_view value = option.value();
    if (option.row->id == OptionId::no_tls) {
        to.no_tls = true;
        return {};
    }
    to.tls_asked = true;
    switch (option.row->id) {
        case OptionId::ca_file:
            return store(tls.ca_file, to_path(value));
        case OptionId::ca_path:
            return store(tls.ca_path, to_path(value));
        case OptionId::system_store:
            tls.system_store = true;
            return {};
        case OptionId::cert:
            return store(tls.cert_file, to_path(value));
        case OptionId::key:
            return store(tls.key_file, to_path(value));
        case OptionId::key_passphrase_file:
            return store(to.key_passphrase_file, to_path(value));
        case OptionId::ciphers:
            tls.ciphers = value;
            return {};
        case OptionId::tls13_ciphers:
            tls.ciphersuites = value;
            return {};
        case OptionId::tls_version: {
            const auto choice = to_choice(option);
            if (!choice) return std::unexpected(choice.error());
            tls.minimum = *choice == 0 ? TlsVersion::v1_2 : TlsVersion::v1_3;
            return {};
        }
        case OptionId::tls_alpn: {
            constexpr std::size_t longest = 255;
            if (value.empty() || value.size() > longest) {
                return std::unexpected(std::string("the name of a protocol has 1 to 255 bytes"));
            }
            tls.alpn = value;
            return {};
        }
        case OptionId::insecure:
            tls.verify = false;
            return {};
        case OptionId::tls_keylog:
            return store(tls.keylog_file, to_path(value));
        case OptionId::psk:
            if (value.empty() || !is_hex(value))
                return std::unexpected(std::string("the key is not hexadecimal"));
            tls.psk_key = Secret(value);
            to.psk_file.clear();
            return {};
        case OptionId::psk_file:
            tls.psk_key.wipe();
            return store(to.psk_file, to_path(value));
        case OptionId::psk_identity:
            if (value.empty()) return std::unexpected(std::string("the identity is empty"));
            return store(tls.psk_identity, to_utf8(value));
        default:
            return std::unexpected(std::string("not handled"));
    }
}

Result OptionsBuilder::apply_transport(const Occurrence& option) {
    ConnectionSettings& to = options_.connection;
    const std::string_view value = option.value();
    if (option.row->id == OptionId::proxy) {
        auto proxy = parse_proxy_url(value);
        if (!proxy) return std::unexpected(std::move(proxy.error().context));
        to.endpoint.proxy = std::move(*proxy);
        return {};
    }
    to.websocket = true;
    if (option.row->id == OptionId::websocket_path) {
        const bool plain = std::ranges::all_of(value, [](char c) { return c > ' ' && c < '\x7f'; });
        if (!value.starts_with('/') || !plain) {
            return std::unexpected(
                quoted(value).append(" is not a path: '/' and printable ASCII without blanks"));
        }
        to.websocket_options.path = value;
    }
    if (option.row->id == OptionId::websocket_header) {
        const std::string_view name = header_name(value);
        const bool controls = std::ranges::any_of(
            value, [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7f'; });
        if (name.empty() || value[name.size()] != ':' || controls) {
            return std::unexpected(name.empty()
                                       ? std::string("the header is not 'Name: value'")
                                       : quoted(name).append(" and what follows is not 'Name: value'"));
        }
        if (is_reserved_websocket_header(value)) {
            return std::unexpected("the header " + quoted(name) + " belongs to the protocol itself");
        }
        to.websocket_options.headers.emplace_back(value);
    }
    return {};
}

}  // namespace mqttc::app

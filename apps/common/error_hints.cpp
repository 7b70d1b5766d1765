// The table of hints: for each setting of the library the programs' option.
#include "error_hints.hpp"

#include <algorithm>
#include <array>
#include <string_view>

namespace mqttc::app {
namespace {

struct HintRow {
    Hint hint;
    std::string_view option = {};  ///< what is unusable with ErrorCode::tls_config
    std::string_view remedy = {};  ///< in parentheses after any other error
};

constexpr std::array rows{
    HintRow{Hint::ca_file, "--cafile", "give its CA certificate with --cafile"},
    HintRow{Hint::wrong_ca, {}, "is it the right --cafile?"},
    HintRow{Hint::ca_path, "--capath"},
    HintRow{Hint::system_ca, {}, "install ca-certificates, or give --cafile"},
    HintRow{Hint::client_certificate, "--cert", "--cert and --key"},
    HintRow{Hint::client_key, "--key"},
    HintRow{Hint::key_passphrase, {}, "--key-passphrase-file"},
    HintRow{Hint::psk, "--psk", "check --psk-identity and the key"},
    HintRow{Hint::psk_identity, "--psk-identity"},
    HintRow{Hint::tls_version, {}, "--tls-version"},
    HintRow{Hint::ciphers, "--ciphers", "--ciphers, --tls13-ciphers"},
    HintRow{Hint::ciphersuites, "--tls13-ciphers"},
    HintRow{Hint::weak_key, {}, "--ciphers DEFAULT@SECLEVEL=0 accepts it"},
    HintRow{Hint::tls_settings, {}, "--ciphers, --psk, --cert"},
    HintRow{Hint::alpn, "--tls-alpn", "--tls-alpn"},
    HintRow{Hint::keylog_file, "--tls-keylog"},
    HintRow{Hint::tls, {}, "--tls-use-os-certs or --cafile, or mqtts:// or wss:// in the URL"},
    HintRow{Hint::maybe_tls, {}, "if it requires TLS: --tls-use-os-certs or --cafile"},
    HintRow{Hint::websocket, {}, "for MQTT over WebSocket: --ws, or ws:// in the URL"},
    HintRow{Hint::websocket_path, {}, "is --ws-path right?"},
    HintRow{Hint::websocket_header, {}, "--ws-header sets one"},
    HintRow{Hint::proxy_http, {}, "use --proxy http://..."},
    HintRow{Hint::proxy_socks5, {}, "use --proxy socks5h://..."},
    HintRow{Hint::proxy_credentials, {}, "use --proxy SCHEME://USER:PASSWORD@..."},
    HintRow{Hint::srv, {}, "connect without -S, or ask the domain's owner"},
    HintRow{Hint::credentials,
            {},
            "use -u, and --password-file or MQTT_PASSWORD; Mosquitto 2 accepts clients without a user name "
            "only with allow_anonymous true"},
    HintRow{Hint::password, {}, "use --ask-password, --password-file or MQTT_PASSWORD"},
    HintRow{Hint::port, {}, "a port is given with -p"},
    HintRow{Hint::protocol_version, {}, "choose another protocol version with -V"},
    HintRow{Hint::client_id, {}, "choose one with -i"},
    HintRow{Hint::tls_engine, "--tls-engine"},
    HintRow{Hint::crl_file, "--crlfile", "--crlfile"},
    HintRow{Hint::max_packet_size,
            {},
            "use a larger --max-packet-size, or -V mqttv5, where the broker leaves out larger messages"},
    HintRow{Hint::redirect, {}, "connect there, or use --follow-redirect"},
};

}  // namespace

std::string error_text(const Error& error, std::string_view ca_file_option) {
    const auto row = std::ranges::find(rows, error.hint, &HintRow::hint);
    if (row == rows.end()) return error.context;
    const std::string_view option = error.hint == Hint::ca_file ? ca_file_option : row->option;
    if (error.code == ErrorCode::tls_config && !option.empty())
        return std::string(option).append(": ").append(error.context);
    std::string text = error.context;
    if (row->remedy.empty()) return text;
    // One pair of parentheses: "(is it a WebSocket listener? is --ws-path right?)".
    if (text.ends_with(')')) {
        text.pop_back();
        text.append(text.ends_with('?') ? " " : "; ");
    } else {
        text.append(" (");
    }
    return text.append(row->remedy).append(")");
}

}  // namespace mqttc::app

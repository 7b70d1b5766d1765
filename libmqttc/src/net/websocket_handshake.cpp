// Request and answer of the WebSocket upgrade, with an explanation of whatever else a server may answer.
#include "websocket_handshake.hpp"

#include <algorithm>
#include <array>

#include "base/encoding.hpp"
#include "base/escape.hpp"
#include "base/random.hpp"
#include "base/sha1.hpp"
#include "base/text.hpp"
#include "http_head.hpp"

namespace mqttc::net {

namespace {

// Headers that the protocol itself sets, or that would break it.
constexpr std::array<std::string_view, 7> reserved_headers{"Connection",
                                                           "Upgrade",
                                                           "Sec-WebSocket-Key",
                                                           "Sec-WebSocket-Version",
                                                           "Sec-WebSocket-Extensions",
                                                           "Transfer-Encoding",
                                                           "Content-Length"};
constexpr std::string_view subprotocol_header = "Sec-WebSocket-Protocol";

std::string_view name_of(std::string_view header) {
    return trim_spaces(header.substr(0, header.find(':')));
}

std::string_view value_of(std::string_view header) {
    const auto colon = header.find(':');
    return colon == std::string_view::npos ? std::string_view() : trim_spaces(header.substr(colon + 1));
}

/// The user's value for a header that we would send ourselves, else ours.
std::string value_for(const WebSocketOptions& options, std::string_view name, std::string ours) {
    for (const auto& header : options.headers)
        if (equal_ignoring_case(name_of(header), name)) return std::string(value_of(header));
    return ours;
}

std::string host_header(const Endpoint& endpoint) {
    if (!endpoint.unix_path.empty()) return "localhost";
    auto host = endpoint.host;
    if (host.find(':') != std::string::npos) {
        // The zone of an address is known to this machine only.
        host = "[" + host.substr(0, host.find('%')) + "]";
    }
    const auto port = effective_port(endpoint);
    const auto usual = endpoint.tls ? 443 : 80;
    return port == usual ? host : host + ":" + std::to_string(port);
}

struct StatusCause {
    std::string text;  ///< may be empty
    Hint hint = Hint::none;
};

StatusCause explain_status(const HttpHead& head, const Endpoint& endpoint) {
    const auto location = head.first("Location");
    switch (head.status) {
        case 301:
        case 302:
        case 303:
        case 307:
        case 308:
            if (location.empty()) return {"a redirect without a location"};
            return {"it redirects to " + escape_controls(location, max_quoted) + ": connect there"};
        case 400:
            return {endpoint.tls ? "is it a WebSocket listener?" : "does it require TLS (wss://)?",
                    Hint::websocket_path};
        case 401:
            return {"it requires an Authorization header", Hint::websocket_header};
        case 403:
            return {"not allowed: does it require a header such as Origin or Authorization?",
                    Hint::websocket_header};
        case 404:
        case 405:
        case 410:
            return {"", Hint::websocket_path};
        case 407:
            return {"a proxy requires credentials", Hint::proxy_credentials};
        case 426:
            return {"it requires another version of the protocol"};
        case 429:
            return {"too many requests: try later"};
        default:
            break;
    }
    if (head.status >= 500) return {"the server or its backend failed: is the broker up?"};
    return {"no WebSocket there", Hint::websocket_path};
}

}  // namespace

std::string new_websocket_key() {
    return to_base64(random_value<std::array<std::uint8_t, 16>>());
}

std::string websocket_accept(std::string_view key) {
    return to_base64(sha1(std::string(key) + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"));
}

Error websocket_error(const Endpoint& endpoint, const std::string& why, int status, Hint hint) {
    return {ErrorCode::websocket_failed, status,
            "WebSocket handshake with " + endpoint_name(endpoint) + endpoint.websocket->path + " " + why,
            hint};
}

std::expected<void, Error> check_websocket_options(const WebSocketOptions& options) {
    const auto plain = [](std::string_view text, unsigned char lowest) {
        return std::ranges::all_of(text, [lowest](unsigned char c) { return c >= lowest && c != 0x7f; });
    };
    const auto refuse = [](std::string why) {
        return std::unexpected(Error{ErrorCode::usage, 0, std::move(why)});
    };
    if (!options.path.starts_with('/') || !plain(options.path, '!')) {
        return refuse("the WebSocket's path '" + escape_controls(options.path, max_quoted) +
                      "' must begin with '/' and contain no spaces");
    }
    for (const auto& header : options.headers) {
        const auto colon = header.find(':');
        if (colon == 0 || colon == std::string::npos || !plain(header.substr(0, colon), '!') ||
            !plain(header, ' ')) {
            return refuse("a WebSocket header must be 'Name: value' on one line, and '" +
                          escape_controls(name_of(header), max_quoted) + "' is not");
        }
        if (is_reserved_websocket_header(header)) {
            return refuse("the WebSocket header " + escape_controls(name_of(header), max_quoted) +
                          " belongs to the protocol itself");
        }
    }
    return {};
}

std::string websocket_request(const Endpoint& endpoint, std::string_view key) {
    const auto& options = *endpoint.websocket;
    std::string request = "GET " + options.path + " HTTP/1.1\r\n";
    const auto add = [&](std::string_view name, std::string_view value) {
        request.append(name).append(": ").append(value).append("\r\n");
    };
    add("Host", value_for(options, "Host", host_header(endpoint)));
    add("Upgrade", "websocket");
    add("Connection", "Upgrade");
    add("Sec-WebSocket-Key", key);
    add("Sec-WebSocket-Version", "13");
    add(subprotocol_header, value_for(options, subprotocol_header, "mqtt"));
    for (const auto& header : options.headers) {
        const auto name = name_of(header);
        if (equal_ignoring_case(name, "Host") || equal_ignoring_case(name, subprotocol_header)) continue;
        add(name, value_of(header));
    }
    return request += "\r\n";
}

std::expected<void, Error> check_websocket_answer(std::string_view text, std::string_view key,
                                                  const Endpoint& endpoint) {
    const auto head = parse_http_head(text);
    if (!head) return std::unexpected(websocket_error(endpoint, "failed: the answer is malformed HTTP"));
    const auto fail = [&](const std::string& why, Hint hint = Hint::none) {
        return std::unexpected(websocket_error(endpoint, why, head->status, hint));
    };
    if (head->status != 101) {
        const auto cause = explain_status(*head, endpoint);
        return fail("answered " + head->status_text() + (cause.text.empty() ? "" : " (" + cause.text + ")"),
                    cause.hint);
    }
    if (!head->has_token("Upgrade", "websocket") || !head->has_token("Connection", "Upgrade"))
        return fail("failed: the server switches to something other than WebSocket");
    const auto accepts = head->all("Sec-WebSocket-Accept");
    if (accepts.size() != 1 || accepts.front() != websocket_accept(key)) {
        return fail(
            "failed: Sec-WebSocket-Accept does not match the request (a cache or proxy that does not know "
            "WebSocket?)");
    }
    if (!head->first("Sec-WebSocket-Extensions").empty())
        return fail("failed: the server selected an extension that was not offered");
    const auto offer = value_for(*endpoint.websocket, subprotocol_header, "mqtt");
    const auto chosen = head->all(subprotocol_header);
    if (chosen.empty()) {
        return fail("failed: the server does not speak the subprotocol " +
                        escape_controls(offer, max_quoted) + " (it seems to serve something other than MQTT)",
                    Hint::websocket_path);
    }
    const auto offered = split_list(offer);
    if (chosen.size() != 1 || std::ranges::find(offered, chosen.front()) == offered.end())
        return fail("failed: the server chose the subprotocol " +
                    escape_controls(chosen.front(), max_quoted) + ", which was not offered");
    return {};
}

Error not_http_answer(std::string_view start, const Endpoint& endpoint) {
    if (start.empty()) {
        return websocket_error(endpoint,
                               "failed: the connection was closed without an answer (a port for plain MQTT" +
                                   std::string(endpoint.tls ? "?)" : ", or one that requires TLS?)"));
    }
    if (begins_like_http(start))
        return websocket_error(endpoint, "failed: the connection was closed in the middle of the answer");
    const bool tls = start.size() >= 2 && (start[0] == 0x15 || start[0] == 0x16) && start[1] == 0x03;
    if (tls) return websocket_error(endpoint, "failed: the answer is TLS", 0, Hint::tls);
    return websocket_error(endpoint, "failed: the answer is not HTTP (is it a WebSocket listener?)");
}

}  // namespace mqttc::net

namespace mqttc {

bool is_reserved_websocket_header(std::string_view header) {
    return std::ranges::any_of(net::reserved_headers, [name = net::name_of(header)](auto each) {
        return equal_ignoring_case(each, name);
    });
}

}  // namespace mqttc

// Parses URLs: scheme, user and password, host, port, topic.
#include "mqttc/url.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "base/encoding.hpp"
#include "base/text.hpp"
#include "mqttc/client.hpp"

namespace mqttc {

namespace {

std::unexpected<Error> bad(std::string why) {
    return std::unexpected(Error{ErrorCode::usage, 0, std::move(why)});
}

/// `what` names the part in the error; the text itself may be secret and is never shown.
std::expected<std::string, Error> percent_decode(std::string_view text, const char* what) {
    std::string decoded;
    // On the heap, so that a password leaves no copies where it is moved from.
    decoded.reserve(std::max<std::size_t>(text.size(), 32));
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '%') {
            decoded += text[i];
            continue;
        }
        const int high = i + 2 < text.size() ? hex_value(text[i + 1]) : -1;
        const int low = i + 2 < text.size() ? hex_value(text[i + 2]) : -1;
        if (high < 0 || low < 0) {
            return bad(std::string("in the URL's ") + what +
                       " a '%' is not followed by two hex digits (write a '%' as %25)");
        }
        decoded += static_cast<char>(high * 16 + low);
        i += 2;
    }
    return decoded;
}

std::expected<void, Error> parse_port(std::string_view text, Url& into) {
    if (text.empty()) return {};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), into.port);
    if (error != std::errc() || end != text.data() + text.size() || into.port == 0) {
        std::string why = "the URL's port must be a number from 1 to 65535";
        // Most likely the start of a password.
        if (!std::ranges::all_of(text, is_digit))
            why += " (in user name and password write '/' as %2F and '@' as %40)";
        return bad(std::move(why));
    }
    return {};
}

std::expected<void, Error> parse_user(std::string_view text, Url& into) {
    const auto colon = text.find(':');
    auto user = percent_decode(text.substr(0, colon), "user name");
    if (!user) return std::unexpected(std::move(user.error()));
    if (user->find('\0') != std::string::npos) return bad("the URL's user name contains a NUL character");
    if (!text.empty()) into.username = std::move(*user);
    if (colon == std::string_view::npos) return {};
    auto password = percent_decode(text.substr(colon + 1), "password");
    if (!password) return std::unexpected(std::move(password.error()));
    into.password = Secret(*password);
    explicit_bzero(password->data(), password->capacity());
    return {};
}

bool valid_host_character(char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte > 0x20 && byte != 0x7f &&
           std::string_view("\"<>\\^`{|}/?#@[]:").find(c) == std::string_view::npos;
}

std::expected<void, Error> parse_ipv6(std::string_view text, Url& into) {
    auto host = percent_decode(text, "host");
    // RFC 6874 requires the '%' of a zone to be encoded; users often write it plainly.
    std::string address = host ? std::move(*host) : std::string(text);
    in6_addr ignored{};
    const auto zone = address.find('%');
    if (inet_pton(AF_INET6, address.substr(0, zone).c_str(), &ignored) != 1 || zone + 1 == address.size() ||
        address.find('\0') != std::string::npos) {
        return bad("the text in brackets in the URL is not an IPv6 address");
    }
    into.host = std::move(address);
    return {};
}

/// Parses the part between "://" and the first '/'.
std::expected<void, Error> parse_authority(std::string_view text, Url& into) {
    // The last '@', because users often leave one in a password unencoded.
    if (const auto at = text.rfind('@'); at != std::string_view::npos) {
        if (auto done = parse_user(text.substr(0, at), into); !done) return done;
        text.remove_prefix(at + 1);
    }
    std::string_view port;
    if (text.starts_with('[')) {
        const auto close = text.find(']');
        if (close == std::string_view::npos) return bad("the URL's IPv6 address has no closing bracket");
        const auto rest = text.substr(close + 1);
        if (!rest.empty() && !rest.starts_with(':'))
            return bad("in the URL something other than a port follows the ']'");
        port = rest.empty() ? rest : rest.substr(1);
        if (auto done = parse_ipv6(text.substr(1, close - 1), into); !done) return done;
    } else {
        const auto colon = text.find(':');
        if (colon != std::string_view::npos) {
            port = text.substr(colon + 1);
            if (port.find(':') != std::string_view::npos) {
                return bad("the URL's host holds several ':' (write an IPv6 address in brackets: [::1])");
            }
        }
        auto host = percent_decode(text.substr(0, colon), "host");
        if (!host) return std::unexpected(std::move(host.error()));
        if (host->empty()) return bad("the URL names no host");
        if (!std::ranges::all_of(*host, valid_host_character)) {
            return bad("the URL's host holds a character that no host name has");
        }
        into.host = std::move(*host);
    }
    return parse_port(port, into);
}

/// A URL of any scheme.
struct Parts {
    std::string scheme;
    std::string_view path;  ///< after the first '/'
    Url url;                ///< what is between
};

std::expected<Parts, Error> split_url(std::string_view text, std::string_view schemes) {
    // Part of no URL: a line of a file was taken with its end, or two lines.
    if (const auto odd = std::ranges::find_if(text, [](unsigned char c) { return c < ' ' || c == 0x7f; });
        odd != text.end())
        return bad(*odd == '\n' || *odd == '\r' ? "the URL contains a line break"
                                                : "the URL contains a control character");
    const auto colon = text.find("://");
    if (colon == std::string_view::npos)
        return bad("the URL has no scheme (it begins with " + std::string(schemes) + ")");
    Parts parts;
    parts.scheme = to_lower(text.substr(0, colon));
    auto rest = text.substr(colon + 3);
    const auto slash = rest.find('/');
    if (slash != std::string_view::npos) parts.path = rest.substr(slash + 1);
    if (auto done = parse_authority(rest.substr(0, slash), parts.url); !done)
        return std::unexpected(std::move(done.error()));
    return parts;
}

std::unexpected<Error> unknown_scheme(std::string_view scheme, std::string_view schemes) {
    const bool showable =
        std::ranges::all_of(scheme, [](unsigned char c) { return std::isalnum(c) != 0 || c == '+'; });
    const auto shown = showable ? " '" + std::string(scheme) + "'" : std::string();
    return bad("unknown scheme" + shown + " in the URL (it begins with " + std::string(schemes) + ")");
}

}  // namespace

std::expected<Url, Error> parse_url(std::string_view text) {
    constexpr std::string_view schemes = "mqtt://, mqtts://, ws:// or wss://";
    auto parts = split_url(text, schemes);
    if (!parts) return std::unexpected(std::move(parts.error()));
    Url& url = parts->url;
    url.tls = parts->scheme == "mqtts" || parts->scheme == "wss";
    url.websocket = parts->scheme == "ws" || parts->scheme == "wss";
    if (parts->scheme != "mqtt" && !url.tls && !url.websocket) return unknown_scheme(parts->scheme, schemes);
    if (!parts->path.empty()) url.topic = parts->path;
    return std::move(url);
}

std::expected<Proxy, Error> parse_proxy_url(std::string_view text) {
    constexpr std::string_view schemes = "socks5h:// or http://";
    auto parts = split_url(text, schemes);
    if (!parts) return std::unexpected(std::move(parts.error()));
    Proxy proxy;
    if (parts->scheme == "http") {
        proxy.kind = ProxyKind::http_connect;
    } else if (parts->scheme != "socks5h" && parts->scheme != "socks5") {
        return unknown_scheme(parts->scheme, schemes);
    }
    if (!parts->path.empty()) return bad("a proxy's URL must end after the port");
    proxy.host = std::move(parts->url.host);
    proxy.port = parts->url.port;
    proxy.username = std::move(parts->url.username).value_or("");
    proxy.password = std::move(parts->url.password).value_or(Secret());
    return proxy;
}

ClientOptions client_options(const Url& url) {
    ClientOptions options;
    options.endpoint.host = url.host;
    options.endpoint.port = url.port;
    if (url.tls) options.endpoint.tls.emplace();
    if (url.websocket) options.endpoint.websocket.emplace();
    options.session.username = url.username;
    options.session.password = url.password;
    return options;
}

}  // namespace mqttc

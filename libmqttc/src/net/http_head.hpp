// The head of an HTTP/1.1 response, as far as a WebSocket upgrade and a CONNECT proxy need it.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mqttc::net {

/// A peer's text in a message is cut after this many bytes.
inline constexpr std::size_t max_quoted = 200;

/// Longer heads are refused.
inline constexpr std::size_t max_http_head = std::size_t{16} * 1024;

/// False as soon as `text`, however short, cannot be the start of an HTTP/1 response.
bool begins_like_http(std::string_view text);

/// The size of the head at the start of `text`, its empty line included; none while it is not complete. Interim responses
/// (100 Continue, 103 Early Hints) count as a part of the head that follows them.
std::optional<std::size_t> http_head_size(std::string_view text);

/// The parts of a comma-separated list, without spaces around them; views into it.
std::vector<std::string_view> split_list(std::string_view list);

struct HttpField {
    std::string_view name;
    std::string_view value;  ///< without spaces around it
};

/// The views live as long as the text that was parsed.
struct HttpHead {
    int status = 0;
    std::string_view reason;
    std::vector<HttpField> fields;

    /// The values of all fields of that name (compared whole, without regard to case).
    std::vector<std::string_view> all(std::string_view name) const;
    /// The value of the first one; empty if there is none.
    std::string_view first(std::string_view name) const;
    /// True iff one of the fields' comma-separated values is `token`, without regard to case.
    bool has_token(std::string_view name, std::string_view token) const;
    /// "404 Not Found", safe to print.
    std::string status_text() const;
};

/// Of the first response that is not an interim one. None when `text` is not a response's head.
std::optional<HttpHead> parse_http_head(std::string_view text);

}  // namespace mqttc::net

// Taking an HTTP response's head apart, line by line.
#include "http_head.hpp"

#include <algorithm>
#include <ranges>

#include "base/escape.hpp"
#include "base/text.hpp"

namespace mqttc::net {

namespace {

constexpr std::string_view version_prefix = "HTTP/1.";
constexpr std::size_t code_at = version_prefix.size() + 2;  // of the status code in its line

/// RFC 9110 section 5.6.2.
bool is_token(std::string_view text) {
    return !text.empty() && std::ranges::all_of(text, [](char c) {
        return is_digit(c) || (lower(c) >= 'a' && lower(c) <= 'z') ||
               std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
    });
}

/// Takes the first line off `text`. None: it does not end with CR LF, or holds a CR or NUL (RFC 9110 section 5.5): what
/// other programs on the way may read differently.
std::optional<std::string_view> take_line(std::string_view& text) {
    const auto end = text.find("\r\n");
    if (end == std::string_view::npos) return std::nullopt;
    const auto line = text.substr(0, end);
    text.remove_prefix(end + 2);
    if (line.find_first_of(std::string_view("\r\n\0", 3)) != std::string_view::npos) return std::nullopt;
    return line;
}

/// "HTTP/1.1 101 Switching Protocols"; the reason may be missing.
bool parse_status_line(std::string_view line, HttpHead& head) {
    constexpr std::size_t code_end = code_at + 3;
    if (!line.starts_with(version_prefix) || line.size() < code_end || !is_digit(line[code_at - 2]) ||
        line[code_at - 1] != ' ') {
        return false;
    }
    const auto code = line.substr(code_at, 3);
    if (!std::ranges::all_of(code, is_digit)) return false;
    if (line.size() > code_end && line[code_end] != ' ') return false;
    for (const char digit : code) head.status = head.status * 10 + (digit - '0');
    head.reason = trim_spaces(line.substr(code_end));
    return true;
}

/// "HTTP/1.1 103 Early Hints": others follow until one that is final; 101 is (RFC 9110 section 15.2).
bool is_interim(std::string_view head) {
    if (!head.starts_with(version_prefix) || head.size() < code_at) return false;
    const auto code = head.substr(code_at, 3);
    return code.starts_with('1') && code != "101";
}

std::optional<std::size_t> one_head_size(std::string_view text) {
    for (auto end = text.find('\n'); end != std::string_view::npos; end = text.find('\n', end + 1)) {
        auto rest = text.substr(end + 1);
        if (rest.starts_with('\n')) return end + 2;
        if (rest.starts_with("\r\n")) return end + 3;
    }
    return std::nullopt;
}

}  // namespace

bool begins_like_http(std::string_view text) {
    const auto size = std::min(text.size(), version_prefix.size());
    return text.substr(0, size) == version_prefix.substr(0, size);
}

std::optional<std::size_t> http_head_size(std::string_view text) {
    std::size_t end = 0;
    for (bool interim = true; interim;) {
        const auto size = one_head_size(text.substr(end));
        if (!size) return std::nullopt;
        interim = is_interim(text.substr(end, *size));
        end += *size;
    }
    return end;
}

std::vector<std::string_view> split_list(std::string_view list) {
    std::vector<std::string_view> parts;
    for (const auto part : std::views::split(list, ',')) parts.push_back(trim_spaces(std::string_view(part)));
    return parts;
}

std::vector<std::string_view> HttpHead::all(std::string_view name) const {
    std::vector<std::string_view> values;
    for (const auto& field : fields)
        if (equal_ignoring_case(field.name, name)) values.push_back(field.value);
    return values;
}

std::string_view HttpHead::first(std::string_view name) const {
    const auto values = all(name);
    return values.empty() ? std::string_view() : values.front();
}

bool HttpHead::has_token(std::string_view name, std::string_view token) const {
    return std::ranges::any_of(all(name), [token](std::string_view list) {
        return std::ranges::any_of(split_list(list),
                                   [token](auto part) { return equal_ignoring_case(part, token); });
    });
}

std::string HttpHead::status_text() const {
    auto text = std::to_string(status);
    if (!reason.empty()) text += " " + escape_controls(reason, max_quoted);
    return text;
}

std::optional<HttpHead> parse_http_head(std::string_view text) {
    while (is_interim(text)) text.remove_prefix(one_head_size(text).value_or(text.size()));
    HttpHead head;
    const auto status = take_line(text);
    if (!status || !parse_status_line(*status, head)) return std::nullopt;
    for (auto line = take_line(text); !line || !line->empty(); line = take_line(text)) {
        if (!line) return std::nullopt;
        const auto colon = line->find(':');
        const auto name = line->substr(0, colon);
        // A name that isn't a token is an attack or a folded line (RFC 9112 section 5.2).
        if (colon == std::string_view::npos || !is_token(name)) return std::nullopt;
        head.fields.push_back({name, trim_spaces(line->substr(colon + 1))});
    }
    return head;
}

}  // namespace mqttc::net

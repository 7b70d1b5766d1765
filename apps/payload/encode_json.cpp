// JSON to CBOR or MessagePack.
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <vector>

#include "binary_writer.hpp"
#include "json_out.hpp"
#include "json_scan.hpp"

namespace mqttc::payload {
namespace {

using output::JsonScanner;
using Token = JsonScanner::Token;

// The elements of each object and array, in the order of their starts: both formats write them first. False: the text is
// not JSON.
bool count_elements(JsonScanner& scan, std::vector<std::uint64_t>& counts) {
    std::vector<std::size_t> open;  // indices into counts
    for (;;) {
        const Token token = scan.next();
        if (token == Token::end || token == Token::invalid) return token == Token::end;
        if (token == Token::key) continue;
        if (token == Token::end_object || token == Token::end_array) {
            open.pop_back();
            continue;
        }
        if (!open.empty()) ++counts[open.back()];
        if (token != Token::begin_object && token != Token::begin_array) continue;
        open.push_back(counts.size());
        counts.push_back(0);
    }
}

// Error: why the format has no such number.
std::string encode_number(std::string_view digits, BinaryWriter& writer) {
    constexpr std::size_t shown = 40;
    if (digits.find_first_of(".eE") != digits.npos) {
        const double value = std::strtod(std::string(digits).c_str(), nullptr);
        if (!std::isfinite(value))
            return "the number " + std::string(digits.substr(0, shown)) + " is too large";
        writer.floating(value);
        return {};
    }
    const bool is_negative = digits.starts_with('-');
    std::uint64_t size = 0;
    const char* const end = digits.data() + digits.size();
    const bool fits = std::from_chars(digits.data() + (is_negative ? 1 : 0), end, size).ec == std::errc();
    if (fits && !is_negative) {
        writer.natural(size);
    } else if (fits && size == 0) {
        writer.floating(-0.0);
    } else if (fits && size - 1 <= INT64_MAX) {
        writer.negative(size - 1);
    } else if (!writer.big_integer(digits)) {
        return "the integer " + std::string(digits.substr(0, shown)) + " is too large for this format";
    }
    return {};
}

}  // namespace

std::string encode_json(std::string_view json, BinaryWriter& writer) {
    writer.clear();
    JsonScanner scan(json);
    std::vector<std::uint64_t> counts;
    if (!count_elements(scan, counts))
        return scan.too_deep() ? std::string(output::too_deep) : output::json_syntax_error(json);
    auto next_count = counts.begin();
    output::TextBuffer text;
    scan = JsonScanner(json);
    for (Token token = scan.next(); token != Token::end; token = scan.next()) {
        switch (token) {
            case Token::begin_object:
                writer.map(*next_count++);
                break;
            case Token::begin_array:
                writer.array(*next_count++);
                break;
            case Token::key:
            case Token::string:
                text.clear();
                output::append_json_text(text, scan.inside());
                writer.text(text.view());
                break;
            case Token::number:
                if (auto error = encode_number(scan.token(), writer); !error.empty()) return error;
                break;
            case Token::word:
                if (scan.token() == "null") {
                    writer.null();
                } else {
                    writer.boolean(scan.token() == "true");
                }
                break;
            default:
                break;
        }
    }
    return {};
}

}  // namespace mqttc::payload

// Payloads that must be JSON themselves (%J), and where a text is not JSON.
#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "json_out.hpp"
#include "json_scan.hpp"

namespace mqttc::output {
namespace {

// The parser refuses a number that its type for floats cannot hold: 1e400 for double, and long double is no wider on
// 32-bit ARM. Whatever strtold() has stored here, the value read back is finite.
class DiscardedFloat {
  public:
    DiscardedFloat() = default;
    DiscardedFloat(long double value) : stored_(value) {}
    operator long double&() { return stored_; }
    operator long double() const { return 0; }

  private:
    long double stored_;
};

using Json = nlohmann::basic_json<std::map, std::vector, std::string, bool, std::int64_t, std::uint64_t,
                                  DiscardedFloat>;

// Reads to the first fault. Slower than JsonScanner, but able to describe it.
class FaultFinder : public nlohmann::json_sax<Json> {
  public:
    bool null() override { return true; }
    bool boolean(bool /*value*/) override { return true; }
    bool number_integer(std::int64_t /*value*/) override { return true; }
    bool number_unsigned(std::uint64_t /*value*/) override { return true; }
    bool number_float(DiscardedFloat /*value*/, const std::string& /*digits*/) override { return true; }
    bool string(std::string& /*text*/) override { return true; }
    bool binary(Json::binary_t& /*bytes*/) override { return true; }
    bool start_object(std::size_t /*size*/) override { return true; }
    bool key(std::string& /*name*/) override { return true; }
    bool end_object() override { return true; }
    bool start_array(std::size_t /*size*/) override { return true; }
    bool end_array() override { return true; }
    bool parse_error(std::size_t bytes, const std::string& /*token*/,
                     const nlohmann::detail::exception& error) override {
        position = std::to_string(bytes);
        cause = error.what();
        // What precedes the colon is the parser's own name of the error, and its line number.
        cause.erase(0, cause.find(": ") + 2);
        // What was read last may be long, and the position is known.
        cause.erase(std::min(cause.find("; "), cause.size()));
        return false;
    }

    std::string position;  // bytes that were read until the fault
    std::string cause;
};

FaultFinder find_fault(std::string_view text) {
    FaultFinder finder;
    Json::sax_parse(text.begin(), text.end(), &finder);
    return finder;
}

std::string why_not_json(std::string_view text, const JsonScanner& scan) {
    if (text.find('\0') != text.npos) return "it contains a NUL byte";
    if (scan.too_deep()) return std::string(too_deep);
    const FaultFinder fault = find_fault(text);
    std::string error = "error at byte " + fault.position;
    if (fault.cause.find("surrogate") != std::string::npos)
        error += ": half of a surrogate pair is not a character";
    return error;
}

}  // namespace

std::string json_syntax_error(std::string_view text) {
    // The parser would take it as the end of its input.
    if (const std::size_t nul = text.find('\0'); nul != text.npos)
        return "it is not JSON: there is a NUL at byte " + std::to_string(nul + 1);
    const FaultFinder fault = find_fault(text);
    return "it is not JSON from byte " + fault.position + ": " + fault.cause;
}

std::string write_checked_json(JsonWriter& json, std::string_view text) {
    JsonScanner scan(text);
    if (json.value(scan, scan.next()) && scan.next() == JsonScanner::Token::end) return {};
    return why_not_json(text, scan);
}

std::string json_error(std::string_view text) {
    JsonScanner scan(text);
    JsonScanner::Token token = scan.next();
    while (token < JsonScanner::Token::end) token = scan.next();
    return token == JsonScanner::Token::end ? std::string() : why_not_json(text, scan);
}

}  // namespace mqttc::output

// Payloads that must be JSON themselves (%J), and where a text is not JSON.
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "discarded_float.hpp"
#include "json_out.hpp"
#include "json_scan.hpp"

namespace mqttc::output {
namespace {

using Json = nlohmann::basic_json<std::map, std::vector, std::string, bool, std::int64_t, std::uint64_t,
                                  app::DiscardedFloat>;

// Reads to the first fault. Slower than JsonScanner, but able to describe it.
class FaultFinder : public nlohmann::json_sax<Json> {
  public:
    bool null() override { return true; }
    bool boolean(bool /*value*/) override { return true; }
    bool number_integer(std::int64_t /*value*/) override { return true; }
    bool number_unsigned(std::uint64_t /*value*/) override { return true; }
    bool number_float(app::DiscardedFloat /*value*/, const std::string& /*digits*/) override { return true; }
    bool string(std::string& /*text*/) override { return true; }
    bool binary(Json::binary_t& /*bytes*/) override { return true; }
    bool start_object(std::size_t /*size*/) override { return true; }
    bool key(std::string& /*name*/) override { return true; }
    bool end_object() override { return true; }
    bool start_array(std::size_t /*size*/) override { return true; }
    bool end_array() override { return true; }
    bool parse_error(std::size_t position, const std::string& /*token*/,
                     const nlohmann::detail::exception& error) override {
        std::string_view cause = error.what();
        // What precedes the colon is the parser's own name of the error, and its line number.
        if (const std::size_t colon = cause.find(": "); colon != cause.npos) cause.remove_prefix(colon + 2);
        fault = {.position = position, .cause = std::string(cause)};
        return false;
    }

    JsonFault fault;
};

std::string why_not_json(std::string_view text, const JsonScanner& scan) {
    if (text.find('\0') != text.npos) return "it contains a NUL byte";
    if (scan.too_deep()) return "it is nested deeper than " + std::to_string(max_json_depth) + " levels";
    const JsonFault fault = find_json_fault(text);
    std::string error = "error at byte " + std::to_string(fault.position);
    if (fault.cause.find("surrogate") != std::string::npos)
        error += ": half of a surrogate pair is not a character";
    return error;
}

}  // namespace

JsonFault find_json_fault(std::string_view text) {
    FaultFinder finder;
    Json::sax_parse(text.begin(), text.end(), &finder);
    return std::move(finder.fault);
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

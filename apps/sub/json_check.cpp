// Payloads that must be JSON themselves (%J): checked by nlohmann's parser, written by ours. The only file
// that includes nlohmann; numbers keep the digits they came with.
#include <nlohmann/json.hpp>
#include <string>

#include "json_out.hpp"

namespace mqttc::sub {
namespace {

// long double: the parser refuses a number that its type can't hold.
using Json =
    nlohmann::basic_json<std::map, std::vector, std::string, bool, std::int64_t, std::uint64_t, long double>;

class Rewriter : public nlohmann::json_sax<Json> {
  public:
    explicit Rewriter(JsonWriter& json) : json_(json) {}

    bool null() override { return put("null"); }
    bool boolean(bool value) override { return put(value ? "true" : "false"); }
    bool number_integer(std::int64_t value) override { return put(std::to_string(value)); }
    bool number_unsigned(std::uint64_t value) override { return put(std::to_string(value)); }
    bool number_float(long double /*value*/, const std::string& digits) override { return put(digits); }
    bool string(std::string& text) override {
        json_.string(text);
        return true;
    }
    bool binary(Json::binary_t& /*bytes*/) override { return false; }
    bool start_object(std::size_t /*size*/) override {
        json_.begin_object();
        return ++depth_ <= max_json_depth;
    }
    bool key(std::string& name) override {
        json_.key(name);
        return true;
    }
    bool end_object() override {
        json_.end_object();
        --depth_;
        return true;
    }
    bool start_array(std::size_t /*size*/) override {
        json_.begin_array();
        return ++depth_ <= max_json_depth;
    }
    bool end_array() override {
        json_.end_array();
        --depth_;
        return true;
    }
    bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception&) override {
        return false;
    }

  private:
    bool put(std::string_view text) {
        json_.raw(text);
        return true;
    }

    JsonWriter& json_;
    unsigned depth_ = 0;
};

}  // namespace

bool write_checked_json(JsonWriter& json, std::string_view text) {
    // To the parser a NUL byte is the end of its input.
    if (text.find('\0') != std::string_view::npos) return false;
    Rewriter rewriter(json);
    return Json::sax_parse(text.begin(), text.end(), &rewriter);
}

}  // namespace mqttc::sub

// Payloads that must be JSON themselves (%J): read by nlohmann's parser, written by JsonWriter; numbers keep their digits.
#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "discarded_float.hpp"
#include "json_out.hpp"

namespace mqttc::output {
namespace {

using Json = nlohmann::basic_json<std::map, std::vector, std::string, bool, std::int64_t, std::uint64_t,
                                  app::DiscardedFloat>;

class Rewriter : public nlohmann::json_sax<Json> {
  public:
    explicit Rewriter(JsonWriter& json) : json_(json) {}

    bool null() override { return put("null"); }
    bool boolean(bool value) override { return put(value ? "true" : "false"); }
    // Only called for numbers with a minus sign.
    bool number_integer(std::int64_t value) override {
        return put(value == 0 ? "-0" : std::to_string(value));
    }
    bool number_unsigned(std::uint64_t value) override { return put(std::to_string(value)); }
    bool number_float(app::DiscardedFloat /*value*/, const std::string& digits) override {
        return put(digits);
    }
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
    bool parse_error(std::size_t position, const std::string&,
                     const nlohmann::detail::exception& error) override {
        error_ = "error at byte " + std::to_string(position);
        if (std::string_view(error.what()).find("surrogate") != std::string_view::npos)
            error_ += ": half of a surrogate pair is not a character";
        return false;
    }
    /// Why parsing ended.
    const std::string& error() const { return error_; }

  private:
    bool put(std::string_view text) {
        json_.raw(text);
        return true;
    }

    JsonWriter& json_;
    std::string error_;
    unsigned depth_ = 0;
};

}  // namespace

std::string write_checked_json(JsonWriter& json, std::string_view text) {
    // The parser takes a NUL byte as the end of its input.
    if (text.find('\0') != std::string_view::npos) return "it contains a NUL byte";
    Rewriter rewriter(json);
    if (Json::sax_parse(text.begin(), text.end(), &rewriter)) return {};
    if (!rewriter.error().empty()) return rewriter.error();
    return "it is nested deeper than " + std::to_string(max_json_depth) + " levels";
}

std::string json_error(std::string_view text) {
    class Discarded : public TextBuffer {
        void make_room(std::size_t n) override {
            clear();
            grow(n);
        }
        void append_large(std::string_view /*bytes*/) override {}
    } discarded;
    JsonWriter writer(discarded, JsonLayout::compact, false);
    return write_checked_json(writer, text);
}

}  // namespace mqttc::output

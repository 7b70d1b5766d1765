// Payloads that must be JSON themselves (%J, --field): read by nlohmann's parser, written by JsonWriter. The only file
// of mqtt_sub that includes nlohmann, so find_field() of json_field.hpp is here, too; numbers keep their digits.
#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "discarded_float.hpp"
#include "json_field.hpp"
#include "json_out.hpp"

namespace mqttc::sub {
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

// Passes the value at the end of a path to a Rewriter.
class Finder : public nlohmann::json_sax<Json> {
  public:
    Finder(const FieldPath& path, TextBuffer& out)
        : steps_(path.steps()),
          out_(out),
          writer_(out, JsonLayout::compact, true),
          rewriter_(writer_),
          levels_(steps_.size()) {}

    bool found() const { return found_; }

    bool null() override {
        return scalar([&] { return rewriter_.null(); });
    }
    bool boolean(bool value) override {
        return scalar([&] { return rewriter_.boolean(value); });
    }
    bool number_integer(std::int64_t value) override {
        return scalar([&] { return rewriter_.number_integer(value); });
    }
    bool number_unsigned(std::uint64_t value) override {
        return scalar([&] { return rewriter_.number_unsigned(value); });
    }
    bool number_float(app::DiscardedFloat value, const std::string& digits) override {
        return scalar([&] { return rewriter_.number_float(value, digits); });
    }
    bool string(std::string& text) override {
        if (inside_ > 0) return rewriter_.string(text);
        if (is_next_value()) take_text(text);
        return true;
    }
    bool binary(Json::binary_t& /*bytes*/) override { return false; }
    bool start_object(std::size_t size) override {
        return start(false) && (inside_ == 0 || rewriter_.start_object(size));
    }
    bool start_array(std::size_t size) override {
        return start(true) && (inside_ == 0 || rewriter_.start_array(size));
    }
    bool key(std::string& name) override {
        if (inside_ > 0) return rewriter_.key(name);
        if (on_path()) levels_[depth_ - 1].matches = name == steps_[depth_ - 1].name;
        return true;
    }
    bool end_object() override {
        return end([&] { return rewriter_.end_object(); });
    }
    bool end_array() override {
        return end([&] { return rewriter_.end_array(); });
    }
    bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception&) override {
        return false;
    }

  private:
    // An open object or array that the path passes through.
    struct Level {
        bool array = false;
        bool matches = false;  // the key before the next value is the one on the path
        std::size_t next = 0;  // index of the next element
    };

    // The innermost open object or array is on the path, and may contain the value.
    bool on_path() const { return depth_ > 0 && depth_ == path_depth_; }

    // Whether the value that starts is on the path. Call it once for each value.
    bool next_matches() {
        if (depth_ == 0) return true;
        if (!on_path()) return false;
        Level& level = levels_[depth_ - 1];
        if (level.array) return level.next++ == steps_[depth_ - 1].index;
        return level.matches;
    }
    bool is_next_value() { return next_matches() && depth_ == steps_.size() && !found_; }

    void take_text(const std::string& text) {
        found_ = true;
        out_.append(text);
    }

    template <typename Write>
    bool scalar(Write write) {
        if (inside_ > 0) return write();
        if (!is_next_value()) return true;
        found_ = true;
        return write();
    }

    bool start(bool array) {
        if (inside_ > 0) {
            ++inside_;
        } else if (next_matches() && !found_) {
            if (depth_ == steps_.size()) {
                found_ = true;
                inside_ = 1;
            } else {
                levels_[depth_] = {.array = array};
                path_depth_ = depth_ + 1;
            }
        }
        return ++depth_ <= max_json_depth;
    }

    template <typename Write>
    bool end(Write write) {
        --depth_;
        if (inside_ > 0) {
            --inside_;
            return write();
        }
        path_depth_ = std::min(path_depth_, depth_);
        return true;
    }

    const std::vector<FieldPath::Step>& steps_;
    TextBuffer& out_;
    JsonWriter writer_;
    Rewriter rewriter_;
    std::vector<Level> levels_;   // of the open ones on the path
    std::size_t depth_ = 0;       // how many are open
    std::size_t path_depth_ = 0;  // how many of these are on the path
    std::size_t inside_ = 0;      // how many are open inside the value, itself included
    bool found_ = false;
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

FieldResult find_field(std::string_view payload, const FieldPath& path, TextBuffer& out) {
    if (payload.size() > max_field_payload) return FieldResult::too_large;
    if (payload.find('\0') != std::string_view::npos) return FieldResult::not_json;
    Finder finder(path, out);
    if (!Json::sax_parse(payload.begin(), payload.end(), &finder)) return FieldResult::not_json;
    return finder.found() ? FieldResult::found : FieldResult::missing;
}

}  // namespace mqttc::sub

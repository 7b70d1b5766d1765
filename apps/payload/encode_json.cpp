// JSON to CBOR or MessagePack. The only file of this directory that includes nlohmann.
#include <cmath>
#include <cstdlib>
#include <map>
#include <nlohmann/json.hpp>
#include <vector>

#include "binary_writer.hpp"
#include "discarded_float.hpp"
#include "json_out.hpp"

namespace mqttc::payload {
namespace {

using Json = nlohmann::basic_json<std::map, std::vector, std::string, bool, std::int64_t, std::uint64_t,
                                  app::DiscardedFloat>;

// What both passes over the text share: nesting and errors.
class Pass : public nlohmann::json_sax<Json> {
  public:
    const std::string& error() const { return error_; }

    bool binary(Json::binary_t& /*bytes*/) override { return false; }
    bool parse_error(std::size_t position, const std::string& /*token*/,
                     const nlohmann::detail::exception& error) override {
        std::string_view why = error.what();
        // What precedes the colon is the parser's own name of the error, and its line number.
        if (const std::size_t colon = why.find(": "); colon != why.npos) why.remove_prefix(colon + 2);
        // What was read last may be long, and the position is known.
        why = why.substr(0, why.find("; "));
        return fail("it is not JSON from byte " + std::to_string(position) + ": " + std::string(why));
    }

  protected:
    bool fail(std::string what) {
        error_ = std::move(what);
        return false;
    }

  private:
    std::string error_;
};

// The elements of each object and array, in the order of their starts: both formats write them first.
class Counter final : public Pass {
  public:
    std::vector<std::uint64_t> counts;

    bool null() override { return count(); }
    bool boolean(bool /*value*/) override { return count(); }
    bool number_integer(std::int64_t /*value*/) override { return count(); }
    bool number_unsigned(std::uint64_t /*value*/) override { return count(); }
    bool number_float(app::DiscardedFloat /*value*/, const std::string& /*digits*/) override {
        return count();
    }
    bool string(std::string& /*text*/) override { return count(); }
    bool key(std::string& /*name*/) override { return true; }
    bool start_object(std::size_t /*size*/) override { return start(); }
    bool start_array(std::size_t /*size*/) override { return start(); }
    bool end_object() override { return end(); }
    bool end_array() override { return end(); }

  private:
    bool count() {
        if (!open_.empty()) ++counts[open_.back()];
        return true;
    }
    bool start() {
        if (open_.size() >= output::max_json_depth)
            return fail("it is nested deeper than " + std::to_string(output::max_json_depth) + " levels");
        count();
        open_.push_back(counts.size());
        counts.push_back(0);
        return true;
    }
    bool end() {
        open_.pop_back();
        return true;
    }

    std::vector<std::size_t> open_;  // indices into counts
};

class Encoder final : public Pass {
  public:
    Encoder(BinaryWriter& writer, const std::vector<std::uint64_t>& counts)
        : writer_(writer), next_count_(counts.begin()) {}

    bool null() override {
        writer_.null();
        return true;
    }
    bool boolean(bool value) override {
        writer_.boolean(value);
        return true;
    }
    // Only called for numbers with a minus sign.
    bool number_integer(std::int64_t value) override {
        if (value == 0) {
            writer_.floating(-0.0);
        } else {
            writer_.negative(~static_cast<std::uint64_t>(value));
        }
        return true;
    }
    bool number_unsigned(std::uint64_t value) override {
        writer_.natural(value);
        return true;
    }
    bool number_float(app::DiscardedFloat /*value*/, const std::string& digits) override {
        if (digits.find_first_of(".eE") == digits.npos)
            return writer_.big_integer(digits) ||
                   fail("the integer " + digits.substr(0, max_shown) + " is too large for this format");
        const double value = std::strtod(digits.c_str(), nullptr);
        if (!std::isfinite(value)) return fail("the number " + digits.substr(0, max_shown) + " is too large");
        writer_.floating(value);
        return true;
    }
    bool string(std::string& text) override {
        writer_.text(text);
        return true;
    }
    bool key(std::string& name) override {
        writer_.text(name);
        return true;
    }
    bool start_object(std::size_t /*size*/) override {
        writer_.map(*next_count_++);
        return true;
    }
    bool start_array(std::size_t /*size*/) override {
        writer_.array(*next_count_++);
        return true;
    }
    bool end_object() override { return true; }
    bool end_array() override { return true; }

  private:
    static constexpr std::size_t max_shown = 40;

    BinaryWriter& writer_;
    std::vector<std::uint64_t>::const_iterator next_count_;
};

}  // namespace

std::string encode_json(std::string_view json, BinaryWriter& writer) {
    writer.clear();
    // The parser takes a NUL byte as the end of its input.
    if (const std::size_t nul = json.find('\0'); nul != json.npos)
        return "it is not JSON: there is a NUL at byte " + std::to_string(nul + 1);
    Counter counter;
    if (!Json::sax_parse(json.begin(), json.end(), &counter)) return counter.error();
    Encoder encoder(writer, counter.counts);
    if (!Json::sax_parse(json.begin(), json.end(), &encoder)) return encoder.error();
    return {};
}

}  // namespace mqttc::payload

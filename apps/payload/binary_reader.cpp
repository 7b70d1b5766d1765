// What the readers of CBOR and MessagePack share.
#include "binary_reader.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "base/encoding.hpp"
#include "base/utf8.hpp"
#include "number_format.hpp"
#include "value_text.hpp"

namespace mqttc::payload {

void BinaryReader::start(Bytes payload) {
    payload_ = payload;
    at_ = payload.data();
    end_ = at_ + payload.size();
    error_.clear();
}

bool BinaryReader::at_end() {
    if (at_ == end_) return true;
    const auto more = static_cast<std::uint64_t>(end_ - at_);
    return fail(position(),
                app::count_text(more, "more byte") + (more == 1 ? " follows" : " follow") + " the value");
}

bool BinaryReader::fail(std::size_t position, std::string_view what) {
    error_.assign("error at byte ").append(std::to_string(position)).append(": ").append(what);
    return false;
}

bool BinaryReader::fail_short(std::uint64_t count) {
    const auto left = end_ - at_;
    return fail(position(), "the length is " + app::count_text(count, "byte") + ", but only " +
                                std::to_string(left) + (left == 1 ? " is left" : " are left"));
}

bool BinaryReader::fail_end() {
    return fail(payload_.size() + 1, "the payload ends early");
}

bool BinaryReader::is_deeper(unsigned depth, std::size_t position) {
    if (depth < output::max_json_depth) return false;
    return !fail(position, output::too_deep);
}

bool BinaryReader::check_text(std::string_view text, std::size_t position) {
    return is_utf8(text) || fail(position, "the text is not UTF-8");
}

std::string_view BinaryReader::unsigned_text(std::uint64_t value) {
    const char* const end = std::to_chars(number_.data(), number_.data() + number_.size(), value).ptr;
    return {number_.data(), static_cast<std::size_t>(end - number_.data())};
}

std::string_view BinaryReader::negative_text(std::uint64_t below_minus_one) {
    // The smallest one fits no type.
    if (below_minus_one == UINT64_MAX) return "-18446744073709551616";
    number_[0] = '-';
    const char* const end =
        std::to_chars(number_.data() + 1, number_.data() + number_.size(), below_minus_one + 1).ptr;
    return {number_.data(), static_cast<std::size_t>(end - number_.data())};
}

std::string_view BinaryReader::float_text(double value) {
    return std::isfinite(value) ? double_text(value, number_) : "null";
}

std::string_view BinaryReader::bytes_text(Bytes bytes, BytesForm form) {
    if (form == BytesForm::hex) {
        scratch_.assign(to_hex(bytes));
        return scratch_;
    }
    scratch_.resize(base64_size(bytes.size()));
    write_base64(bytes, scratch_.data());
    if (form == BytesForm::base64_url) {
        std::ranges::replace(scratch_, '+', '-');
        std::ranges::replace(scratch_, '/', '_');
        while (scratch_.ends_with('=')) scratch_.pop_back();
    }
    return scratch_;
}

}  // namespace mqttc::payload

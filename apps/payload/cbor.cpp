// Reads and writes CBOR.
#include "cbor.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <vector>

namespace mqttc::payload {
namespace {

enum Major : std::uint8_t { natural, negative, byte_string, text_string, array, map, tag, simple };

constexpr std::uint8_t indefinite = 31;
constexpr unsigned first_with_bytes = 24;  // 24 to 27: the argument is in the next 1, 2, 4 or 8 bytes
constexpr std::uint64_t positive_big = 2;
constexpr std::uint64_t negative_big = 3;
// The head of a big number's bytes.
bool is_big(const auto& head) {
    return head.tag == positive_big || head.tag == negative_big;
}

double half_to_double(std::uint64_t bits) {
    const int exponent = static_cast<int>(bits >> 10 & 0x1f);
    const auto fraction = static_cast<double>(bits & 0x3ff);
    double value = 0;
    if (exponent == 0) {
        value = std::ldexp(fraction, -24);
    } else if (exponent == 31) {
        value = fraction == 0 ? INFINITY : NAN;
    } else {
        value = std::ldexp(fraction + 1024, exponent - 25);
    }
    return (bits & 0x8000) != 0 ? -value : value;
}

// The half-precision bits of a float that has the same value in it.
bool to_half(float value, std::uint64_t& half) {
    const auto bits = std::bit_cast<std::uint32_t>(value);
    const std::uint32_t sign = bits >> 16 & 0x8000;
    const int exponent = static_cast<int>(bits >> 23 & 0xff) - 127;
    const std::uint32_t fraction = bits & 0x7fffff;
    if (value == 0) {
        half = sign;
    } else if (exponent >= -14 && exponent <= 15) {
        if ((fraction & 0x1fff) != 0) return false;
        half = sign | static_cast<std::uint32_t>(exponent + 15) << 10 | fraction >> 13;
    } else if (exponent >= -24 && exponent < -14) {
        const auto shift = static_cast<unsigned>(-exponent - 1);
        const std::uint32_t whole = fraction | 0x800000;
        if ((whole & ((1U << shift) - 1)) != 0) return false;
        half = sign | whole >> shift;
    } else {
        return false;
    }
    return true;
}

}  // namespace

bool CborReader::read(Bytes payload) {
    start(payload);
    return next_value(0, BytesForm::base64) && at_end();
}

// `ends`: it was the break code. `form`: as the tags before it request.
bool CborReader::read_head(Head& head, bool& ends, BytesForm& form) {
    ends = false;
    while (true) {
        head.position = position();
        std::uint64_t first = 0;
        if (!take_number(1, first)) return false;
        head.major = static_cast<std::uint8_t>(first >> 5);
        head.info = first & 0x1f;
        head.argument = head.info;
        if (head.info >= first_with_bytes) {
            if (head.info == indefinite) {
                ends = head.major == simple;
                const bool allowed = head.major >= byte_string && head.major <= map;
                return ends || allowed || fail(head.position, "this type has no indefinite length");
            }
            if (head.info >= 28) return fail(head.position, "the length code is reserved");
            if (!take_number(1U << (head.info - first_with_bytes), head.argument)) return false;
        }
        if (head.major != tag) return true;
        head.tag = head.argument;
        if (head.tag >= 21 && head.tag <= 23) {
            constexpr BytesForm forms[] = {BytesForm::base64_url, BytesForm::base64, BytesForm::hex};
            form = forms[head.tag - 21];
        }
    }
}

bool CborReader::next_value(unsigned depth, BytesForm form) {
    Head head;
    bool ends = false;
    if (!read_head(head, ends, form)) return false;
    if (ends) return fail(head.position, "the end of a container where a value is expected");
    return value(head, depth, form);
}

// Inlined: it is called for each key and value.
[[gnu::always_inline]] inline bool CborReader::scalar(const Head& head, BytesForm form,
                                                      std::string_view& text, bool& quoted) {
    Bytes bytes;
    switch (head.major) {
        case natural:
            text = unsigned_text(head.argument);
            return true;
        case negative:
            text = negative_text(head.argument);
            return true;
        case byte_string:
            if (!string_of(head, bytes)) return false;
            quoted = !is_big(head);
            if (!quoted && !big_digits(head, bytes)) return false;
            text = quoted ? bytes_text(bytes, form) : digits_;
            return true;
        case text_string:
            quoted = true;
            if (!string_of(head, bytes)) return false;
            text = as_text(bytes);
            return true;
        default:
            return simple_text(head, text);
    }
}

bool CborReader::value(const Head& head, unsigned depth, BytesForm form) {
    if (head.major == array || head.major == map) return container(head, depth, form);
    std::string_view text;
    bool quoted = false;
    if (!scalar(head, form, text, quoted)) return false;
    put(text, quoted);
    return true;
}

bool CborReader::container(const Head& head, unsigned depth, BytesForm form) {
    if (is_deeper(depth, head.position)) return false;
    const bool is_map = head.major == map;
    is_map ? json_.begin_object() : json_.begin_array();
    const bool counted = head.info != indefinite;
    for (std::uint64_t i = 0; !counted || i < head.argument; ++i) {
        Head next;
        bool ends = false;
        BytesForm next_form = form;
        if (!read_head(next, ends, next_form)) return false;
        if (ends) {
            if (!counted) break;
            return fail(next.position, "the container ends before its last element");
        }
        if (is_map ? !key(next, next_form) || !next_value(depth + 1, form)
                   : !value(next, depth + 1, next_form))
            return false;
    }
    is_map ? json_.end_object() : json_.end_array();
    return true;
}

bool CborReader::key(const Head& head, BytesForm form) {
    if (head.major == array || head.major == map)
        return fail(head.position, "an array or a map as a key cannot be written in JSON");
    std::string_view text;
    bool quoted = false;
    if (!scalar(head, form, text, quoted)) return false;
    json_.key(text);
    return true;
}

bool CborReader::string_of(const Head& head, Bytes& bytes) {
    const bool is_text = head.major == text_string;
    if (head.info != indefinite)
        return take(head.argument, bytes) && (!is_text || check_text(as_text(bytes), head.position));
    joined_.clear();
    while (true) {
        Head part;
        bool ends = false;
        BytesForm ignored{};
        if (!read_head(part, ends, ignored)) return false;
        if (ends) break;
        if (part.major != head.major || part.info == indefinite || part.tag != no_tag)
            return fail(part.position, "a part of a string is of another type");
        if (!take(part.argument, bytes) || (is_text && !check_text(as_text(bytes), part.position)))
            return false;
        joined_.append(as_text(bytes));
    }
    bytes = as_bytes(joined_);
    return true;
}

// Tags 2 and 3: the number, or -1 - the number, in base 256.
bool CborReader::big_digits(const Head& head, Bytes bytes) {
    if (bytes.size() > max_big_number)
        return fail(head.position, "a number of more than " + std::to_string(max_big_number) + " bytes");
    constexpr std::uint64_t base = 1'000'000'000;
    std::vector<std::uint32_t> groups{0};  // of nine digits, the lowest first
    const auto multiply_and_add = [&](std::uint64_t factor, std::uint64_t carry) {
        for (std::uint32_t& group : groups) {
            carry += group * factor;
            group = static_cast<std::uint32_t>(carry % base);
            carry /= base;
        }
        if (carry > 0) groups.push_back(static_cast<std::uint32_t>(carry));
    };
    for (const std::uint8_t byte : bytes) multiply_and_add(256, byte);
    if (head.tag == negative_big) multiply_and_add(1, 1);
    digits_.assign(head.tag == negative_big ? "-" : "").append(std::to_string(groups.back()));
    for (std::size_t i = groups.size() - 1; i > 0; --i) {
        const std::string digits = std::to_string(groups[i - 1]);
        digits_.append(9 - digits.size(), '0').append(digits);
    }
    return true;
}

bool CborReader::simple_text(const Head& head, std::string_view& text) {
    switch (head.info) {
        case 20:
            text = "false";
            return true;
        case 21:
            text = "true";
            return true;
        case 22:
        case 23:  // undefined
            text = "null";
            return true;
        case 25:
            text = float_text(half_to_double(head.argument));
            return true;
        case 26:
            text = float_text(
                static_cast<double>(std::bit_cast<float>(static_cast<std::uint32_t>(head.argument))));
            return true;
        case 27:
            text = float_text(std::bit_cast<double>(head.argument));
            return true;
        default:
            return fail(head.position, "an unknown simple value");
    }
}

void CborWriter::head(unsigned major, std::uint64_t argument) {
    const unsigned type = major << 5;
    if (argument < first_with_bytes) return put(type | static_cast<unsigned>(argument));
    put_sized(type | first_with_bytes, argument, argument);
}

bool CborWriter::big_integer(std::string_view digits) {
    const bool is_negative = digits.starts_with('-');
    if (is_negative) digits.remove_prefix(1);
    std::vector<std::uint32_t> words{0};  // the lowest first
    for (const char digit : digits) {
        std::uint64_t carry = static_cast<std::uint64_t>(digit - '0');
        for (std::uint32_t& word : words) {
            carry += std::uint64_t{word} * 10;
            word = static_cast<std::uint32_t>(carry);
            carry >>= 32;
        }
        if (carry > 0) words.push_back(static_cast<std::uint32_t>(carry));
        if (words.size() * sizeof(std::uint32_t) > CborReader::max_big_number) return false;
    }
    for (std::size_t i = 0; is_negative && i < words.size(); ++i) {
        if (words[i]-- > 0) break;
    }
    std::string bytes;
    for (std::size_t i = words.size(); i > 0; --i) {
        for (unsigned shift = 32; shift > 0; shift -= 8)
            bytes.push_back(static_cast<char>(words[i - 1] >> (shift - 8)));
    }
    bytes.erase(0, std::min(bytes.find_first_not_of('\0'), bytes.size()));
    // Down to -2^64 it is an ordinary integer.
    if (is_negative && bytes.size() <= sizeof(std::uint64_t)) {
        std::uint64_t value = 0;
        for (const char byte : bytes) value = value << 8 | static_cast<std::uint8_t>(byte);
        negative(value);
        return true;
    }
    head(tag, is_negative ? negative_big : positive_big);
    head(byte_string, bytes.size());
    put_text(bytes);
    return true;
}

void CborWriter::floating(double value) {
    const auto single = static_cast<float>(value);
    std::uint64_t half = 0;
    if (static_cast<double>(single) != value) {
        put(0xfb);
        put_number(std::bit_cast<std::uint64_t>(value), 8);
    } else if (to_half(single, half)) {
        put(0xf9);
        put_number(half, 2);
    } else {
        put(0xfa);
        put_number(std::bit_cast<std::uint32_t>(single), 4);
    }
}

void CborWriter::text(std::string_view text) {
    head(text_string, text.size());
    put_text(text);
}

}  // namespace mqttc::payload

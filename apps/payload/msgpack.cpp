// Reads and writes MessagePack.
#include "msgpack.hpp"

#include <array>
#include <bit>
#include <cstdio>

#include "value_text.hpp"

namespace mqttc::payload {
namespace {

constexpr std::uint64_t timestamp_type = 0xff;  // -1

}  // namespace

bool MsgpackReader::read(Bytes payload) {
    start(payload);
    return value(0) && at_end();
}

bool MsgpackReader::sized(Item& item, Kind kind, unsigned size_bytes) {
    std::uint64_t size = 0;
    item.kind = kind;
    if (!take_number(size_bytes, size)) return false;
    item.number = size;
    if (kind == Kind::array || kind == Kind::map) return true;
    return take(size, item.bytes) && (kind != Kind::text || check_text(as_text(item.bytes), item.position));
}

bool MsgpackReader::sized_extension(Item& item, std::uint64_t size) {
    item.kind = Kind::extension;
    return take_number(1, item.number) && take(size, item.bytes);
}

bool MsgpackReader::signed_number(Item& item, unsigned size) {
    std::uint64_t bits = 0;
    if (!take_number(size, bits)) return false;
    const bool below_zero = (bits >> (size * 8 - 1)) != 0;
    item.kind = below_zero ? Kind::negative : Kind::natural;
    const std::uint64_t mask = size == 8 ? UINT64_MAX : (std::uint64_t{1} << size * 8) - 1;
    item.number = below_zero ? ~bits & mask : bits;
    return true;
}

bool MsgpackReader::real_number(Item& item, unsigned size) {
    std::uint64_t bits = 0;
    if (!take_number(size, bits)) return false;
    item.kind = Kind::floating;
    item.real = size == 8 ? std::bit_cast<double>(bits)
                          : static_cast<double>(std::bit_cast<float>(static_cast<std::uint32_t>(bits)));
    return true;
}

bool MsgpackReader::read_item(Item& item) {
    item.position = position();
    std::uint64_t code = 0;
    if (!take_number(1, code)) return false;
    const auto small = [&](Kind kind, std::uint64_t number) {
        item.kind = kind;
        item.number = number;
        return true;
    };
    if (code < 0x80) return small(Kind::natural, code);
    if (code < 0x90) return small(Kind::map, code & 0x0f);
    if (code < 0xa0) return small(Kind::array, code & 0x0f);
    if (code < 0xc0) {
        item.kind = Kind::text;
        return take(code & 0x1f, item.bytes) && check_text(as_text(item.bytes), item.position);
    }
    if (code >= 0xe0) return small(Kind::negative, ~code & 0x1f);
    const auto size = [&](std::uint64_t first) { return 1U << (code - first); };
    switch (code) {
        case 0xc0:
            return small(Kind::nil, 0);
        case 0xc2:
        case 0xc3:
            return small(Kind::boolean, code & 1);
        case 0xc4:
        case 0xc5:
        case 0xc6:
            return sized(item, Kind::bytes, size(0xc4));
        case 0xc7:
        case 0xc8:
        case 0xc9: {
            std::uint64_t length = 0;
            return take_number(size(0xc7), length) && sized_extension(item, length);
        }
        case 0xca:
            return real_number(item, 4);
        case 0xcb:
            return real_number(item, 8);
        case 0xcc:
        case 0xcd:
        case 0xce:
        case 0xcf:
            item.kind = Kind::natural;
            return take_number(size(0xcc), item.number);
        case 0xd0:
        case 0xd1:
        case 0xd2:
        case 0xd3:
            return signed_number(item, size(0xd0));
        case 0xd4:
        case 0xd5:
        case 0xd6:
        case 0xd7:
        case 0xd8:
            return sized_extension(item, size(0xd4));
        case 0xd9:
        case 0xda:
        case 0xdb:
            return sized(item, Kind::text, size(0xd9));
        case 0xdc:
        case 0xdd:
            return sized(item, Kind::array, 2 * size(0xdc));
        case 0xde:
        case 0xdf:
            return sized(item, Kind::map, 2 * size(0xde));
        default:
            return fail(item.position, "c1 is not a type");
    }
}

bool MsgpackReader::value(unsigned depth) {
    Item item;
    if (!read_item(item)) return false;
    if (item.kind == Kind::array || item.kind == Kind::map) return container(item, depth);
    std::string_view text;
    bool quoted = false;
    if (scalar(item, text, quoted)) {
        put(text, quoted);
    } else {
        extension(item);
    }
    return true;
}

bool MsgpackReader::container(const Item& item, unsigned depth) {
    if (is_deeper(depth, item.position)) return false;
    const bool is_map = item.kind == Kind::map;
    is_map ? json_.begin_object() : json_.begin_array();
    for (std::uint64_t i = 0; i < item.number; ++i) {
        if ((is_map && !key()) || !value(depth + 1)) return false;
    }
    is_map ? json_.end_object() : json_.end_array();
    return true;
}

bool MsgpackReader::key() {
    Item item;
    if (!read_item(item)) return false;
    std::string_view text;
    bool quoted = false;
    if (!scalar(item, text, quoted))
        return fail(item.position, "an array, a map or an extension as a key cannot be written in JSON");
    json_.key(text);
    return true;
}

bool MsgpackReader::scalar(const Item& item, std::string_view& text, bool& quoted) {
    quoted = item.kind == Kind::text || item.kind == Kind::bytes;
    switch (item.kind) {
        case Kind::nil:
            text = "null";
            return true;
        case Kind::boolean:
            text = item.number != 0 ? "true" : "false";
            return true;
        case Kind::natural:
            text = unsigned_text(item.number);
            return true;
        case Kind::negative:
            text = negative_text(item.number);
            return true;
        case Kind::floating:
            text = float_text(item.real);
            return true;
        case Kind::text:
            text = as_text(item.bytes);
            return true;
        case Kind::bytes:
            text = bytes_text(item.bytes);
            return true;
        case Kind::array:
        case Kind::map:
        case Kind::extension:
            break;
    }
    return false;
}

void MsgpackReader::extension(const Item& item) {
    if (item.number == timestamp_type && timestamp(item.bytes)) return;
    json_.begin_object();
    json_.plain_key("type");
    json_.raw(item.number < 0x80 ? unsigned_text(item.number) : negative_text(~item.number & 0x7f));
    json_.plain_key("data");
    json_.string(bytes_text(item.bytes));
    json_.end_object();
}

// False: it is not in one of the three forms, or has no year of four digits.
bool MsgpackReader::timestamp(Bytes bytes) {
    const auto number = [&](std::size_t first, std::size_t size) {
        std::uint64_t value = 0;
        for (const std::uint8_t byte : bytes.subspan(first, size)) value = value << 8 | byte;
        return value;
    };
    std::int64_t seconds = 0;
    std::uint64_t nanoseconds = 0;
    if (bytes.size() == 4) {
        seconds = static_cast<std::int64_t>(number(0, 4));
    } else if (bytes.size() == 8) {
        nanoseconds = number(0, 8) >> 34;
        seconds = static_cast<std::int64_t>(number(0, 8) & 0x3ffffffff);
    } else if (bytes.size() == 12) {
        nanoseconds = number(0, 4);
        seconds = static_cast<std::int64_t>(number(4, 8));
    } else {
        return false;
    }
    std::array<char, 40> space{};
    const std::string_view text = utc_text(seconds, nanoseconds, space);
    if (text.empty()) return false;
    json_.string(text);
    return true;
}

void MsgpackWriter::natural(std::uint64_t value) {
    if (value < 0x80) return put(static_cast<unsigned>(value));
    put_sized(0xcc, value, value);
}

void MsgpackWriter::negative(std::uint64_t below_minus_one) {
    if (below_minus_one < 0x20) return put(0xff - static_cast<unsigned>(below_minus_one));
    // A bit more, for the sign.
    put_sized(0xd0, ~below_minus_one, below_minus_one << 1);
}

void MsgpackWriter::floating(double value) {
    put(0xcb);
    put_number(std::bit_cast<std::uint64_t>(value), 8);
}

void MsgpackWriter::text(std::string_view text) {
    if (text.size() < 0x20) {
        put(0xa0 | static_cast<unsigned>(text.size()));
    } else {
        put_sized(0xd9, text.size(), text.size());
    }
    put_text(text);
}

void MsgpackWriter::container(std::uint64_t count, unsigned small, unsigned code) {
    if (count < 0x10) return put(small | static_cast<unsigned>(count));
    const bool large = count > 0xffff;
    put(code + (large ? 1 : 0));
    put_number(count, large ? 4 : 2);
}

}  // namespace mqttc::payload

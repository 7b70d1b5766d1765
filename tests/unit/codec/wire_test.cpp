// Reader, Measure and Writer: integers, lengths, and what happens at the end of the bytes.
#include "wire.hpp"

#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <vector>

#include "support/hex.hpp"

using namespace mqttc;
using codec::Measure;
using codec::Reader;
using codec::Writer;
using test::hex;
using test::to_hex;

namespace {

std::string varint_hex(std::uint32_t value) {
    std::vector<std::uint8_t> bytes(codec::varint_size(value));
    Writer out(bytes.data());
    out.varint(value);
    out.finish(bytes.data() + bytes.size());
    return to_hex(bytes);
}

}  // namespace

TEST_CASE("the variable byte integers of the standard's table") {
    CHECK(varint_hex(0) == "00");
    CHECK(varint_hex(127) == "7f");
    CHECK(varint_hex(128) == "80 01");
    CHECK(varint_hex(16'383) == "ff 7f");
    CHECK(varint_hex(16'384) == "80 80 01");
    CHECK(varint_hex(2'097'151) == "ff ff 7f");
    CHECK(varint_hex(2'097'152) == "80 80 80 01");
    CHECK(varint_hex(268'435'455) == "ff ff ff 7f");
}

TEST_CASE("a variable byte integer is read as it was written, around every power of two") {
    for (unsigned power = 0; power <= 28; ++power) {
        for (int step = -1; step <= 1; ++step) {
            const std::int64_t value = (std::int64_t{1} << power) + step;
            if (value < 0 || value > max_remaining_length) continue;
            CAPTURE(value);
            const auto bytes = hex(varint_hex(static_cast<std::uint32_t>(value)));
            Reader in(bytes);
            CHECK(in.varint() == value);
            CHECK(in.at_end());
            CHECK_FALSE(in.error());
            for (std::size_t size = 0; size < bytes.size(); ++size) {
                CHECK(codec::parse_varint(bytes.data(), size).size == 0);
                Reader cut(Bytes(bytes).first(size));
                cut.varint();
                CHECK(cut.error() == CodecError::malformed);
            }
        }
    }
}

TEST_CASE("a variable byte integer of five bytes or longer than necessary is refused") {
    for (const std::string_view text :
         {"80 80 80 80 01", "ff ff ff ff", "80 00", "ff 00", "80 80 00", "80 80 80 00"}) {
        CAPTURE(text);
        const auto bytes = hex(text);
        Reader in(bytes);
        CHECK(in.varint() == 0);
        CHECK(in.error() == CodecError::malformed);
    }
}

TEST_CASE("a reader takes big-endian integers, binary and text") {
    const auto bytes = hex("01 0203 04050607 0002'ab' 0000 'rest'");
    Reader in(bytes);
    CHECK(in.byte() == 0x01);
    CHECK(in.two_bytes() == 0x0203);
    CHECK(in.four_bytes() == 0x04050607);
    CHECK(in.utf8() == "ab");
    CHECK(in.binary().empty());
    CHECK(in.left() == 4);
    CHECK(as_text(in.rest()) == "rest");
    CHECK(in.at_end());
    CHECK_FALSE(in.error());
}

TEST_CASE("the first failure of a reader stays, and all later reads are empty") {
    const auto bytes = hex("0003'ab' 0102");
    Reader in(bytes);
    in.fail(CodecError::protocol_error);
    in.fail(CodecError::malformed);
    CHECK(in.at_end());
    CHECK(in.byte() == 0);
    CHECK(in.two_bytes() == 0);
    CHECK(in.four_bytes() == 0);
    CHECK(in.varint() == 0);
    CHECK(in.utf8().empty());
    CHECK(in.rest().empty());
    CHECK(in.error() == CodecError::protocol_error);
}

TEST_CASE("a length that exceeds the input is refused before anything is taken") {
    const auto bytes = hex("0006 'short'");
    Reader in(bytes);
    CHECK(in.binary().empty());
    CHECK(in.error() == CodecError::malformed);
}

TEST_CASE("text that is not UTF-8 is refused") {
    const auto bytes = hex("0001 ff");
    Reader in(bytes);
    CHECK(in.utf8().empty());
    CHECK(in.error() == CodecError::invalid_utf8);
}

TEST_CASE("a measure counts what the writer writes") {
    const auto put = [](auto& out) {
        out.byte(1);
        out.two_bytes(0x0203);
        out.binary(as_bytes("four"));
        out.utf8("five5");
        out.unchecked_text("");
        out.properties({}, packet_bit(PacketType::publish));
        out.raw(as_bytes("raw"));
    };
    Measure measure;
    put(measure);
    CHECK_FALSE(measure.error());
    std::vector<std::uint8_t> bytes(static_cast<std::size_t>(measure.size()));
    Writer writer(bytes.data());
    put(writer);
    writer.finish(bytes.data() + bytes.size());
    CHECK(to_hex(bytes) == to_hex(hex("01 0203 0004'four' 0005'five5' 0000 00 'raw'")));
}

TEST_CASE("a measure takes 65535 bytes and refuses one more") {
    const std::string most(65'535, 'x');
    Measure fits;
    fits.utf8(most);
    CHECK_FALSE(fits.error());
    CHECK(fits.size() == 65'537);
    Measure too_long;
    too_long.binary(as_bytes(most + "x"));
    CHECK(too_long.error() == CodecError::string_too_long);
}

TEST_CASE("fields of every length around the copy's steps arrive unchanged") {
    std::string text;
    for (std::size_t size = 0; size < 200; ++size) {
        std::vector<std::uint8_t> bytes(size + 2);
        Writer writer(bytes.data());
        writer.utf8(text);
        writer.finish(bytes.data() + bytes.size());
        Reader in(bytes);
        CHECK(in.utf8() == text);
        text += static_cast<char>('!' + size % 90);
    }
}

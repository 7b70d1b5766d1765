// Tests of hex and base64 in the output buffer (apps/sub/text_out.cpp).
#include "text_out.hpp"

#include <doctest/doctest.h>

#include <string>

#include "base/encoding.hpp"
#include "text_buffer.hpp"

using namespace mqttc;
using namespace mqttc::output;

namespace {

std::string base64(std::string_view bytes) {
    TextBuffer out;
    append_base64(out, as_bytes(bytes));
    CHECK(out.size() == base64_size(bytes.size()));
    return std::string(out.view());
}

}  // namespace

TEST_CASE("inputs larger than a chunk are encoded without a gap") {
    const std::string bytes(20'000, 'M');
    std::string expected;
    while (expected.size() < base64_size(bytes.size())) expected += "TU1N";
    const std::string text = base64(bytes);
    CHECK(text.substr(0, 26'664) == expected.substr(0, 26'664));
    CHECK(text.substr(26'664) == "TU0=");
    TextBuffer out;
    append_hex_grouped(out, as_bytes(bytes), HexCase::lower, 3, ':');
    CHECK(out.size() == hex_grouped_size(bytes.size(), 3));
    std::size_t wrong = 0;
    for (std::size_t i = 0; i < out.size(); ++i) wrong += (out.view()[i] == ':') != (i % 4 == 3);
    CHECK(wrong == 0);
}

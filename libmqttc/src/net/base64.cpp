// Base64 by groups of three bytes.
#include "base64.hpp"

#include <algorithm>

namespace mqttc::net {

std::string base64(Bytes bytes) {
    constexpr char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string text;
    // At once, so that no copy of what may be a secret is left behind.
    text.reserve((bytes.size() + 2) / 3 * 4);
    while (!bytes.empty()) {
        const auto group = bytes.first(std::min<std::size_t>(3, bytes.size()));
        std::uint32_t bits = 0;
        for (std::size_t i = 0; i < 3; ++i) bits = bits << 8 | (i < group.size() ? group[i] : 0U);
        for (std::size_t i = 0; i < 4; ++i)
            text += i <= group.size() ? digits[bits >> (18 - 6 * i) & 63] : '=';
        bytes = bytes.subspan(group.size());
    }
    return text;
}

}  // namespace mqttc::net

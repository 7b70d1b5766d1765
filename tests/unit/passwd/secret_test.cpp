// Tests of Secret.
#include "secret.hpp"

#include <doctest/doctest.h>

#include <string>

using mqttc::passwd::Secret;

TEST_CASE("a secret grows, moves and compares like a string") {
    Secret secret;
    CHECK(secret.empty());
    CHECK(secret.view().empty());
    std::string expected;
    for (int i = 0; i < 10'000; ++i) {
        const char letter[] = {static_cast<char>('a' + i % 26), '\0'};
        secret.append(letter);
        expected += letter;
    }
    CHECK(secret.view() == expected);
    Secret other(expected);
    CHECK(secret == other);
    other.resize(other.size() - 1);
    CHECK_FALSE(secret == other);
    other.resize(expected.size());
    other.bytes().back() = expected.back();
    CHECK(secret == other);
    other = std::move(secret);
    CHECK(other.view() == expected);
    const Secret moved(std::move(other));
    CHECK(moved.size() == expected.size());
}

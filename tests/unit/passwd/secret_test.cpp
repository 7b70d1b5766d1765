// Tests of LockedSecret.
#include "locked_secret.hpp"

#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <string>

using mqttc::passwd::LockedSecret;

TEST_CASE("a secret grows, moves and compares like a string") {
    LockedSecret secret;
    CHECK(secret.empty());
    CHECK(secret.view().empty());
    std::string expected;
    for (int i = 0; i < 10'000; ++i) {
        const char letter[] = {static_cast<char>('a' + i % 26), '\0'};
        secret.append(letter);
        expected += letter;
    }
    CHECK(secret.view() == expected);
    LockedSecret other(expected);
    CHECK(secret == other);
    other.resize(other.size() - 1);
    CHECK_FALSE(secret == other);
    other.resize(expected.size());
    other.bytes().back() = expected.back();
    CHECK(secret == other);
    other = std::move(secret);
    CHECK(other.view() == expected);
    const LockedSecret moved(std::move(other));
    CHECK(moved.size() == expected.size());
}

TEST_CASE("a large secret grows, and ends at memory that cannot be read") {
    constexpr std::size_t large = std::size_t{3} << 20;
    LockedSecret secret("start");
    for (const char letter : {'x', 'y'}) secret.append(std::string(large, letter));
    CHECK(secret.view() == "start" + std::string(large, 'x') + std::string(large, 'y'));
    for (const int step : {-4096, 4096}) {
        const pid_t child = ::fork();
        if (child == 0) {
            // Not the test runner's handler, whose report would count as one of this program.
            std::signal(SIGSEGV, SIG_DFL);
            // Forwards the memory itself comes first.
            volatile char read = 'x';
            const char* at = secret.view().data() + (step < 0 ? -1 : 0);
            for (std::size_t i = 0; i < 4 * large / 4096; ++i, at += step) read = *at;
            static_cast<void>(read);
            ::_exit(0);
        }
        int status = 0;
        REQUIRE(::waitpid(child, &status, 0) == child);
        CHECK((WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV));
    }
}

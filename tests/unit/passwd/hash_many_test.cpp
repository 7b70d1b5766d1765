// Tests of hashing many passwords: the number of threads, and an interruption.
#include "hash_many.hpp"

#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <string_view>

#include "interrupt.hpp"

using namespace mqttc::passwd;

TEST_CASE("there is one thread per core, but not more threads than passwords") {
    CHECK(threads_for({}, 1000, 4, 0) == 4);
    CHECK(threads_for({}, 3, 4, 0) == 3);
    CHECK(threads_for({}, 3, 0, 0) == 1);  // the number of cores is unknown
}

TEST_CASE("argon2id uses only as many threads as fit into memory") {
    HashRecipe recipe{.scheme = HashScheme::argon2id, .iterations = {}, .memory_kib = 1000};
    CHECK(threads_for(recipe, 1000, 4, 1'000'000) == 4);
    CHECK(threads_for(recipe, 1000, 4, 2'999) == 2);
    CHECK(threads_for(recipe, 1000, 4, 10) == 1);
}

TEST_CASE("an interruption is reported with the file that is unchanged, for standard output without one") {
    const auto message_is = [](const char* file, std::string_view text) {
        const pid_t child = ::fork();  // the signal is recorded to the end of a process
        if (child == 0) {
            const InterruptGuard guard;
            ::raise(SIGTERM);
            const std::string_view password = "p";
            const auto hashes = hash_many({&password, 1}, {HashScheme::sha512, {}}, file);
            ::_exit(!hashes && hashes.error().text == text ? 0 : 1);
        }
        int status = 0;
        REQUIRE(::waitpid(child, &status, 0) == child);
        return WIFEXITED(status) && WEXITSTATUS(status) == 0;
    };
    CHECK(message_is("pw", "interrupted; pw is unchanged"));
    CHECK(message_is("-", "interrupted"));
}

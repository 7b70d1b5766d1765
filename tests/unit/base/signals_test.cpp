// Blocking and handling signals, and restoring what was before.
#include "base/signals.hpp"

#include <doctest/doctest.h>

#include <new>

using namespace mqttc;

namespace {

bool is_blocked(int number) {
    sigset_t mask;
    pthread_sigmask(SIG_BLOCK, nullptr, &mask);
    return sigismember(&mask, number) == 1;
}

bool is_default(int number) {
    struct sigaction action{};
    sigaction(number, nullptr, &action);
    return action.sa_handler == SIG_DFL;
}

void ignore_number(int) {}

}  // namespace

TEST_CASE("signals are blocked until the end of the scope, and in nested scopes") {
    {
        SignalBlock block(std::array{SIGUSR1});
        CHECK(is_blocked(SIGUSR1));
        CHECK_FALSE(is_blocked(SIGUSR2));
        CHECK(sigismember(&block.before(), SIGUSR1) == 0);
        {
            SignalBlock all;
            all.add_all();
            CHECK(is_blocked(SIGUSR2));
        }
        CHECK(is_blocked(SIGUSR1));
        CHECK_FALSE(is_blocked(SIGUSR2));
        block.add(SIGUSR2);
        CHECK(is_blocked(SIGUSR2));
    }
    CHECK_FALSE(is_blocked(SIGUSR1));
    CHECK_FALSE(is_blocked(SIGUSR2));
}

TEST_CASE("an exception restores the signals that were blocked") {
    try {
        SignalBlock block;
        block.add_all();
        throw std::bad_alloc();
    } catch (const std::bad_alloc&) {
        CHECK_FALSE(is_blocked(SIGUSR1));
        CHECK_FALSE(is_blocked(SIGTERM));
    }
}

TEST_CASE("handlers are restored, and ignored signals stay ignored") {
    struct sigaction before{};
    sigaction(SIGUSR2, nullptr, &before);
    signal(SIGUSR2, SIG_IGN);
    {
        const SignalHandlers handlers(std::array{SIGUSR1, SIGUSR2}, ignore_number);
        CHECK_FALSE(is_default(SIGUSR1));
        raise(SIGUSR1);
        struct sigaction action{};
        sigaction(SIGUSR2, nullptr, &action);
        CHECK((action.sa_handler == SIG_IGN));
    }
    CHECK(is_default(SIGUSR1));
    sigaction(SIGUSR2, &before, nullptr);
}

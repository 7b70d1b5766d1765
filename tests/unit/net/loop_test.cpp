// Tests of the loop: descriptors, timers, signals.
#include "loop.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <string>

#include "base/descriptor.hpp"
#include "socket.hpp"

using namespace mqttc;
using namespace mqttc::net;
using namespace std::chrono_literals;

namespace {

struct Pair {
    Pair() {
        int fds[2];
        REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) == 0);
        here = Descriptor(fds[0]);
        there = Descriptor(fds[1]);
    }
    Descriptor here;
    Descriptor there;
};

void put(const Descriptor& fd, std::string_view text) {
    REQUIRE(::write(fd.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()));
}

}  // namespace

TEST_CASE("a watched descriptor is called when it is readable and not before") {
    Loop loop;
    Pair pair;
    int calls = 0;
    loop.watch(pair.here.get(), POLLIN, [&](short) { ++calls; });
    loop.turn(std::nullopt, true);
    CHECK(calls == 0);
    put(pair.there, "x");
    loop.turn(std::nullopt);
    CHECK(calls == 1);
    loop.set_events(pair.here.get(), 0);
    loop.turn(std::nullopt, true);
    CHECK(calls == 1);
    loop.unwatch(pair.here.get());
    loop.turn(std::nullopt, true);
    CHECK(calls == 1);
}

TEST_CASE("a callback may unwatch itself, another descriptor, and watch the same number again") {
    Loop loop;
    Pair a;
    Pair b;
    std::string calls;
    put(a.there, "x");
    put(b.there, "x");
    loop.watch(a.here.get(), POLLIN, [&](short) {
        calls += 'a';
        loop.unwatch(b.here.get());
        loop.watch(b.here.get(), POLLIN, [&](short) { calls += 'B'; });
        loop.unwatch(a.here.get());
    });
    loop.watch(b.here.get(), POLLIN, [&](short) { calls += 'b'; });
    loop.turn(std::nullopt);
    CHECK(calls == "a");
    loop.turn(std::nullopt);
    CHECK(calls == "aB");
}

TEST_CASE("a callback that replaces its own watch is kept until it returns") {
    Loop loop;
    Pair pair;
    put(pair.there, "x");
    const std::string long_text(100, 'n');
    std::string seen;
    loop.watch(pair.here.get(), POLLIN, [&, long_text](short) {
        loop.watch(pair.here.get(), POLLIN, [&](short) { seen += "second"; });
        seen += long_text;
    });
    loop.turn(std::nullopt);
    loop.turn(std::nullopt);
    CHECK(seen == long_text + "second");
}

TEST_CASE("timers are called in the order of their times, each once, and can be cancelled") {
    Loop loop;
    std::string calls;
    const auto start = loop.now();
    loop.at(start + 2ms, [&] { calls += '2'; });
    loop.at(start + 1ms, [&] { calls += '1'; });
    const auto cancelled = loop.at(start + 1ms, [&] { calls += 'x'; });
    loop.cancel(cancelled);
    loop.at(start + 1h, [&] { calls += 'h'; });
    while (loop.now() < start + 2ms) loop.turn(std::nullopt);
    loop.turn(std::nullopt, true);
    CHECK(calls == "12");
}

TEST_CASE("a timer set by a timer waits for the next turn") {
    Loop loop;
    int calls = 0;
    std::function<void()> again = [&] {
        ++calls;
        loop.at(loop.now(), again);
    };
    loop.at(loop.now(), again);
    loop.turn(std::nullopt);
    CHECK(calls == 1);
    loop.turn(std::nullopt);
    CHECK(calls == 2);
}

TEST_CASE("a turn ends at its deadline") {
    Loop loop;
    const auto start = loop.now();
    loop.turn(start + 5ms);
    CHECK(loop.now() >= start + 5ms);
}

TEST_CASE("a regular file is always readable") {
    Loop loop;
    Descriptor file(::open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
    REQUIRE(file);
    int calls = 0;
    loop.watch(file.get(), POLLIN, [&](short) { ++calls; });
    loop.turn(std::nullopt);
    loop.turn(std::nullopt);
    CHECK(calls == 2);
}

TEST_CASE("a signal before the turn ends its wait and is reported once, by the loop") {
    Loop loop;
    int calls = 0;
    loop.on_signal(SIGUSR1, [&] { ++calls; });
    ::raise(SIGUSR1);
    CHECK(calls == 0);
    loop.turn(std::nullopt);
    CHECK(calls == 1);
    loop.turn(std::nullopt, true);
    CHECK(calls == 1);
}

TEST_CASE("a signal is reported although a descriptor is ready in every turn") {
    Loop loop;
    Pair pair;
    put(pair.there, "x");
    loop.watch(pair.here.get(), POLLIN, [](short) {});
    bool arrived = false;
    loop.on_signal(SIGUSR1, [&] { arrived = true; });
    ::raise(SIGUSR1);
    const auto start = loop.now();
    while (!arrived && loop.now() < start + 5s) loop.turn(std::nullopt);
    CHECK(arrived);
    CHECK(loop.now() < start + 1s);
}

TEST_CASE("a signal after the last turn is discarded with the loop, and does not end the program") {
    struct sigaction mine{};
    mine.sa_handler = SIG_DFL;
    struct sigaction before{};
    REQUIRE(sigaction(SIGUSR1, &mine, &before) == 0);
    {
        Loop loop;
        loop.on_signal(SIGUSR1, [] {});
        ::raise(SIGUSR1);
    }
    sigset_t pending;
    REQUIRE(sigpending(&pending) == 0);
    CHECK(sigismember(&pending, SIGUSR1) == 0);
    sigaction(SIGUSR1, &before, nullptr);
}

TEST_CASE("numbers that aren't signals or cannot be caught are refused") {
    Loop loop;
    for (const int number : {-1, 0, 33, 65, 1'000'000, SIGKILL, SIGSTOP}) {
        CAPTURE(number);
        CHECK_FALSE(loop.on_signal(number, [] {}));
    }
    CHECK(loop.on_signal(SIGUSR1, [] {}));
}

TEST_CASE("the earlier disposition and mask of a signal come back with the end of the loop") {
    struct sigaction mine{};
    mine.sa_handler = SIG_IGN;
    struct sigaction before{};
    REQUIRE(sigaction(SIGUSR2, &mine, &before) == 0);
    {
        Loop loop;
        loop.on_signal(SIGUSR2, [] {});
    }
    struct sigaction after{};
    REQUIRE(sigaction(SIGUSR2, &before, &after) == 0);
    const bool ignored = after.sa_handler == SIG_IGN;
    CHECK(ignored);
    sigset_t mask;
    REQUIRE(pthread_sigmask(SIG_BLOCK, nullptr, &mask) == 0);
    CHECK(sigismember(&mask, SIGUSR2) == 0);
}

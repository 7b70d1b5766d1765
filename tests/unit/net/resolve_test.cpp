// Tests of look-ups: with and without a thread, abandoned ones, SRV records.
#include "resolve.hpp"

#include <arpa/inet.h>
#include <dirent.h>
#include <doctest/doctest.h>
#include <sys/resource.h>

#include <condition_variable>
#include <fstream>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "socket.hpp"
#include "srv.hpp"

using namespace mqttc;
using namespace mqttc::net;
using namespace std::chrono_literals;

namespace {

std::string show(const Address& address) {
    char text[INET6_ADDRSTRLEN] = "";
    const void* ip =
        address.family() == AF_INET6
            ? static_cast<const void*>(&reinterpret_cast<const sockaddr_in6&>(address.storage).sin6_addr)
            : &reinterpret_cast<const sockaddr_in&>(address.storage).sin_addr;
    inet_ntop(address.family(), ip, text, sizeof text);
    return std::string(text) + " " +
           std::to_string(ntohs(reinterpret_cast<const sockaddr_in&>(address.storage).sin_port));
}

std::vector<std::string> show(const std::vector<Address>& addresses) {
    std::vector<std::string> shown;
    for (const auto& address : addresses) shown.push_back(show(address));
    return shown;
}

using Strings = std::vector<std::string>;

std::size_t count_entries(const char* directory) {
    std::size_t count = 0;
    DIR* dir = ::opendir(directory);
    while (::readdir(dir) != nullptr) ++count;
    ::closedir(dir);
    return count;
}

/// A resolver that answers on request.
struct Gate {
    std::mutex mutex;
    std::condition_variable changed;
    bool open = false;
    bool passed = false;

    void let_through() {
        const std::lock_guard lock(mutex);
        open = true;
        changed.notify_all();
    }
    void wait_until_passed() {
        std::unique_lock lock(mutex);
        changed.wait(lock, [&] { return passed; });
    }
    Answer answer() {
        std::unique_lock lock(mutex);
        changed.wait(lock, [&] { return open; });
        passed = true;
        changed.notify_all();
        return addresses_without_lookup("192.0.2.1", 7);
    }
};

}  // namespace

TEST_CASE("numeric addresses and localhost need no look-up") {
    CHECK(show(addresses_without_lookup("192.0.2.7", 1883)) == Strings{"192.0.2.7 1883"});
    CHECK(show(addresses_without_lookup("2001:db8::7", 8883)) == Strings{"2001:db8::7 8883"});
    CHECK(show(addresses_without_lookup("localhost", 1)) == Strings{"::1 1", "127.0.0.1 1"});
    CHECK(show(addresses_without_lookup("LocalHost.", 1)) == Strings{"::1 1", "127.0.0.1 1"});
    CHECK(show(addresses_without_lookup("broker.localhost", 1)) == Strings{"::1 1", "127.0.0.1 1"});
    CHECK(show(addresses_without_lookup("fe80::1%lo", 1)) == Strings{"fe80::1 1"});
}

TEST_CASE("names, and what only looks like an address or localhost, need a look-up") {
    for (const char* host :
         {"broker.example", "notlocalhost", "localhost.example", "1.2.3", "1.2.3.4.5", "::g", ""}) {
        CAPTURE(host);
        CHECK(addresses_without_lookup(host, 1).empty());
    }
}

TEST_CASE("addresses are tried in turn by family, beginning with the first one's") {
    const auto make = [](const char* host) { return addresses_without_lookup(host, 1).front(); };
    const auto mixed = interleave(
        {make("2001:db8::1"), make("2001:db8::2"), make("192.0.2.1"), make("192.0.2.2"), make("192.0.2.3")});
    CHECK(show(mixed) ==
          Strings{"2001:db8::1 1", "192.0.2.1 1", "2001:db8::2 1", "192.0.2.2 1", "192.0.2.3 1"});
}

TEST_CASE("a numeric host is answered at once, without a thread and a descriptor") {
    Loop loop;
    const auto threads = count_entries("/proc/self/task");
    std::optional<Answer> got;
    const Lookup lookup(loop, {"127.0.0.1", 5, {}}, [&](Answer answer) { got = std::move(answer); });
    REQUIRE(got);
    CHECK(show(got->value()) == Strings{"127.0.0.1 5"});
    CHECK(count_entries("/proc/self/task") == threads);
}

TEST_CASE("a name is looked up in a thread, and the answer is delivered by the loop") {
    Loop loop;
    Gate gate;
    std::optional<Answer> got;
    const Lookup lookup(
        loop, {"broker.example", 5, {}}, [&](Answer answer) { got = std::move(answer); },
        [&](const Question& question) {
            CHECK(question.host == "broker.example");
            return gate.answer();
        });
    loop.turn(std::nullopt, true);
    CHECK_FALSE(got);
    gate.let_through();
    while (!got) loop.turn(std::nullopt);
    CHECK(show(got->value()) == Strings{"192.0.2.1 7"});
}

TEST_CASE("an abandoned look-up does no harm when it is answered, and leaks no descriptor") {
    const auto before = count_entries("/proc/self/fd");
    auto gate = std::make_shared<Gate>();
    {
        Loop loop;
        const Lookup lookup(
            loop, {"broker.example", 5, {}}, [](Answer) { FAIL("the look-up was abandoned"); },
            [gate](const Question&) { return gate->answer(); });
    }
    gate->let_through();
    gate->wait_until_passed();
    while (gate.use_count() > 1) std::this_thread::yield();
    // A descriptor left behind would hold the test here.
    while (count_entries("/proc/self/fd") > before) std::this_thread::yield();
}

TEST_CASE("the thread takes no signals away from the loop") {
    Loop loop;
    auto gate = std::make_shared<Gate>();
    std::string blocked;
    std::optional<Answer> got;
    const Lookup lookup(
        loop, {"broker.example", 5, {}}, [&](Answer answer) { got = std::move(answer); },
        [&](const Question&) {
            std::ifstream status("/proc/thread-self/status");
            for (std::string line; std::getline(status, line);) {
                if (line.starts_with("SigBlk:")) blocked = line;
            }
            return addresses_without_lookup("127.0.0.1", 1);
        });
    while (!got) loop.turn(std::nullopt);
    // All but SIGKILL, SIGSTOP and the two that glibc keeps.
    CHECK(blocked == "SigBlk:\tfffffffe7ffbfeff");
}

TEST_CASE("without a descriptor for the thread a look-up is an error") {
    Loop loop;
    rlimit before{};
    REQUIRE(getrlimit(RLIMIT_NOFILE, &before) == 0);
    rlimit none = before;
    none.rlim_cur = 0;
    REQUIRE(setrlimit(RLIMIT_NOFILE, &none) == 0);
    std::optional<Answer> got;
    {
        const Lookup lookup(loop, {"broker.example", 5, {}}, [&](Answer answer) { got = std::move(answer); });
    }
    REQUIRE(setrlimit(RLIMIT_NOFILE, &before) == 0);
    REQUIRE(got);
    REQUIRE_FALSE(got->has_value());
    CHECK(got->error().context == "cannot resolve broker.example: too many open files");
}

TEST_CASE("a name that cannot exist is an error that names it") {
    // A label has at most 63 bytes, so no query is sent.
    const std::string host = std::string(64, 'x') + ".invalid";
    const auto answer = look_up({host, 1883, {}});
    REQUIRE_FALSE(answer);
    CHECK(answer.error().code == ErrorCode::name_not_found);
    CHECK(answer.error().context.starts_with("cannot resolve " + host + ": "));
}

TEST_CASE("SRV records are read from an answer, and no prefix of it gives damaged ones") {
    const std::string_view wire(
        "\x12\x34\x81\x80\0\1\0\2\0\0\0\0"
        "\5_mqtt\4_tcp\7example\3org\0\0\x21\0\1"
        "\xc0\x0c\0\x21\0\1\0\0\0\x3c\0\x0d\0\5\0\1\x07\x5b\4home\xc0\x17"
        "\xc0\x0c\0\x21\0\1\0\0\0\x3c\0\x0a\0\1\0\2\x22\xb3\1b\xc0\x17",
        12 + 28 + 25 + 22);
    const auto records = parse_srv_answer(as_bytes(wire));
    REQUIRE(records.size() == 2);
    CHECK(records[0].host == "home.example.org");
    CHECK(records[0].priority == 5);
    CHECK(records[0].weight == 1);
    CHECK(records[0].port == 1883);
    CHECK(records[1].host == "b.example.org");
    CHECK(records[1].port == 8883);
    for (std::size_t size = 0; size < wire.size(); ++size)
        CHECK(parse_srv_answer(as_bytes(wire.substr(0, size))).empty());
    // Each one would be looked up.
    std::string many("\x12\x34\x81\x80\0\0\x03\xe8\0\0\0\0", 12);
    for (int i = 0; i < 1000; ++i) many.append("\0\0\x21\0\1\0\0\0\x3c\0\x09\0\1\0\1\x07\x5b\1b\0", 20);
    CHECK(parse_srv_answer(as_bytes(many)).size() == 32);
}

TEST_CASE("SRV records are tried by priority, and equal ones by weight") {
    const std::vector<SrvRecord> records{
        {2, 0, 1, "late"}, {1, 10, 1, "ten"}, {1, 30, 1, "thirty"}, {1, 0, 1, "zero"}};
    const auto hosts = [&](double random) {
        Strings names;
        for (const auto& record : order_srv(records, [=] { return random; })) names.push_back(record.host);
        return names;
    };
    CHECK(hosts(0.0) == Strings{"zero", "ten", "thirty", "late"});
    CHECK(hosts(0.99) == Strings{"thirty", "ten", "zero", "late"});
    CHECK(hosts(0.2) == Strings{"ten", "thirty", "zero", "late"});
}

TEST_CASE("a port or an unknown zone in an address is not reported as an unknown name") {
    const auto port = look_up({.host = "::1:21883", .port = 1, .service = {}});
    REQUIRE_FALSE(port);
    CHECK(port.error().context == "cannot resolve ::1:21883: not a host name or an IPv6 address");
    CHECK(port.error().hint == Hint::port);
    const auto zone = look_up({.host = "fe80::1%none", .port = 1, .service = {}});
    REQUIRE_FALSE(zone);
    CHECK(zone.error().context == "cannot resolve fe80::1%none: no such address or interface");
}

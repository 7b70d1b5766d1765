// Tests of the program's stdout (apps/sub/stdout_buffer.cpp).
#include "stdout_buffer.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <string>
#include <thread>

#include "support/temp_dir.hpp"

using namespace mqttc::output;
using State = StdoutBuffer::State;

namespace {

struct Pair {
    int read = -1;
    int write = -1;

    Pair(bool socket = false) {
        std::array<int, 2> fds{};
        if (socket) {
            REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, fds.data()) == 0);
        } else {
            REQUIRE(pipe(fds.data()) == 0);
        }
        read = fds[0];
        write = fds[1];
        std::signal(SIGPIPE, SIG_IGN);
    }
    ~Pair() {
        if (read >= 0) close(read);
        close(write);
    }
    void close_reader() {
        close(read);
        read = -1;
    }
    std::string take(std::size_t size) const {
        std::string text(size, '\0');
        std::size_t have = 0;
        while (have < size) {
            const ssize_t got = ::read(read, text.data() + have, size - have);
            if (got <= 0) break;
            have += static_cast<std::size_t>(got);
        }
        text.resize(have);
        return text;
    }
};

std::string pattern(std::size_t size) {
    std::string text(size, '\0');
    for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>(i * 31 + i / 257);
    return text;
}

}  // namespace

TEST_CASE("nothing is written before flush, which writes everything at once") {
    Pair pipe;
    StdoutBuffer out(pipe.write);
    out.append("a");
    out.push_back('b');
    out.fill(3, 'c');
    pollfd polled{pipe.read, POLLIN, 0};
    CHECK(poll(&polled, 1, 0) == 0);
    CHECK(out.flush());
    CHECK(pipe.take(5) == "abccc");
    CHECK(out.empty());
    CHECK_FALSE(out.terminal());
}

TEST_CASE("with a full pipe the rest is kept, and room is signalled") {
    for (const bool socket : {false, true}) {
        CAPTURE(socket);
        Pair pair(socket);
        StdoutBuffer out(pair.write);
        const std::string text = pattern(150'000);
        for (std::size_t at = 0; at < text.size(); at += 10'000) out.append(text.substr(at, 10'000));
        bool done = out.flush();
        if (!socket) REQUIRE_FALSE(done);
        std::string got = pair.take(text.size() - out.size());
        while (!done) {
            pollfd polled{out.room_descriptor(), POLLIN, 0};
            REQUIRE(poll(&polled, 1, 5000) == 1);
            const std::size_t before = out.size();
            done = out.flush();
            got += pair.take(before - out.size());
        }
        CHECK((got == text));
        CHECK(out.state() == State::open);
    }
}

TEST_CASE("the descriptor that was given stays blocking") {
    Pair pipe;
    {
        StdoutBuffer out(pipe.write);
        CHECK((fcntl(pipe.write, F_GETFL) & O_NONBLOCK) == 0);
    }
    CHECK(fcntl(pipe.write, F_GETFL) >= 0);
}

TEST_CASE("large and small pieces reach a slow reader in order") {
    Pair pipe;
    StdoutBuffer out(pipe.write);
    const std::string large = pattern(2'000'000);
    std::string got;
    // Nothing reads meanwhile.
    out.append("start");
    out.append(large);
    out.append("-");
    out.append(large);
    for (const char c : std::string_view("end\n")) out.push_back(c);
    CHECK_FALSE(out.flush());
    std::thread reader([&] { got = pipe.take(large.size() * 2 + 10); });
    CHECK(out.flush_waiting());
    reader.join();
    CHECK((got == "start" + large + "-" + large + "end\n"));
}

TEST_CASE("small pieces without flush need bounded memory") {
    mqttc::test::TempDir dir;
    const std::string path = dir.file("out");
    const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    REQUIRE(fd >= 0);
    {
        StdoutBuffer out(fd);
        for (int i = 0; i < 100'000; ++i) {
            out.append("0123456789");
            CHECK(out.size() <= StdoutBuffer::full);
        }
        CHECK(out.flush());
        CHECK(out.reader_descriptor() == -1);
    }
    close(fd);
    CHECK(mqttc::test::read_file(path).size() == 1'000'000);
}

TEST_CASE("a closed reader is noticed with and without writing") {
    Pair pipe;
    StdoutBuffer out(pipe.write);
    CHECK_FALSE(out.reader_closed());
    pipe.close_reader();
    SUBCASE("without writing") {
        pollfd polled{out.reader_descriptor(), 0, 0};
        CHECK(poll(&polled, 1, 0) == 1);
        CHECK(out.reader_closed());
    }
    SUBCASE("writing") {
        out.append("x");
        CHECK_FALSE(out.flush());
    }
    SUBCASE("writing large pieces") {
        out.append(pattern(100'000));
    }
    CHECK(out.state() == State::reader_closed);
    out.append("more");
    CHECK_FALSE(out.flush());
    CHECK(out.empty());
}

TEST_CASE("an error of the descriptor is kept") {
    const int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
    StdoutBuffer out(full);
    out.append("x");
    CHECK_FALSE(out.flush());
    CHECK(out.state() == State::failed);
    CHECK(out.error() == ENOSPC);
    close(full);
    CHECK(StdoutBuffer(-1).error() == EBADF);
}

TEST_CASE("a deadline and a blocked signal end the wait for a slow reader") {
    Pair pipe;
    StdoutBuffer out(pipe.write);
    SUBCASE("deadline") {
        out.give_up_at(std::chrono::steady_clock::now());
    }
    SUBCASE("signal") {
        sigset_t set;
        sigemptyset(&set);
        sigaddset(&set, SIGTERM);
        pthread_sigmask(SIG_BLOCK, &set, nullptr);
        raise(SIGTERM);
    }
    out.append(pattern(150'000));
    CHECK(out.state() == State::open);
    CHECK_FALSE(out.flush_waiting());
    CHECK(out.state() == State::interrupted);
    const timespec at_once{};
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigtimedwait(&set, nullptr, &at_once);
    pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

// Payloads from files, pipes and FIFOs.
#include "loaded_payload.hpp"

#include <doctest/doctest.h>

#include <sys/stat.h>
#include <sys/wait.h>

#include <thread>

#include "pipe.hpp"
#include "support/temp_dir.hpp"

using namespace mqttc;
using namespace mqttc::pub;
using namespace mqttc::test;
using namespace std::string_literals;

TEST_CASE("small and large files are loaded unchanged") {
    const TempDir dir;
    for (const std::size_t size : {0UL, 1UL, 100'000UL, 1'048'576UL, 5'000'001UL}) {
        std::string content(size, '\0');
        for (std::size_t i = 0; i < size; ++i) content[i] = static_cast<char>(i * 7 + i / 256);
        const auto payload = LoadedPayload::from_file(dir.write("file", content), std::nullopt, "mqtt_pub");
        REQUIRE(payload.has_value());
        CHECK((as_text(payload->bytes()) == content));
    }
}

TEST_CASE("a FIFO is read to its end") {
    const TempDir dir;
    const std::string path = dir.file("fifo");
    REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
    const std::string content(300'000, 'x');
    std::thread writer([&] {
        const int fd = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
        std::string_view rest = content;
        while (!rest.empty()) {
            const ssize_t written = ::write(fd, rest.data(), rest.size());
            if (written <= 0) break;
            rest.remove_prefix(static_cast<std::size_t>(written));
        }
        ::close(fd);
    });
    const auto payload = LoadedPayload::from_file(path, std::nullopt, "mqtt_pub");
    writer.join();
    REQUIRE(payload.has_value());
    CHECK((as_text(payload->bytes()) == content));
}

TEST_CASE("a FIFO without a writer is given up at the deadline") {
    const TempDir dir;
    const std::string path = dir.file("fifo");
    REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
    const auto payload = LoadedPayload::from_file(
        path, std::chrono::steady_clock::now() + std::chrono::milliseconds(20), "mqtt_pub");
    REQUIRE_FALSE(payload.has_value());
    CHECK(payload.error().timed_out);
}

TEST_CASE("an open pipe can be named as a file") {
    Pipe pipe;
    pipe.write("abc\0def"s);
    pipe.end();
    const auto payload =
        LoadedPayload::from_file("/proc/self/fd/" + std::to_string(pipe.reader()), std::nullopt, "mqtt_pub");
    REQUIRE(payload.has_value());
    CHECK(as_text(payload->bytes()) == "abc\0def"s);
}

TEST_CASE("the error of an unreadable file names it") {
    const TempDir dir;
    const auto none = LoadedPayload::from_file(dir.file("none"), std::nullopt, "mqtt_pub");
    REQUIRE_FALSE(none.has_value());
    CHECK(none.error().message == "cannot read " + dir.file("none") + ": no such file or directory");
    CHECK(LoadedPayload::from_file(dir.path().string(), std::nullopt, "mqtt_pub")
              .error()
              .message.ends_with("it is a directory"));
}

TEST_CASE("a file larger than a packet is refused without being read") {
    const TempDir dir;
    const std::string path = dir.write("sparse", "");
    std::filesystem::resize_file(path, 300'000'000);
    const auto payload = LoadedPayload::from_file(path, std::nullopt, "mqtt_pub");
    REQUIRE_FALSE(payload.has_value());
    CHECK(payload.error().message.find("larger than an MQTT packet") != std::string::npos);
}

TEST_CASE("moving a payload does not move its bytes") {
    const TempDir dir;
    LoadedPayload first =
        *LoadedPayload::from_file(dir.write("big", std::string(2'000'000, 'y')), std::nullopt, "mqtt_pub");
    const auto* data = first.bytes().data();
    const LoadedPayload second = std::move(first);
    CHECK(second.bytes().data() == data);
    CHECK(second.bytes().size() == 2'000'000);
}

TEST_CASE("a mapped file that was released in part still has all its bytes") {
    const TempDir dir;
    const std::string content(5'000'001, 'x');
    auto payload = LoadedPayload::from_file(dir.write("file", content), std::nullopt, "mqtt_pub");
    REQUIRE(payload.has_value());
    for (const std::size_t left : {4'000'000UL, 100UL, 0UL, 5'000'001UL, 3'000'000UL}) {
        payload->release_all_but(left);
        CHECK((as_text(payload->bytes()) == content));
    }
}

TEST_CASE("a mapped file that is truncated ends the process with 1 and a message in the program's name") {
    const TempDir dir;
    const std::string path = dir.write("file", std::string(2'000'000, 'x'));
    Pipe pipe;
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        ::dup2(pipe.writer(), STDERR_FILENO);
        const auto payload = LoadedPayload::from_file(path, std::nullopt, "mosquitto_pub");
        if (!payload || ::truncate(path.c_str(), 0) != 0) ::_exit(2);
        const volatile std::uint8_t last = payload->bytes().back();
        ::_exit(last == 'x' ? 3 : 4);
    }
    pipe.end();
    std::string text(200, '\0');
    std::size_t size = 0;
    for (ssize_t got = 1; got > 0; size += static_cast<std::size_t>(got)) {
        got = ::read(pipe.reader(), text.data() + size, text.size() - size);
        REQUIRE(got >= 0);
    }
    CHECK(text.substr(0, size) == "mosquitto_pub: the file was truncated while it was sent\n");
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 1);
}

// Lines keep every byte, whatever the pieces they arrive in.
#include "line_input.hpp"

#include <doctest/doctest.h>

#include <fcntl.h>

#include <string>
#include <vector>

#include "pipe.hpp"
#include "support/temp_dir.hpp"

using namespace mqttc;
using namespace mqttc::pub;
using namespace mqttc::test;
using State = InputSource::State;
using namespace std::string_literals;

namespace {

// All lines of a pipe, written at once.
std::vector<std::string> lines_of(std::string_view content) {
    Pipe pipe;
    LineInput input(pipe.reader());
    std::vector<std::string> lines;
    InputMessage message;
    if (!content.empty()) pipe.write(content);
    pipe.end();
    while (true) {
        switch (input.next(message, {})) {
            case State::ready:
                lines.emplace_back(as_text(message.payload));
                break;
            case State::waiting:
                input.readable();
                break;
            case State::finished:
                return lines;
        }
    }
}

using Lines = std::vector<std::string>;

}  // namespace

TEST_CASE("a line ends at a newline") {
    CHECK(lines_of("a\nb\n") == Lines{"a", "b"});
    CHECK(lines_of("") == Lines{});
}

TEST_CASE("the last line needs no newline, an empty line is an empty message") {
    CHECK(lines_of("a\nb") == Lines{"a", "b"});
    CHECK(lines_of("\n\na\n\n") == Lines{"", "", "a", ""});
    CHECK(lines_of("\n") == Lines{""});
}

TEST_CASE("NUL, CR and bytes that are not UTF-8 are kept") {
    CHECK(lines_of("a\0b\r\n\xff\xfe\n\0\n"s) == Lines{"a\0b\r"s, "\xff\xfe", "\0"s});
}

TEST_CASE("a line that arrives in pieces is one line") {
    Pipe pipe;
    LineInput input(pipe.reader());
    InputMessage message;
    CHECK(input.next(message, {}) == State::waiting);
    for (const char* piece : {"one ", "line ", "in pieces"}) {
        pipe.write(piece);
        input.readable();
        CHECK(input.next(message, {}) == State::waiting);
    }
    CHECK(input.has_unread());
    pipe.write("\nnext");
    input.readable();
    REQUIRE(input.next(message, {}) == State::ready);
    CHECK(as_text(message.payload) == "one line in pieces");
    CHECK(input.next(message, {}) == State::waiting);
    CHECK_FALSE(input.remaining(1).has_value());
    pipe.end();
    input.readable();
    REQUIRE(input.next(message, {}) == State::ready);
    CHECK(as_text(message.payload) == "next");
    CHECK(input.next(message, {}) == State::finished);
    CHECK(input.remaining(1) == 0);
    CHECK_FALSE(input.has_unread());
}

TEST_CASE("long lines among short ones are complete, from a file that is never waited for") {
    const TempDir dir;
    std::string content;
    Lines expected;
    for (const std::size_t size :
         {1UL, 70'000UL, 3UL, 3'000'000UL, 0UL, 131'072UL, 131'071UL, 9'000'000UL, 5UL}) {
        expected.emplace_back(size, static_cast<char>('a' + expected.size()));
        content.append(expected.back()).append("\n");
    }
    const std::string path = dir.write("lines", content);
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    LineInput input(fd);
    CHECK(input.has_unread());
    InputMessage message;
    Lines lines;
    while (true) {
        const State state = input.next(message, {});
        REQUIRE(state != State::waiting);
        if (state == State::finished) break;
        lines.emplace_back(as_text(message.payload));
    }
    ::close(fd);
    CHECK((lines == expected));
    CHECK(input.failure().empty());
}

TEST_CASE("a line over the limit is a problem, the next one is read") {
    Pipe pipe;
    LineInput input(pipe.reader(), 10);
    InputMessage message;
    pipe.write("short\n01234567890");
    input.readable();
    REQUIRE(input.next(message, {}) == State::ready);
    CHECK(as_text(message.payload) == "short");
    REQUIRE(input.next(message, {}) == State::ready);
    CHECK(message.problem.starts_with("line 2 has more than 10 bytes"));
    CHECK(input.next(message, {}) == State::waiting);
    pipe.write("still the same\nthird\n");
    input.readable();
    REQUIRE(input.next(message, {}) == State::ready);
    CHECK(message.problem.empty());
    CHECK(as_text(message.payload) == "third");
}

TEST_CASE("an unreadable descriptor ends the input with a reason") {
    const TempDir dir;
    const int fd = ::open(dir.path().c_str(), O_RDONLY | O_CLOEXEC);
    LineInput input(fd);
    InputMessage message;
    CHECK(input.next(message, {}) == State::waiting);
    input.readable();
    CHECK(input.next(message, {}) == State::finished);
    CHECK(input.failure().find("directory") != std::string::npos);
    ::close(fd);
}

TEST_CASE("after a read error only the complete lines are given") {
    for (const std::size_t batch : {std::size_t{1}, LineInput::max_batch}) {
        const BrokenStream stream("one\ntwo half");
        LineInput input(stream.reader(), LineInput::max_line, false, batch);
        InputMessage message;
        CHECK(input.next(message, {}) == State::waiting);
        input.readable();
        REQUIRE(input.next(message, {}) == State::ready);
        CHECK(as_text(message.payloads()[0]) == "one");
        CHECK(input.next(message, {}) == State::waiting);
        input.readable();
        CHECK(input.next(message, {}) == State::finished);
        CHECK(input.failure() == "cannot read stdin: connection reset by peer");
        CHECK_FALSE(input.remaining(1).has_value());
        CHECK(input.has_unread());
    }
}

TEST_CASE("a long line is given with its memory, and what follows is not lost") {
    const TempDir dir;
    const std::string first(3'000'000, 'a');
    const std::string second(2'000'000, 'b');
    const int fd =
        ::open(dir.write("lines", first + "\n" + second + "\nshort\n").c_str(), O_RDONLY | O_CLOEXEC);
    LineInput input(fd, LineInput::max_line, true);
    InputMessage message;
    REQUIRE(input.next(message, {}) == State::ready);
    const auto kept = message.owner;
    const Bytes payload = message.payload;
    REQUIRE(kept != nullptr);
    REQUIRE(input.next(message, {}) == State::ready);
    CHECK((as_text(message.payload) == second));
    CHECK((as_text(payload) == first));
    REQUIRE(input.next(message, {}) == State::ready);
    CHECK(as_text(message.payload) == "short");
    CHECK(message.owner == nullptr);
    CHECK(input.next(message, {}) == State::finished);
    ::close(fd);
}

TEST_CASE("complete lines that were read are given as a batch, up to the limit") {
    Pipe pipe;
    LineInput input(pipe.reader(), LineInput::max_line, false, 3);
    InputMessage message;
    CHECK(input.next(message, {}) == State::waiting);
    pipe.write("a\n\nbb\nccc\nhalf");
    input.readable();
    REQUIRE(input.next(message, {}) == State::ready);
    REQUIRE(message.batch.size() == 3);
    CHECK(as_text(message.batch[0]) == "a");
    CHECK(message.batch[1].empty());
    CHECK(as_text(message.batch[2]) == "bb");
    REQUIRE(input.next(message, {}) == State::ready);
    REQUIRE(message.batch.size() == 1);
    CHECK(as_text(message.batch[0]) == "ccc");
    CHECK(input.next(message, {}) == State::waiting);
    CHECK(input.has_unread());
    pipe.write(" a line\nlast");
    pipe.end();
    input.readable();
    REQUIRE(input.next(message, {}) == State::ready);
    REQUIRE(message.batch.size() == 1);
    CHECK(as_text(message.batch[0]) == "half a line");
    // A line without a newline may continue until the end of the input is read.
    CHECK(input.next(message, {}) == State::waiting);
    input.readable();
    REQUIRE(input.next(message, {}) == State::ready);
    CHECK(message.batch.empty());
    CHECK(as_text(message.payload) == "last");
    CHECK(input.next(message, {}) == State::finished);
    CHECK(input.remaining(1) == 0);
}

TEST_CASE("thousands of lines are the same in batches and one by one, also those with memory of their own") {
    const TempDir dir;
    std::string content;
    Lines expected;
    for (std::size_t i = 0; i < 5000; ++i) {
        const std::size_t size = i == 1000 ? 2'000'000 : i == 3000 ? 300'000 : i % 200;
        expected.emplace_back(size, static_cast<char>('a' + i % 26));
        content.append(expected.back()).append("\n");
    }
    for (const std::size_t batch : {std::size_t{1}, std::size_t{7}, LineInput::max_batch}) {
        CAPTURE(batch);
        const int fd = ::open(dir.write("lines", content).c_str(), O_RDONLY | O_CLOEXEC);
        LineInput input(fd, LineInput::max_line, true, batch);
        InputMessage message;
        Lines lines;
        int owners = 0;
        State state{};
        while ((state = input.next(message, {})) == State::ready) {
            for (const Bytes payload : message.payloads()) lines.emplace_back(as_text(payload));
            owners += message.owner != nullptr ? 1 : 0;
        }
        ::close(fd);
        CHECK(state == State::finished);
        CHECK((lines == expected));
        CHECK(owners == 1);
        CHECK(input.extent()->taken == content.size());
    }
}

TEST_CASE("the rest of a line that was too long is not a payload, and lines keep their numbers") {
    Pipe pipe;
    LineInput input(pipe.reader(), 10, false, LineInput::max_batch);
    InputMessage message;
    pipe.write("one\ntwo\n01234567890");
    input.readable();
    REQUIRE(input.next(message, {}) == State::ready);
    REQUIRE(message.batch.size() == 2);
    REQUIRE(input.next(message, {}) == State::ready);
    CHECK(message.problem.starts_with("line 3 has more than 10 bytes"));
    pipe.write("rest\nfour\nfive\n");
    input.readable();
    REQUIRE(input.next(message, {}) == State::ready);
    REQUIRE(message.batch.size() == 2);
    CHECK(as_text(message.batch[0]) == "four");
    CHECK(as_text(message.batch[1]) == "five");
}

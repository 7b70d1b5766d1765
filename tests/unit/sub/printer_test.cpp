// Tests of what is printed of a message (apps/sub/printer.cpp), and that printing allocates nothing.
#include "printer.hpp"

#include <doctest/doctest.h>

#include <cstdlib>
#include <new>
#include <string>

#include "message.hpp"

using namespace mqttc;
using namespace mqttc::sub;
using namespace mqttc::output::test;

namespace {

std::size_t allocations = 0;

std::string printed(const app::SubOptions& options, const Message& message, bool terminal = false) {
    output::TextBuffer out;
    app::Messages messages("test");
    const auto sink = make_printer(options, terminal, out, messages);
    REQUIRE(sink);
    (*sink)->take(message.view());
    return std::string(out.view());
}

}  // namespace

// Counts allocations for the last test.
void* operator new(std::size_t size) {
    ++allocations;
    if (void* memory = std::malloc(size)) return memory;
    throw std::bad_alloc();
}
void operator delete(void* memory) noexcept {
    std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
    std::free(memory);
}

TEST_CASE("-v and -N select payload, topic and newline") {
    const Message full{.topic = "t", .payload = "p"};
    const Message empty{.topic = "t", .payload = ""};
    app::SubOptions options;
    CHECK(printed(options, full) == "p\n");
    CHECK(printed(options, empty).empty());
    options.no_newline = true;
    CHECK(printed(options, full) == "p");
    CHECK(printed(options, empty).empty());
    options.verbose = true;
    CHECK(printed(options, full) == "t p");
    CHECK(printed(options, empty).empty());
    options.no_newline = false;
    CHECK(printed(options, full) == "t p\n");
    CHECK(printed(options, empty) == "t (null)\n");
    options.format = "<%p>";
    CHECK(printed(options, full) == "<p>\n");
}

TEST_CASE("%J prints nothing of a message that is not JSON, not even a newline, and does not count it") {
    app::SubOptions options;
    options.format = "%t %J";
    output::TextBuffer out;
    app::Messages messages("test");
    messages.set_quiet(true);
    const auto sink = make_printer(options, false, out, messages);
    REQUIRE(sink);
    CHECK((*sink)->take(Message{.topic = "t", .payload = "no"}.view()));
    CHECK_FALSE((*sink)->counts());
    CHECK(out.empty());
    CHECK((*sink)->take(Message{.topic = "t", .payload = "[]"}.view()));
    CHECK((*sink)->counts());
    CHECK(out.view().ends_with("\"payload\":[]}\n"));
}

TEST_CASE("a payload of any size is printed completely") {
    app::SubOptions options;
    options.verbose = true;
    for (const std::size_t size : {output::TextBuffer::large_piece - 1, output::TextBuffer::large_piece,
                                   output::TextBuffer::large_piece * 10}) {
        const Message message{.topic = "t", .payload = std::string(size, 'x')};
        CHECK((printed(options, message) == "t " + message.payload + "\n"));
    }
}

TEST_CASE("control characters are escaped on terminals") {
    app::SubOptions options;
    options.verbose = true;
    options.run.color = app::ColorMode::never;
    CHECK(printed(options, {.topic = "a\n", .payload = "\x1b[m\n"}, true) == "a\\n \\x1b[m\n\n");
}

TEST_CASE("rates are counted from second to second") {
    output::TextBuffer out;
    app::Messages messages("test");
    app::SubOptions options;
    options.message_rate = true;
    const auto rate = make_printer(options, false, out, messages);
    REQUIRE(rate);
    CHECK((*rate)->interval() == std::chrono::seconds(1));
    const Message message;
    for (int i = 0; i < 3; ++i) (*rate)->take(message.view());
    (*rate)->tick();
    (*rate)->tick();
    (*rate)->take(message.view());
    (*rate)->tick();
    CHECK(out.view() == "3\n0\n1\n");
    (*rate)->take(message.view());
    (*rate)->finish();
    (*rate)->finish();
    CHECK(out.view() == "3\n0\n1\n1\n");
}

TEST_CASE("printing allocates nothing once the buffer has its size") {
    Message binary = full_message();
    binary.payload = "\xff\x01 not text";
    for (const char* format : {"", "%t %x", "%I %U %t %p", "@Y-@m-@dT@H:@M:@S.@N %p", "%j",
                               "%20t|%-9l|%.2:x|%b|%A%C%D%E%F%P%R%S"}) {
        for (const Message& message : {full_message(), binary}) {
            CAPTURE(format);
            app::SubOptions options;
            options.verbose = true;
            if (*format != 0) options.format = format;
            output::TextBuffer out;
            app::Messages messages("test");
            const auto sink = make_printer(options, false, out, messages);
            const auto round = [&] {
                for (int i = 0; i < 1000; ++i) {
                    (*sink)->take(message.view());
                    out.clear();
                }
            };
            round();
            const std::size_t before = allocations;
            round();
            // A new second may have started between the two, with new texts.
            CHECK(allocations - before <= (*format != 0 ? 20 : 0));
        }
    }
}

TEST_CASE("a field of a payload costs no allocation, an object or array at most one") {
    const Message message{.payload = R"({"a":{"b":"text","c":[1,{"temp":21.5},"x"]},"temp":21.5,"n":null})"};
    const Message other{.payload = R"({"a":{"b":"other","c":[2]},"temp":3,"n":0})"};
    struct Case {
        const char* format;
        const char* field;
        std::size_t most;  // per message
    };
    for (const Case& one : {Case{"%{temp},%8.1{a.c[1].temp},%{a.b},%{none}", "", 0}, Case{"", "temp", 0},
                            Case{"%t %p", "a.c[1].temp", 0}, Case{"", "a.c", 1}, Case{"%{a}", "", 1}}) {
        for (const bool only_changes : {false, true}) {
            CAPTURE(one.format);
            CAPTURE(one.field);
            app::SubOptions options;
            options.skip_invalid = *one.field != 0;
            options.only_changes = only_changes;
            if (*one.format != 0) options.format = one.format;
            if (*one.field != 0) options.field = one.field;
            output::TextBuffer out;
            app::Messages messages("test");
            const auto sink = make_printer(options, false, out, messages);
            const auto round = [&] {
                for (int i = 0; i < 500; ++i) {
                    (*sink)->take(message.view());
                    (*sink)->take(other.view());
                    out.clear();
                }
            };
            round();
            const std::size_t before = allocations;
            round();
            CHECK(allocations - before <= 1000 * one.most);
        }
    }
}

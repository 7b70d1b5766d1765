// Tests of --save's files (apps/sub/file_sink.cpp).
#include "file_sink.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <thread>

#include "message.hpp"
#include "support/temp_dir.hpp"

using namespace mqttc;
using namespace mqttc::sub;
using namespace mqttc::output::test;
using mqttc::test::read_file;
using mqttc::test::TempDir;
namespace fs = std::filesystem;

namespace {

/// A sink with its own directory.
struct Saving {
    TempDir dir;
    app::Messages messages{"test"};
    std::unique_ptr<output::MessageSink> sink;

    explicit Saving(const std::string& name) {
        messages.set_quiet(true);
        auto made = FileSink::make(dir.file(name), messages);
        REQUIRE(made);
        sink = std::move(*made);
        REQUIRE(sink->start());
    }
    bool take(const std::string& topic, const std::string& payload) const {
        return sink->take(Message{.topic = topic, .payload = payload}.view());
    }
    std::string content(const std::string& name) const { return read_file(dir.file(name)); }
    std::size_t files() const {
        std::size_t count = 0;
        for (const auto& entry : fs::recursive_directory_iterator(dir.path()))
            count += entry.is_regular_file();
        return count;
    }
};

std::string wrong(std::string_view text) {
    app::Messages messages("test");
    const auto made = FileSink::make(text, messages);
    return made ? "" : made.error();
}

}  // namespace

TEST_CASE("each message is a file, and the newest of a name replaces the others") {
    const Saving saving("new/folder/%t.txt");
    const std::string bytes("\0\xff\n", 3);
    CHECK(saving.take("a/b", "old"));
    CHECK(saving.take("a/b", "new"));
    CHECK(saving.take("c", bytes));
    CHECK(saving.take("empty", ""));
    CHECK(saving.content("new/folder/a/b.txt") == "new");
    CHECK(saving.content("new/folder/c.txt") == bytes);
    CHECK(saving.files() == 3);
    CHECK(saving.sink->exit_code() == 0);
}

TEST_CASE("a hostile topic stays in the directory") {
    const Saving saving("in/%t");
    CHECK(saving.take("../out", "x"));
    CHECK(saving.take("/etc/passwd", "x"));
    CHECK(saving.take(std::string(65'000, 'l'), "x"));
    CHECK(fs::exists(saving.dir.file("in/%2E./out")));
    CHECK(fs::exists(saving.dir.file("in/%_/etc/passwd")));
    CHECK(saving.files() == 3);
    CHECK(std::distance(fs::directory_iterator(saving.dir.path()), {}) == 1);
    CHECK(saving.sink->exit_code() == 0);
}

TEST_CASE("below the directory symbolic links are not followed, and are replaced as file names") {
    const Saving saving("in/%t");
    fs::create_directory(saving.dir.file("elsewhere"));
    fs::create_directory_symlink(saving.dir.file("elsewhere"), saving.dir.file("in/link"));
    CHECK(saving.take("link/x", "x"));
    CHECK(fs::is_empty(saving.dir.file("elsewhere")));
    CHECK(saving.sink->exit_code() == 68);
    fs::create_symlink(saving.dir.write("victim", "untouched"), saving.dir.file("in/file"));
    CHECK(saving.take("file", "x"));
    CHECK(saving.content("victim") == "untouched");
    CHECK(saving.content("in/file") == "x");
}

TEST_CASE("a name in use by another file leaves out only that message") {
    const Saving saving("%t");
    CHECK(saving.take("a", "1"));
    CHECK(saving.take("a/b", "2"));
    CHECK(saving.take("c/d", "3"));
    CHECK(saving.take("c", "4"));
    CHECK(saving.take("e", "5"));
    CHECK(saving.files() == 3);
    CHECK(saving.content("e") == "5");
    CHECK(saving.sink->exit_code() == 68);
}

TEST_CASE("a FIFO, socket or device is left as it is") {
    const Saving saving("in/%t");
    const std::string fifo = saving.dir.file("in/fifo");
    REQUIRE(mkfifo(fifo.c_str(), 0600) == 0);
    CHECK(saving.take("fifo", "x"));
    CHECK(fs::is_fifo(fifo));
    CHECK(saving.take("fifo.txt", "x"));
    CHECK(saving.files() == 1);
    CHECK(saving.sink->exit_code() == 68);
}

TEST_CASE("a removed directory is created again, and one that is not writable ends the run") {
    const Saving saving("in/%t");
    CHECK(saving.take("a/b", "1"));
    fs::remove_all(saving.dir.file("in/a"));
    CHECK(saving.take("a/b", "2"));
    CHECK(saving.content("in/a/b") == "2");
    fs::remove_all(saving.dir.file("in"));
    CHECK_FALSE(saving.take("a/b", "3"));
    CHECK(saving.sink->exit_code() == 68);
}

TEST_CASE("two file sinks with one process identifier don't write into each other's files") {
    Saving saving("in/%t");
    const auto other = FileSink::make(saving.dir.file("in/%t"), saving.messages);
    REQUIRE(other);
    REQUIRE((*other)->start());
    // As in two containers, where each has a process 1.
    const auto save = [](output::MessageSink& sink, char letter) {
        const std::string payload(200'000, letter);
        bool all = true;
        for (int i = 0; i < 100; ++i)
            all = sink.take(Message{.topic = letter + std::to_string(i), .payload = payload}.view()) && all;
        return all;
    };
    bool saved = false;
    std::thread second([&] { saved = save(**other, 'b'); });
    CHECK(save(*saving.sink, 'a'));
    second.join();
    CHECK(saved);
    CHECK(saving.files() == 200);
    int mixed = 0;
    for (int i = 0; i < 100; ++i) {
        for (const char letter : {'a', 'b'})
            mixed += saving.content("in/" + (letter + std::to_string(i))) != std::string(200'000, letter);
    }
    CHECK(mixed == 0);
    CHECK(saving.sink->exit_code() == 0);
    CHECK((*other)->exit_code() == 0);
}

TEST_CASE("no topic can name the file that is being written") {
    const Saving saving(".%t");
    const std::string name = "mqtt_sub." + std::to_string(getpid()) + ".tmp";
    CHECK(saving.take(name, "kept"));
    CHECK(saving.take("a", "1"));
    CHECK(saving.content("." + name) == "kept");
    CHECK(saving.files() == 2);
}

TEST_CASE("templates that give no name are refused") {
    CHECK(wrong("") == "--save: the file name is missing at the end: write %t");
    CHECK(wrong("dir/") == "--save: the file name is missing at the end: write dir/%t");
    CHECK(wrong("%t/..") == "--save: '.' and '..' are only allowed before the first sequence");
    CHECK(wrong("a%") ==
          "--save: format sequence '%' is incomplete: a literal % is written %%, @ is @@, \\ is \\\\");
    CHECK(wrong("../up/%t") == "");
    CHECK(wrong("%j") == "--save: format sequence '%j' cannot be part of a file name");
}

TEST_CASE("a rendered name that is empty or has '..' is not written") {
    const Saving saving("in/%C");
    CHECK(saving.take("a", "x"));
    const Saving dots("in/.%C");
    CHECK(dots.take("a", "x"));
    CHECK(saving.files() + dots.files() == 0);
    CHECK(saving.sink->exit_code() == 68);
    CHECK(dots.sink->exit_code() == 68);
}

// A table of command lines, each run through Mosquitto's client and ours with the same broker: stdout, exit
// code and what the broker received must be equal, but for the rows that name a wanted difference.
#include <doctest/doctest.h>

#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "drop_in_rows.hpp"
#include "support/port.hpp"
#include "support/process.hpp"
#include "support/real_broker.hpp"
#include "support/temp_dir.hpp"

using namespace mqttc::test;
using namespace std::string_literals;

namespace {

/// What one run of a command line showed.
struct Outcome {
    int exit = -1;
    std::string out;
    std::string received;  ///< "topic qos retain payload-in-hex" lines of an observer
};

/// The broker of the table: one that anybody may use, with some retained messages; and one that wants a
/// password.
class Stage {
  public:
    Stage()
        : open_("allow_anonymous true\nsys_interval 0\nmax_queued_messages 0\n"),
          guarded_("allow_anonymous false\npassword_file " + password_file() + "\n") {
        files_.write("payload", std::string("bytes\0of\nfile", 13));
        files_.write("empty", "");
        files_.write("options", "-h 127.0.0.1\n# a comment\n-q 1\n\n");
        for (const auto& [topic, payload] : retained_messages) {
            REQUIRE(run({mosquitto_pub_path, "-p", port(), "-q", "1", "-r", "-t", topic, "-s"},
                        std::string(payload))
                        .exit == Exit{.code = 0});
        }
        observer_ =
            std::make_unique<Process>(Command{.argv = {mosquitto_sub_path, "-p", port(), "-q", "2", "-t",
                                                       "out/#", "-t", "mark", "-F", "%t %q %r %x"}});
        wait_for_mark();
    }

    Outcome play(const Row& row, bool ours) {
        Command command;
        command.argv.push_back(ours             ? program(row.subscriber ? "mqtt_sub" : "mqtt_pub")
                               : row.subscriber ? mosquitto_sub_path
                                                : mosquitto_pub_path);
        for (const std::string& word : row.words) command.argv.push_back(filled_in(word));
        command.input = row.input;
        command.env = {{"HOME", "/nonexistent"}, {"TZ", "UTC"}};
        command.unset = {"XDG_CONFIG_HOME"};
        const std::size_t before = observer_->out().size();
        Result result = run(std::move(command), std::chrono::seconds(15));
        Outcome outcome{result.exit.timed_out ? -2 : result.exit.code, result.out, {}};
        outcome.received = wait_for_mark().substr(before);
        return outcome;
    }

  private:
    std::string port() const { return std::to_string(open_.port()); }

    std::string password_file() {
        const std::string path = files_.file("passwd");
        REQUIRE(run({mosquitto_passwd_path, "-b", "-c", path, "sondes", "mot2passe"}).exit ==
                Exit{.code = 0});
        REQUIRE(run({"/bin/chmod", "-R", "a+rX", files_.path().string()}).exit == Exit{.code = 0});
        return path;
    }

    /// PORT, GUARDED, CLOSED and FILES in a word of the table.
    std::string filled_in(std::string word) const {
        const std::pair<std::string_view, std::string> values[] = {
            {"{PORT}", port()},
            {"{GUARDED}", std::to_string(guarded_.port())},
            {"{CLOSED}", "1"},
            {"{FILES}", files_.path().string()}};
        for (const auto& [name, value] : values) {
            for (auto at = word.find(name); at != std::string::npos; at = word.find(name)) {
                word.replace(at, name.size(), value);
            }
        }
        return word;
    }

    /// Publishes a numbered mark and waits until the observer has printed it: everything published before is
    /// printed, too. At QoS 2, since at QoS 1 it would overtake a message that waits for its PUBREL. Returns the
    /// observer's output in front of the mark, and forgets the mark.
    std::string wait_for_mark() {
        const std::string number = std::to_string(++marks_);
        std::string hex;
        for (const char digit : number) hex += "3"s + digit;
        const std::string line = "mark 2 0 " + hex + "\n";
        do {
            REQUIRE(run({mosquitto_pub_path, "-p", port(), "-q", "2", "-t", "mark", "-m", number}).exit ==
                    Exit{.code = 0});
        } while (!observer_->wait_out(line, std::chrono::milliseconds(marks_ == 1 ? 300 : 10'000)));
        const std::string all = observer_->out();
        std::string without;
        for (std::size_t at = 0; at < all.size();) {
            const std::size_t end = all.find('\n', at) + 1;
            const std::string_view one = std::string_view(all).substr(at, end - at);
            // Marks are replaced by as many blanks, so that positions stay.
            without += one.starts_with("mark ") ? std::string(one.size(), ' ') : std::string(one);
            at = end;
        }
        return without;
    }

    TempDir files_;
    RealBroker open_;
    RealBroker guarded_;
    std::unique_ptr<Process> observer_;
    int marks_ = 0;
};

std::string trimmed(const std::string& text) {
    const auto first = text.find_first_not_of(' ');
    const auto last = text.find_last_not_of(' ');
    return first == std::string::npos ? std::string() : text.substr(first, last - first + 1);
}

std::string shown(const Row& row) {
    std::string line = row.subscriber ? "sub" : "pub";
    for (const std::string& word : row.words) line += " '" + word + "'";
    return line;
}

}  // namespace

TEST_CASE("command lines do what Mosquitto's clients do") {
    if (!RealBroker::available()) {
        std::puts("skipped: mosquitto is not installed");
        std::exit(77);
    }
    const std::vector<Row> rows = drop_in_rows();
    CHECK(rows.size() >= 150);
    Stage stage;
    std::size_t differences = 0;
    for (const Row& row : rows) {
        const std::string line = shown(row);
        CAPTURE(line);
        const Outcome theirs = stage.play(row, false);
        const Outcome ours = stage.play(row, true);
        if (row.difference.empty()) {
            CHECK(ours.exit == theirs.exit);
            CHECK(ours.out == theirs.out);
            CHECK(trimmed(ours.received) == trimmed(theirs.received));
            continue;
        }
        // A wanted difference: it must be one, and ours must be what the row says.
        ++differences;
        CAPTURE(row.difference);
        CHECK(ours.exit == row.exit);
        if (row.out) CHECK(ours.out == *row.out);
        const bool differs = ours.exit != theirs.exit || ours.out != theirs.out ||
                             trimmed(ours.received) != trimmed(theirs.received);
        CHECK(differs);
    }
    std::printf("%zu command lines compared, %zu of them with a wanted difference\n", rows.size(),
                differences);
}

// A table of command lines, each run through Mosquitto's client and ours with the same broker: stdout, exit
// code and what the broker received must be equal, except where a row names an intended difference.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdio>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "drop_in_names.hpp"
#include "drop_in_rows.hpp"
#include "support/needs.hpp"
#include "support/port.hpp"
#include "support/programs.hpp"
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

/// An open broker with some retained messages, one that requires a password, and an observer of what is published.
class Brokers {
  public:
    Brokers()
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

    struct Outcomes {
        Outcome ours, theirs;
        Outcome by_old_name;  ///< ours, called as theirs
    };
    /// Subscribers run at the same time, unless they have one client identifier.
    Outcomes run_all(const Row& row) {
        const bool at_once = row.subscriber && std::ranges::find(row.words, "-i") == row.words.end();
        const auto start = [&](std::string name) {
            return std::async(at_once ? std::launch::async : std::launch::deferred,
                              [this, &row, name] { return run_one(row, name); });
        };
        auto ours = start(row.subscriber ? "mqtt_sub" : "mqtt_pub");
        auto theirs = start(row.subscriber ? mosquitto_sub_path : mosquitto_pub_path);
        auto by_old_name = start(old_names_.path(row.subscriber ? "mosquitto_sub" : "mosquitto_pub"));
        return {.ours = ours.get(), .theirs = theirs.get(), .by_old_name = by_old_name.get()};
    }

  private:
    Outcome run_one(const Row& row, std::string_view name) {
        Words words;
        for (const std::string& word : row.words) words.push_back(filled_in(word));
        Command command = program_command(name, std::move(words));
        command.input = row.input;
        command.env.emplace_back("TZ", "UTC");
        const std::size_t before = observer_->out().size();
        const Result result = run(std::move(command), std::chrono::seconds(15));
        Outcome outcome{result.exit.timed_out ? -2 : result.exit.code, result.out, {}};
        if (!row.subscriber) outcome.received = wait_for_mark().substr(before);
        return outcome;
    }

    std::string port() const { return std::to_string(open_.port()); }

    std::string password_file() {
        const std::string path = files_.file("passwd");
        REQUIRE(run({mosquitto_passwd_path, "-b", "-c", path, "sondes", "mot2passe"}).exit ==
                Exit{.code = 0});
        REQUIRE(run({"/bin/chmod", "-R", "a+rX", files_.path().string()}).exit == Exit{.code = 0});
        return path;
    }

    /// The word with {PORT}, {GUARDED}, {CLOSED} and {FILES} replaced.
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

    /// Publishes a numbered mark and waits until the observer has printed it: then all earlier messages are printed,
    /// too. At QoS 2, because at QoS 1 it would overtake a message that waits for its PUBREL. Returns the observer's
    /// output with each mark replaced by spaces.
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
            // Positions in the output must not change.
            without += one.starts_with("mark ") ? std::string(one.size(), ' ') : std::string(one);
            at = end;
        }
        return without;
    }

    OldNames old_names_;
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

TEST_CASE("command lines do what Mosquitto's clients do" * needs_mosquitto()) {
    const std::vector<Row> rows = drop_in_rows();
    CHECK(rows.size() >= 150);
    Brokers brokers;
    std::size_t differences = 0;
    for (const Row& row : rows) {
        const std::string line = shown(row);
        CAPTURE(line);
        const auto [ours, theirs, by_old_name] = brokers.run_all(row);
        if (row.by_any_name) {
            CHECK(by_old_name.exit == row.exit);
            CHECK(by_old_name.exit != theirs.exit);
        } else {
            CHECK(by_old_name.exit == theirs.exit);
        }
        if (row.difference.empty()) {
            CHECK(ours.exit == theirs.exit);
            CHECK(ours.out == theirs.out);
            CHECK(trimmed(ours.received) == trimmed(theirs.received));
            continue;
        }
        // An intended difference must exist, and our client must do what the row says.
        ++differences;
        CAPTURE(row.difference);
        CHECK(ours.exit == row.exit);
        if (row.out) CHECK(ours.out == *row.out);
        const bool differs = ours.exit != theirs.exit || ours.out != theirs.out ||
                             trimmed(ours.received) != trimmed(theirs.received);
        CHECK(differs);
    }
    std::printf("%zu command lines compared, %zu of them with an intended difference\n", rows.size(),
                differences);
}

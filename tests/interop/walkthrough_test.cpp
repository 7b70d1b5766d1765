// The commands of the tutorial, wildcards and the largest payloads, with the embedded broker and Debian's Mosquitto.
#include <doctest/doctest.h>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "support/needs.hpp"
#include "support/programs.hpp"
#include "support/pty.hpp"
#include "support/real_broker.hpp"
#include "support/temp_dir.hpp"

using namespace mqttc::test;
using namespace std::string_literals;

namespace {

/// One of the two brokers as a process, with or without a password file.
class AnyBroker {
  public:
    AnyBroker(bool embedded, const std::string& password_file = {}) {
        if (!embedded) {
            real_ = std::make_unique<RealBroker>(
                password_file.empty() ? "allow_anonymous true\nsys_interval 1\n"
                                      : "allow_anonymous false\npassword_file " + password_file + "\n");
            port_ = std::to_string(real_->port());
            return;
        }
        Command command{.argv = {program("mqtt_testbroker"), "-p", "0"}};
        if (!password_file.empty()) {
            command.argv.insert(command.argv.end(), {"--password-file", password_file, "--no-anonymous"});
        }
        embedded_ = std::make_unique<Process>(std::move(command));
        const auto line = embedded_->read_line();
        REQUIRE(line.has_value());
        port_ = line->substr(line->rfind(':') + 1);
    }
    const std::string& port() const { return port_; }

  private:
    std::unique_ptr<RealBroker> real_;
    std::unique_ptr<Process> embedded_;
    std::string port_;
};

/// The command line of a client, ours or Mosquitto's, to that broker.
Command client(const AnyBroker& broker, const std::string& path, const Words& options) {
    return program_command(path, Words{"-h", "localhost", "-p", broker.port()} + options);
}

/// A subscriber that has printed a retained message, so that its subscriptions are active.
std::unique_ptr<Process> subscribed(const AnyBroker& broker, const std::string& path, Words options,
                                    const Words& login = {}) {
    Words announcement{"-t", "test/ready", "-m", "ready", "-r", "-q", "1"};
    announcement.insert(announcement.end(), login.begin(), login.end());
    REQUIRE(run(client(broker, "mqtt_pub", announcement)).exit == ok);
    options.insert(options.end(), {"-t", "test/ready"});
    options.insert(options.end(), login.begin(), login.end());
    auto process = std::make_unique<Process>(client(broker, path, options));
    REQUIRE(process->wait_out("ready\n"));
    return process;
}

/// Runs the body with the embedded broker, then with the real one.
template <class Body>
void with_each_broker(Body body) {
    for (const bool embedded : {true, false}) {
        CAPTURE(embedded);
        body(embedded);
    }
}

struct Pair {
    std::string publisher;
    std::string subscriber;
};

std::vector<Pair> pairs() {
    return {{"mqtt_pub", "mqtt_sub"}, {"mqtt_pub", mosquitto_sub_path}, {mosquitto_pub_path, "mqtt_sub"}};
}

}  // namespace

TEST_CASE("$SYS/broker/version is available" * needs_mosquitto()) {
    with_each_broker([](bool embedded) {
        const AnyBroker broker(embedded);
        const Result result =
            run(client(broker, "mqtt_sub", {"-v", "-t", "$SYS/broker/version", "-C", "1", "-W", "20"}));
        CHECK(result.exit == ok);
        CHECK(result.out.starts_with("$SYS/broker/version mo") != embedded);
        CHECK(result.out.find("version") != std::string::npos);
    });
}

TEST_CASE("Bonjour arrives with each combination of publisher and subscriber" * needs_mosquitto()) {
    with_each_broker([](bool embedded) {
        const AnyBroker broker(embedded);
        for (const Pair& pair : pairs()) {
            for (const char* version : {"mqttv31", "mqttv311", "mqttv5"}) {
                for (const char* qos : {"0", "1", "2"}) {
                    CAPTURE(pair.publisher);
                    CAPTURE(pair.subscriber);
                    const auto sub =
                        subscribed(broker, pair.subscriber,
                                   {"-v", "-q", "2", "-V", version, "-t", "test/val", "-C", "2"});
                    CHECK(run(client(broker, pair.publisher,
                                     {"-t", "test/val", "-m", "Bonjour", "-q", qos, "-V", version}))
                              .exit == ok);
                    CHECK(sub->wait() == ok);
                    CHECK(sub->out() == "test/ready ready\ntest/val Bonjour\n");
                }
            }
        }
    });
}

TEST_CASE("a broker with a password file of mqtt_passwd accepts only its users" * needs_mosquitto()) {
    with_each_broker([](bool embedded) {
        const TempDir dir;
        const std::string passwd = dir.file("passwd");
        PtyProcess typing(Command{.argv = {program("mqtt_passwd"), "-c", passwd, "sondes"}});
        for (int time = 0; time < 2; ++time) {
            REQUIRE(typing.expect("assword"));
            REQUIRE(typing.expect(": "));
            CHECK_FALSE(typing.echo());
            typing.send("mot2passe\n");
        }
        CHECK(typing.wait() == ok);
        CHECK(typing.screen().find("mot2passe") == std::string::npos);
        REQUIRE(::chmod(passwd.c_str(), 0644) == 0);
        REQUIRE(::chmod(dir.path().c_str(), 0755) == 0);

        const AnyBroker broker(embedded, passwd);
        const Words login{"-u", "sondes", "-P", "mot2passe"};
        const auto sub = subscribed(broker, "mqtt_sub",
                                    {"-v", "-t", "maison/+/valeur", "-t", "ctrlled", "-C", "3"}, login);
        for (const auto& [topic, payload] : {std::pair{"ctrlled", "1"}, {"maison/salon/valeur", "7"}}) {
            CHECK(run(client(broker, "mqtt_pub",
                             {"-u", "sondes", "-P", "mot2passe", "-t", topic, "-m", payload}))
                      .exit == ok);
        }
        CHECK(sub->wait() == ok);
        CHECK(sub->out() == "test/ready ready\nctrlled 1\nmaison/salon/valeur 7\n");

        const Result refused = run(client(broker, "mqtt_pub", {"-t", "ctrlled", "-m", "1"}));
        CHECK(refused.exit == Exit{.code = 5});
        CHECK(refused.err.find("not authorized") != std::string::npos);
        CHECK(run(client(broker, "mqtt_pub", {"-u", "sondes", "-P", "autre", "-t", "ctrlled", "-m", "1"}))
                  .exit == Exit{.code = 5});
    });
}

TEST_CASE("wildcards match the right topics only" * needs_mosquitto()) {
    struct Row {
        const char* filter;
        std::vector<const char*> matching;
    };
    const std::vector<const char*> topics{"maison/salon/temp",    "maison/garage/temp",
                                          "maison/salon/hum",     "jardin/temp",
                                          "maison/rdc/salon/hum", "maison",
                                          "été/température",      "家/温度"};
    const std::vector<Row> rows{
        {"maison/+/temp", {"maison/salon/temp", "maison/garage/temp"}},
        {"maison/#",
         {"maison/salon/temp", "maison/garage/temp", "maison/salon/hum", "maison/rdc/salon/hum", "maison"}},
        {"été/+", {"été/température"}},
        {"家/#", {"家/温度"}},
    };
    with_each_broker([&](bool embedded) {
        const AnyBroker broker(embedded);
        for (const Row& row : rows) {
            const auto sub =
                subscribed(broker, "mqtt_sub", {"-N", "-F", "%t\\n%p\\n", "-t", row.filter, "-t", "end"});
            for (const char* topic : topics) {
                CHECK(run(client(broker, "mqtt_pub", {"-q", "1", "-t", topic, "-n"})).exit == ok);
            }
            CHECK(run(client(broker, "mqtt_pub", {"-q", "1", "-t", "end", "-m", "."})).exit == ok);
            REQUIRE(sub->wait_out("end\n"));
            for (const char* topic : topics) {
                bool expected = false;
                for (const char* match : row.matching) expected = expected || std::strcmp(match, topic) == 0;
                CAPTURE(row.filter);
                CAPTURE(topic);
                CHECK((sub->out().find("\n"s + topic + "\n") != std::string::npos) == expected);
            }
        }
    });
}

TEST_CASE("# matches no $SYS topic" * needs_mosquitto()) {
    with_each_broker([](bool embedded) {
        const AnyBroker broker(embedded);
        const Result result = run(client(broker, "mqtt_sub", {"-v", "-t", "#", "-W", "2"}));
        CHECK(result.exit == Exit{.code = 27});
        CHECK(result.out.find("$SYS") == std::string::npos);
    });
}

TEST_CASE("a misplaced wildcard and invalid UTF-8 are reported before connecting") {
    const auto refused = [](const char* name, const Words& options) {
        Command command{.argv = {program(name), "-p", "1"}};
        command.argv.insert(command.argv.end(), options.begin(), options.end());
        const Result result = run(std::move(command));
        CHECK(result.exit == Exit{.code = 1});
        CHECK(result.out.empty());
        return result.err;
    };
    CHECK(refused("mqtt_sub", {"-t", "maison/+temp"}).find("maison/+/temp") != std::string::npos);
    CHECK(refused("mqtt_sub", {"-t", "maison/\xff"}).find("UTF-8") != std::string::npos);
    CHECK(refused("mqtt_pub", {"-m", "x", "-t", "maison/\xe9t\xe9"}).find("UTF-8") != std::string::npos);
}

TEST_CASE("empty payloads and the largest possible ones are delivered unchanged at each QoS" *
          needs_mosquitto()) {
    const TempDir dir;
    const std::string sent = dir.file("sent");
    const std::string topic = "big";
#ifdef MQTTC_SANITIZED  // sanitizers need minutes for the largest one; this is longer than any buffer
    const std::size_t size = std::size_t{32} << 20;
#else
    // The remaining length without the topic (with two bytes for its length) and the packet identifier.
    const std::size_t size = 268'435'455 - 2 - topic.size() - 2;
#endif
    {
        std::string block(std::size_t{1} << 20, '\0');
        std::uint32_t state = 1;
        for (char& byte : block) byte = static_cast<char>((state = state * 1664525 + 1013904223) >> 24);
        std::FILE* file = std::fopen(sent.c_str(), "wb");
        REQUIRE(file != nullptr);
        for (std::size_t left = size; left > 0;) {
            const std::size_t part = std::min(left, block.size());
            block[0] = static_cast<char>(left >> 20);
            REQUIRE(std::fwrite(block.data(), 1, part, file) == part);
            left -= part;
        }
        REQUIRE(std::fclose(file) == 0);
    }
    with_each_broker([&](bool embedded) {
        const AnyBroker broker(embedded);
        for (const char* qos : {"0", "1", "2"}) {
            const std::string got = dir.file("got");
            Command command =
                client(broker, "mqtt_sub", {"-N", "-q", qos, "-t", topic, "-t", "test/ready", "-C", "3"});
            command.stdout_file = got;
            REQUIRE(
                run(client(broker, "mqtt_pub", {"-t", "test/ready", "-m", "ready", "-r", "-q", "1"})).exit ==
                ok);
            command.argv.push_back("-d");
            Process sub(std::move(command));
            REQUIRE(sub.wait_err("received PUBLISH"));
            CHECK(run(client(broker, "mqtt_pub", {"-t", topic, "-q", qos, "-n"})).exit == ok);
            const Result published = run(client(broker, "mqtt_pub", {"-t", topic, "-q", qos, "-f", sent}),
                                         std::chrono::minutes(2));
            CHECK(published.exit == ok);
            CHECK(published.err.empty());
            CHECK(sub.wait(std::chrono::minutes(2)) == ok);
            CHECK(run({"/usr/bin/cmp", "--ignore-initial=5:0", got, sent}).exit == ok);
            struct stat info{};
            REQUIRE(::stat(got.c_str(), &info) == 0);
            CHECK(static_cast<std::size_t>(info.st_size) == size + 5);
        }
    });
}

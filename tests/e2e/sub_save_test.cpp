// mqtt_sub --save: one file per message.
#include <doctest/doctest.h>
#include <sys/stat.h>

#include <filesystem>
#include <string>

#include "sub_program.hpp"
#include "support/needs.hpp"
#include "support/real_broker.hpp"
#include "support/temp_dir.hpp"

using namespace mqttc;
using namespace mqttc::test;
using mqttc::broker::BrokerThread;
namespace fs = std::filesystem;

TEST_CASE("--save writes each message to the file that its template names, and prints nothing") {
    BrokerThread broker;
    const TempDir dir;
    Subscribed sub(broker, {"-t", "#", "-C", "3", "--save", dir.file("%t/%q.txt")});
    broker.publish("a", "one");
    broker.publish("a/b", std::string("\0\n", 2));
    broker.publish("../up", "three");
    CHECK(sub.process.wait() == ok);
    CHECK(sub.process.out().empty());
    CHECK(sub.process.err().empty());
    CHECK(read_file(dir.path() / "a/0.txt") == "one");
    CHECK(read_file(dir.path() / "a/b/0.txt") == std::string("\0\n", 2));
    CHECK(read_file(dir.path() / "%2E./up/0.txt") == "three");
}

TEST_CASE("a message that cannot be saved ends the program with 68 and is not acknowledged") {
    for (const char* qos : {"1", "2"}) {
        BrokerThread broker;
        const TempDir dir;
        // Each write fails, as on a full disk.
        Command command =
            subscriber(broker, {"-t", "a", "-q", qos, "-c", "-i", "saver", "--save", dir.file("%t")});
        command.argv.insert(command.argv.begin(),
                            {"/bin/sh", "-c", "trap '' XFSZ; ulimit -f 0; exec \"$@\"", "sh"});
        Process full(command);
        REQUIRE(wait_for_subscriptions(broker));
        broker.publish("a", "kept", static_cast<Qos>(*qos - '0'));
        CHECK(full.wait() == Exit{.code = 68});
        CHECK(full.err() == "mqtt_sub: cannot save a message to '" + dir.file("a") + "': file too large\n");
        CHECK(fs::is_empty(dir.path()));

        Process again(subscriber(
            broker, {"-t", "a", "-q", qos, "-c", "-i", "saver", "-C", "1", "--save", dir.file("%t")}));
        CHECK(again.wait() == ok);
        CHECK(read_file(dir.path() / "a") == "kept");
    }
}

TEST_CASE("--save does not replace a FIFO: the message is reported, and the next ones are saved") {
    BrokerThread broker;
    const TempDir dir;
    REQUIRE(mkfifo(dir.file("pipe").c_str(), 0600) == 0);
    Subscribed sub(broker, {"-t", "#", "-C", "2", "--save", dir.file("%t")});
    broker.publish("pipe", "lost");
    broker.publish("file", "saved");
    CHECK(sub.process.wait() == Exit{.code = 68});
    CHECK(sub.process.err() == "mqtt_sub: a message on topic 'pipe' is not saved: '" + dir.file("pipe") +
                                   "': a device, FIFO or socket has that name\n");
    CHECK(fs::is_fifo(dir.file("pipe")));
    CHECK(read_file(dir.path() / "file") == "saved");
}

TEST_CASE("a message that would have no file name is reported as the directory that it names") {
    BrokerThread broker;
    const TempDir dir;
    Subscribed sub(broker, {"-V", "5", "-t", "a", "-C", "1", "--save", dir.file("%C")});
    broker.publish("a", "lost");
    CHECK(sub.process.wait() == Exit{.code = 68});
    CHECK(sub.process.err() ==
          "mqtt_sub: a message on topic 'a' is not saved: '" + dir.file("") + "': is a directory\n");
}

TEST_CASE("a directory that cannot be created is reported before connecting") {
    const TempDir dir;
    const std::string file = dir.write("file", "");
    const Result result =
        run({program("mqtt_sub"), "-t", "a", "--save", file + "/below/%t", "-h", "no-such-host.invalid"});
    CHECK(result.exit == Exit{.code = 68});
    CHECK(result.err == "mqtt_sub: cannot create the directory '" + file + "/below': not a directory\n");
}

TEST_CASE("--save with messages from Mosquitto" * needs_mosquitto()) {
    const RealBroker broker;
    const TempDir dir;
    const std::string port = std::to_string(broker.port());
    for (const char* topic : {"x/1", "x/2", "x//.."}) {
        const Result sent = run({mosquitto_pub_path, "-p", port, "-t", topic, "-r", "-m", topic});
        REQUIRE(sent.exit == ok);
    }
    const Result result = run({program("mqtt_sub"), "-h", "127.0.0.1", "-p", port, "-V", "5", "-t", "x/#",
                               "-C", "3", "--save", dir.file("%t.txt")});
    CHECK(result.exit == ok);
    CHECK(read_file(dir.path() / "x/1.txt") == "x/1");
    CHECK(read_file(dir.path() / "x/2.txt") == "x/2");
    CHECK(read_file(dir.path() / "x/%_/%2E..txt") == "x//..");
}

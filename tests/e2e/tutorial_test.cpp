// A tutorial with a mosquitto.conf, where mqtt_testbroker replaces Mosquitto. Instead of port 1883 the listeners are
// "0 127.0.0.1": the system chooses the port.
#include <doctest/doctest.h>

#include <csignal>
#include <filesystem>

#include "pub_program.hpp"
#include "support/certificates.hpp"
#include "support/temp_dir.hpp"

using namespace mqttc;
using namespace mqttc::test;

namespace {

/// A running mqtt_testbroker and its listeners, in the order of the file.
struct Configured {
    explicit Configured(const std::string& file, const Words& more = {}) : process(command(file, more)) {
        const std::string prefix = "mqtt_testbroker: listening on ";
        while (const auto line = process.read_line()) {
            if (!line->starts_with(prefix)) {
                CHECK(*line == "mqtt_testbroker: for tests only, not for production");
                return;
            }
            names.push_back(line->substr(prefix.size()));
        }
        FAIL("mqtt_testbroker: " << process.err());
    }
    static Command command(const std::string& file, const Words& more) {
        Command command{.argv = {program("mqtt_testbroker"), "-c", file}};
        command.argv.insert(command.argv.end(), more.begin(), more.end());
        return command;
    }
    std::uint16_t port(std::size_t which = 0) const {
        REQUIRE(which < names.size());
        return static_cast<std::uint16_t>(std::stoi(names[which].substr(names[which].rfind(':') + 1)));
    }
    void stop() {
        process.send_signal(SIGTERM);
        CHECK(process.wait() == Exit{.code = 0});
    }

    Process process;
    std::vector<std::string> names;
};

Command subscriber(std::uint16_t port, const Words& more) {
    return client("mqtt_sub", port, more);
}

void publish_and_receive(std::uint16_t port, const Words& options) {
    Words subscribe = {"-t", "maison/#", "-q", "1", "-C", "1", "-d"};
    subscribe.insert(subscribe.end(), options.begin(), options.end());
    Process receiver(subscriber(port, subscribe));
    REQUIRE(receiver.wait_err("SUBACK"));
    Words publish = {"-t", "maison/salon", "-m", "21", "-q", "1"};
    publish.insert(publish.end(), options.begin(), options.end());
    publish_ok(port, publish);
    CHECK(receiver.wait() == Exit{.code = 0});
    CHECK(receiver.out() == "21\n");
}

constexpr int refused = 5;  // CONNACK "not authorised", as the exit code

}  // namespace

TEST_CASE("only the users in a password file of mqtt_passwd can connect") {
    const TempDir dir;
    const auto users = dir.file("passwd");
    REQUIRE(run({program("mqtt_passwd"), "-c", "-I", "1000", "-b", users, "anna", "secret"}).exit ==
            Exit{.code = 0});
    Configured broker(dir.write("mosquitto.conf",
                                "# a tutorial\n"
                                "listener 0 127.0.0.1\n"
                                "allow_anonymous false\n"
                                "connection_messages true\n"
                                "password_file " +
                                    users + "\n"));
    CHECK(broker.process.wait_err("note: " + dir.file("mosquitto.conf") +
                                  ":4: connection_messages has no effect here\n"));
    publish_and_receive(broker.port(), {"-u", "anna", "-P", "secret"});
    const Words hello = {"-t", "a", "-m", "x"};
    CHECK(publish(broker.port(), hello).exit.code == refused);
    CHECK(publish(broker.port(), {"-t", "a", "-m", "x", "-u", "anna", "-P", "guessed"}).exit.code == refused);
    CHECK(publish(broker.port(), {"-t", "a", "-m", "x", "-u", "berta", "-P", "secret"}).exit.code == refused);
    broker.stop();
}

TEST_CASE("TCP, TLS, WebSocket, pre-shared keys and a unix socket in one configuration") {
    const Certificates certificates;
    const auto server = certificates.issue("server");
    const auto client = certificates.issue("client");
    const auto& dir = certificates.dir();
    dir.write("keys", "anna:0123456789abcdef\n");
    const auto tls = "cafile " + certificates.ca_file() + "\ncertfile " + server.certificate + "\nkeyfile " +
                     server.key + "\n";
    const auto socket = dir.file("mqtt.sock");
    Configured broker(dir.write("mosquitto.conf",
                                "listener 0 127.0.0.1\n"
                                "listener 0 127.0.0.1\n" +
                                    tls + "listener 0 127.0.0.1\n" + tls +
                                    "require_certificate true\n"
                                    "listener 0 127.0.0.1\nprotocol websockets\n"
                                    "listener 0 127.0.0.1\nprotocol websockets\n" +
                                    tls +
                                    "listener 0 127.0.0.1\npsk_hint home\n"
                                    "listener 0 " +
                                    socket +
                                    "\n"
                                    "psk_file " +
                                    dir.file("keys") +
                                    "\n"
                                    "allow_anonymous true\n"));
    REQUIRE(broker.names.size() == 7);
    const Words trusting = {"--cafile", certificates.ca_file()};
    const Words shown = {"--cafile", certificates.ca_file(), "--cert", client.certificate, "--key",
                         client.key};
    publish_and_receive(broker.port(0), {});
    publish_and_receive(broker.port(1), trusting);
    publish_and_receive(broker.port(2), shown);
    publish_and_receive(broker.port(3), {"--ws"});
    publish_and_receive(broker.port(4), {"--ws", "--cafile", certificates.ca_file()});
    publish_and_receive(broker.port(5), {"--psk", "0123456789abcdef", "--psk-identity", "anna"});
    CHECK(broker.names[6] == socket);
    CHECK(run(pub_command({"--unix", socket, "-t", "a", "-m", "x"})).exit == Exit{.code = 0});
    CHECK(publish(broker.port(2), {"-t", "a", "-m", "x", "--cafile", certificates.ca_file()}).exit.code != 0);
    CHECK(publish(broker.port(1), {"-t", "a", "-m", "x"}).exit.code != 0);
    broker.stop();
    CHECK_FALSE(std::filesystem::exists(socket));
}

TEST_CASE("after SIGHUP new connections use the new users, keys and certificates") {
    const Certificates certificates;
    const auto& dir = certificates.dir();
    const auto server = certificates.issue("server");
    const auto users = dir.file("passwd");
    const auto keys = dir.write("keys", "anna:0123456789abcdef\n");
    const auto log = dir.file("mosquitto.log");
    const auto set_password = [&](const char* name) {
        REQUIRE(run({program("mqtt_passwd"), "-I", "1000", "-b", users, name, "secret"}).exit ==
                Exit{.code = 0});
    };
    REQUIRE(run({program("mqtt_passwd"), "-c", "-I", "1000", "-b", users, "anna", "secret"}).exit ==
            Exit{.code = 0});
    const auto text = "listener 0 127.0.0.1\nlistener 0 127.0.0.1\ncertfile " + server.certificate +
                      "\nkeyfile " + server.key + "\nlistener 0 127.0.0.1\npsk_hint home\npsk_file " + keys +
                      "\npassword_file " + users + "\nlog_dest file " + log + "\nlog_dest stderr\n";
    const auto conf = dir.write("mosquitto.conf", text);
    Configured broker(conf);
    const auto done = "mqtt_testbroker: reloaded " + conf + "\n";
    const auto reload = [&] {
        std::filesystem::remove(log);
        const auto before = broker.process.err().size();
        broker.process.send_signal(SIGHUP);
        CHECK(broker.process.wait_until([&](const std::string&, const std::string& err) {
            return err.find(done, before) != std::string::npos;
        }));
        CHECK(read_file(log).starts_with(done));
    };
    const Words anna = {"-u", "anna", "-P", "secret"};
    const Words berta = {"-t", "a", "-m", "x", "-u", "berta", "-P", "secret"};
    const auto with = [](Words words, const Words& more) {
        words.insert(words.end(), more.begin(), more.end());
        return words;
    };
    const auto trusting = with(berta, {"--cafile", certificates.ca_file()});
    const auto second_key = with(berta, {"--psk-identity", "berta", "--psk", "00112233"});

    Process connected(subscriber(broker.port(), with(anna, {"-t", "stay", "-C", "1", "-d"})));
    REQUIRE(connected.wait_err("SUBACK"));
    CHECK(publish(broker.port(0), berta).exit.code == refused);
    CHECK(publish(broker.port(2), second_key).exit.code != 0);
    set_password("berta");
    dir.write("keys", "berta:00112233\n");
    CHECK(publish(broker.port(0), berta).exit.code == refused);
    reload();
    CHECK(publish(broker.port(0), berta).exit.code == 0);
    CHECK(publish(broker.port(1), trusting).exit.code == 0);
    CHECK(publish(broker.port(2), second_key).exit.code == 0);

    // The certificate is replaced by an expired one, which is read after SIGHUP.
    (void)certificates.issue("server", {.valid_until = -1});
    CHECK(publish(broker.port(1), trusting).exit.code == 0);
    reload();
    CHECK(publish(broker.port(1), trusting).exit.code == 62);

    // After an error in a file no listener has changed.
    dir.write("passwd", "");
    dir.write("keys", "no key\n");
    broker.process.send_signal(SIGHUP);
    CHECK(broker.process.wait_err("not reloaded: " + keys + ": a line is not 'identity:hexkey'\n"));
    CHECK(publish(broker.port(0), berta).exit.code == 0);
    dir.write("mosquitto.conf", text + "frobnicate 1\n");
    broker.process.send_signal(SIGHUP);
    CHECK(broker.process.wait_err("not reloaded: " + conf + ":11: unknown directive 'frobnicate'\n"));
    dir.write("mosquitto.conf", text + "listener 0 127.0.0.1\n");
    broker.process.send_signal(SIGHUP);
    CHECK(broker.process.wait_err("not reloaded: the listeners have changed"));
    CHECK(publish(broker.port(0), berta).exit.code == 0);

    // Existing connections continue.
    publish_ok(broker.port(0), with(anna, {"-t", "stay", "-m", "still here"}));
    CHECK(connected.wait() == Exit{.code = 0});
    CHECK(connected.out() == "still here\n");
    broker.stop();
}

TEST_CASE("a client certificate or a pre-shared key can replace user name and password") {
    const Certificates certificates;
    const auto server = certificates.issue("server");
    const auto client = certificates.issue("client", {.common_name = "anna"});
    const auto& dir = certificates.dir();
    const auto listener = "listener 0 127.0.0.1\ncafile " + certificates.ca_file() + "\ncertfile " +
                          server.certificate + "\nkeyfile " + server.key + "\nrequire_certificate true\n";
    Configured broker(dir.write("mosquitto.conf", "allow_anonymous false\n" + listener +
                                                      "use_identity_as_username true\n" + listener +
                                                      "use_subject_as_username true\n" + listener +
                                                      "listener 0 127.0.0.1\npsk_hint home\n"
                                                      "use_identity_as_username true\npsk_file " +
                                                      dir.write("keys", "anna:0123\n") + "\n"));
    const Words shown = {"--cafile", certificates.ca_file(), "--cert", client.certificate, "--key",
                         client.key};
    publish_and_receive(broker.port(0), shown);
    publish_and_receive(broker.port(1), shown);
    Words anonymous = {"-t", "a", "-m", "x"};
    anonymous.insert(anonymous.end(), shown.begin(), shown.end());
    CHECK(publish(broker.port(2), anonymous).exit.code == refused);
    publish_and_receive(broker.port(3), {"--psk", "0123", "--psk-identity", "anna"});

    const auto nameless = certificates.issue("nameless", {.common_name = ""});
    const auto no_name = publish(broker.port(0), {"-t", "a", "-m", "x", "--cafile", certificates.ca_file(),
                                                  "--cert", nameless.certificate, "--key", nameless.key});
    CHECK(no_name.exit.code == 62);
    broker.stop();
}

TEST_CASE("log file, pid file and include_dir") {
    const TempDir dir;
    std::filesystem::create_directory(dir.path() / "conf.d");
    dir.write("conf.d/anonymous.conf", "allow_anonymous true\n");
    const auto log = dir.file("mosquitto.log");
    const auto pid = dir.file("mosquitto.pid");
    Configured broker(dir.write("mosquitto.conf", "listener 0 127.0.0.1\nlog_dest file " + log +
                                                      "\npid_file " + pid + "\ninclude_dir " +
                                                      dir.file("conf.d") + "\n"));
    CHECK(read_file(pid) == std::to_string(broker.process.pid()) + "\n");
    publish_ok(broker.port(), {"-t", "maison/salon", "-m", "21", "-q", "1"});
    CHECK(read_file(log).find("PUBLISH maison/salon, QoS 1") != std::string::npos);
    broker.stop();
    CHECK_FALSE(std::filesystem::exists(pid));
    CHECK(broker.process.err().empty());
}

TEST_CASE("with per_listener_settings each listener has its own users") {
    const TempDir dir;
    const auto users = dir.file("passwd");
    REQUIRE(run({program("mqtt_passwd"), "-c", "-I", "1000", "-b", users, "anna", "secret"}).exit ==
            Exit{.code = 0});
    Configured broker(dir.write("mosquitto.conf",
                                "per_listener_settings true\n"
                                "listener 0 127.0.0.1\nallow_anonymous true\n"
                                "listener 0 127.0.0.1\npassword_file " +
                                    users + "\n"));
    publish_and_receive(broker.port(0), {});
    publish_and_receive(broker.port(1), {"-u", "anna", "-P", "secret"});
    CHECK(publish(broker.port(1), {"-t", "a", "-m", "x"}).exit.code == refused);
    broker.stop();
}

TEST_CASE("an error in a mosquitto.conf is one line on stderr") {
    const TempDir dir;
    const auto error_of = [&](const std::string& text) {
        const auto result = run({program("mqtt_testbroker"), "-c", dir.write("it.conf", text)});
        CHECK(result.exit == Exit{.code = 1});
        CHECK(result.out.empty());
        return result.err;
    };
    const auto head = "mqtt_testbroker: " + dir.file("it.conf");
    CHECK(error_of("listener 0 127.0.0.1\nfrobnicate 1\n") == head + ":2: unknown directive 'frobnicate'\n");
    CHECK(error_of("listener 0 127.0.0.1\npassword_file /none/such\n") ==
          "mqtt_testbroker: cannot read the password file /none/such: No such file or directory\n");
    CHECK(error_of("listener 0 127.0.0.1\ncafile /none\ncertfile /none\nkeyfile /none\n") ==
          "mqtt_testbroker: cannot read /none: No such file or directory\n");
    CHECK(error_of("listener 0 127.0.0.1\ncertfile /none\nkeyfile /none\n") ==
          "mqtt_testbroker: cannot use the certificate /none: No such file or directory\n");
    CHECK(error_of("listener 0 127.0.0.1\npsk_hint h\npsk_file /none\n") ==
          "mqtt_testbroker: cannot read /none: No such file or directory\n");
    CHECK(error_of("listener 0 127.0.0.1\nlog_dest file /none/such\n") ==
          "mqtt_testbroker: cannot open the log file /none/such: No such file or directory\n");
    CHECK(error_of("listener 0 127.0.0.1\npid_file /none/such\n") ==
          "mqtt_testbroker: cannot write the pid file /none/such: No such file or directory\n");
    const auto both = run({program("mqtt_testbroker"), "-c", dir.file("it.conf"), "-p", "0"});
    CHECK(both.exit == Exit{.code = 1});
    CHECK(both.err == "mqtt_testbroker: -c can be combined with -v only; see --help\n");
}

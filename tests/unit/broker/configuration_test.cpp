// The parser of mosquitto.conf: the meaning of directives, and error messages.
#include <doctest/doctest.h>

#include "configuration.hpp"
#include "support/temp_dir.hpp"

using namespace mqttc;
using namespace mqttc::broker;
using test::TempDir;

namespace {

Configuration good(std::string_view text) {
    auto read = parse_configuration(text, "it.conf");
    REQUIRE_MESSAGE(read.has_value(), (read ? std::string() : read.error().context));
    return std::move(*read);
}

std::string wrong(std::string_view text) {
    const auto read = parse_configuration(text, "it.conf");
    return read ? "accepted" : read.error().context;
}

}  // namespace

TEST_CASE("without a listener only this machine may connect, anonymously") {
    const auto all = good("# nothing\n\n   \n");
    CHECK(all.local_only);
    REQUIRE(all.listeners.size() == 1);
    CHECK(all.listeners[0].port == 1883);
    CHECK(all.listeners[0].access.allow_anonymous);
    CHECK_FALSE(good("allow_anonymous false\n").listeners[0].access.allow_anonymous);
}

TEST_CASE("with a listener anonymous clients are refused unless allowed") {
    for (const char* text : {"listener 1884", "port 1884\n", "  listener\t1884 \r\n"}) {
        CAPTURE(text);
        const auto all = good(text);
        CHECK_FALSE(all.local_only);
        REQUIRE(all.listeners.size() == 1);
        CHECK(all.listeners[0].port == 1884);
        CHECK(all.listeners[0].host == "");
        CHECK_FALSE(all.listeners[0].access.allow_anonymous);
    }
    CHECK(good("listener 1\nallow_anonymous true\n").listeners[0].access.allow_anonymous);
    CHECK_FALSE(good("bind_address localhost\n").local_only);
}

TEST_CASE("directives after a listener line apply to that listener") {
    const auto all = good(
        "listener 1883 127.0.0.1\n"
        "listener 0 /run/with space/mqtt.sock\n"
        "listener 8883 ::1 # taken for a comment, as Mosquitto does\n"
        "cafile /ca\ncertfile /cert\nkeyfile /key\nrequire_certificate true\ntls_version tlsv1.3\n"
        "listener 9001\nprotocol websockets\nsocket_domain ipv4\n"
        "listener 8884\npsk_hint home\n"
        "psk_file /keys\npassword_file /users\n");
    REQUIRE(all.listeners.size() == 5);
    CHECK(all.listeners[0].host == "127.0.0.1");
    CHECK(all.listeners[0].where == "it.conf:1");
    CHECK_FALSE(all.listeners[0].uses_tls());
    CHECK(all.listeners[1].unix_path == "/run/with space/mqtt.sock");
    const auto& tls = all.listeners[2];
    CHECK(tls.host == "::1");
    CHECK(tls.tls.ca_file == "/ca");
    CHECK(tls.tls.cert_file == "/cert");
    CHECK(tls.tls.key_file == "/key");
    CHECK(tls.tls.require_certificate);
    CHECK(tls.tls.minimum == TlsVersion::v1_3);
    CHECK(tls.tls.psk_file == "");
    CHECK(all.listeners[3].websockets);
    CHECK(all.listeners[3].domain == ConfiguredListener::Domain::ipv4);
    CHECK_FALSE(all.listeners[3].uses_tls());
    CHECK(all.listeners[4].tls.psk_hint == "home");
    CHECK(all.listeners[4].tls.psk_file == "/keys");
    for (const auto& listener : all.listeners) CHECK(listener.access.password_file == "/users");
}

TEST_CASE("a comment after a number, a word or a port is ignored, as by Mosquitto") {
    const auto all = good(
        "port 1883      # added\nallow_anonymous true # was: false\n"
        "listener 9001 # added\nprotocol websockets # added\nlistener 9002#\nsys_interval 3 seconds\n");
    REQUIRE(all.listeners.size() == 3);
    CHECK(all.listeners[0].port == 1883);
    CHECK(all.listeners[0].access.allow_anonymous);
    CHECK(all.listeners[1].port == 9001);
    CHECK(all.listeners[1].host == "");
    CHECK(all.listeners[1].websockets);
    CHECK(all.listeners[2].port == 9002);
    CHECK(all.bounds.sys_interval == std::chrono::seconds(3));
    CHECK(all.notes == std::vector<std::string>{"it.conf:6: 'seconds' after the value has no effect"});
}

TEST_CASE("a comment after the name of a file is a part of the name, which is reported") {
    const auto all = good("port 1\npassword_file /users # of the house\n");
    CHECK(all.listeners[0].access.password_file == "/users # of the house");
    CHECK(all.notes == std::vector<std::string>{"it.conf:2: '/users # of the house' is one value (a comment "
                                                "needs a line of its own)"});
    CHECK(wrong("include_dir /none # more files\n") ==
          "it.conf:1: include_dir '/none # more files': No such file or directory (a comment needs a line of "
          "its own)");
    CHECK(wrong("listener localhost\n") ==
          "it.conf:1: listener 'localhost': not a number from 0 to 65535 (write listener 1883 ADDRESS)");
}

TEST_CASE("port and listener lines can be combined") {
    const auto all = good("port 1\nlistener 2\nprotocol websockets\n");
    REQUIRE(all.listeners.size() == 2);
    CHECK(all.listeners[0].port == 1);
    CHECK_FALSE(all.listeners[0].websockets);
    CHECK(all.listeners[1].port == 2);
}

TEST_CASE("with per_listener_settings each listener has its own users") {
    const auto all = good(
        "per_listener_settings true\n"
        "listener 1\nallow_anonymous true\n"
        "listener 2\npassword_file /users\n");
    CHECK(all.listeners[0].access.allow_anonymous);
    CHECK(all.listeners[0].access.password_file == "");
    CHECK_FALSE(all.listeners[1].access.allow_anonymous);
    CHECK(all.listeners[1].access.password_file == "/users");
}

TEST_CASE("log, pid file and limits") {
    const auto all = good(
        "pid_file /run/p\nlog_dest file /tmp/a log\nlog_dest stdout\nlog_dest none\nsys_interval 2\n"
        "max_queued_messages 7\nmax_inflight_messages 3\nmax_packet_size 2000\nretain_available false\n");
    CHECK(all.pid_file == "/run/p");
    REQUIRE(all.log.size() == 3);
    CHECK(all.log[0].path == "/tmp/a log");
    CHECK(all.log[1].kind == LogDestination::Kind::out);
    CHECK(all.bounds.sys_interval == std::chrono::seconds(2));
    CHECK(all.bounds.queued_messages == 7);
    CHECK(all.bounds.in_flight == 3);
    CHECK(all.limits.maximum_packet_size == 2000);
    CHECK_FALSE(all.limits.retain_available);
    CHECK(good("max_queued_messages 0\n").bounds.queued_messages == Bounds().queued_messages);
}

TEST_CASE("directives without effect are reported with their place") {
    const auto all = good("connection_messages true\n\npersistence true\nlog_dest syslog\n");
    REQUIRE(all.notes.size() == 3);
    CHECK(all.notes[0] == "it.conf:1: connection_messages has no effect here");
    CHECK(all.notes[1] == "it.conf:3: persistence has no effect here");
    CHECK(all.notes[2] == "it.conf:4: log_dest syslog is stderr here");
}

TEST_CASE("errors are reported with file and line") {
    const struct {
        std::string_view text, message;
    } table[] = {
        {"\nfoo bar\n", "it.conf:2: unknown directive 'foo'"},
        {"acl_file /x\n", "it.conf:1: unknown directive 'acl_file'"},
        {"Listener 1\n", "it.conf:1: unknown directive 'Listener'"},
        {"listener", "it.conf:1: listener needs a value"},
        {"password_file  \n", "it.conf:1: password_file needs a value"},
        {"listener 70000\n", "it.conf:1: listener '70000': not a number from 0 to 65535"},
        {"listener x\n",
         "it.conf:1: listener 'x': not a number from 0 to 65535 (write listener 1883 ADDRESS)"},
        {"port 18x83\n", "it.conf:1: port '18x83': not a number from 0 to 65535"},
        {"port -1\n", "it.conf:1: port '-1': not a number from 0 to 65535"},
        {"listener 0\n", "it.conf:1: listener 0 needs the path of a unix socket"},
        {"listener 1883 /run/x\n", "it.conf:1: listener: a unix socket has the port 0"},
        {"protocol http\n", "it.conf:1: protocol 'http': write mqtt or websockets"},
        {"allow_anonymous yes\n", "it.conf:1: allow_anonymous 'yes': write true or false"},
        {"socket_domain ipv5\n", "it.conf:1: socket_domain 'ipv5': write ipv4 or ipv6"},
        {"tls_version tlsv1.1\n", "it.conf:1: tls_version 'tlsv1.1': write tlsv1.2 or tlsv1.3"},
        {"log_dest file\n", "it.conf:1: log_dest file needs a path"},
        {"log_dest printer\n", "it.conf:1: log_dest 'printer': write stdout, stderr, file PATH or none"},
        {"max_packet_size 3\n", "it.conf:1: max_packet_size '3': the smallest is 20"},
        {"allow_anonymous true\nper_listener_settings true\n",
         "it.conf:2: per_listener_settings must precede the other security settings"},
        {"\nlistener 1\ncertfile /c\n", "it.conf:2: this listener has a certfile, but no keyfile"},
        {"keyfile /c\n", "the default listener has a keyfile, but no certfile"},
        {"listener 1\ncafile /c\n", "it.conf:1: this listener has a cafile, but no certfile"},
        {"listener 1\nrequire_certificate true\n",
         "it.conf:1: this listener has a require_certificate, but no cafile"},
        {"listener 1\npsk_hint h\n", "it.conf:1: this listener has a psk_hint, but no psk_file"},
        {"listener 1\nuse_identity_as_username true\n",
         "it.conf:1: this listener has a user name from TLS, but no require_certificate or psk_hint"},
        {"\x1b[31m x\n", "it.conf:1: unknown directive '?[31m'"},
        {std::string_view("port 1\0\n", 8), "it.conf:1: a NUL byte"},
    };
    for (const auto& row : table) CHECK(wrong(row.text) == row.message);
    std::string many;
    for (std::size_t i = 0; i <= max_configured_listeners; ++i) many += "listener 1\n";
    CHECK(wrong(many) == "it.conf:101: too many listeners");
    CHECK(wrong(std::string(max_configuration_bytes + 1, '\n')).starts_with("it.conf: longer than"));
}

TEST_CASE("include_dir reads the .conf files of a directory in Mosquitto's order") {
    const TempDir dir;
    for (const char* name : {"b.conf", "A.conf", "01.conf", "a.conf", "B.conf", "00.conf"})
        dir.write(name, std::string("log_dest file ") + name + "\n");
    dir.write("c.conf.bak", "nonsense\n");
    const auto all = good("include_dir " + dir.path().string() + "\n");
    std::string order;
    for (const auto& log : all.log) order += log.path + " ";
    CHECK(order == "00.conf 01.conf A.conf a.conf B.conf b.conf ");

    dir.write("c.conf", "port 1\nnonsense\n");
    CHECK(wrong("include_dir " + dir.path().string()) ==
          dir.file("c.conf") + ":2: unknown directive 'nonsense'");
    dir.write("c.conf", "include_dir /\n");
    CHECK(wrong("include_dir " + dir.path().string()) ==
          dir.file("c.conf") + ":1: include_dir is allowed in the main file only");
    CHECK(wrong("include_dir " + dir.file("none")) ==
          "it.conf:1: include_dir '" + dir.file("none") + "': No such file or directory");
}

TEST_CASE("an unreadable file is reported") {
    const TempDir dir;
    const auto missing = read_configuration(dir.file("none.conf"));
    REQUIRE_FALSE(missing);
    CHECK(missing.error().context == "cannot read " + dir.file("none.conf") + ": No such file or directory");
    CHECK_FALSE(read_configuration(dir.path().string()).has_value());
    CHECK(read_configuration(dir.write("it.conf", "port 7\n"))->listeners[0].port == 7);
}

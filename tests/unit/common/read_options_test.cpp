// What valid command lines and environments mean.
#include <doctest/doctest.h>

#include "generate.hpp"
#include "option_fixture.hpp"
#include "option_rows.hpp"

using namespace mqttc;
using namespace mqttc::app;
using namespace mqttc::test;

TEST_CASE("a plain publish") {
    const auto options = pub_fixture().good("-h broker.example -p 2883 -t a/b -m hello -q 1 -r");
    CHECK(options.connection.endpoint.host == "broker.example");
    CHECK(options.connection.port == 2883);
    CHECK(options.topics == std::vector<std::string>{"a/b"});
    CHECK(options.source == PayloadSource::message);
    CHECK(options.message == "hello");
    CHECK(options.qos == Qos::at_least_once);
    CHECK(options.retain);
}

TEST_CASE("an IPv6 address may stand in brackets, as in a URL") {
    CHECK(pub_fixture().good("-t a -n -h [::1]").connection.endpoint.host == "::1");
    CHECK(pub_fixture().good("-t a -n -h ::1").connection.endpoint.host == "::1");
}

TEST_CASE("a value may look like an option") {
    const auto options = pub_fixture().good("-t a -m -5 -u me -P -x -i --help");
    CHECK(options.message == "-5");
    CHECK(options.connection.password.value.view() == "-x");
    CHECK(options.connection.client_id == "--help");
}

TEST_CASE("values keep their spaces, brackets, commas and quotes") {
    const auto options = pub_fixture().good("-t a -m '[a, b] \"c\" {}'");
    CHECK(options.message == "[a, b] \"c\" {}");
}

TEST_CASE("flags are clustered, the last of a cluster may take a value") {
    const auto options = pub_fixture().good("-dr -lq 1 -t a");
    CHECK(options.run.debug);
    CHECK(options.retain);
    CHECK(options.source == PayloadSource::lines);
    CHECK(options.qos == Qos::at_least_once);
}

TEST_CASE("a value may stand in the same argument") {
    const auto options = pub_fixture().good("-p2883 --topic=a=b --message= -q2");
    CHECK(options.connection.port == 2883);
    CHECK(options.topics.front() == "a=b");
    CHECK(options.source == PayloadSource::message);
    CHECK(options.message.empty());
    CHECK(options.qos == Qos::exactly_once);
}

TEST_CASE("versions may be written as people write them") {
    CHECK(pub_fixture().good("-t a -n -V 3.1").connection.version == ProtocolVersion::v31);
    CHECK(pub_fixture().good("-t a -n -V 3.1.1").connection.version == ProtocolVersion::v311);
    CHECK(pub_fixture().good("-t a -n -V 5.0").connection.version == ProtocolVersion::v5);
    CHECK(pub_fixture().good("-t a -n --tls-version 1.2").connection.tls.minimum == TlsVersion::v1_2);
    CHECK(pub_fixture().good("-t a -n --tls-version 1.3").connection.tls.minimum == TlsVersion::v1_3);
    CHECK(pub_fixture().wrong("-t a -n -q 1.2") == "-q: '1.2' is not one of 0, 1, 2");
}

TEST_CASE("the last occurrence wins") {
    const auto options = pub_fixture().good("-t a -m x -p 1 -p 2 -q 2 -q 0 -h a -h b");
    CHECK(options.connection.port == 2);
    CHECK(options.connection.endpoint.host == "b");
    CHECK(options.qos == Qos::at_most_once);
}

TEST_CASE("-D takes three values, a user property four") {
    const auto options = pub_fixture().good(
        "-t a -m x -D publish user-property k -v -D publish content-type text/plain -D connect "
        "receive-maximum 5 -D publish user-property k '' -d");
    REQUIRE(options.connection.properties.size() == 4);
    CHECK(options.connection.properties[0].name == "k");
    CHECK(options.connection.properties[0].text == "-v");
    CHECK(options.connection.properties[1].text == "text/plain");
    CHECK(options.connection.properties[2].number == 5);
    CHECK(options.connection.properties[3].text.empty());
    CHECK(options.run.debug);
}

TEST_CASE("times may be fractional") {
    const auto options = pub_fixture().good("-t a -m x --repeat 3 --repeat-delay 0.25 -W 1.5 --rate 2.5");
    CHECK(options.repeat == 3);
    CHECK(options.repeat_delay == std::chrono::milliseconds(250));
    CHECK(options.run.timeout == std::chrono::milliseconds(1500));
    CHECK(options.rate == 2.5);
}

TEST_CASE("reconnecting is a number of tries with a growing delay") {
    const auto options = pub_fixture().good("-t a -m x --reconnect 5 --reconnect-delay 0.5:8");
    CHECK(options.connection.reconnect == 5);
    CHECK(options.connection.reconnect_min == std::chrono::milliseconds(500));
    CHECK(options.connection.reconnect_max == std::chrono::seconds(8));
    CHECK(pub_fixture().good("-t a -m x --reconnect forever").connection.reconnect == UINT32_MAX);
    CHECK(pub_fixture().good("-t a -m x --reconnect never").connection.reconnect == 0);
}

TEST_CASE("session expiry knows three spellings of never") {
    for (const char* never : {"-1", "4294967295", "\u221e"}) {
        const auto options = pub_fixture().good(std::string("-t a -m x -i me -x ") + never);
        CHECK(options.connection.session_expiry == UINT32_MAX);
    }
}

TEST_CASE("--help and --version answer whatever else is on the line") {
    CHECK(pub_fixture().printed("--help").starts_with("usage: mqtt_pub"));
    CHECK(pub_fixture().printed("-t a --help --nonsense").starts_with("usage: mqtt_pub"));
    CHECK(sub_fixture().printed("--version").starts_with("mqtt_sub "));
    auto fixture = pub_fixture();
    fixture.files["/home/me/.config/mqtt_pub"] = "--nonsense";
    CHECK(fixture.printed("--help").starts_with("usage: mqtt_pub"));
}

TEST_CASE("a URL gives host, port, credentials, TLS and topic") {
    const auto options = pub_fixture().good("-L mqtts://me:p%40w@broker.example:2883/a/b -m x");
    CHECK(options.connection.endpoint.host == "broker.example");
    CHECK(options.connection.port == 2883);
    CHECK(options.connection.url_tls);
    CHECK(options.connection.username == "me");
    CHECK(options.connection.password.value.view() == "p@w");
    CHECK(options.topics == std::vector<std::string>{"a/b"});
}

TEST_CASE("-t says more than the topic of a URL") {
    CHECK(pub_fixture().good("-L mqtt://b/url -t a -t b -m x").topics == std::vector<std::string>{"a", "b"});
    CHECK(pub_fixture().good("-t a -L mqtt://b/url -m x").topics == std::vector<std::string>{"url"});
    CHECK(sub_fixture().good("-L mqtt://b/url -t a").topics == std::vector<std::string>{"url", "a"});
}

TEST_CASE("a URL replaces all that the URL of a lower layer gave, and nothing else") {
    auto fixture = pub_fixture();
    fixture.environment["MQTT_URL"] = "mqtt://me:secret@home/old";
    const auto other = fixture.good("-L mqtt://elsewhere -t a -n");
    CHECK(other.connection.endpoint.host == "elsewhere");
    CHECK_FALSE(other.connection.username);
    CHECK(other.connection.password.kind == PasswordSource::Kind::none);
    CHECK(fixture.wrong("-L mqtt://elsewhere -n").starts_with("a topic is needed"));
    CHECK(fixture.good("-L mqtt://you@elsewhere/b -n").connection.username == "you");
    CHECK(fixture.good("-n").connection.password.value.view() == "secret");

    fixture.files["/home/me/.config/mqtt_pub"] = "-u sondes\n-P pw\n";
    CHECK(fixture.good("-L mqtt://elsewhere -t a -n").connection.username == "sondes");
    CHECK(fixture.good("-L mqtt://elsewhere -t a -n").connection.password.value.view() == "pw");
    fixture.files["/home/me/.config/mqtt_pub"] = "-L mqtt://file\n";
    CHECK_FALSE(fixture.good("-t a -n").connection.username);
    CHECK(pub_fixture().good("-L mqtt://me:pw@a -L mqtt://b -t a -n").connection.username == "me");

    auto sub = sub_fixture();
    sub.environment["MQTT_URL"] = "mqtt://home/old";
    CHECK(sub.good("-t a -L mqtt://elsewhere/new -t b").topics == std::vector<std::string>{"a", "new", "b"});
    CHECK(sub.good("-t a").topics == std::vector<std::string>{"old", "a"});
}

TEST_CASE("several -t publish to several topics on the command line, in a file the last one counts") {
    auto fixture = pub_fixture();
    CHECK(fixture.good("-t a -t b -m x").topics == std::vector<std::string>{"a", "b"});
    fixture.files["/home/me/.config/mqtt_pub"] = "-t c\n-t d\n";
    CHECK(fixture.good("-m x").topics == std::vector<std::string>{"d"});
    CHECK(fixture.good("-t a -m x").topics == std::vector<std::string>{"a"});
}

TEST_CASE("subscriptions of a config file are added to") {
    auto fixture = sub_fixture();
    fixture.files["/home/me/.config/mqtt_sub"] = "-t c\n-q 2\n";
    const auto options = fixture.good("-t a -q 1");
    CHECK(options.topics == std::vector<std::string>{"c", "a"});
    CHECK(options.qos == std::vector{Qos::at_least_once});
}

TEST_CASE("mqtt_sub takes as many -q as topics") {
    const auto options = sub_fixture().good("-t a -t b -q 1 -q 2");
    CHECK(options.qos == std::vector{Qos::at_least_once, Qos::exactly_once});
    CHECK(sub_fixture().good("-t a -q 1 -q 2").qos == std::vector{Qos::exactly_once});
    CHECK(sub_fixture().good("-U a").unsubscribe == std::vector<std::string>{"a"});
}

TEST_CASE("a variable is not read when an option replaces it") {
    auto fixture = pub_fixture();
    fixture.environment["MQTT_PORT"] = "wrong";
    for (const char* given : {"-p 1", "-L mqtt://b", "--unix s"}) {
        CAPTURE(given);
        CHECK(fixture.wrong(std::string("-t a -n ") + given).empty());
    }
    CHECK_FALSE(fixture.wrong("-t a -n -h b").empty());
    fixture.environment = {{"MQTT_HOST", "a/b"}, {"HOME", "/home/me"}};
    for (const char* given : {"-h b", "-L mqtt://b", "--unix s"}) {
        CAPTURE(given);
        CHECK(fixture.wrong(std::string("-t a -n ") + given).empty());
    }
    fixture.environment = {{"MQTT_PASSWORD", std::string(70'000, 'x')}, {"HOME", "/home/me"}};
    for (const char* given : {"-P x", "--password-file f", "--ask-password"}) {
        CAPTURE(given);
        CHECK(fixture.wrong(std::string("-t a -n -u me ") + given).empty());
    }
}

TEST_CASE("MQTT_PORT as Kubernetes sets it for a service named mqtt is ignored") {
    auto fixture = pub_fixture();
    fixture.environment["MQTT_PORT"] = "tcp://10.0.0.1:1883";
    CHECK_FALSE(fixture.good("-t a -n").connection.port);
    CHECK(fixture.good("-t a -n -p 2883").connection.port == 2883);
}

TEST_CASE("a line end after the value of a variable is not part of it") {
    auto fixture = pub_fixture();
    fixture.environment["MQTT_USERNAME"] = "me\n";
    fixture.environment["MQTT_PASSWORD"] = "secret\r\n";
    fixture.environment["MQTT_URL"] = "mqtt://b/top\n";
    fixture.environment["MQTT_PORT"] = "1884\n";
    auto options = fixture.good("-n");
    CHECK(options.connection.username == "me");
    CHECK(options.connection.password.value.view() == "secret");
    CHECK(options.topics == std::vector<std::string>{"top"});
    CHECK(options.connection.port == 1884);
    fixture.environment["MQTT_HOST"] = "host\n";
    CHECK(fixture.good("-n").connection.endpoint.host == "host");
    fixture.environment["MQTT_HOST"] = "\n";
    CHECK(fixture.good("-n").connection.endpoint.host == "b");
}

TEST_CASE("another host does not get the credentials of a URL in a lower source") {
    auto fixture = pub_fixture();
    const auto has_credentials = [&](std::string_view line) {
        const auto options = fixture.good(line);
        CHECK(options.connection.username.has_value() ==
              (options.connection.password.kind != PasswordSource::Kind::none));
        return options.connection.username.has_value();
    };
    fixture.environment["MQTT_URL"] = "mqtts://me:secret@home";
    CHECK(has_credentials("-t a -n"));
    CHECK(has_credentials("-t a -n -p 1"));
    CHECK(has_credentials("-t a -n -h home"));
    CHECK_FALSE(has_credentials("-t a -n -h elsewhere"));
    CHECK_FALSE(has_credentials("-t a -n --unix s"));
    CHECK(has_credentials("-t a -n -h elsewhere -u me -P pw"));
    CHECK(fixture.good("-t a -n -h elsewhere").connection.url_tls);

    fixture.environment = {{"HOME", "/home/me"}, {"MQTT_HOST", "elsewhere"}};
    fixture.files["/home/me/.config/mqtt_pub"] = "-L mqtt://me:secret@home\n";
    CHECK(has_credentials("-t a -n"));  // the file is the higher source
    CHECK(fixture.good("-t a -n").connection.endpoint.host == "home");
    CHECK_FALSE(has_credentials("-t a -n -h elsewhere"));
    CHECK(has_credentials("-t a -n -L mqtt://me:pw@home -h elsewhere"));
}

TEST_CASE("no message repeats a secret") {
    const std::string_view secret = "s3cr3t";
    for (const char* line :
         {"-u u -P=s3cr3t", "-u u -P my s3cr3t", "-u u --pw my s3cr3t", "-h u:s3cr3t@host",
          "-h mqtt:/u:s3cr3t@host", "-h mqtt://u:s3cr3t@host", "-L mqtt://u:my s3cr3t@host",
          "-L mqtt:/u:s3cr3t@host", "-L u:s3cr3t@host", "--proxy socks5h://u:my s3cr3t@p",
          "--proxy u:s3cr3t@p", "--psk s3cr3t", "--psk aa s3cr3t", "--ws-header Authorization: s3cr3t",
          "--ws-header s3cr3t", "-D connect authentication-data my s3cr3t", "--password=s3cr3t",
          "-u u -P -- s3cr3t", "-L=mqtt://u:s3cr3t@host"}) {
        CAPTURE(line);
        const std::string message = pub_fixture().wrong(std::string("-t a -n ") + line);
        CHECK_FALSE(message.empty());
        CHECK(message.find(secret) == std::string::npos);
    }
    auto fixture = pub_fixture();
    fixture.environment["MQTT_HOST"] = "u:s3cr3t@host";
    CHECK(fixture.wrong("-t a -n") ==
          "environment variable MQTT_HOST: a host name has no '@' and no '/' (for a URL use -L)");
}

TEST_CASE("what a URL says after '?' is reported to be the topic") {
    CHECK(pub_fixture().good("-L mqtt://h/a?qos=1 -n").run.warnings ==
          std::vector<std::string>{
              "'a?qos=1' is the topic: a URL has no settings after '?', use options such as -q"});
    CHECK(pub_fixture().good("-L mqtt://h/a -n").run.warnings.empty());
}

TEST_CASE("the path of a WebSocket in a URL is recognised, and a warning says when it is not") {
    const auto path = [](const auto& options) { return options.connection.websocket_options.path; };
    using Topics = std::vector<std::string>;
    for (const char* line : {"-t a -L ws://h/ws -n", "-L ws://h/ws -t a -n"}) {
        const auto pub = pub_fixture().good(line);
        CHECK(path(pub) == "/ws");
        CHECK(pub.topics == Topics{"a"});
        CHECK(pub.run.warnings.empty());
    }
    CHECK(path(pub_fixture().good("-t a -L wss://h/broker/7 -n")) == "/broker/7");
    const auto sub = sub_fixture().good("-t a -L ws://h/mqtt/x -t b");
    CHECK(path(sub) == "/mqtt/x");
    CHECK(sub.topics == Topics{"a", "b"});
    CHECK(pub_fixture().wrong("-L ws://h/mqtt -n").starts_with("a topic is needed"));
    // --ws-path has the path, so that the URL has the topic.
    const auto both = sub_fixture().good("-t a -L ws://h/mqtt --ws-path /x");
    CHECK(path(both) == "/x");
    CHECK(both.topics == Topics{"a", "mqtt"});

    CHECK(
        pub_fixture().good("-L ws://h/hall -n").run.warnings ==
        std::vector<std::string>{"'hall' in the URL is the topic, not the path of the WebSocket (with -t or "
                                 "--ws-path it is clear)"});
    for (const char* line : {"-L ws://h/home/hall -n", "-L ws://h/hall --ws-path /mqtt -n",
                             "-L mqtt://h/hall -n", "-L mqtt://h/mqtt -n", "-L ws://h -t a -n"}) {
        CAPTURE(line);
        CHECK(pub_fixture().good(line).run.warnings.empty());
    }
}

TEST_CASE("the filter that a shell makes of $SYS/# is reported") {
    CHECK(sub_fixture().good("-t a -t /#").run.warnings.size() == 1);
    CHECK(sub_fixture().good("-t /a/#").run.warnings.empty());
}

TEST_CASE("the environment gives defaults") {
    auto fixture = pub_fixture();
    fixture.environment["MQTT_URL"] = "mqtt://url.example:1000";
    fixture.environment["MQTT_PORT"] = "2000";
    fixture.environment["MQTT_USERNAME"] = "me";
    fixture.environment["MQTT_PASSWORD"] = "secret";
    fixture.environment["MQTT_CAFILE"] = "";
    const auto options = fixture.good("-t a -m x");
    CHECK(options.connection.endpoint.host == "url.example");
    CHECK(options.connection.port == 2000);
    CHECK(options.connection.username == "me");
    CHECK(options.connection.password.from_environment);
    CHECK_FALSE(options.connection.tls_requested);
    CHECK_FALSE(fixture.good("-t a -m x -P other").connection.password.from_environment);
}

TEST_CASE("the single variables beat MQTT_URL, the password as the user name") {
    auto fixture = pub_fixture();
    fixture.environment["MQTT_URL"] = "mqtt://url:of-url@home";
    fixture.environment["MQTT_USERNAME"] = "me";
    fixture.environment["MQTT_PASSWORD"] = "secret";
    const auto options = fixture.good("-t a -n");
    CHECK(options.connection.username == "me");
    CHECK(options.connection.password.value.view() == "secret");
    CHECK(fixture.good("-t a -n -P other").connection.password.value.view() == "other");
    CHECK(fixture.good("-t a -n -L mqtt://you:yours@b").connection.password.value.view() == "yours");
}

TEST_CASE("--no-tls drops TLS options with whatever is wrong with them") {
    auto fixture = pub_fixture();
    CHECK(fixture.good("-t a -n --psk nothex --no-tls --tls-engine e").connection.no_tls);
    fixture.files["/home/me/.config/mqtt_pub"] = "--psk nothex\n--keyform engine\n--tls-version none\n";
    CHECK(fixture.wrong("-t a -n").starts_with("/home/me/.config/mqtt_pub:1: --psk: "));
    CHECK(fixture.good("-t a -n --no-tls").connection.no_tls);
    fixture.files["/home/me/.config/mqtt_pub"] += "--no-tls\n";
    CHECK(fixture.good("-t a -n").connection.no_tls);
}

TEST_CASE("a session that lasts needs no id of its own when it ends some day") {
    CHECK(pub_fixture().good("-t a -m x -x 10").connection.session_expiry == 10);
}

TEST_CASE("help has a line for each option that works") {
    for (const Program program : {Program::pub, Program::sub}) {
        const std::string text = help_text(pub_sub_options(), own_name(program));
        CHECK(text.ends_with(std::string("\nSee ").append(program_name(program)).append("(1).\n")));
        CHECK(text.find("\nExamples:\n  " + std::string(program_name(program)) + " -t ") !=
              std::string::npos);
        pub_sub_options().for_each(only(program), [&](const OptionRow& row) {
            CAPTURE(row.names());
            CHECK((text.find(" " + row.names()) != std::string::npos) == !row.help.empty());
        });
    }
    CHECK(version_text(own_name(Program::passwd)).starts_with("mqtt_passwd "));
}

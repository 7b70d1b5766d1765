// What good command lines, config files, profiles and environments mean.
#include <doctest/doctest.h>

#include "world.hpp"

using namespace mqttc;
using namespace mqttc::app;
using namespace mqttc::test;

TEST_CASE("a plain publish") {
    const Options options = pub_world().good("-h broker.example -p 2883 -t a/b -m hello -q 1 -r");
    CHECK(options.connection.endpoint.host == "broker.example");
    CHECK(options.connection.port == 2883);
    CHECK(options.pub.topics == std::vector<std::string>{"a/b"});
    CHECK(options.pub.source == PayloadSource::message);
    CHECK(options.pub.message == "hello");
    CHECK(options.qos == std::vector{Qos::at_least_once});
    CHECK(options.pub.retain);
}

TEST_CASE("an IPv6 address may stand in brackets, as in a URL") {
    CHECK(pub_world().good("-t a -n -h [::1]").connection.endpoint.host == "::1");
    CHECK(pub_world().good("-t a -n -h ::1").connection.endpoint.host == "::1");
}

TEST_CASE("a value may look like an option") {
    const Options options = pub_world().good("-t a -m -5 -u me -P -x -i --help");
    CHECK(options.pub.message == "-5");
    CHECK(options.connection.password.value.view() == "-x");
    CHECK(options.connection.client_id == "--help");
}

TEST_CASE("values keep their blanks, brackets, commas and quotes") {
    const Options options = pub_world().good("-t a -m '[a, b] \"c\" {}'");
    CHECK(options.pub.message == "[a, b] \"c\" {}");
}

TEST_CASE("flags are clustered, the last of a cluster may take a value") {
    const Options options = pub_world().good("-dr -lq 1 -t a");
    CHECK(options.debug);
    CHECK(options.pub.retain);
    CHECK(options.pub.source == PayloadSource::lines);
    CHECK(options.qos.front() == Qos::at_least_once);
}

TEST_CASE("a value may stand in the same argument") {
    const Options options = pub_world().good("-p2883 --topic=a=b --message= -q2");
    CHECK(options.connection.port == 2883);
    CHECK(options.pub.topics.front() == "a=b");
    CHECK(options.pub.source == PayloadSource::message);
    CHECK(options.pub.message.empty());
    CHECK(options.qos.front() == Qos::exactly_once);
}

TEST_CASE("versions may be written as people write them") {
    CHECK(pub_world().good("-t a -n -V 3.1").connection.version == ProtocolVersion::v31);
    CHECK(pub_world().good("-t a -n -V 3.1.1").connection.version == ProtocolVersion::v311);
    CHECK(pub_world().good("-t a -n -V 5.0").connection.version == ProtocolVersion::v5);
    CHECK(pub_world().good("-t a -n --tls-version 1.2").connection.tls.minimum == TlsVersion::v1_2);
    CHECK(pub_world().good("-t a -n --tls-version 1.3").connection.tls.minimum == TlsVersion::v1_3);
    CHECK(pub_world().wrong("-t a -n -q 1.2") == "-q: '1.2' is not one of 0, 1, 2");
}

TEST_CASE("the last occurrence wins") {
    const Options options = pub_world().good("-t a -m x -p 1 -p 2 -q 2 -q 0 -h a -h b");
    CHECK(options.connection.port == 2);
    CHECK(options.connection.endpoint.host == "b");
    CHECK(options.qos.front() == Qos::at_most_once);
}

TEST_CASE("-D takes three values, a user property four") {
    const Options options = pub_world().good(
        "-t a -m x -D publish user-property k -v -D publish content-type text/plain -D connect "
        "receive-maximum 5 -D publish user-property k '' -d");
    REQUIRE(options.connection.properties.size() == 4);
    CHECK(options.connection.properties[0].name == "k");
    CHECK(options.connection.properties[0].text == "-v");
    CHECK(options.connection.properties[1].text == "text/plain");
    CHECK(options.connection.properties[2].number == 5);
    CHECK(options.connection.properties[3].text.empty());
    CHECK(options.debug);
}

TEST_CASE("times may be fractional") {
    const Options options = pub_world().good("-t a -m x --repeat 3 --repeat-delay 0.25 -W 1.5 --rate 2.5");
    CHECK(options.pub.repeat == 3);
    CHECK(options.pub.repeat_delay == std::chrono::milliseconds(250));
    CHECK(options.run_timeout == std::chrono::milliseconds(1500));
    CHECK(options.pub.rate == 2.5);
}

TEST_CASE("reconnecting is a number of tries with a growing delay") {
    const Options options = pub_world().good("-t a -m x --reconnect 5 --reconnect-delay 0.5:8");
    CHECK(options.connection.reconnect == 5);
    CHECK(options.connection.reconnect_min == std::chrono::milliseconds(500));
    CHECK(options.connection.reconnect_max == std::chrono::seconds(8));
    CHECK(pub_world().good("-t a -m x --reconnect forever").connection.reconnect == UINT32_MAX);
    CHECK(pub_world().good("-t a -m x --reconnect never").connection.reconnect == 0);
}

TEST_CASE("session expiry knows three spellings of never") {
    for (const char* never : {"-1", "4294967295", "\u221e"}) {
        const Options options = pub_world().good(std::string("-t a -m x -i me -x ") + never);
        CHECK(options.connection.session_expiry == UINT32_MAX);
    }
}

TEST_CASE("--help and --version answer whatever else is on the line") {
    CHECK(std::holds_alternative<HelpRequest>(pub_world().parse("--help")));
    CHECK(std::holds_alternative<HelpRequest>(pub_world().parse("-t a --help --nonsense")));
    CHECK(std::holds_alternative<VersionRequest>(sub_world().parse("--version")));
    World world = pub_world();
    world.files["/home/me/.config/mqtt_pub"] = "--nonsense";
    CHECK(std::holds_alternative<HelpRequest>(world.parse("--help")));
}

TEST_CASE("a URL gives host, port, credentials, TLS and topic") {
    const Options options = pub_world().good("-L mqtts://me:p%40w@broker.example:2883/a/b -m x");
    CHECK(options.connection.endpoint.host == "broker.example");
    CHECK(options.connection.port == 2883);
    CHECK(options.connection.url_tls);
    CHECK(options.connection.username == "me");
    CHECK(options.connection.password.value.view() == "p@w");
    CHECK(options.pub.topics == std::vector<std::string>{"a/b"});
}

TEST_CASE("-t says more than the topic of a URL") {
    CHECK(pub_world().good("-L mqtt://b/url -t a -t b -m x").pub.topics ==
          std::vector<std::string>{"a", "b"});
    CHECK(pub_world().good("-t a -L mqtt://b/url -m x").pub.topics == std::vector<std::string>{"a"});
    CHECK(sub_world().good("-L mqtt://b/url -t a").sub.topics == std::vector<std::string>{"url", "a"});
}

TEST_CASE("a URL replaces all that the URL of a lower layer gave, and nothing else") {
    World world = pub_world();
    world.environment["MQTT_URL"] = "mqtt://me:secret@home/old";
    const Options other = world.good("-L mqtt://elsewhere -t a -n");
    CHECK(other.connection.endpoint.host == "elsewhere");
    CHECK_FALSE(other.connection.username);
    CHECK(other.connection.password.kind == PasswordSource::Kind::none);
    CHECK(world.wrong("-L mqtt://elsewhere -n").starts_with("a topic is needed"));
    CHECK(world.good("-L mqtt://you@elsewhere/b -n").connection.username == "you");
    CHECK(world.good("-n").connection.password.value.view() == "secret");

    world.files["/home/me/.config/mqtt_pub"] = "-u sondes\n-P pw\n";
    CHECK(world.good("-L mqtt://elsewhere -t a -n").connection.username == "sondes");
    CHECK(world.good("-L mqtt://elsewhere -t a -n").connection.password.value.view() == "pw");
    world.files["/home/me/.config/mqtt_pub"] = "-L mqtt://file\n";
    CHECK_FALSE(world.good("-t a -n").connection.username);
    CHECK(pub_world().good("-L mqtt://me:pw@a -L mqtt://b -t a -n").connection.username == "me");

    world = sub_world();
    world.environment["MQTT_URL"] = "mqtt://home/old";
    CHECK(world.good("-t a -L mqtt://elsewhere/new -t b").sub.topics ==
          std::vector<std::string>{"a", "new", "b"});
    CHECK(world.good("-t a").sub.topics == std::vector<std::string>{"old", "a"});
}

TEST_CASE("several -t publish to several topics on the command line, in a file the last one counts") {
    World world = pub_world();
    CHECK(world.good("-t a -t b -m x").pub.topics == std::vector<std::string>{"a", "b"});
    world.files["/home/me/.config/mqtt_pub"] = "-t c\n-t d\n";
    CHECK(world.good("-m x").pub.topics == std::vector<std::string>{"d"});
    CHECK(world.good("-t a -m x").pub.topics == std::vector<std::string>{"a"});
}

TEST_CASE("subscriptions of a config file are added to") {
    World world = sub_world();
    world.files["/home/me/.config/mqtt_sub"] = "-t c\n-q 2\n";
    const Options options = world.good("-t a -q 1");
    CHECK(options.sub.topics == std::vector<std::string>{"c", "a"});
    CHECK(options.qos == std::vector{Qos::at_least_once});
}

TEST_CASE("mqtt_sub takes as many -q as topics") {
    const Options options = sub_world().good("-t a -t b -q 1 -q 2");
    CHECK(options.qos == std::vector{Qos::at_least_once, Qos::exactly_once});
    CHECK(sub_world().good("-t a -q 1 -q 2").qos == std::vector{Qos::exactly_once});
    CHECK(sub_world().good("-U a").sub.unsubscribe == std::vector<std::string>{"a"});
}

TEST_CASE("config lines: comments, blank lines, CRLF, values with blanks, no length limit") {
    World world = pub_world();
    const std::string long_value(5000, 'x');
    world.files["/home/me/.config/mqtt_pub"] =
        "# comment\n\n  \n-h   broker.example\r\n--username so n des \n--will-topic=w x\n-dr\n"
        "-D publish user-property key a value \n-m " +
        long_value;
    const Options options = world.good("-t a");
    CHECK(options.connection.endpoint.host == "broker.example");
    CHECK(options.connection.username == "so n des ");
    CHECK(options.connection.will.topic == "w x");
    CHECK(options.debug);
    CHECK(options.pub.retain);
    REQUIRE(options.connection.properties.size() == 1);
    CHECK(options.connection.properties[0].name == "key");
    CHECK(options.connection.properties[0].text == "a value ");
    CHECK(options.pub.message == long_value);
}

TEST_CASE("config lines: blanks behind numbers and choices don't count") {
    World world = pub_world();
    world.files["/home/me/.config/mqtt_pub"] =
        "-q 1 \n-p 1884\t\n--keepalive=7 \n-V mqttv5 \r\n--repeat-delay 0.5  \n-h a \n--pw x \n";
    const Options options = world.good("-t a -n");
    CHECK(options.qos == std::vector{Qos::at_least_once});
    CHECK(options.connection.port == 1884);
    CHECK(options.connection.keep_alive == 7);
    CHECK(options.connection.version == ProtocolVersion::v5);
    CHECK(options.pub.repeat_delay == std::chrono::milliseconds(500));
    CHECK(options.connection.endpoint.host == "a ");
    CHECK(options.connection.password.value.view() == "x ");
    CHECK(pub_world().parse(std::vector<std::string>{"-t", "a", "-n", "-q", "1 "}).index() ==
          ParseResult(UsageError{}).index());
}

TEST_CASE("the command line overrides the config file, the profile and the environment, in this order") {
    World world = pub_world();
    world.environment["MQTT_HOST"] = "environment";
    CHECK(world.good("-t a -m x").connection.endpoint.host == "environment");
    world.files["/home/me/.config/mqtt/p.conf"] = "-h profile";
    CHECK(world.good("-t a -m x --profile p").connection.endpoint.host == "profile");
    world.files["/home/me/.config/mqtt_pub"] = "-h file";
    CHECK(world.good("-t a -m x --profile p").connection.endpoint.host == "file");
    CHECK(world.good("-t a -m x --profile p -h line").connection.endpoint.host == "line");
}

TEST_CASE("the message of the command line replaces that of a file") {
    World world = pub_world();
    world.files["/home/me/.config/mqtt_pub"] = "-m file\n";
    CHECK(world.good("-t a -n").pub.source == PayloadSource::null);
    CHECK(world.good("-t a").pub.message == "file");
}

TEST_CASE("a client id of the command line replaces the prefix of a file") {
    World world = pub_world();
    world.files["/home/me/.config/mqtt_pub"] = "-I prefix\n";
    const Options options = world.good("-t a -n -i me");
    CHECK(options.connection.client_id == "me");
    CHECK_FALSE(options.connection.id_prefix.has_value());
}

TEST_CASE("a property of the command line replaces that of a file") {
    World world = pub_world();
    world.files["/home/me/.config/mqtt_pub"] = "-D publish content-type a\n-D publish user-property k a\n";
    const Options options = world.good("-t a -n -D publish content-type b -D publish user-property k b");
    REQUIRE(options.connection.properties.size() == 3);
    CHECK(options.connection.properties[1].text == "b");
    CHECK(options.connection.properties[1].id == PropertyId::content_type);
}

TEST_CASE("-o replaces the default config file") {
    World world = pub_world();
    world.files["/home/me/.config/mqtt_pub"] = "--nonsense\n";
    world.files["/etc/mine"] = "-h mine\n";
    CHECK(world.good("-o /etc/mine -t a -m x").connection.endpoint.host == "mine");
}

TEST_CASE("a file with a secret that others may read is warned of") {
    const std::string path = "/home/me/.config/mqtt_pub";
    World world = pub_world();
    world.open_to_others = true;
    for (const char* secret : {"--pw x", "-P x", "-L mqtt://me:x@b", "--psk 00"}) {
        world.files[path] = std::string("-u me\n--psk-identity i\n") + secret + "\n";
        CAPTURE(secret);
        const auto result = world.parse("-t a -n --no-tls");
        REQUIRE(std::holds_alternative<Options>(result));
        CHECK(std::get<Options>(result).warnings ==
              std::vector{path + " holds a secret and others may read it: chmod 600 " + path});
    }
    world.files[path] = "-u me\n-L mqtt://me@b\n--password-file x\n--ws-header A: b\n";
    CHECK(world.good("-t a -n").warnings.empty());
    world.open_to_others = false;
    world.files[path] = "-u me\n-P x\n";
    CHECK(world.good("-t a -n").warnings.empty());
}

TEST_CASE("XDG_CONFIG_HOME comes before HOME") {
    World world = pub_world();
    world.environment["XDG_CONFIG_HOME"] = "/xdg";
    world.files["/xdg/mqtt_pub"] = "-h xdg\n";
    world.files["/home/me/.config/mqtt_pub"] = "-h home\n";
    CHECK(world.good("-t a -m x").connection.endpoint.host == "xdg");
}

TEST_CASE("a profile is shared: what only the other program knows is left out") {
    World world = pub_world();
    world.files["/home/me/.config/mqtt/p.conf"] = "-h profile\n-v\n-F %t %p\n--retained-only\n-U x\n";
    CHECK(world.good("-t a -m x --profile p").connection.endpoint.host == "profile");
    world = sub_world();
    world.files["/home/me/.config/mqtt/p.conf"] = "-h profile\n-r\n-l\n-m text with blanks\n-t a\n";
    CHECK(world.good("--profile p").sub.topics == std::vector<std::string>{"a"});
}

TEST_CASE("-C of a profile is mqtt_sub's, unless mqtt_pub makes a request") {
    World world = pub_world();
    world.files["/home/me/.config/mqtt/p.conf"] = "-C 3\n";
    CHECK_FALSE(world.good("-t a -n --profile p").count);
    CHECK(world.good("-t a -n --profile p --request").count == 3);
    CHECK(world.wrong("-t a -n --profile p -C 2") == "-C needs --request");
    world.program = Program::sub;
    CHECK(world.good("-t a --profile p").count == 3);
}

TEST_CASE("the environment gives defaults") {
    World world = pub_world();
    world.environment["MQTT_URL"] = "mqtt://url.example:1000";
    world.environment["MQTT_PORT"] = "2000";
    world.environment["MQTT_USERNAME"] = "me";
    world.environment["MQTT_PASSWORD"] = "secret";
    world.environment["MQTT_CAFILE"] = "";
    const Options options = world.good("-t a -m x");
    CHECK(options.connection.endpoint.host == "url.example");
    CHECK(options.connection.port == 2000);
    CHECK(options.connection.username == "me");
    CHECK(options.connection.password.kind == PasswordSource::Kind::environment);
    CHECK_FALSE(options.connection.tls_asked);
    CHECK(world.good("-t a -m x -P other").connection.password.kind == PasswordSource::Kind::given);
}

TEST_CASE("the single variables beat MQTT_URL, the password as the user name") {
    World world = pub_world();
    world.environment["MQTT_URL"] = "mqtt://url:of-url@home";
    world.environment["MQTT_USERNAME"] = "me";
    world.environment["MQTT_PASSWORD"] = "secret";
    const Options options = world.good("-t a -n");
    CHECK(options.connection.username == "me");
    CHECK(options.connection.password.value.view() == "secret");
    CHECK(world.good("-t a -n -P other").connection.password.value.view() == "other");
    CHECK(world.good("-t a -n -L mqtt://you:yours@b").connection.password.value.view() == "yours");
}

TEST_CASE("--no-tls drops TLS options with whatever is wrong with them") {
    World world = pub_world();
    CHECK(world.good("-t a -n --psk nothex --no-tls --tls-engine e").connection.no_tls);
    world.files["/home/me/.config/mqtt_pub"] = "--psk nothex\n--keyform engine\n--tls-version none\n";
    CHECK(world.wrong("-t a -n").starts_with("/home/me/.config/mqtt_pub:1: --psk: "));
    CHECK(world.good("-t a -n --no-tls").connection.no_tls);
    world.files["/home/me/.config/mqtt_pub"] += "--no-tls\n";
    CHECK(world.good("-t a -n").connection.no_tls);
}

TEST_CASE("a session that lasts needs no id of its own when it ends some day") {
    CHECK(pub_world().good("-t a -m x -x 10").connection.session_expiry == 10);
}

TEST_CASE("help fits the terminal and has a line for each option that works") {
    for (const Program program : {Program::pub, Program::sub}) {
        const std::string text = help_text(program);
        CHECK(text.ends_with(std::string("\nSee ").append(program_name(program)).append("(1).\n")));
        CHECK(text.find("\nExamples:\n  " + std::string(program_name(program)) + " -t ") !=
              std::string::npos);
        for (const OptionRow& row : option_rows()) {
            if ((row.programs & only(program)) == 0 || row.status != OptionStatus::ready) continue;
            CAPTURE(option_name(row));
            CHECK(text.find(option_name(row)) != std::string::npos);
        }
        std::size_t widest = 0;
        for (std::size_t at = 0; at < text.size();) {
            const std::size_t end = text.find('\n', at);
            widest = std::max(widest, end - at);
            at = end + 1;
        }
        CHECK(widest <= 100);
    }
    CHECK(version_text(Program::pub).starts_with("mqtt_pub "));
}

// What valid config files and profiles mean, and which of them are warned of or refused.
#include <doctest/doctest.h>

#include "option_fixture.hpp"

using namespace mqttc;
using namespace mqttc::app;
using namespace mqttc::test;

TEST_CASE("config lines: comments, blank lines, CRLF, values with spaces, no length limit") {
    auto fixture = pub_fixture();
    const std::string long_value(5000, 'x');
    fixture.files["/home/me/.config/mqtt_pub"] =
        "# comment\n\n  \n-h   broker.example\r\n--username so n des \n--will-topic=w x\n-dr\n"
        "-D publish user-property key a value \n-m " +
        long_value;
    const auto options = fixture.good("-t a");
    CHECK(options.connection.endpoint.host == "broker.example");
    CHECK(options.connection.username == "so n des ");
    CHECK(options.connection.will.topic == "w x");
    CHECK(options.run.debug);
    CHECK(options.retain);
    REQUIRE(options.connection.properties.size() == 1);
    CHECK(options.connection.properties[0].name == "key");
    CHECK(options.connection.properties[0].text == "a value ");
    CHECK(options.message == long_value);
}

TEST_CASE("spaces after numbers, choices, hosts and URLs in config lines are ignored") {
    auto fixture = pub_fixture();
    fixture.files["/home/me/.config/mqtt_pub"] =
        "-q 1 \n-p 1884\t\n--keepalive=7 \n-V mqttv5 \r\n--repeat-delay 0.5  \n-h a \n--pw x \n"
        "--reconnect never \n--failover b:2 \n--proxy http://p:3 \n-A ::1\t\n";
    const auto options = fixture.good("-t a -n");
    CHECK(options.qos == Qos::at_least_once);
    CHECK(options.connection.port == 1884);
    CHECK(options.connection.keep_alive == 7);
    CHECK(options.connection.version == ProtocolVersion::v5);
    CHECK(options.repeat_delay == std::chrono::milliseconds(500));
    CHECK(options.connection.endpoint.host == "a");
    CHECK(options.connection.endpoint.bind_address == "::1");
    CHECK(options.connection.endpoint.proxy->port == 3);
    CHECK(options.connection.reconnect == 0);
    REQUIRE(options.connection.failover.size() == 1);
    CHECK(options.connection.failover[0].port == 2);
    CHECK(options.connection.password.value.view() == "x ");
    fixture.files["/home/me/.config/mqtt_pub"] =
        "--url=mqtt://b:4 \n--psk-identity i\n--psk 00ff \n--ws-path /x \n--encode cbor \n";
    const auto more = fixture.good("-t a -m 1");
    CHECK(more.connection.port == 4);
    CHECK(more.connection.tls.psk_key.view() == "00ff");
    CHECK(more.connection.websocket_options.path == "/x");
    CHECK(more.encode->format == PayloadFormat::cbor);
    CHECK_FALSE(pub_fixture().parse(std::vector<std::string>{"-t", "a", "-n", "-q", "1 "}).has_value());
}

TEST_CASE("the command line overrides the config file, the profile and the environment, in this order") {
    auto fixture = pub_fixture();
    fixture.environment["MQTT_HOST"] = "environment";
    CHECK(fixture.good("-t a -m x").connection.endpoint.host == "environment");
    fixture.files["/home/me/.config/mqtt/p.conf"] = "-h profile";
    CHECK(fixture.good("-t a -m x --profile p").connection.endpoint.host == "profile");
    fixture.files["/home/me/.config/mqtt_pub"] = "-h file";
    CHECK(fixture.good("-t a -m x --profile p").connection.endpoint.host == "file");
    CHECK(fixture.good("-t a -m x --profile p -h line").connection.endpoint.host == "line");
}

TEST_CASE("the message of the command line replaces that of a file") {
    auto fixture = pub_fixture();
    fixture.files["/home/me/.config/mqtt_pub"] = "-m file\n";
    CHECK(fixture.good("-t a -n").source == PayloadSource::null);
    CHECK(fixture.good("-t a").message == "file");
}

TEST_CASE("a client id of the command line replaces the prefix of a file") {
    auto fixture = pub_fixture();
    fixture.files["/home/me/.config/mqtt_pub"] = "-I prefix\n";
    const auto options = fixture.good("-t a -n -i me");
    CHECK(options.connection.client_id == "me");
    CHECK_FALSE(options.connection.id_prefix.has_value());
}

TEST_CASE("a property of the command line replaces that of a file") {
    auto fixture = pub_fixture();
    fixture.files["/home/me/.config/mqtt_pub"] = "-D publish content-type a\n-D publish user-property k a\n";
    const auto options = fixture.good("-t a -n -D publish content-type b -D publish user-property k b");
    REQUIRE(options.connection.properties.size() == 3);
    CHECK(options.connection.properties[1].text == "b");
    CHECK(options.connection.properties[1].id == PropertyId::content_type);
}

TEST_CASE("-o replaces the default config file") {
    auto fixture = pub_fixture();
    fixture.files["/home/me/.config/mqtt_pub"] = "--nonsense\n";
    fixture.files["/etc/mine"] = "-h mine\n";
    CHECK(fixture.good("-o /etc/mine -t a -m x").connection.endpoint.host == "mine");
}

TEST_CASE("a file with a secret that others may read is warned of") {
    const std::string path = "/home/me/.config/mqtt_pub";
    auto fixture = pub_fixture();
    fixture.access.others_can_read = true;
    for (const char* secret : {"--pw x", "-P x", "-L mqtt://me:x@b", "--psk 00",
                               "--ws-header Authorization: Bearer x", "--ws-header cookie: x"}) {
        fixture.files[path] = std::string("-u me\n--psk-identity i\n") + secret + "\n";
        CAPTURE(secret);
        const auto result = fixture.parse("-t a -n --no-tls");
        REQUIRE(result.has_value());
        CHECK(result->run.warnings ==
              std::vector{path + " contains a secret and other users can read it: chmod 600 " + path});
    }
    fixture.files[path] = "-u me\n-L mqtt://me@b\n--ws-header A: b\n";
    CHECK(fixture.good("-t a -n").run.warnings.empty());
    fixture.access.others_can_read = false;
    fixture.files[path] = "-u me\n-P x\n";
    CHECK(fixture.good("-t a -n").run.warnings.empty());
}

TEST_CASE("a warning names each readable file that contains a secret") {
    auto fixture = pub_fixture();
    fixture.access.others_can_read = true;
    const auto warning = [](const std::string& path) {
        return path + " contains a secret and other users can read it: chmod 600 " + path;
    };
    CHECK(fixture.good("-t a -n -u me --password-file p").run.warnings == std::vector{warning("p")});
    CHECK(fixture.good("-t a -n --tls-keylog log").run.warnings == std::vector{warning("log")});
    CHECK(fixture.good("-t a -n --psk-identity me --psk-file k").run.warnings == std::vector{warning("k")});
    CHECK(fixture.good("-t a -n --cert c --key k --key-passphrase-file p").run.warnings ==
          std::vector{warning("k"), warning("p")});
    // Another option has replaced the file.
    fixture.files["/home/me/.config/mqtt_pub"] =
        "-u me\n--password-file f\n--psk-identity me\n--psk-file k\n";
    for (const char* given : {"-P x", "--ask-password", "-L mqtt://me:x@b"}) {
        CAPTURE(given);
        CHECK(fixture.good(std::string("-t a -n --psk 00 ") + given).run.warnings.empty());
    }
    CHECK(fixture.good("-t a -n --psk 00 -P x --password-file g").run.warnings == std::vector{warning("g")});
    fixture.files.clear();
    CHECK(fixture.good("-t a -n --cert c --key k --no-tls").run.warnings.empty());
}

TEST_CASE("a file that other users can change must not contain options that can harm") {
    auto fixture = sub_fixture();
    const std::string config = "/home/me/.config/mqtt_sub";
    const std::string profile = "/home/me/.config/mqtt/p.conf";
    struct Harmful {
        std::string line;
        std::string needs;  // what else must be given
    };
    for (const auto& [line, needs] :
         {Harmful{"--exec x", ""}, Harmful{"--save x", ""}, Harmful{"--no-tls", ""},
          Harmful{"--insecure", ""}, Harmful{"--tls-engine ./x.so", "--keyform engine"},
          Harmful{"--key pkcs11:token=t?module-path=/x.so", "--cert c"},
          Harmful{"--cert PKCS11:token=t?module-name=x", "--key k"}}) {
        const std::string option = line.substr(0, line.find(' '));
        CAPTURE(line);
        for (const auto& [path, arguments] : {std::pair(config, "-t a"), {profile, "-t a --profile p"}}) {
            fixture.files = {{path, "-d\n" + line + "\n" + needs + "\n"}};
            fixture.access = {};
            CHECK(fixture.wrong(arguments).empty());
            fixture.access = {.others_can_write = true};
            CHECK(fixture.wrong(arguments) ==
                  path + ":2: " + option +
                      " is refused, because other users can write this file (chmod go-w it)");
            fixture.access = {.others_own = true};
            CHECK(fixture.wrong(arguments) ==
                  path + ":2: " + option + " is refused, because this file belongs to another user");
        }
        fixture.files.clear();
        CHECK(fixture.wrong("-t a " + line + " " + needs).empty());
    }
    fixture.files[config] = "-h broker\n--cert c\n--key pkcs11:token=t?pin-source=file:p\n";
    CHECK(fixture.good("-t a").connection.endpoint.host == "broker");
}

TEST_CASE("the command line can undo --insecure, --proxy and --retain of a config file") {
    auto fixture = pub_fixture();
    fixture.files["/home/me/.config/mqtt_pub"] = "--insecure\n--proxy socks5h://p\n-r\n";
    CHECK_FALSE(fixture.good("-t a -n").connection.tls.verify);
    const auto options = fixture.good("-t a -n --no-insecure --no-proxy --no-retain --unix s");
    CHECK(options.connection.tls.verify);
    CHECK(options.connection.tls_requested.has_value());
    CHECK_FALSE(options.connection.endpoint.proxy);
    CHECK_FALSE(options.retain);
}

TEST_CASE("XDG_CONFIG_HOME comes before HOME") {
    auto fixture = pub_fixture();
    fixture.environment["XDG_CONFIG_HOME"] = "/xdg";
    fixture.files["/xdg/mqtt_pub"] = "-h xdg\n";
    fixture.files["/home/me/.config/mqtt_pub"] = "-h home\n";
    CHECK(fixture.good("-t a -m x").connection.endpoint.host == "xdg");
}

TEST_CASE("a profile is shared: what only the other program knows is left out") {
    auto fixture = pub_fixture();
    fixture.files["/home/me/.config/mqtt/p.conf"] = "-h profile\n-v\n-F %t %p\n--retained-only\n-U x\n";
    CHECK(fixture.good("-t a -m x --profile p").connection.endpoint.host == "profile");
    auto sub = sub_fixture();
    sub.files["/home/me/.config/mqtt/p.conf"] = "-h profile\n-r\n-l\n-m text with spaces\n-t a\n";
    CHECK(sub.good("--profile p").topics == std::vector<std::string>{"a"});
}

TEST_CASE("-C and --skip-invalid of a profile are mqtt_sub's, unless mqtt_pub has what they need") {
    auto fixture = pub_fixture();
    fixture.files["/home/me/.config/mqtt/p.conf"] = "-C 3\n";
    CHECK(fixture.wrong("-t a -n --profile p").empty());
    CHECK(fixture.good("-t a -n --profile p --request").answers == 3);
    CHECK(fixture.wrong("-t a -n --profile p -C 2") == "-C needs --request");
    fixture.files["/home/me/.config/mqtt/p.conf"] = "-C 3\n--skip-invalid\n";
    CHECK(fixture.wrong("-t a -n --profile p").empty());
    CHECK(fixture.wrong("-t a -n --skip-invalid") == "--skip-invalid needs -l");
    auto sub = sub_fixture();
    sub.files = fixture.files;
    CHECK(sub.good("-t a --profile p").count == 3);
}

// The option table: look-up, nearest names, and that each row is complete.
#include <doctest/doctest.h>

#include <set>

#include "option_fixture.hpp"
#include "option_rows.hpp"

using namespace mqttc;
using namespace mqttc::app;
using namespace mqttc::test;

namespace {

// A value that the option takes.
std::string sample(const OptionRow& row) {
    if (row.name == "proxy") return "socks5h://localhost";
    if (row.name == "url") return "mqtt://localhost/topic";
    if (row.name == "ws-path") return "/path";
    if (row.name == "ws-header") return "Name:value";
    if (row.name == "psk") return "00ff";
    if (row.name == "max-packet-size") return "1000";
    if (row.value == ValueKind::property) return "publish content-type text";
    if (!row.choices.empty()) return std::string(row.choices.substr(0, row.choices.find(' ')));
    return row.value == ValueKind::number || row.value == ValueKind::seconds ? "10" : "value";
}

const OptionRow* find(Program program, std::string_view name) {
    return pub_sub_options().find(only(program), name);
}

std::string nearest(Program program, std::string_view given) {
    return pub_sub_options().nearest(program, given);
}

}  // namespace

TEST_CASE("each option is stored, or refused for what it needs, not for its value") {
    for (const Program program : {Program::pub, Program::sub}) {
        pub_sub_options().for_each(only(program), [&](const OptionRow& row) {
            if (row.help.empty()) return;
            const std::string line = row.short_form() + (row.value_count() > 0 ? " " + sample(row) : "");
            const std::string wrong =
                program == Program::pub ? pub_fixture().wrong(line) : sub_fixture().wrong(line);
            CAPTURE(line);
            CHECK_MESSAGE(!wrong.starts_with(row.short_form() + ": '"), wrong);
            CHECK_MESSAGE(wrong.find("unknown") == wrong.npos, wrong);
        });
    }
}

TEST_CASE("no name is used twice, and names in rules exist") {
    for (const Program program : {Program::pub, Program::sub}) {
        std::set<std::string> names;
        pub_sub_options().for_each(only(program), [&](const OptionRow& row) {
            CAPTURE(row.names());
            if (row.short_name != 0) CHECK(names.insert(std::string(1, row.short_name)).second);
            if (!row.name.empty()) CHECK(names.insert(std::string(row.name)).second);
            CHECK((row.set != nullptr));
            CHECK((row.value == ValueKind::none) == row.argument.empty());
            for (std::string rules : {std::string(row.needs), std::string(row.excludes)}) {
                while (!rules.empty()) {
                    const std::string one = rules.substr(0, rules.find('|'));
                    rules.erase(0, one.size() + 1);
                    CHECK_MESSAGE(find(program, one.substr(0, one.find('='))) != nullptr, one);
                }
            }
        });
    }
}

TEST_CASE("an option of mqtt_sub that needs another one in mqtt_pub can be in a profile of both") {
    pub_sub_options().for_each(only(Program::pub), [&](const OptionRow& row) {
        CAPTURE(row.names());
        const OptionRow* other =
            find(Program::sub, row.name.empty() ? std::string(1, row.short_name) : row.name);
        if (other != nullptr && other != &row) CHECK((row.needs.empty() || row.shared_by_profile));
    });
}

TEST_CASE("an option is found by its names, in its programs only") {
    REQUIRE(find(Program::pub, "qos") != nullptr);
    CHECK(find(Program::pub, "qos") == find(Program::pub, "q"));
    CHECK(find(Program::sub, "qos") != find(Program::pub, "qos"));
    CHECK(find(Program::sub, "message") == nullptr);
    CHECK(find(Program::pub, "w") == nullptr);
    CHECK(find(Program::pub, "") == nullptr);
    CHECK(find(Program::pub, "q")->names() == "-q, --qos");
    CHECK(find(Program::pub, "W")->names() == "-W");
    CHECK(find(Program::pub, "ws")->names() == "--ws");
}

TEST_CASE("a misspelled name finds its option") {
    CHECK(nearest(Program::pub, "--retian") == "--retain");
    CHECK(nearest(Program::pub, "--user-name") == "--username");
    CHECK(nearest(Program::pub, "--ca-file=x") == "--cafile");
    CHECK(nearest(Program::pub, "-hots") == "--host");
    CHECK(nearest(Program::pub, "--zzzzzz") == "");
    CHECK(nearest(Program::pub, std::string(1000, 'a')) == "");
}

TEST_CASE("the beginning of a name finds its option when there is only one") {
    CHECK(nearest(Program::pub, "--conn") == "--connect-timeout");
    CHECK(nearest(Program::pub, "--insec=1") == "--insecure");
    CHECK(nearest(Program::sub, "--remove") == "--remove-retained");
    CHECK(nearest(Program::pub, "--will-") == "");
}

TEST_CASE("names that other programs use find the option, if the program has it") {
    CHECK(nearest(Program::pub, "--password=x") == "--pw or --password-file");
    CHECK(nearest(Program::pub, "--pass") == "--pw or --password-file");
    CHECK(nearest(Program::pub, "--user") == "--username");
    CHECK(nearest(Program::pub, "--clientid") == "--id");
    CHECK(nearest(Program::pub, "--timeout") == "-W");
    CHECK(nearest(Program::sub, "--json") == "-F %j");
    CHECK(nearest(Program::sub, "--ssl") == "--tls-use-os-certs");
    CHECK(nearest(Program::sub, "--ca") == "--cafile");
    CHECK(nearest(Program::pub, "--payload") == "--message");
    CHECK(nearest(Program::sub, "--payload") == "");
    CHECK(nearest(Program::sub, "--count") == "-C");
    CHECK(nearest(Program::pub, "--TOPIC") == "--topic");
    CHECK(nearest(Program::pub, "--keyfile") == "--key");
    CHECK(nearest(Program::sub, "--output") == "-F, such as -F %j for JSON");
    CHECK(nearest(Program::pub, "--message-expiry=5") == "-D publish message-expiry-interval");
    CHECK(nearest(Program::sub, "--clean").starts_with("not needed: "));
}

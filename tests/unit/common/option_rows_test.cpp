// The option table: look-up, nearest names, and that each row is understood.
#include <doctest/doctest.h>

#include "apply.hpp"
#include "option_rows.hpp"
#include "world.hpp"

using namespace mqttc;
using namespace mqttc::app;

namespace {

// A value that an option of this kind takes.
std::string sample(const OptionRow& row) {
    switch (row.id) {
        case OptionId::proxy:
            return "socks5h://localhost";
        case OptionId::websocket_path:
            return "/path";
        case OptionId::websocket_header:
            return "Name: value";
        case OptionId::psk:
            return "00ff";
        case OptionId::reconnect:
            return "forever";
        default:
            break;
    }
    switch (row.kind) {
        case ValueKind::number:
            return row.id == OptionId::max_packet_size ? "1000" : "10";
        case ValueKind::seconds:
            return "10";
        case ValueKind::choice:
            return std::string(row.choices.substr(0, row.choices.find(' ')));
        case ValueKind::url:
            return "mqtt://localhost/topic";
        default:
            return "value";
    }
}

}  // namespace

TEST_CASE("every row that is ready is applied to the options") {
    for (const Program program : {Program::pub, Program::sub}) {
        for (const OptionRow& row : option_rows()) {
            if ((row.programs & only(program)) == 0) continue;
            const std::string value = sample(row);
            Occurrence option;
            option.row = &row;
            option.long_form = !row.long_name.empty();
            option.value_count = row.values();
            option.values[0] = value;
            if (row.kind == ValueKind::property) option.values = {"publish", "content-type", "text", {}};
            OptionsBuilder builder(program);
            const auto applied = builder.apply(option, Layer::command_line);
            CAPTURE(option_name(row));
            if (row.status == OptionStatus::ready) {
                CHECK_MESSAGE(applied.has_value(), (applied ? std::string() : applied.error()));
            } else {
                REQUIRE_FALSE(applied.has_value());
                CHECK(applied.error().find("not ") != std::string::npos);
            }
        }
    }
}

TEST_CASE("an option is found by its names, in its programs only") {
    REQUIRE(find_option(Program::pub, "qos") != nullptr);
    CHECK(find_option(Program::pub, "qos") == find_option(Program::pub, 'q'));
    CHECK(find_option(Program::sub, "qos") != find_option(Program::pub, "qos"));
    CHECK(find_option(Program::sub, "message") == nullptr);
    CHECK(find_option(Program::pub, 'v') == nullptr);
    CHECK(find_option(Program::pub, "") == nullptr);
    CHECK(option_name(*find_option(Program::pub, 'q')) == "-q, --qos");
    CHECK(option_name(*find_option(Program::pub, 'W')) == "-W");
    CHECK(option_name(*find_option(Program::pub, "ws")) == "--ws");
}

TEST_CASE("a slip finds its option") {
    CHECK(nearest_option(Program::pub, "--retian") == "--retain");
    CHECK(nearest_option(Program::pub, "--user-name") == "--username");
    CHECK(nearest_option(Program::pub, "--ca-file=x") == "--cafile");
    CHECK(nearest_option(Program::pub, "-hots") == "--host");
    CHECK(nearest_option(Program::pub, "--zzzzzz") == "");
    CHECK(nearest_option(Program::pub, std::string(1000, 'a')) == "");
}

TEST_CASE("the begin of a name finds its option when there is only one") {
    CHECK(nearest_option(Program::pub, "--conn") == "--connect-timeout");
    CHECK(nearest_option(Program::pub, "--insec=1") == "--insecure");
    CHECK(nearest_option(Program::sub, "--remove") == "--remove-retained");
    CHECK(nearest_option(Program::pub, "--will-") == "");
}

TEST_CASE("names that others give to an option find it, where the program has it") {
    CHECK(nearest_option(Program::pub, "--password=x") == "--pw or --password-file");
    CHECK(nearest_option(Program::pub, "--pass") == "--pw or --password-file");
    CHECK(nearest_option(Program::pub, "--user") == "--username");
    CHECK(nearest_option(Program::pub, "--clientid") == "--id");
    CHECK(nearest_option(Program::pub, "--timeout") == "-W");
    CHECK(nearest_option(Program::sub, "--json") == "-F %j");
    CHECK(nearest_option(Program::sub, "--ssl") == "--tls-use-os-certs");
    CHECK(nearest_option(Program::sub, "--ca") == "--cafile");
    CHECK(nearest_option(Program::pub, "--payload") == "--message");
    CHECK(nearest_option(Program::sub, "--payload") == "");
    CHECK(nearest_option(Program::sub, "--count") == "-C");
    CHECK(nearest_option(Program::pub, "--format") == "");
}

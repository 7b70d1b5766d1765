// --csv: records of RFC 4180.
#include "csv_printer.hpp"

#include <doctest/doctest.h>

#include "message.hpp"

using namespace mqttc::sub;
namespace output = mqttc::output;
using mqttc::output::test::Message;

namespace {

std::string csv(std::string_view fields, const std::vector<Message>& messages) {
    output::TextBuffer out;
    const auto printer = CsvPrinter::make(fields, false, out);
    if (!printer) return "<" + printer.error() + ">";
    for (const Message& message : messages) CHECK((*printer)->take(message.view()));
    return std::string(out.view());
}

}  // namespace

TEST_CASE("CSV has a header, and quotes what needs quotes") {
    CHECK(csv("topic,payload,qos,retain", {{.topic = "a/b", .payload = "19.5"},
                                           {.topic = "c,d", .payload = "say \"hi\"\r\n", .retain = true}}) ==
          "topic,payload,qos,retain\r\na/b,19.5,0,0\r\n\"c,d\",\"say \"\"hi\"\"\r\n\",0,1\r\n");
    CHECK(csv("payload", {{.payload = ""}}) == "payload\r\n\r\n");
}

TEST_CASE("CSV: values of JSON payloads, empty where a message lacks them") {
    CHECK(csv("%{a.b}, topic ,%{c},%l", {{.topic = "t", .payload = R"({"a":{"b":"x,y"},"c":1.50})"},
                                         {.topic = "u", .payload = "no JSON"}}) ==
          "a.b,topic,c,%l\r\n\"x,y\",t,1.50,26\r\n,u,,7\r\n");
}

TEST_CASE("CSV: spaces around fields do not matter, and a field after a comma must not be missing") {
    for (const char* fields : {"topic,qos", " topic , qos ", "topic,qos  "})
        CHECK(csv(fields, {}) == csv("topic,qos", {}));
    CHECK(csv("topic ", {{.topic = "t"}}) == "topic\r\nt\r\n");
    for (const char* fields : {"", " ", "topic,", "topic ,", "topic, ", ",topic"})
        CHECK(csv(fields, {}) == "<--csv: a field is empty>");
}

TEST_CASE("CSV: a column may have several sequences, and names may have braces") {
    CHECK(csv("%{a}-%{zz},topic,%{b}", {{.topic = "t", .payload = R"({"a":1,"b":2})"}}) ==
          "%{a}-%{zz},topic,b\r\n1-,t,2\r\n");
    CHECK(csv(R"(%{x\},y},%{b})", {{.topic = "t", .payload = R"({"x},y":1,"b":2})"}}) ==
          "\"x\\},y\",b\r\n1,2\r\n");
}

TEST_CASE("CSV: wrong fields are reported") {
    CHECK(csv("topic,x", {}) ==
          "<--csv: unknown field 'x' (known fields: topic, payload, time, qos, retain, %{path})>");
    CHECK(csv("topic,", {}) == "<--csv: a field is empty>");
    CHECK(csv("", {}) == "<--csv: a field is empty>");
    CHECK(csv("%{a", {}).starts_with("<--csv: "));
}

// Payloads of Sparkplug B in both directions.
#include <doctest/doctest.h>

#include "base/encoding.hpp"
#include "sparkplug_reader.hpp"
#include "sparkplug_writer.hpp"
#include "support/hex.hpp"
#include "text_buffer.hpp"

using namespace mqttc;
using namespace mqttc::protobuf;
using mqttc::test::hex;

namespace {

std::string sparkplug_json(SparkplugReader& reader, std::string_view topic, Bytes payload) {
    output::TextBuffer out;
    output::JsonWriter json(out, output::JsonLayout::compact, false);
    return reader.read(topic, payload, json) ? std::string(out.view()) : "<" + reader.error() + ">";
}

std::string bytes_of(std::string_view json) {
    const auto bytes = write_sparkplug(json);
    return bytes ? *bytes : "<" + bytes.error() + ">";
}

// The JSON after it was encoded and decoded again.
std::string again(std::string_view json, bool readable_times = false) {
    SparkplugReader reader(readable_times);
    const std::string bytes = bytes_of(json);
    if (bytes.starts_with('<')) return bytes;
    return sparkplug_json(reader, "t", as_bytes(bytes));
}

}  // namespace

TEST_CASE("Sparkplug B: the field numbers are those of the standard") {
    CHECK(to_hex(as_bytes(bytes_of(R"({"timestamp":1,"seq":2,"uuid":"u","body":"AQ=="})"))) ==
          "080118022201752a0101");
    CHECK(to_hex(as_bytes(bytes_of(R"({"metrics":[{"name":"s","alias":5,"type":"Int32","value":-3}]})"))) ==
          "120d"
          "0a0173"
          "1005"
          "2003"
          "50fdffffff0f");
    // UInt32 is written as the field of 64 bits, and read as either.
    CHECK(to_hex(as_bytes(bytes_of(R"({"metrics":[{"alias":5,"type":"UInt32","value":3}]})"))) ==
          "1206"
          "1005"
          "2007"
          "5803");
    SparkplugReader reader(false);
    CHECK(sparkplug_json(reader, "spBv1.0/g/NDATA/n", hex("12 06 1005 2007 5003")) ==
          R"({"metrics":[{"alias":5,"type":"UInt32","value":3}]})");
}

TEST_CASE("Sparkplug B: every type of value survives both directions") {
    for (
        const char* metric : {
            R"("type":"Int8","value":-128)",
            R"("type":"Int16","value":-32768)",
            R"("type":"Int32","value":-2147483648)",
            R"("type":"Int64","value":-9223372036854775808)",
            R"("type":"UInt8","value":255)",
            R"("type":"UInt16","value":65535)",
            R"("type":"UInt32","value":4294967295)",
            R"("type":"UInt64","value":18446744073709551615)",
            R"("type":"Float","value":1.5)",
            R"("type":"Double","value":0.1)",
            R"("type":"Double","value":"NaN")",
            R"("type":"Float","value":"-Infinity")",
            R"("type":"Boolean","value":false)",
            R"("type":"String","value":"\u0001 x")",
            R"("type":"DateTime","value":1486144502122)",
            R"("type":"Text","value":"")",
            R"("type":"UUID","value":"u")",
            R"("type":"Bytes","value":"AP8=")",
            R"("type":"File","value":"")",
            R"("type":"Int32","value":null)",
            R"("type":"Int8Array","value":[-1,127])",
            R"("type":"Int16Array","value":[-2])",
            R"("type":"Int32Array","value":[-3,3])",
            R"("type":"Int64Array","value":[-4])",
            R"("type":"UInt8Array","value":[255])",
            R"("type":"UInt16Array","value":[])",
            R"("type":"UInt32Array","value":[4294967295])",
            R"("type":"UInt64Array","value":[18446744073709551615])",
            R"("type":"FloatArray","value":[1.5,-2.0])",
            R"("type":"DoubleArray","value":[0.1])",
            R"("type":"BooleanArray","value":[true,false,true,true,false,false,false,false,true])",
            R"("type":"StringArray","value":["a","","b"])",
            R"("type":"DateTimeArray","value":[1486144502122])",
            R"("type":"DataSet","value":{"numOfColumns":2,"types":["Int8","String"],"columns":["a","b"],"rows":[[-1,"x"],[null,"y"]]})",
            R"("type":"Template","value":{"version":"1","templateRef":"r","isDefinition":true,"metrics":[{"name":"m","type":"Int32","value":5}],"parameters":[{"name":"p","type":"Int8","value":-5}]})",
            R"("isHistorical":true,"isTransient":true)",
            R"("metadata":{"isMultiPart":true,"contentType":"c","size":1,"seq":2,"fileName":"f","fileType":"t","md5":"m","description":"d"})",
            R"("properties":{"engUnit":{"type":"String","value":"C"},"low":{"type":"Int16","value":-5},"none":{"value":null},"more":{"type":"PropertySet","value":{"a":{"type":"Float","value":2.0}}},"list":{"type":"PropertySetList","value":[{"b":{"type":"Boolean","value":true}}]}})",
        }) {
        const std::string json = std::string(R"({"metrics":[{"name":"m",)") + metric + "}]}";
        CHECK(again(json) == json);
    }
    // Without a type.
    CHECK(
        again(R"({"metrics":[{"value":1},{"value":1.0},{"value":true},{"value":"x"}]})") ==
        R"({"metrics":[{"type":"Int64","value":1},{"type":"Double","value":1.0},{"type":"Boolean","value":true},)"
        R"({"type":"String","value":"x"}]})");
    CHECK(
        again(R"({"timestamp":1486144502122,"metrics":[{"type":"DateTime","value":0}]})", true) ==
        R"({"timestamp":"2017-02-03T17:55:02.122Z","metrics":[{"type":"DateTime","value":"1970-01-01T00:00:00.000Z"}]})");
}

TEST_CASE("Sparkplug B: births name the metrics of later messages") {
    SparkplugReader reader(false);
    const auto read = [&](const char* topic, const char* json) {
        return sparkplug_json(reader, topic, as_bytes(bytes_of(json)));
    };
    // In a message with data, an alias is enough.
    const auto data = hex("12 04 1007 5001 18 01");
    const auto by_name = hex("12 0d 0a 01 'n' 50 feffffff0f 1802 3800");
    read("spBv1.0/g/NBIRTH/n", R"({"metrics":[{"name":"n","alias":9,"type":"Int8","value":1}],"seq":0})");
    read("spBv1.0/g/DBIRTH/n/d",
         R"({"metrics":[{"name":"temp","alias":7,"type":"Int16","value":1}],"seq":1})");
    CHECK(sparkplug_json(reader, "spBv1.0/g/DDATA/n/d", data) ==
          R"({"metrics":[{"name":"temp","alias":7,"type":"Int16","value":1}],"seq":1})");
    CHECK(sparkplug_json(reader, "spBv1.0/g/DDATA/n/other", data) ==
          R"({"metrics":[{"alias":7,"value":1}],"seq":1})");
    CHECK(reader.nodes().text() ==
          "Sparkplug B: 1 edge node, 4 messages, 0 sequence gaps, 1 metric without a name");
    CHECK(sparkplug_json(reader, "spBv1.0/g/NDATA/n", by_name) ==
          R"({"metrics":[{"name":"n","timestamp":2,"type":"Int8","value":-2}]})");
}

TEST_CASE(
    "Sparkplug B: unknown fields and types, text that is not UTF-8, and bytes that aren't an array are "
    "kept") {
    SparkplugReader reader(false);
    CHECK(sparkplug_json(reader, "t", hex("3005 3a01ff 4501000000 12 05 2063 a00601")) ==
          R"({"metrics":[{"type":99,"unknown":[[100,1]]}],"unknown":[[6,5],[7,"/w=="],[8,1]]})");
    CHECK_FALSE(reader.text_changed());
    CHECK(sparkplug_json(reader, "t", hex("12 03 0a01ff")) == "{\"metrics\":[{\"name\":\"\xef\xbf\xbd\"}]}");
    CHECK(reader.text_changed());
    CHECK(sparkplug_json(reader, "t", hex("12 06 2017 8201 01 05")) ==
          R"({"metrics":[{"type":"Int16Array","value":"BQ=="}]})");
}

TEST_CASE("Sparkplug B: malformed payloads are refused with their position") {
    SparkplugReader reader(false);
    CHECK(sparkplug_json(reader, "t", hex("0801 12 05 0a01")) ==
          "<error at byte 3: field 2 does not end in the payload>");
    CHECK(sparkplug_json(reader, "t", hex("0801 12 02 0a05")) == "<error at byte 3: field 2 cannot be read>");
    CHECK(sparkplug_json(reader, "t", hex("00")) == "<error at byte 1: it is not the number of a field>");
    // Templates in templates: deeper than the parser's limit.
    std::string nested = "\x08\x01";
    for (int i = 0; i < 60; ++i) {
        sparkplug::Template outer;
        outer.add_metrics()->mutable_template_value()->set_version("x");
        std::string bytes = outer.SerializeAsString();
        sparkplug::Metric metric;
        if (i == 0) metric.mutable_template_value()->ParseFromString(bytes);
        if (i > 0) metric.mutable_template_value()->add_metrics()->ParsePartialFromString(nested);
        nested = metric.SerializePartialAsString();
    }
    sparkplug::Payload payload;
    std::string bytes = "\x12";
    for (std::size_t size = nested.size(); size > 0; size >>= 7)
        bytes += static_cast<char>((size & 0x7f) | (size > 0x7f ? 0x80 : 0));
    CHECK(sparkplug_json(reader, "t", as_bytes(bytes + nested)) ==
          "<error at byte 1: field 2 cannot be read>");
}

TEST_CASE("Sparkplug B: JSON that cannot be encoded is refused with the path") {
    CHECK(bytes_of("[]") == "<it is not an object>");
    CHECK(bytes_of("{") ==
          "<it is not JSON from byte 2: syntax error while parsing object key - unexpected end of input>");
    CHECK(bytes_of(R"({"seq":-1})") == "<seq is not a whole number>");
    CHECK(bytes_of(R"({"sequence":1})") == "<it has the unknown member 'sequence'>");
    CHECK(bytes_of(R"({"metrics":[{"name":"a"},{"type":"Int9"}]})") ==
          "<metrics[1].type 'Int9' is not a type of Sparkplug B>");
    CHECK(bytes_of(R"({"metrics":[{"type":"UInt8","value":256}]})") ==
          "<metrics[0].value is not a number of the type UInt8>");
    CHECK(bytes_of(R"({"metrics":[{"type":"Int32","value":"x"}]})") ==
          "<metrics[0].value is not a number of the type Int32>");
    for (const char* number : {"1e300", "-3.5e38"}) {
        CHECK(bytes_of(std::string(R"({"metrics":[{"type":"Float","value":)") + number + "}]}") ==
              "<metrics[0].value is not a number of the type Float>");
        CHECK(bytes_of(std::string(R"({"metrics":[{"type":"FloatArray","value":[1,)") + number + "]}]}") ==
              "<metrics[0].value[1] is not a number of the type Float>");
    }
    // The largest one, with the fewest digits that give it.
    CHECK(again(R"({"metrics":[{"type":"Float","value":3.4028235e38}]})") ==
          R"({"metrics":[{"type":"Float","value":3.4028234663852886e+38}]})");
    CHECK(bytes_of(R"({"metrics":[{"type":"Bytes","value":"*"}]})") ==
          "<metrics[0].value is not base64: invalid base64 digit '*' at character 1>");
    CHECK(bytes_of(R"({"metrics":[{"metadata":{"x":1}}]})") ==
          "<metrics[0].metadata has the unknown member 'x'>");
    std::string deep = "1";
    for (int i = 0; i < 100; ++i) deep = R"({"metrics":[{"type":"Template","value":)" + deep + "}]}";
    CHECK(bytes_of(deep).ends_with(" is nested too deep>"));
}

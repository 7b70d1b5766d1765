// Messages of .proto files.
#include "schema.hpp"

#include <doctest/doctest.h>

#include <fstream>

#include "base/encoding.hpp"
#include "support/hex.hpp"
#include "support/temp_dir.hpp"

using namespace mqttc;
using namespace mqttc::test;
using mqttc::protobuf::Schema;

namespace {

std::string write(const TempDir& dir, const char* name, std::string_view text) {
    std::ofstream(dir.path() / name) << text;
    return dir.file(name);
}

constexpr std::string_view reading = R"(syntax = "proto3";
package lab;
import "unit.proto";
import "google/protobuf/timestamp.proto";
message Reading {
  string sensor = 1;
  double value = 2;
  repeated int64 raw = 3;
  Unit unit = 4;
  bytes id = 5;
  google.protobuf.Timestamp at = 6;
  Reading inner = 7;
}
)";
constexpr std::string_view unit =
    "syntax = \"proto3\";\npackage lab;\nenum Unit { NONE = 0; CELSIUS = 1; }\n";

}  // namespace

TEST_CASE("a message of a .proto file is written in the JSON mapping of Protocol Buffers, and read back") {
    const TempDir dir;
    write(dir, "unit.proto", unit);
    Schema schema;
    REQUIRE(schema.open(write(dir, "reading.proto", reading), "lab.Reading"));
    // What protoc --encode writes.
    const auto bytes =
        hex("0a 01 's' 11 000000000000f83f 1a 0b 01 feffffffffffffffff01 20 01 2a 01 ff "
            "32 06 0880a0f8fa05 3a 03 0a 01 'i'");
    std::string_view lost;
    const auto json = schema.decode(bytes, lost);
    REQUIRE(json);
    CHECK(*json == R"({"sensor":"s","value":1.5,"raw":["1","-2"],"unit":"CELSIUS","id":"/w==",)"
                   R"("at":"2020-09-13T12:26:40Z","inner":{"sensor":"i"}})");
    CHECK(lost.empty());
    const auto back = schema.encode(*json);
    REQUIRE(back);
    CHECK(mqttc::to_hex(as_bytes(*back)) == mqttc::to_hex(bytes));
    // A field of a later version of the file.
    CHECK(schema.decode(hex("0a 01 's' 9a01 01 00"), lost) == R"({"sensor":"s"})");
    CHECK(lost == "it has fields that the message does not define: left out");
}

TEST_CASE("errors name the file and line, the position or the field") {
    const TempDir dir;
    write(dir, "unit.proto", unit);
    const std::string file = write(dir, "reading.proto", reading);
    const auto open_error = [](const std::string& path, const char* message) {
        const auto opened = Schema().open(path, message);
        return opened ? "" : opened.error();
    };
    CHECK(open_error(dir.file("none.proto"), "M") ==
          "cannot read " + dir.file("none.proto") + ": none.proto: File not found.");
    const std::string broken = write(dir, "broken.proto", "syntax = \"proto3\";\nmessage M { int x = 1; }\n");
    CHECK(open_error(broken, "M") ==
          "cannot read " + broken + ": broken.proto:2:13: \"int\" is not defined.");
    CHECK(open_error(file, "Reading") == file + " has no message Reading (it has lab.Reading)");
    Schema schema;
    REQUIRE(schema.open(file, "lab.Reading"));
    std::string_view lost;
    CHECK(schema.decode(hex("0a 01 's' 11 00"), lost).error() ==
          "error at byte 4: field 2 does not end in the payload");
    CHECK(schema.decode(hex("0a 01 's' 3a 02 0a 05"), lost).error() ==
          "error at byte 4: field 7 cannot be read");
    CHECK(schema.encode(R"({"raw":["x"]})").error().find("raw") != std::string::npos);
    CHECK(schema.encode(R"({"other":1})").error() == "in the JSON: other: Cannot find field.");
    CHECK(schema.encode("{").error().find('\n') == std::string::npos);
}

TEST_CASE("only JSON is encoded as a message, and an error has its position") {
    const TempDir dir;
    write(dir, "unit.proto", unit);
    Schema schema;
    REQUIRE(schema.open(write(dir, "reading.proto", reading), "lab.Reading"));
    const auto begins = [&](std::string_view json, std::string_view error) {
        CAPTURE(json);
        const auto bytes = schema.encode(json);
        CHECK((!bytes && bytes.error().starts_with(error)));
    };
    begins(R"({sensor:"x"})", "it is not JSON from byte 2: ");
    begins(R"({"sensor":"x",})", "it is not JSON from byte 15: ");
    begins("{'sensor':'x'}", "it is not JSON from byte 2: ");
    begins(R"({"value":01})", "it is not JSON from byte 11: ");
    begins(std::string_view("{\"sensor\":\"\0\"}", 14), "it is not JSON: there is a NUL at byte 12");
    begins("{\"sensor\":\"\xff\"}", "it is not JSON from byte 12: ");
    begins("", "it is not JSON from byte 1: ");
    CHECK(schema.encode("\xef\xbb\xbf{\"sensor\":\"s\"}") == "\x0a\x01s");
}

TEST_CASE("a proto2 message without a required field is refused") {
    const TempDir dir;
    Schema schema;
    REQUIRE(schema.open(
        write(dir, "old.proto",
              "syntax = \"proto2\";\nmessage Old { required int32 x = 1; optional int32 y = 2; }\n"),
        "Old"));
    std::string_view lost;
    CHECK(schema.decode(hex("1001"), lost).error() == "required fields are missing: x");
    CHECK(schema.decode(hex("0801"), lost) == R"({"x":1})");
    CHECK(schema.encode(R"({"y":1})").error() == "in the JSON: missing field x");
}

TEST_CASE("groups and extensions have no JSON, and their loss is reported") {
    const TempDir dir;
    Schema schema;
    REQUIRE(schema.open(write(dir, "old.proto",
                              "syntax = \"proto2\";\nmessage Old {\n  optional int32 x = 1;\n"
                              "  optional group Part = 2 { optional int32 y = 3; }\n  optional Old next = "
                              "4;\n  optional string text = 5;\n"
                              "  extensions 100 to 199;\n}\nextend Old { optional int32 more = 100; }\n"),
                        "Old"));
    std::string_view lost;
    CHECK(schema.decode(hex("0801 2202 0802"), lost) == R"({"x":1,"next":{"x":2}})");
    CHECK(lost.empty());
    for (const char* bytes : {"0801 13 1805 14", "0801 a00605", "0801 2203 a00605"}) {
        CHECK(schema.decode(hex(bytes), lost)->starts_with(R"({"x":1)"));
        CHECK(lost == "it has groups, extensions or text that JSON cannot express: left out");
    }
    CHECK(schema.decode(hex("0801"), lost) == R"({"x":1})");
    CHECK(lost.empty());
    // The strings of proto2 are not checked by the parser; libprotobuf leaves out bytes that are not UTF-8.
    CHECK(schema.decode(hex("0801 2a 03 'a' ff 'b'"), lost) == R"({"x":1,"text":"ab"})");
    CHECK(lost == "it has groups, extensions or text that JSON cannot express: left out");
}

TEST_CASE("recursive messages are bounded") {
    const TempDir dir;
    write(dir, "unit.proto", unit);
    Schema schema;
    REQUIRE(schema.open(write(dir, "reading.proto", reading), "lab.Reading"));
    std::string bytes;
    std::string json = "{}";
    for (int i = 0; i < 200; ++i) {
        std::string head = "\x3a";
        for (std::size_t size = bytes.size();; size >>= 7) {
            head += static_cast<char>((size & 0x7f) | (size > 0x7f ? 0x80U : 0U));
            if (size <= 0x7f) break;
        }
        bytes.insert(0, head);
        json = R"({"inner":)" + json + "}";
    }
    std::string_view lost;
    CHECK_FALSE(schema.decode(as_bytes(bytes), lost));
    CHECK_FALSE(schema.encode(json));
}

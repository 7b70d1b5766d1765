// Payloads in other formats through both programs: recordings, CSV, modules that are loaded when needed, Sparkplug B.
#include <doctest/doctest.h>

#include <regex>
#include <string>
#include <string_view>
#include <vector>

#include "pub_program.hpp"
#include "sub_program.hpp"
#include "support/hex.hpp"
#include "support/pty.hpp"
#include "support/temp_dir.hpp"

using namespace mqttc;
using namespace mqttc::test;
using mqttc::broker::BrokerThread;

namespace {

std::string bytes_of(std::string_view digits) {
    return std::string(as_text(hex(digits)));
}

std::vector<std::string> received(BrokerThread& broker, std::size_t count) {
    REQUIRE(broker.wait_for_received(count));
    std::vector<std::string> all;
    for (const broker::Received& one : broker.received())
        all.push_back(one.message->topic + " " + std::string(as_text(one.message->payload)));
    return all;
}

bool maps(const Process& process, std::string_view file) {
    return has(read_file("/proc/" + std::to_string(process.pid()) + "/maps"), file);
}

}  // namespace

TEST_CASE("recordings of decoded payloads are encoded to equal bytes") {
    struct Format {
        const char* name;
        std::vector<const char*> payloads;
    };
    // Each is canonical; null and texts look like the fields of a recording themselves.
    const Format formats[] = {
        {"cbor",
         {"f6", "01", "20", "6178", "60", "646e756c6c", "f5", "f93e00", "fb3ff199999999999a",
          "a26161016162820203", "80", "a0", "c249010000000000000000", "a1677061796c6f61646178", ""}},
        {"msgpack",
         {"c0", "01", "ff", "a178", "a0", "a46e756c6c", "c3", "cb3ff8000000000000", "82a16101a1629102", "90",
          "80", "cfffffffffffffffff", "81a77061796c6f6164a178", ""}},
    };
    for (const auto& [name, payloads] : formats) {
        for (const char* form : {"%j", "%J"}) {
            CAPTURE(name);
            CAPTURE(form);
            BrokerThread first;
            Subscribed recorder(
                first, {"-t", "t", "--decode", name, "-F", form, "-C", std::to_string(payloads.size())});
            for (const char* payload : payloads) first.publish("t", bytes_of(payload));
            REQUIRE(recorder.process.wait() == ok);
            BrokerThread second;
            publish_ok(second.port(), {"-l", "--input", "json", "--encode", name, "-q", "1"},
                       recorder.process.out());
            std::vector<std::string> expected;
            for (const char* payload : payloads) expected.push_back("t " + bytes_of(payload));
            CHECK(received(second, payloads.size()) == expected);
        }
    }
}

TEST_CASE("CSV: topics and JSON objects from columns, with quotes, CRLF and line breaks") {
    BrokerThread broker;
    publish_ok(
        broker.port(), {"-l", "--input", "csv", "-t", "plant/{line}/{sensor}", "-q", "1"},
        "line,sensor,temp,note\r\n1,press,81.5,\"say \"\"hi\"\", twice\r\nin two lines\"\r\n2,oven,,007\r\n");
    publish_ok(broker.port(),
               {"-l", "--input", "csv", "--payload-column", "value", "--separator", ";", "-q", "1"},
               "topic;value;unit\na;19,5;C\n\"b;c\";\"x\";\n");
    CHECK(
        received(broker, 4) ==
        std::vector<std::string>{R"(plant/1/press {"temp":81.5,"note":"say \"hi\", twice\r\nin two lines"})",
                                 R"(plant/2/oven {"temp":null,"note":"007"})", "a 19,5", "b;c x"});
}

TEST_CASE("CSV: what --csv prints is published again as the same messages") {
    const std::string header = "topic,payload,qos,retain\r\n";
    const std::string records = "a/b,19.5,1,0\r\n\"c,d\",\"say \"\"hi\"\"\r\n\",0,0\r\ne,,1,0\r\n";
    BrokerThread broker;
    Subscribed sub(broker, {"-t", "#", "-q", "1", "--csv", "topic,payload,qos,retain", "-C", "3"});
    publish_ok(broker.port(), {"-l", "--input", "csv"}, header + records);
    CHECK(sub.process.wait() == ok);
    CHECK(sub.process.out() == header + records);
    CHECK(sub.process.err().empty());

    Subscribed fields(broker, {"-t", "#", "--csv", "time,%{a.0},%{none},topic", "-C", "2"});
    broker.publish("t", R"({"a":["x,y"]})");
    broker.publish("u", "no JSON");
    CHECK(fields.process.wait() == ok);
    const std::regex time("20..-..-..T..:..:..[+-]....");
    CHECK(std::regex_replace(fields.process.out(), time, "TIME") ==
          "time,a.0,none,topic\r\nTIME,\"x,y\",,t\r\nTIME,,,u\r\n");
}

TEST_CASE("CSV: errors name line and column") {
    BrokerThread broker;
    const Words options{"-l", "--input", "csv", "-q", "1"};
    const std::string lines = "topic,payload,qos\na,1,0\nb,\"two\nlines\",0\nc,3,9\nd,4,1\n";
    const auto ended = publish(broker.port(), options, lines);
    CHECK(ended.exit.code == 1);
    CHECK(has(ended.err, "mqtt_pub: line 5: column 3 (qos): '9' is not 0, 1 or 2"));
    CHECK(received(broker, 2).size() == 2);
    const auto skipped = publish(broker.port(), options + Words{"--skip-invalid"}, lines);
    CHECK(skipped.exit.code == 66);
    CHECK(has(skipped.err, "mqtt_pub: line 5: column 3 (qos): '9' is not 0, 1 or 2\n"));
    CHECK(received(broker, 5).back() == "d 4");
    const auto header = publish(broker.port(), options, "a,b\n1,2\n");
    CHECK(header.exit.code == 1);
    CHECK(header.err ==
          "mqtt_pub: line 1: the header has no column topic, and there is no -t (for another separator use "
          "--separator); nothing was sent\n");
}

TEST_CASE("a missing module is reported with its package") {
    struct Case {
        const char* program;
        Words options;
        const char* variable;
        const char* message;
    };
    const Case cases[] = {
        {"mqtt_sub",
         {"-t", "t", "--decode", "cbor"},
         "MQTTC_PAYLOAD_MODULE",
         "mqtt_sub: --decode: payload module /nonexistent/it.so not found: it is in the package "
         "mqttc-clients"},
        {"mqtt_pub",
         {"-t", "t", "--encode", "msgpack", "-m", "1"},
         "MQTTC_PAYLOAD_MODULE",
         "mqtt_pub: --encode: payload module /nonexistent/it.so not found: it is in the package "
         "mqttc-clients"},
        {"mqtt_sub",
         {"-t", "t", "--decode", "sparkplug"},
         "MQTTC_PROTOBUF_MODULE",
         "mqtt_sub: --decode: Protocol Buffers module /nonexistent/it.so not found: it is in the package "
         "mqttc-protobuf"},
        {"mqtt_pub",
         {"-t", "t", "--encode", "protobuf:x.proto:M", "-m", "{}"},
         "MQTTC_PROTOBUF_MODULE",
         "mqtt_pub: --encode: Protocol Buffers module /nonexistent/it.so not found: it is in the package "
         "mqttc-protobuf"},
    };
    for (const auto& [name, options, variable, message] : cases) {
        BrokerThread broker;
        CAPTURE(as_line(options));
        Command command = client(name, broker.port(), options);
        command.env.emplace_back(variable, "/nonexistent/it.so");
        const auto result = run(command);
        CHECK(result.exit.code == 1);
        CHECK(result.err == std::string(message) + " (" + variable + " may name it)\n");
    }
}

TEST_CASE("auto: a missing module is reported once, and payloads are printed as they are") {
    BrokerThread broker;
    Command command = subscriber(broker, {"-t", "#", "--decode", "auto", "-C", "3", "-F", "%x"});
    command.env.emplace_back("MQTTC_PROTOBUF_MODULE", "/nonexistent/it.so");
    Process sub(command);
    REQUIRE(wait_for_subscriptions(broker));
    broker.publish("spBv1.0/g/NDATA/n", bytes_of("1801"));
    broker.publish("spBv1.0/g/NDATA/m", bytes_of("1802"));
    broker.publish("t", "1");
    CHECK(sub.wait() == ok);
    CHECK(sub.out() == "1801\n1802\n31\n");
    CHECK(sub.err() ==
          "mqtt_sub: --decode: Protocol Buffers module /nonexistent/it.so not found: it is in the package "
          "mqttc-protobuf (MQTTC_PROTOBUF_MODULE may name it)\nmqtt_sub: 2 payloads could not be decoded\n");
}

TEST_CASE("modules and libprotobuf are mapped when a payload first needs them") {
    BrokerThread broker;
    Subscribed sub(broker, {"-V", "5", "-t", "#", "--decode", "auto"});
    const auto see = [&](const char* topic, const char* type, const char* digits, const char* out) {
        publish_ok(broker.port(), {"-V", "5", "-t", topic, "-q", "1", "--encoding", "hex", "-m", digits, "-D",
                                   "publish", "content-type", type});
        REQUIRE(sub.process.wait_out(out));
    };
    see("t", "text/plain", "31", "1\n");
    see("spBv1.0/STATE/host", "application/json", "5b20315d", "[1]\n");
    CHECK_FALSE(maps(sub.process, "mqttc-payload.so"));
    CHECK_FALSE(maps(sub.process, "libprotobuf"));
    see("t", "application/cbor", "820102", "[1,2]\n");
    CHECK(maps(sub.process, "mqttc-payload.so"));
    CHECK_FALSE(maps(sub.process, "libprotobuf"));
    see("spBv1.0/g/NDATA/n", "", "1807", "{\"seq\":7}\n");
    CHECK(maps(sub.process, "libprotobuf"));

    Subscribed plain(broker, {"-t", "#", "-F", "%j"}, 2);
    broker.publish("t", "1");
    REQUIRE(plain.process.wait_out("\n"));
    for (const char* file : {"mqttc-payload.so", "mqttc-protobuf.so", "libprotobuf", "mqttc-tls.so"})
        CHECK_FALSE(maps(plain.process, file));
}

TEST_CASE("Sparkplug B: --stats reports gaps and missing births, and --pretty writes times") {
    BrokerThread broker;
    Subscribed sub(broker, {"-v", "-t", "#", "--decode", "sparkplug", "--stats", "--pretty", "-C", "3"});
    const auto send = [&](const char* topic, const char* json) {
        publish_ok(broker.port(), {"-t", topic, "-q", "1", "--encode", "sparkplug", "-m", json});
    };
    send("spBv1.0/g/NDATA/m", R"({"seq":3})");
    send(
        "spBv1.0/g/NBIRTH/n",
        R"({"timestamp":1486144502122,"metrics":[{"name":"a","alias":1,"type":"UInt64","value":1}],"seq":0})");
    send("spBv1.0/g/NDATA/n",
         R"({"metrics":[{"alias":1,"value":18446744073709551615,"type":"UInt64"}],"seq":5})");
    CHECK(sub.process.wait() == ok);
    CHECK(sub.process.out() ==
          "spBv1.0/g/NDATA/m {\"seq\":3}\n"
          "spBv1.0/g/NBIRTH/n "
          "{\"timestamp\":\"2017-02-03T17:55:02.122Z\",\"metrics\":[{\"name\":\"a\",\"alias\":1,"
          "\"type\":\"UInt64\",\"value\":1}],\"seq\":0}\n"
          "spBv1.0/g/NDATA/n {\"metrics\":[{\"name\":\"a\",\"alias\":1,\"type\":\"UInt64\","
          "\"value\":18446744073709551615}],\"seq\":5}\n");
    CHECK(has(sub.process.err(),
              "Sparkplug B: 2 edge nodes, 3 messages, 1 sequence gap with 4 messages missing, 1 edge node "
              "without a birth"));
}

TEST_CASE("-w shows decoded payloads") {
    BrokerThread broker;
    Command command = subscriber(broker, {"-w", "-t", "#", "--decode", "cbor"});
    command.env.emplace_back("MQTTC_SCREEN_MODULE", "");
    PtyProcess sub(command, {.rows = 10, .columns = 40});
    REQUIRE(wait_for_subscriptions(broker));
    broker.publish("t", bytes_of("820102"));
    REQUIRE(sub.expect("t [1,2]"));
    sub.send_signal(SIGINT);
    CHECK(sub.wait() == ok);
}

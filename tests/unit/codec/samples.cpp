// Good packets of every kind in every version, as bytes and as structs. Bytes: hex pairs and text in quotes.
#include "samples.hpp"

#include <cstdlib>
#include <deque>
#include <initializer_list>

#include "support/hex.hpp"

namespace mqttc::test {

namespace {

constexpr auto v31 = ProtocolVersion::v31;
constexpr auto v311 = ProtocolVersion::v311;
constexpr auto v5 = ProtocolVersion::v5;
using Id = PropertyId;

/// Keeps blocks of properties for as long as the samples live.
PropertiesView keep(std::initializer_list<Property> list) {
    static std::deque<Properties> kept;
    Properties& block = kept.emplace_back();
    for (const Property& property : list) {
        if (!block.add(property)) std::abort();
    }
    return block.view();
}

Property number(Id id, std::uint32_t value) {
    return {.id = id, .number = value};
}
Property text(Id id, std::string_view value) {
    return {.id = id, .text = value};
}
Property user(std::string_view name, std::string_view value) {
    return {.id = Id::user_property, .text = value, .name = name};
}

Bytes codes(std::initializer_list<std::uint8_t> list) {
    static std::deque<std::vector<std::uint8_t>> kept;
    return kept.emplace_back(list);
}

void add_connect(std::vector<Sample>& all) {
    all.push_back({"CONNECT 3.1", v31,
                   hex("10 10"          // CONNECT, 16 bytes follow
                       "0006 'MQIsdp'"  // protocol name
                       "03 02 003c"     // level 3, clean session, keep alive 60
                       "0002 'c1'"),    // client id
                   Connect{.version = v31, .client_id = "c1"}});
    all.push_back({"CONNECT 3.1.1", v311,
                   hex("10 0c"        // CONNECT, 12 bytes follow
                       "0004 'MQTT'"  // protocol name
                       "04 02 0000"   // level 4, clean session, no keep alive
                       "0000"),       // empty client id
                   Connect{.version = v311, .keep_alive = 0}});
    all.push_back(
        {"CONNECT 3.1.1 with everything", v311,
         hex("10 1f"            // CONNECT, 31 bytes follow
             "0004 'MQTT'"      // protocol name
             "84 f4 000a"       // level 4 of a bridge, all flags but clean session, will QoS 2, keep alive 10
             "0002 'c1'"        // client id
             "0003 'w/t'"       // will topic
             "0002 00ff"        // will payload
             "0001 'u'"         // user name
             "0003 'p'00'w'"),  // password
         Connect{.version = v311,
                 .clean_start = false,
                 .keep_alive = 10,
                 .client_id = "c1",
                 .will = Will{.topic = "w/t",
                              .payload = codes({0x00, 0xff}),
                              .qos = Qos::exactly_once,
                              .retain = true},
                 .username = "u",
                 .password = codes({'p', 0, 'w'}),
                 .bridge = true}});
    all.push_back({"CONNECT 5", v5,
                   hex("10 0d"        // CONNECT, 13 bytes follow
                       "0004 'MQTT'"  // protocol name
                       "05 02 003c"   // level 5, clean start, keep alive 60
                       "00"           // no properties
                       "0000"),       // empty client id
                   Connect{.version = v5}});
    all.push_back(
        {"CONNECT 5 with everything", v5,
         hex("10 59"        // CONNECT, 89 bytes follow
             "0004 'MQTT'"  // protocol name
             "05 ce ffff"   // level 5, user name, password, will QoS 1, clean start, longest keep alive
             "26"           // 38 bytes of properties
             "11 0000000a"  // session expiry 10
             "21 0014"      // receive maximum 20
             "27 00010000"  // maximum packet size 65536
             "22 000a"      // topic alias maximum 10
             "19 01 17 00"  // request response information yes, problem information no
             "26 0001'k' 0001'v'"         // user property
             "15 0003'abc' 16 0002 dead"  // authentication method and data
             "0002 'c1'"                  // client id
             "19"                         // 25 bytes of will properties
             "18 00000005 01 01"          // will delay 5, payload is text
             "02 0000000a"                // message expiry 10
             "03 0001't' 08 0001'r'"      // content type, response topic
             "09 0002 0001"               // correlation data
             "0001 'w' 0001 'm'"          // will topic and payload
             "0000 0000"),                // empty user name and password
         Connect{.version = v5,
                 .clean_start = true,
                 .keep_alive = 0xffff,
                 .client_id = "c1",
                 .will = Will{.topic = "w",
                              .payload = codes({'m'}),
                              .qos = Qos::at_least_once,
                              .retain = false,
                              .properties = keep({number(Id::will_delay_interval, 5),
                                                  number(Id::payload_format_indicator, 1),
                                                  number(Id::message_expiry_interval, 10),
                                                  text(Id::content_type, "t"), text(Id::response_topic, "r"),
                                                  text(Id::correlation_data, std::string_view("\0\1", 2))})},
                 .username = "",
                 .password = Bytes{},
                 .properties = keep(
                     {number(Id::session_expiry_interval, 10), number(Id::receive_maximum, 20),
                      number(Id::maximum_packet_size, 65536), number(Id::topic_alias_maximum, 10),
                      number(Id::request_response_information, 1), number(Id::request_problem_information, 0),
                      user("k", "v"), text(Id::authentication_method, "abc"),
                      text(Id::authentication_data, "\xde\xad")})}});
    all.push_back({"CONNECT 5 with a password only", v5,
                   hex("10 10"        // CONNECT, 16 bytes follow
                       "0004 'MQTT'"  // protocol name
                       "05 42 003c"   // level 5, password, clean start, keep alive 60
                       "00 0000"      // no properties, empty client id
                       "0001 'p'"),   // password
                   Connect{.version = v5, .password = codes({'p'})}});
}

void add_connack(std::vector<Sample>& all) {
    all.push_back({"CONNACK 3.1 refused", v31, hex("20 02 00 05"),  // not authorized
                   Connack{.code = 5}});
    all.push_back({"CONNACK 3.1.1", v311, hex("20 02 01 00"),  // session present, accepted
                   Connack{.session_present = true}});
    all.push_back({"CONNACK 5", v5, hex("20 03 00 87 00"),  // not authorized, no properties
                   Connack{.code = reason::not_authorized}});
    all.push_back(
        {"CONNACK 5 with everything", v5,
         hex("20 44"                         // CONNACK, 68 bytes follow
             "01 00"                         // session present, success
             "41"                            // 65 bytes of properties
             "11 ffffffff 21 ffff"           // session never expires, receive maximum 65535
             "24 01 25 00"                   // maximum QoS 1, no retained messages
             "27 ffffffff 12 0002'id'"       // maximum packet size, assigned client id
             "22 0001 1f 0002'ok'"           // topic alias maximum 1, reason string
             "26 0000 0000 26 0001'a' 0000"  // two user properties
             "28 00 29 00 2a 01"     // no wildcards, no subscription identifiers, shared subscriptions
             "13 0000 1a 0001'i'"    // server keep alive off, response information
             "1c 0001's'"            // server reference
             "15 0001'm' 16 0000"),  // authentication method and data
         Connack{.session_present = true,
                 .code = 0,
                 .properties = keep(
                     {number(Id::session_expiry_interval, 0xffffffff), number(Id::receive_maximum, 0xffff),
                      number(Id::maximum_qos, 1), number(Id::retain_available, 0),
                      number(Id::maximum_packet_size, 0xffffffff), text(Id::assigned_client_identifier, "id"),
                      number(Id::topic_alias_maximum, 1), text(Id::reason_string, "ok"), user("", ""),
                      user("a", ""), number(Id::wildcard_subscription_available, 0),
                      number(Id::subscription_identifier_available, 0),
                      number(Id::shared_subscription_available, 1), number(Id::server_keep_alive, 0),
                      text(Id::response_information, "i"), text(Id::server_reference, "s"),
                      text(Id::authentication_method, "m"), text(Id::authentication_data, "")})}});
}

void add_publish(std::vector<Sample>& all) {
    for (const auto version : {v31, v311}) {
        all.push_back({"PUBLISH 3.x at QoS 0 without payload", version,
                       hex("30 05"         // PUBLISH, 5 bytes follow
                           "0003 'a/b'"),  // topic
                       Publish{.topic = "a/b"}});
        all.push_back({"PUBLISH 3.x at QoS 2, DUP and retained", version,
                       hex("3d 0a"       // PUBLISH, DUP, QoS 2, retain, 10 bytes follow
                           "0003 'a/b'"  // topic
                           "ffff"        // packet identifier 65535
                           "'21'00"),    // payload
                       Publish{.topic = "a/b",
                               .payload = codes({'2', '1', 0}),
                               .qos = Qos::exactly_once,
                               .retain = true,
                               .dup = true,
                               .packet_id = 0xffff}});
    }
    all.push_back({"PUBLISH 5 at QoS 0", v5,
                   hex("30 0e"              // PUBLISH, 14 bytes follow
                       "0007 'home/' c3a9"  // topic home/é
                       "00"                 // no properties
                       "'21.5'"),           // payload
                   Publish{.topic = "home/\xc3\xa9", .payload = as_bytes("21.5")}});
    all.push_back(
        {"PUBLISH 5 with everything", v5,
         hex("32 34"                      // PUBLISH at QoS 1, 52 bytes follow
             "0001 't' 0001"              // topic, packet identifier 1
             "2c"                         // 44 bytes of properties
             "01 01 02 00000e10 23 0007"  // text, expires in 3600 s, topic alias 7
             "08 0003'r/t' 09 0001 ff"    // response topic, correlation data
             "26 0001'k' 0001'1'"         // user property
             "26 0001'k' 0001'2'"         // again
             "0b 01 0b ffffff7f"          // subscription identifiers 1 and 268435455
             "03 0000"                    // empty content type
             "'!!'"),                     // payload
         Publish{.topic = "t",
                 .payload = as_bytes("!!"),
                 .qos = Qos::at_least_once,
                 .packet_id = 1,
                 .properties =
                     keep({number(Id::payload_format_indicator, 1), number(Id::message_expiry_interval, 3600),
                           number(Id::topic_alias, 7), text(Id::response_topic, "r/t"),
                           text(Id::correlation_data, "\xff"), user("k", "1"), user("k", "2"),
                           number(Id::subscription_identifier, 1),
                           number(Id::subscription_identifier, 268'435'455), text(Id::content_type, "")})}});
    all.push_back(
        {"PUBLISH 5 with a topic alias instead of a topic", v5,
         hex("30 07"       // PUBLISH, 7 bytes follow
             "0000"        // no topic
             "03 23 0001"  // topic alias 1
             "'x'"),       // payload
         Publish{.topic = "", .payload = as_bytes("x"), .properties = keep({number(Id::topic_alias, 1)})}});
}

void add_acks(std::vector<Sample>& all) {
    for (const auto version : {v31, v311, v5}) {
        all.push_back(
            {"PUBACK in short", version, hex("40 02 0001"), Ack{.type = PacketType::puback, .packet_id = 1}});
        all.push_back({"PUBREC in short", version, hex("50 02 0100"),
                       Ack{.type = PacketType::pubrec, .packet_id = 256}});
        all.push_back({"PUBREL in short", version, hex("62 02 ffff"),
                       Ack{.type = PacketType::pubrel, .packet_id = 0xffff}});
        all.push_back({"PUBCOMP in short", version, hex("70 02 0002"),
                       Ack{.type = PacketType::pubcomp, .packet_id = 2}});
    }
    all.push_back({"PUBACK 5 with a code", v5, hex("40 03 0001 10"),  // no matching subscribers
                   Ack{.type = PacketType::puback, .packet_id = 1, .code = 0x10}});
    all.push_back({"PUBREC 5 with a reason", v5,
                   hex("50 0a 0001 97"      // quota exceeded
                       "06 1f 0003'odd'"),  // reason string
                   Ack{.type = PacketType::pubrec,
                       .packet_id = 1,
                       .code = reason::quota_exceeded,
                       .properties = keep({text(Id::reason_string, "odd")})}});
    all.push_back(
        {"PUBREL 5 with a code", v5, hex("62 03 0001 92"),
         Ack{.type = PacketType::pubrel, .packet_id = 1, .code = reason::packet_identifier_not_found}});
    all.push_back({"PUBCOMP 5 with a user property", v5,
                   hex("70 0b 0001 00"            // success
                       "07 26 0001'k' 0001'v'"),  // user property
                   Ack{.type = PacketType::pubcomp, .packet_id = 1, .properties = keep({user("k", "v")})}});
}

void add_subscribe(std::vector<Sample>& all) {
    for (const auto version : {v31, v311}) {
        all.push_back(
            {"SUBSCRIBE 3.x", version,
             hex("82 0f 000a"        // SUBSCRIBE, 15 bytes follow, packet identifier 10
                 "0003 'a/#' 02"     // filter, QoS 2
                 "0004 '+/b/' 00"),  // filter, QoS 0
             Subscribe{.packet_id = 10,
                       .subscriptions = {{.filter = "a/#", .qos = Qos::exactly_once}, {.filter = "+/b/"}}}});
        all.push_back({"SUBACK 3.x", version, hex("90 06 000a 00 01 02 80"),
                       Suback{.packet_id = 10, .codes = codes({0, 1, 2, 0x80})}});
        all.push_back({"UNSUBSCRIBE 3.x", version,
                       hex("a2 08 000b"  // UNSUBSCRIBE, 8 bytes follow, packet identifier 11
                           "0001 '#'"    // filter
                           "0001 'b'"),  // filter
                       Unsubscribe{.packet_id = 11, .filters = {"#", "b"}}});
        all.push_back({"UNSUBACK 3.x", version, hex("b0 02 000b"), Unsuback{.packet_id = 11}});
    }
    all.push_back({"SUBSCRIBE 5", v5,
                   hex("82 1c 000a"                   // SUBSCRIBE, 28 bytes follow, packet identifier 10
                       "03 0b 8001"                   // subscription identifier 128
                       "0001 '#' 2d"                  // QoS 1, no local, as published, never retained
                       "000f '$share/g/home/+' 11"),  // QoS 1, retained if new
                   Subscribe{.packet_id = 10,
                             .subscriptions = {{.filter = "#",
                                                .qos = Qos::at_least_once,
                                                .no_local = true,
                                                .retain_as_published = true,
                                                .retain_handling = RetainHandling::send_never},
                                               {.filter = "$share/g/home/+",
                                                .qos = Qos::at_least_once,
                                                .retain_handling = RetainHandling::send_if_new}},
                             .properties = keep({number(Id::subscription_identifier, 128)})}});
    all.push_back({"SUBACK 5", v5,
                   hex("90 0b 000a"       // SUBACK, 11 bytes follow, packet identifier 10
                       "06 1f 0003'few'"  // reason string
                       "02 9e"),          // QoS 2; shared subscriptions not supported
                   Suback{.packet_id = 10,
                          .codes = codes({0x02, 0x9e}),
                          .properties = keep({text(Id::reason_string, "few")})}});
    all.push_back({"UNSUBSCRIBE 5", v5,
                   hex("a2 0d 000b"             // UNSUBSCRIBE, 13 bytes follow, packet identifier 11
                       "07 26 0001'k' 0001'v'"  // user property
                       "0001 '+'"),             // filter
                   Unsubscribe{.packet_id = 11, .filters = {"+"}, .properties = keep({user("k", "v")})}});
    all.push_back({"UNSUBACK 5", v5, hex("b0 05 000b 00 00 11"),  // success; no subscription existed
                   Unsuback{.packet_id = 11, .codes = codes({0x00, 0x11})}});
}

void add_others(std::vector<Sample>& all) {
    for (const auto version : {v31, v311, v5}) {
        all.push_back({"PINGREQ", version, hex("c0 00"), Pingreq{}});
        all.push_back({"PINGRESP", version, hex("d0 00"), Pingresp{}});
        all.push_back({"DISCONNECT in short", version, hex("e0 00"), Disconnect{}});
    }
    all.push_back(
        {"DISCONNECT 5 with a code", v5, hex("e0 01 04"), Disconnect{.code = reason::disconnect_with_will}});
    all.push_back({"DISCONNECT 5 with properties", v5,
                   hex("e0 0d 9d"                       // server moved
                       "0b 11 00000000 1c 0003'b:1'"),  // session expires at once, server reference
                   Disconnect{.code = reason::server_moved,
                              .properties = keep({number(Id::session_expiry_interval, 0),
                                                  text(Id::server_reference, "b:1")})}});
    all.push_back({"AUTH 5 in short", v5, hex("f0 00"), Auth{}});
    all.push_back({"AUTH 5", v5,
                   hex("f0 0b 18"                      // continue authentication
                       "09 15 0001'm' 16 0002 0102"),  // method and data
                   Auth{.code = reason::continue_authentication,
                        .properties = keep({text(Id::authentication_method, "m"),
                                            text(Id::authentication_data, "\x01\x02")})}});
}

}  // namespace

const std::vector<Sample>& samples() {
    static const std::vector<Sample> all = [] {
        std::vector<Sample> list;
        add_connect(list);
        add_connack(list);
        add_publish(list);
        add_acks(list);
        add_subscribe(list);
        add_others(list);
        return list;
    }();
    return all;
}

}  // namespace mqttc::test

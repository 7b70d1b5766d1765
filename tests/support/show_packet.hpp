// A packet as one line of text with all its fields, for comparisons in tests.
#pragma once

#include <string>
#include <string_view>
#include <variant>

#include "mqttc/packet.hpp"

namespace mqttc::test {

class PacketText {
  public:
    std::string operator()(const Connect& packet) {
        add("version", packet.version);
        add("clean", packet.clean_start);
        add("keep_alive", packet.keep_alive);
        add("bridge", packet.bridge);
        text("client_id", packet.client_id);
        if (packet.will) {
            text("will_topic", packet.will->topic);
            text("will_payload", as_text(packet.will->payload));
            add("will_qos", packet.will->qos);
            add("will_retain", packet.will->retain);
            properties("will_properties", packet.will->properties);
        }
        if (packet.username) text("username", *packet.username);
        if (packet.password) text("password", as_text(*packet.password));
        properties("properties", packet.properties);
        return std::move(line_);
    }
    std::string operator()(const Connack& packet) {
        add("session_present", packet.session_present);
        add("code", packet.code);
        properties("properties", packet.properties);
        return std::move(line_);
    }
    std::string operator()(const Publish& packet) {
        text("topic", packet.topic);
        text("payload", as_text(packet.payload));
        add("qos", packet.qos);
        add("retain", packet.retain);
        add("dup", packet.dup);
        add("id", packet.packet_id);
        properties("properties", packet.properties);
        return std::move(line_);
    }
    std::string operator()(const Ack& packet) {
        add("id", packet.packet_id);
        add("code", packet.code);
        properties("properties", packet.properties);
        return std::move(line_);
    }
    std::string operator()(const Subscribe& packet) {
        add("id", packet.packet_id);
        for (const Subscription& subscription : packet.subscriptions) {
            text("filter", subscription.filter);
            add("qos", subscription.qos);
            add("no_local", subscription.no_local);
            add("as_published", subscription.retain_as_published);
            add("handling", subscription.retain_handling);
        }
        properties("properties", packet.properties);
        return std::move(line_);
    }
    std::string operator()(const Suback& packet) {
        return codes(packet.packet_id, packet.codes, packet.properties);
    }
    std::string operator()(const Unsubscribe& packet) {
        add("id", packet.packet_id);
        for (const std::string_view filter : packet.filters) text("filter", filter);
        properties("properties", packet.properties);
        return std::move(line_);
    }
    std::string operator()(const Unsuback& packet) {
        return codes(packet.packet_id, packet.codes, packet.properties);
    }
    std::string operator()(const Pingreq&) { return {}; }
    std::string operator()(const Pingresp&) { return {}; }
    std::string operator()(const Disconnect& packet) {
        add("code", packet.code);
        properties("properties", packet.properties);
        return std::move(line_);
    }
    std::string operator()(const Auth& packet) {
        add("code", packet.code);
        properties("properties", packet.properties);
        return std::move(line_);
    }

  private:
    template <class Value>
    void add(std::string_view name, Value value) {
        line_ += ' ';
        line_ += name;
        line_ += '=';
        line_ += std::to_string(static_cast<unsigned>(value));
    }
    void text(std::string_view name, std::string_view value) {
        line_ += ' ';
        line_ += name;
        line_ += "='";
        line_ += value;
        line_ += '\'';
    }
    void properties(std::string_view name, PropertiesView view) {
        for (const Property& property : view) {
            line_ += ' ';
            line_ += name;
            line_ += '.';
            line_ += find_property(property.id)->name;
            add("", property.number);
            text(property.name, property.text);
        }
    }
    std::string codes(PacketId id, Bytes codes, PropertiesView view) {
        add("id", id);
        for (const std::uint8_t code : codes) add("code", code);
        properties("properties", view);
        return std::move(line_);
    }

    std::string line_;
};

/// "PUBLISH topic='a/b' payload='x' qos=0 …"
inline std::string show(const Packet& packet) {
    return std::string(packet_type_name(type_of(packet))) + std::visit(PacketText{}, packet);
}

}  // namespace mqttc::test

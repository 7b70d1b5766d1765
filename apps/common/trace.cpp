// Packets as lines for -d.
#include "trace.hpp"

#include "base/escape.hpp"
#include "mqttc/packet.hpp"

namespace mqttc::app {
namespace {

std::string named(std::string_view text) {
    return " " + in_quotes(text);
}

std::string number(std::string_view name, std::uint32_t value) {
    return std::string(" ").append(name).append(" ").append(std::to_string(value));
}

std::string qos_of(Qos qos) {
    return number("qos", static_cast<std::uint32_t>(qos));
}

// A packet may have millions of properties or codes; these many bytes are shown.
constexpr std::size_t max_list = 4 * 1024;

std::string properties_of(PropertiesView properties) {
    std::string out;
    for (const Property& property : properties) {
        const PropertyInfo* info = find_property(property.id);
        if (info == nullptr) continue;
        if (out.size() > max_list) return out.append(", \xe2\x80\xa6 (more properties)");
        out.append(", ").append(info->name);
        switch (info->type) {
            case PropertyType::utf8:
                out.append(named(property.text));
                break;
            case PropertyType::utf8_pair:
                out.append(named(property.name)).append(named(property.text));
                break;
            case PropertyType::binary:
                out.append(" ").append(std::to_string(property.text.size())).append(" bytes");
                break;
            default:
                out.append(" ").append(std::to_string(property.number));
        }
    }
    return out;
}

std::string code_of(PacketType type, ReasonCode code) {
    if (code == reason::success) return {};
    std::string out = number("code", code);
    return out.append(" (").append(reason_name(type, code)).append(")");
}

struct Describe {
    ProtocolVersion version;

    std::string operator()(const Connect& packet) const {
        std::string out = named(packet.client_id);
        out.append(number("version", static_cast<std::uint32_t>(packet.version)));
        out.append(packet.clean_start ? " clean" : " resuming");
        out.append(number("keepalive", packet.keep_alive));
        if (packet.username) out.append(" user").append(named(*packet.username));
        if (packet.password) out.append(" with password");
        if (packet.will) out.append(" will").append(named(packet.will->topic));
        return out.append(properties_of(packet.properties));
    }
    std::string operator()(const Connack& packet) const {
        std::string out = number("code", packet.code);
        if (packet.session_present) out.append(" session present");
        return out.append(properties_of(packet.properties));
    }
    std::string operator()(const Publish& packet) const {
        std::string out = qos_of(packet.qos);
        if (packet.packet_id != 0) out.insert(0, number("id", packet.packet_id));
        if (packet.retain) out.append(" retain");
        if (packet.dup) out.append(" dup");
        out.append(named(packet.topic))
            .append(" ")
            .append(std::to_string(packet.payload.size()))
            .append(" bytes");
        return out.append(properties_of(packet.properties));
    }
    std::string operator()(const Ack& packet) const {
        return number("id", packet.packet_id)
            .append(code_of(packet.type, packet.code))
            .append(properties_of(packet.properties));
    }
    std::string operator()(const Subscribe& packet) const {
        std::string out = number("id", packet.packet_id);
        for (const Subscription& subscription : packet.subscriptions) {
            if (out.size() > max_list) break;
            out.append(named(subscription.filter)).append(qos_of(subscription.qos));
            if (version != ProtocolVersion::v5) continue;
            if (subscription.no_local) out.append(" no-local");
            if (subscription.retain_as_published) out.append(" retain-as-published");
            if (subscription.retain_handling != RetainHandling::send_always) {
                out.append(
                    number("retain-handling", static_cast<std::uint32_t>(subscription.retain_handling)));
            }
        }
        return out.append(properties_of(packet.properties));
    }
    std::string operator()(const Suback& packet) const {
        return codes(PacketType::suback, packet.packet_id, packet.codes, packet.properties);
    }
    std::string operator()(const Unsubscribe& packet) const {
        std::string out = number("id", packet.packet_id);
        for (const std::string_view filter : packet.filters) {
            if (out.size() > max_list) break;
            out.append(named(filter));
        }
        return out.append(properties_of(packet.properties));
    }
    std::string operator()(const Unsuback& packet) const {
        return codes(PacketType::unsuback, packet.packet_id, packet.codes, packet.properties);
    }
    std::string operator()(const Pingreq&) const { return {}; }
    std::string operator()(const Pingresp&) const { return {}; }
    std::string operator()(const Disconnect& packet) const {
        return code_of(PacketType::disconnect, packet.code).append(properties_of(packet.properties));
    }
    std::string operator()(const Auth& packet) const {
        return code_of(PacketType::auth, packet.code).append(properties_of(packet.properties));
    }

    static std::string codes(PacketType type, PacketId id, Bytes codes, PropertiesView properties) {
        std::string out = number("id", id);
        if (!codes.empty()) out.append(" codes");
        for (const ReasonCode code : codes) {
            if (out.size() > max_list) return out.append(" \xe2\x80\xa6");
            out.append(" ").append(std::to_string(code));
            // The others are a QoS, or success.
            if (code > reason::granted_qos_2) out.append(" (").append(reason_name(type, code)).append(")");
        }
        return out.append(properties_of(properties));
    }
};

}  // namespace

std::string describe_packet(const Packet& packet, ProtocolVersion version) {
    return std::string(packet_type_name(type_of(packet))).append(std::visit(Describe{version}, packet));
}

void DebugTrace::sent(const Packet& packet) {
    if (const auto* connect = std::get_if<Connect>(&packet)) version_ = connect->version;
    messages_.always("sent " + describe_packet(packet, version_));
}
void DebugTrace::received(const Packet& packet) {
    messages_.always("received " + describe_packet(packet, version_));
}
void DebugTrace::ignored(const Packet& packet) {
    messages_.always("ignored " + std::string(packet_type_name(type_of(packet))) +
                     ", which answers no request of this client");
}

}  // namespace mqttc::app

// -D: from its three or four values to a checked property.
#include "property_option.hpp"

#include <algorithm>
#include <array>

#include "mqttc/topic.hpp"
#include "values.hpp"

namespace mqttc::app {
namespace {

struct Command {
    std::string_view name;
    PacketSet where;
};

constexpr std::array commands{
    Command{"connect", packet_bit(PacketType::connect)},
    Command{"publish", packet_bit(PacketType::publish)},
    Command{"will", will_properties_bit},
    Command{"subscribe", packet_bit(PacketType::subscribe)},
    Command{"unsubscribe", packet_bit(PacketType::unsubscribe)},
    Command{"disconnect", packet_bit(PacketType::disconnect)},
};

// Scripts write the command in either case.
bool is_command(std::string_view word, std::string_view name) {
    const auto lower = [](char letter) {
        return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter + 32) : letter;
    };
    return std::ranges::equal(word, name, {}, lower);
}

const PropertyInfo* info_of(PropertyId id) {
    return find_property(static_cast<std::uint8_t>(id));
}

}  // namespace

std::expected<PropertyOption, std::string> to_property(const Occurrence& option) {
    const auto command = std::ranges::find_if(
        commands, [&](const Command& known) { return is_command(option.values[0], known.name); });
    if (command == commands.end()) {
        return std::unexpected(
            quoted(option.values[0])
                .append(" is not one of connect, publish, will, subscribe, unsubscribe, disconnect"));
    }
    const PropertyInfo* info = find_property(option.values[1]);
    if (info == nullptr) return std::unexpected(quoted(option.values[1]).append(" is no property of MQTT 5"));
    const std::string name(info->name);
    // What packets of both sides may carry, but not ours (sections 3.3.4 and 3.14.2.2.5).
    const bool from_broker = (info->id == PropertyId::subscription_identifier &&
                              command->where == packet_bit(PacketType::publish)) ||
                             info->id == PropertyId::server_reference;
    const bool known = (info->packets & command->where) != 0;
    if (!known || from_broker) {
        return std::unexpected(name + " is not allowed for " + std::string(command->name) +
                               (known ? ": only a broker sends it" : ""));
    }
    PropertyOption property;
    property.where = command->where;
    property.id = info->id;
    const std::string_view value = option.values[2];
    if (info->type == PropertyType::utf8_pair) {
        property.name = value;
        property.text = option.values[3];
    } else if (is_text(info->type)) {
        property.text = value;
    } else {
        const auto number = to_number(value, info->min, info->max);
        if (!number) return std::unexpected(name + ": " + number.error());
        property.number = static_cast<std::uint32_t>(*number);
    }
    Properties probe;
    if (const auto added = add_to(probe, property); !added) {
        return std::unexpected(name + ": " + std::string(describe(added.error())));
    }
    if (info->id == PropertyId::response_topic) {
        if (const auto fault = check_topic_name(value)) return std::unexpected(explain(*fault, value));
    }
    return property;
}

bool repeatable(const PropertyOption& property) {
    const PropertyInfo* info = info_of(property.id);
    return info != nullptr && (info->repeatable & property.where) != 0;
}

std::expected<void, CodecError> add_to(Properties& properties, const PropertyOption& property) {
    const PropertyInfo* info = info_of(property.id);
    if (info == nullptr) return std::unexpected(CodecError::property_not_allowed);
    if (info->type == PropertyType::utf8_pair)
        return properties.add_user_property(property.name, property.text);
    if (is_text(info->type)) return properties.add(property.id, property.text);
    return properties.add(property.id, property.number);
}

}  // namespace mqttc::app

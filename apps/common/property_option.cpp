// -D: from its three or four values to a checked property.
#include "property_option.hpp"

#include <algorithm>
#include <array>
#include <vector>

#include "base/escape.hpp"
#include "base/text.hpp"
#include "mqttc/topic.hpp"
#include "nearest.hpp"
#include "option_values.hpp"

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

// Without what a packet may carry only when the broker sends it (sections 3.3.4 and 3.14.2.2.5).
bool takes(const Command& command, const PropertyInfo& info) {
    const bool from_broker = (info.id == PropertyId::subscription_identifier &&
                              command.where == packet_bit(PacketType::publish)) ||
                             info.id == PropertyId::server_reference;
    return (info.packets & command.where) != 0 && !from_broker;
}

std::string unknown_property(const Command& command, std::string_view given) {
    std::string message("unknown MQTT 5 property ");
    message += in_quotes(given);
    const std::string_view near = nearest_name(given, properties_of(command.name));
    if (near.empty()) return message.append(": the manual page lists them under -D");
    return message.append(" (did you mean ").append(near).append("?)");
}

std::string not_for(const Command& command, const PropertyInfo& info) {
    std::string message(info.name);
    message.append(" is not allowed for ").append(command.name).append(": ");
    std::string others;
    for (const Command& other : commands) {
        if (!takes(other, info)) continue;
        others.append(others.empty() ? "it is for " : ", ").append(other.name);
    }
    const bool sent_here = (info.packets & command.where) != 0;
    return message.append(others.empty() || sent_here ? "only a broker sends it" : others);
}

}  // namespace

std::vector<std::string_view> properties_of(std::string_view command) {
    const auto found = std::ranges::find(commands, command, &Command::name);
    std::vector<std::string_view> names;
    if (found == commands.end()) return names;
    for (const PropertyInfo& info : property_table()) {
        if (takes(*found, info)) names.push_back(info.name);
    }
    return names;
}

std::expected<PropertyOption, std::string> to_property(std::span<const std::string_view> values) {
    // Scripts write the command in either case.
    const auto command = std::ranges::find(commands, to_lower(values[0]), &Command::name);
    if (command == commands.end()) {
        std::string message = in_quotes(values[0]).append(" is not one of");
        for (const Command& known : commands)
            message.append(message.ends_with("of") ? " " : ", ").append(known.name);
        return std::unexpected(std::move(message));
    }
    const PropertyInfo* info = find_property(values[1]);
    if (info == nullptr) return std::unexpected(unknown_property(*command, values[1]));
    const std::string name(info->name);
    if (!takes(*command, *info)) return std::unexpected(not_for(*command, *info));
    PropertyOption property;
    property.where = command->where;
    property.id = info->id;
    const std::string_view value = values[2];
    if (info->type == PropertyType::utf8_pair) {
        property.name = value;
        property.text = values[3];
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
    const PropertyInfo* info = find_property(property.id);
    return info != nullptr && (info->repeatable & property.where) != 0;
}

std::expected<void, CodecError> add_to(Properties& properties, const PropertyOption& property) {
    return properties.add(
        {.id = property.id, .number = property.number, .text = property.text, .name = property.name});
}

}  // namespace mqttc::app

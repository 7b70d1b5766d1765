// Creates messages from PUBLISH packets, with the properties that are forwarded.
#include "message.hpp"

#include <cstring>

namespace mqttc::broker {
namespace {

bool is_per_hop(PropertyId id) {
    return id == PropertyId::topic_alias || id == PropertyId::message_expiry_interval ||
           id == PropertyId::will_delay_interval || id == PropertyId::subscription_identifier;
}

Properties forwarded(PropertiesView from) {
    bool all = true;
    for (const auto& property : from) all = all && !is_per_hop(property.id);
    if (all) return Properties(from);
    Properties kept;
    for (const auto& property : from) {
        if (!is_per_hop(property.id)) (void)kept.add(property);
    }
    return kept;
}

}  // namespace

MessagePtr make_message(const Publish& publish, std::string_view topic, std::string_view from, Block block,
                        Time now) {
    auto message = std::make_shared<Message>();
    message->topic = topic;
    message->from = from;
    message->qos = publish.qos;
    message->retain = publish.retain;
    if (!publish.properties.empty()) {
        message->properties = forwarded(publish.properties);
        if (const auto expiry = publish.properties.find(PropertyId::message_expiry_interval))
            message->expires = now + std::chrono::seconds(expiry->number);
    }
    if (block) {
        message->block = std::move(block);
        message->payload = publish.payload;
    } else if (!publish.payload.empty()) {
        auto copy = std::make_shared_for_overwrite<std::uint8_t[]>(publish.payload.size());
        std::memcpy(copy.get(), publish.payload.data(), publish.payload.size());
        message->payload = Bytes(copy.get(), publish.payload.size());
        message->block = std::move(copy);
    }
    return message;
}

}  // namespace mqttc::broker

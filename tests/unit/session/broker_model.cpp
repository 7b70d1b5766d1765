// The small broker of the cutting tests.
#include "broker_model.hpp"

#include <algorithm>

#include "mqttc/codec.hpp"

namespace mqttc::test {

void BrokerModel::opened() {
    input_.clear();
    output.clear();
    published_here_.clear();
    unfinished_here_.clear();
}

void BrokerModel::closed() {
    connected_ = false;
}

void BrokerModel::receive(std::uint8_t byte) {
    input_.push_back(byte);
    const auto frame = next_frame(input_);
    if (!frame) {
        violations.emplace_back("bytes that are not a packet");
        return;
    }
    if (!*frame) return;
    const auto packet = decode(**frame, version_);
    if (packet) {
        take(*packet);
    } else {
        violations.emplace_back("a bad packet");
    }
    input_.clear();
}

void BrokerModel::publish(std::string payload, Qos qos) {
    outgoing_.push_back({++last_id_, std::move(payload), qos, false});
    if (connected_) send(outgoing_.back(), false);
}

void BrokerModel::take(const Packet& packet) {
    if (const auto* connect = std::get_if<Connect>(&packet)) {
        const bool present = keeps_ && has_session_ && !connect->clean_start;
        if (!present) {
            received_.clear();
            outgoing_.clear();
            last_id_ = 0;
        }
        has_session_ = connected_ = true;
        Properties properties;
        if (receive_maximum_ != 0)
            static_cast<void>(properties.add(PropertyId::receive_maximum, receive_maximum_));
        send(Connack{present, 0, properties.view()});
        for (const Outgoing& message : outgoing_) {
            if (message.released) {
                send(Ack{PacketType::pubrel, message.id, 0, {}});
            } else {
                send(message, true);
            }
        }
    } else if (const auto* publish = std::get_if<Publish>(&packet)) {
        take_publish(*publish);
    } else if (const auto* ack = std::get_if<Ack>(&packet)) {
        take_ack(*ack);
    } else {
        violations.emplace_back("an unexpected packet");
    }
}

void BrokerModel::take_publish(const Publish& publish) {
    if (!published_here_.insert(publish.packet_id).second)
        violations.emplace_back("PUBLISH twice on one connection");
    unfinished_here_.insert(publish.packet_id);
    if (receive_maximum_ != 0 && unfinished_here_.size() > receive_maximum_)
        violations.emplace_back("more messages unacknowledged than the receive maximum");
    if (publish.qos == Qos::at_least_once) {
        delivered.emplace_back(as_text(publish.payload));
        unfinished_here_.erase(publish.packet_id);
        send(Ack{PacketType::puback, publish.packet_id, 0, {}});
        return;
    }
    if (!received_.emplace(publish.packet_id, as_text(publish.payload)).second && !publish.dup) {
        violations.emplace_back("PUBLISH again without DUP");
    }
    send(Ack{PacketType::pubrec, publish.packet_id, 0, {}});
}

void BrokerModel::take_ack(const Ack& ack) {
    if (ack.type == PacketType::pubrel) {
        if (const auto received = received_.extract(ack.packet_id))
            delivered.push_back(std::move(received.mapped()));
        unfinished_here_.erase(ack.packet_id);
        send(Ack{PacketType::pubcomp, ack.packet_id, 0, {}});
        return;
    }
    const auto found = std::find_if(outgoing_.begin(), outgoing_.end(),
                                    [&](const Outgoing& one) { return one.id == ack.packet_id; });
    if (found == outgoing_.end()) {
        violations.emplace_back("an acknowledgement of an unknown message");
    } else if (ack.type == PacketType::pubrec) {
        found->released = true;
        send(Ack{PacketType::pubrel, ack.packet_id, 0, {}});
    } else {
        outgoing_.erase(found);
    }
}

void BrokerModel::send(const Packet& packet) {
    if (!encode(packet, version_, output)) violations.emplace_back("the broker cannot encode its packet");
}

void BrokerModel::send(const Outgoing& message, bool dup) {
    Publish publish;
    publish.topic = "topic";
    publish.payload = as_bytes(message.payload);
    publish.qos = message.qos;
    publish.dup = dup;
    publish.packet_id = message.id;
    send(publish);
}

}  // namespace mqttc::test

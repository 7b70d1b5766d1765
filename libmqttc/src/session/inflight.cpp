// The store of unfinished outgoing messages: intrusive queues over reused slots, found by identifier in one
// step.
#include "inflight.hpp"

namespace mqttc {

OutgoingMessage* Inflight::add(PacketIds& ids, PacketId wanted) {
    if (free_.empty()) {
        if (slots_.size() == max_messages) return nullptr;
        free_.reserve(slots_.size() + 1);
        slots_.push_back(std::make_unique<OutgoingMessage>());
        slots_.back()->slot = static_cast<PacketIds::Owner>(slots_.size());
        free_.push_back(slots_.back().get());
    }
    OutgoingMessage* message = free_.back();
    PacketId id = wanted;
    if (wanted == 0) {
        id = ids.take(message->slot);
    } else if (!ids.claim(wanted, message->slot)) {
        return nullptr;
    }
    if (id == 0) return nullptr;
    free_.pop_back();
    message->id = id;
    message->stage = OutgoingMessage::Stage::publish;
    message->on_wire = message->attempted = message->pubrel_resent = message->refused = false;
    append(waiting_, *message);
    ++size_;
    return message;
}

OutgoingMessage* Inflight::find(const PacketIds& ids, PacketId id) const {
    const PacketIds::Owner owner = ids.owner(id);
    if (owner == PacketIds::unowned || owner > slots_.size()) return nullptr;
    return slots_[owner - 1U].get();
}

void Inflight::move_to_sent(OutgoingMessage& message) {
    remove(message.on_wire ? sent_ : waiting_, message);
    message.on_wire = true;
    append(sent_, message);
}

void Inflight::finish(OutgoingMessage& message, PacketIds& ids) {
    remove(message.on_wire ? sent_ : waiting_, message);
    ids.release(message.id);
    message.id = 0;
    message.payload = {};
    message.packet.clear();
    if (message.packet.capacity() > kept_capacity) message.packet.shrink_to_fit();
    free_.push_back(&message);
    --size_;
}

void Inflight::closed(std::uint64_t sent_position) {
    Queue all;
    while (OutgoingMessage* message = sent_.first_) {
        if (message->begin < sent_position) message->attempted = true;
        message->on_wire = false;
        remove(sent_, *message);
        append(all, *message);
    }
    while (OutgoingMessage* message = waiting_.first_) {
        message->refused = false;
        remove(waiting_, *message);
        append(all, *message);
    }
    waiting_ = all;
}

void Inflight::append(Queue& queue, OutgoingMessage& message) {
    message.previous = queue.last_;
    message.next = nullptr;
    (queue.last_ != nullptr ? queue.last_->next : queue.first_) = &message;
    queue.last_ = &message;
}

void Inflight::remove(Queue& queue, OutgoingMessage& message) {
    (message.previous != nullptr ? message.previous->next : queue.first_) = message.next;
    (message.next != nullptr ? message.next->previous : queue.last_) = message.previous;
    message.previous = message.next = nullptr;
}

}  // namespace mqttc

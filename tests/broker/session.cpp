// A session's queue and its messages in flight.
#include "session.hpp"

#include <algorithm>

namespace mqttc::broker {

StoredWill make_will(const Will& will, std::string_view client_id, Time now) {
    const Publish publish{.topic = will.topic,
                          .payload = will.payload,
                          .qos = will.qos,
                          .retain = will.retain,
                          .properties = will.properties};
    StoredWill stored{.message = make_message(publish, will.topic, client_id, nullptr, now),
                      .delay = will.properties.number_or(PropertyId::will_delay_interval, 0),
                      .expiry = {}};
    if (const auto expiry = will.properties.find(PropertyId::message_expiry_interval))
        stored.expiry = expiry->number;
    return stored;
}

bool Session::enqueue(Outgoing outgoing, std::size_t max_messages, std::size_t max_bytes) {
    if (queued_.size() >= max_messages || queued_bytes_ >= max_bytes) return false;
    queued_bytes_ += outgoing.message->payload.size();
    queued_.push_back(std::move(outgoing));
    return true;
}

const Outgoing* Session::start_next(std::size_t window, Time now) {
    if (in_flight_.size() - waiting_ >= window) return nullptr;
    if (waiting_ > 0) {
        const auto next = std::find_if(in_flight_.begin(), in_flight_.end(),
                                       [](const Outgoing& outgoing) { return outgoing.waiting; });
        next->waiting = false;
        --waiting_;
        return &*next;
    }
    while (!queued_.empty()) {
        queued_bytes_ -= queued_.front().message->payload.size();
        const bool expired = queued_.front().message->expired(now);
        if (!expired) {
            in_flight_.push_back(std::move(queued_.front()));
            in_flight_.back().packet_id = free_id();
        }
        queued_.pop_front();
        if (!expired) return &in_flight_.back();
    }
    return nullptr;
}

Session::Found Session::puback(PacketId id) {
    const auto found = find(id);
    if (found == in_flight_.end()) return Found::no;
    if (found->qos != Qos::at_least_once) return Found::wrong_kind;
    const bool in_order = is_oldest(found);
    complete(found);
    return in_order ? Found::yes : Found::out_of_order;
}

Session::Found Session::pubrec(PacketId id, bool refused) {
    const auto found = find(id);
    if (found == in_flight_.end()) return Found::no;
    if (found->qos != Qos::exactly_once) return Found::wrong_kind;
    const bool in_order = found->released || is_oldest(found);
    if (refused) {
        complete(found);
    } else {
        found->released = true;
        if (found->waiting) --waiting_;
        found->waiting = false;
    }
    return in_order ? Found::yes : Found::out_of_order;
}

Session::Found Session::pubcomp(PacketId id) {
    const auto found = find(id);
    if (found == in_flight_.end()) return Found::no;
    if (found->qos != Qos::exactly_once || !found->released) return Found::wrong_kind;
    complete(found);
    return Found::yes;
}

void Session::forget(PacketId id) {
    if (const auto found = find(id); found != in_flight_.end()) complete(found);
}

void Session::reconnected() {
    waiting_ = 0;
    for (auto& outgoing : in_flight_) {
        outgoing.again = true;
        outgoing.waiting = !outgoing.released;
        if (outgoing.waiting) ++waiting_;
    }
}

bool Session::is_oldest(std::deque<Outgoing>::iterator delivery) {
    return std::none_of(in_flight_.begin(), delivery, [&](const Outgoing& earlier) {
        return earlier.qos == delivery->qos && !earlier.released && !earlier.waiting;
    });
}

void Session::complete(const std::deque<Outgoing>::iterator& delivery) {
    if (delivery->waiting) --waiting_;
    in_flight_.erase(delivery);
}

std::deque<Outgoing>::iterator Session::find(PacketId id) {
    return std::find_if(in_flight_.begin(), in_flight_.end(),
                        [id](const Outgoing& outgoing) { return outgoing.packet_id == id; });
}

PacketId Session::free_id() {
    // This ends because the window is smaller than the number of identifiers.
    do {
        ++last_id_;
    } while (last_id_ == 0 || find(last_id_) != in_flight_.end());
    return last_id_;
}

}  // namespace mqttc::broker

// --remove-retained: publishes an empty retained message for each topic it is given.
#include "retained_cleaner.hpp"

#include "base/escape.hpp"
#include "number_format.hpp"

namespace mqttc::sub {

void RetainedCleaner::add(std::string_view topic) {
    ++given_;
    const std::size_t bytes = topic.size() + sizeof(std::string);
    if (waiting_bytes_ + bytes > max_waiting_bytes) {
        if (!warned_) messages_.warning("too many retained messages at once; run again to clear the rest");
        warned_ = true;
        return;
    }
    waiting_.emplace_back(topic);
    waiting_bytes_ += bytes;
}

void RetainedCleaner::publish(Client& client) {
    while (!waiting_.empty() && client.can_publish(Qos::at_least_once)) {
        std::string topic = std::move(waiting_.front());
        waiting_.pop_front();
        waiting_bytes_ -= topic.size() + sizeof(std::string);
        Publish message;
        message.topic = topic;
        message.qos = client.session().limits().maximum_qos == Qos::at_most_once ? Qos::at_most_once
                                                                                 : Qos::at_least_once;
        message.retain = true;
        const auto id = client.publish(message);
        if (!id) {
            messages_.warning("cannot clear the retained message of " + in_quotes(topic) + ": " +
                              id.error().context);
        } else if (*id != 0) {
            unacknowledged_.insert_or_assign(*id, std::move(topic));
        } else {
            ++cleared_;
        }
    }
}

void RetainedCleaner::delivered(PacketId id, ReasonCode code) {
    const auto found = unacknowledged_.find(id);
    if (found == unacknowledged_.end()) return;
    if (code >= reason::unspecified_error) {
        messages_.warning("the broker did not clear the retained message of " + in_quotes(found->second) +
                          ": " + std::string(reason_name(PacketType::puback, code)));
    } else {
        ++cleared_;
    }
    unacknowledged_.erase(found);
}

std::string RetainedCleaner::account() const {
    return std::to_string(cleared_) + " of " + app::count_text(given_, "retained message") + " cleared";
}

}  // namespace mqttc::sub

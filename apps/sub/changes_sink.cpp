// --only-changes.
#include "changes_sink.hpp"

namespace mqttc::sub {

bool ChangesSink::take(const Publish& message) {
    const Digest topic = sha1(message.topic);
    const Digest payload = sha1(as_text(message.payload));
    const auto known = last_.find(topic);
    if (known != last_.end() && known->second == payload) return leave_out();
    if (!pass(message)) return false;
    if (known != last_.end()) {
        known->second = payload;
    } else if (last_.size() < max_topics) {
        last_.emplace(topic, payload);
    } else if (!std::exchange(full_reported_, true)) {
        messages_.warning("--only-changes compares " + std::to_string(max_topics) +
                          " topics: of further ones every message is printed");
    }
    return true;
}

}  // namespace mqttc::sub

// --field and --only-changes, for every output.
#include "forwarding_sinks.hpp"

#include "base/escape.hpp"

namespace mqttc::sub {

bool FieldSink::take(const Publish& message) {
    value_.clear();
    const output::FieldResult result = output::find_field(as_text(message.payload), field_, value_);
    if (result != output::FieldResult::found) {
        if (!silent_)
            messages_.error("a message on topic " + in_quotes(message.topic) +
                            " is not printed: " + output::field_error(result, field_));
        return leave_out();
    }
    Publish shown = message;
    shown.payload = as_bytes(value_.view());
    return pass(shown);
}

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
        messages_.warning("--only-changes remembers " + std::to_string(max_topics) +
                          " topics; messages on further topics are always printed");
    }
    return true;
}

}  // namespace mqttc::sub

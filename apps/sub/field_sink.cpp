// --field for every output.
#include "field_sink.hpp"

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

}  // namespace mqttc::sub

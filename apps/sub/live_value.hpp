// What a row of -w shows of a message: the payload or a value of it (--field), and a line (-F).
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "json_field.hpp"
#include "live_model.hpp"
#include "message_sink.hpp"
#include "text_buffer.hpp"

namespace mqttc::sub {

class LiveValue {
  public:
    /// All empty: the payload.
    std::unique_ptr<output::TextBuffer> line_out;  ///< where `line` prints to; before it, which refers to it
    std::unique_ptr<output::MessageSink> line;     ///< prints a message by -F; shown instead of the columns
    std::optional<output::FieldPath> field;

    /// Valid until the next call, and as long as the message.
    LiveModel::Shown of(const Publish& message) {
        if (line) {
            line_out->clear();
            static_cast<void>(line->take(message));
            return {.text = as_text(message.payload), .line = line_out->view()};
        }
        if (!field) return {.text = as_text(message.payload)};
        if (!value_) value_ = std::make_unique<output::TextBuffer>();
        value_->clear();
        const output::FieldResult result = output::find_field(as_text(message.payload), *field, *value_);
        if (result == output::FieldResult::found) return {.text = value_->view()};
        missing_ = "(" + output::field_error(result, *field) + ")";
        return {.text = missing_, .is_value = false};
    }

  private:
    std::unique_ptr<output::TextBuffer> value_;
    std::string missing_;
};

}  // namespace mqttc::sub

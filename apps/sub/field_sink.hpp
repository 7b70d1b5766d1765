// --field: one value of a JSON payload in place of the payload, for every output.
#pragma once

#include "forwarding_sink.hpp"
#include "json_field.hpp"
#include "messages.hpp"
#include "text_buffer.hpp"

namespace mqttc::sub {

class FieldSink final : public ForwardingSink {
  public:
    /// `silent`: a message without the value is left out without a line. `messages` must outlive the sink.
    FieldSink(std::unique_ptr<output::MessageSink> next, output::FieldPath field, bool silent,
              app::Messages& messages)
        : ForwardingSink(std::move(next)), field_(std::move(field)), silent_(silent), messages_(messages) {}
    bool take(const Publish& message) override;

  private:
    output::FieldPath field_;
    bool silent_;
    app::Messages& messages_;
    output::TextBuffer value_;
};

}  // namespace mqttc::sub

// --csv: messages as comma-separated values (RFC 4180).
#pragma once

#include <expected>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "format.hpp"
#include "message_sink.hpp"
#include "text_buffer.hpp"

namespace mqttc::sub {

/// A header line, then a record for each message; lines end with CR LF. A field that a message lacks is empty.
class CsvPrinter final : public output::MessageSink {
  public:
    /// `fields`: names with commas between them: topic, payload, time, qos, retain, %{path} for a value of JSON payloads, or
    /// another sequence of -F. `out` must outlive the printer. Error: one line that names the field.
    static std::expected<std::unique_ptr<output::MessageSink>, std::string> make(std::string_view fields,
                                                                                 bool terminal,
                                                                                 output::TextBuffer& out);

    bool take(const Publish& message) override;

  private:
    explicit CsvPrinter(output::TextBuffer& out) : out_(out) {}
    void put(std::string_view text, bool first);

    output::TextBuffer& out_;
    std::vector<output::Format> columns_;
    std::vector<std::string> names_;
    bool header_printed_ = false;
    output::TextBuffer field_;
};

}  // namespace mqttc::sub

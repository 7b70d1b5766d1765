// Prints messages: payload only, with the topic (-v), or by a format (-F).
#pragma once

#include <expected>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "base/escape.hpp"
#include "format.hpp"
#include "message_sink.hpp"
#include "messages.hpp"
#include "text_buffer.hpp"

namespace mqttc::output {

/// How a message without a format looks.
struct PlainLayout {
    bool topic = false;
    bool newline = true;
    bool terminal = false;  ///< control characters from the broker are escaped
    bool color = false;
};

/// Payload, or topic and payload. An empty payload prints nothing, with topic and newline "topic (null)".
class PlainPrinter final : public MessageSink {
  public:
    PlainPrinter(TextBuffer& out, PlainLayout layout) : out_(out), layout_(layout) {}
    bool take(const Publish& message) override;

  private:
    /// On a terminal, with colours, and empty or large payloads.
    void take_slowly(const Publish& message);
    void put(std::string_view text, LineBreaks breaks);
    void put_dim(std::string_view text);

    TextBuffer& out_;
    PlainLayout layout_;
};

/// By a format. A message that it cannot print is reported.
class FormatPrinter final : public MessageSink {
  public:
    /// `out` and `messages` must outlive the printer. Error: one line for the user.
    static std::expected<std::unique_ptr<MessageSink>, std::string> make(std::string_view format,
                                                                         FormatOptions options, bool newline,
                                                                         TextBuffer& out,
                                                                         app::Messages& messages);
    FormatPrinter(TextBuffer& out, Format format, bool newline, app::Messages& messages)
        : out_(out), format_(std::move(format)), newline_(newline), messages_(messages) {}
    bool take(const Publish& message) override;
    bool counts() const override { return counts_; }

  private:
    void report(RenderError error, const Publish& message) const;

    TextBuffer& out_;
    Format format_;
    bool newline_;
    bool counts_ = true;
    app::Messages& messages_;
};

}  // namespace mqttc::output

// Prints messages: payload only, with the topic (-v), or by a format (-F).
#pragma once

#include <string_view>
#include <utility>

#include "base/escape.hpp"
#include "format.hpp"
#include "message_sink.hpp"
#include "messages.hpp"
#include "options.hpp"
#include "text_buffer.hpp"

namespace mqttc::output {

/// Payload, or topic and payload with -v. An empty payload prints nothing, with -v "topic (null)".
class PlainPrinter final : public MessageSink {
  public:
    PlainPrinter(TextBuffer& out, const app::SubOptions& options, bool terminal, bool color)
        : out_(out),
          verbose_(options.verbose),
          newline_(!options.no_newline),
          terminal_(terminal),
          color_(color) {}
    bool take(const Publish& message) override;

  private:
    /// On a terminal, with colours, and empty or large payloads.
    void take_slowly(const Publish& message);
    void put(std::string_view text, LineBreaks breaks);
    void put_dim(std::string_view text);

    TextBuffer& out_;
    bool verbose_;
    bool newline_;
    bool terminal_;
    bool color_;
};

class FormatPrinter final : public MessageSink {
  public:
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

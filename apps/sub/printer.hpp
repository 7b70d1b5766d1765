// Prints messages: payload only, with the topic (-v), by a format (-F), or their number each second
// (--message-rate).
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <string>
#include <string_view>

#include "format.hpp"
#include "message_sink.hpp"
#include "messages.hpp"
#include "options.hpp"
#include "text_buffer.hpp"

namespace mqttc::sub {

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

class RatePrinter final : public MessageSink {
  public:
    explicit RatePrinter(TextBuffer& out) : out_(out) {}
    bool take(const Publish& /*message*/) override {
        ++count_;
        return true;
    }
    std::optional<Duration> interval() const override { return std::chrono::seconds(1); }
    void tick() override;
    /// Messages of the last, incomplete second.
    void finish() override {
        if (count_ > 0) tick();
    }

  private:
    TextBuffer& out_;
    std::uint64_t count_ = 0;
};

/// The sink that the options select. `is_terminal`: stdout is one; then control characters from the broker are
/// escaped unless --raw is given. `out` and `messages` must outlive the sink. Error: the format is wrong, or -w without
/// a terminal; one line for the user.
std::expected<std::unique_ptr<MessageSink>, std::string> make_printer(const app::SubOptions& options,
                                                                      bool is_terminal, TextBuffer& out,
                                                                      app::Messages& messages);

}  // namespace mqttc::sub

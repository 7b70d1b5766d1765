// Prints messages: payload only, with the topic (-v), by a format (-F), or their number each second
// (--message-rate).
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <string>
#include <string_view>

#include "buffer.hpp"
#include "format.hpp"
#include "messages.hpp"
#include "options.hpp"
#include "sink.hpp"

namespace mqttc::sub {

/// Payload, or topic and payload with -v. An empty payload prints nothing, with -v "topic (null)".
class PlainPrinter final : public Sink {
  public:
    PlainPrinter(Buffer& out, const app::SubOptions& options, bool terminal)
        : out_(out), verbose_(options.verbose), newline_(!options.no_newline), terminal_(terminal) {}
    bool take(const Publish& message) override;

  private:
    /// On a terminal, and what is empty or large.
    void take_unusual(std::string_view topic, std::string_view payload);

    Buffer& out_;
    bool verbose_;
    bool newline_;
    bool terminal_;
};

class FormatPrinter final : public Sink {
  public:
    FormatPrinter(Buffer& out, Format format, bool newline, const app::Messages& messages)
        : out_(out), format_(std::move(format)), newline_(newline), messages_(messages) {}
    bool take(const Publish& message) override;
    bool counts() const override { return counts_; }

  private:
    void complain(FormatTrouble trouble, const Publish& message) const;

    Buffer& out_;
    Format format_;
    bool newline_;
    bool counts_ = true;
    const app::Messages& messages_;
};

class RatePrinter final : public Sink {
  public:
    explicit RatePrinter(Buffer& out) : out_(out) {}
    bool take(const Publish& /*message*/) override {
        ++count_;
        return true;
    }
    std::optional<Duration> interval() const override { return std::chrono::seconds(1); }
    void tick() override;
    /// What came in the second that was not over.
    void finish() override {
        if (count_ > 0) tick();
    }

  private:
    Buffer& out_;
    std::uint64_t count_ = 0;
};

/// What the options ask for: one of the above, or another sink. `is_terminal`: stdout is one; then control characters from the broker are made
/// visible unless --raw is given. `out` and `messages` must outlive the sink. Error: the format is wrong, or
/// -w without a terminal; one line for people.
std::expected<std::unique_ptr<Sink>, std::string> make_printer(const app::SubOptions& options,
                                                               bool is_terminal, Buffer& out,
                                                               const app::Messages& messages);

}  // namespace mqttc::sub

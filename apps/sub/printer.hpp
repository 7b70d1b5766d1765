// What happens to the messages, as the options select it: they are printed, counted each second (--message-rate), ...
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <string>
#include <string_view>

#include "message_sink.hpp"
#include "messages.hpp"
#include "options.hpp"
#include "text_buffer.hpp"

namespace mqttc::sub {

class RatePrinter final : public output::MessageSink {
  public:
    explicit RatePrinter(output::TextBuffer& out) : out_(out) {}
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
    output::TextBuffer& out_;
    std::uint64_t count_ = 0;
};

/// The sink that the options select. `is_terminal`: stdout is one; then control characters from the broker are
/// escaped unless --raw is given. `out` and `messages` must outlive the sink. Error: the format is wrong, or -w without
/// a terminal; one line for the user.
std::expected<std::unique_ptr<output::MessageSink>, std::string> make_printer(const app::SubOptions& options,
                                                                              bool is_terminal,
                                                                              output::TextBuffer& out,
                                                                              app::Messages& messages);

}  // namespace mqttc::sub

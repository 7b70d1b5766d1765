// Sinks before another one, which change or leave out messages: --field and --only-changes.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <memory>
#include <unordered_map>
#include <utility>

#include "base/sha1.hpp"
#include "json_field.hpp"
#include "message_sink.hpp"
#include "messages.hpp"
#include "text_buffer.hpp"

namespace mqttc::sub {

/// Passes everything on. A derived class overrides take(), which calls pass() or leave_out() for each message.
class ForwardingSink : public output::MessageSink {
  public:
    explicit ForwardingSink(std::unique_ptr<output::MessageSink> next) : next_(std::move(next)) {}
    std::expected<void, std::string> start() override { return next_->start(); }
    void attach(Client& client) override { next_->attach(client); }
    bool busy() const override { return next_->busy(); }
    bool unfinished() const override { return next_->unfinished(); }
    bool acknowledges_at_once() const override { return next_->acknowledges_at_once(); }
    bool counts() const final { return passed_ && next_->counts(); }
    std::optional<Duration> interval() const override { return next_->interval(); }
    void tick() override { next_->tick(); }
    bool shows_state() const override { return next_->shows_state(); }
    void show_state(std::string_view state) override { next_->show_state(state); }
    void finish() override { next_->finish(); }
    void conclude(bool at_once) override { next_->conclude(at_once); }
    int exit_code() const override { return next_->exit_code(); }

  protected:
    bool pass(const Publish& message) {
        passed_ = true;
        return next_->take(message);
    }
    /// The message is done with, and doesn't count.
    bool leave_out() {
        passed_ = false;
        return true;
    }

  private:
    std::unique_ptr<output::MessageSink> next_;
    bool passed_ = true;
};

/// --field: one value of a JSON payload in place of the payload.
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

/// --only-changes: leaves out a message whose payload equals the last one of its topic.
class ChangesSink final : public ForwardingSink {
  public:
    /// Of further topics every message is printed. A topic takes about 80 bytes, whatever its payload.
    static constexpr std::size_t max_topics = 100'000;

    /// `messages` must outlive the sink.
    ChangesSink(std::unique_ptr<output::MessageSink> next, app::Messages& messages)
        : ForwardingSink(std::move(next)), messages_(messages) {}
    bool take(const Publish& message) override;

  private:
    using Digest = std::array<std::uint8_t, 20>;
    struct Hash {
        std::size_t operator()(const Digest& digest) const {
            std::size_t value = 0;
            std::memcpy(&value, digest.data(), sizeof value);
            return value;
        }
    };

    std::unordered_map<Digest, Digest, Hash> last_;  // the payload's by the topic's
    app::Messages& messages_;
    bool full_reported_ = false;
};

}  // namespace mqttc::sub

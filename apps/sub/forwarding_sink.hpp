// A sink before another one, which changes or leaves out messages.
#pragma once

#include <memory>
#include <utility>

#include "message_sink.hpp"

namespace mqttc::sub {

/// Passes everything on. A derived class overrides take(), and says with pass() or leave_out() what becomes of a message.
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
    void conclude() override { next_->conclude(); }
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

}  // namespace mqttc::sub

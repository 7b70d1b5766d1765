// -w without a full screen: each topic has a line, with its last value, age, rate and a small curve, drawn in place.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

#include "live_model.hpp"
#include "live_rows.hpp"
#include "live_value.hpp"
#include "message_sink.hpp"
#include "messages.hpp"
#include "screen.hpp"
#include "text_buffer.hpp"

namespace mqttc::sub {

class LiveTable final : public output::MessageSink {
  public:
    struct Environment {
        std::function<ScreenSize()> size;
        std::function<Time()> now;
    };

    /// `out` must outlive the table.
    LiveTable(output::TextBuffer& out, LiveValue value, Environment environment)
        : out_(out), value_(std::move(value)), environment_(std::move(environment)) {}
    ~LiveTable() override;

    /// For `messages` that are written to the same terminal: they appear above the table. `messages` must outlive it.
    void share_terminal(app::Messages& messages);

    void attach(Client& client) override;
    bool take(const Publish& message) override;
    std::optional<Duration> interval() const override { return std::chrono::milliseconds(100); }
    void tick() override;
    void finish() override;

  private:
    std::string before_line();
    void forget_drawing();
    std::size_t room() const;
    void draw();
    void draw_entry(const LiveEntry& entry, std::string_view name, std::size_t topic_columns,
                    std::size_t columns, Time now);

    output::TextBuffer& out_;
    LiveValue value_;
    Environment environment_;
    app::Messages* messages_ = nullptr;
    LiveModel model_;
    LiveRows rows_;
    std::size_t rows_drawn_ = 0;
    ScreenSize drawn_for_;
    bool changed_ = false;
    std::int64_t second_drawn_ = -1;
};

}  // namespace mqttc::sub

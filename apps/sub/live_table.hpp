// -w: a live table on the terminal. Each topic has a line, with its last value, age, rate and a small curve.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "json_field.hpp"
#include "message_sink.hpp"
#include "messages.hpp"
#include "text_buffer.hpp"

namespace mqttc::sub {

struct ScreenSize {
    std::size_t rows = 24;
    std::size_t columns = 80;
    bool operator==(const ScreenSize&) const = default;
};

class LiveTable final : public MessageSink {
  public:
    /// Topics beyond this are counted, not shown.
    static constexpr std::size_t max_topics = 10'000;
    /// How much of a value is kept.
    static constexpr std::size_t max_value = 1024;

    struct World {
        std::function<ScreenSize()> size;
        std::function<Time()> now;
    };

    /// What a line shows. All empty: the payload.
    struct Shown {
        std::unique_ptr<TextBuffer> line_out;  ///< where `line` prints to; before it, which refers to it
        std::unique_ptr<MessageSink> line;     ///< prints a message by -F; instead of the columns
        std::optional<FieldPath> field;
    };

    /// `out` must outlive the table.
    LiveTable(TextBuffer& out, Shown shown, World world)
        : out_(out), shown_(std::move(shown)), world_(std::move(world)) {}
    ~LiveTable() override;

    /// For `messages` that are written to the same terminal: they appear above the table. `messages` must outlive it.
    void share_terminal(app::Messages& messages);

    void attach(Client& client) override;
    bool take(const Publish& message) override;
    std::optional<Duration> interval() const override { return std::chrono::milliseconds(100); }
    void tick() override;
    void finish() override;

  private:
    static constexpr std::size_t curve_points = 12;

    struct Entry {
        std::size_t topic_width = 0;  // in columns
        std::string value;            // one line, visible
        std::uint64_t count = 0;
        std::uint64_t count_before = 0;  // at the start of the current second
        std::uint64_t rate = 0;          // in the second before
        Time last{};
        std::array<double, curve_points> numbers{};
        std::size_t numbers_known = 0;

        void set(std::string_view text);
    };

    std::string before_line();
    void show_value(const Publish& message, Entry& entry);
    void forget_drawing();
    std::size_t room() const;
    void draw();
    void draw_entry(const std::string& topic, const Entry& entry, std::size_t topic_columns,
                    std::size_t columns, Time now);
    void new_second(Time now);

    TextBuffer& out_;
    Shown shown_;
    World world_;
    app::Messages* messages_ = nullptr;
    std::map<std::string, Entry, std::less<>> entries_;  // by topic, visible and cut
    std::size_t widest_topic_ = 0;
    std::uint64_t left_out_ = 0;  // messages of topics beyond max_topics
    std::size_t rows_drawn_ = 0;
    ScreenSize drawn_for_;
    bool changed_ = false;
    Time second_start_{};
};

/// The size of the terminal `fd`; 24 x 80 when it is unknown.
ScreenSize terminal_size(int fd);
/// Whether both are the same terminal.
bool same_terminal(int one, int other);

}  // namespace mqttc::sub

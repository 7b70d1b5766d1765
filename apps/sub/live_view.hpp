// -w on a full screen: a list or tree of topics that can be scrolled, sorted and filtered, and the details of one.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <string>

#include "live_model.hpp"
#include "live_picture.hpp"
#include "live_rows.hpp"
#include "live_value.hpp"
#include "message_sink.hpp"
#include "messages.hpp"
#include "screen.hpp"
#include "text_buffer.hpp"

namespace mqttc::sub {

class LiveView final : public output::MessageSink {
  public:
    /// Messages of the program that are kept until the end; of more the first ones are dropped.
    static constexpr std::size_t max_notes = 100;
    static constexpr std::size_t max_filter = 256;

    /// What the user sees besides the messages.
    struct Facts {
        std::string broker;           ///< "localhost:1883"
        std::string filters;          ///< "home/#"
        std::string command_options;  ///< to reach this broker: " -h broker.example -u anna"
        std::string format = {};      ///< of -F
        bool whole_payloads = true;   ///< values are payloads, not parts of them or decoded
        bool takes_messages = true;   ///< `messages` are written to this terminal: the last line shows them
    };
    struct Environment {
        std::function<Time()> now;
        std::function<output::WallTime()> wall;
        std::function<void()> quit;                   ///< ends the run
        std::function<void(std::string_view)> write;  ///< to the terminal at once, waiting for it
    };

    /// `out` and `messages` must outlive the view. Lines of `messages` are shown in the last line, and written at the end.
    LiveView(output::TextBuffer& out, app::Messages& messages, std::unique_ptr<Screen> screen,
             LiveValue value, Facts facts, Environment environment);
    ~LiveView() override;

    void attach(Client& client) override;
    bool take(const Publish& message) override;
    std::optional<Duration> interval() const override { return std::chrono::milliseconds(100); }
    void tick() override;
    void finish() override;
    bool shows_state() const override { return true; }
    void show_state(std::string_view state) override;

    /// All keys that were typed. The screen is drawn again at once.
    void take_keys();
    /// Restores the terminal, and takes it over again: while the program is stopped.
    void leave();
    void enter();

  private:
    enum class Mode : std::uint8_t { list, filter, details, commands, help };

    void key(int key);
    void list_key(int key);
    void filter_key(int key);
    void details_key(int key);
    void show_commands();
    void show_help();
    void move_to(std::size_t row);
    void fold(bool folded);
    void update_rows(Time now);
    void draw();
    Picture picture(Time now);
    Line header() const;
    Line last_line() const;
    /// When the pause began, or now.
    Time shown_time() const { return model_.paused() ? paused_at_ : environment_.now(); }
    void pause();
    std::size_t list_height() const;
    const LiveEntry* selected_entry() const;

    output::TextBuffer& out_;
    app::Messages& messages_;
    std::unique_ptr<Screen> screen_;
    LiveValue value_;
    Facts facts_;
    Environment environment_;
    Client* client_ = nullptr;
    LiveModel model_;
    LiveRows rows_;
    std::string state_ = "connecting";
    Mode mode_ = Mode::list;
    Mode below_ = Mode::list;  ///< what commands and help were opened from
    std::size_t top_ = 0;
    std::size_t selected_ = 0;
    std::size_t details_top_ = 0;
    const LiveEntry* details_ = nullptr;
    std::string commands_;  ///< shown, and written at the end, to be copied
    Time paused_at_{};
    bool open_ = false;
    bool ended_ = false;
    bool changed_ = true;   ///< since the last drawing
    bool rows_old_ = true;  ///< the rows must be made again at once
    Time rows_made_{};
    Duration rows_cost_{};
    std::int64_t second_drawn_ = -1;
    std::deque<std::string> notes_;
    Time noted_{};
};

}  // namespace mqttc::sub

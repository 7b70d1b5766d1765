// The one writer of lines on stderr: "mqtt_pub: …". Each line is one write, so the lines of several processes
// don't mix; a slow reader is waited for as by FdWriter.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "color.hpp"
#include "fd_writer.hpp"
#include "mqttc/property.hpp"
#include "mqttc/reason.hpp"

namespace mqttc::app {

/// The name of a reason code, followed by the broker's reason string in parentheses if it sent one.
std::string reason_text(PacketType type, ReasonCode code, PropertiesView properties);

class Messages {
  public:
    /// `program` must outlive this object.
    explicit Messages(std::string_view program) : program_(program) {}

    /// --quiet: errors and warnings are not written.
    void set_quiet(bool quiet) { quiet_ = quiet; }
    bool quiet() const { return quiet_; }
    /// --color, for the lines of status().
    void set_color(ColorMode mode) { color_ = mode; }

    /// "program: text": an error, or a change of state ("connected again"). Control characters of `text` are escaped.
    void error(std::string_view text);
    /// "program: warning: text"
    void warning(std::string_view text);
    /// Why stdout could not be written; `error_number` is that of write().
    void stdout_failed(int error_number);
    /// A dim line for a user who watches, without the program's name. Nothing, unless watched().
    void status(std::string_view text);
    /// A user may be watching: stdout and stderr are terminals, and --quiet is not given.
    bool watched() const;
    /// "program: text", also with --quiet: for -d and --stats.
    void always(std::string_view text);
    /// Whole lines for --stats without the program's name, also with --quiet.
    void plain(std::string_view lines);
    /// Progress. On a terminal it replaces the previous progress line and is cleared before the next
    /// message; elsewhere it is an ordinary line. `bar` is drawn before the text, on a terminal with room for it.
    void progress(std::string_view text, std::string_view bar = {});
    /// Clears the progress line from the terminal.
    void end_progress();
    static bool on_terminal();

    /// After this deadline, output that would block is dropped.
    void give_up_at(std::chrono::steady_clock::time_point when) { deadline_ = when; }

    /// What `hook` returns is written before each line; a table drawn on the same terminal is erased this way.
    /// An empty hook removes it.
    void set_before_line_hook(std::function<std::string()> hook) { before_line_hook_ = std::move(hook); }
    /// `hook` gets each line, without the program's name, instead of stderr. An empty hook removes it.
    void set_line_hook(std::function<void(std::string_view)> hook) { line_hook_ = std::move(hook); }
    /// What must be written before a line now.
    std::string before_line() const { return before_line_hook_ ? before_line_hook_() : std::string(); }

  private:
    void line(std::string_view prefix, std::string_view text);
    bool write(std::string_view text);

    std::string_view program_;
    bool quiet_ = false;
    ColorMode color_ = ColorMode::automatic;
    bool progress_shown_ = false;
    std::function<std::string()> before_line_hook_;
    std::function<void(std::string_view)> line_hook_;
    std::optional<FdWriter> writer_;  // made for the first line
    std::optional<std::chrono::steady_clock::time_point> deadline_;
};

/// Writes all of `text` to stdout (for --help and --version); false when that failed.
bool write_stdout(std::string_view text);

}  // namespace mqttc::app

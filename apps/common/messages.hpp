// The one writer of lines on stderr: "mqtt_pub: …". A line is one write, so lines of several processes don't
// mix; a slow reader is waited for as an Outlet does.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "mqttc/property.hpp"
#include "mqttc/reason.hpp"
#include "outlet.hpp"
#include "visible.hpp"

namespace mqttc::app {

/// The name of a reason code, and in brackets the broker's own words for it.
std::string reason_text(PacketType type, ReasonCode code, PropertiesView properties);

class Messages {
  public:
    /// `program` must outlive this object.
    explicit Messages(std::string_view program) : program_(program) {}

    /// --quiet: errors, warnings and notes are not written.
    void set_quiet(bool quiet) { quiet_ = quiet; }
    bool quiet() const { return quiet_; }

    /// "program: text". `text` is made visible().
    void error(std::string_view text) const;
    /// "program: warning: text"
    void warning(std::string_view text) const;
    /// A change of state ("connection lost; trying again in 2 s"): "program: text".
    void note(std::string_view text) const { error(text); }
    /// Why stdout could not be written; `error_number` is that of write().
    void stdout_failed(int error_number) const;
    /// A line for -d, also with --quiet.
    void debug(std::string_view text) const;
    /// The state of the work. On a terminal it replaces the last one and gives way to the next message;
    /// anywhere else it is a line.
    void progress(std::string_view text) const;
    /// Takes it off the terminal.
    void end_progress() const;
    static bool on_terminal();

    /// A reader is not waited for beyond this time: what he has no room for is then lost.
    void give_up_at(std::chrono::steady_clock::time_point when) const { deadline_ = when; }

    /// Before each line `make_way` is asked for what must be written in front of it: who draws on the same
    /// terminal takes his drawing away. Empty: nobody draws.
    void give_way(std::function<std::string()> make_way) const { make_way_ = std::move(make_way); }
    /// What must be written in front of a line now.
    std::string way_made() const { return make_way_ ? make_way_() : std::string(); }

  private:
    void line(std::string_view prefix, std::string_view text) const;
    bool write(std::string_view text) const;

    std::string_view program_;
    bool quiet_ = false;
    mutable bool progress_shown_ = false;
    mutable std::function<std::string()> make_way_;
    mutable std::optional<Outlet> outlet_;  // made for the first line
    mutable std::optional<std::chrono::steady_clock::time_point> deadline_;
};

/// Writes all of `text` to stdout (for --help and --version); false when that failed.
bool write_stdout(std::string_view text);

}  // namespace mqttc::app

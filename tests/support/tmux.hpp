// Runs a program in tmux: a real terminal, whose screen a test reads as the user sees it.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "support/process.hpp"
#include "support/programs.hpp"
#include "support/pty.hpp"
#include "support/temp_dir.hpp"

namespace mqttc::test {

inline constexpr const char* tmux_path = "/usr/bin/tmux";

// A tmux server of its own with one window, which ends with this object. Of Command it uses argv, env and unset.
class Tmux {
  public:
    explicit Tmux(const Command& command, WindowSize size = {});
    ~Tmux();
    Tmux(const Tmux&) = delete;
    Tmux& operator=(const Tmux&) = delete;

    // Types keys by tmux's names: {"Down", "Enter", "q", "C-c"}.
    void type(const Words& keys) const;
    // The screen, line by line, without spaces at their ends.
    std::string screen() const;
    // Waits until the screen contains the text.
    bool shows(std::string_view text, std::chrono::milliseconds timeout = default_timeout) const;
    bool hides(std::string_view text, std::chrono::milliseconds timeout = default_timeout) const;
    void resize(WindowSize size) const;

  private:
    Result tmux(const Words& arguments) const;
    bool wait(std::string_view text, bool there, std::chrono::milliseconds timeout) const;

    TempDir directory_;
};

}  // namespace mqttc::test

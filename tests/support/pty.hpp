// Runs a program on a terminal of its own, as a person at a keyboard would.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <string>
#include <string_view>

#include "support/process.hpp"

namespace mqttc::test {

struct WindowSize {
    unsigned short rows = 24;
    unsigned short columns = 80;
};

// An interactive child; stdin, stdout and stderr are its terminal. For one thread.
// Of Command it uses argv, env, unset, folder and stdout_file (which takes stdout off the terminal).
class PtyProcess {
  public:
    explicit PtyProcess(const Command& command, WindowSize size = {});
    // Kills the child if it still runs.
    ~PtyProcess();
    PtyProcess(const PtyProcess&) = delete;
    PtyProcess& operator=(const PtyProcess&) = delete;

    // Waits for text that comes after what earlier calls have matched; false when the child ended or
    // time ran out before.
    bool expect(std::string_view text, std::chrono::milliseconds timeout = default_timeout);

    // Types. A line ends with "\n", Ctrl-C is "\x03", Ctrl-D "\x04".
    void send(std::string_view keys);

    void resize(WindowSize size);
    // Takes the terminal away: the child gets SIGHUP.
    void hang_up();

    // Whether typed characters are shown now.
    bool echo() const;
    // All settings of the terminal (stty -g), to be compared.
    std::string settings() const;

    // Waits for the end; kills the child when time runs out.
    Exit wait(std::chrono::milliseconds timeout = default_timeout);
    pid_t pid() const { return pid_; }
    void send_signal(int signal) const;

    // All that was shown so far; the terminal ends lines with "\r\n".
    const std::string& screen() const { return screen_; }

  private:
    // Waits for output, the end or the deadline; false on the latter two.
    bool read_more(std::chrono::steady_clock::time_point deadline);
    bool reap(bool block);

    pid_t pid_ = -1;
    int terminal_ = -1;
    int pidfd_ = -1;
    std::string screen_;
    std::size_t matched_ = 0;
    bool ended_ = false;
    Exit exit_;
};

}  // namespace mqttc::test

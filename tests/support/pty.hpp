// Runs a program on its own terminal.
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

// A child whose stdin, stdout and stderr are a terminal. For one thread.
// It uses argv, env, unset, directory and stdout_file (which replaces the terminal) of Command.
class PtyProcess {
  public:
    explicit PtyProcess(const Command& command, WindowSize size = {});
    // Kills the child if it still runs.
    ~PtyProcess();
    PtyProcess(const PtyProcess&) = delete;
    PtyProcess& operator=(const PtyProcess&) = delete;

    // Waits for text after the match of the previous call; false when the child has ended or the time is over.
    bool expect(std::string_view text, std::chrono::milliseconds timeout = default_timeout);

    // Types keys. A line ends with "\n", Ctrl-C is "\x03", Ctrl-D "\x04".
    void send(std::string_view keys);

    void resize(WindowSize size);
    // Closes the terminal: the child gets SIGHUP.
    void hang_up();

    // Whether typed characters are echoed now.
    bool echo() const;
    // All settings of the terminal (stty -g), for comparisons.
    std::string settings() const;
    // Those before the program could change them.
    static std::string initial_settings();

    // Waits for the end; kills the child after the timeout.
    Exit wait(std::chrono::milliseconds timeout = default_timeout);
    pid_t pid() const { return pid_; }
    void send_signal(int signal) const;

    // All output so far; lines end with "\r\n".
    const std::string& screen() const { return screen_; }

  private:
    // Waits for output; false at the end of the child or after the deadline.
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

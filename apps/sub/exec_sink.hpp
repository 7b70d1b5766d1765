// --exec: runs a command for each message, up to --jobs of them in parallel.
//
// The shell parses only the user's text. Data from the broker is in the environment and on stdin.
#pragma once

#include <sys/types.h>

#include <csignal>
#include <cstdint>
#include <string>
#include <vector>

#include "message_sink.hpp"
#include "messages.hpp"

namespace mqttc::sub {

class ExecSink final : public output::MessageSink {
  public:
    /// When the run ends early, running commands are waited for, then they get SIGTERM, and then SIGKILL.
    static constexpr std::chrono::seconds command_timeout{10};
    static constexpr std::chrono::seconds term_timeout{2};

    /// Construct it before signals are blocked: commands get the current signal mask. `messages` must outlive the
    /// sink.
    ExecSink(std::string command, unsigned jobs, app::Messages& messages);

    void attach(Client& client) override;
    bool take(const Publish& message) override;
    bool busy() const override { return out_of_resources_ || running_.size() >= jobs_; }
    bool unfinished() const override { return !running_.empty(); }
    bool acknowledges_at_once() const override { return jobs_ > 1; }
    void conclude(bool at_once) override;
    int exit_code() const override;

  private:
    struct Job {
        pid_t pid;
        std::string topic;
    };

    int spawn(int input, const Publish& message, pid_t& pid) const;
    void reap_ended();
    void report(const Job& job, int status);
    bool wait_for_all(std::chrono::seconds longest, bool interruptible);
    void signal_all(int number) const;

    std::string command_;
    unsigned jobs_;
    app::Messages& messages_;
    std::vector<std::string> environment_;
    sigset_t mask_{};
    std::vector<Job> running_;
    std::uint64_t run_ = 0;
    std::uint64_t failed_ = 0;
    bool cannot_run_ = false;
    bool out_of_resources_ = false;  // no further command can be started now
    bool interrupted_ = false;       // the user did not want to wait for commands
};

}  // namespace mqttc::sub

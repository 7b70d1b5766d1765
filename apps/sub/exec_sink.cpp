// --exec: runs a command for each message, up to --jobs of them in parallel.
#include "exec_sink.hpp"

#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/escape.hpp"
#include "base/signals.hpp"
#include "base/text.hpp"
#include "job_environment.hpp"
#include "mqttc/client.hpp"

namespace mqttc::sub {
namespace {

using std::chrono::steady_clock;

// The payload as a file in memory: a command that doesn't read it does not block the program. -1: errno is set.
int make_input(Bytes payload) {
    const int fd = memfd_create("payload", MFD_CLOEXEC);
    while (fd >= 0 && !payload.empty()) {
        const ssize_t written = write(fd, payload.data(), payload.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) {
            const int error = errno;
            close(fd);
            errno = error;
            return -1;
        }
        payload = payload.subspan(static_cast<std::size_t>(written));
    }
    if (fd >= 0) lseek(fd, 0, SEEK_SET);
    return fd;
}

// Out of descriptors or processes; a command that ends releases some.
bool is_shortage(int error) {
    return error == EMFILE || error == ENFILE || error == EAGAIN;
}

}  // namespace

ExecSink::ExecSink(std::string command, unsigned jobs, app::Messages& messages)
    : command_(std::move(command)),
      jobs_(jobs),
      messages_(messages),
      environment_(environment_without_message()) {
    pthread_sigmask(SIG_SETMASK, nullptr, &mask_);
    // If the parent process ignored it, the exit statuses of commands would be lost.
    std::signal(SIGCHLD, SIG_DFL);
}

void ExecSink::attach(Client& client) {
    client.on_signal(SIGCHLD, [this] { reap_ended(); });
}

bool ExecSink::take(const Publish& message) {
    int error = 0;
    pid_t pid = -1;
    const int input = make_input(message.payload);
    if (input < 0) {
        error = errno;
    } else {
        error = spawn(input, message, pid);
        close(input);
    }
    if (is_shortage(error) && !running_.empty()) {
        out_of_resources_ = true;
        return false;
    }
    if (error == E2BIG) {  // caused by the message: no reason to end
        ++run_;
        ++failed_;
        messages_.error("the environment is too small for a message on topic " + in_quotes(message.topic));
        return true;
    }
    if (error != 0) {
        cannot_run_ = true;
        messages_.error("cannot run the command of --exec: " + std::string(errno_text(error)));
        return false;
    }
    ++run_;
    running_.push_back({pid, std::string(message.topic)});
    return true;
}

// The errno, or 0.
int ExecSink::spawn(int input, const Publish& message, pid_t& pid) const {
    std::vector<std::string> variables;
    append_message_variables(variables, message);
    std::vector<char*> environment;
    environment.reserve(environment_.size() + variables.size() + 1);
    for (const std::string& variable : environment_)
        environment.push_back(const_cast<char*>(variable.c_str()));
    for (const std::string& variable : variables) environment.push_back(const_cast<char*>(variable.c_str()));
    environment.push_back(nullptr);
    std::string shell = "sh";
    std::string option = "-c";
    std::string command = command_;
    char* const arguments[] = {shell.data(), option.data(), command.data(), nullptr};

    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setsigmask(&attributes, &mask_);
    const sigset_t defaults = signal_set({SIGPIPE, SIGXFSZ});  // ignored, and exec would keep that
    posix_spawnattr_setsigdefault(&attributes, &defaults);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
    const int error = posix_spawn(&pid, "/bin/sh", &actions, &attributes, arguments, environment.data());
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    return error;
}

// As process 1 of a container the program also gets the orphans of its commands.
void ExecSink::reap_ended() {
    int status = 0;
    pid_t pid = 0;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        const auto found = std::ranges::find(running_, pid, &Job::pid);
        if (found == running_.end()) continue;
        report(*found, status);
        running_.erase(found);
        out_of_resources_ = false;
    }
}

void ExecSink::report(const Job& job, int status) {
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return;
    // Ctrl-C reaches the commands too.
    if (WIFSIGNALED(status) && (interrupted_ || WTERMSIG(status) == SIGINT)) return;
    ++failed_;
    std::string text = WIFSIGNALED(status) ? "was ended by signal " + std::to_string(WTERMSIG(status))
                                           : "ended with exit status " + std::to_string(WEXITSTATUS(status));
    messages_.error("the command for a message on topic " + in_quotes(job.topic) + " " + text);
}

void ExecSink::conclude(bool at_once) {
    interrupted_ = at_once;
    if (!wait_for_all(command_timeout, true)) {
        messages_.warning("terminating commands that are still running: " + std::to_string(running_.size()));
        signal_all(SIGTERM);
        if (!wait_for_all(term_timeout, false)) {
            signal_all(SIGKILL);
            wait_for_all(term_timeout, false);
        }
    }
    if (failed_ > 0) {
        messages_.error(std::to_string(failed_) + " of " + std::to_string(run_) + " commands failed");
    }
}

// False: timed out, or interrupted by a signal. The client blocks the signals, so that they can be taken here.
bool ExecSink::wait_for_all(std::chrono::seconds longest, bool interruptible) {
    const sigset_t set = interruptible ? signal_set({SIGCHLD, SIGINT, SIGTERM}) : signal_set({SIGCHLD});
    const Time end = steady_clock::now() + longest;
    for (reap_ended(); !running_.empty(); reap_ended()) {
        if (interruptible && interrupted_) return false;
        const timespec timeout = to_timespec(end - steady_clock::now());
        const int number = sigtimedwait(&set, nullptr, &timeout);
        if (number < 0 && errno == EAGAIN) return false;
        interrupted_ = interrupted_ || number == SIGINT || number == SIGTERM;
    }
    return true;
}

void ExecSink::signal_all(int number) const {
    for (const Job& job : running_) kill(job.pid, number);
}

int ExecSink::exit_code() const {
    if (cannot_run_) return app::exit_code::output_failed;
    return failed_ > 0 ? app::exit_code::not_delivered : app::exit_code::ok;
}

}  // namespace mqttc::sub

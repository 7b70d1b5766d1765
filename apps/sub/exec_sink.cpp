// --exec: runs a command for each message, up to --jobs of them in parallel.
#include "exec_sink.hpp"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/escape.hpp"
#include "base/text.hpp"
#include "job_environment.hpp"
#include "mqttc/client.hpp"

namespace mqttc::sub {
namespace {

using std::chrono::steady_clock;

// The payload as a file in memory: a command that doesn't read it doesn't block us. -1: errno says why.
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

// Descriptors or processes are missing, and a command that ends releases some.
bool is_shortage(int error) {
    return error == EMFILE || error == ENFILE || error == EAGAIN;
}

// -1: errno says why. (glibc 2.36 declares pidfd_open() for C only.)
int open_pid(pid_t pid) {
    return static_cast<int>(syscall(SYS_pidfd_open, pid, 0));
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

ExecSink::~ExecSink() {
    for (const Job& job : running_) close(job.pid_fd);
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
    const Job job{pid, open_pid(pid), std::string(message.topic)};
    if (job.pid_fd < 0) {  // not in an old kernel or a sandbox: one at a time
        reap(job);
        return true;
    }
    running_.push_back(job);
    client_->watch(job.pid_fd, [this, fd = job.pid_fd] { ended(fd); });
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
    sigset_t defaults;
    sigemptyset(&defaults);
    for (const int number : {SIGPIPE, SIGXFSZ})
        sigaddset(&defaults, number);  // start() ignores them, and exec would keep that
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

void ExecSink::ended(int pid_fd) {
    const auto found = std::ranges::find(running_, pid_fd, &Job::pid_fd);
    if (found == running_.end()) return;
    client_->unwatch(pid_fd);
    reap(*found);
    close(pid_fd);
    running_.erase(found);
    out_of_resources_ = false;
}

void ExecSink::reap(const Job& job) {
    int status = 0;
    pid_t reaped = -1;
    do {
        reaped = waitpid(job.pid, &status, 0);
    } while (reaped < 0 && errno == EINTR);
    if (reaped < 0) {
        ++failed_;
        messages_.error("the exit status of the command for a message on topic " + in_quotes(job.topic) +
                        " is unknown: " + errno_text(errno));
        return;
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return;
    // Ctrl-C reaches the commands too.
    if (WIFSIGNALED(status) && (terminating_ || WTERMSIG(status) == SIGINT)) return;
    ++failed_;
    std::string text = WIFSIGNALED(status) ? "was ended by signal " + std::to_string(WTERMSIG(status))
                                           : "ended with exit status " + std::to_string(WEXITSTATUS(status));
    messages_.error("the command for a message on topic " + in_quotes(job.topic) + " " + text);
}

void ExecSink::conclude() {
    sigset_t ending;
    sigemptyset(&ending);
    for (const int number : {SIGINT, SIGTERM}) sigaddset(&ending, number);
    // The client blocks these, so that they can be read here.
    const int signal_fd = signalfd(-1, &ending, SFD_NONBLOCK | SFD_CLOEXEC);
    if (!wait_for_all(patience, signal_fd)) {
        terminating_ = true;
        messages_.warning("terminating commands that are still running: " + std::to_string(running_.size()));
        signal_all(SIGTERM);
        if (!wait_for_all(patience_after_term, -1)) {
            signal_all(SIGKILL);
            wait_for_all(patience_after_term, -1);
        }
    }
    if (signal_fd >= 0) close(signal_fd);
    if (failed_ > 0) {
        messages_.error(std::to_string(failed_) + " of " + std::to_string(run_) + " commands failed");
    }
}

// False: timed out, or a signal was received.
bool ExecSink::wait_for_all(std::chrono::seconds longest, int signal_fd) {
    const Time end = steady_clock::now() + longest;
    while (!running_.empty()) {
        std::vector<pollfd> polled{{signal_fd, POLLIN, 0}};
        for (const Job& job : running_) polled.push_back({job.pid_fd, POLLIN, 0});
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - steady_clock::now()).count();
        const int ready =
            poll(polled.data(), polled.size(), static_cast<int>(std::max<std::int64_t>(left, 0)));
        if (ready < 0 && errno == EINTR) continue;
        if (ready <= 0 || polled[0].revents != 0) return false;
        for (const pollfd& one : polled) {
            if (one.fd != signal_fd && one.revents != 0) ended(one.fd);
        }
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

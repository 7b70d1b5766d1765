// Implementation of pty.hpp.
#include "support/pty.hpp"

#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>

#include "support/system.hpp"

namespace mqttc::test {

namespace {

using Clock = std::chrono::steady_clock;

winsize to_winsize(WindowSize size) {
    winsize result{};
    result.ws_row = size.rows;
    result.ws_col = size.columns;
    return result;
}

[[noreturn]] void run_child(const Command& command) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (const std::string& name : command.unset) ::unsetenv(name.c_str());
    for (const auto& [name, value] : command.env) ::setenv(name.c_str(), value.c_str(), 1);
    struct sigaction standard{};
    standard.sa_handler = SIG_DFL;
    for (int signal = 1; signal < NSIG; ++signal) ::sigaction(signal, &standard, nullptr);
    if (!command.stdout_file.empty()) {
        const int fd = ::open(command.stdout_file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        if (fd < 0) ::_exit(127);
        ::dup2(fd, STDOUT_FILENO);
    }
    if (!command.directory.empty() && ::chdir(command.directory.c_str()) != 0) ::_exit(127);
    const std::vector<std::string> arguments = runnable(command.argv);
    std::vector<char*> argv;
    for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
    argv.push_back(nullptr);
    ::execvp(argv[0], argv.data());
    std::perror(argv[0]);
    ::_exit(127);
}

std::string settings_of(int terminal) {
    termios now{};
    if (::tcgetattr(terminal, &now) != 0) give_up("tcgetattr");
    std::string text;
    for (const tcflag_t flags : {now.c_iflag, now.c_oflag, now.c_cflag, now.c_lflag})
        text += std::to_string(flags) + ":";
    for (const cc_t key : now.c_cc) text += std::to_string(key) + ":";
    return text;
}

}  // namespace

PtyProcess::PtyProcess(const Command& command, WindowSize size) {
    winsize window = to_winsize(size);
    pid_ = ::forkpty(&terminal_, nullptr, nullptr, &window);
    if (pid_ < 0) give_up("forkpty");
    if (pid_ == 0) run_child(command);
    ::fcntl(terminal_, F_SETFD, FD_CLOEXEC);
    pidfd_ = open_pidfd(pid_);
    if (pidfd_ < 0) give_up("pidfd_open");
}

PtyProcess::~PtyProcess() {
    if (!ended_) {
        ::kill(pid_, SIGKILL);
        reap(true);
    }
    hang_up();
    ::close(pidfd_);
}

bool PtyProcess::reap(bool block) {
    if (ended_) return true;
    int status = 0;
    pid_t got = 0;
    do {
        got = ::waitpid(pid_, &status, block ? 0 : WNOHANG);
    } while (got < 0 && errno == EINTR);
    if (got != pid_) return false;
    ended_ = true;
    if (WIFSIGNALED(status)) {
        exit_.signal = WTERMSIG(status);
    } else {
        exit_.code = WEXITSTATUS(status);
    }
    return true;
}

bool PtyProcess::read_more(Clock::time_point deadline) {
    while (true) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
        std::array<pollfd, 2> fds{{{terminal_, POLLIN, 0}, {ended_ ? -1 : pidfd_, POLLIN, 0}}};
        const int timeout = ended_ || left < 0 ? 0 : static_cast<int>(left);
        const int ready = ::poll(fds.data(), fds.size(), timeout);
        if (ready < 0 && errno == EINTR) continue;
        if (ready <= 0) return false;
        if ((fds[0].revents & POLLIN) != 0) {
            std::array<char, 4096> buffer;
            const ssize_t got = ::read(terminal_, buffer.data(), buffer.size());
            if (got > 0) {
                screen_.append(buffer.data(), static_cast<std::size_t>(got));
                return true;
            }
        }
        if (fds[1].revents != 0) {
            // Read again: the last output of the child may still be in the terminal.
            reap(true);
            continue;
        }
        if (fds[0].revents != 0) {
            // The child has closed the terminal; wait for its end.
            if (ended_) return false;
            pollfd end{pidfd_, POLLIN, 0};
            if (::poll(&end, 1, left < 0 ? 0 : static_cast<int>(left)) <= 0) return false;
            reap(true);
            return false;
        }
    }
}

bool PtyProcess::expect(std::string_view text, std::chrono::milliseconds timeout) {
    const auto deadline = Clock::now() + timeout;
    while (true) {
        const std::size_t at = screen_.find(text, matched_);
        if (at != std::string::npos) {
            matched_ = at + text.size();
            return true;
        }
        if (!read_more(deadline)) return false;
    }
}

void PtyProcess::send(std::string_view keys) {
    while (!keys.empty()) {
        const ssize_t sent = ::write(terminal_, keys.data(), keys.size());
        if (sent < 0 && errno == EINTR) continue;
        if (sent <= 0) return;
        keys.remove_prefix(static_cast<std::size_t>(sent));
    }
}

void PtyProcess::resize(WindowSize size) {
    const winsize window = to_winsize(size);
    if (::ioctl(terminal_, TIOCSWINSZ, &window) != 0) give_up("TIOCSWINSZ");
}

void PtyProcess::hang_up() {
    if (terminal_ >= 0) ::close(terminal_);
    terminal_ = -1;
}

bool PtyProcess::echo() const {
    termios settings{};
    if (::tcgetattr(terminal_, &settings) != 0) give_up("tcgetattr");
    return (settings.c_lflag & ECHO) != 0;
}

std::string PtyProcess::settings() const {
    return settings_of(terminal_);
}

std::string PtyProcess::initial_settings() {
    int terminal = -1;
    int other_end = -1;
    if (::openpty(&terminal, &other_end, nullptr, nullptr, nullptr) != 0) give_up("openpty");
    std::string text = settings_of(terminal);
    ::close(terminal);
    ::close(other_end);
    return text;
}

Exit PtyProcess::wait(std::chrono::milliseconds timeout) {
    const auto deadline = Clock::now() + timeout;
    while (read_more(deadline)) {
    }
    if (!ended_) {
        ::kill(pid_, SIGKILL);
        reap(true);
        exit_ = Exit{};
        exit_.timed_out = true;
    }
    return exit_;
}

void PtyProcess::send_signal(int signal) const {
    if (!ended_) ::kill(pid_, signal);
}

}  // namespace mqttc::test

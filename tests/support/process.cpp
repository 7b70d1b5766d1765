// Implementation of process.hpp: a thread per child polls its pipes and its pidfd.
#include "support/process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "support/system.hpp"

extern char** environ;

namespace mqttc::test {

namespace {

using Clock = std::chrono::steady_clock;

struct Pipe {
    int read = -1;
    int write = -1;
};

Pipe make_pipe() {
    std::array<int, 2> fds{};
    if (::pipe2(fds.data(), O_CLOEXEC) != 0) give_up("pipe2");
    return {fds[0], fds[1]};
}

void close_fd(int& fd) {
    if (fd >= 0) ::close(fd);
    fd = -1;
}

void set_nonblocking(int fd) {
    ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK);
}

std::vector<std::string> make_environment(const Command& command) {
    auto names = [](const std::string& entry, const std::string& name) {
        return entry.size() > name.size() && entry.starts_with(name) && entry[name.size()] == '=';
    };
    std::vector<std::string> result;
    for (char** entry = environ; *entry != nullptr; ++entry) {
        const std::string text = *entry;
        const bool dropped = std::any_of(command.unset.begin(), command.unset.end(),
                                         [&](const std::string& name) { return names(text, name); }) ||
                             std::any_of(command.env.begin(), command.env.end(),
                                         [&](const auto& pair) { return names(text, pair.first); });
        if (!dropped) result.push_back(text);
    }
    for (const auto& [name, value] : command.env) result.push_back(name + "=" + value);
    return result;
}

std::vector<char*> pointers(std::vector<std::string>& strings) {
    std::vector<char*> result;
    for (std::string& text : strings) result.push_back(text.data());
    result.push_back(nullptr);
    return result;
}

// Appends what can be read now; closes `fd` at the end of the stream.
bool drain(int& fd, std::string& into) {
    bool any = false;
    std::array<char, 65536> buffer;
    while (fd >= 0) {
        const ssize_t got = ::read(fd, buffer.data(), buffer.size());
        if (got > 0) {
            into.append(buffer.data(), static_cast<std::size_t>(got));
            any = true;
        } else if (got < 0 && errno == EINTR) {
            continue;
        } else if (got < 0 && errno == EAGAIN) {
            break;
        } else {
            close_fd(fd);
        }
    }
    return any;
}

}  // namespace

std::ostream& operator<<(std::ostream& out, const Exit& exit) {
    if (exit.timed_out) return out << "timed out";
    if (exit.signal != 0) return out << "signal " << exit.signal;
    return out << "exit code " << exit.code;
}

Process::Process(Command command)
    : input_(std::move(command.input)),
      input_ends_(!command.keep_stdin_open),
      read_stdout_(command.read_stdout) {
    start(command);
    pump_thread_ = std::thread([this] { pump(); });
}

void Process::start(const Command& command) {
    // A child that closes its stdin must not end the test program.
    std::signal(SIGPIPE, SIG_IGN);

    std::vector<std::string> arguments = runnable(command.argv);
    if (arguments.empty()) arguments.emplace_back();
    const std::vector<char*> argv = pointers(arguments);
    std::vector<std::string> environment = make_environment(command);
    const std::vector<char*> envp = pointers(environment);

    Pipe in = make_pipe();
    Pipe out = make_pipe();
    Pipe err = make_pipe();
    Pipe started = make_pipe();
    if (!command.stdin_file.empty()) {
        close_fd(in.read);
        close_fd(in.write);
        in.read = ::open(command.stdin_file.c_str(), O_RDONLY | O_CLOEXEC);
        if (in.read < 0) give_up(command.stdin_file.c_str());
    }
    if (!command.stdout_file.empty()) {
        close_fd(out.read);
        close_fd(out.write);
        out.write = ::open(command.stdout_file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        if (out.write < 0) give_up(command.stdout_file.c_str());
    }

    const pid_t parent = ::getpid();
    pid_ = ::fork();
    if (pid_ < 0) give_up("fork");
    if (pid_ == 0) {
        // Only async-signal-safe calls from here on: the test program may have other threads.
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (::getppid() != parent) ::_exit(127);
        ::setpgid(0, 0);
        struct sigaction standard{};
        standard.sa_handler = SIG_DFL;
        for (int signal = 1; signal < NSIG; ++signal) ::sigaction(signal, &standard, nullptr);
        sigset_t none;
        ::sigemptyset(&none);
        ::sigprocmask(SIG_SETMASK, &none, nullptr);
        ::dup2(in.read, STDIN_FILENO);
        ::dup2(out.write, STDOUT_FILENO);
        ::dup2(err.write, STDERR_FILENO);
        if (command.directory.empty() || ::chdir(command.directory.c_str()) == 0) {
            ::execvpe(argv[0], argv.data(), envp.data());
        }
        const char* reason = ::strerrordesc_np(errno);
        for (const char* part : {"cannot start ", static_cast<const char*>(argv[0]), ": ", reason, "\n"}) {
            if (::write(STDERR_FILENO, part, std::strlen(part)) < 0) break;
        }
        ::_exit(127);
    }

    close_fd(in.read);
    close_fd(out.write);
    close_fd(err.write);
    close_fd(started.write);
    // Ends when exec has succeeded or failed; signals before that would be lost.
    char nothing = 0;
    while (::read(started.read, &nothing, 1) < 0 && errno == EINTR) {
    }
    close_fd(started.read);
    stdin_ = in.write;
    stdout_ = out.read;
    stderr_ = err.read;
    for (int fd : {stdin_, stdout_, stderr_}) {
        if (fd >= 0) set_nonblocking(fd);
    }
    pidfd_ = open_pidfd(pid_);
    if (pidfd_ < 0) give_up("pidfd_open");
    wakefd_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (wakefd_ < 0) give_up("eventfd");
}

Process::~Process() {
    // The child is waited for only here, so that the number of its process group is not another's.
    ::kill(-pid_, SIGKILL);
    pump_thread_.join();
    while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
    }
    for (int* fd : {&stdin_, &stdout_, &stderr_, &pidfd_, &wakefd_}) close_fd(*fd);
}

void Process::pump() {
    while (pump_once()) {
    }
}

// One turn: waits for an event, then moves bytes. False once the child has ended.
bool Process::pump_once() {
    std::array<pollfd, 5> fds{};
    {
        const std::lock_guard lock(mutex_);
        if (input_sent_ == input_.size() && input_ends_) close_fd(stdin_);
        if (close_stdout_) close_fd(stdout_);
        // poll ignores negative descriptors.
        fds = {{{pidfd_, POLLIN, 0},
                {wakefd_, POLLIN, 0},
                {read_stdout_ ? stdout_ : -1, POLLIN, 0},
                {stderr_, POLLIN, 0},
                {input_sent_ < input_.size() ? stdin_ : -1, POLLOUT, 0}}};
    }
    if (::poll(fds.data(), fds.size(), -1) < 0) return errno == EINTR;

    const std::lock_guard lock(mutex_);
    if (fds[1].revents != 0) {
        std::uint64_t count = 0;
        if (::read(wakefd_, &count, sizeof count) < 0 && errno != EAGAIN) give_up("eventfd");
    }
    if (fds[4].revents != 0 && stdin_ >= 0) {
        const ssize_t sent = ::write(stdin_, input_.data() + input_sent_, input_.size() - input_sent_);
        if (sent > 0) {
            input_sent_ += static_cast<std::size_t>(sent);
        } else if (sent < 0 && errno != EAGAIN && errno != EINTR) {
            // The child does not read any more: the rest is dropped, as with a pipe of a shell.
            input_sent_ = input_.size();
            input_ends_ = true;
        }
        if (input_sent_ == input_.size()) {
            input_.clear();
            input_sent_ = 0;
        }
    }
    bool any = false;
    if (fds[2].revents != 0) any = drain(stdout_, out_) || any;
    if (fds[3].revents != 0) any = drain(stderr_, err_) || any;
    if (fds[0].revents != 0) {
        take_exit();
        any = true;
    }
    if (any) changed_.notify_all();
    return !exit_.has_value();
}

// Called with the lock held when the child has ended.
void Process::take_exit() {
    // All output of the child is in the pipes; a grandchild may keep them open, so their end is not waited for.
    drain(stdout_, out_);
    drain(stderr_, err_);
    siginfo_t info{};
    while (::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOWAIT) < 0 && errno == EINTR) {
    }
    Exit exit;
    (info.si_code == CLD_EXITED ? exit.code : exit.signal) = info.si_status;
    exit_ = exit;
}

void Process::wake() const {
    const std::uint64_t one = 1;
    if (::write(wakefd_, &one, sizeof one) < 0 && errno != EAGAIN) give_up("eventfd");
}

void Process::write(std::string_view bytes) {
    const std::lock_guard lock(mutex_);
    input_.append(bytes);
    wake();
}

void Process::close_stdin() {
    const std::lock_guard lock(mutex_);
    input_ends_ = true;
    wake();
}

void Process::close_stdout() {
    const std::lock_guard lock(mutex_);
    close_stdout_ = true;
    // At once, so that the next write of the child fails.
    close_fd(stdout_);
    wake();
}

void Process::resume_stdout() {
    const std::lock_guard lock(mutex_);
    read_stdout_ = true;
    wake();
}

bool Process::wait_until(const Ready& ready, std::chrono::milliseconds timeout) {
    const auto deadline = Clock::now() + timeout;
    std::unique_lock lock(mutex_);
    while (!ready(out_, err_)) {
        if (exit_.has_value()) return false;
        if (changed_.wait_until(lock, deadline) == std::cv_status::timeout) return ready(out_, err_);
    }
    return true;
}

bool Process::wait_out(std::string_view text, std::chrono::milliseconds timeout) {
    return wait_until([text](const std::string& out, const std::string&) { return out.contains(text); },
                      timeout);
}

bool Process::wait_err(std::string_view text, std::chrono::milliseconds timeout) {
    return wait_until([text](const std::string&, const std::string& err) { return err.contains(text); },
                      timeout);
}

std::optional<std::string> Process::read_line(std::chrono::milliseconds timeout) {
    std::optional<std::string> line;
    wait_until(
        [&](const std::string& out, const std::string&) {
            const std::size_t end = out.find('\n', lines_read_);
            if (end == std::string::npos) return false;
            line = out.substr(lines_read_, end - lines_read_);
            lines_read_ = end + 1;
            return true;
        },
        timeout);
    return line;
}

Exit Process::wait(std::chrono::milliseconds timeout) {
    const auto deadline = Clock::now() + timeout;
    std::unique_lock lock(mutex_);
    if (!changed_.wait_until(lock, deadline, [this] { return exit_.has_value(); })) {
        ::kill(pid_, SIGKILL);
        changed_.wait(lock, [this] { return exit_.has_value(); });
        Exit exit;
        exit.timed_out = true;
        exit_ = exit;
    }
    return *exit_;
}

bool Process::running() const {
    const std::lock_guard lock(mutex_);
    return !exit_.has_value();
}

void Process::send_signal(int signal) const {
    const std::lock_guard lock(mutex_);
    if (!exit_.has_value()) ::kill(pid_, signal);
}

std::string Process::out() const {
    const std::lock_guard lock(mutex_);
    return out_;
}

std::string Process::err() const {
    const std::lock_guard lock(mutex_);
    return err_;
}

Result run(Command command, std::chrono::milliseconds timeout) {
    Process process(std::move(command));
    const Exit exit = process.wait(timeout);
    return {exit, process.out(), process.err()};
}

Result run(std::vector<std::string> argv, std::string input) {
    return run(Command{.argv = std::move(argv), .input = std::move(input)});
}

std::string program(std::string_view name) {
    return std::string(MQTTC_BIN_DIR) + "/" + std::string(name);
}

std::vector<std::string> runnable(std::vector<std::string> argv) {
#ifdef MQTTC_EMULATOR
    // Not always the first argument: a shell may start it.
    const auto ours = std::ranges::find_if(
        argv, [](const std::string& argument) { return argument.starts_with(MQTTC_BUILD_DIR "/"); });
    if (ours != argv.end()) argv.insert(ours, {MQTTC_EMULATOR});
#endif
    return argv;
}

bool emulated() {
#ifdef MQTTC_EMULATOR
    return true;
#else
    return false;
#endif
}

bool is_executable(const std::string& path) {
    return ::access(path.c_str(), X_OK) == 0;
}

}  // namespace mqttc::test

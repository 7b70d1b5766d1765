// Echo off, signals held back except while waiting for a key, echo back on before they are obeyed.
#include "prompt.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string>

#include "common/descriptor.hpp"
#include "password_hash.hpp"

namespace mqttc::passwd {
namespace {

// Everything that ends or stops a program and can be caught, and SIGCONT: who was stopped with SIGSTOP
// comes back to a terminal whose echo the shell has switched on again. SIGTTIN and SIGTTOU are not
// here: they stop a program in the background before it has touched the terminal, which is right.
constexpr std::array handled = {SIGHUP,  SIGINT,  SIGQUIT, SIGTERM,   SIGALRM, SIGPIPE, SIGUSR1,
                                SIGUSR2, SIGXCPU, SIGPROF, SIGVTALRM, SIGTSTP, SIGCONT};

volatile sig_atomic_t came = 0;

extern "C" void note_prompt_signal(int number) {
    came = number;
}

// While it lives the signals arrive only inside ppoll(), which is how none of them can slip in between
// a look at `came` and the wait for a key.
class SignalHold {
  public:
    SignalHold() {
        came = 0;
        sigset_t ours;
        sigemptyset(&ours);
        for (const int number : handled) sigaddset(&ours, number);
        sigprocmask(SIG_BLOCK, &ours, &mask_);
        struct sigaction action{};
        action.sa_handler = note_prompt_signal;
        sigemptyset(&action.sa_mask);
        for (std::size_t i = 0; i < handled.size(); ++i) {
            sigaction(handled[i], nullptr, &before_[i]);
            if (before_[i].sa_handler != SIG_IGN) sigaction(handled[i], &action, nullptr);
        }
    }
    ~SignalHold() {
        for (std::size_t i = 0; i < handled.size(); ++i) sigaction(handled[i], &before_[i], nullptr);
        sigprocmask(SIG_SETMASK, &mask_, nullptr);
    }
    SignalHold(const SignalHold&) = delete;
    SignalHold& operator=(const SignalHold&) = delete;

    [[nodiscard]] const sigset_t& outside() const { return mask_; }

  private:
    std::array<struct sigaction, handled.size()> before_{};
    sigset_t mask_{};
};

class EchoOff {
  public:
    explicit EchoOff(int fd) : fd_(fd) {
        if (tcgetattr(fd, &before_) != 0) return;
        termios quiet = before_;
        quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO | ECHONL);
        off_ = tcsetattr(fd, TCSADRAIN, &quiet) == 0;
    }
    ~EchoOff() {
        if (!off_) return;
        // Putting it back must work from the background too.
        sigset_t ttou;
        sigset_t mask;
        sigemptyset(&ttou);
        sigaddset(&ttou, SIGTTOU);
        sigprocmask(SIG_BLOCK, &ttou, &mask);
        tcsetattr(fd_, TCSADRAIN, &before_);
        sigprocmask(SIG_SETMASK, &mask, nullptr);
    }
    EchoOff(const EchoOff&) = delete;
    EchoOff& operator=(const EchoOff&) = delete;

    [[nodiscard]] bool done() const { return off_; }

  private:
    int fd_;
    termios before_{};
    bool off_ = false;
};

void show(int fd, std::string_view text) {
    if (::write(fd, text.data(), text.size()) < 0) return;  // an unseen prompt is no reason to fail
}

enum class Key : unsigned char { byte, end, signal, error };

Key read_key(int fd, const sigset_t* mask, char& byte) {
    pollfd wait{fd, POLLIN, 0};
    if (mask != nullptr && ::ppoll(&wait, 1, nullptr, mask) < 0)
        return errno == EINTR ? Key::signal : Key::error;
    const ssize_t got = ::read(fd, &byte, 1);
    if (got < 0 && errno == EINTR) return Key::signal;
    return got < 0 ? Key::error : got == 0 ? Key::end : Key::byte;
}

// Reads up to the line's end. `interrupted` is set when a signal came first; with no `mask` none is reported.
Result<Secret> read_line(int fd, const sigset_t* mask, bool& interrupted) {
    Secret line;
    line.reserve(256);
    bool any = false;
    for (;;) {
        char byte = 0;
        switch (read_key(fd, mask, byte)) {
            case Key::signal:
                if (mask == nullptr) continue;
                interrupted = true;
                return line;
            case Key::error:
                return fail(std::string("cannot read the password: ") + std::strerror(errno));
            case Key::end:
                if (!any) return fail("cannot read the password: end of input");
                return line;
            case Key::byte:
                any = true;
                break;
        }
        if (byte == '\n') {
            if (line.view().ends_with('\r')) line.remove_last();
            return line;
        }
        // One more than allowed, so that the caller sees that it is too long and not a shorter one.
        if (line.size() <= max_password_length + 1) line.append(byte);
    }
}

}  // namespace

Result<Secret> prompt_password(std::string_view question) {
    const app::Descriptor terminal(::open("/dev/tty", O_RDWR | O_CLOEXEC));
    const int in = terminal ? terminal.get() : STDIN_FILENO;
    const int out = terminal ? terminal.get() : STDERR_FILENO;
    for (;;) {
        bool interrupted = false;
        Result<Secret> line;
        {
            const SignalHold hold;
            const EchoOff quiet(in);
            if (!quiet.done())
                return fail(std::string("cannot switch the terminal's echo off: ") + std::strerror(errno));
            show(out, question);
            line = read_line(in, &hold.outside(), interrupted);
            show(out, "\n");
        }
        if (!interrupted) return line;
        const int number = came;
        if (number == SIGCONT) continue;
        ::raise(number);
        if (number != SIGTSTP) return fail("interrupted");
    }
}

Result<Secret> read_password_line(int fd) {
    bool interrupted = false;
    return read_line(fd, nullptr, interrupted);
}

}  // namespace mqttc::passwd

// Switches echo off and holds signals back except while waiting for a key; echo is restored before they act.
#include "prompt.hpp"

#include <fcntl.h>
#include <poll.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "base/descriptor.hpp"
#include "base/signals.hpp"
#include "base/text.hpp"

namespace mqttc::app {
namespace {

// Everything that ends or stops a program and can be caught, and SIGCONT: after SIGSTOP the shell has switched the
// terminal's echo on again. Not SIGTTIN and SIGTTOU: they stop a program in the background before it has changed the
// terminal, as they should.
constexpr std::array handled = {SIGHUP,  SIGINT,  SIGQUIT, SIGTERM,   SIGALRM, SIGPIPE, SIGUSR1,
                                SIGUSR2, SIGXCPU, SIGPROF, SIGVTALRM, SIGTSTP, SIGCONT};

volatile sig_atomic_t caught = 0;

void note_prompt_signal(int number) {
    caught = number;
}

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
        // Restoring it must work in the background, too.
        SignalBlock block;
        block.add(SIGTTOU);
        tcsetattr(fd_, TCSADRAIN, &before_);
    }
    EchoOff(const EchoOff&) = delete;
    EchoOff& operator=(const EchoOff&) = delete;

    [[nodiscard]] bool done() const { return off_; }

  private:
    int fd_;
    termios before_{};
    bool off_ = false;
};

using Length = std::expected<std::size_t, std::string>;

void show(int fd, std::string_view text) {
    if (::write(fd, text.data(), text.size()) < 0) return;  // a prompt that cannot be shown is not an error
}

enum class Key : unsigned char { byte, end, signal, error };

Key read_key(int fd, const sigset_t* mask, char& byte) {
    pollfd wait{fd, POLLIN, 0};
    for (;;) {
        // A descriptor that another program has made non-blocking has to be waited for, too.
        if (::ppoll(&wait, 1, nullptr, mask) >= 0) {
            const ssize_t got = ::read(fd, &byte, 1);
            if (got >= 0) return got == 0 ? Key::end : Key::byte;
            if (errno != EAGAIN && errno != EINTR) return Key::error;
        } else if (errno != EINTR) {
            return Key::error;
        } else if (mask != nullptr && caught != 0) {
            // An ignored signal ends the wait, too, under an emulator that forwards signals.
            return Key::signal;
        }
    }
}

// `interrupted` is set when a signal arrived first; without `mask` none is reported.
Length read_line(int fd, std::span<char> into, const sigset_t* mask, bool& interrupted) {
    std::size_t size = 0;
    bool any = false;
    char byte = 0;
    while (true) {
        switch (read_key(fd, mask, byte)) {
            case Key::signal:
                interrupted = true;
                return 0;
            case Key::error:
                return std::unexpected(std::string(errno_text(errno)));
            case Key::end:
                if (!any) return std::unexpected(std::string(end_of_input));
                byte = '\n';
                break;
            case Key::byte:
                any = true;
                break;
        }
        if (byte == '\n') break;
        if (size < into.size()) into[size++] = byte;
    }
    return size > 0 && into[size - 1] == '\r' ? size - 1 : size;
}

}  // namespace

Length read_secret_line(int fd, std::span<char> into) {
    bool interrupted = false;
    return read_line(fd, into, nullptr, interrupted);
}

Length ask_secret_line(std::string_view question, std::string_view instead, std::span<char> into) {
    const Descriptor terminal(::open("/dev/tty", O_RDWR | O_CLOEXEC));
    if (!terminal && ::isatty(STDIN_FILENO) != 1)
        return std::unexpected(std::string("there is no terminal; use ").append(instead));
    const int in = terminal ? terminal.get() : STDIN_FILENO;
    const int out = terminal ? terminal.get() : STDERR_FILENO;
    for (;;) {
        bool interrupted = false;
        Length line;
        {
            // Signals are delivered only inside ppoll(), so that none can arrive between the check of `caught` and the wait
            // for a key.
            caught = 0;
            const SignalBlock block{handled};
            const SignalHandlers handlers{handled, note_prompt_signal};
            const EchoOff quiet(in);
            if (!quiet.done())
                return std::unexpected(
                    std::string("the terminal's echo cannot be switched off: ").append(errno_text(errno)));
            show(out, question);
            line = read_line(in, into, &block.before(), interrupted);
            show(out, "\n");
        }
        if (!interrupted) return line;
        const int number = caught;
        if (number == SIGCONT) continue;
        ::raise(number);
        if (number != SIGTSTP) return std::unexpected(std::string("interrupted"));
    }
}

}  // namespace mqttc::app

// Secrets from files and from the terminal, and wiping them from argv.
#include "secrets.hpp"

#include <fcntl.h>
#include <poll.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>

#include "messages.hpp"
#include "tokenize.hpp"

namespace mqttc::app {
namespace {

// Memory for a secret while it is read: never moved, overwritten at the end.
struct SecretBuffer {
    std::array<char, max_secret_bytes + 2> bytes;
    std::size_t size = 0;
    ~SecretBuffer() { explicit_bzero(bytes.data(), bytes.size()); }

    std::string_view text() const { return {bytes.data(), size}; }
};

class Descriptor {
  public:
    explicit Descriptor(int fd) : fd_(fd) {}
    ~Descriptor() {
        if (fd_ > STDERR_FILENO) ::close(fd_);
    }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    int get() const { return fd_; }

  private:
    int fd_;
};

// Reads up to the end of the first line. Returns an errno, 0 when well; EFBIG when the line is too long.
// `waiting`: the signal mask while it waits for bytes.
int read_line(int fd, SecretBuffer& buffer, const sigset_t* waiting = nullptr) {
    while (true) {
        if (buffer.size == buffer.bytes.size()) return EFBIG;
        pollfd readable{fd, POLLIN, 0};
        if (waiting != nullptr && ::ppoll(&readable, 1, nullptr, waiting) < 0) return errno;
        // Byte by byte: what follows the first line of a pipe belongs to somebody else.
        const ssize_t got = ::read(fd, buffer.bytes.data() + buffer.size, 1);
        if (got < 0) return errno;
        if (got == 0 || buffer.bytes[buffer.size] == '\n') break;
        ++buffer.size;
    }
    if (buffer.text().ends_with('\r')) --buffer.size;
    return buffer.size > max_secret_bytes ? EFBIG : 0;
}

std::string trouble(std::string_view what, std::string_view on, int error) {
    std::string message(what);
    message.append(on).append(": ");
    if (error == EFBIG) return message.append("more than 65535 bytes in the first line");
    return message.append(std::strerror(error));
}

volatile sig_atomic_t interrupted_by = 0;
void note_signal(int number) {
    interrupted_by = number;
}

// While it lives the terminal doesn't echo, and signals are blocked except in ppoll with mask(): one that comes
// between the prompt and the reading must not be lost.
class QuietTerminal {
  public:
    explicit QuietTerminal(int fd) : fd_(fd) {
        interrupted_by = 0;
        struct sigaction action{};
        action.sa_handler = note_signal;
        sigset_t taken;
        ::sigemptyset(&taken);
        for (const int number : signals) ::sigaddset(&taken, number);
        ::pthread_sigmask(SIG_BLOCK, &taken, &mask_before_);
        for (std::size_t i = 0; i < signals.size(); ++i) ::sigaction(signals[i], &action, &before_[i]);
        if (::tcgetattr(fd_, &saved_) != 0) return;
        termios quiet = saved_;
        quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO | ECHONL);
        changed_ = ::tcsetattr(fd_, TCSAFLUSH, &quiet) == 0;
    }
    ~QuietTerminal() {
        if (changed_) ::tcsetattr(fd_, TCSAFLUSH, &saved_);
        ::pthread_sigmask(SIG_SETMASK, &mask_before_, nullptr);  // a pending one is noted here
        for (std::size_t i = 0; i < signals.size(); ++i) ::sigaction(signals[i], &before_[i], nullptr);
    }
    QuietTerminal(const QuietTerminal&) = delete;
    QuietTerminal& operator=(const QuietTerminal&) = delete;

    const sigset_t& mask() const { return mask_before_; }

  private:
    static constexpr std::array signals{SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP};
    int fd_;
    termios saved_{};
    bool changed_ = false;
    sigset_t mask_before_{};
    std::array<struct sigaction, signals.size()> before_{};
};

void overwrite(std::string_view value) {
    // The value is a view of the process's argument memory, which is writable.
    explicit_bzero(const_cast<char*>(value.data()), value.size());
}

// Stars instead of the password of scheme://user:password@host.
void star_url_password(std::string_view url) {
    const std::size_t scheme = url.find("://");
    const std::size_t at = url.rfind('@');
    if (scheme == url.npos || at == url.npos) return;
    const std::size_t colon = url.find(':', scheme + 3);
    if (colon == url.npos || colon > at) return;
    std::memset(const_cast<char*>(url.data()) + colon + 1, '*', at - colon - 1);
}

// PEM says so in the key's first lines, in both of its formats. A file that can't be read is somebody else's
// to complain about.
bool is_encrypted(const std::string& key_file) {
    if (key_file.empty()) return false;
    const Descriptor file(::open(key_file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (file.get() < 0) return false;
    SecretBuffer buffer;
    ssize_t got = 0;
    while ((got = ::read(file.get(), buffer.bytes.data() + buffer.size, buffer.bytes.size() - buffer.size)) >
           0) {
        buffer.size += static_cast<std::size_t>(got);
    }
    return buffer.text().find("-----BEGIN ENCRYPTED PRIVATE KEY-----") != std::string_view::npos ||
           buffer.text().find("Proc-Type: 4,ENCRYPTED") != std::string_view::npos;
}

}  // namespace

std::expected<Secret, std::string> read_secret_file(const std::string& path) {
    const int fd = path == "-" ? STDIN_FILENO : ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return std::unexpected(trouble("cannot read ", visible(path), errno));
    const Descriptor file(fd);
    SecretBuffer buffer;
    if (const int error = read_line(file.get(), buffer); error != 0) {
        return std::unexpected(trouble("cannot read ", visible(path), error));
    }
    if (buffer.size == 0) return std::unexpected("the first line of " + visible(path) + " is empty");
    return Secret(buffer.text());
}

std::expected<Secret, std::string> ask_secret(std::string_view prompt, std::string_view instead) {
    const Descriptor terminal(::open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY));
    if (terminal.get() < 0) {
        return std::unexpected(std::string("there is no terminal to ask on; use ").append(instead));
    }
    SecretBuffer buffer;
    int error = 0;
    {
        const QuietTerminal quiet(terminal.get());
        if (::write(terminal.get(), prompt.data(), prompt.size()) < 0) error = errno;
        if (error == 0) error = read_line(terminal.get(), buffer, &quiet.mask());
        if (::write(terminal.get(), "\n", 1) < 0 && error == 0) error = errno;
    }
    if (interrupted_by != 0) {
        ::raise(interrupted_by);  // with the terminal restored, as if we had never caught it
        return std::unexpected(std::string("interrupted"));
    }
    if (error != 0) return std::unexpected(trouble("cannot read from ", "the terminal", error));
    return Secret(buffer.text());
}

std::expected<void, std::string> resolve_secrets(ConnectionSettings& settings) {
    using Kind = PasswordSource::Kind;
    PasswordSource& password = settings.password;
    if (password.kind == Kind::environment) {
        // A default: without a user name it is not meant.
        password.kind = settings.username ? Kind::given : Kind::none;
    } else if (password.kind == Kind::file || password.kind == Kind::ask) {
        auto secret = password.kind == Kind::file
                          ? read_secret_file(password.path)
                          : ask_secret("Password: ", "--password-file or MQTT_PASSWORD");
        if (!secret) {
            return std::unexpected(
                std::string(password.kind == Kind::file ? "--password-file: " : "--ask-password: ")
                    .append(secret.error()));
        }
        password = {Kind::given, std::move(*secret), {}};
    }
    if (settings.no_tls) return {};
    if (!settings.key_passphrase_file.empty()) {
        auto secret = read_secret_file(settings.key_passphrase_file);
        if (!secret) return std::unexpected("--key-passphrase-file: " + secret.error());
        settings.tls.key_passphrase = std::move(*secret);
    } else if (is_encrypted(settings.tls.key_file)) {
        // Now, before any connection: nobody types within --connect-timeout.
        auto secret =
            ask_secret("Passphrase of " + visible(settings.tls.key_file) + ": ", "--key-passphrase-file");
        if (!secret) return std::unexpected("--key: " + secret.error());
        settings.tls.key_passphrase = std::move(*secret);
    }
    if (!settings.psk_file.empty()) {
        auto secret = read_secret_file(settings.psk_file);
        if (!secret) return std::unexpected("--psk-file: " + secret.error());
        if (secret->view().find_first_not_of("0123456789abcdefABCDEF") != std::string_view::npos) {
            return std::unexpected("--psk-file: the key in " + visible(settings.psk_file) +
                                   " is not hexadecimal");
        }
        settings.tls.psk_key = std::move(*secret);
    }
    return {};
}

void wipe_arguments(Program program, std::span<char*> arguments) {
    const std::vector<std::string_view> views(arguments.begin(), arguments.end());
    std::vector<Occurrence> options;
    // An error after the secret doesn't matter: what came before it is in `options`.
    static_cast<void>(tokenize_arguments(program, views, &options));
    for (const Occurrence& option : options) {
        if (!option.row->secret) continue;
        if (option.row->kind == ValueKind::url) {
            star_url_password(option.value());
        } else {
            overwrite(option.value());
        }
    }
}

}  // namespace mqttc::app

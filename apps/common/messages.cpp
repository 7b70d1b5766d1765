// The one writer of lines on stderr.
#include "messages.hpp"

#include <sys/ioctl.h>
#include <unistd.h>
#include <algorithm>
#include <cerrno>
#include <utility>

namespace mqttc::app {
namespace {

constexpr std::string_view clear_line = "\r\x1b[K";

bool write_all(int fd, std::string_view text) {
    while (!text.empty()) {
        const ssize_t written = ::write(fd, text.data(), text.size());
        if (written < 0) {
            if (errno == EINTR) continue;
            return false;
        }
        text.remove_prefix(static_cast<std::size_t>(written));
    }
    return true;
}

void append_hex(std::string& out, unsigned char byte) {
    constexpr std::string_view digits = "0123456789abcdef";
    out.append("\\x");
    out += digits[byte >> 4];
    out += digits[byte & 0x0f];
}

// Bytes of the well-formed printable UTF-8 character at the front of `text`; 0 when there is none.
std::size_t printable_length(std::string_view text) {
    const auto byte = [&](std::size_t i) {
        return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U;
    };
    const auto follows = [&](std::size_t i) { return (byte(i) & 0xc0) == 0x80; };
    const unsigned first = byte(0);
    if (first >= 0x20 && first < 0x7f) return 1;
    // C2 80 to C2 9F are the C1 control characters; C0, C1 and F5 to FF begin nothing.
    if (first == 0xc2) return follows(1) && byte(1) >= 0xa0 ? 2 : 0;
    if (first >= 0xc3 && first <= 0xdf) return follows(1) ? 2 : 0;
    if (first >= 0xe0 && first <= 0xef) {
        if (!follows(1) || !follows(2)) return 0;
        if ((first == 0xe0 && byte(1) < 0xa0) || (first == 0xed && byte(1) >= 0xa0)) return 0;
        return 3;
    }
    if (first >= 0xf0 && first <= 0xf4) {
        if (!follows(1) || !follows(2) || !follows(3)) return 0;
        if ((first == 0xf0 && byte(1) < 0x90) || (first == 0xf4 && byte(1) >= 0x90)) return 0;
        return 4;
    }
    return 0;
}

}  // namespace

std::string visible(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    while (!text.empty()) {
        std::size_t length = printable_length(text);
        if (length > 0) {
            out.append(text.substr(0, length));
        } else {
            length = 1;
            switch (text.front()) {
                case '\n':
                    out.append("\\n");
                    break;
                case '\r':
                    out.append("\\r");
                    break;
                case '\t':
                    out.append("\\t");
                    break;
                default:
                    append_hex(out, static_cast<unsigned char>(text.front()));
            }
        }
        text.remove_prefix(length);
    }
    return out;
}

std::string reason_text(PacketType type, ReasonCode code, PropertiesView properties) {
    std::string text(reason_name(type, code));
    const std::string_view why = properties.text_or_empty(PropertyId::reason_string);
    if (!why.empty()) text.append(" (").append(why).append(")");
    return text;
}

void Messages::line(std::string_view prefix, std::string_view text) const {
    std::string out(std::exchange(progress_shown_, false) ? clear_line : "");
    out.append(program_).append(": ").append(prefix).append(visible(text)).append("\n");
    write_all(STDERR_FILENO, out);
}

void Messages::error(std::string_view text) const {
    if (!quiet_) line({}, text);
}

void Messages::warning(std::string_view text) const {
    if (!quiet_) line("warning: ", text);
}

void Messages::debug(std::string_view text) const {
    line({}, text);
}

void Messages::progress(std::string_view text) const {
    if (quiet_) return;
    if (!on_terminal()) return line({}, text);
    winsize size{};
    constexpr std::size_t usual_width = 80;
    const bool known = ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
    // A line that wraps could not be replaced.
    const std::size_t width = known ? size.ws_col : usual_width;
    std::string out(clear_line);
    out.append(std::string(program_).append(": ").append(text).substr(0, width - 1));
    progress_shown_ = write_all(STDERR_FILENO, out);
}

void Messages::end_progress() const {
    if (std::exchange(progress_shown_, false)) write_all(STDERR_FILENO, clear_line);
}

bool Messages::on_terminal() {
    return ::isatty(STDERR_FILENO) == 1;
}

bool write_stdout(std::string_view text) {
    return write_all(STDOUT_FILENO, text);
}

}  // namespace mqttc::app

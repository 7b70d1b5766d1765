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

}  // namespace

std::string reason_text(PacketType type, ReasonCode code, PropertiesView properties) {
    std::string text(reason_name(type, code));
    const std::string_view why = properties.text_or_empty(PropertyId::reason_string);
    if (!why.empty()) text.append(" (").append(why).append(")");
    return text;
}

void Messages::line(std::string_view prefix, std::string_view text) const {
    std::string out(std::exchange(progress_shown_, false) ? clear_line : "");
    out.append(way_made()).append(program_).append(": ").append(prefix).append(visible(text)).append("\n");
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

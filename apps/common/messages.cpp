// The one writer of lines on stderr.
#include "messages.hpp"

#include <sys/ioctl.h>
#include <unistd.h>
#include <algorithm>
#include <cstring>
#include <utility>

namespace mqttc::app {
namespace {

constexpr std::string_view clear_line = "\r\x1b[K";

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
    write(out);
}

bool Messages::write(std::string_view text) const {
    if (!outlet_) outlet_.emplace(STDERR_FILENO);
    if (deadline_) outlet_->give_up_at(*deadline_);
    const bool whole = outlet_->write(text, {}, Outlet::Wait::yes) == text.size();
    // What went wrong is not for ever: a full disk may have room for the next line.
    if (!whole) outlet_.reset();
    return whole;
}

void Messages::stdout_failed(int error_number) const {
    error(std::string("cannot write to stdout: ") + std::strerror(error_number));
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
    progress_shown_ = write(out);
}

void Messages::end_progress() const {
    if (std::exchange(progress_shown_, false)) write(clear_line);
}

bool Messages::on_terminal() {
    return ::isatty(STDERR_FILENO) == 1;
}

bool write_stdout(std::string_view text) {
    return Outlet(STDOUT_FILENO).write(text, {}, Outlet::Wait::yes) == text.size();
}

}  // namespace mqttc::app

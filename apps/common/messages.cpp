// The one writer of lines on stderr.
#include "messages.hpp"

#include <sys/ioctl.h>
#include <unistd.h>
#include <algorithm>
#include <cstring>
#include <utility>

#include "base/escape.hpp"
#include "base/text.hpp"

namespace mqttc::app {
namespace {

constexpr std::string_view clear_line = "\r\x1b[K";
// Texts of peers are cut where they are quoted; this limits a line that has many of them.
constexpr std::size_t max_line = 8 * 1024;

}  // namespace

std::string reason_text(PacketType type, ReasonCode code, PropertiesView properties) {
    std::string text(reason_name(type, code));
    const std::string_view why = properties.text_or_empty(PropertyId::reason_string);
    if (!why.empty()) text.append(" (").append(escape_controls(why)).append(")");
    return text;
}

void Messages::line(std::string_view prefix, std::string_view text) {
    if (line_hook_) return line_hook_(std::string(prefix).append(escape_controls(text, max_line)));
    std::string out(std::exchange(progress_shown_, false) ? clear_line : "");
    out.append(before_line())
        .append(program_)
        .append(": ")
        .append(prefix)
        .append(escape_controls(text, max_line))
        .append("\n");
    write(out);
}

bool Messages::write(std::string_view text) {
    if (!writer_) writer_.emplace(STDERR_FILENO);
    if (deadline_) writer_->give_up_at(*deadline_);
    const bool whole = writer_->write(text, {}, FdWriter::Wait::yes) == text.size();
    // A failure may be temporary: a full disk may have room for the next line.
    if (!whole) writer_.reset();
    return whole;
}

void Messages::stdout_failed(int error_number) {
    error(std::string("cannot write to stdout: ") + errno_text(error_number));
}

void Messages::error(std::string_view text) {
    if (!quiet_) line({}, text);
}

void Messages::warning(std::string_view text) {
    if (!quiet_) line("warning: ", text);
}

bool Messages::watched() const {
    return !quiet_ && on_terminal() && ::isatty(STDOUT_FILENO) == 1;
}

void Messages::status(std::string_view text) {
    if (!watched()) return;
    if (line_hook_) return line_hook_(escape_controls(text, max_line));
    const bool colored = wants_color(color_, true);
    std::string out(std::exchange(progress_shown_, false) ? clear_line : "");
    out.append(before_line()).append(colored ? color::dim : "").append(escape_controls(text, max_line));
    write(out.append(colored ? color::plain : "").append("\n"));
}

void Messages::always(std::string_view text) {
    line({}, text);
}

void Messages::plain(std::string_view lines) {
    write(std::string(std::exchange(progress_shown_, false) ? clear_line : "")
              .append(before_line())
              .append(lines));
}

void Messages::progress(std::string_view text, std::string_view bar) {
    if (quiet_) return;
    if (!on_terminal() || !terminal_has_sequences()) return line({}, text);
    winsize size{};
    constexpr std::size_t usual_width = 80;
    const bool known = ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
    // A line that wraps could not be replaced.
    const std::size_t width = known ? size.ws_col : usual_width;
    std::string out(clear_line);
    std::string shown = std::string(program_).append(": ");
    if (shown.size() + bar.size() + text.size() < width) shown.append(bar);
    out.append(shown.append(text).substr(0, width - 1));
    progress_shown_ = write(out);
}

void Messages::end_progress() {
    if (std::exchange(progress_shown_, false)) write(clear_line);
}

bool Messages::on_terminal() {
    return ::isatty(STDERR_FILENO) == 1;
}

bool write_stdout(std::string_view text) {
    return FdWriter(STDOUT_FILENO).write(text, {}, FdWriter::Wait::yes) == text.size();
}

}  // namespace mqttc::app

// -w: a live table on the terminal.
#include "live_table.hpp"

#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <string>
#include <utility>

#include "base/encoding.hpp"
#include "base/escape.hpp"
#include "base/sha1.hpp"
#include "columns.hpp"
#include "mqttc/client.hpp"
#include "option_values.hpp"
#include "text_out.hpp"

namespace mqttc::sub {
namespace {

// Below this width only topic and value are shown.
constexpr std::size_t width_for_columns = 60;
constexpr std::size_t age_columns = 7;
constexpr std::size_t rate_columns = 9;
constexpr std::string_view wrap_off = "\033[?7l";
constexpr std::string_view wrap_on = "\033[?7h";

std::string age_text(Duration age) {
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(age).count();
    if (seconds < 60) return std::to_string(seconds) + " s";
    if (seconds < 3600) return std::to_string(seconds / 60) + " min";
    return std::to_string(seconds / 3600) + " h";
}

void append_right(TextBuffer& out, std::string_view text, std::size_t columns) {
    if (text.size() < columns) out.fill(columns - text.size(), ' ');
    out.append(text);
}

// A topic as its row shows it. A long one is cut; its hash keeps its row apart from others with the same start.
std::string row_name(std::string_view topic) {
    std::string name = escape_controls(topic);
    if (topic.size() > max_shown) name.append(" ").append(to_hex(sha1(topic)));
    return name;
}

std::optional<double> as_number(std::string_view text) {
    while (!text.empty() && (text.front() == ' ' || text.front() == '+')) text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\n' || text.back() == '\r'))
        text.remove_suffix(1);
    const auto number = app::read_double(text, "0123456789.-+eE");
    return number && *number - *number == 0 ? number : std::nullopt;  // no infinity
}

}  // namespace

ScreenSize terminal_size(int fd) {
    winsize size{};
    if (ioctl(fd, TIOCGWINSZ, &size) != 0 || size.ws_row == 0 || size.ws_col == 0) return {};
    return {size.ws_row, size.ws_col};
}

bool same_terminal(int one, int other) {
    struct stat first{};
    struct stat second{};
    return isatty(one) == 1 && isatty(other) == 1 && fstat(one, &first) == 0 && fstat(other, &second) == 0 &&
           first.st_rdev == second.st_rdev;
}

LiveTable::~LiveTable() {
    if (messages_ != nullptr) messages_->set_before_line_hook({});
}

void LiveTable::share_terminal(app::Messages& messages) {
    messages_ = &messages;
    messages.set_before_line_hook([this] { return before_line(); });
}

// Erases the table from the terminal; the next tick draws it again, below.
std::string LiveTable::before_line() {
    // The buffer holds only drawings, and an unfinished one must be written first.
    std::string text(out_.view());
    out_.clear();
    if (rows_drawn_ == 0) return text;
    text += "\033[" + std::to_string(std::min(rows_drawn_, room())) + "A\r\033[J";
    forget_drawing();
    return text;
}

void LiveTable::attach(Client& client) {
    // While the program was stopped the shell wrote below the table.
    client.on_signal(SIGCONT, [this] { forget_drawing(); });
}

void LiveTable::forget_drawing() {
    changed_ = changed_ || rows_drawn_ > 0;
    rows_drawn_ = 0;
}

bool LiveTable::take(const Publish& message) {
    const std::string topic = row_name(message.topic);
    auto found = entries_.find(topic);
    if (found == entries_.end()) {
        if (entries_.size() >= max_topics) {
            ++left_out_;
            changed_ = true;
            return true;
        }
        found = entries_.emplace(topic, Entry{}).first;
        found->second.topic_width = display_width(topic);
        widest_topic_ = std::max(widest_topic_, found->second.topic_width);
    }
    Entry& entry = found->second;
    show_value(message, entry);
    ++entry.count;
    entry.last = world_.now();
    changed_ = true;
    return true;
}

void LiveTable::show_value(const Publish& message, Entry& entry) {
    entry.value.clear();
    if (shown_.line) {
        static_cast<void>(shown_.line->take(message));
        for (const char c : shown_.line_out->view().substr(0, max_value)) {
            if (c == '\n') {
                entry.value += "\\n";
            } else {
                entry.value += c;
            }
        }
        shown_.line_out->clear();
        return;
    }
    if (!shown_.field) {
        entry.set(as_text(message.payload));
        return;
    }
    TextBuffer value;
    const FieldResult result = find_field(as_text(message.payload), *shown_.field, value);
    if (result == FieldResult::found) return entry.set(value.view());
    entry.value = "(" + field_error(result, *shown_.field) + ")";
}

void LiveTable::Entry::set(std::string_view text) {
    append_escaped(value, text.substr(0, max_value), LineBreaks::hide);
    const auto number = as_number(text);
    if (!number) return;
    if (numbers_known == curve_points) {
        std::shift_left(numbers.begin(), numbers.end(), 1);
        --numbers_known;
    }
    numbers[numbers_known++] = *number;
}

void LiveTable::new_second(Time now) {
    second_start_ = now;
    for (auto& [topic, entry] : entries_) {
        entry.rate = entry.count - entry.count_before;
        entry.count_before = entry.count;
    }
    changed_ = changed_ || !entries_.empty();
}

void LiveTable::tick() {
    const Time now = world_.now();
    if (second_start_ == Time{}) second_start_ = now;
    if (now - second_start_ >= std::chrono::seconds(1)) new_second(now);
    const ScreenSize size = world_.size();
    if (rows_drawn_ > 0 && size != drawn_for_) {
        // The terminal has wrapped the lines again: the position of the table is unknown.
        out_.append("\033[H\033[2J");
        forget_drawing();
    }
    if (changed_) draw();
}

void LiveTable::finish() {
    if (changed_) {
        draw();
    } else if (rows_drawn_ > 0) {
        out_.append("\r\033[J");  // erases the ^C of the terminal
        out_.append(wrap_on);     // the last drawing may be incomplete
    }
    // The table stays; later messages appear below it.
    if (messages_ != nullptr) std::exchange(messages_, nullptr)->set_before_line_hook({});
}

// One row stays free for the cursor.
std::size_t LiveTable::room() const {
    return std::max<std::size_t>(world_.size().rows, 2) - 1;
}

void LiveTable::draw() {
    changed_ = false;
    const ScreenSize size = world_.size();
    drawn_for_ = size;
    const Time now = world_.now();
    const std::size_t most = room();
    const bool all = left_out_ == 0 && entries_.size() <= most;
    const std::size_t shown = all ? entries_.size() : std::min(most - 1, entries_.size());

    const std::size_t topic_columns = std::min(widest_topic_, size.columns / 3);

    // A text wider than computed must not wrap: all that follows would be one line too high.
    out_.append(wrap_off);
    if (rows_drawn_ > 0) {
        out_.append("\033[");
        append_number(out_, std::min(rows_drawn_, most));
        out_.append("A");
    }
    out_.append("\r");
    std::size_t rows = 0;
    for (const auto& [topic, entry] : entries_) {
        if (rows == shown) break;
        // Before the line: after one as wide as the window it would erase the last column.
        out_.append("\033[K");
        draw_entry(topic, entry, topic_columns, size.columns, now);
        out_.push_back('\n');
        ++rows;
    }
    if (!all) {
        out_.append("\033[K");
        append_number(out_, entries_.size() - shown);
        out_.append(left_out_ > 0 ? " or more" : " more");
        out_.append(" topics\n");
        ++rows;
    }
    out_.append("\033[J");
    out_.append(wrap_on);
    rows_drawn_ = rows;
}

void LiveTable::draw_entry(const std::string& topic, const Entry& entry, std::size_t topic_columns,
                           std::size_t columns, Time now) {
    if (shown_.line) {
        append_clipped(out_, entry.value, columns);
        // Colours that the format sets end with its line.
        if (entry.value.find('\033') != std::string::npos) out_.append("\033[0m");
        return;
    }
    append_clipped(out_, topic, topic_columns);
    out_.fill(topic_columns - std::min(topic_columns, entry.topic_width) + 1, ' ');
    std::size_t left = columns - std::min(columns, topic_columns + 1);
    const bool with_columns = columns >= width_for_columns;
    if (with_columns) left -= age_columns + rate_columns + curve_points + 1;
    append_clipped(out_, entry.value, left);
    if (!with_columns) return;
    out_.fill(left - std::min(left, display_width(entry.value)), ' ');
    append_right(out_, age_text(now - entry.last), age_columns);
    append_right(out_, std::to_string(entry.rate) + "/s", rate_columns);
    if (entry.numbers_known < 2) return;
    out_.push_back(' ');
    const auto* const end = entry.numbers.begin() + entry.numbers_known;
    const auto [low, high] = std::minmax_element(entry.numbers.begin(), end);
    for (const auto* number = entry.numbers.begin(); number != end; ++number) {
        constexpr double steps = 7;
        const double part = *high > *low ? (*number - *low) / (*high - *low) : 0.5;
        // Rounded without lround(), which would make every start of the program load libm.
        const int step = (static_cast<int>(part * steps * 2) + 1) / 2;
        // U+2581 to U+2588, lower blocks of one to eight eighths.
        out_.append("\xe2\x96");
        out_.push_back(static_cast<char>(0x81 + step));
    }
}

}  // namespace mqttc::sub

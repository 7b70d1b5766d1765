// -w without a full screen.
#include "live_table.hpp"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <string>
#include <utility>

#include "base/escape.hpp"
#include "columns.hpp"
#include "live_picture.hpp"
#include "mqttc/client.hpp"
#include "text_out.hpp"

namespace mqttc::sub {
namespace {

constexpr std::string_view wrap_off = "\033[?7l";
constexpr std::string_view wrap_on = "\033[?7h";

}  // namespace

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
    // Times are not shown.
    model_.take(message, value_.of(message), environment_.now(), {});
    changed_ = true;
    return true;
}

void LiveTable::tick() {
    const Time now = environment_.now();
    const std::int64_t second = LiveModel::second_of(now);
    if (std::exchange(second_drawn_, second) != second && !model_.entries().empty()) changed_ = true;
    const ScreenSize size = environment_.size();
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
    return std::max<std::size_t>(environment_.size().rows, 2) - 1;
}

void LiveTable::draw() {
    changed_ = false;
    const ScreenSize size = environment_.size();
    drawn_for_ = size;
    const Time now = environment_.now();
    if (rows_.known() < model_.entries().size()) rows_.update(model_, now);
    const auto& all_rows = rows_.rows();
    const std::size_t most = room();
    const bool all = model_.left_out() == 0 && all_rows.size() <= most;
    const std::size_t shown = all ? all_rows.size() : std::min(most - 1, all_rows.size());

    std::vector<std::string> names;
    std::size_t widest = 0;
    for (std::size_t i = 0; i < shown; ++i) {
        names.push_back(escape_controls(all_rows[i].name, 2 * max_shown));
        widest = std::max(widest, display_width(names.back()));
    }
    const std::size_t topic_columns = std::min(widest, size.columns / 3);

    // A text wider than computed must not wrap: all that follows would be one line too high.
    out_.append(wrap_off);
    if (rows_drawn_ > 0) {
        out_.append("\033[");
        output::append_number(out_, std::min(rows_drawn_, most));
        out_.append("A");
    }
    out_.append("\r");
    for (std::size_t i = 0; i < shown; ++i) {
        // Before the line: after one as wide as the window it would erase the last column.
        out_.append("\033[K");
        draw_entry(*all_rows[i].entry, names[i], topic_columns, size.columns, now);
        out_.push_back('\n');
    }
    std::size_t rows = shown;
    if (!all) {
        out_.append("\033[K");
        output::append_number(out_, all_rows.size() - shown);
        out_.append(model_.left_out() > 0 ? " or more" : " more");
        out_.append(" topics\n");
        ++rows;
    }
    out_.append("\033[J");
    out_.append(wrap_on);
    rows_drawn_ = rows;
}

void LiveTable::draw_entry(const LiveEntry& entry, std::string_view name, std::size_t topic_columns,
                           std::size_t columns, Time now) {
    if (!entry.line.empty()) {
        const std::string line = value_line(entry, columns);
        append_clipped(out_, line, columns);
        // Colours that the format sets end with its line.
        if (line.find('\033') != std::string::npos) out_.append("\033[0m");
        return;
    }
    out_.append(left_aligned(topic_end(name, topic_columns), topic_columns) + " ");
    std::size_t left = columns - std::min(columns, topic_columns + 1);
    const bool with_columns = columns >= width_for_times;
    if (with_columns) left -= age_columns + rate_columns + LiveEntry::curve_points + 1;
    const std::string value = value_line(entry, 4 * left);
    if (!with_columns) return append_clipped(out_, value, left);
    out_.append(left_aligned(value, left));
    out_.append(right_aligned(age_text(now - entry.last), age_columns));
    out_.append(right_aligned(per_second(entry.rate.rate(LiveModel::second_of(now))), rate_columns));
    if (const std::string curve = curve_of(entry); !curve.empty()) out_.append(" " + curve);
}

}  // namespace mqttc::sub

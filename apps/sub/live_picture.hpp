// The lines of the live view: a list or tree of topics, and the details of one.
#pragma once

#include <string>
#include <string_view>

#include "live_rows.hpp"
#include "screen.hpp"

namespace mqttc::sub {

inline constexpr std::size_t age_columns = 7;
inline constexpr std::size_t rate_columns = 9;
/// Narrower windows have only topic and value.
inline constexpr std::size_t width_for_times = 60;

/// "3 s", "12 min", "4 h".
std::string age_text(Duration age);
/// Messages per second: "0.4/s", "1234/s"; "-" for none.
std::string per_second(double rate);
/// A number with at most six digits.
std::string short_number(double number);
/// The last numbers of an entry as blocks of eight heights; empty: less than two are known.
std::string curve_of(const LiveEntry& entry);
/// The value on one line, escaped, of at most about `most` bytes; or the line of -F.
std::string value_line(const LiveEntry& entry, std::size_t most);

/// A text on one line, escaped, clipped to `columns` and padded on the left or right.
std::string left_aligned(std::string_view text, std::size_t columns);
std::string right_aligned(std::string_view text, std::size_t columns);
/// The end of a topic, after its first levels were cut: "…/salon/battery". Not padded.
std::string topic_end(std::string_view topic, std::size_t columns);

/// A line of -F. The colours that its format sets become styles, as far as these have them; other sequences are left
/// out.
Line styled_line(std::string_view text, std::size_t columns, unsigned style);

/// Adds a text, split at the width of the window.
void add_wrapped(Picture& picture, std::string_view text, std::size_t columns, unsigned style);

/// The titles of the columns, and `count` rows from `top`. `selected`: SIZE_MAX for none.
struct ListView {
    const LiveModel& model;
    const LiveRows& rows;
    std::string_view format;  ///< of -F: its lines are shown instead of the columns; empty: none
    std::size_t top;
    std::size_t count;
    std::size_t selected;
    std::size_t columns;
    Time now;
};
Picture list_picture(const ListView& view);

/// All lines of the details; values are wrapped.
Picture details_picture(const LiveEntry& entry, std::size_t columns, Time now);

/// `text` as one word of a POSIX shell.
std::string shell_word(std::string_view text);

}  // namespace mqttc::sub

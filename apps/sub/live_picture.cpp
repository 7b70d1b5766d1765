// The lines of the live view.
#include "live_picture.hpp"

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <ranges>
#include <utility>

#include "base/escape.hpp"
#include "base/text.hpp"
#include "columns.hpp"
#include "json_scan.hpp"
#include "number_format.hpp"

namespace mqttc::sub {
namespace {

constexpr std::size_t changes_columns = 8;
constexpr std::size_t number_columns = 12;
constexpr std::size_t range_columns = 10;
// Narrower windows have only one of rate and changes; only wider ones have the lowest and highest number.
constexpr std::size_t width_for_changes = 72;
constexpr std::size_t width_for_range = 90;
constexpr std::size_t least_topic_columns = 12;
constexpr auto fresh = std::chrono::seconds(2);
constexpr auto stale = std::chrono::minutes(1);
constexpr std::size_t max_detail_lines = 5000;

std::string clipped(std::string_view text, std::size_t columns) {
    output::TextBuffer out;
    append_clipped(out, text, columns);
    return std::string(out.view());
}

std::string escaped_line(std::string_view text) {
    output::TextBuffer out;
    append_escaped(out, text, LineBreaks::hide);
    return std::string(out.view());
}

std::string name_of(const LiveRow& row, bool tree) {
    if (!tree) return escape_controls(row.name, 2 * max_shown);
    std::string name(std::size_t{row.depth} * 2, ' ');
    if (row.entry == nullptr) name.append(row.folded ? "+ " : "- ");
    name.append(row.name.empty() ? "(empty level)" : escape_controls(row.name, 2 * max_shown));
    if (row.entry == nullptr) name.append(" (").append(std::to_string(row.topics)).append(")");
    return name;
}

void add_value(Line& line, const LiveEntry& entry, std::size_t columns, bool with_range, unsigned style) {
    if (!entry.is_number) {
        line.push_back({clipped(value_line(entry, columns * 4), columns), style});
        return;
    }
    std::string text =
        right_aligned(value_line(entry, 4 * number_columns), std::min(number_columns, columns));
    std::size_t left = columns - std::min(columns, number_columns);
    line.push_back({std::move(text), style});
    if (with_range && left > 2 * range_columns + LiveEntry::curve_points) {
        line.push_back({right_aligned(short_number(entry.lowest), range_columns) +
                            right_aligned(short_number(entry.highest), range_columns),
                        style & ~unsigned{style_bold}});
        left -= 2 * range_columns;
    }
    if (left > LiveEntry::curve_points)
        line.push_back({" " + curve_of(entry), style & ~unsigned{style_bold}});
}

// The styles that are set by SGR sequences.
class Sgr {
  public:
    unsigned style() const { return attributes_ | color_; }
    // The numbers of one sequence, with semicolons between them.
    void apply(std::string_view numbers) {
        do {
            const std::string_view number = take_until(numbers, ';');
            // 256 and true colours have numbers of their own.
            if (number == "38" || number == "48") return;
            apply_one(number);
        } while (!numbers.empty());
    }

  private:
    void apply_one(std::string_view number) {
        if (number.empty() || number == "0") attributes_ = color_ = style_plain;
        if (number == "1") attributes_ |= style_bold;
        if (number == "2") attributes_ |= style_dim;
        if (number == "7") attributes_ |= style_reverse;
        if (number == "39") color_ = style_plain;
        if (number.size() != 2 || (number[0] != '3' && number[0] != '9')) return;
        constexpr unsigned colors[] = {style_plain, style_alert, style_text, style_number,
                                       style_key,   style_word,  style_key,  style_plain};
        if (number[1] >= '0' && number[1] <= '7') color_ = colors[number[1] - '0'];
    }

    unsigned attributes_ = style_plain;
    unsigned color_ = style_plain;
};

// Valid JSON, a member or element per line. False: it isn't.
bool add_json(Picture& picture, std::string_view json, std::size_t columns) {
    using Token = output::JsonScanner::Token;
    if (!output::may_highlight(json)) return false;
    Picture lines;
    Line line;
    std::size_t depth = 0;
    bool empty = false;  // the last token has opened something
    const auto end_line = [&] {
        std::size_t left = columns;
        for (Span& span : line) {
            const std::size_t width = display_width(span.text);
            if (width > left) span.text = clipped(span.text, left);
            left -= std::min(left, width);
        }
        if (lines.size() < max_detail_lines) lines.push_back(std::move(line));
        line.clear();
    };
    output::JsonScanner scan(json);
    bool after_value = false;
    bool after_key = false;
    for (;;) {
        const Token token = scan.next();
        if (token == Token::invalid) return false;
        if (token == Token::end) break;
        const bool closes = token == Token::end_object || token == Token::end_array;
        if (closes) --depth;
        if (!closes && after_value) line.push_back({","});
        if (!after_key && !(closes && empty) && !(depth == 0 && !closes)) {
            end_line();
            line.push_back({std::string(2 * std::min<std::size_t>(depth, 32), ' ')});
        }
        const std::string text = escaped_line(scan.token().substr(0, 4 * max_shown));
        unsigned style = style_plain;
        if (token == Token::key) style = style_key;
        if (token == Token::string) style = style_text;
        if (token == Token::number) style = style_number;
        if (token == Token::word) style = style_word;
        line.push_back({text, style});
        if (token == Token::key) line.push_back({": "});
        after_key = token == Token::key;
        empty = token == Token::begin_object || token == Token::begin_array;
        if (empty) ++depth;
        after_value = !empty && !after_key;
    }
    end_line();
    picture.insert(picture.end(), std::make_move_iterator(lines.begin()),
                   std::make_move_iterator(lines.end()));
    return true;
}

std::string clock_text(std::int64_t milliseconds) {
    const auto seconds = static_cast<std::time_t>(milliseconds / 1000);
    std::tm local{};
    ::localtime_r(&seconds, &local);
    char text[32];
    return {text, std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &local)};
}

}  // namespace

std::string age_text(Duration age) {
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(age).count();
    if (seconds < 60) return std::to_string(std::max<std::int64_t>(seconds, 0)) + " s";
    if (seconds < 3600) return std::to_string(seconds / 60) + " min";
    return std::to_string(seconds / 3600) + " h";
}

std::string per_second(double rate) {
    if (rate <= 0) return "-";
    char text[32];
    std::snprintf(text, sizeof text, rate < 10 ? "%.1f/s" : "%.0f/s", rate);
    return text;
}

std::string short_number(double number) {
    char text[32];
    std::snprintf(text, sizeof text, "%.6g", number);
    return text;
}

std::string curve_of(const LiveEntry& entry) {
    if (entry.numbers_known < 2) return {};
    std::string curve;
    const auto* const end = entry.numbers.begin() + entry.numbers_known;
    const auto [low, high] = std::minmax_element(entry.numbers.begin(), end);
    for (const auto* number = entry.numbers.begin(); number != end; ++number) {
        constexpr double steps = 7;
        // Halves: the difference of two numbers may be larger than the largest one.
        const double part = *high > *low ? (*number / 2 - *low / 2) / (*high / 2 - *low / 2) : 0.5;
        // Rounded without lround(), which would make every start of the program load libm.
        const int step = (static_cast<int>(part * steps * 2) + 1) / 2;
        // U+2581 to U+2588, lower blocks of one to eight eighths.
        curve.append("\xe2\x96").push_back(static_cast<char>(0x81 + step));
    }
    return curve;
}

std::string value_line(const LiveEntry& entry, std::size_t most) {
    if (!entry.line.empty()) {
        std::string text;
        for (const char c : entry.line) c == '\n' ? text.append("\\n") : text.append(1, c);
        return text;
    }
    if (entry.value.empty()) return "(null)";
    std::string_view text = entry.value;
    if (entry.is_number) {
        while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' '))
            text.remove_suffix(1);
    }
    return escaped_line(text.substr(0, most));
}

std::string left_aligned(std::string_view text, std::size_t columns) {
    std::string out = clipped(text, columns);
    const std::size_t width = display_width(out);
    return out.append(columns - std::min(columns, width), ' ');
}

std::string right_aligned(std::string_view text, std::size_t columns) {
    std::string out = clipped(text, columns);
    const std::size_t width = display_width(out);
    return out.insert(0, columns - std::min(columns, width), ' ');
}

std::string topic_end(std::string_view topic, std::size_t columns) {
    if (display_width(topic) <= columns) return std::string(topic);
    // The longest end that fits after the mark, from a slash on if there is one.
    std::size_t start = topic.size();
    std::size_t width = 1;
    std::size_t slash = std::string_view::npos;
    while (start > 0) {
        std::size_t before = start - 1;
        while (before > 0 && (static_cast<unsigned char>(topic[before]) & 0xc0) == 0x80) --before;
        width += display_width(topic.substr(before, start - before));
        if (width > columns) break;
        start = before;
        if (topic[start] == '/') slash = start;
    }
    if (slash == std::string_view::npos || slash + 1 == topic.size()) slash = start;
    return columns == 0 ? std::string() : std::string("\xe2\x80\xa6").append(topic.substr(slash));
}

namespace {

// Which columns between topic and value fit into the window.
struct Columns {
    bool times;
    bool rate;
    bool changes;
    bool range;

    Columns(std::size_t width, LiveOrder order)
        : times(width >= width_for_times),
          rate(times && (width >= width_for_changes || order != LiveOrder::changes)),
          changes(times && (width >= width_for_changes || order == LiveOrder::changes)),
          range(width >= width_for_range) {}
    std::size_t width() const {
        if (!times) return 1;
        return age_columns + (rate ? rate_columns : 0) + (changes ? changes_columns : 0) + 2;
    }
};

// The title of the column by which rows are sorted is bold.
Line titles_of(const Columns& columns, const LiveRows& rows, std::size_t topic_columns, bool range) {
    const auto style = [&](LiveOrder order) {
        return unsigned{!rows.tree && rows.order == order ? style_bold : style_dim};
    };
    Line line{{left_aligned("topic", topic_columns), style(LiveOrder::topic)}};
    if (columns.times) line.push_back({right_aligned("age", age_columns), style(LiveOrder::time)});
    if (columns.rate) line.push_back({right_aligned("rate", rate_columns), style(LiveOrder::rate)});
    if (columns.changes)
        line.push_back({right_aligned("changes", changes_columns), style(LiveOrder::changes)});
    std::string rest = columns.times ? "  " + right_aligned("value", number_columns) : " value";
    if (range) rest += right_aligned("lowest", range_columns) + right_aligned("highest", range_columns);
    line.push_back({std::move(rest), style_dim});
    return line;
}

std::string figures_of(const LiveEntry& entry, const Columns& columns, Time now) {
    if (!columns.times) return " ";
    std::string text = right_aligned(age_text(now - entry.last), age_columns);
    if (columns.rate)
        text += right_aligned(per_second(entry.rate.rate(LiveModel::second_of(now))), rate_columns);
    if (columns.changes) text += right_aligned(std::to_string(entry.changes), changes_columns);
    return text + "  ";
}

}  // namespace

Line styled_line(std::string_view text, std::size_t columns, unsigned style) {
    std::string whole(text);
    // What a terminal does with them isn't known here.
    std::ranges::replace_if(
        whole, [](char c) { return static_cast<unsigned char>(c) < ' ' && c != '\033'; }, ' ');
    whole = clipped(whole, columns);
    Line line;
    Sgr sgr;
    for (std::string_view rest = whole; !rest.empty();) {
        const std::size_t plain = std::min(rest.find('\033'), rest.size());
        if (plain > 0) line.push_back({std::string(rest.substr(0, plain)), style | sgr.style()});
        rest.remove_prefix(plain);
        if (rest.empty()) break;
        const std::size_t length = escape_sequence_length(rest);
        if (rest.starts_with("\033[") && rest[length - 1] == 'm') sgr.apply(rest.substr(2, length - 3));
        rest.remove_prefix(length);
    }
    return line;
}

Picture list_picture(const ListView& view) {
    const auto& rows = view.rows.rows();
    const bool tree = view.rows.tree;
    const bool lines = !view.format.empty();
    const std::size_t end = std::min(rows.size(), view.top + view.count);
    const Columns columns(view.columns, view.rows.order);
    std::vector<std::string> names;
    std::size_t widest = least_topic_columns;
    for (std::size_t i = std::min(view.top, end); i < end; ++i) {
        names.push_back(name_of(rows[i], tree));
        widest = std::max(widest, display_width(names.back()));
    }
    const std::size_t topic_columns = std::min(widest, view.columns * (columns.times ? 45U : 55U) / 100);
    const std::size_t value_columns = view.columns - std::min(view.columns, topic_columns + columns.width());
    const bool with_range = columns.times && columns.range &&
                            value_columns > number_columns + 2 * range_columns + LiveEntry::curve_points;

    Picture picture;
    if (lines) {
        picture.push_back({{clipped(escape_controls(view.format), view.columns), style_dim}});
    } else {
        picture.push_back(titles_of(columns, view.rows, topic_columns, with_range));
    }
    for (std::size_t i = std::min(view.top, end); i < end; ++i) {
        const LiveRow& row = rows[i];
        const std::string& name = names[i - view.top];
        unsigned style = i == view.selected ? unsigned{style_reverse} : unsigned{style_plain};
        Line line;
        if (row.entry == nullptr) {
            line.push_back({left_aligned(name, view.columns), style | style_dim});
            picture.push_back(std::move(line));
            continue;
        }
        const LiveEntry& entry = view.model.shown(row.entry);
        const Duration age = view.now - entry.last;
        if (age >= stale) style |= style_dim;
        const unsigned topic_style = age < fresh ? style | style_bold : style;
        const unsigned value_style = view.now - entry.changed < fresh ? style | style_bold : style;
        const std::string topic = left_aligned(topic_end(name, topic_columns), topic_columns);
        if (lines) {
            if (tree) line.push_back({topic + " ", topic_style});
            const std::size_t left = view.columns - std::min(view.columns, tree ? topic_columns + 1 : 0);
            std::ranges::move(styled_line(value_line(entry, view.columns), left, value_style),
                              std::back_inserter(line));
        } else {
            line.push_back({topic, topic_style});
            line.push_back({figures_of(entry, columns, view.now), style});
            if (columns.times) {
                add_value(line, entry, value_columns, with_range, value_style);
            } else {
                line.push_back({clipped(value_line(entry, value_columns * 4), value_columns), value_style});
            }
        }
        if (i == view.selected) {
            const std::size_t width = display_width(text_of(line));
            line.push_back({std::string(view.columns - std::min(view.columns, width), ' '), style});
        }
        picture.push_back(std::move(line));
    }
    return picture;
}

void add_wrapped(Picture& picture, std::string_view text, std::size_t columns, unsigned style) {
    const std::size_t width = std::max<std::size_t>(columns, 8);
    do {
        std::size_t taken = 0;
        // A character at a time: one may be two columns wide.
        while (taken < text.size()) {
            std::size_t next = taken + 1;
            while (next < text.size() && (static_cast<unsigned char>(text[next]) & 0xc0) == 0x80) ++next;
            if (next > width && display_width(text.substr(0, next)) > width) break;
            taken = next;
        }
        taken = std::max<std::size_t>(taken, std::min<std::size_t>(1, text.size()));
        picture.push_back({{std::string(text.substr(0, taken)), style}});
        text.remove_prefix(taken);
    } while (!text.empty() && picture.size() < max_detail_lines);
}

Picture details_picture(const LiveEntry& entry, std::size_t columns, Time now) {
    Picture picture;
    add_wrapped(picture, escape_controls(entry.topic, 2 * max_shown), columns, style_bold);
    std::string facts = "QoS " + std::to_string(static_cast<int>(entry.qos));
    if (entry.retained) facts += ", retained";
    facts += ", " + app::count_text(entry.size, "byte") + ", " + age_text(now - entry.last) + " ago; " +
             app::count_text(entry.count, "message") + ", " + app::count_text(entry.changes, "change");
    if (const double rate = entry.rate.rate(LiveModel::second_of(now)); rate > 0)
        facts += ", " + per_second(rate);
    if (entry.numbers_known > 0)
        facts += "; lowest " + short_number(entry.lowest) + ", highest " + short_number(entry.highest) + " " +
                 curve_of(entry);
    add_wrapped(picture, facts, columns, style_dim);
    std::string_view properties = entry.properties;
    while (!properties.empty())
        add_wrapped(picture, escaped_line(take_until(properties, '\n')), columns, style_plain);
    picture.emplace_back();
    if (entry.value.empty()) {
        picture.push_back({{"(empty)", style_dim}});
    } else if (!add_json(picture, entry.value, columns)) {
        std::string_view text = entry.value;
        while (!text.empty() && picture.size() < max_detail_lines)
            add_wrapped(picture, escaped_line(take_until(text, '\n')), columns, style_plain);
    }
    if (entry.size > entry.value.size())
        picture.push_back({{"(only the first " + std::to_string(entry.value.size()) + " of " +
                                std::to_string(entry.size) + " bytes are kept)",
                            style_dim}});
    picture.emplace_back();
    picture.push_back({{"The last values:", style_dim}});
    std::vector<std::pair<std::int64_t, std::string_view>> values;
    LiveModel::each_value(entry, [&](std::int64_t milliseconds, std::string_view value) {
        values.emplace_back(milliseconds, value);
    });
    for (const auto& [milliseconds, value] : values | std::views::reverse) {
        const Duration age = now - entry.last + std::chrono::milliseconds(values.back().first - milliseconds);
        const std::string times =
            clock_text(milliseconds) + right_aligned(age_text(age), age_columns + 1) + "  ";
        picture.push_back(
            {{times, style_dim}, {clipped(escaped_line(value), columns - std::min(columns, times.size()))}});
    }
    return picture;
}

std::string shell_word(std::string_view text) {
    constexpr std::string_view safe =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:@%+,=";
    if (!text.empty() && text.find_first_not_of(safe) == std::string_view::npos) return std::string(text);
    std::string word = "'";
    for (const char c : text) c == '\'' ? word.append("'\\''") : word.append(1, c);
    return word.append("'");
}

}  // namespace mqttc::sub

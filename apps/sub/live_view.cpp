// -w on a full screen: keys, and when the screen is drawn.
#include "live_view.hpp"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <limits>
#include <ranges>
#include <utility>

#include "base/escape.hpp"
#include "base/signals.hpp"
#include "columns.hpp"
#include "live_keys.hpp"
#include "mqttc/client.hpp"
#include "number_format.hpp"

namespace mqttc::sub {
namespace {

// The header, the titles of the columns, and the last line.
constexpr std::size_t lines_around_list = 3;
constexpr auto note_shown = std::chrono::seconds(10);
// An order that changes with each message is made again this often, or less if it takes long.
constexpr auto order_interval = std::chrono::milliseconds(500);
constexpr int order_share = 20;
constexpr std::size_t released_at_once = LiveModel::max_topics / 20;

constexpr std::string_view order_names[] = {"topic", "age", "rate", "changes"};

// How many lines a key moves; 0: it is another key.
std::ptrdiff_t lines_moved(int key, std::size_t page) {
    constexpr std::ptrdiff_t all = std::numeric_limits<std::ptrdiff_t>::max() / 2;
    switch (key) {
        case key_up:
        case 'k':
            return -1;
        case key_down:
        case 'j':
            return 1;
        case key_page_up:
            return -static_cast<std::ptrdiff_t>(page);
        case key_page_down:
        case ' ':
            return static_cast<std::ptrdiff_t>(page);
        case key_home:
        case 'g':
            return -all;
        case key_end:
        case 'G':
            return all;
        default:
            return 0;
    }
}

// A position after a move by `lines`; it may be beyond the end.
std::size_t moved(std::size_t from, std::ptrdiff_t lines) {
    const auto back = static_cast<std::size_t>(lines < 0 ? -lines : 0);
    return from - std::min(from, back) + static_cast<std::size_t>(std::max<std::ptrdiff_t>(lines, 0));
}

}  // namespace

LiveView::LiveView(output::TextBuffer& out, app::Messages& messages, std::unique_ptr<Screen> screen,
                   LiveValue value, Facts facts, Environment environment)
    : out_(out),
      messages_(messages),
      screen_(std::move(screen)),
      value_(std::move(value)),
      facts_(std::move(facts)),
      environment_(std::move(environment)) {}

LiveView::~LiveView() {
    leave();
    messages_.set_line_hook({});
}

void LiveView::attach(Client& client) {
    client_ = &client;
    if (facts_.takes_messages) {
        messages_.set_line_hook([this](std::string_view line) {
            if (notes_.size() == max_notes) notes_.pop_front();
            notes_.emplace_back(line);
            noted_ = environment_.now();
            changed_ = true;
        });
    }
    client.on_signal(SIGTSTP, [this] {
        leave();
        ::raise(SIGSTOP);
        enter();
    });
    client.on_signal(SIGCONT, [this] {
        screen_->forget();
        draw();
    });
    client.on_signal(SIGWINCH, [this] { draw(); });
    client.on_signal(SIGHUP, [this] {
        leave();
        raise_default(SIGHUP);
    });
    client.watch(screen_->key_descriptor(), [this] { take_keys(); });
    enter();
}

void LiveView::enter() {
    if (open_ || ended_ || !screen_->open()) return;
    open_ = true;
    draw();
}

void LiveView::leave() {
    if (!std::exchange(open_, false)) return;
    screen_->close();
    // `out_` has only drawings, and an unfinished one must be complete.
    std::string bytes(out_.view());
    out_.clear();
    environment_.write(bytes.append(screen_->output()));
}

bool LiveView::take(const Publish& message) {
    model_.take(message, value_.of(message), environment_.now(), environment_.wall());
    changed_ = true;
    return true;
}

void LiveView::show_state(std::string_view state) {
    state_ = state;
    changed_ = true;
}

void LiveView::update_rows(Time now) {
    const bool moves = rows_.order != LiveOrder::topic || !rows_.filter.empty();
    const bool grown = model_.entries().size() > rows_.known();
    const Duration least =
        std::max<Duration>(moves ? Duration(order_interval) : Duration(0), rows_cost_ * order_share);
    if (!rows_old_ && ((!moves && !grown) || now - rows_made_ < least || model_.paused())) return;
    const LiveRow before = selected_ < rows_.rows().size() ? rows_.rows()[selected_] : LiveRow{};
    const std::string path(before.path);
    const Time start = environment_.now();
    rows_.update(model_, now);
    rows_old_ = false;
    rows_made_ = now;
    rows_cost_ = environment_.now() - start;
    // The first row stays selected: a user who looks at the top sees what is new there.
    if (selected_ > 0 && !path.empty()) {
        const std::size_t found = rows_.find(before.entry, path);
        if (found != SIZE_MAX) {
            top_ += found > selected_ ? found - selected_ : 0;
            top_ -= std::min(top_, found < selected_ ? selected_ - found : 0);
            selected_ = found;
        }
    }
    move_to(selected_);
}

void LiveView::tick() {
    model_.release(released_at_once);
    // Ages change each second.
    if (open_ && (changed_ || LiveModel::second_of(environment_.now()) != second_drawn_)) draw();
}

void LiveView::draw() {
    // A slow terminal gets the next drawing.
    if (!open_ || !out_.empty()) return;
    const Time now = shown_time();
    changed_ = false;
    second_drawn_ = LiveModel::second_of(environment_.now());
    update_rows(now);
    screen_->draw(picture(now));
    out_.append(screen_->output());
}

std::size_t LiveView::list_height() const {
    const std::size_t rows = screen_->size().rows;
    return std::max<std::size_t>(rows, lines_around_list + 1) - lines_around_list;
}

const LiveEntry* LiveView::selected_entry() const {
    if (mode_ == Mode::details || below_ == Mode::details) return details_;
    return selected_ < rows_.rows().size() ? rows_.rows()[selected_].entry : nullptr;
}

Line LiveView::header() const {
    const std::size_t columns = screen_->size().columns;
    std::string right =
        per_second(model_.rate(environment_.now())) + "  " + app::count_text(rows_.topics(), "topic");
    if (rows_.topics() < model_.entries().size()) right += " of " + std::to_string(model_.entries().size());
    if (model_.left_out() > 0) right += " (limit reached)";
    right = " " + right + " ";
    const std::size_t left = columns - std::min(columns, right.size());
    const std::string state = model_.paused()
                                  ? "PAUSED, " + app::count_text(model_.since_pause(), "new message")
                                  : escape_controls(state_);
    const std::string text =
        " " + escape_controls(facts_.broker) + "  " + escape_controls(facts_.filters) + "  " + state;
    return {{left_aligned(text, left) + right, style_reverse}};
}

Line LiveView::last_line() const {
    const std::size_t columns = screen_->size().columns;
    if (mode_ == Mode::filter)
        return {{left_aligned("filter: " + escape_controls(rows_.filter) + "_", columns), style_bold}};
    if (!notes_.empty() && environment_.now() - noted_ < note_shown)
        return {{left_aligned(notes_.back(), columns), style_alert}};
    const std::string pause = model_.paused() ? "p go on" : "p pause";
    std::vector<std::string> keys;
    switch (mode_) {
        case Mode::help:
            keys = {"q back", "Up/Down scroll"};
            break;
        case Mode::details:
            keys = {"? help", "q back", "Up/Down scroll", pause, "y commands"};
            break;
        case Mode::commands:
            keys = {"any key goes back"};
            break;
        default:
            keys = {"? help",
                    "q quit",
                    "Enter details",
                    "/ filter",
                    "s sort: " + std::string(order_names[static_cast<std::size_t>(rows_.order)]),
                    rows_.tree ? "t list" : "t tree",
                    pause,
                    "y commands"};
            if (!rows_.filter.empty())
                keys.insert(keys.begin(), "filter '" + escape_controls(rows_.filter) + "' (Esc: all)");
    }
    return {{key_line(keys, columns), style_dim}};
}

Picture LiveView::picture(Time now) {
    const ScreenSize size = screen_->size();
    const std::size_t height = list_height();
    Picture all{header()};
    const bool details = mode_ == Mode::details || (mode_ == Mode::commands && below_ == Mode::details);
    if (mode_ == Mode::help || (details && details_ != nullptr)) {
        Picture lines = mode_ == Mode::help ? keys_picture(size.columns)
                                            : details_picture(model_.shown(details_), size.columns, now);
        details_top_ = std::min(details_top_, lines.size() - std::min(lines.size(), height + 1));
        for (std::size_t i = details_top_; i < std::min(lines.size(), details_top_ + height + 1); ++i)
            all.push_back(std::move(lines[i]));
    } else {
        Picture lines =
            list_picture({model_, rows_, facts_.format, top_, height, selected_, size.columns, now});
        std::ranges::move(lines, std::back_inserter(all));
        if (rows_.rows().empty())
            all.push_back(
                {{rows_.filter.empty() ? "  no message so far" : "  no topic or value contains the filter",
                  style_dim}});
    }
    if (mode_ == Mode::commands) {
        Picture lines{{{std::string(size.columns, '-'), style_dim}}};
        for (const auto line : commands_ | std::views::split('\n'))
            add_wrapped(lines, std::string_view(line), size.columns,
                        lines.size() == 1 ? style_dim : style_plain);
        // The last line is empty: the line with the keys replaces it.
        all.resize(size.rows - std::min(size.rows, lines.size()));
        std::ranges::move(lines, std::back_inserter(all));
    }
    all.resize(std::max<std::size_t>(size.rows, 2) - 1);
    all.push_back(last_line());
    return all;
}

void LiveView::take_keys() {
    unsigned taken = 0;
    for (int key_code = screen_->key(); key_code != key_none; key_code = screen_->key()) {
        ++taken;
        key(key_code);
        if (!open_) return;
        // The next key is for the new rows.
        if (rows_old_) update_rows(shown_time());
    }
    // The terminal is gone: it would be readable forever.
    if (taken == 0 && client_ != nullptr) return client_->unwatch(screen_->key_descriptor());
    draw();
}

void LiveView::key(int key) {
    if (key == key_other) return;
    constexpr int redraw = 'L' - '@';
    if (key == redraw) return screen_->forget();
    switch (mode_) {
        case Mode::list:
            return list_key(key);
        case Mode::filter:
            return filter_key(key);
        case Mode::details:
        case Mode::help:
            return details_key(key);
        case Mode::commands:
            mode_ = below_;
            below_ = Mode::list;
            return;
    }
}

void LiveView::list_key(int key) {
    if (const auto lines = lines_moved(key, list_height()); lines != 0)
        return move_to(moved(selected_, lines));
    switch (key) {
        case 'q':
            return environment_.quit();
        case '/':
            mode_ = Mode::filter;
            return;
        case key_escape:
            rows_old_ = !rows_.filter.empty();
            rows_.filter.clear();
            return;
        case 's':
            rows_.tree = false;
            rows_.order = static_cast<LiveOrder>((static_cast<int>(rows_.order) + 1) % 4);
            selected_ = top_ = 0;
            rows_old_ = true;
            return;
        case 't':
            rows_.tree = !rows_.tree;
            rows_old_ = true;
            return;
        case 'p':
            return pause();
        case key_left:
            return fold(true);
        case key_right:
            return fold(false);
        case key_enter: {
            if (selected_ >= rows_.rows().size()) return;
            const LiveRow& row = rows_.rows()[selected_];
            if (row.entry == nullptr) return fold(!row.folded);
            details_ = row.entry;
            details_top_ = 0;
            mode_ = Mode::details;
            return;
        }
        case 'y':
            return show_commands();
        case '?':
            return show_help();
        default:
            return;
    }
}

void LiveView::show_commands() {
    const LiveEntry* const entry = selected_entry();
    if (entry == nullptr) return messages_.error("select a topic to see its commands");
    if (entry->topic_is_cut) return messages_.error("the topic is too long to be shown in a command");
    const std::string topic = shell_word(entry->topic);
    std::string_view payload = model_.shown(entry).value;
    if (!facts_.whole_payloads || payload.size() > 60 || has_controls(payload, LineBreaks::hide))
        payload = "...";
    const std::string options = facts_.command_options + " -t " + topic;
    commands_ = "To subscribe to this topic, and to publish to it:\n" +
                escape_controls("mqtt_sub -v" + options, 4 * max_shown) + "\n" +
                escape_controls("mqtt_pub" + options + " -m " + shell_word(payload), 4 * max_shown) + "\n";
    below_ = mode_;
    mode_ = Mode::commands;
}

void LiveView::show_help() {
    below_ = mode_;
    mode_ = Mode::help;
    details_top_ = 0;
}

void LiveView::filter_key(int key) {
    std::string& filter = rows_.filter;
    if (key == key_enter) {
        mode_ = Mode::list;
    } else if (key == key_escape) {
        filter.clear();
        mode_ = Mode::list;
    } else if (key == key_backspace) {
        // A whole character.
        while (!filter.empty() && (static_cast<unsigned char>(filter.back()) & 0xc0) == 0x80)
            filter.pop_back();
        if (!filter.empty()) filter.pop_back();
    } else if (key >= ' ' && key <= 0xff && filter.size() < max_filter) {
        filter.push_back(static_cast<char>(key));
    } else if (key > 0xff) {
        return list_key(key);
    }
    selected_ = top_ = 0;
    rows_old_ = true;
}

void LiveView::details_key(int key) {
    // picture() limits it.
    if (const auto lines = lines_moved(key, list_height()); lines != 0)
        details_top_ = moved(details_top_, lines);
    switch (key) {
        case 'q':
        case key_escape:
        case key_enter:
        case key_left:
        case key_backspace:
            mode_ = std::exchange(below_, Mode::list);
            return;
        case 'p':
            return pause();
        case 'y':
            if (mode_ == Mode::details) show_commands();
            return;
        case '?':
            if (mode_ == Mode::details) return show_help();
            mode_ = std::exchange(below_, Mode::list);
            return;
        default:
            return;
    }
}

void LiveView::move_to(std::size_t row) {
    const std::size_t count = rows_.rows().size();
    const std::size_t height = list_height();
    selected_ = count == 0 ? 0 : std::min(row, count - 1);
    if (selected_ < top_) top_ = selected_;
    if (selected_ >= top_ + height) top_ = selected_ - height + 1;
    top_ = std::min(top_, count - std::min(count, height));
}

void LiveView::pause() {
    if (model_.paused()) return model_.resume();
    paused_at_ = environment_.now();
    model_.pause();
}

void LiveView::fold(bool folded) {
    if (!rows_.tree || selected_ >= rows_.rows().size()) return;
    std::string path(rows_.rows()[selected_].path);
    const bool is_group = rows_.rows()[selected_].entry == nullptr;
    // Of a topic, or of a group that is folded already, the one above it.
    if (folded && (!is_group || rows_.folded.contains(path))) {
        const std::size_t slash = path.rfind('/', path.size() - (is_group ? 2 : 1));
        if (slash == std::string::npos) return;
        path.resize(slash + 1);
    }
    if (folded) {
        rows_.folded.insert(path);
    } else {
        rows_.folded.erase(path);
    }
    rows_.update(model_, shown_time());
    if (const std::size_t found = rows_.find(nullptr, path); found != SIZE_MAX) move_to(found);
}

void LiveView::finish() {
    if (std::exchange(ended_, true)) return;
    model_.resume();
    const Time now = environment_.now();
    rows_old_ = true;
    update_rows(now);
    // The table stays in the scrollback of the terminal.
    const ScreenSize size = screen_->size();
    Picture table =
        list_picture({model_, rows_, facts_.format, top_, list_height(), SIZE_MAX, size.columns, now});
    leave();
    messages_.set_line_hook({});
    for (const std::string& note : notes_) messages_.always(note);
    notes_.clear();
    if (rows_.rows().empty()) return;
    for (const Line& line : table) {
        std::string text = text_of(line);
        text.erase(text.find_last_not_of(' ') + 1);
        out_.append(text.append("\n"));
    }
    const std::size_t shown = std::min(rows_.rows().size(), list_height());
    if (rows_.rows().size() > shown)
        out_.append(app::count_text(rows_.rows().size() - shown, rows_.tree ? "more row" : "more topic") +
                    "\n");
    out_.append(commands_);
}

}  // namespace mqttc::sub

// Tests of the live view (apps/sub/live_*.cpp) on a screen of the test's own. Over 500 lines, because all use one View.
#include "live_view.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <deque>
#include <ranges>
#include <set>
#include <string>
#include <vector>

#include "columns.hpp"
#include "live_keys.hpp"
#include "message.hpp"
#include "message_printer.hpp"
#include "option_fixture.hpp"
#include "printer.hpp"
#include "support/temp_dir.hpp"

using namespace mqttc;
using namespace mqttc::sub;
using namespace mqttc::output::test;
using std::chrono::seconds;

namespace {

class FakeScreen final : public Screen {
  public:
    struct Seen {
        ScreenSize size{.rows = 10, .columns = 80};
        Picture picture;
        std::deque<int> keys;
        int drawings = 0;
        bool open = false;
    };
    explicit FakeScreen(Seen& seen) : seen_(seen) {}
    bool open() override { return seen_.open = true; }
    void close() override { seen_.open = false; }
    ScreenSize size() const override { return seen_.size; }
    void draw(const Picture& picture) override {
        seen_.picture = picture;
        ++seen_.drawings;
    }
    void forget() override {}
    int key() override {
        if (seen_.keys.empty()) return key_none;
        const int key = seen_.keys.front();
        seen_.keys.pop_front();
        return key;
    }
    int key_descriptor() const override { return -1; }
    std::string output() override { return {}; }

  private:
    Seen& seen_;
};

LiveValue value_of(const std::string& format, app::Messages& messages) {
    LiveValue value;
    if (format.empty()) return value;
    value.line_out = std::make_unique<output::TextBuffer>();
    value.line = std::make_unique<output::FormatPrinter>(
        *value.line_out, output::Format::compile(format, {.terminal = true}).value(), false, messages);
    return value;
}

struct View {
    FakeScreen::Seen seen;
    Time now{seconds(100)};
    output::WallTime wall{1'790'000'000, 0};
    output::TextBuffer out;
    app::Messages messages{"test"};
    bool quit = false;
    LiveView view;

    explicit View(const std::string& format = {}, bool whole_payloads = true)
        : view(out, messages, std::make_unique<FakeScreen>(seen), value_of(format, messages),
               {.broker = "localhost:1883",
                .filters = "home/#",
                .command_options = " -h x",
                .format = format,
                .whole_payloads = whole_payloads,
                .takes_messages = true},
               {.now = [this] { return now; },
                .wall = [this] { return wall; },
                .quit = [this] { quit = true; },
                .write = [](std::string_view) {}}) {
        view.enter();
    }
    void take(const std::string& topic, const std::string& payload) {
        view.take(Message{.topic = topic, .payload = payload}.view());
    }
    void type(const std::vector<int>& keys) {
        seen.keys.assign(keys.begin(), keys.end());
        view.take_keys();
    }
    std::string line(std::size_t row) const {
        std::string text = text_of(seen.picture.at(row));
        text.erase(text.find_last_not_of(' ') + 1);
        return text;
    }
    // The first word of each row of the list.
    std::string topics() const {
        std::string all;
        for (std::size_t row = 2; row + 1 < seen.picture.size(); ++row) {
            const std::string text = line(row);
            if (!text.empty()) all += text.substr(0, text.find(' ')) + ' ';
        }
        return all;
    }
    bool shows(std::string_view text) const {
        return std::ranges::any_of(seen.picture,
                                   [&](const Line& one) { return text_of(one).contains(text); });
    }
};

}  // namespace

TEST_CASE("numbers are found with their unit, and as opposite words") {
    const auto number = [](std::string_view text) { return number_in(text).value_or(-999); };
    CHECK(number("21.5") == 21.5);
    CHECK(number(" -3e2\n") == -300);
    CHECK(number("+4") == 4);
    CHECK(number("21.5 \u00b0C") == 21.5);
    CHECK(number("45%") == 45);
    CHECK(number("ON") == 1);
    CHECK(number("off") == 0);
    CHECK(number("5e") == 5);
    for (const char* text : {"", "x", "-", "2026-11-29", "10.0.0.1", "12:30", "[1]", "1,2", "3 of 4",
                             "12 kilograms of it", "1e999"}) {
        CAPTURE(text);
        CHECK_FALSE(number_in(text));
    }
}

TEST_CASE("a rate is the mean of the last five seconds") {
    RateMeter meter;
    CHECK(meter.rate(10) == 0);
    for (int i = 0; i < 6; ++i) meter.count(10);
    CHECK(meter.rate(10) == 0);  // this second isn't complete
    CHECK(meter.rate(11) == 6);
    CHECK(meter.rate(12) == 3);
    CHECK(meter.rate(15) == doctest::Approx(1.2));
    CHECK(meter.rate(16) == 0);
    meter.count(100);
    CHECK(meter.rate(101) == doctest::Approx(0.2));
}

TEST_CASE("the view has a header, titles, rows and keys") {
    View it;
    it.view.show_state("connected");
    for (const char* value : {"19", "20", "21.5 \u00b0C"}) it.take("home/kitchen/temp", value);
    it.take("home/salon/light", "ON");
    it.take("home/cave", R"({"temp":12.5})");
    it.now += seconds(1);
    it.view.tick();
    CHECK(it.line(0) == " localhost:1883  home/#  connected                              5.0/s  3 topics");
    CHECK(it.line(1) == "topic                age     rate changes         value");
    CHECK(it.line(2) == "home/cave            1 s    1.0/s       0  {\"temp\":12.5}");
    CHECK(it.line(3) == "home/kitchen/temp    1 s    3.0/s       2       21.5 \u00b0C \u2581\u2584\u2588");
    CHECK(it.line(4) == "home/salon/light     1 s    1.0/s       0            ON");
    CHECK(it.line(9) == "? help  q quit  Enter details  / filter  s sort: topic  t tree  p pause");
    it.seen.size.columns = 120;
    it.now += seconds(70);
    it.view.tick();
    CHECK(it.line(9).ends_with("  p pause  y commands"));
    CHECK(it.line(3).starts_with(
        "home/kitchen/temp  1 min        -       2       21.5 \u00b0C        19      21.5 "));
    // Stale rows are dim, and the selected one is reverse.
    CHECK(it.seen.picture[3][0].style == style_dim);
    CHECK(it.seen.picture[2][0].style == (style_dim | style_reverse));
    it.type({'q'});
    CHECK(it.quit);
}

TEST_CASE("rows can be scrolled, and the selected one stays when others are added") {
    View it;
    for (int i = 10; i < 50; ++i) it.take("t" + std::to_string(i), "x");
    it.view.tick();
    CHECK(it.topics() == "t10 t11 t12 t13 t14 t15 t16 ");
    it.type({key_down, key_down});
    CHECK(it.seen.picture[4][0].style == (style_reverse | style_bold));
    it.type({key_page_down});
    CHECK(it.topics() == "t13 t14 t15 t16 t17 t18 t19 ");
    it.take("a", "x");
    it.view.tick();
    CHECK(it.topics() == "t13 t14 t15 t16 t17 t18 t19 ");
    CHECK(it.seen.picture[8][0].style == (style_reverse | style_bold));
    it.type({key_end});
    CHECK(it.topics() == "t43 t44 t45 t46 t47 t48 t49 ");
    it.type({key_home, key_up});
    CHECK(it.topics().starts_with("a t10 "));
}

TEST_CASE("a filter shows matching topics and values, and is shown while it is typed") {
    View it;
    it.take("home/a", "one");
    it.take("home/b", "two");
    it.take("garden", "ONE");
    it.type({'/', 'o', 'n', 'x', key_backspace, 'e'});
    CHECK(it.line(9) == "filter: one_");
    CHECK(it.topics() == "garden home/a ");
    CHECK(it.line(0).ends_with("2 topics of 3"));
    it.type({key_enter});
    CHECK(it.line(9).starts_with("filter 'one' (Esc: all)  ? help  q quit  Enter details"));
    it.type({key_escape});
    CHECK(it.topics() == "garden home/a home/b ");
    it.type({'/', 'z', 'z'});
    CHECK(it.shows("no topic or value contains the filter"));
}

TEST_CASE("rows are sorted by topic, time, rate and changes") {
    View it;
    it.take("c", "1");
    it.now += seconds(1);
    for (int i = 0; i < 9; ++i) it.take("b", "same");
    it.now += seconds(1);
    for (int i = 0; i < 3; ++i) it.take("a", std::to_string(i));
    it.now += seconds(1);
    it.take("c", "2");
    it.view.tick();
    CHECK(it.topics() == "a b c ");
    it.type({'s'});
    CHECK(it.line(9).contains("sort: age"));
    CHECK(it.topics() == "c a b ");
    it.type({'s'});
    CHECK(it.topics() == "b a c ");
    it.type({'s'});
    CHECK(it.topics() == "a c b ");
    it.type({'s'});
    CHECK(it.topics() == "a b c ");
}

TEST_CASE("the tree groups topics by level, counts them, and folds") {
    View it;
    for (const char* topic : {"home/salon/temp", "home/salon/hum", "home/kitchen/temp", "garden", "home"})
        it.take(topic, "1");
    it.type({'t'});
    const auto rows = [&] {
        std::string all;
        for (std::size_t row = 2; row < 9; ++row) {
            const std::string text = it.line(row);
            const auto end = text.find("  ", text.find_first_not_of(' '));
            if (!text.empty()) all += text.substr(0, end) + "|";
        }
        return all;
    };
    CHECK(rows() == "garden|home|- home/ (3)|  - kitchen/ (1)|    temp|  - salon/ (2)|    hum|");
    it.type({key_down, key_down, key_down, key_left});
    CHECK(rows() == "garden|home|- home/ (3)|  + kitchen/ (1)|  - salon/ (2)|    hum|    temp|");
    it.type({key_left});
    CHECK(rows() == "garden|home|+ home/ (3)|");
    it.type({key_enter});
    CHECK(rows() == "garden|home|- home/ (3)|  + kitchen/ (1)|  - salon/ (2)|    hum|    temp|");
    it.type({key_down, key_right});
    CHECK(rows() == "garden|home|- home/ (3)|  - kitchen/ (1)|    temp|  - salon/ (2)|    hum|");
}

TEST_CASE("details show the whole value and earlier ones with their times") {
    View it;
    it.seen.size.rows = 40;
    ::setenv("TZ", "UTC", 1);
    for (int i = 0; i < 30; ++i) {
        it.take("home/cave", R"({"temp":)" + std::to_string(i) + R"(,"list":[1,{}],"s":"x\u001b"})");
        it.wall.seconds += 10;
        it.now += seconds(10);
    }
    it.view.tick();
    it.type({key_enter});
    CHECK(it.line(1) == "home/cave");
    CHECK(it.line(2).contains(" bytes, 10 s ago; 30 messages, 29 changes"));
    const std::string json = "{|  \"temp\": 29,|  \"list\": [|    1,|    {}|  ],|  \"s\": \"x\\u001b\"|}|";
    std::string shown;
    for (std::size_t row = 4; row < 12; ++row) shown += it.line(row) + "|";
    CHECK(shown == json);
    CHECK(it.line(14).starts_with("2026-09-21 14:18:10    10 s  {\"temp\":29,"));
    CHECK(it.line(33).contains("{\"temp\":10,"));
    // Before the last twenty one each half minute.
    CHECK(it.line(34).starts_with("2026-09-21 14:14:50   3 min  {\"temp\":9,"));
    CHECK(it.line(35).starts_with("2026-09-21 14:14:20   4 min  {\"temp\":6,"));
    it.type({'q'});
    CHECK(it.line(1).starts_with("topic "));
    CHECK_FALSE(it.quit);
}

TEST_CASE("the keys that move in the list move in the details too") {
    View it;
    it.seen.size.rows = 6;
    it.take("t", "[1,2,3,4,5,6,7,8,9]");
    it.view.tick();
    it.type({key_enter});
    for (const int end : {int{key_end}, int{'G'}}) {
        for (const int home : {int{key_home}, int{'g'}}) {
            CHECK(it.line(1) == "t");
            it.type({end});
            CHECK(it.line(1) != "t");
            it.type({home});
        }
    }
    CHECK(it.line(1) == "t");
}

TEST_CASE("y shows the topic's commands, which are written at the end") {
    View it;
    it.take("it's here", "21");
    it.view.tick();
    it.type({'y'});
    CHECK(it.shows("mqtt_sub -v -h x -t 'it'\\''s here'"));
    CHECK(it.shows("mqtt_pub -h x -t 'it'\\''s here' -m 21"));
    it.type({'x'});
    CHECK_FALSE(it.shows("mqtt_pub"));
    it.view.finish();
    CHECK(it.out.view().contains("mqtt_pub -h x -t 'it'\\''s here' -m 21\n"));
}

TEST_CASE("y shows no command for a topic that is cut, and no payload that is only a part") {
    View it;
    it.take(std::string(3000, 't'), "21");
    it.view.tick();
    std::string reported;
    it.messages.set_line_hook([&](std::string_view line) { reported = line; });
    it.type({'y'});
    CHECK_FALSE(it.shows("mqtt_pub"));
    CHECK(reported.contains("the topic is too long"));
    View part({}, false);
    part.take("t", "21");
    part.view.tick();
    part.type({'y'});
    CHECK(part.shows("mqtt_pub -h x -t t -m ..."));
}

TEST_CASE("y on a group of the tree asks for a topic") {
    View it;
    it.take("home/cave", "1");
    it.take("home/salon", "2");
    it.view.tick();
    std::string reported;
    it.messages.set_line_hook([&](std::string_view line) { reported = line; });
    it.type({'t', key_home, 'y'});
    CHECK(reported.contains("select a topic"));
    it.type({key_down, 'y'});
    CHECK(it.shows("mqtt_sub -v -h x -t home/cave"));
}

TEST_CASE("the commands of y keep the options that reach the broker, without secrets") {
    const auto kept = [](const std::string& words) {
        return broker_options(test::sub_fixture().good("-t a" + words).connection);
    };
    for (const std::string words :
         {" -h b.example -p 1884 -S -u anna", " --unix /run/b", " --cafile ca.pem --ws --ws-path /x",
          " --capath /ca --cert c.pem --key k.pem --server-name b --insecure", " --tls-use-os-certs"}) {
        CAPTURE(words);
        CHECK(kept(words) == words);
    }
    CHECK(kept(" -u anna -P secret") == " -u anna");
    CHECK(kept(" --cafile ca.pem --cert c.pem --key pkcs11:object=k?pin-value=1") == " --cafile ca.pem");
    CHECK(kept(" -L wss://b.example/x") == " -h b.example --tls-use-os-certs --ws --ws-path /x");
}

TEST_CASE("the keys fit into a window of any width") {
    for (std::size_t columns = 1; columns < 100; ++columns) {
        for (const Line& line : keys_picture(columns)) CHECK(display_width(text_of(line)) <= columns);
    }
}

TEST_CASE("commands that are longer than the window is wide have several lines") {
    View it;
    const std::string topic(80, 't');
    it.take(topic, "21");
    it.view.tick();
    it.type({'y'});
    CHECK(it.line(5) == "mqtt_sub -v -h x -t " + topic.substr(20));
    CHECK(it.line(6) == topic.substr(60));
    CHECK(it.line(7) == "mqtt_pub -h x -t " + topic.substr(17));
    CHECK(it.line(8) == topic.substr(63) + " -m 21");
    CHECK(it.line(9) == "any key goes back");
    it.view.finish();
    CHECK(it.out.view().contains("mqtt_sub -v -h x -t " + topic + "\n"));
}

TEST_CASE("? shows all keys over the list and over the details, scrolls in a small window, and goes back") {
    View it;
    it.seen.size.rows = 24;
    it.take("home/cave", "12.5");
    it.view.tick();
    it.type({'?'});
    CHECK(it.line(1) == "Keys");
    for (const LiveKey& key : live_keys()) {
        CAPTURE(key.keys);
        CHECK(std::ranges::any_of(it.seen.picture, [&](const Line& line) {
            return text_of(line).starts_with(key.keys) && text_of(line).contains(key.help);
        }));
    }
    CHECK(it.line(23) == "q back  Up/Down scroll");
    it.seen.size.rows = 6;
    it.type({key_down});
    CHECK(it.line(1).starts_with("Up Down "));
    it.type({key_end});
    CHECK(it.line(4).starts_with("q "));
    it.type({'q'});
    CHECK_FALSE(it.quit);
    CHECK(it.line(2).starts_with("home/cave "));
    it.type({key_enter, '?'});
    CHECK(it.line(1) == "Keys");
    it.type({'y', '?'});
    CHECK(it.line(1) == "home/cave");
    it.type({'q'});
    CHECK(it.line(2).starts_with("home/cave "));
}

TEST_CASE("the manual and the help have the same keys of the live view") {
    std::string manual = test::read_file(MQTTC_SOURCE_DIR "/man/mqtt_sub.1");
    manual.erase(0, manual.find("\n.Sh LIVE VIEW\n"));
    manual.erase(manual.find("\n.Sh ", 1));
    std::set<std::string> in_manual;
    std::set<std::string> in_help;
    const auto add = [](std::set<std::string>& all, std::string_view words) {
        for (const auto word : std::views::split(words, ' ')) {
            std::string key(word.begin(), word.end());
            if (key.starts_with("\\&")) key.erase(0, 2);
            if (!key.empty() && key != ",") all.insert(key);
        }
    };
    constexpr std::string_view item = "\n.It Ic ";
    for (std::size_t at = manual.find(item); at != std::string::npos; at = manual.find(item, at)) {
        at += item.size();
        add(in_manual, std::string_view(manual).substr(at, manual.find('\n', at) - at));
    }
    for (const LiveKey& key : live_keys()) add(in_help, key.keys);
    CHECK(in_manual == in_help);
}

TEST_CASE("a key line has only whole entries, from the first on") {
    const std::string items[] = {"? help", "q quit", "s sort"};
    CHECK(key_line(items, 80) == "? help  q quit  s sort");
    CHECK(key_line(items, 21) == "? help  q quit");
    CHECK(key_line(items, 5) == "? he\u2026");
}

TEST_CASE("a pause keeps topics, values and times, also with keys, and counts the messages") {
    View it;
    it.take("b", "1");
    it.take("a", "1");
    it.now += seconds(1);
    it.view.tick();
    it.type({'p'});
    const Picture before = it.seen.picture;
    CHECK(it.line(0).starts_with(" localhost:1883  home/#  PAUSED, 0 new messages "));
    CHECK(it.line(9).contains("  p go on"));
    it.take("c", "1");
    it.take("b", "2");
    it.take("b", "3");
    it.now += seconds(3);
    it.view.tick();
    CHECK(it.line(0).starts_with(" localhost:1883  home/#  PAUSED, 3 new messages "));
    CHECK(it.line(0).ends_with("2 topics"));
    for (std::size_t row = 1; row < before.size(); ++row)
        CHECK(text_of(it.seen.picture[row]) == text_of(before[row]));
    // By changes: those before the pause. Then a filter, which finds the value before it, and details.
    it.type({'s', 's', 's'});
    CHECK(it.topics() == "a b ");
    it.type({'/', 'b', key_enter, key_enter});
    CHECK(it.line(2) == "QoS 0, 1 byte, 1 s ago; 1 message, 0 changes, 1.0/s; lowest 1, highest 1");
    CHECK(it.line(4) == "1");
    it.type({'q', key_escape, 'p'});
    CHECK(it.topics() == "b a c ");
    CHECK(it.line(2) == "b               3 s    0.8/s       2             3 \u2581\u2585\u2588");
}

TEST_CASE("in a narrow window the changes have a column when rows are sorted by them") {
    View it;
    it.seen.size.columns = 65;
    it.take("a", "1");
    it.now += seconds(1);
    it.view.tick();
    CHECK(it.line(1) == "topic           age     rate         value");
    it.type({'s', 's', 's'});
    CHECK(it.line(1) == "topic           age changes         value");
    CHECK(it.line(2) == "a               1 s       0             1");
    // The title of the column that decides is bold.
    CHECK(it.seen.picture[1][1].style == style_dim);
    CHECK(it.seen.picture[1][2].style == style_bold);
}

TEST_CASE("with -F rows are lines of the format, and keys work") {
    View it("\033[1;31m%t\033[0m is %p\033[K now");
    it.take("home/b", "two\x1b[2J");
    it.take("home/a", "one");
    it.now += seconds(5);
    it.view.tick();
    CHECK(it.line(1) == "\\x1b[1;31m%t\\x1b[0m is %p\\x1b[K now");
    CHECK(it.line(2) == "home/a is one now");
    CHECK(it.line(3) == "home/b is two\\x1b[2J now");
    CHECK(it.seen.picture[3][0].text == "home/b");
    CHECK(it.seen.picture[3][0].style == (style_bold | style_alert));
    CHECK(it.seen.picture[3][1].style == style_plain);
    it.type({'/', 'I', 'S', ' ', 'o', key_enter});
    CHECK(it.topics() == "home/a ");
    it.type({key_escape, 't'});
    CHECK(it.line(3).starts_with("  a "));
    CHECK(it.line(3).ends_with(" home/a is one now"));
    it.type({key_down, key_enter});
    CHECK(it.line(4) == "one");
    it.view.finish();
    CHECK(it.out.view().contains("home/b is two\\x1b[2J now\n"));
}

TEST_CASE("colours of -F become styles, and other sequences are left out") {
    const auto style = [](const std::string& sequence) {
        return styled_line(sequence + "x", 80, style_plain).front().style;
    };
    CHECK(style("\033[32m") == style_text);
    CHECK(style("\033[1;7;94m") == (style_bold | style_reverse | style_key));
    CHECK(style("\033[31m\033[39m\033[2m") == style_dim);
    CHECK(style("\033[31m\033[m") == style_plain);
    CHECK(style("\033[38;5;31m") == style_plain);
    CHECK(text_of(styled_line("a\tb\033]c\033[5", 80, style_plain)) == "a bc");
    CHECK(text_of(styled_line("\033[31mabcdef\033[0m", 4, style_plain)) == "abc\u2026");
    CHECK(styled_line("", 80, style_plain).empty());
}

TEST_CASE("messages of the program are shown in the last line, and the table stays at the end") {
    View it;
    it.take("a\x1b[2J", "1\x07");
    it.messages.set_line_hook({});
    it.now += seconds(1);
    it.view.tick();
    CHECK(it.line(2).starts_with("a\\x1b[2J "));
    it.view.finish();
    CHECK_FALSE(it.seen.open);
    CHECK(it.out.view() ==
          "topic           age     rate changes         value\na\\x1b[2J        1 s    1.0/s       0  "
          "1\\x07\n");
}

TEST_CASE("a narrow window keeps the end of topics") {
    CHECK(topic_end("home/salon/battery", 18) == "home/salon/battery");
    CHECK(topic_end("home/salon/battery", 16) == "\u2026/salon/battery");
    CHECK(topic_end("home/salon/battery", 10) == "\u2026/battery");
    CHECK(topic_end("home/salon/battery", 5) == "\u2026tery");
    CHECK(topic_end("x", 0).empty());
    View it;
    it.seen.size.columns = 30;
    it.take("home/salon/battery", "97");
    it.view.tick();
    CHECK(it.line(2) == "\u2026/salon/battery  97");
    it.seen.size = {.rows = 1, .columns = 1};
    it.now += seconds(1);
    it.view.tick();  // draws something, whatever fits
}

TEST_CASE("memory is bounded, and topics beyond the limit are counted") {
    LiveModel model;
    const std::string large(LiveModel::max_value * 2, 'x');
    const std::string topic(60'000, 't');
    for (int i = 0; i < 3000; ++i) {
        const std::string value = large.substr(0, LiveModel::max_value) + std::to_string(i);
        model.take(Message{.topic = topic + std::to_string(i % 2000), .payload = value}.view(),
                   {.text = value}, Time(seconds(1)), {});
    }
    CHECK(model.entries().size() == 2000);
    CHECK(model.bytes() < LiveModel::max_bytes + 8 * 1024 * 1024);
    LiveModel many;
    for (std::size_t i = 0; i < LiveModel::max_topics + 5; ++i)
        many.take(Message{.topic = std::to_string(i)}.view(), {.text = "1"}, Time(seconds(1)), {});
    CHECK(many.entries().size() == LiveModel::max_topics);
    CHECK(many.left_out() == 5);
}

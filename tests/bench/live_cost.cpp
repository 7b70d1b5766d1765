// What the live view of mqtt_sub -w costs with 100,000 topics and 100,000 messages a second: the instructions of its
// drawings, and of the slowest keys. tests/bench/budget.py runs it in callgrind, which counts inside of the two functions.
// "memory" takes large values, so that the most is kept.
#include <cstdio>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "live_view.hpp"

using namespace mqttc;
using namespace mqttc::output;
using namespace mqttc::sub;

namespace {

std::deque<int> typed;

class NoScreen final : public Screen {
  public:
    bool open() override { return true; }
    void close() override {}
    ScreenSize size() const override { return {.rows = 50, .columns = 160}; }
    void draw(const Picture& picture) override { lines_ += picture.size(); }
    void forget() override {}
    int key() override {
        if (typed.empty()) return key_none;
        const int key = typed.front();
        typed.pop_front();
        return key;
    }
    int key_descriptor() const override { return -1; }
    std::string output() override { return {}; }

  private:
    std::size_t lines_ = 0;
};

}  // namespace

// Counted by their names.
extern "C" __attribute__((noinline)) void counted_drawing(LiveView& view) {
    view.tick();
}
extern "C" __attribute__((noinline)) void counted_key(LiveView& view) {
    view.take_keys();
}
// What was counted so far is written, and the next is counted from zero.
extern "C" __attribute__((noinline)) void next_count(const char* name) {
    if (*name != '\0') std::puts(name);
}

int main(int argc, char** argv) {
    constexpr int topics = 100'000;
    constexpr int drawings = 10;
    TextBuffer out;
    app::Messages messages("bench");
    Time now{std::chrono::seconds(100)};
    LiveView view(
        out, messages, std::make_unique<NoScreen>(), {},
        {.broker = "localhost:1883", .filters = "#", .command_options = "", .takes_messages = false},
        {.now = [&] { return now; },
         .wall = [] { return WallTime{}; },
         .quit = [] {},
         .write = [](std::string_view) {}});
    std::vector<std::string> names;
    for (int i = 0; i < topics; ++i)
        names.push_back("building/" + std::to_string(i % 97) + "/room/" + std::to_string(i) + "/temperature");
    const bool memory = argc > 1 && std::string_view(argv[1]) == "memory";
    const std::string tail(memory ? 1000 : 0, 'x');
    const auto publish = [&](int from, int to) {
        for (int i = from; i < to; ++i) {
            const std::string payload = std::to_string(i % 300) + ".5" + tail;
            view.take({.topic = names[static_cast<std::size_t>(i)], .payload = as_bytes(payload)});
        }
    };
    const auto type = [&](const std::deque<int>& keys) {
        typed = keys;
        view.take_keys();
    };
    const auto counted = [&](const char* name, const std::deque<int>& keys) {
        next_count(name);
        typed = keys;
        counted_key(view);
    };
    const auto draw_for_a_second = [&](const char* name) {
        next_count(name);
        for (int i = 0; i < drawings; ++i) {
            now += std::chrono::milliseconds(1000 / drawings);
            publish(i * topics / drawings, (i + 1) * topics / drawings);
            counted_drawing(view);
        }
    };
    publish(0, topics);
    view.enter();
    if (memory) {
        type({'p'});
        publish(0, topics);
        return 0;
    }
    draw_for_a_second("drawing, by topic");
    counted("filter", {'/', '9'});
    type({key_escape});
    counted("tree", {'t'});
    type({'t'});
    counted("sort", {'s'});
    counted("details", {key_enter});
    type({'q'});
    counted("end", {key_end, key_page_up});
    type({'p'});
    publish(0, topics);
    // The values before the pause are given back.
    counted("go on", {'p'});
    draw_for_a_second("drawing, by topic, after a pause");
    // The rest of what the pause has kept is freed without being counted.
    for (int i = 0; i < 2 * drawings; ++i) view.tick();
    type({'s'});
    draw_for_a_second("drawing, by rate");
    next_count("");
    return 0;
}

// The keys of the live view.
#include "live_keys.hpp"

#include "columns.hpp"
#include "live_picture.hpp"

namespace mqttc::sub {
namespace {

constexpr std::size_t key_columns = 13;

constexpr LiveKey all_keys[] = {
    {"Up Down", "move to another row (also k, j)"},
    {"PgUp PgDn", "move by a page (the space bar: down)"},
    {"Home End", "move to the first or last row (also g, G)"},
    {"Enter", "details: the whole value, properties, earlier values"},
    {"/", "filter: only topics and values that contain a text"},
    {"Esc", "end the filter, and show all topics"},
    {"s", "sort by topic, age, rate or number of changes"},
    {"t", "show a tree of the topics, or the list"},
    {"Left Right", "fold or unfold a group of the tree (also Enter)"},
    {"p", "pause: the rows stay as they are; p again goes on"},
    {"y", "commands that subscribe to the topic and publish to it"},
    {"Ctrl-L", "draw the screen again"},
    {"?", "this help"},
    {"q", "quit; in the details and in this help: go back"},
};

}  // namespace

std::span<const LiveKey> live_keys() {
    return all_keys;
}

Picture keys_picture(std::size_t columns) {
    Picture picture{{{left_aligned("Keys", columns), style_dim}}};
    const std::size_t width = std::min(key_columns, columns);
    for (const LiveKey& key : all_keys)
        picture.push_back(
            {{left_aligned(key.keys, width), style_bold}, {left_aligned(key.help, columns - width)}});
    return picture;
}

std::string key_line(std::span<const std::string> items, std::size_t columns) {
    std::string line = left_aligned(items.front(), columns);
    line.erase(line.find_last_not_of(' ') + 1);
    for (const std::string& item : items.subspan(1)) {
        const std::string longer = line + "  " + item;
        if (display_width(longer) > columns) break;
        line = longer;
    }
    return line;
}

}  // namespace mqttc::sub

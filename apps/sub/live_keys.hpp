// The keys of the live view, as its key line and its help show them.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "screen.hpp"

namespace mqttc::sub {

struct LiveKey {
    std::string_view keys;
    std::string_view help;
};
/// All keys of the list, the tree and the details. The manual has the same ones.
std::span<const LiveKey> live_keys();

/// The help that `?` shows.
Picture keys_picture(std::size_t columns);

/// As many of `items` as fit in `columns`, from the first on, which is cut if it doesn't; two spaces between them.
std::string key_line(std::span<const std::string> items, std::size_t columns);

}  // namespace mqttc::sub

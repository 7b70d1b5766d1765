// The size of a terminal, and whether two descriptors are one terminal.
#pragma once

#include <cstddef>

namespace mqttc::sub {

struct ScreenSize {
    std::size_t rows = 24;
    std::size_t columns = 80;
    bool operator==(const ScreenSize&) const = default;
};

/// The size of the terminal `fd`; 24 x 80 when it is unknown.
ScreenSize terminal_size(int fd);
/// Whether both are the same terminal.
bool same_terminal(int one, int other);

}  // namespace mqttc::sub

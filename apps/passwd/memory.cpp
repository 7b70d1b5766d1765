// MemAvailable of /proc/meminfo, because most memory that is not free is only cache.
#include "memory.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>

#include "base/descriptor.hpp"

namespace mqttc::passwd {

std::uint64_t available_kib() {
    // No std::ifstream: the locales of libstdc++ would double the size of the program.
    const Descriptor file(::open("/proc/meminfo", O_RDONLY | O_CLOEXEC));
    std::array<char, 4096> bytes{};
    const ssize_t got = ::read(file.get(), bytes.data(), bytes.size());
    const std::string_view text(bytes.data(), static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    constexpr std::string_view name = "MemAvailable:";
    if (const std::size_t at = text.find(name); at != text.npos) {
        const std::size_t number = std::min(text.find_first_not_of(' ', at + name.size()), text.size());
        std::uint64_t kib = 0;
        const auto [end, error] = std::from_chars(text.data() + number, text.data() + text.size(), kib);
        if (error == std::errc{}) return kib;
    }
    const long pages = ::sysconf(_SC_AVPHYS_PAGES);
    const long page_size = ::sysconf(_SC_PAGESIZE);
    if (pages <= 0 || page_size <= 0) return 0;
    return static_cast<std::uint64_t>(pages) * static_cast<std::uint64_t>(page_size) / 1024;
}

}  // namespace mqttc::passwd

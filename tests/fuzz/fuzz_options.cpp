// Fuzzes the options: any command line with any config file and profile gives options or one line that says
// what is wrong, and options that were taken make a connection's settings.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/escape.hpp"
#include "connection_setup.hpp"
#include "messages.hpp"
#include "read_options.hpp"

using namespace mqttc;
using namespace mqttc::app;

namespace {

void check_line(const std::string& text) {
    if (text.empty() || escape_controls(text, text.size()) != text) std::abort();
}

template <typename Options>
void check(const std::expected<Options, NoOptions>& result) {
    if (!result) {
        if (result.error().is_error) check_line(result.error().message());
        return;
    }
    const auto connection = set_up_connection(result->connection, 4711);
    if (!connection) check_line(connection.error());
}

}  // namespace

// Input: a letter (p or s: the program), then arguments one a line, a line "--", the config file, a line
// "--", the profile.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const bool publishes = data[0] != 's';
    std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
    const auto section = [&] {
        constexpr std::string_view border = "\n--\n";
        const std::string_view part = rest.substr(0, rest.find(border));
        rest.remove_prefix(std::min(rest.size(), part.size() + border.size()));
        return part;
    };
    std::string_view lines = section();
    const std::string config(section());
    const std::string profile(rest);
    std::vector<std::string_view> arguments;
    while (!lines.empty()) {
        arguments.push_back(lines.substr(0, lines.find('\n')));
        lines.remove_prefix(std::min(lines.size(), arguments.back().size() + 1));
    }
    const OptionInput input{
        .arguments = arguments,
        .environment = [](std::string_view name) -> std::optional<std::string_view> {
            if (name == "HOME") return "/home/user";
            return std::nullopt;
        },
        .load_file = [&](const std::string& path) -> std::expected<std::string, int> {
            return path.ends_with(".conf") ? profile : config;
        },
    };
    if (publishes) {
        check(read_pub_options(input));
    } else {
        check(read_sub_options(input));
    }
    return 0;
}

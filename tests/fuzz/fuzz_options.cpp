// Fuzzes the options: any command line with any config file and profile gives options or one line that says
// what is wrong, and options that were taken make a connection's settings.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "connection.hpp"
#include "messages.hpp"
#include "parse.hpp"

using namespace mqttc;
using namespace mqttc::app;

namespace {

void check_line(const std::string& text) {
    if (text.empty() || visible(text) != text) std::abort();
}

}  // namespace

// Input: a letter (p or s: the program), then arguments one a line, a line "--", the config file, a line
// "--", the profile.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const Program program = data[0] == 's' ? Program::sub : Program::pub;
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
    const ParseInput input{
        .program = program,
        .arguments = arguments,
        .environment = [](std::string_view name) -> std::optional<std::string> {
            if (name == "HOME") return "/home/user";
            return std::nullopt;
        },
        .load_file = [&](const std::string& path) -> std::expected<std::string, int> {
            return path.ends_with(".conf") ? profile : config;
        },
    };
    const ParseResult result = parse(input);
    if (const auto* wrong = std::get_if<UsageError>(&result)) check_line(wrong->text());
    if (const auto* options = std::get_if<Options>(&result)) {
        const auto connection = build_connection(*options, 4711);
        if (!connection) check_line(connection.error());
    }
    return 0;
}

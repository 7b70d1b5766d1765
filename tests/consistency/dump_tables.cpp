// Prints what the programs' tables and parsers know, as lines of fields separated by tabs, for
// options_parity.py.
#include <array>
#include <cstdio>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/exit_code.hpp"
#include "common/option_rows.hpp"
#include "common/parse.hpp"
#include "common/property_option.hpp"
#include "dump_tables.hpp"
#include "mqttc/property.hpp"
#include "sub/format.hpp"

using namespace mqttc;
using namespace mqttc::app;

void dump_line(std::initializer_list<std::string_view> fields) {
    const char* separator = "";
    for (const std::string_view field : fields) {
        std::printf("%s%.*s", separator, static_cast<int>(field.size()), field.data());
        separator = "\t";
    }
    std::putchar('\n');
}

namespace {

std::string_view name_of(OptionStatus status) {
    switch (status) {
        case OptionStatus::ready:
            return "ready";
        case OptionStatus::unsupported:
            return "unsupported";
    }
    return {};
}

std::string_view name_of(ValueKind kind) {
    static constexpr std::array<std::string_view, 14> names{
        "none", "text", "number", "seconds", "choice",   "file",   "directory",
        "host", "url",  "topic",  "filter",  "property", "format", "command",
    };
    return names.at(static_cast<std::size_t>(kind));
}

void dump_options() {
    for (const Program program : {Program::pub, Program::sub}) {
        for (const OptionRow& row : option_rows()) {
            if ((row.programs & only(program)) == 0) continue;
            dump_line({"option", program_name(program),
                       std::string(row.short_name != 0 ? 1 : 0, row.short_name), row.long_name, row.argument,
                       name_of(row.kind), name_of(row.status), row.choices});
        }
    }
}

// Which properties -D takes for which command: the parser is asked.
void dump_properties() {
    static constexpr std::array<std::string_view, 16> candidates{
        "connect", "connack",     "publish",  "puback",  "pubrec",   "pubrel",     "pubcomp", "subscribe",
        "suback",  "unsubscribe", "unsuback", "pingreq", "pingresp", "disconnect", "auth",    "will"};
    for (const std::string_view command : candidates) {
        for (const PropertyInfo& info : property_table()) {
            Occurrence option{.value_count = info.type == PropertyType::utf8_pair ? 4U : 3U};
            option.values = {command, info.name, "1", "1"};
            if (to_property(option)) dump_line({"property", command, info.name});
        }
    }
}

void dump_exit_codes() {
    for (const ExitCodeRow& row : exit_code_table()) {
        dump_line({"exit", std::to_string(row.first), std::to_string(row.last), row.meaning});
    }
}

// Which sequences -F takes: the compiler is asked. After @ it takes anything that strftime might.
void dump_formats() {
    constexpr char first = '!';
    constexpr char last = '~';
    for (const char start : {'%', '\\'}) {
        for (char letter = first; letter <= last; ++letter) {
            const bool in_front_of_letter =
                letter == '-' || letter == '.' || (letter >= '0' && letter <= '9');
            if (start == '%' && in_front_of_letter) continue;
            const std::string sequence{start, letter};
            if (sub::Format::compile(sequence)) dump_line({"format", sequence});
        }
    }
}

// Which environment variables are looked at: all that the parser asks for.
void dump_environment() {
    for (const Program program : {Program::pub, Program::sub}) {
        std::set<std::string, std::less<>> names;
        const auto environment = [&](std::string_view name) -> std::optional<std::string> {
            names.emplace(name);
            return std::nullopt;
        };
        const auto no_file = [](const std::string&) -> std::expected<std::string, int> {
            return std::unexpected(2);
        };
        const std::vector<std::string_view> arguments{"-t", "topic"};
        static_cast<void>(parse({program, arguments, environment, no_file}));
        for (const std::string& name : names) dump_line({"environment", program_name(program), name});
    }
}

}  // namespace

int main() {
    dump_options();
    dump_passwd();
    dump_properties();
    dump_exit_codes();
    dump_formats();
    dump_environment();
    return 0;
}

// --help and --version, from the option rows.
#include "generate.hpp"

#include <algorithm>
#include <utility>

#include "base/text.hpp"

namespace mqttc::app {
namespace {

constexpr std::size_t help_column = 30;
constexpr std::size_t help_width = 80;

constexpr std::string_view usage_of_pub =
    "usage: mqtt_pub [-h HOST] [-p PORT] -t TOPIC\n"
    "           {-m TEXT | -f FILE | -l | -s | -n} [options]\n"
    "       mqtt_pub -L mqtt://[USER[:PASSWORD]@]HOST[:PORT]/TOPIC\n"
    "           {-m TEXT | -f FILE | -l | -s | -n} [options]\n"
    "Publishes messages to an MQTT broker. Ends with 0 when all were delivered.\n";
constexpr std::string_view usage_of_rr =
    "usage: mosquitto_rr [-h HOST] [-p PORT] -t TOPIC -e RESPONSE-TOPIC\n"
    "           {-m TEXT | -f FILE | -s | -n} [options]\n"
    "Publishes a request and prints the response, as mqtt_pub --request does.\n";
constexpr std::string_view usage_of_sub =
    "usage: mqtt_sub [-h HOST] [-p PORT] -t FILTER [-t FILTER]... [options]\n"
    "       mqtt_sub -L mqtt://[USER[:PASSWORD]@]HOST[:PORT]/FILTER [options]\n"
    "Subscribes to topics of an MQTT broker and prints the messages.\n";

constexpr std::string_view usage_of_passwd =
    "usage: mqtt_passwd [-H HASH] [-I N] [-c | -D] [-b | --stdin]\n"
    "           passwordfile username [password]\n"
    "       mqtt_passwd [-H HASH] [-I N] -U passwordfile\n"
    "       mqtt_passwd [-H HASH] [-I N] [-c] --import FILE passwordfile\n"
    "       mqtt_passwd --list passwordfile\n"
    "       mqtt_passwd --verify USER [-b | --stdin] passwordfile [password]\n"
    "Manages the password file of an MQTT broker.\n";
constexpr std::string_view end_of_passwd =
    "\nExit status: 0 done, 1 not done, 2 the passwords do not match\nSee mqtt_passwd(1).\n";

constexpr std::string_view examples_of_pub =
    "  mqtt_pub -t home/lamp -m on                       one message\n"
    "  mqtt_pub -t home/lamp -r -m on                    the broker keeps it\n"
    "  mqtt_pub -t home/lamp -r -n                       and forgets it\n"
    "  vmstat 5 | mqtt_pub -h broker.example -t load -l  each line a message\n";
constexpr std::string_view examples_of_sub =
    "  mqtt_sub -t 'home/#' -v               topics and payloads below home\n"
    "  mqtt_sub -t home/lamp -C 1 -W 10      one message, within 10 seconds\n"
    "  mqtt_sub -t 'home/#' -F %j            JSON\n"
    "  mqtt_sub -h broker.example -t '#' -w  a live view of all topics\n";

// Width of UTF-8 text; the characters used here have one column each.
std::size_t columns(std::string_view text) {
    return static_cast<std::size_t>(
        std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

// Appends `text` word by word, starting at `column`, later lines indented to help_column.
void append_wrapped(std::string& out, std::string_view text, std::size_t column) {
    while (!text.empty()) {
        const std::string_view word = take_until(text, ' ');
        if (column > help_column && column + 1 + columns(word) > help_width) {
            out.append("\n").append(help_column, ' ');
            column = help_column;
        } else if (column > help_column) {
            out += ' ';
            ++column;
        }
        out += word;
        column += columns(word);
    }
    out += '\n';
}

void append_row(std::string& out, const OptionRow& row) {
    std::string name = row.short_name == 0 ? "      " + row.names() : "  " + row.names();
    if (row.value_optional) {
        name.append("[=").append(row.choices).append("]");
    } else if (!row.argument.empty()) {
        name.append(" ").append(row.argument);
    }
    out += name;
    std::size_t column = columns(name);
    if (column + 2 > help_column) {
        out += '\n';
        column = 0;
    }
    out.append(help_column - column, ' ');
    append_wrapped(out, row.help, help_column);
}

}  // namespace

std::string help_text(const OptionTable& table, const CalledAs& called) {
    const Program program = called.program;
    std::string out(called.request            ? usage_of_rr
                    : program == Program::pub ? usage_of_pub
                    : program == Program::sub ? usage_of_sub
                                              : usage_of_passwd);
    if (!called.request) out = with_called_name(std::move(out), called);
    for (const OptionSection& section : table.sections()) {
        if ((section.programs & only(program)) == 0) continue;
        out.append("\n").append(section.title).append(":\n");
        for (const OptionRow& row : section.rows) {
            if (!row.help.empty()) append_row(out, row);
        }
    }
    if (program == Program::passwd) return out.append(end_of_passwd);
    out.append("\nConfig file, one option per line:\n  $XDG_CONFIG_HOME/").append(called.name);
    out.append(" or ~/.config/").append(called.name).append("\n\nEnvironment:\n");
    std::string separator = "  ";
    table.for_each(only(program), [&](const OptionRow& row) {
        if (!row.environment.empty()) out.append(std::exchange(separator, ", ")).append(row.environment);
    });
    out.append("\n\n");
    if (!called.mosquitto)
        out.append("Examples:\n").append(program == Program::pub ? examples_of_pub : examples_of_sub);
    return out.append("See ").append(program_name(program)).append("(1).\n");
}

std::string version_text(const CalledAs& called) {
    std::string text = std::string(program_name(called.program)).append(" " MQTTC_VERSION);
    if (called.mosquitto) text = std::string(called.name).append(" (").append(text).append(")");
    return text.append("\n");
}

}  // namespace mqttc::app

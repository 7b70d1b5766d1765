// Writes records of comma-separated values.
#include "csv_printer.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "base/escape.hpp"
#include "base/text.hpp"

namespace mqttc::sub {
namespace {

constexpr std::array<std::pair<std::string_view, std::string_view>, 5> known_fields{
    {{"topic", "%t"}, {"payload", "%p"}, {"time", "%I"}, {"qos", "%q"}, {"retain", "%r"}}};

// The position of the first } without a backslash; the size or more: there is none.
std::size_t next_brace(std::string_view field) {
    std::size_t at = 0;
    while (at < field.size() && field[at] != '}') at += field[at] == '\\' ? 2U : 1U;
    return at;
}

// Up to the next comma that is not inside braces. `more`: there was one, so that a field follows.
std::string_view next_field(std::string_view& rest, bool& more) {
    std::size_t end = 0;
    bool in_braces = false;
    for (; end < rest.size() && (in_braces || rest[end] != ','); ++end) {
        if (in_braces && rest[end] == '\\')
            ++end;
        else if (rest[end] == '{')
            in_braces = true;
        else if (rest[end] == '}')
            in_braces = false;
    }
    const std::string_view field = rest.substr(0, end);
    more = end < rest.size();
    rest.remove_prefix(std::min(rest.size(), end + 1));
    return trim_spaces(field);
}

}  // namespace

std::expected<std::unique_ptr<output::MessageSink>, std::string> CsvPrinter::make(std::string_view fields,
                                                                                  bool terminal,
                                                                                  output::TextBuffer& out) {
    auto printer = std::unique_ptr<CsvPrinter>(new CsvPrinter(out));
    bool more = true;
    while (more) {
        const std::string_view field = next_field(fields, more);
        if (field.empty()) return std::unexpected(std::string("--csv: a field is empty"));
        const auto* const known =
            std::ranges::find(known_fields, field, &std::pair<std::string_view, std::string_view>::first);
        if (known == known_fields.end() && !field.starts_with('%'))
            return std::unexpected("--csv: unknown field " + in_quotes(field) +
                                   " (known fields: topic, payload, time, qos, retain, %{path})");
        auto column = output::Format::compile(known != known_fields.end() ? known->second : field,
                                              {.terminal = terminal});
        if (!column) return std::unexpected("--csv: " + column.error());
        printer->columns_.push_back(std::move(*column));
        const bool is_path = field.starts_with("%{") && next_brace(field) + 1 == field.size();
        printer->names_.emplace_back(is_path ? field.substr(2, field.size() - 3) : field);
    }
    return printer;
}

void CsvPrinter::put(std::string_view text, bool first) {
    if (!first) out_.push_back(',');
    if (text.find_first_of("\",\r\n") == text.npos) return out_.append(text);
    out_.push_back('"');
    while (!text.empty()) {
        const std::size_t quote = std::min(text.find('"'), text.size());
        out_.append(text.substr(0, quote));
        text.remove_prefix(quote);
        if (text.empty()) break;
        out_.append("\"\"");
        text.remove_prefix(1);
    }
    out_.push_back('"');
}

bool CsvPrinter::take(const Publish& message) {
    if (!std::exchange(header_printed_, true)) {
        for (const std::string& name : names_) put(name, &name == &names_.front());
        out_.append("\r\n");
    }
    output::WallTime stamp{};
    for (output::Format& column : columns_) {
        if (column.needs_time() && stamp.seconds == 0) stamp = output::wall_time_now();
        field_.clear();
        if (column.render(message, stamp, field_) != output::RenderError::none) field_.clear();
        put(field_.view(), &column == &columns_.front());
    }
    out_.append("\r\n");
    return true;
}

}  // namespace mqttc::sub

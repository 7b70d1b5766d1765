// Records of comma-separated values.
#include "csv_lines.hpp"

#include <algorithm>
#include <utility>

#include "base/escape.hpp"
#include "base/text.hpp"
#include "base/utf8.hpp"
#include "json_out.hpp"
#include "json_scan.hpp"
#include "mqttc/topic.hpp"
#include "text_in.hpp"

namespace mqttc::pub {
namespace {

// A number, true, false or null, as JSON writes it.
bool is_json_scalar(std::string_view text) {
    using Token = output::JsonScanner::Token;
    output::JsonScanner scan(text);
    const Token token = scan.next();
    return (token == Token::number || token == Token::word) && scan.token() == text;
}

}  // namespace

std::string CsvLines::wrong(std::size_t column, std::string_view what) const {
    std::string text = "column " + std::to_string(column + 1);
    if (column < columns_.size()) text.append(" (").append(columns_[column].name).append(")");
    return text.append(": ").append(what);
}

std::expected<void, std::string> CsvLines::split(std::string_view line) {
    fields_.clear();
    // At least as large as all fields, so that views into it stay valid.
    unquoted_.clear();
    unquoted_.reserve(line.size());
    if (line.ends_with('\r')) line.remove_suffix(1);
    while (true) {
        if (fields_.size() == max_columns)
            return std::unexpected("more than " + std::to_string(max_columns) + " columns");
        if (!line.starts_with('"')) {
            const std::size_t end = std::min(line.find(rules_.separator), line.size());
            const std::string_view text = line.substr(0, end);
            if (text.find('"') != text.npos)
                return std::unexpected(
                    wrong(fields_.size(), "a quote inside a field that does not begin with one"));
            fields_.push_back({.text = text});
            line.remove_prefix(end);
        } else {
            const std::size_t start = unquoted_.size();
            line.remove_prefix(1);
            while (true) {
                const std::size_t quote = line.find('"');
                if (quote == line.npos)
                    return std::unexpected(wrong(fields_.size(), "its quote is not closed"));
                unquoted_.append(line.substr(0, quote));
                line.remove_prefix(quote + 1);
                if (!line.starts_with('"')) break;
                unquoted_ += '"';
                line.remove_prefix(1);
            }
            fields_.push_back({.text = std::string_view(unquoted_).substr(start), .quoted = true});
            if (!line.empty() && line[0] != rules_.separator)
                return std::unexpected(wrong(fields_.size() - 1, "text follows its closing quote"));
        }
        if (line.empty()) return {};
        line.remove_prefix(1);
    }
}

// A quote opens a field only at its start.
bool CsvLines::ends_in_quotes(std::string_view line, bool in_quotes) const {
    if (!has_header_) line = without_byte_order_mark(line);
    while (true) {
        if (in_quotes) {
            const std::size_t quote = line.find('"');
            if (quote == line.npos) return true;
            line.remove_prefix(quote + 1);
            // "" is a quote inside the field.
            in_quotes = line.starts_with('"');
            if (in_quotes) line.remove_prefix(1);
        } else if (line.starts_with('"')) {
            in_quotes = true;
            line.remove_prefix(1);
        } else {
            const std::size_t end = line.find(rules_.separator);
            if (end == line.npos) return false;
            line.remove_prefix(end + 1);
        }
    }
}

std::optional<std::size_t> CsvLines::find_column(std::string_view name) const {
    const auto found = std::ranges::find(columns_, name, &Column::name);
    if (found == columns_.end()) return std::nullopt;
    return static_cast<std::size_t>(found - columns_.begin());
}

std::expected<void, std::string> CsvLines::read_header() {
    columns_.clear();
    topic_parts_.clear();
    for (const Field& field : fields_) {
        const std::size_t column = columns_.size();
        if (field.text.empty()) return std::unexpected(wrong(column, "the header has no name for it"));
        if (find_column(field.text))
            return std::unexpected(
                wrong(column, "the header has the name " + in_quotes(field.text) + " twice"));
        if (!is_utf8(field.text)) return std::unexpected(wrong(column, "its name is not UTF-8"));
        columns_.push_back({.name = std::string(field.text)});
    }
    constexpr std::pair<std::string_view, Use> uses[] = {
        {"topic", Use::topic}, {"qos", Use::qos}, {"retain", Use::retain}};
    for (const auto& [name, use] : uses) {
        if (const auto column = find_column(name)) columns_[*column].use = use;
    }
    for (const std::string& topic : rules_.topics) {
        if (topic.find('{') == topic.npos) continue;
        if (rules_.topics.size() > 1)
            return std::unexpected(std::string("-t with {column} cannot be used together with another -t"));
        if (auto read = read_template(topic); !read) return read;
    }
    if (rules_.topics.empty() && !find_column("topic"))
        return std::unexpected(std::string(
            "the header has no column topic, and there is no -t (for another separator use --separator)"));
    const auto payload = find_column(rules_.payload_column.empty() ? "payload" : rules_.payload_column);
    if (!payload && !rules_.payload_column.empty())
        return std::unexpected("the header has no column " + in_quotes(rules_.payload_column) +
                               " (--payload-column)");
    makes_object_ = !payload;
    if (makes_object_ && rules_.encoding != app::Encoding::raw)
        return std::unexpected(std::string("the header has no column payload, for --encoding"));
    if (payload) {
        if (rules_.topics.empty() && columns_[*payload].use == Use::topic)
            return std::unexpected(std::string("no column has the topic, and there is no -t"));
        columns_[*payload].use = Use::payload;
    }
    has_header_ = true;
    return {};
}

// plant/{line}/{sensor}
std::expected<void, std::string> CsvLines::read_template(std::string_view text) {
    while (!text.empty()) {
        const std::size_t open = std::min(text.find('{'), text.size());
        TopicPart part{.text = std::string(text.substr(0, open)), .column = {}};
        text.remove_prefix(open);
        if (!text.empty()) {
            const std::size_t close = text.find('}');
            if (close == text.npos) return std::unexpected(std::string("-t: '{' without '}'"));
            const std::string_view name = text.substr(1, close - 1);
            part.column = find_column(name);
            if (!part.column)
                return std::unexpected("the header has no column " + in_quotes(name) + " of -t");
            if (columns_[*part.column].use == Use::object) columns_[*part.column].use = Use::in_topic;
            text.remove_prefix(close + 1);
        }
        topic_parts_.push_back(std::move(part));
    }
    return {};
}

std::expected<void, std::string> CsvLines::read_topic(InputMessage& message) {
    if (topic_parts_.empty()) return {};
    topic_.clear();
    for (const TopicPart& part : topic_parts_) {
        topic_.append(part.text);
        if (!part.column) continue;
        const std::string_view field = fields_[*part.column].text;
        if (field.empty()) return std::unexpected(wrong(*part.column, "it is empty, but part of the topic"));
        topic_.append(field);
    }
    if (const auto fault = check_topic_name(topic_)) return std::unexpected(explain(*fault, topic_));
    message.topic = topic_;
    return {};
}

void CsvLines::write_object() {
    object_.clear();
    output::JsonWriter json(object_, output::JsonLayout::compact, false);
    json.begin_object();
    for (std::size_t i = 0; i < columns_.size(); ++i) {
        if (columns_[i].use != Use::object) continue;
        json.key(columns_[i].name);
        const Field& field = fields_[i];
        if (field.quoted || (!field.text.empty() && !is_json_scalar(field.text))) {
            json.string(field.text);
        } else {
            json.raw(field.text.empty() ? "null" : field.text);
        }
    }
    json.end_object();
}

std::expected<void, std::string> CsvLines::parse(std::string_view line, InputMessage& message) {
    gave_message_ = has_header_;
    if (!has_header_) line = without_byte_order_mark(line);
    if (auto read = split(line); !read) return read;
    if (!has_header_) return read_header();
    if (fields_.size() != columns_.size())
        return std::unexpected("it has " + std::to_string(fields_.size()) + " columns, the header has " +
                               std::to_string(columns_.size()));
    if (auto read = read_topic(message); !read) return read;
    for (std::size_t i = 0; i < columns_.size(); ++i) {
        const std::string_view text = fields_[i].text;
        if (columns_[i].use == Use::payload) {
            if (auto done = decode(rules_.encoding, text, decoded_); !done)
                return std::unexpected(wrong(i, done.error()));
            message.payload = as_bytes(decoded_);
        }
        if (makes_object_ && columns_[i].use == Use::object && !is_utf8(text))
            return std::unexpected(wrong(i, "it is not UTF-8"));
        if (text.empty()) continue;
        if (columns_[i].use == Use::qos) {
            if (text != "0" && text != "1" && text != "2")
                return std::unexpected(wrong(i, in_quotes(text) + " is not 0, 1 or 2"));
            message.qos = static_cast<Qos>(text[0] - '0');
        } else if (columns_[i].use == Use::retain) {
            const bool yes = text == "1" || equal_ignoring_case(text, "true");
            if (!yes && text != "0" && !equal_ignoring_case(text, "false"))
                return std::unexpected(wrong(i, in_quotes(text) + " is not true, false, 1 or 0"));
            message.retain = yes;
        } else if (columns_[i].use == Use::topic && topic_parts_.empty()) {
            if (const auto fault = check_topic_name(text))
                return std::unexpected(wrong(i, explain(*fault, text)));
            message.topic = text;
        }
    }
    if (rules_.topics.empty() && !message.topic)
        return std::unexpected(wrong(*find_column("topic"), "it is empty, and there is no -t"));
    if (makes_object_) {
        write_object();
        message.payload = as_bytes(object_.view());
    }
    return {};
}

}  // namespace mqttc::pub

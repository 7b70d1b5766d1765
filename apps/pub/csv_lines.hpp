// -l --input csv: records of RFC 4180 with a header line.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "options.hpp"
#include "parsed_input.hpp"
#include "text_buffer.hpp"

namespace mqttc::pub {

struct CsvRules {
    std::vector<std::string> topics = {};  ///< of -t; one with {column} is filled in for each record
    std::string payload_column = {};       ///< empty: the column "payload", or a JSON object of the others
    char separator = ',';
    app::Encoding encoding = app::Encoding::raw;  ///< of the payload column
};

/// The columns topic, payload, qos and retain have the meaning of their names; an empty field takes the value of the
/// options. Without a payload column, the payload is a JSON object of the columns that nothing else uses: a field is a
/// number, true, false or null if it is written like that without quotes, null if it is empty, and otherwise a string.
class CsvLines : public LineParser {
  public:
    static constexpr std::size_t max_columns = 4096;

    explicit CsvLines(CsvRules rules) : rules_(std::move(rules)) {}
    std::expected<void, std::string> parse(std::string_view line, InputMessage& message) override;
    /// In a single column, an empty line is an empty field.
    bool skips_empty() const override { return !has_header_ || columns_.size() > 1; }
    bool ends_in_quotes(std::string_view line, bool in_quotes) const override;
    bool gave_message() const override { return gave_message_; }

  private:
    enum class Use : std::uint8_t { object, topic, payload, qos, retain, in_topic };
    struct Field {
        std::string_view text;  ///< without its quotes; into the line or unquoted_
        bool quoted = false;
    };
    struct Column {
        std::string name;
        Use use = Use::object;
    };
    struct TopicPart {
        std::string text;                   ///< before the column
        std::optional<std::size_t> column;  ///< whose field follows
    };

    std::expected<void, std::string> split(std::string_view line);
    std::expected<void, std::string> read_header();
    std::expected<void, std::string> read_template(std::string_view text);
    std::expected<void, std::string> read_topic(InputMessage& message);
    std::optional<std::size_t> find_column(std::string_view name) const;
    std::string wrong(std::size_t column, std::string_view what) const;
    void write_object();

    CsvRules rules_;
    bool has_header_ = false;
    bool gave_message_ = false;
    bool makes_object_ = false;
    std::vector<Column> columns_;
    std::vector<TopicPart> topic_parts_;  // empty: no template

    // These keep their memory from record to record.
    std::vector<Field> fields_;
    std::string unquoted_;  // quoted fields with "" replaced by "
    std::string topic_;
    output::TextBuffer object_;
    std::string decoded_;
};

}  // namespace mqttc::pub

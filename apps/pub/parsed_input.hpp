// -l with lines that are more than a payload: a LineParser reads them, and here is decided what happens to an
// invalid one.
#pragma once

#include <expected>
#include <memory>
#include <string>
#include <string_view>

#include "input.hpp"
#include "line_input.hpp"

namespace mqttc::pub {

/// Reads a line.
class LineParser {
  public:
    virtual ~LineParser() = default;
    /// Fills in what the line gives; views may point into `line` and into the parser, until the next call.
    /// Error: what is wrong, for the user, without the line's number.
    virtual std::expected<void, std::string> parse(std::string_view line, InputMessage& message) = 0;
    /// Whether a line of spaces and tabs only is ignored.
    virtual bool skips_empty() const { return true; }
    /// Whether a line with an open quote is continued by the next one.
    virtual bool joins_quoted_lines() const { return false; }
    /// False: the last line was a header.
    virtual bool gave_message() const { return true; }
};

class ParsedInput : public InputSource {
  public:
    /// `skip_invalid`: an invalid line is a message with a problem; otherwise the input ends before it.
    ParsedInput(int fd, std::size_t longest_line, std::unique_ptr<LineParser> parser, bool skip_invalid)
        : lines_(fd, longest_line),
          longest_record_(longest_line),
          parser_(std::move(parser)),
          skip_invalid_(skip_invalid) {}

    State next(InputMessage& message, Time now) override;
    int descriptor() const override { return lines_.descriptor(); }
    void readable() override { lines_.readable(); }
    std::optional<std::uint64_t> remaining() const override { return lines_.remaining(); }
    bool has_unread() const override { return lines_.has_unread(); }
    std::optional<Extent> extent() const override { return lines_.extent(); }
    const std::string& failure() const override { return failure_.empty() ? lines_.failure() : failure_; }

  private:
    bool is_skipped(const InputMessage& message) const;
    /// Makes the line that was read the end of a record; false: its quote is open, and more lines follow.
    bool ends_record(InputMessage& message);

    LineInput lines_;
    std::size_t longest_record_;
    std::unique_ptr<LineParser> parser_;
    bool skip_invalid_;
    std::uint64_t record_start_ = 0;  ///< the first line of the record
    std::string record_;              ///< the lines so far of a record with quoted line breaks
    bool in_quotes_ = false;
    std::uint64_t line_ = 0;
    bool any_ = false;  ///< a message was read
    std::string failure_;
};

}  // namespace mqttc::pub

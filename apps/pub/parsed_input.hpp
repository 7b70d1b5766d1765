// -l with lines that are more than a payload: a LineParser reads them, and this file decides what happens to an
// invalid line.
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
    /// Whether the line ends inside a quoted field, which the next line continues. `in_quotes`: it begins inside one.
    virtual bool ends_in_quotes(std::string_view /*line*/, bool /*in_quotes*/) const { return false; }
    /// False: the last line was a header.
    virtual bool gave_message() const { return true; }
};

class ParsedInput : public InputSource {
  public:
    /// After this many lines without a message next() returns State::waiting, so that others can work.
    static constexpr int max_skipped = 1000;

    /// `skip_invalid`: an invalid line is a message with a problem; otherwise the input ends before it.
    ParsedInput(int fd, std::size_t longest_line, std::unique_ptr<LineParser> parser, bool skip_invalid)
        : lines_(fd, longest_line),
          longest_record_(longest_line),
          parser_(std::move(parser)),
          skip_invalid_(skip_invalid) {}

    State next(InputMessage& message, Time now) override;
    std::optional<Time> due() const override { return due_; }
    int descriptor() const override { return lines_.descriptor(); }
    void readable() override { lines_.readable(); }
    std::optional<std::uint64_t> remaining(std::uint64_t copies) const override {
        return lines_.remaining(copies);
    }
    bool has_unread() const override { return lines_.has_unread(); }
    std::optional<Extent> extent() const override { return lines_.extent(); }
    std::string_view failure() const override { return failure_.empty() ? lines_.failure() : failure_; }

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
    int skipped_ = 0;          ///< lines without a message in a row
    std::optional<Time> due_;  ///< next() has paused
    bool any_ = false;         ///< a message was read
    std::string failure_;
};

}  // namespace mqttc::pub

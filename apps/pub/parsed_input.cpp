// Lines for a parser, and what happens to those that are invalid.
#include "parsed_input.hpp"

#include <algorithm>

namespace mqttc::pub {

bool ParsedInput::is_skipped(const InputMessage& message) const {
    if (!message.problem.empty() || !parser_->skips_empty()) return false;
    return std::ranges::all_of(as_text(message.payload),
                               [](char c) { return c == ' ' || c == '\t' || c == '\r'; });
}

bool ParsedInput::ends_record(InputMessage& message) {
    const std::string_view line = as_text(message.payload);
    const bool continues = in_quotes_;
    in_quotes_ = message.problem.empty() && parser_->ends_in_quotes(line, continues);
    if (!continues && !in_quotes_) return true;
    if (!continues) {
        record_.clear();
    } else {
        record_ += '\n';
    }
    record_.append(line);
    if (message.problem.empty() && record_.size() > longest_record_) {
        in_quotes_ = false;
        message.reset();
        message.problem = "line " + std::to_string(record_start_) + ": a quoted field has more than " +
                          std::to_string(longest_record_) + " bytes";
    }
    if (in_quotes_) return false;
    if (message.problem.empty()) message.reset(as_bytes(record_));
    return true;
}

InputSource::State ParsedInput::next(InputMessage& message, Time now) {
    due_.reset();
    if (!failure_.empty()) return State::finished;
    bool complete = false;
    bool has_header = true;
    while (!complete) {
        if (skipped_ == max_skipped) {
            skipped_ = 0;
            due_ = now;
            return State::waiting;
        }
        const State state = lines_.next(message, now);
        if (state == State::ready) {
            ++skipped_;
            if (!in_quotes_) record_start_ = lines_.line();
            if (!in_quotes_ && is_skipped(message)) continue;
            if (!ends_record(message)) continue;
        } else if (state == State::finished && in_quotes_ && lines_.failure().empty()) {
            // The parser reports the quote.
            in_quotes_ = false;
            message.reset(as_bytes(record_));
        } else {
            return state;
        }
        if (message.problem.empty()) {
            const std::string_view line = as_text(message.payload);
            message.payload = {};
            if (auto parsed = parser_->parse(line, message); !parsed) {
                message.problem = "line " + std::to_string(record_start_) + ": " + parsed.error();
                has_header = parser_->gave_message();
            }
        }
        complete = !message.problem.empty() || parser_->gave_message();
    }
    // Without its header nothing of the input can be read.
    if (message.problem.empty() || (skip_invalid_ && has_header)) {
        if (message.problem.empty()) skipped_ = 0;
        any_ = true;
        return State::ready;
    }
    failure_ = std::move(message.problem);
    failure_.append(any_         ? " (reading stopped there; --skip-invalid continues)"
                    : has_header ? "; nothing was sent (--skip-invalid skips such lines)"
                                 : "; nothing was sent");
    return State::finished;
}

}  // namespace mqttc::pub

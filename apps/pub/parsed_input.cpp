// Lines for a parser, and what happens to those that are invalid.
#include "parsed_input.hpp"

namespace mqttc::pub {

bool ParsedInput::is_skipped(const InputMessage& message) const {
    if (!message.problem.empty() || !parser_->skips_empty()) return false;
    return as_text(message.payload).find_first_not_of(" \t\r") == std::string_view::npos;
}

InputSource::State ParsedInput::next(InputMessage& message, Time now) {
    if (!failure_.empty()) return State::finished;
    do {
        if (const State state = lines_.next(message, now); state != State::ready) return state;
        ++line_;
    } while (is_skipped(message));
    if (message.problem.empty()) {
        const std::string_view line = as_text(message.payload);
        message.payload = {};
        if (auto parsed = parser_->parse(line, message); !parsed) {
            message.problem = "line " + std::to_string(line_) + ": " + parsed.error();
        }
    }
    if (message.problem.empty() || skip_invalid_) {
        any_ = true;
        return State::ready;
    }
    failure_ = std::move(message.problem);
    failure_.append(any_ ? " (reading stopped there; --skip-invalid continues)"
                         : "; nothing was sent (--skip-invalid skips such lines)");
    return State::finished;
}

}  // namespace mqttc::pub

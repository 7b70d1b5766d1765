// Lines that hold an encoded payload, or a topic and a payload.
#include "text_lines.hpp"

#include <algorithm>
#include <utility>

#include "base/escape.hpp"
#include "mqttc/topic.hpp"
#include "option_values.hpp"
#include "text_in.hpp"

namespace mqttc::pub {

std::expected<void, std::string> PayloadLines::parse(std::string_view line, InputMessage& message) {
    if (encoding_ == app::Encoding::raw) {
        message.payload = as_bytes(line);
        return {};
    }
    auto decoded = decode(encoding_, line, decoded_);
    message.payload = as_bytes(decoded_);
    return decoded;
}

namespace {

std::size_t find_tab_or_space(std::string_view line) {
    const std::size_t space = line.find(' ');
    return std::min(space, line.substr(0, space).find('\t'));
}

}  // namespace

std::expected<void, std::string> TopicLines::parse(std::string_view line, InputMessage& message) {
    if (line.ends_with('\r')) line.remove_suffix(1);
    const std::size_t at = separator_ ? line.find(*separator_) : find_tab_or_space(line);
    if (at == line.npos) {
        return std::unexpected(
            separator_ ? "it has no separator " + in_quotes(*separator_)
                       : std::string("it has no tab or space after the topic (for another separator use "
                                     "--separator)"));
    }
    const std::string_view topic = line.substr(0, at);
    if (const auto fault = check_topic_name(topic)) return std::unexpected(explain(*fault, topic));
    message.topic = topic;
    // A spreadsheet's CSV. Quotation marks are allowed in topics.
    if (separator_ && topic.size() >= 2 && topic.front() == '"' && topic.back() == '"' && warn_)
        std::exchange(warn_, {})("the topic " + in_quotes(topic) +
                                 " contains the quotation marks of the line: --input topic removes none");
    const std::size_t payload_at = at + (separator_ ? separator_->size() : 1);
    auto payload = payload_.parse(line.substr(payload_at), message);
    if (!payload) return std::unexpected("the payload: " + payload.error());
    return {};
}

}  // namespace mqttc::pub

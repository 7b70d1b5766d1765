// The traits of messages and filters that some brokers do not accept.
#include "rejected_traits.hpp"

#include <cstdio>

#include "base/utf8.hpp"

namespace mqttc::app {
namespace {

// AWS IoT accepts topics of at most 256 bytes and messages of at most 128 KiB; other brokers have higher limits.
constexpr std::size_t common_topic_size = 256;
constexpr std::size_t common_message_size = 100'000;
// Hardly any broker is set to a lower limit, so that an outage at a short message is not attributed to its size.
constexpr std::size_t lowest_message_size = 256;

class Traits {
  public:
    Traits& add(std::string_view trait) {
        text_.append(text_.empty() ? "" : ", or ").append(trait);
        return *this;
    }
    Traits& add_if(bool applies, std::string_view trait) { return applies ? add(trait) : *this; }
    std::string take() { return std::move(text_); }

  private:
    std::string text_;
};

void add_topic(Traits& traits, std::string_view topic) {
    if (const auto code = discouraged_character(topic)) {
        char text[48];
        std::snprintf(text, sizeof text, "the character U+%04X in the topic", static_cast<unsigned>(*code));
        traits.add(text);
    }
    if (topic.size() > common_topic_size) traits.add("a topic of " + std::to_string(topic.size()) + " bytes");
    // NATS separates levels with dots.
    traits.add_if(topic.find(' ') != topic.npos, "a space in the topic");
    traits.add_if(topic.find('.') != topic.npos, "a dot in the topic");
}

// At once for most topics, which are checked for each message.
bool is_printable_ascii(std::string_view text) {
    const auto printable = [](const char* at) { return printable_ascii(load8(at)) == 0x80 * each_byte; };
    constexpr std::size_t step = sizeof(std::uint64_t);
    if (text.size() < step) return false;
    for (std::size_t at = 0; at + step < text.size(); at += step) {
        if (!printable(text.data() + at)) return false;
    }
    return printable(text.data() + text.size() - step);
}

}  // namespace

std::optional<std::uint32_t> discouraged_character(std::string_view text) {
    if (is_printable_ascii(text)) return std::nullopt;
    while (!text.empty()) {
        const std::size_t length = utf8_sequence(text);
        if (length == 0) return std::nullopt;
        const std::uint32_t code = utf8_code(text.substr(0, length));
        const bool control = code < 0x20 || (code >= 0x7f && code <= 0x9f);
        const bool noncharacter = (code & 0xfffeU) == 0xfffe || (code >= 0xfdd0 && code <= 0xfdef);
        if (control || noncharacter) return code;
        text.remove_prefix(length);
    }
    return std::nullopt;
}

std::string rejected_traits(const Publish& message, SizeAccepted size) {
    Traits traits;
    const std::size_t unsuspected = size == SizeAccepted::no ? lowest_message_size : common_message_size;
    traits.add_if(message.qos == Qos::exactly_once, "QoS 2 (try -q 1)");
    add_topic(traits, message.topic);
    traits.add_if(message.topic.starts_with('$'), "a topic that starts with '$'");
    traits.add_if(message.payload.size() > unsuspected,
                  "messages of " + std::to_string(message.payload.size()) + " bytes");
    traits.add_if(message.retain, "retained messages");
    return traits.take();
}

std::string rejected_traits(std::string_view filter) {
    Traits traits;
    add_topic(traits, filter);
    traits.add_if(filter.starts_with("$share/"), "shared subscriptions");
    return traits.take();
}

}  // namespace mqttc::app

// The option table of mqtt_pub and mqtt_sub, and its sections.
#pragma once

#include <span>

#include "option_context.hpp"
#include "options.hpp"

namespace mqttc::app {

extern const std::span<const OptionRow> message_rows, sending_rows;      // option_rows_publish.cpp
extern const std::span<const OptionRow> subscription_rows, output_rows;  // option_rows_subscribe.cpp
extern const std::span<const OptionRow> broker_rows;                     // option_rows_connection.cpp
extern const std::span<const OptionRow> identity_rows;                   // option_rows_identity.cpp
extern const std::span<const OptionRow> tls_rows, transport_rows, will_rows,
    general_rows;  // option_rows_shared.cpp

/// Strings, topic names and topic filters as values. An error describes what is wrong with the value.
std::expected<std::string, std::string> to_utf8(std::string_view text);
std::expected<std::string, std::string> to_topic(std::string_view text);
std::expected<std::string, std::string> to_filter(std::string_view text);
/// A format of payloads: one of `choices`, which are separated by spaces, or protobuf:FILE.proto:MESSAGE.
std::expected<PayloadChoice, std::string> to_payload_choice(std::string_view text, std::string_view choices);

/// As if the URL had no topic.
void forget_url_topic(OptionContext& context);

/// Setters for topics.
template <auto... Field>
OptionResult set_topic(OptionContext& context) {
    return assign(detail::field<Field...>(context), to_topic(context.value()));
}
template <auto... Field>
OptionResult add_filter(OptionContext& context) {
    return assign(detail::field<Field...>(context).emplace_back(), to_filter(context.value()));
}
/// A format of payloads.
template <auto... Field>
OptionResult set_payload_format(OptionContext& context) {
    return assign(detail::field<Field...>(context), to_payload_choice(context.value(), context.row->choices));
}
/// The whole table.
const OptionTable& pub_sub_options();

}  // namespace mqttc::app

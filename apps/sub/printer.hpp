// What happens to the messages, as the options select it: they are printed, counted, saved, ...
#pragma once

#include <expected>
#include <memory>
#include <string>
#include <string_view>

#include "message_sink.hpp"
#include "messages.hpp"
#include "options.hpp"
#include "text_buffer.hpp"

namespace mqttc::sub {

/// The sink that the options select. `is_terminal`: stdout is one; then control characters from the broker are
/// escaped unless --raw is given. `out` and `messages` must outlive the sink. Error: the format is wrong, or -w without
/// a terminal; one line for the user.
std::expected<std::unique_ptr<output::MessageSink>, std::string> make_printer(const app::SubOptions& options,
                                                                              bool is_terminal,
                                                                              output::TextBuffer& out,
                                                                              app::Messages& messages);

/// The options that reach the same broker again, without secrets: " -h broker.example -u anna".
std::string broker_options(const app::ConnectionOptions& options);

}  // namespace mqttc::sub

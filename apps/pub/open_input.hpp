// From options to an input source.
#pragma once

#include <expected>
#include <memory>
#include <optional>
#include <string>

#include "input.hpp"
#include "loaded_payload.hpp"
#include "messages.hpp"
#include "options.hpp"

namespace mqttc::pub {

/// Loads the payload, or prepares to read lines. `deadline` bounds the wait for a slow payload; `messages` must
/// outlive the input.
std::expected<std::unique_ptr<InputSource>, PayloadError> open_input(const app::PubOptions& options,
                                                                     std::optional<Time> deadline,
                                                                     app::Messages& messages);

}  // namespace mqttc::pub

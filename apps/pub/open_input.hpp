// From options to an input source and a plan.
#pragma once

#include <expected>
#include <memory>
#include <optional>
#include <string>

#include "messages.hpp"
#include "options.hpp"
#include "payload.hpp"
#include "publisher.hpp"

namespace mqttc::pub {

/// Loads the payload, or gets ready to read lines. `deadline` bounds the waiting for a slow payload;
/// `messages` must outlive the input.
std::expected<std::unique_ptr<InputSource>, PayloadError> open_input(const app::Options& options,
                                                                     std::optional<Time> deadline,
                                                                     const app::Messages& messages);

/// The plan for these options; `started` is when the time of -W began.
PublishPlan make_plan(const app::Options& options, Time started);

}  // namespace mqttc::pub

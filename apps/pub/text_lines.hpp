// Lines that hold an encoded payload, or a topic and a payload.
#pragma once

#include <functional>
#include <string>

#include "options.hpp"
#include "parsed_input.hpp"

namespace mqttc::pub {

/// -l --encoding: the whole line is the payload.
class PayloadLines : public LineParser {
  public:
    explicit PayloadLines(app::Encoding encoding) : encoding_(encoding) {}
    std::expected<void, std::string> parse(std::string_view line, InputMessage& message) override;
    /// An empty line is an empty payload.
    bool skips_empty() const override { return false; }

  private:
    app::Encoding encoding_;
    std::string decoded_;
};

/// -l --input topic: topic, separator, payload. The default separator is the first tab or space.
class TopicLines : public LineParser {
  public:
    /// `warn` gets a line for the user, once.
    TopicLines(std::optional<std::string> separator, app::Encoding encoding,
               std::function<void(std::string_view)> warn)
        : separator_(std::move(separator)), payload_(encoding), warn_(std::move(warn)) {}
    std::expected<void, std::string> parse(std::string_view line, InputMessage& message) override;

  private:
    std::optional<std::string> separator_;
    PayloadLines payload_;
    std::function<void(std::string_view)> warn_;  ///< empty once it was called
};

}  // namespace mqttc::pub

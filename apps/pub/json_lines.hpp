// -l --input json: one object a line, in the form that mqtt_sub prints with %j and %J.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "parsed_input.hpp"

namespace mqttc::pub {

struct JsonRules {
    bool need_topic = true;       ///< there is no -t
    bool need_time = false;       ///< --replay
    bool send_properties = true;  ///< MQTT 5
    /// If not empty, called once when there are properties that cannot be sent.
    std::function<void(std::string_view)> warn = {};
};

class JsonLines : public LineParser {
  public:
    /// The most that the largest message needs: %j writes no byte longer than \u0000.
    static constexpr std::size_t max_line = std::size_t{6} * max_remaining_length;

    explicit JsonLines(JsonRules rules);
    ~JsonLines() override;
    std::expected<void, std::string> parse(std::string_view line, InputMessage& message) override;

  private:
    class Reader;
    std::unique_ptr<Reader> reader_;
};

}  // namespace mqttc::pub

// --encode: payloads given as JSON are published in a binary format.
#pragma once

#include <expected>
#include <memory>
#include <string>
#include <string_view>

#include "options.hpp"
#include "parsed_input.hpp"
#include "payload_codec.hpp"

namespace mqttc::pub {

class PayloadEncoder {
  public:
    /// Loads what the format needs. Error: one line for the user.
    static std::expected<PayloadEncoder, std::string> open(const app::PayloadChoice& choice);

    /// The bytes for the JSON text `json`, which live until the next call; none for the empty text. Error: what is wrong
    /// with the payload.
    std::expected<Bytes, std::string> encode(std::string_view json);

  private:
    explicit PayloadEncoder(std::unique_ptr<app::PayloadCodec> codec) : codec_(std::move(codec)) {}

    std::unique_ptr<app::PayloadCodec> codec_;
};

/// Lines as another parser reads them, with their payloads encoded.
class EncodedLines : public LineParser {
  public:
    EncodedLines(std::unique_ptr<LineParser> lines, PayloadEncoder encoder)
        : lines_(std::move(lines)), encoder_(std::move(encoder)) {}
    std::expected<void, std::string> parse(std::string_view line, InputMessage& message) override;
    bool skips_empty() const override { return lines_->skips_empty(); }
    bool ends_in_quotes(std::string_view line, bool in_quotes) const override {
        return lines_->ends_in_quotes(line, in_quotes);
    }
    bool gave_message() const override { return lines_->gave_message(); }

  private:
    std::unique_ptr<LineParser> lines_;
    PayloadEncoder encoder_;
};

}  // namespace mqttc::pub

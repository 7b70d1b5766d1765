// --decode: payloads become JSON before anything else of mqtt_sub looks at them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "messages.hpp"
#include "mqttc/packet.hpp"
#include "options.hpp"
#include "payload_codec.hpp"
#include "stats_json.hpp"
#include "text_buffer.hpp"

namespace mqttc::sub {

class PayloadDecoder {
  public:
    /// A larger payload is not decoded: its JSON may have eight times its size.
    static constexpr std::size_t max_payload = std::size_t{16} * 1024 * 1024;
    /// Errors of further topics are counted only.
    static constexpr std::size_t max_topics = 1000;

    /// `choice` and `messages` must outlive the decoder.
    PayloadDecoder(const app::PayloadChoice& choice, bool skip_invalid, bool readable_times,
                   app::Messages& messages)
        : choice_(choice),
          skip_invalid_(skip_invalid),
          readable_times_(readable_times),
          messages_(messages) {}

    /// Loads what is needed for the one format. Error: one line for the user.
    std::expected<void, std::string> start();
    /// The message with its payload as JSON, which lives until the next call; as it is if it cannot be decoded. Nothing: it
    /// cannot be decoded, and such messages are skipped.
    std::optional<Publish> decode(const Publish& message);
    /// At the end: reports what was counted but not reported.
    void finish() const;
    /// Adds what was learned from the payloads to both forms of --stats.
    void add_statistics(app::StatsJson& json, std::string& line);

  private:
    app::PayloadCodec* codec_for(app::PayloadFormat format);
    std::expected<void, std::string> open(app::PayloadFormat format);
    std::optional<Publish> undecoded(const Publish& message, app::PayloadFormat format, std::string_view why);
    using Topics = std::set<std::string, std::less<>>;
    /// False: the topic is in the set, or the set is full.
    static bool is_first(Topics& topics, std::string_view topic);

    const app::PayloadChoice& choice_;
    bool skip_invalid_;
    bool readable_times_;
    app::Messages& messages_;
    struct Opened {
        std::unique_ptr<app::PayloadCodec> codec;
        bool failed = false;
    };
    std::array<Opened, 5> codecs_;  // by format
    output::TextBuffer json_;       // of a JSON payload
    Topics reported_topics_;        // whose errors were reported
    Topics noted_topics_;
    std::uint64_t reported_ = 0;
    std::uint64_t undecoded_ = 0;
};

}  // namespace mqttc::sub

// --only-changes: leaves out a message whose payload equals the last one of its topic.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <unordered_map>

#include "base/sha1.hpp"
#include "forwarding_sink.hpp"
#include "messages.hpp"

namespace mqttc::sub {

class ChangesSink final : public ForwardingSink {
  public:
    /// Of further topics every message is printed. A topic takes about 80 bytes, whatever its payload.
    static constexpr std::size_t max_topics = 100'000;

    /// `messages` must outlive the sink.
    ChangesSink(std::unique_ptr<output::MessageSink> next, app::Messages& messages)
        : ForwardingSink(std::move(next)), messages_(messages) {}
    bool take(const Publish& message) override;

  private:
    using Digest = std::array<std::uint8_t, 20>;
    struct Hash {
        std::size_t operator()(const Digest& digest) const {
            std::size_t value = 0;
            std::memcpy(&value, digest.data(), sizeof value);
            return value;
        }
    };

    std::unordered_map<Digest, Digest, Hash> last_;  // the payload's by the topic's
    app::Messages& messages_;
    bool full_reported_ = false;
};

}  // namespace mqttc::sub

// Where messages come from: one interface for a fixed payload, lines of stdin (payloads, topics with payloads,
// JSON), and a recording that is replayed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "mqttc/property.hpp"
#include "mqttc/types.hpp"

namespace mqttc::pub {

/// What an input may give of a message.
struct MessageFields {
    Bytes payload;
    /// Not empty: several messages with these payloads and nothing else; `payload` is not used.
    std::span<const Bytes> batch;
    /// The payload stays unchanged as long as its source: it need not be copied.
    bool outlives_input = false;
    std::optional<std::string_view> topic;
    std::optional<Qos> qos;
    std::optional<bool> retain;
    std::optional<PropertiesView> properties;
    std::optional<std::int64_t> time;  ///< when it was recorded, nanoseconds of Unix time
};

/// One message of an input, or a batch of them. What is not given is taken from the options. Views live until the
/// next call of next().
struct InputMessage : MessageFields {
    /// Not empty: this message cannot be published, and why; the other fields are then meaningless.
    std::string problem;
    /// Not null: keeps the payload's bytes, which need not be copied then.
    std::shared_ptr<const void> owner;

    std::span<const Bytes> payloads() const { return batch.empty() ? std::span(&payload, 1) : batch; }
    /// Nothing is given, or the payload only.
    void reset(Bytes only_payload = {}) {
        static_cast<MessageFields&>(*this) = {};
        payload = only_payload;
        if (!problem.empty()) problem.clear();
        if (owner != nullptr) owner.reset();
    }
};

/// How much of the input's bytes was taken.
struct Extent {
    std::uint64_t taken = 0;
    std::uint64_t all = 0;
};

class InputSource {
  public:
    enum class State : std::uint8_t {
        ready,    ///< there is a message
        waiting,  ///< for `due()`, or for readable() of `descriptor()`
        finished,
    };

    virtual ~InputSource() = default;
    /// Gives the next message, or several. Never blocks.
    virtual State next(InputMessage& message, Time now) = 0;
    /// While waiting: when to call next() again.
    virtual std::optional<Time> due() const { return std::nullopt; }
    /// While waiting: the descriptor that must become readable; -1 = none.
    virtual int descriptor() const { return -1; }
    /// The descriptor is readable: reads from it, once.
    virtual void readable() {}

    /// Of all bytes that were published, at most `left` are still to be sent: what precedes them may be dropped from
    /// memory (it is read again if it is needed again).
    virtual void release_sent(std::size_t left) { static_cast<void>(left); }

    /// Messages that next() has not given yet, as far as their number is known; one without a topic counts `copies`
    /// times.
    virtual std::optional<std::uint64_t> remaining(std::uint64_t copies) const = 0;
    /// How far the input is read, when its size is known.
    virtual std::optional<Extent> extent() const { return std::nullopt; }
    /// Something was read from the descriptor, or is ready in a file, that next() has not given yet.
    virtual bool has_unread() const { return false; }
    /// What stopped the input before its end; empty when nothing did.
    virtual std::string_view failure() const { return {}; }
};

}  // namespace mqttc::pub

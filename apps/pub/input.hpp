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

/// What an input may say of a message.
struct MessageFields {
    Bytes payload;
    bool lasting = false;  ///< the payload stays unchanged as long as its source: it need not be copied
    std::optional<std::string_view> topic;
    std::optional<Qos> qos;
    std::optional<bool> retain;
    std::optional<PropertiesView> properties;
    std::optional<std::int64_t> time;  ///< when it was recorded, nanoseconds of Unix time
};

/// One message of an input. What is not given comes from the options. Views live until the next call of
/// next().
struct InputMessage : MessageFields {
    /// Not empty: this message can't be published, and why; nothing else of it counts.
    std::string problem;
    /// Not null: keeps the payload's bytes, which need not be copied then.
    std::shared_ptr<const void> owner;

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
    /// Never blocks.
    virtual State next(InputMessage& message, Time now) = 0;
    /// Messages at hand that are nothing but a payload, in order; none says nothing about next(). The views live until
    /// next() or readable(), and are not taken from the input.
    virtual std::span<const Bytes> payloads() { return {}; }
    /// Takes the first `count` of what payloads() answered last.
    virtual void take(std::size_t count) { static_cast<void>(count); }
    /// While waiting: when it makes sense to ask again.
    virtual std::optional<Time> due() const { return std::nullopt; }
    /// While waiting: the descriptor that must become readable; -1 = none.
    virtual int descriptor() const { return -1; }
    /// The descriptor is readable: reads from it, once.
    virtual void readable() {}

    /// Of all bytes that were published, no more than `left` are still to be sent: what lies in front of them
    /// may be dropped from memory (it comes back by itself if it is needed again).
    virtual void unsent(std::size_t left) { static_cast<void>(left); }

    /// Messages that are still to come, as far as that is known.
    virtual std::optional<std::uint64_t> remaining() const = 0;
    /// How far the input is read, when its size is known.
    virtual std::optional<Extent> extent() const { return std::nullopt; }
    /// Something was taken from the descriptor, or lies ready in a file, and was not given out yet.
    virtual bool holds_unread() const { return false; }
    /// What stopped the input before its end; empty when nothing did.
    virtual const std::string& failure() const = 0;
};

}  // namespace mqttc::pub

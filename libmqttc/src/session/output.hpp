// What waits to be written: whole packets in one growing buffer, and large payloads that are only referred
// to.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "mqttc/types.hpp"

namespace mqttc {

/// A payload that is not inside its packet's buffer. Without an owner the caller keeps the bytes
/// (PayloadMode::borrowed).
struct Payload {
    Bytes bytes;
    std::shared_ptr<const void> owner;

    bool empty() const { return bytes.empty(); }
};

/// A queue of whole packets. An encoder appends to buffer() directly, so small packets lie one behind the
/// other and are written together; a payload added by append_payload is the rest of the packet whose header
/// was appended last.
class Output {
  public:
    Output() = default;
    ~Output();
    Output(const Output&) = delete;
    Output(Output&& other) noexcept { *this = std::move(other); }
    Output& operator=(const Output&) = delete;
    Output& operator=(Output&& other) noexcept;

    /// The buffer to append whole packets to, with room made at its front. Whoever appends part of a packet
    /// takes it away again before anything else is called.
    std::vector<std::uint8_t>& buffer() {
        if (head_ >= compact_from) compact();
        return own_;
    }
    void append(Bytes packet) { buffer().insert(own_.end(), packet.begin(), packet.end()); }
    void append_payload(const Payload& payload);

    /// The first contiguous piece; valid until the next change.
    Bytes pending() const;
    void sent(std::size_t n);

    /// Bytes that wait, payloads included.
    std::size_t size() const { return own_.size() - head_ + payload_bytes_; }
    bool empty() const { return size() == 0; }
    /// Bytes of memory that the waiting packets take in the buffer, payloads apart not included.
    std::size_t buffered() const { return own_.size() - head_; }
    /// Positions in the whole stream of bytes: how far it was written, and where it ends.
    std::uint64_t sent_position() const { return sent_; }
    std::uint64_t end_position() const { return sent_ + size(); }

    /// What was appended so far is secret: it is overwritten when it has been sent.
    void mark_secret() { secret_ = own_.size(); }

    /// One packet of the queue.
    struct Packet {
        Bytes own;  ///< without a payload that lies apart
        const Payload* payload = nullptr;
        bool begun = false;  ///< at least one byte was sent, but not all
    };
    /// Calls `see` with each packet that is not wholly sent, in order.
    template <class See>
    void for_each_packet(See see) const {
        std::size_t at = boundary_;
        for (std::size_t apart = apart_begin_; at < own_.size();) {
            const Step step = step_from(at, apart);
            const bool whole_sent = step.payload == nullptr && at + step.own <= head_;
            if (!whole_sent) {
                see(Packet{Bytes(own_).subspan(at, step.own), step.payload, at < head_});
            }
            if (step.payload != nullptr) ++apart;
            at += step.own;
        }
    }

  private:
    struct Apart {
        std::size_t at;  ///< the payload comes in front of this index of own_
        std::size_t sent;
        Payload payload;
    };
    struct Step {
        std::size_t own;
        const Payload* payload;
    };
    static constexpr std::size_t compact_from = std::size_t{64} * 1024;

    Step step_from(std::size_t at, std::size_t next_apart) const;
    void compact();
    void wipe_secret();

    std::vector<std::uint8_t> own_;
    bool nothing_apart() const { return apart_begin_ == apart_.size(); }
    void drop_first_apart();

    std::vector<Apart> apart_;
    std::size_t apart_begin_ = 0;  ///< those in front are sent
    std::size_t head_ = 0;         ///< own_ is sent up to here
    std::size_t boundary_ = 0;     ///< a packet starts here, at or in front of head_
    std::size_t payload_bytes_ = 0;
    std::size_t secret_ = 0;
    std::uint64_t sent_ = 0;
};

}  // namespace mqttc

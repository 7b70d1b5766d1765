// Bytes that wait to be written: whole packets in one growing buffer, and large payloads by reference.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "mqttc/types.hpp"

namespace mqttc {

/// A payload outside its packet's buffer. Without an owner the caller keeps the bytes (PayloadMode::borrowed).
struct ExternalPayload {
    Bytes bytes;
    std::shared_ptr<const void> owner;

    bool empty() const { return bytes.empty(); }
};

/// A queue of whole packets. An encoder appends to buffer() directly, so that small packets are contiguous and are
/// written together; a payload added by append_payload is the rest of the packet whose header was appended last.
class Output {
  public:
    Output() = default;
    ~Output();
    Output(const Output&) = delete;
    Output(Output&& other) noexcept { *this = std::move(other); }
    Output& operator=(const Output&) = delete;
    Output& operator=(Output&& other) noexcept;

    /// The buffer to append whole packets to; what was sent may be removed from its front.
    std::vector<std::uint8_t>& buffer() {
        if (head_ >= compact_from) compact();
        return inline_bytes_;
    }
    void append(Bytes packet) { buffer().insert(inline_bytes_.end(), packet.begin(), packet.end()); }
    /// After reserve_payloads it does not fail.
    void append_payload(const ExternalPayload& payload);
    void reserve_payloads(std::size_t count = 1);

    /// Removes what was appended to the buffer since it was made, unless keep() was called.
    class Appending {
      public:
        explicit Appending(Output& output) : buffer_(output.buffer()), before_(buffer_.size()) {}
        ~Appending() {
            if (!kept_) buffer_.resize(before_);
        }
        Appending(const Appending&) = delete;
        Appending& operator=(const Appending&) = delete;
        std::vector<std::uint8_t>& buffer() { return buffer_; }
        std::size_t size() const { return buffer_.size() - before_; }
        Bytes appended() const { return Bytes(buffer_).subspan(before_); }
        void remove() { buffer_.resize(before_); }
        void keep() { kept_ = true; }

      private:
        std::vector<std::uint8_t>& buffer_;
        std::size_t before_;
        bool kept_ = false;
    };

    /// The first contiguous piece; valid until the next change.
    Bytes pending() const;
    void sent(std::size_t n);

    /// Bytes that wait, payloads included.
    std::size_t size() const { return inline_bytes_.size() - head_ + payload_bytes_; }
    bool empty() const { return size() == 0; }
    /// Bytes of memory that the waiting packets take in the buffer, without external payloads.
    std::size_t buffered() const { return inline_bytes_.size() - head_; }
    /// Positions in the whole stream of bytes: how far it was written, and where it ends.
    std::uint64_t sent_position() const { return sent_; }
    std::uint64_t end_position() const { return sent_ + size(); }

    /// What was appended so far is secret: it is overwritten when it has been sent.
    void mark_secret() { secret_ = inline_bytes_.size(); }

    /// One packet of the queue.
    struct Packet {
        Bytes inline_bytes;  ///< without an external payload
        const ExternalPayload* payload = nullptr;
        bool partly_sent = false;  ///< at least one byte was sent, but not all

        std::size_t size() const {
            return inline_bytes.size() + (payload != nullptr ? payload->bytes.size() : 0);
        }
    };
    /// Calls `see` with each packet that is not wholly sent, in order.
    template <class See>
    void for_each_packet(See see) const {
        std::size_t at = boundary_;
        for (std::size_t next = externals_begin_; at < inline_bytes_.size();) {
            const Step step = step_from(at, next);
            const bool whole_sent = step.payload == nullptr && at + step.inline_bytes <= head_;
            if (!whole_sent) {
                see(Packet{Bytes(inline_bytes_).subspan(at, step.inline_bytes), step.payload, at < head_});
            }
            if (step.payload != nullptr) ++next;
            at += step.inline_bytes;
        }
    }

  private:
    struct External {
        std::size_t at;  ///< the payload belongs before this index of inline_bytes_
        std::size_t sent;
        ExternalPayload payload;
    };
    struct Step {
        std::size_t inline_bytes;
        const ExternalPayload* payload;
    };
    static constexpr std::size_t compact_from = std::size_t{64} * 1024;

    Step step_from(std::size_t at, std::size_t next_external) const;
    void compact();
    void wipe_secret();
    bool no_externals() const { return externals_begin_ == externals_.size(); }
    void drop_first_external();

    std::vector<std::uint8_t> inline_bytes_;
    std::vector<External> externals_;
    std::size_t externals_begin_ = 0;  ///< those before it are sent
    std::size_t head_ = 0;             ///< inline_bytes_ is sent up to here
    std::size_t boundary_ = 0;         ///< a packet starts here, at or before head_
    std::size_t payload_bytes_ = 0;
    std::size_t secret_ = 0;
    std::uint64_t sent_ = 0;
};

}  // namespace mqttc

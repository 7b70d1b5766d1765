// Blocking loopback sockets and pre-encoded MQTT 3.1.1 bytes for the bench's peers: as little work as possible.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace bench {

using Buffer = std::vector<std::uint8_t>;

/// Ends the program with a message when `good` is false.
void require(bool good, const char* what);

int listen_on_free_port(std::uint16_t& port);
int accept_one(int listener);
int connect_to(std::uint16_t port);
void write_all(int fd, const std::uint8_t* data, std::size_t size);
inline void write_all(int fd, const Buffer& bytes) {
    write_all(fd, bytes.data(), bytes.size());
}

Buffer connect_packet();
Buffer connack_packet();
Buffer subscribe_packet(std::string_view filter, int qos);
Buffer disconnect_packet();
/// A PUBLISH without its payload, for a payload of `payload_size` bytes.
Buffer publish_header(std::string_view topic, std::size_t payload_size, int qos, std::uint16_t packet_id);
Buffer publish_packet(std::string_view topic, std::string_view payload, int qos, std::uint16_t packet_id);
inline void append_ack(Buffer& out, std::uint8_t first_byte, std::uint16_t packet_id) {
    const std::uint8_t bytes[] = {first_byte, 2, static_cast<std::uint8_t>(packet_id >> 8),
                                  static_cast<std::uint8_t>(packet_id)};
    out.insert(out.end(), bytes, bytes + 4);
}

inline constexpr std::uint8_t puback = 0x40;
inline constexpr std::uint8_t pubrec = 0x50;
inline constexpr std::uint8_t pubrel = 0x62;
inline constexpr std::uint8_t pubcomp = 0x70;

/// One packet at the front of a buffer, as far as the bench needs it.
struct Front {
    std::uint8_t first_byte = 0;
    const std::uint8_t* body = nullptr;
    std::size_t size = 0;  ///< whole packet; 0 = not complete
    std::uint16_t id_at(std::size_t offset) const {
        return static_cast<std::uint16_t>((body[offset] << 8) | body[offset + 1]);
    }
    /// The packet identifier of a PUBLISH at QoS 1 or 2.
    std::uint16_t publish_id() const { return id_at(2U + id_at(0)); }
};

inline Front front_packet(const std::uint8_t* data, std::size_t size) {
    std::size_t length = 0;
    for (std::size_t i = 1, shift = 0; i < size && i < 5; ++i, shift += 7) {
        length |= static_cast<std::size_t>(data[i] & 0x7F) << shift;
        if ((data[i] & 0x80) == 0) {
            const std::size_t whole = i + 1 + length;
            return whole <= size ? Front{data[0], data + i + 1, whole} : Front{};
        }
    }
    return {};
}

/// Reads packets from a socket through one fixed buffer (payloads larger than it are skipped, not kept) and calls
/// `each(front)`; between two reads it calls `after_batch()`. Ends at end of stream or when `each` returns false.
template <class Each, class AfterBatch>
void read_packets(int fd, Each each, AfterBatch after_batch);

/// Seconds of the monotonic clock.
double seconds_now();

}  // namespace bench

#include <sys/socket.h>
#include <unistd.h>

#include <cstring>

template <class Each, class AfterBatch>
void bench::read_packets(int fd, Each each, AfterBatch after_batch) {
    static constexpr std::size_t capacity = 256 * 1024;
    Buffer buffer(capacity);
    std::size_t have = 0;
    std::size_t skip = 0;
    Buffer head;
    while (true) {
        const ssize_t got = ::recv(fd, buffer.data() + have, capacity - have, 0);
        if (got <= 0) return;
        have += static_cast<std::size_t>(got);
        std::size_t at = 0;
        if (skip > 0) {
            at = skip < have ? skip : have;
            skip -= at;
            if (skip == 0 && !head.empty()) {
                const Front front{head[0], head.data() + 1, head.size()};
                if (!each(front)) return;
                head.clear();
            }
        }
        while (at < have) {
            const Front front = front_packet(buffer.data() + at, have - at);
            if (front.size == 0) {
                std::size_t whole = 0;
                std::size_t header = 1;
                for (std::size_t i = 1, shift = 0; i < have - at && i < 5; ++i, shift += 7) {
                    whole |= static_cast<std::size_t>(buffer[at + i] & 0x7F) << shift;
                    if ((buffer[at + i] & 0x80) == 0) {
                        header = i + 1;
                        whole += header;
                        break;
                    }
                }
                if (header > 1 && whole > capacity && have - at > 1024) {
                    head.assign(1, buffer[at]);
                    head.insert(head.end(), buffer.begin() + static_cast<std::ptrdiff_t>(at + header),
                                buffer.begin() + static_cast<std::ptrdiff_t>(at + 1024));
                    skip = whole - (have - at);
                    at = have;
                }
                break;
            }
            at += front.size;
            if (!each(front)) return;
        }
        std::memmove(buffer.data(), buffer.data() + at, have - at);
        have -= at;
        after_batch();
    }
}

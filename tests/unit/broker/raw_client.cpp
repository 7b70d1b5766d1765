// Implementation of raw_client.hpp: a blocking socket and the codec.
#include "raw_client.hpp"

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <utility>

#include "mqttc/codec.hpp"

namespace mqttc::test {
namespace {

constexpr int patience_ms = 10'000;
constexpr std::size_t longest_shown = 60;

[[noreturn]] void give_up(const char* what) {
    std::fprintf(stderr, "raw_client: %s\n", what);
    std::abort();
}

std::string number(std::uint32_t value) {
    return std::to_string(value);
}

std::string text_of(PropertiesView properties) {
    std::string text;
    for (const auto& property : properties) {
        const auto* row = find_property(property.id);
        text += " " + std::string(row->name) + "=";
        if (row->type == PropertyType::utf8_pair)
            text += std::string(property.name) + ":" + std::string(property.text);
        else if (row->type == PropertyType::utf8 || row->type == PropertyType::binary)
            text += property.text;
        else
            text += number(property.number);
    }
    return text;
}

std::string code_text(std::uint8_t code) {
    return code == 0 ? "" : " code " + number(code);
}

std::string codes_text(Bytes codes) {
    std::string text = ":";
    for (const auto code : codes) text += " " + number(code);
    return text;
}

struct Teller {
    std::string operator()(const Connack& it) const {
        return "CONNACK " + number(it.session_present) + " code " + number(it.code) + text_of(it.properties);
    }
    std::string operator()(const Publish& it) const {
        auto text = "PUBLISH q" + number(static_cast<std::uint32_t>(it.qos));
        if (it.packet_id != 0) text += " id " + number(it.packet_id);
        if (it.dup) text += " dup";
        if (it.retain) text += " retain";
        text += " " + std::string(it.topic) + "=";
        text += it.payload.size() > longest_shown
                    ? number(static_cast<std::uint32_t>(it.payload.size())) + " bytes"
                    : std::string(as_text(it.payload));
        return text + text_of(it.properties);
    }
    std::string operator()(const Ack& it) const {
        return std::string(packet_type_name(it.type)) + " " + number(it.packet_id) + code_text(it.code) +
               text_of(it.properties);
    }
    std::string operator()(const Suback& it) const {
        return "SUBACK " + number(it.packet_id) + codes_text(it.codes) + text_of(it.properties);
    }
    std::string operator()(const Unsuback& it) const {
        return "UNSUBACK " + number(it.packet_id) + codes_text(it.codes) + text_of(it.properties);
    }
    std::string operator()(const Pingresp&) const { return "PINGRESP"; }
    std::string operator()(const Disconnect& it) const { return "DISCONNECT" + code_text(it.code); }
    template <typename Other>
    std::string operator()(const Other&) const {
        return "a packet that brokers must not send";
    }
};

}  // namespace

RawClient::RawClient(std::uint16_t port, ProtocolVersion version) : version_(version) {
    fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        give_up("cannot connect");
}

RawClient::~RawClient() {
    close();
}

void RawClient::close() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
}

void RawClient::send(const Packet& packet) {
    std::vector<std::uint8_t> bytes;
    if (!encode(packet, version_, bytes)) give_up("a packet of the test cannot be encoded");
    for (std::size_t sent = 0; sent < bytes.size();) {
        const auto count = ::send(fd_, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
        if (count < 0) return;  // next() returns "end"
        sent += static_cast<std::size_t>(count);
    }
}

void RawClient::send_hex(std::string_view hex) {
    std::vector<std::uint8_t> bytes;
    std::string digits;
    for (const char c : hex) {
        if (c == ' ') continue;
        digits += c;
        if (digits.size() < 2) continue;
        bytes.push_back(static_cast<std::uint8_t>(std::strtoul(digits.c_str(), nullptr, 16)));
        digits.clear();
    }
    if (::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL) < 0) return;
}

std::string RawClient::connect(Connect connect) {
    connect.version = version_;
    send(connect);
    return next();
}

std::string RawClient::connect(std::string_view client_id, bool clean_start) {
    Connect packet;
    packet.client_id = client_id;
    packet.clean_start = clean_start;
    return connect(packet);
}

std::string RawClient::subscribe(std::string_view filter, Qos qos) {
    Subscribe packet;
    packet.packet_id = 1;
    packet.subscriptions.push_back({.filter = filter, .qos = qos});
    send(packet);
    return next();
}

void RawClient::publish(std::string_view topic, std::string_view payload, Qos qos, PacketId id, bool retain) {
    Publish packet;
    packet.topic = topic;
    packet.payload = as_bytes(payload);
    packet.qos = qos;
    packet.packet_id = id;
    packet.retain = retain;
    send(packet);
}

std::string RawClient::rest() {
    send(Pingreq{});
    std::string all;
    for (auto line = next(); line != "PINGRESP"; line = next()) {
        all += (all.empty() ? "" : "; ") + line;
        if (line == "end" || line == "nothing") break;
    }
    return all;
}

std::string RawClient::next() {
    while (true) {
        const Bytes waiting = Bytes(received_).subspan(used_);
        const auto frame = next_frame(waiting, std::size_t{max_remaining_length} + 5);
        if (!frame) return "rubbish";
        if (*frame) {
            used_ += (*frame)->size;
            const auto packet = decode(**frame, version_);
            return packet ? std::visit(Teller(), *packet)
                          : "rubbish: " + std::string(describe(packet.error()));
        }
        if (!fill()) return timed_out_ ? "nothing" : "end";
    }
}

bool RawClient::fill() {
    received_.erase(received_.begin(),
                    received_.begin() + static_cast<std::ptrdiff_t>(std::exchange(used_, 0)));
    pollfd polled{.fd = fd_, .events = POLLIN, .revents = 0};
    timed_out_ = ::poll(&polled, 1, patience_ms) == 0;
    if (timed_out_) return false;
    std::uint8_t bytes[65'536];
    const auto count = ::recv(fd_, bytes, sizeof bytes, 0);
    if (count <= 0) return false;
    received_.insert(received_.end(), bytes, bytes + count);
    return true;
}

}  // namespace mqttc::test

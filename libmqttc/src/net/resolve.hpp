// Names to addresses: numeric ones and localhost at once, others in a helper thread, so that time-outs and
// signals hold.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "loop.hpp"
#include "mqttc/error.hpp"

namespace mqttc::net {

/// A socket address of either family.
struct Address {
    sockaddr_storage storage{};
    socklen_t length = 0;

    int family() const { return storage.ss_family; }
    const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

/// What is looked up.
struct Question {
    std::string host;
    std::uint16_t port = 0;
    /// Not empty ("_mqtt._tcp"): the SRV records of service.host, which contain the ports.
    std::string service;
};

using Answer = std::expected<std::vector<Address>, Error>;

/// The addresses of a numeric host and of localhost (RFC 6761 section 6.3); empty when a look-up is needed.
std::vector<Address> addresses_without_lookup(std::string_view host, std::uint16_t port);

/// Asks the system's resolver and waits for it. Errors: name_not_found (reason: EAI code), out_of_memory.
Answer look_up(const Question& question);

/// Addresses in turn by family, the first one's family first (RFC 8305 section 4).
std::vector<Address> interleave(std::vector<Address> addresses);

/// One look-up in a thread of its own. When it is destroyed early its thread finishes by itself and
/// touches nothing but what it owns.
class Lookup {
  public:
    using Function = std::function<Answer(const Question&)>;

    /// Starts at once. `answered` is called once, from the loop, or from this constructor if no thread is needed or none can be started.
    Lookup(Loop& loop, Question question, std::function<void(Answer)> answered, Function function = look_up);
    ~Lookup();
    Lookup(const Lookup&) = delete;
    Lookup& operator=(const Lookup&) = delete;

  private:
    struct Shared;
    void collect();

    Loop& loop_;
    std::function<void(Answer)> answered_;
    std::shared_ptr<Shared> shared_;
};

}  // namespace mqttc::net

// What happens to the messages that pass the filters: they are printed, counted, saved, …
#pragma once

#include <expected>
#include <optional>
#include <string>

#include "exit_code.hpp"
#include "mqttc/packet.hpp"
#include "mqttc/types.hpp"

namespace mqttc {
class Client;
}

namespace mqttc::sub {

class MessageSink {
  public:
    virtual ~MessageSink() = default;
    /// Before the first connection. Error: one line for people; the program ends as when its output failed.
    virtual std::expected<void, std::string> start() { return {}; }
    /// For sinks that watch descriptors of their own.
    virtual void attach(Client& /*client*/) {}
    /// Nothing can be taken now; a turn of the client comes when that has changed.
    virtual bool busy() const { return false; }
    /// A message taken is acknowledged when the sink is not busy any more.
    virtual bool acknowledged_when_free() const { return false; }
    /// Takes one message; its views live until the call returns. False: not now, when the sink is busy(); else
    /// it is lost and must not be acknowledged, and the program ends with exit_code(); the user has been told.
    virtual bool take(const Publish& message) = 0;
    /// The message taken last counts for -C. False: there was nothing of it that could be printed.
    virtual bool counts() const { return true; }
    /// How often tick() is to be called; none = never.
    virtual std::optional<Duration> interval() const { return std::nullopt; }
    virtual void tick() {}
    /// No more messages come.
    virtual void finish() {}
    /// The connection has ended; `exit_code` is asked after this.
    virtual void conclude() {}
    /// What the program answers when all else went well.
    virtual int exit_code() const { return app::exit_code::ok; }
};

}  // namespace mqttc::sub

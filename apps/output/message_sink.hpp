// What happens to the messages that pass the filters: they are printed, counted, saved, ...
#pragma once

#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "exit_code.hpp"
#include "mqttc/packet.hpp"
#include "mqttc/types.hpp"

namespace mqttc {
class Client;
}

namespace mqttc::output {

class MessageSink {
  public:
    virtual ~MessageSink() = default;
    /// Before the first connection. Error: one line for the user; the program ends as when its output failed.
    virtual std::expected<void, std::string> start() { return {}; }
    /// For sinks that wait for signals.
    virtual void attach(Client& /*client*/) {}
    /// Nothing can be taken now; when that changes there is a turn of the client.
    virtual bool busy() const { return false; }
    /// Messages that were taken are still worked on: a run that ends normally waits for that. A turn of the client
    /// follows when it is done.
    virtual bool unfinished() const { return false; }
    /// Whether messages are acknowledged even while unfinished().
    virtual bool acknowledges_at_once() const { return false; }
    /// Takes one message; its views live until the call returns. False: it was not taken. A sink that is busy() takes it
    /// later. Any other one has reported an error: the message must not be acknowledged, and the program ends with
    /// exit_code().
    virtual bool take(const Publish& message) = 0;
    /// The last message counts for -C. False: nothing of it could be printed.
    virtual bool counts() const { return true; }
    /// How often tick() is to be called; none = never.
    virtual std::optional<Duration> interval() const { return std::nullopt; }
    virtual void tick() {}
    /// The sink shows what is going on by itself.
    virtual bool shows_state() const { return false; }
    /// "connected", or why not.
    virtual void show_state(std::string_view /*state*/) {}
    /// There are no more messages.
    virtual void finish() {}
    /// The connection has ended; exit_code() is called after this. `at_once`: the user does not want to wait.
    virtual void conclude(bool /*at_once*/) {}
    /// The exit code if nothing else failed.
    virtual int exit_code() const { return app::exit_code::ok; }
};

}  // namespace mqttc::output

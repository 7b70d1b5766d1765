// What a client calls for one message or one subscription, in place of a handler class.
#pragma once

#include <concepts>
#include <functional>
#include <type_traits>
#include <utility>

#include "mqttc/packet.hpp"
#include "mqttc/reason.hpp"
#include "mqttc/session.hpp"

namespace mqttc {

/// Called once when a message is finished, with the code of SessionHandler::on_delivered: below 0x80 it was delivered.
/// Not called if the client is destroyed before.
using OnDone = std::function<void(ReasonCode)>;

/// Called for each message of a subscription: any function of `const Publish&` that returns nothing (the message is
/// taken: Accept::now) or an Accept. Views in the message are valid until it returns.
class OnMessage {
  public:
    /// Takes the function over; it must be copyable.
    template <class F>
        requires(!std::same_as<std::remove_cvref_t<F>, OnMessage> && std::invocable<F&, const Publish&>)
    OnMessage(F function) {  // NOLINT(google-explicit-constructor): a lambda is an argument
        if constexpr (std::is_void_v<std::invoke_result_t<F&, const Publish&>>) {
            call_ = [function = std::move(function)](const Publish& message) mutable {
                function(message);
                return Accept::now;
            };
        } else {
            call_ = std::move(function);
        }
    }
    /// Calls the function.
    Accept operator()(const Publish& message) const { return call_(message); }

  private:
    std::function<Accept(const Publish&)> call_;
};

}  // namespace mqttc

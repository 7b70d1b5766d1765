// publish() and subscribe() of a client for C++20 coroutines.
#pragma once

// First: with an older standard <coroutine> has another error.
#include "mqttc/compiler.hpp"

#include <coroutine>
#include <exception>
#include <expected>
#include <memory>
#include <optional>
#include <utility>

#include "mqttc/callback.hpp"
#include "mqttc/client.hpp"

namespace mqttc {

/// The return type of a coroutine that starts at once and is not waited for. An exception that leaves it ends the program.
struct Detached {
    /// What the compiler asks for.
    struct promise_type {
        /// The object that the caller gets.
        Detached get_return_object() { return {}; }
        /// Starts at once.
        std::suspend_never initial_suspend() noexcept { return {}; }
        /// Frees itself at the end.
        std::suspend_never final_suspend() noexcept { return {}; }
        /// Nothing is returned.
        void return_void() {}
        /// Ends the program.
        void unhandled_exception() { std::terminate(); }
    };
};

/// What `co_await` waits for in async_publish() and async_subscribe(): a reason code, or the error because of which nothing
/// was sent. The coroutine continues inside run() or turn(). If the client is destroyed first the coroutine is destroyed,
/// too.
template <class Start>
class AwaitDone {
  public:
    /// `start` takes an OnDone and begins; its error is the result.
    explicit AwaitDone(Start start) : start_(std::move(start)) {}
    /// The work begins when the coroutine is suspended.
    bool await_ready() const { return false; }
    /// False: nothing was sent, and the coroutine continues with the error.
    bool await_suspend(std::coroutine_handle<> coroutine) {
        auto waiting = std::make_shared<Waiting>(coroutine);
        const auto begun = start_([this, waiting](ReasonCode code) {
            result_ = code;
            std::exchange(waiting->coroutine, nullptr).resume();
        });
        if (begun) return true;
        waiting->coroutine = nullptr;
        result_ = std::unexpected(begun.error());
        return false;
    }
    /// The result.
    std::expected<ReasonCode, Error> await_resume() { return std::move(result_); }

  private:
    struct Waiting {
        explicit Waiting(std::coroutine_handle<> handle) : coroutine(handle) {}
        Waiting(const Waiting&) = delete;
        Waiting& operator=(const Waiting&) = delete;
        ~Waiting() {
            if (coroutine) coroutine.destroy();
        }
        std::coroutine_handle<> coroutine;
    };
    Start start_;
    std::expected<ReasonCode, Error> result_ = ReasonCode{};
};

/// `co_await async_publish(client, message)`: as Client::publish with a function; the result is its code. What the views of
/// `message` show must exist until the coroutine is suspended.
inline auto async_publish(Client& client, Publish message) {
    return AwaitDone([&client, message](OnDone done) { return client.publish(message, std::move(done)); });
}

/// `co_await async_subscribe(client, subscription, on_message)`: as Client::subscribe with a function; the result is the
/// granted QoS or the reason of the refusal.
inline auto async_subscribe(Client& client, Subscription subscription, OnMessage on_message) {
    return AwaitDone([&client, subscription, on_message = std::move(on_message)](OnDone done) {
        return client.subscribe(subscription, on_message, std::move(done));
    });
}

}  // namespace mqttc

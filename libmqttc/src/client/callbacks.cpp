// Calls the functions given for messages and subscriptions.
#include "callbacks.hpp"

#include <iterator>
#include <utility>

#include "mqttc/reason.hpp"
#include "mqttc/topic.hpp"

namespace mqttc {

namespace {

/// The filter that messages are compared with.
std::string_view without_share(std::string_view filter) {
    const auto shared = split_share(filter);
    return shared ? shared->filter : filter;
}

}  // namespace

void Callbacks::finish(Waiting& waiting, PacketId id, ReasonCode code) {
    const auto found = waiting.find(id);
    if (found == waiting.end()) return;
    // It may publish again, with the same identifier.
    const OnDone done = std::move(found->second);
    waiting.erase(found);
    if (done) done(code);
}

void Callbacks::add_subscription(const Subscription& subscription, OnMessage on_message, OnDone done) {
    filters_.insert(without_share(subscription.filter),
                    std::make_shared<const OnMessage>(std::move(on_message)));
    unsent_.push_back({std::string(subscription.filter), subscription, std::move(done)});
    unsent_.back().options.filter = {};
}

void Callbacks::remove(std::string_view filter) {
    filters_.erase(without_share(filter));
    std::erase_if(unsent_, [filter](const Unsent& one) { return one.filter == filter; });
}

void Callbacks::send_subscriptions(Session& session, Time now) {
    auto sending = std::exchange(unsent_, {});
    auto one = sending.begin();
    for (; one != sending.end(); ++one) {
        one->options.filter = one->filter;
        const auto id = session.subscribe({&one->options, 1}, {}, now);
        if (!id && id.error().code == ErrorCode::window_full) break;
        if (id && one->done) subscribes_[*id] = std::move(one->done);
        if (!id && one->done) one->done(reason::implementation_specific_error);
    }
    // Before those that `done` has added.
    unsent_.insert(unsent_.begin(), std::move_iterator(one), std::move_iterator(sending.end()));
}

std::optional<Accept> Callbacks::dispatch(const Publish& message) {
    matching_.clear();
    filters_.match(message.topic, [this](const auto& function) { matching_.push_back(function); });
    std::optional<Accept> answer;
    for (const auto& function : matching_) {
        const Accept one = (*function)(message);
        if (!answer) {
            answer = one;
            if (one == Accept::later) break;
        } else if (one == Accept::hold_acknowledgement) {
            answer = one;
        }
    }
    matching_.clear();
    return answer;
}

}  // namespace mqttc

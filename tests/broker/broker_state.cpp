// The broker's state taken out of it, and put into a new one.
#include <algorithm>

#include "broker.hpp"
#include "state.hpp"

namespace mqttc::broker {

State Broker::state() const {
    State state;
    const auto now = loop_.now();
    for (const auto& [topic, message] : retained_.messages())
        if (!topic.starts_with("$SYS") && !message->expired(now)) state.retained.push_back(message);
    for (const auto& [id, session] : sessions_) {
        if (session->expiry == 0) continue;
        SavedSession saved{.client_id = id,
                           .version = session->version,
                           .expiry = session->expiry,
                           .ends = session->ends,
                           .subscriptions = session->subscriptions,
                           .received = {session->received.begin(), session->received.end()},
                           .in_flight = session->in_flight(),
                           .queued = session->queued(),
                           .last_id = session->last_id()};
        // Who is connected now would lose the connection with the broker.
        if (session->expiry == never_expires)
            saved.ends.reset();
        else if (session->connected() || !saved.ends)
            saved.ends = now + std::chrono::seconds(session->expiry);
        std::ranges::sort(saved.received);
        state.sessions.push_back(std::move(saved));
    }
    std::ranges::sort(state.sessions, {}, &SavedSession::client_id);
    return state;
}

void Broker::restore(State state) {
    for (auto& message : state.retained) retained_.store(std::move(message));
    for (auto& saved : state.sessions) {
        if (saved.ends && *saved.ends <= loop_.now()) continue;
        auto& session = sessions_.create(saved.client_id);
        session.version = saved.version;
        session.expiry = saved.expiry;
        session.received.insert(saved.received.begin(), saved.received.end());
        for (const auto& [filter, options] : saved.subscriptions)
            (void)sessions_.subscribe(session, filter, options);
        session.restore(std::move(saved.in_flight), std::move(saved.queued), saved.last_id);
        if (saved.ends) arm_expiry(session, *saved.ends);
    }
}

void Broker::arm_expiry(Session& session, Time when) {
    session.ends = when;
    session.expiry_timer = loop_.at(when, [this, &session] {
        session.expiry_timer = 0;
        end(session);
    });
}

}  // namespace mqttc::broker

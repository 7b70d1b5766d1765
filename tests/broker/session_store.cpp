// Implementation of session_store.hpp.
#include "session_store.hpp"

namespace mqttc::broker {

Session* SessionStore::find(std::string_view client_id) {
    const auto found = sessions_.find(client_id);
    return found == sessions_.end() ? nullptr : found->second.get();
}

Session& SessionStore::create(std::string_view client_id) {
    auto session = std::make_unique<Session>(std::string(client_id));
    return *sessions_.emplace(std::string(client_id), std::move(session)).first->second;
}

void SessionStore::discard(Session& session) {
    for (const auto& [filter, options] : session.subscriptions) tree_.remove(filter, session);
    sessions_.erase(sessions_.find(session.client_id()));
}

bool SessionStore::subscribe(Session& session, std::string_view filter, const SubscriptionOptions& options) {
    session.subscriptions.insert_or_assign(std::string(filter), options);
    return tree_.add(filter, session, options);
}

bool SessionStore::unsubscribe(Session& session, std::string_view filter) {
    const auto found = session.subscriptions.find(filter);
    if (found == session.subscriptions.end()) return false;
    session.subscriptions.erase(found);
    return tree_.remove(filter, session);
}

}  // namespace mqttc::broker

// The functions that a client calls for single messages and subscriptions, and the subscriptions that wait for a
// connection.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/filter_tree.hpp"
#include "mqttc/callback.hpp"
#include "mqttc/packet.hpp"
#include "mqttc/session.hpp"

namespace mqttc {

class Callbacks {
  public:
    /// Calls `done` when the message with this identifier is finished.
    void add_publish(PacketId id, OnDone done) { publishes_[id] = std::move(done); }
    /// The message is never sent.
    void forget_publish(PacketId id) { publishes_.erase(id); }
    void delivered(PacketId id, ReasonCode code) {
        if (!publishes_.empty()) finish(publishes_, id, code);
    }

    /// Keeps the subscription until send_subscriptions(), and its function until remove().
    void add_subscription(const Subscription& subscription, OnMessage on_message, OnDone done);
    /// Messages of this filter are given to the handler again.
    void remove(std::string_view filter);
    /// True iff send_subscriptions() has something to send.
    bool unsent() const { return !unsent_.empty(); }
    /// While connected. Subscriptions that the session or a limit of the broker refuses are finished with
    /// reason::implementation_specific_error.
    void send_subscriptions(Session& session, Time now);
    void subscribed(const Suback& packet) {
        if (!subscribes_.empty()) finish(subscribes_, packet.packet_id, packet.codes.front());
    }

    /// True iff some message goes to a function instead of the handler.
    bool has_filters() const { return !filters_.empty(); }
    /// Calls the functions of the filters that match, and combines their answers; none if no filter matches. After
    /// Accept::later of the first one the others are not called; that of another one counts as Accept::now.
    std::optional<Accept> dispatch(const Publish& message);

  private:
    using Waiting = std::unordered_map<PacketId, OnDone>;
    struct Unsent {
        std::string filter;
        Subscription options;  ///< its filter is not set
        OnDone done;
    };
    static void finish(Waiting& waiting, PacketId id, ReasonCode code);

    Waiting publishes_;
    Waiting subscribes_;
    std::vector<Unsent> unsent_;
    /// Shared, because a function may remove itself.
    FilterTree<std::shared_ptr<const OnMessage>> filters_;
    std::vector<std::shared_ptr<const OnMessage>> matching_;
};

}  // namespace mqttc

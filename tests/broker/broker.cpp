// The broker: listeners, sessions, routing, wills and $SYS.
#include "broker.hpp"

#include <algorithm>
#include <utility>

namespace mqttc::broker {

Broker::Broker(Options options) : options_(std::move(options)) {}

Broker::~Broker() {
    listeners_.clear();
    drop_connections();
}

std::expected<void, Error> Broker::start() {
    loop_.turn(std::nullopt, true);
    started_ = loop_.now();
    if (!options_.password_file.empty())
        if (auto loaded = authenticator_.load(options_.password_file); !loaded) return loaded;
    for (const auto& listener : options_.listeners)
        if (auto opened = listen(listener); !opened) return opened;
    update_sys();
    arm_sys_timer();
    return {};
}

std::expected<void, Error> Broker::listen(const ListenerOptions& options) {
    std::shared_ptr<const AccessControl> access;
    if (options.access) {
        auto made = load_access(*options.access);
        if (!made) return std::unexpected(made.error());
        access = std::move(*made);
    }
    auto listener = std::make_unique<Listener>(loop_, options, on_accepted(std::move(access)));
    if (auto opened = listener->open(); !opened) return opened;
    listeners_.push_back(std::move(listener));
    return {};
}

Listener::Accepted Broker::on_accepted(std::shared_ptr<const AccessControl> access) {
    return [this, access = std::move(access)](net::StreamPtr stream, std::string peer) {
        ++counters_.connections;
        connections_.push_back(
            std::make_unique<Connection>(*this, std::move(stream), std::move(peer), access));
    };
}

void Broker::replace(std::size_t listener, StreamFactory make_stream,
                     std::shared_ptr<const AccessControl> access) {
    listeners_[listener]->replace(std::move(make_stream), on_accepted(std::move(access)));
}

void Broker::shut_down() {
    stop_accepting();
    for (std::size_t i = 0; i < connections_.size(); ++i)
        connections_[i]->disconnect(reason::server_shutting_down, "the broker shuts down");
    flush();
}

void Broker::turn(std::optional<Time> deadline) {
    loop_.turn(deadline);
    flush();
    if (!std::exchange(some_finished_, false)) return;
    std::erase_if(connections_, [](const auto& connection) { return connection->finished(); });
}

void Broker::flush() {
    // Writing can end a connection, whose will is then sent to other clients.
    while (!to_flush_.empty()) {
        const auto batch = std::exchange(to_flush_, {});
        for (auto* connection : batch) {
            connection->flush_requested = false;
            connection->flush();
        }
    }
}

void Broker::request_flush(Connection& connection) {
    if (std::exchange(connection.flush_requested, true)) return;
    to_flush_.push_back(&connection);
}

Connection* Broker::find_client(std::string_view client_id) {
    auto* session = sessions_.find(client_id);
    return session == nullptr ? nullptr : session->connection;
}

void Broker::drop_connections() {
    for (std::size_t i = 0; i < connections_.size(); ++i) connections_[i]->drop();
}

void Broker::stop_accepting() {
    for (auto& listener : listeners_) listener->close();
}

std::expected<void, Error> Broker::resume_accepting() {
    for (auto& listener : listeners_) {
        if (listener->is_open()) continue;
        if (auto opened = listener->open(); !opened) return opened;
    }
    return {};
}

void Broker::release_acknowledgements() {
    for (const auto& connection : connections_) connection->release_acknowledgements();
}

void Broker::publish(std::string_view topic, std::string_view payload, Qos qos, bool retain) {
    const Publish publish{
        .topic = topic, .payload = as_bytes(payload), .qos = qos, .retain = retain, .properties = {}};
    route(make_message(publish, topic, {}, nullptr, loop_.now()));
}

void Broker::record(Received received) {
    if (!options_.record) return;
    if (received_.size() >= options_.bounds.logged_messages) received_.pop_front();
    received_.push_back(std::move(received));
}

void Broker::record(const Connect& connect) {
    if (!options_.record) return;
    Connected entry{.client_id = std::string(connect.client_id),
                    .version = connect.version,
                    .clean_start = connect.clean_start,
                    .keep_alive = connect.keep_alive,
                    .username = {},
                    .password = {},
                    .will = {},
                    .properties = Properties(connect.properties)};
    if (connect.username) entry.username = *connect.username;
    if (connect.password) entry.password = as_text(*connect.password);
    if (connect.will) entry.will = make_will(*connect.will, connect.client_id, loop_.now());
    if (connects_.size() >= options_.bounds.logged_messages) connects_.pop_front();
    connects_.push_back(std::move(entry));
}

void Broker::add_violation(std::string text) {
    log("violation: " + text);
    constexpr std::size_t enough = 1000;
    if (violations_.size() < enough) violations_.push_back(std::move(text));
}

void Broker::log(std::string_view text) const {
    if (options_.log) options_.log(text);
}

std::string Broker::new_client_id() {
    std::string id;
    do {
        id = "auto-" + std::to_string(next_client_id_++);
    } while (sessions_.find(id) != nullptr);
    return id;
}

bool Broker::attach(Connection& connection, std::string_view client_id, bool clean_start, Session*& session) {
    if (auto* present = find_client(client_id))
        present->disconnect(reason::session_taken_over, "another connection has taken the session over");
    session = sessions_.find(client_id);
    if (session != nullptr && clean_start) {
        end(*session);
        session = nullptr;
    }
    const bool resumed = session != nullptr;
    if (!resumed) session = &sessions_.create(client_id);
    // A delayed will is not sent when the client reconnects.
    for (auto* timer : {&session->expiry_timer, &session->will_timer})
        if (*timer != 0) loop_.cancel(std::exchange(*timer, 0));
    session->connection = &connection;
    counters_.clients_maximum = std::max(counters_.clients_maximum, ++clients_);
    return resumed;
}

void Broker::detach(Session& session, bool with_will) {
    session.connection = nullptr;
    --clients_;
    if (!with_will) session.will.reset();
    if (session.will) {
        const auto delay = std::min(session.will->delay, session.expiry);
        if (delay == 0)
            publish_will(session);
        else
            session.will_timer = loop_.at(loop_.now() + std::chrono::seconds(delay), [this, &session] {
                session.will_timer = 0;
                publish_will(session);
            });
    }
    if (session.expiry == 0) return end(session);
    if (session.expiry == never_expires) return;
    session.expiry_timer = loop_.at(loop_.now() + std::chrono::seconds(session.expiry), [this, &session] {
        session.expiry_timer = 0;
        end(session);
    });
}

void Broker::end(Session& session) {
    if (session.will_timer != 0) {
        loop_.cancel(std::exchange(session.will_timer, 0));
        publish_will(session);
    }
    if (session.expiry_timer != 0) loop_.cancel(session.expiry_timer);
    sessions_.discard(session);
}

void Broker::publish_will(Session& session) {
    const auto will = std::exchange(session.will, std::nullopt);
    log(session.client_id() + ": publishes its will to " + will->message->topic);
    auto message = std::make_shared<Message>(*will->message);
    if (will->expiry) message->expires = loop_.now() + std::chrono::seconds(*will->expiry);
    route(std::move(message));
}

void Broker::route(const MessagePtr& message) {
    if (message->retain) retained_.store(message);
    ++route_;
    deliveries_.clear();
    sessions_.tree().match(message->topic, [&](Session& session, const SubscriptionOptions& options) {
        gather(session, options, message);
    });
    for (auto& delivery : deliveries_) deliver(*delivery.session, std::move(delivery.outgoing));
}

bool Broker::has_receivers(const Message& message) {
    bool found = false;
    sessions_.tree().preview(message.topic, [&](const Session& session, const SubscriptionOptions& options) {
        found = found || !options.no_local || message.from != session.client_id();
    });
    return found;
}

void Broker::gather(Session& session, const SubscriptionOptions& options, const MessagePtr& message) {
    if (options.no_local && message->from == session.client_id()) return;
    // Overlapping subscriptions give one copy at the highest QoS, with all identifiers (MQTT 5.0 section 3.3.4).
    if (session.route != route_) {
        session.route = route_;
        session.route_index = deliveries_.size();
        deliveries_.push_back({&session, Outgoing{.message = message, .identifiers = {}}});
    }
    auto& outgoing = deliveries_[session.route_index].outgoing;
    outgoing.qos = std::max(outgoing.qos, std::min(options.qos, message->qos));
    outgoing.retain = outgoing.retain || (options.retain_as_published && message->retain);
    if (options.identifier != 0) outgoing.identifiers.push_back(options.identifier);
}

void Broker::deliver(Session& session, Outgoing outgoing) {
    if (outgoing.qos == Qos::at_most_once) {
        if (session.connection != nullptr) session.connection->send_qos0(outgoing);
        return;
    }
    const auto& bounds = options_.bounds;
    if (!session.enqueue(std::move(outgoing), bounds.queued_messages, bounds.queued_bytes)) {
        ++counters_.dropped;
        return log(session.client_id() + ": dropped a message: its queue is full");
    }
    if (session.connection != nullptr) session.connection->pump();
}

void Broker::set_sys(std::string_view name, const std::string& value) {
    const auto topic = "$SYS/broker/" + std::string(name);
    const auto present = retained_.find(topic);
    if (present && as_text(present->payload) == value) return;
    publish(topic, value, Qos::at_most_once, true);
}

void Broker::update_sys() {
    const auto uptime = std::chrono::duration_cast<std::chrono::seconds>(loop_.now() - started_).count();
    set_sys("version", "mqttc_testbroker version " MQTTC_VERSION);
    set_sys("uptime", std::to_string(uptime) + " seconds");
    set_sys("clients/connected", std::to_string(clients_));
    set_sys("clients/maximum", std::to_string(counters_.clients_maximum));
    set_sys("messages/received", std::to_string(counters_.packets_received));
    set_sys("messages/sent", std::to_string(counters_.packets_sent));
    set_sys("subscriptions/count", std::to_string(sessions_.tree().size()));
}

void Broker::arm_sys_timer() {
    loop_.at(loop_.now() + options_.bounds.sys_interval, [this] {
        update_sys();
        arm_sys_timer();
    });
}

}  // namespace mqttc::broker

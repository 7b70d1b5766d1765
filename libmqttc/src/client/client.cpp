// The client's public functions.
#include "mqttc/client.hpp"

#include <poll.h>

#include <utility>

#include "client_impl.hpp"
#include "mqttc/topic.hpp"

namespace mqttc {

Client::Client(ClientOptions options, ClientHandler& handler)
    : impl_(std::make_unique<Impl>(std::move(options), handler)) {}
Client::~Client() = default;

std::expected<void, Error> Client::run() {
    return impl_->run();
}
std::expected<bool, Error> Client::turn() {
    return impl_->turn(false);
}
int Client::descriptor() {
    impl_->check_thread();
    return impl_->loop.descriptor();
}
std::optional<Time> Client::deadline() const {
    impl_->check_thread();
    return impl_->next_turn();
}
void Client::stop() {
    impl_->stop();
}
void Client::post(std::function<void()> function) {
    impl_->post(std::move(function));
}

void Client::disconnect(ReasonCode code, PropertiesView properties) {
    impl_->changes();
    if (!impl_->pending_disconnect) impl_->pending_disconnect.emplace(code, Properties(properties));
}

void Client::disconnect_when_delivered(Duration timeout) {
    impl_->changes();
    impl_->deliver_until = later(impl_->loop.now(), timeout);
    impl_->delivery_timeout = timeout;
}

void Client::set_credentials(std::optional<std::string> username, std::optional<Secret> password) {
    impl_->check_thread();
    impl_->session.set_credentials(std::move(username), std::move(password));
}

std::expected<void, Error> Client::restore(Bytes saved) {
    impl_->check_thread();
    return impl_->session.restore(saved);
}

bool Client::withdraw(PacketId id) {
    impl_->changes();
    const bool withdrawn = impl_->session.withdraw(id);
    if (withdrawn) impl_->relay.callbacks.forget_publish(id);
    return withdrawn;
}

bool Client::can_publish(Qos qos) const {
    impl_->check_thread();
    return impl_->session.can_publish(qos);
}

std::expected<PacketId, Error> Client::publish(const Publish& message, PayloadMode mode) {
    impl_->changes();
    return impl_->session.publish(message, impl_->loop.now(), mode);
}
std::expected<PacketId, Error> Client::publish(const Publish& message, std::shared_ptr<const void> owner) {
    impl_->changes();
    return impl_->session.publish(message, impl_->loop.now(), std::move(owner));
}
std::expected<std::size_t, Error> Client::publish_each(const Publish& common,
                                                       std::span<const Bytes> payloads) {
    impl_->changes();
    return impl_->session.publish_each(common, payloads, impl_->loop.now());
}

std::expected<PacketId, Error> Client::publish(const Publish& message, OnDone on_done) {
    impl_->changes();
    auto id = impl_->session.publish(message, impl_->loop.now());
    if (!id) return id;
    if (*id != 0) {
        impl_->relay.callbacks.add_publish(*id, std::move(on_done));
    } else {
        impl_->post([done = std::move(on_done)] {
            if (done) done(reason::success);
        });
    }
    return id;
}

std::expected<void, Error> Client::subscribe(const Subscription& subscription, OnMessage on_message,
                                             OnDone on_done) {
    impl_->changes();
    if (const auto fault = check_topic_filter(subscription.filter))
        return std::unexpected(Error{ErrorCode::usage, 0, explain(*fault, subscription.filter)});
    impl_->relay.callbacks.add_subscription(subscription, std::move(on_message), std::move(on_done));
    return {};
}

std::expected<PacketId, Error> Client::subscribe(std::span<const Subscription> subscriptions,
                                                 PropertiesView properties) {
    impl_->changes();
    return impl_->session.subscribe(subscriptions, properties, impl_->loop.now());
}

std::expected<PacketId, Error> Client::unsubscribe(std::span<const std::string_view> filters,
                                                   PropertiesView properties) {
    impl_->changes();
    for (const std::string_view filter : filters) impl_->relay.callbacks.remove(filter);
    return impl_->session.unsubscribe(filters, properties, impl_->loop.now());
}

std::expected<void, Error> Client::ping() {
    impl_->changes();
    return impl_->session.ping(impl_->loop.now());
}

std::expected<void, Error> Client::auth(ReasonCode code, PropertiesView properties) {
    impl_->changes();
    return impl_->session.auth(code, properties, impl_->loop.now());
}

std::optional<Error> Client::awaited() const {
    impl_->check_thread();
    return impl_->awaited();
}

void Client::pause(bool paused) {
    impl_->check_thread();
    auto& intake = impl_->relay.intake;
    if (intake == (paused ? Relay::Intake::paused : Relay::Intake::reading)) return;
    impl_->changes();
    if (paused) {
        intake = Relay::Intake::paused;
        impl_->session.pause();
    } else {
        intake = Relay::Intake::resuming;
    }
}

AckToken Client::ack_token(const Publish& message) const {
    impl_->check_thread();
    return impl_->session.ack_token(message);
}

void Client::acknowledge(const AckToken& token) {
    impl_->changes();
    impl_->session.acknowledge(token, impl_->loop.now());
}

void Client::release_acknowledgements() {
    impl_->changes();
    impl_->session.release_acknowledgements(impl_->loop.now());
}

void Client::watch(int fd, std::function<void()> ready) {
    impl_->changes();
    impl_->loop.watch(fd, POLLIN, [ready = std::move(ready)](short) { ready(); });
}

void Client::unwatch(int fd) {
    impl_->check_thread();
    impl_->loop.unwatch(fd);
}
Client::TimerId Client::at(Time when, std::function<void()> due) {
    impl_->changes();
    return impl_->loop.at(when, std::move(due));
}
void Client::cancel(TimerId timer) {
    impl_->check_thread();
    impl_->loop.cancel(timer);
}

bool Client::on_signal(int signal_number, std::function<void()> arrived) {
    impl_->check_thread();
    return impl_->loop.on_signal(signal_number, std::move(arrived));
}

Time Client::now() const {
    impl_->check_thread();
    return impl_->loop.now();
}
const Endpoint& Client::endpoint() const {
    impl_->check_thread();
    return impl_->target;
}
const Session& Client::session() const {
    impl_->check_thread();
    return impl_->session;
}

}  // namespace mqttc

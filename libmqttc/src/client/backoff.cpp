// Delays between tries, and the failures that are final.
#include "backoff.hpp"

#include <algorithm>
#include <utility>

#include "mqttc/reason.hpp"

namespace mqttc {

namespace {

/// CONNACK codes: temporary refusals. 3.x has one, "server unavailable".
bool is_temporary_refusal(int code) {
    constexpr int v3_server_unavailable = 3;
    switch (code) {
        case v3_server_unavailable:
        case reason::server_unavailable:
        case reason::server_busy:
        case reason::quota_exceeded:
        case reason::connection_rate_exceeded:
            return true;
        default:
            return false;
    }
}

/// DISCONNECT codes: temporary reasons. After others the same client would be disconnected again, or has been replaced.
bool is_temporary_disconnect(int code) {
    switch (code) {
        case reason::success:
        case reason::disconnect_with_will:
        case reason::unspecified_error:
        case reason::implementation_specific_error:
        case reason::server_busy:
        case reason::server_shutting_down:
        case reason::keep_alive_timeout:
        case reason::message_rate_too_high:
        case reason::quota_exceeded:
        case reason::connection_rate_exceeded:
        case reason::maximum_connect_time:
            return true;
        default:
            return false;
    }
}

}  // namespace

Backoff::Backoff(Duration min, Duration max, Duration quick)
    : min_(std::max(min, Duration::zero())), max_(std::max(max, min_)), quick_(quick), step_(min_) {}

void Backoff::reset_quickly() {
    reset();
    quick_next_ = quick_ < min_;
}

Duration Backoff::next(double random) {
    const auto between = [random](Duration below, Duration above) {
        const double range = static_cast<double>((above - below).count());
        return below + Duration(static_cast<Duration::rep>(range * random));
    };
    if (std::exchange(quick_next_, false)) return between(quick_, std::min(quick_ * 3, min_));
    // Doubling zero would mean no delay at all, ever.
    constexpr Duration first_step = std::chrono::milliseconds(100);
    const Duration above = step_ > max_ / 2 ? max_ : std::max(step_ * 2, std::min(first_step, max_));
    // At the top the range extends downwards instead.
    const Duration below = step_ == max_ ? std::max(min_, max_ / 2) : step_;
    step_ = above;
    return between(below, above);
}

bool is_final(const Error& error) {
    switch (error.code) {
        case ErrorCode::name_not_found:
        case ErrorCode::name_timeout:
        case ErrorCode::connect_failed:
        case ErrorCode::connect_timeout:
        case ErrorCode::tls_failed:
        case ErrorCode::proxy_failed:
        case ErrorCode::websocket_failed:
        case ErrorCode::closed_by_peer:
        case ErrorCode::connection_lost:
        case ErrorCode::keep_alive_timeout:
        case ErrorCode::ack_timeout:
            return false;
        case ErrorCode::connection_refused:
            return !is_temporary_refusal(error.reason);
        case ErrorCode::server_disconnect:
            return !is_temporary_disconnect(error.reason);
        default:
            return true;
    }
}

bool is_refusal(const Error& error) {
    return error.code == ErrorCode::connection_refused ||
           (error.code == ErrorCode::server_disconnect && error.reason != reason::session_taken_over);
}

bool is_redirect(const Error& error) {
    return (error.code == ErrorCode::connection_refused || error.code == ErrorCode::server_disconnect) &&
           (error.reason == reason::use_another_server || error.reason == reason::server_moved);
}

}  // namespace mqttc

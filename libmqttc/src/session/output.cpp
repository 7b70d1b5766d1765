// The output queue: one buffer for what is small, references for what is large, packet starts found only when
// needed.
#include "output.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "mqttc/codec.hpp"

namespace mqttc {

Output::~Output() {
    wipe_secret();
}

Output& Output::operator=(Output&& other) noexcept {
    if (this != &other) {
        wipe_secret();
        own_ = std::move(other.own_);
        apart_ = std::move(other.apart_);
        apart_begin_ = std::exchange(other.apart_begin_, 0);
        head_ = other.head_;
        boundary_ = other.boundary_;
        payload_bytes_ = other.payload_bytes_;
        secret_ = other.secret_;
        sent_ = other.sent_;
        other.own_.clear();
        other.apart_.clear();
        other.head_ = other.boundary_ = other.payload_bytes_ = other.secret_ = 0;
    }
    return *this;
}

void Output::append_payload(const Payload& payload) {
    apart_.push_back({own_.size(), 0, payload});
    payload_bytes_ += payload.bytes.size();
}

Bytes Output::pending() const {
    if (nothing_apart()) return Bytes(own_).subspan(head_);
    const Apart& first = apart_[apart_begin_];
    if (head_ < first.at) return Bytes(own_).subspan(head_, first.at - head_);
    return first.payload.bytes.subspan(first.sent);
}

void Output::sent(std::size_t n) {
    n = std::min(n, size());
    sent_ += n;
    while (n > 0 && !nothing_apart()) {
        Apart& first = apart_[apart_begin_];
        const std::size_t in_front = std::min(n, first.at - head_);
        head_ += in_front;
        n -= in_front;
        const std::size_t of_payload = std::min(n, first.payload.bytes.size() - first.sent);
        first.sent += of_payload;
        payload_bytes_ -= of_payload;
        n -= of_payload;
        if (first.sent < first.payload.bytes.size()) break;
        boundary_ = first.at;
        drop_first_apart();
    }
    head_ += n;
    if (secret_ != 0 && head_ >= secret_) wipe_secret();
    if (head_ == own_.size() && nothing_apart()) {
        own_.clear();
        head_ = boundary_ = 0;
    }
}

void Output::drop_first_apart() {
    apart_[apart_begin_++].payload = {};
    if (nothing_apart()) {
        apart_.clear();
    } else if (apart_begin_ <= apart_.size() / 2) {
        return;
    } else {
        apart_.erase(apart_.begin(), apart_.begin() + static_cast<std::ptrdiff_t>(apart_begin_));
    }
    apart_begin_ = 0;
}

Output::Step Output::step_from(std::size_t at, std::size_t next_apart) const {
    const auto size = frame_size(Bytes(own_).subspan(at), max_remaining_length + 5);
    const std::size_t whole = size && *size ? **size : own_.size() - at;
    if (next_apart < apart_.size() && at + whole > apart_[next_apart].at) {
        return {apart_[next_apart].at - at, &apart_[next_apart].payload};
    }
    return {std::min(whole, own_.size() - at), nullptr};
}

void Output::compact() {
    if (head_ < own_.size() / 2) return;
    for (;;) {
        const Step step = step_from(boundary_, apart_begin_);
        if (step.payload != nullptr || boundary_ + step.own > head_) break;
        boundary_ += step.own;
        if (boundary_ == own_.size()) break;
    }
    own_.erase(own_.begin(), own_.begin() + static_cast<std::ptrdiff_t>(boundary_));
    for (std::size_t i = apart_begin_; i < apart_.size(); ++i) apart_[i].at -= boundary_;
    head_ -= boundary_;
    boundary_ = 0;
}

void Output::wipe_secret() {
    if (secret_ == 0) return;
    explicit_bzero(own_.data(), std::min(secret_, own_.size()));
    boundary_ = secret_;
    secret_ = 0;
}

}  // namespace mqttc

// The output queue: one buffer for small packets, references to large payloads. Where packets start is found only when
// it is needed.
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
        inline_bytes_ = std::move(other.inline_bytes_);
        externals_ = std::move(other.externals_);
        externals_begin_ = std::exchange(other.externals_begin_, 0);
        head_ = other.head_;
        boundary_ = other.boundary_;
        payload_bytes_ = other.payload_bytes_;
        secret_ = other.secret_;
        sent_ = other.sent_;
        other.inline_bytes_.clear();
        other.externals_.clear();
        other.head_ = other.boundary_ = other.payload_bytes_ = other.secret_ = 0;
    }
    return *this;
}

void Output::append_payload(const ExternalPayload& payload) {
    externals_.push_back({inline_bytes_.size(), 0, payload});
    payload_bytes_ += payload.bytes.size();
}

void Output::reserve_payloads(std::size_t count) {
    const std::size_t needed = externals_.size() + count;
    if (needed > externals_.capacity()) externals_.reserve(std::max(needed, 2 * externals_.capacity()));
}

Bytes Output::pending() const {
    if (no_externals()) return Bytes(inline_bytes_).subspan(head_);
    const External& first = externals_[externals_begin_];
    if (head_ < first.at) return Bytes(inline_bytes_).subspan(head_, first.at - head_);
    return first.payload.bytes.subspan(first.sent);
}

void Output::sent(std::size_t n) {
    n = std::min(n, size());
    sent_ += n;
    while (n > 0 && !no_externals()) {
        External& first = externals_[externals_begin_];
        const std::size_t before_payload = std::min(n, first.at - head_);
        head_ += before_payload;
        n -= before_payload;
        const std::size_t of_payload = std::min(n, first.payload.bytes.size() - first.sent);
        first.sent += of_payload;
        payload_bytes_ -= of_payload;
        n -= of_payload;
        if (first.sent < first.payload.bytes.size()) break;
        boundary_ = first.at;
        drop_first_external();
    }
    head_ += n;
    if (secret_ != 0 && head_ >= secret_) wipe_secret();
    if (head_ == inline_bytes_.size() && no_externals()) {
        inline_bytes_.clear();
        head_ = boundary_ = 0;
    }
}

void Output::drop_first_external() {
    externals_[externals_begin_++].payload = {};
    if (no_externals()) {
        externals_.clear();
    } else if (externals_begin_ <= externals_.size() / 2) {
        return;
    } else {
        externals_.erase(externals_.begin(),
                         externals_.begin() + static_cast<std::ptrdiff_t>(externals_begin_));
    }
    externals_begin_ = 0;
}

Output::Step Output::step_from(std::size_t at, std::size_t next_external) const {
    const auto size = frame_size(Bytes(inline_bytes_).subspan(at));
    const std::size_t whole = size && *size ? **size : inline_bytes_.size() - at;
    if (next_external < externals_.size() && at + whole > externals_[next_external].at) {
        return {externals_[next_external].at - at, &externals_[next_external].payload};
    }
    return {std::min(whole, inline_bytes_.size() - at), nullptr};
}

void Output::compact() {
    if (head_ < inline_bytes_.size() / 2) return;
    for (;;) {
        const Step step = step_from(boundary_, externals_begin_);
        if (step.payload != nullptr || boundary_ + step.inline_bytes > head_) break;
        boundary_ += step.inline_bytes;
        if (boundary_ == inline_bytes_.size()) break;
    }
    inline_bytes_.erase(inline_bytes_.begin(),
                        inline_bytes_.begin() + static_cast<std::ptrdiff_t>(boundary_));
    for (std::size_t i = externals_begin_; i < externals_.size(); ++i) externals_[i].at -= boundary_;
    head_ -= boundary_;
    boundary_ = 0;
}

void Output::wipe_secret() {
    if (secret_ == 0) return;
    explicit_bzero(inline_bytes_.data(), std::min(secret_, inline_bytes_.size()));
    boundary_ = secret_;
    secret_ = 0;
}

}  // namespace mqttc

// Look-ups: what needs none, getaddrinfo, and the thread that waits for it.
#include "resolve.hpp"

#include <arpa/inet.h>
#include <netdb.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <mutex>
#include <new>
#include <system_error>
#include <thread>
#include <utility>

#include "base/descriptor.hpp"
#include "base/signals.hpp"
#include "base/text.hpp"
#include "srv.hpp"

namespace mqttc::net {

namespace {

bool is_localhost(std::string_view host) {
    if (host.ends_with('.')) host.remove_suffix(1);
    constexpr std::string_view name = "localhost";
    if (host.size() < name.size()) return false;
    const bool same = equal_ignoring_case(host.substr(host.size() - name.size()), name);
    return same && (host.size() == name.size() || host[host.size() - name.size() - 1] == '.');
}

Error name_error(const std::string& host, int code, int system_error) {
    if (code == EAI_MEMORY)
        return {ErrorCode::out_of_memory, code, "cannot resolve " + host + ": out of memory"};
    std::string why;
    switch (code) {
        case EAI_NONAME:
#ifdef EAI_NODATA
        case EAI_NODATA:
#endif
            why = "no such host (is the name spelled right?)";
            break;
        case EAI_AGAIN:
            why = "no name server answers (is the network up?)";
            break;
        case EAI_SYSTEM:
            why = errno_text(system_error);
            break;
        default:
            why = gai_strerror(code);
    }
    if (host.find(':') != std::string::npos) {
        const bool zone = host.find('%') != std::string::npos;
        return {ErrorCode::name_not_found, code,
                "cannot resolve " + host +
                    (zone ? ": no such address or interface" : ": not a host name or an IPv6 address"),
                zone ? Hint::none : Hint::port};
    }
    return {ErrorCode::name_not_found, code, "cannot resolve " + host + ": " + why};
}

Answer look_up_host(const std::string& host, std::uint16_t port, int flags) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = flags | AI_NUMERICSERV;
    addrinfo* list = nullptr;
    errno = 0;
    const int code = getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &list);
    if (code != 0) return std::unexpected(name_error(host, code, errno));
    std::vector<Address> addresses;
    for (const addrinfo* each = list; each != nullptr; each = each->ai_next) {
        Address& address = addresses.emplace_back();
        std::memcpy(&address.storage, each->ai_addr, each->ai_addrlen);
        address.length = each->ai_addrlen;
    }
    freeaddrinfo(list);
    return addresses;
}

/// For the thread, which an exception would end together with the process.
Answer ask(const Lookup::Function& function, const Question& question) {
    try {
        return function(question);
    } catch (const std::bad_alloc&) {
        return std::unexpected(Error{ErrorCode::out_of_memory, EAI_MEMORY, "out of memory"});
    }
}

}  // namespace

std::vector<Address> addresses_without_lookup(std::string_view host, std::uint16_t port) {
    const auto numeric = [port](const std::string& address) {
        return look_up_host(address, port, AI_NUMERICHOST).value_or(std::vector<Address>{});
    };
    if (is_localhost(host)) {
        auto both = numeric("::1");
        const auto ipv4 = numeric("127.0.0.1");
        both.insert(both.end(), ipv4.begin(), ipv4.end());
        return both;
    }
    const std::string text(host);
    in_addr ignored{};
    const bool looks_numeric =
        text.find(':') != std::string::npos || inet_pton(AF_INET, text.c_str(), &ignored) == 1;
    return looks_numeric ? numeric(text) : std::vector<Address>{};
}

Answer look_up(const Question& question) {
    if (question.service.empty()) return look_up_host(question.host, question.port, 0);
    auto targets = look_up_srv(question.service, question.host);
    if (!targets) return std::unexpected(std::move(targets.error()));
    std::vector<Address> addresses;
    Error last;
    for (const auto& target : *targets) {
        auto found = addresses_without_lookup(target.host, target.port);
        if (found.empty()) {
            auto answer = look_up_host(target.host, target.port, 0);
            if (!answer) {
                last = std::move(answer.error());
                continue;
            }
            found = interleave(std::move(*answer));
        }
        addresses.insert(addresses.end(), found.begin(), found.end());
    }
    if (addresses.empty()) return std::unexpected(std::move(last));
    return addresses;
}

std::vector<Address> interleave(std::vector<Address> addresses) {
    std::vector<Address> mixed;
    mixed.reserve(addresses.size());
    while (!addresses.empty()) {
        const int avoided = mixed.empty() ? AF_UNSPEC : mixed.back().family();
        auto next = std::ranges::find_if(addresses, [&](const Address& a) { return a.family() != avoided; });
        if (next == addresses.end()) next = addresses.begin();
        mixed.push_back(*next);
        addresses.erase(next);
    }
    return mixed;
}

/// Shared by the thread and the loop; the last owner frees it.
struct Lookup::Shared {
    Question question;
    Function function;
    Descriptor event;
    std::mutex mutex;
    std::optional<Answer> answer;
};

Lookup::Lookup(Loop& loop, Question question, std::function<void(Answer)> answered, Function function)
    : loop_(loop), answered_(std::move(answered)) {
    if (question.service.empty()) {
        auto known = addresses_without_lookup(question.host, question.port);
        if (!known.empty()) {
            answered_(std::move(known));
            return;
        }
    }
    auto fail = [&](int number) {
        answered_(std::unexpected(Error{ErrorCode::name_not_found, EAI_SYSTEM,
                                        "cannot resolve " + question.host + ": " + errno_text(number)}));
    };
    auto shared = std::make_shared<Shared>();
    shared->event = Descriptor(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!shared->event) {
        fail(errno);
        return;
    }
    shared->question = question;
    shared->function = std::move(function);

    const auto body = [shared] {
        Answer answer = ask(shared->function, shared->question);
        {
            const std::lock_guard lock(shared->mutex);
            shared->answer = std::move(answer);
        }
        const std::uint64_t one = 1;
        [[maybe_unused]] const auto written = ::write(shared->event.get(), &one, sizeof one);
    };
    try {
        // The thread takes no signals: they belong to the loop.
        SignalBlock block;
        block.add_all();
        std::thread(body).detach();
    } catch (const std::system_error& error) {
        fail(error.code().value());
        return;
    }
    shared_ = std::move(shared);
    loop_.watch(shared_->event.get(), POLLIN, [this](short) { collect(); });
}

Lookup::~Lookup() {
    if (shared_) loop_.unwatch(shared_->event.get());
}

void Lookup::collect() {
    std::optional<Answer> answer;
    {
        const std::lock_guard lock(shared_->mutex);
        answer.swap(shared_->answer);
    }
    if (!answer) return;
    loop_.unwatch(shared_->event.get());
    shared_.reset();
    // The owner may destroy this object from inside the call.
    auto answered = std::move(answered_);
    answered(std::move(*answer));
}

}  // namespace mqttc::net

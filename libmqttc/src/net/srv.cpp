// SRV records: the question, the answer's bytes, the order.
#include "srv.hpp"

#include <arpa/nameser.h>
#include <netdb.h>
#include <resolv.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/random.hpp"

namespace mqttc::net {

namespace {

constexpr std::size_t header_size = 12;
constexpr std::size_t max_answer = 65'535;
constexpr std::uint16_t type_srv = 33;
/// Each target is looked up in turn.
constexpr std::size_t max_records = 32;

/// Reads a DNS message from front to back; sticky failure.
class DnsReader {
  public:
    explicit DnsReader(Bytes message) : message_(message) {}

    bool failed() const { return failed_; }
    std::size_t position() const { return position_; }

    std::uint16_t number() {
        if (!has(2)) return 0;
        const auto high = message_[position_];
        const auto low = message_[position_ + 1];
        position_ += 2;
        return static_cast<std::uint16_t>((high << 8) | low);
    }
    void skip(std::size_t count) {
        if (has(count)) position_ += count;
    }
    std::string name() {
        if (!has(1)) return {};
        std::array<char, NS_MAXDNAME> text{};
        const int used = dn_expand(message_.data(), message_.data() + message_.size(),
                                   message_.data() + position_, text.data(), static_cast<int>(text.size()));
        if (used < 0) {
            failed_ = true;
            return {};
        }
        position_ += static_cast<std::size_t>(used);
        return text.data();
    }

  private:
    bool has(std::size_t count) {
        failed_ = failed_ || count > message_.size() - position_;
        return !failed_;
    }

    Bytes message_;
    std::size_t position_ = 0;
    bool failed_ = false;
};

}  // namespace

std::vector<SrvRecord> parse_srv_answer(Bytes message) {
    std::vector<SrvRecord> records;
    if (message.size() < header_size) return records;
    DnsReader reader(message);
    reader.skip(4);
    const auto questions = reader.number();
    const auto answers = reader.number();
    reader.skip(4);
    for (unsigned i = 0; i < questions && !reader.failed(); ++i) {
        reader.name();
        reader.skip(4);
    }
    for (unsigned i = 0; i < answers && records.size() < max_records && !reader.failed(); ++i) {
        reader.name();
        const auto type = reader.number();
        reader.skip(6);
        const auto length = reader.number();
        const auto start = reader.position();
        if (type != type_srv) {
            reader.skip(length);
            continue;
        }
        SrvRecord record;
        record.priority = reader.number();
        record.weight = reader.number();
        record.port = reader.number();
        record.host = reader.name();
        if (reader.failed() || reader.position() != start + length) return {};
        records.push_back(std::move(record));
    }
    if (reader.failed()) return {};
    return records;
}

std::vector<SrvRecord> order_srv(std::vector<SrvRecord> records, const std::function<double()>& random) {
    // Weight 0 first, so that it has a small chance at all (RFC 2782, "Weight").
    std::ranges::sort(records, {}, [](const SrvRecord& r) { return std::pair(r.priority, r.weight != 0); });
    std::vector<SrvRecord> ordered;
    ordered.reserve(records.size());
    while (!records.empty()) {
        const auto priority = records.front().priority;
        std::uint64_t total = 0;
        for (const auto& record : records) {
            if (record.priority == priority) total += record.weight;
        }
        const auto drawn = static_cast<std::uint64_t>(random() * static_cast<double>(total + 1));
        std::uint64_t sum = 0;
        for (auto record = records.begin(); record != records.end(); ++record) {
            sum += record->weight;
            if (sum < drawn) continue;
            ordered.push_back(std::move(*record));
            records.erase(record);
            break;
        }
    }
    return ordered;
}

std::expected<std::vector<SrvRecord>, Error> look_up_srv(const std::string& service,
                                                         const std::string& domain) {
    const auto name = service + "." + domain;
    const auto fail = [&](int code, const char* why) {
        return std::unexpected(
            Error{ErrorCode::name_not_found, code, "cannot find the SRV records of " + name + ": " + why});
    };
    struct __res_state state{};
    if (res_ninit(&state) != 0) return fail(EAI_FAIL, "the resolver cannot be set up");
    std::vector<std::uint8_t> answer(max_answer);
    const int length =
        res_nquery(&state, name.c_str(), C_IN, type_srv, answer.data(), static_cast<int>(answer.size()));
    const int why = state.res_h_errno;
    res_nclose(&state);
    if (length < 0 && why == TRY_AGAIN) return fail(EAI_AGAIN, "no name server answers (is the network up?)");
    auto records = length < 0 ? std::vector<SrvRecord>{}
                              : parse_srv_answer(Bytes(answer).first(
                                    std::min<std::size_t>(static_cast<std::size_t>(length), answer.size())));
    // A single record with the root as its host says that the service is not offered (RFC 2782, "Target").
    std::erase_if(records, [](const SrvRecord& record) { return record.host.empty() || record.host == "."; });
    if (records.empty())
        return std::unexpected(
            Error{ErrorCode::name_not_found, EAI_NONAME, name + " has no SRV records", Hint::srv});
    return order_srv(std::move(records), random_unit);
}

}  // namespace mqttc::net

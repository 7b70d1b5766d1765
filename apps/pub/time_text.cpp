// Reads the time of a recorded message.
#include "time_text.hpp"

#include <chrono>

namespace mqttc::pub {
namespace {

class Reader {
  public:
    explicit Reader(std::string_view text) : rest_(text) {}

    // Exactly `digits` digits, from `least` to `most`.
    int number(std::size_t digits, int least, int most) {
        int value = 0;
        for (std::size_t i = 0; i < digits; ++i) {
            const char c = take();
            if (c < '0' || c > '9') good_ = false;
            value = value * 10 + (c - '0');
        }
        if (value < least || value > most) good_ = false;
        return value;
    }
    void expect(char c) {
        if (take() != c) good_ = false;
    }
    bool skip(char c) {
        if (!rest_.starts_with(c)) return false;
        rest_.remove_prefix(1);
        return true;
    }
    char take() {
        if (rest_.empty()) {
            good_ = false;
            return '\0';
        }
        const char c = rest_.front();
        rest_.remove_prefix(1);
        return c;
    }
    bool next_is_digit() const { return !rest_.empty() && rest_.front() >= '0' && rest_.front() <= '9'; }
    bool good() const { return good_; }
    bool at_end() const { return rest_.empty(); }

  private:
    std::string_view rest_;
    bool good_ = true;
};

}  // namespace

std::optional<std::int64_t> parse_time(std::string_view text) {
    using namespace std::chrono;
    Reader in(text);
    const int y = in.number(4, 1678, 2261);
    in.expect('-');
    const int m = in.number(2, 1, 12);
    in.expect('-');
    const int d = in.number(2, 1, 31);
    in.expect('T');
    seconds time = hours(in.number(2, 0, 23));
    in.expect(':');
    time += minutes(in.number(2, 0, 59));
    in.expect(':');
    time += seconds(in.number(2, 0, 60));
    std::int64_t fraction = 0;
    if (in.skip('.')) {
        std::int64_t place = 100'000'000;
        if (!in.next_is_digit()) return std::nullopt;
        for (; in.next_is_digit(); place /= 10) fraction += (in.take() - '0') * place;
    }
    if (!in.skip('Z')) {
        const char sign = in.take();
        if (sign != '+' && sign != '-') return std::nullopt;
        seconds offset = hours(in.number(2, 0, 23));
        in.skip(':');
        offset += minutes(in.number(2, 0, 59));
        time -= sign == '+' ? offset : -offset;
    }
    if (!in.good() || !in.at_end()) return std::nullopt;
    const year_month_day date{year(y), month(static_cast<unsigned>(m)), day(static_cast<unsigned>(d))};
    if (!date.ok()) return std::nullopt;
    const seconds since = sys_days(date).time_since_epoch() + time;
    return nanoseconds(since).count() + fraction;
}

}  // namespace mqttc::pub

// How long a broker works to check one password, for each hash: the table in mqtt_passwd(1).
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "password_hash.hpp"

using namespace mqttc::passwd;

int main() {
    struct Row {
        const char* name;
        HashRecipe recipe;
    };
    const std::array rows = {
        Row{"sha512", {HashScheme::sha512, {}}},
        Row{"sha512-pbkdf2 101 (mosquitto_passwd 2.0)", {HashScheme::sha512_pbkdf2, 101}},
        Row{"sha512-pbkdf2 1000 (mosquitto_passwd 2.1)", {HashScheme::sha512_pbkdf2, 1000}},
        Row{"sha512-pbkdf2 20000 (default)", {HashScheme::sha512_pbkdf2, {}}},
        Row{"sha512-pbkdf2 210000", {HashScheme::sha512_pbkdf2, 210'000}},
        Row{"argon2id 47104 KiB, 1 pass (default)", {HashScheme::argon2id, {}}},
        Row{"argon2id 19456 KiB, 2 passes", {HashScheme::argon2id, 2, 12, 19'456}},
        Row{"argon2id 65536 KiB, 3 passes", {HashScheme::argon2id, 3, 12, 65'536}},
    };
    using Clock = std::chrono::steady_clock;
    using Milliseconds = std::chrono::duration<double, std::milli>;
    constexpr int samples = 21;
    for (const Row& row : rows) {
        const auto hash = make_hash(row.recipe, "password");
        if (!hash) return 1;
        std::vector<double> times;
        for (int i = 0; i < samples; ++i) {
            const auto start = Clock::now();
            if (check_password(*hash, "password") != true) std::abort();
            times.push_back(Milliseconds(Clock::now() - start).count());
        }
        std::ranges::sort(times);
        std::printf("%-45s %9.3f ms (median of %d; best %.3f)\n", row.name, times[samples / 2], samples,
                    times[0]);
    }
}

// One thread a core, a shared counter as the queue.
#include "hash_many.hpp"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <system_error>
#include <thread>

#include "common/visible.hpp"
#include "interrupt.hpp"
#include "message.hpp"

namespace mqttc::passwd {
namespace {

constexpr std::chrono::milliseconds look_around{100};  // how often a signal is looked for
constexpr int looks_before_progress = 5;

Failure no_memory() {
    return {"cannot hash: not enough memory for argon2id (use a smaller --memory)"};
}

// A line that writes over itself; only for a person who waits.
class Progress {
  public:
    explicit Progress(std::size_t total) : total_(total), wanted_(::isatty(STDERR_FILENO) == 1) {}
    ~Progress() {
        if (shown_) show("\r\x1b[K");
    }
    Progress(const Progress&) = delete;
    Progress& operator=(const Progress&) = delete;

    void update(std::size_t done) {
        if (!wanted_ || ++looks_ < looks_before_progress) return;
        shown_ = true;
        show("\rmqtt_passwd: hashed " + std::to_string(done) + " of " + std::to_string(total_) +
             " passwords");
    }

  private:
    static void show(const std::string& text) {
        if (::write(STDERR_FILENO, text.data(), text.size()) < 0) return;  // it is only progress
    }
    std::size_t total_;
    bool wanted_;
    bool shown_ = false;
    int looks_ = 0;
};

}  // namespace

Result<std::vector<std::string>> hash_many(std::span<const std::string_view> passwords,
                                           const HashRecipe& recipe, const std::string& file) {
    std::vector<std::string> hashes(passwords.size());
    std::atomic<std::size_t> next{0};
    std::atomic<std::size_t> done{0};
    std::atomic<bool> short_of_memory{false};
    std::mutex mutex;
    std::condition_variable finished;
    std::size_t working = 0;

    const auto work = [&] {
        for (std::size_t i = next++; i < passwords.size(); i = next++) {
            if (short_of_memory || InterruptGuard::caught() != 0) break;
            auto hash = make_hash(recipe, passwords[i]);
            if (!hash) {
                short_of_memory = true;
                break;
            }
            hashes[i] = std::move(*hash);
            ++done;
        }
        const std::lock_guard lock(mutex);
        --working;
        finished.notify_one();
    };
    {
        const std::size_t wanted =
            std::min<std::size_t>(passwords.size(), std::max(1U, std::thread::hardware_concurrency()));
        std::vector<std::jthread> threads;
        std::unique_lock lock(mutex);
        try {
            while (working < wanted) {
                threads.emplace_back(work);
                ++working;
            }
        } catch (const std::system_error&) {
            // A limit on threads: fewer than there are cores will do, but one is needed.
            if (working == 0) return fail("cannot hash: no thread can be started");
        }
        Progress progress(passwords.size());
        while (!finished.wait_for(lock, look_around, [&] { return working == 0; })) progress.update(done);
    }
    if (InterruptGuard::caught() != 0) return fail("interrupted; " + app::visible(file) + " is unchanged");
    if (short_of_memory) return std::unexpected(no_memory());
    return hashes;
}

Result<std::string> hash_one(std::string_view password, const HashRecipe& recipe) {
    auto hash = make_hash(recipe, password);
    if (!hash) return std::unexpected(no_memory());
    return std::move(*hash);
}

}  // namespace mqttc::passwd

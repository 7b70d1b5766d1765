// One thread per core, as far as memory allows; a shared counter is the queue.
#include "hash_many.hpp"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <string_view>
#include <thread>

#include "base/escape.hpp"
#include "interrupt.hpp"
#include "memory.hpp"
#include "message.hpp"

namespace mqttc::passwd {
namespace {

constexpr std::chrono::milliseconds progress_interval{100};
constexpr int intervals_before_progress = 5;

Failure cannot_hash(const HashRecipe& recipe) {
    if (recipe.scheme == HashScheme::argon2id)
        return {"cannot hash: not enough memory for argon2id (use a smaller --memory)"};
    return {"cannot hash: not enough memory, or OpenSSL failed"};
}

// A progress line, only on a terminal.
class Progress {
  public:
    explicit Progress(std::size_t total) : total_(total), enabled_(::isatty(STDERR_FILENO) == 1) {}
    ~Progress() {
        if (shown_) show("\r\x1b[K");
    }
    Progress(const Progress&) = delete;
    Progress& operator=(const Progress&) = delete;

    void update(std::size_t done) {
        if (!enabled_ || ++intervals_ < intervals_before_progress) return;
        shown_ = true;
        show("\r" + std::string(program_name()) + ": hashed " + std::to_string(done) + " of " +
             std::to_string(total_) + " passwords");
    }

  private:
    static void show(const std::string& text) {
        if (::write(STDERR_FILENO, text.data(), text.size()) < 0) return;  // losing it does no harm
    }
    std::size_t total_;
    bool enabled_;
    bool shown_ = false;
    int intervals_ = 0;
};

}  // namespace

std::size_t threads_for(const HashRecipe& recipe, std::size_t count, std::size_t cores,
                        std::uint64_t available_kib) {
    std::uint64_t threads = std::min<std::uint64_t>(count, cores);
    if (recipe.scheme == HashScheme::argon2id)
        threads = std::min<std::uint64_t>(threads, available_kib / recipe.memory_kib);
    return static_cast<std::size_t>(std::max<std::uint64_t>(threads, 1));
}

Result<std::vector<std::string>> hash_many(std::span<const std::string_view> passwords,
                                           const HashRecipe& recipe, const std::string& file) {
    std::vector<std::string> hashes(passwords.size());
    std::atomic<std::size_t> next{0};
    std::atomic<std::size_t> done{0};
    std::atomic<bool> failed{false};
    std::mutex mutex;
    std::condition_variable finished;
    std::size_t working = 0;

    const auto work = [&] {
        for (std::size_t i = next++; i < passwords.size(); i = next++) {
            if (failed || InterruptGuard::caught() != 0) break;
            auto hash = make_hash(recipe, passwords[i]);
            if (!hash) {
                failed = true;
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
        const std::size_t count =
            threads_for(recipe, passwords.size(), std::thread::hardware_concurrency(), available_kib());
        std::vector<std::jthread> threads;
        std::unique_lock lock(mutex);
        try {
            while (working < count) {
                threads.emplace_back(work);
                ++working;
            }
        } catch (const std::exception&) {
            // No further thread, or no memory for it. Fewer than cores are enough, but one is needed.
            if (working == 0) return fail("cannot hash: cannot start a thread");
        }
        Progress progress(passwords.size());
        while (!finished.wait_for(lock, progress_interval, [&] { return working == 0; }))
            progress.update(done);
    }
    if (InterruptGuard::caught() != 0)
        return fail(file == "-" ? "interrupted" : "interrupted; " + escape_controls(file) + " is unchanged");
    if (failed) return std::unexpected(cannot_hash(recipe));
    return hashes;
}

Result<std::string> hash_one(std::string_view password, const HashRecipe& recipe) {
    auto hash = make_hash(recipe, password);
    if (!hash) return std::unexpected(cannot_hash(recipe));
    return std::move(*hash);
}

}  // namespace mqttc::passwd

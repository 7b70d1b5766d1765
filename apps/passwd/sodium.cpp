// Wrapper of libsodium, which is initialised at the first use.
#include "sodium.hpp"

#include <sodium.h>
#include <sys/mman.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <new>
#include <utility>

#include "memory.hpp"

namespace mqttc::passwd::sodium {
namespace {

constexpr std::size_t large = std::size_t{1} << 20;
constexpr std::size_t guard = std::size_t{64} << 10;  // the largest page of the supported machines

void start() {
    static const bool ready = sodium_init() >= 0;
    if (!ready) {
        std::fputs("mqtt_passwd: libsodium cannot be initialised: no source of random bytes\n", stderr);
        std::abort();
    }
}

// Without memory libsodium reports a wrong password, so this is checked first. mmap() alone grants more than there is: then
// the kernel would kill some process when the memory is used.
bool is_available(std::uint32_t memory_kib) {
    if (const std::uint64_t available = available_kib(); available != 0 && memory_kib > available)
        return false;
    constexpr std::size_t block = 1024;
    constexpr std::size_t addresses = 2;  // per block: libsodium stores the addresses of a quarter of them
    constexpr std::size_t per_kib = block + addresses;
    constexpr std::size_t reserve = std::size_t{256} * 1024;
    const std::uint64_t size = std::uint64_t{memory_kib} * per_kib + reserve;
    if (!std::in_range<std::size_t>(size)) return false;
    void* memory = ::mmap(nullptr, static_cast<std::size_t>(size), PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) return false;
    ::munmap(memory, static_cast<std::size_t>(size));
    return true;
}

std::size_t in_whole_pages(std::size_t size) {
    return (size + guard - 1) / guard * guard;
}

// As sodium_malloc(), which fills the memory in small pages: for a large file that takes longer than everything else.
char* allocate_large(std::size_t size) {
    const std::size_t usable = in_whole_pages(size);
    void* mapped = ::mmap(nullptr, guard + usable + guard, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mapped == MAP_FAILED) return nullptr;
    char* memory = static_cast<char*>(mapped) + guard;
    if (::mprotect(memory, usable, PROT_READ | PROT_WRITE) != 0) return nullptr;
    ::madvise(memory, usable, MADV_HUGEPAGE);
    static_cast<void>(sodium_mlock(memory, usable));
    return memory;
}

void release_large(char* memory, std::size_t size) noexcept {
    const std::size_t usable = in_whole_pages(size);
    sodium_munlock(memory, usable);  // wipes it
    ::munmap(memory - guard, guard + usable + guard);
}

}  // namespace

char* allocate(std::size_t size) {
    start();
    char* memory = size < large ? static_cast<char*>(sodium_malloc(size)) : allocate_large(size);
    if (memory == nullptr) throw std::bad_alloc();
    return memory;
}

void release(char* memory, std::size_t size) noexcept {
    size < large ? sodium_free(memory) : release_large(memory, size);
}

void wipe(void* memory, std::size_t size) noexcept {
    sodium_memzero(memory, size);
}

bool equal(std::span<const unsigned char> a, std::span<const unsigned char> b) {
    return a.size() == b.size() && sodium_memcmp(a.data(), b.data(), a.size()) == 0;
}

std::optional<std::string> from_base64(std::string_view text, std::size_t limit, bool padded) {
    if (text.size() > (limit + 2) / 3 * 4) return std::nullopt;
    std::string bytes(text.size() / 4 * 3 + 3, '\0');
    std::size_t length = 0;
    const char* end = nullptr;
    const int rc = sodium_base642bin(
        reinterpret_cast<unsigned char*>(bytes.data()), bytes.size(), text.data(), text.size(), nullptr,
        &length, &end, padded ? sodium_base64_VARIANT_ORIGINAL : sodium_base64_VARIANT_ORIGINAL_NO_PADDING);
    if (rc != 0 || end != text.data() + text.size() || length > limit) return std::nullopt;
    bytes.resize(length);
    return bytes;
}

std::optional<std::string> argon2id(std::string_view password, std::uint32_t passes,
                                    std::uint32_t memory_kib) {
    start();
    if (!is_available(memory_kib)) return std::nullopt;
    char phc[crypto_pwhash_argon2id_STRBYTES];
    if (crypto_pwhash_argon2id_str(phc, password.data(), password.size(), passes,
                                   std::size_t{memory_kib} * 1024) != 0)
        return std::nullopt;
    return std::string(phc);
}

Argon2id argon2id_verify(const std::string& phc, std::uint32_t memory_kib, std::string_view password) {
    start();
    if (!is_available(memory_kib)) return Argon2id::no_memory;
    errno = 0;
    if (crypto_pwhash_argon2id_str_verify(phc.c_str(), password.data(), password.size()) == 0)
        return Argon2id::match;
    // EINVAL: computed another hash, or cannot parse this one. Otherwise libsodium refused to compute it.
    return errno == EINVAL ? Argon2id::mismatch : Argon2id::refused;
}

}  // namespace mqttc::passwd::sodium

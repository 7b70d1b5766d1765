// The three kinds of hash: OpenSSL for SHA-512 and PBKDF2, libsodium for argon2id.
#include "password_hash.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <memory>
#include <new>
#include <span>
#include <utility>

#include "base/encoding.hpp"
#include "base/random.hpp"
#include "base/text.hpp"
#include "sodium.hpp"

namespace mqttc::passwd {
namespace {

constexpr std::size_t sha512_size = 64;
constexpr std::size_t sha512_salt_length = 12;
constexpr std::size_t max_salt_length = 1024;
constexpr std::size_t max_phc_length = 4096;
constexpr std::size_t max_argon2id_output = 512;

// What the hashes of each scheme start with.
constexpr std::pair<std::string_view, HashScheme> prefixes[] = {
    {"$7$", HashScheme::sha512_pbkdf2}, {"$6$", HashScheme::sha512}, {"$argon2id$", HashScheme::argon2id}};

using Digest = std::array<unsigned char, sha512_size>;

std::span<const unsigned char> bytes_of(std::string_view text) {
    return {reinterpret_cast<const unsigned char*>(text.data()), text.size()};
}

// OpenSSL fails here only without memory or without its provider. Then nothing can be hashed or verified; an all-zero
// digest must never count as a result.
bool pbkdf2(std::string_view password, std::string_view salt, std::uint32_t iterations, Digest& out) {
    return PKCS5_PBKDF2_HMAC(password.data(), static_cast<int>(password.size()), bytes_of(salt).data(),
                             static_cast<int>(salt.size()), static_cast<int>(iterations), EVP_sha512(),
                             static_cast<int>(out.size()), out.data()) == 1;
}

bool sha512(std::string_view password, std::string_view salt, Digest& out) {
    const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
    return context != nullptr && EVP_DigestInit_ex(context.get(), EVP_sha512(), nullptr) == 1 &&
           EVP_DigestUpdate(context.get(), password.data(), password.size()) == 1 &&
           EVP_DigestUpdate(context.get(), salt.data(), salt.size()) == 1 &&
           EVP_DigestFinal_ex(context.get(), out.data(), nullptr) == 1;
}

// A parsed hash. For argon2id only the costs: libsodium parses the rest itself.
struct Parts {
    HashScheme scheme;
    std::uint32_t iterations = 0;
    std::uint32_t memory_kib = 0;
    std::string salt;
    std::string digest;
};

std::optional<std::uint32_t> number(std::string_view text, std::uint32_t limit) {
    std::uint32_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size() || value < 1 || value > limit)
        return std::nullopt;
    return value;
}

std::optional<Parts> parse_salt_and_digest(Parts parts, std::string_view rest) {
    const auto salt = sodium::from_base64(take_until(rest, '$'), max_salt_length);
    const auto digest = sodium::from_base64(rest, sha512_size);
    if (!salt || salt->empty() || !digest || digest->size() != sha512_size) return std::nullopt;
    parts.salt = *salt;
    parts.digest = *digest;
    return parts;
}

// The number of "KEY=NUMBER".
std::optional<std::uint32_t> cost_value(std::string_view key, std::string_view field) {
    if (!field.starts_with(key)) return std::nullopt;
    return number(field.substr(key.size()), std::numeric_limits<std::uint32_t>::max());
}

// "v=19$m=47104,t=1,p=1$salt$hash"
std::optional<Parts> parse_phc_tail(Parts parts, std::string_view rest) {
    if (rest.size() > max_phc_length) return std::nullopt;
    if (take_until(rest, '$') != "v=19") return std::nullopt;
    std::string_view costs = take_until(rest, '$');
    const auto memory = cost_value("m=", take_until(costs, ','));
    const auto passes = cost_value("t=", take_until(costs, ','));
    if (!memory || !passes || !cost_value("p=", costs)) return std::nullopt;
    const auto salt = sodium::from_base64(take_until(rest, '$'), max_salt_length, false);
    const auto digest = sodium::from_base64(rest, max_argon2id_output, false);
    if (!salt || salt->empty() || !digest || digest->empty()) return std::nullopt;
    parts.iterations = *passes;
    parts.memory_kib = *memory;
    return parts;
}

std::optional<Parts> parse(std::string_view stored) {
    for (const auto& [prefix, scheme] : prefixes) {
        if (!stored.starts_with(prefix)) continue;
        std::string_view rest = stored.substr(prefix.size());
        switch (scheme) {
            case HashScheme::sha512_pbkdf2: {
                const auto iterations = number(take_until(rest, '$'), std::numeric_limits<int>::max());
                if (!iterations) return std::nullopt;
                return parse_salt_and_digest({scheme, *iterations, 0, {}, {}}, rest);
            }
            case HashScheme::sha512:
                return parse_salt_and_digest({scheme, 0, 0, {}, {}}, rest);
            case HashScheme::argon2id:
                return parse_phc_tail({scheme, 0, 0, {}, {}}, rest);
        }
    }
    return std::nullopt;
}

std::expected<bool, std::string> check_argon2id(const std::string& stored, std::uint32_t memory_kib,
                                                std::string_view password) {
    switch (sodium::argon2id_verify(stored, memory_kib, password)) {
        case sodium::Argon2id::match:
            return true;
        case sodium::Argon2id::mismatch:
            return false;
        case sodium::Argon2id::no_memory:
            return std::unexpected(std::string("not enough memory for the argon2id hash"));
        case sodium::Argon2id::refused:
            break;
    }
    return std::unexpected(std::string("the argon2id hash has parameters that cannot be computed"));
}

// "$id$something", the format of all hashes of the crypt(3) family.
bool looks_like_hash(std::string_view stored) {
    if (!stored.starts_with('$')) return false;
    const auto end = stored.find('$', 1);
    if (end == stored.npos || end == 1 || end + 1 == stored.size()) return false;
    return std::ranges::all_of(stored.substr(1, end - 1), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
    });
}

}  // namespace

std::optional<std::string> excessive_cost(const HashRecipe& recipe) {
    const std::uint32_t iterations = recipe.cost();
    if (iterations > max_checked_iterations)
        return std::to_string(iterations) + " iterations; more than " +
               std::to_string(max_checked_iterations) + " are not tried";
    if (recipe.scheme == HashScheme::argon2id &&
        std::uint64_t{iterations} * recipe.memory_kib > max_argon2id_cost_kib)
        return std::to_string(iterations) + " passes over " + std::to_string(recipe.memory_kib) +
               " KiB; more than 64 GiB in all are not tried";
    return std::nullopt;
}

std::optional<std::string> make_hash(const HashRecipe& recipe, std::string_view password) try {
    if (recipe.scheme == HashScheme::argon2id)
        return sodium::argon2id(password, recipe.cost(), recipe.memory_kib);

    const bool with_rounds = recipe.scheme == HashScheme::sha512_pbkdf2;
    std::string salt(with_rounds ? recipe.salt_length : sha512_salt_length, '\0');
    fill_random({reinterpret_cast<unsigned char*>(salt.data()), salt.size()});
    Digest digest{};
    if (!(with_rounds ? pbkdf2(password, salt, recipe.cost(), digest) : sha512(password, salt, digest)))
        return std::nullopt;
    const std::string tail = to_base64(bytes_of(salt)) + "$" + to_base64(digest);
    return with_rounds ? "$7$" + std::to_string(recipe.cost()) + "$" + tail : "$6$" + tail;
} catch (const std::bad_alloc&) {
    return std::nullopt;
}

std::expected<bool, std::string> check_password(std::string_view stored_hash, std::string_view password) {
    if (password.size() > max_password_length) return false;
    const std::string_view stored = trim_spaces(stored_hash);
    const auto parts = parse(stored);
    if (!parts) return false;
    if (const auto excessive = excessive_cost({parts->scheme, parts->iterations, 0, parts->memory_kib}))
        return std::unexpected("the hash requires " + *excessive);
    if (parts->scheme == HashScheme::argon2id)
        return check_argon2id(std::string(stored), parts->memory_kib, password);
    Digest digest{};
    const bool hashed = parts->scheme == HashScheme::sha512_pbkdf2
                            ? pbkdf2(password, parts->salt, parts->iterations, digest)
                            : sha512(password, parts->salt, digest);
    if (!hashed) return std::unexpected(std::string("not enough memory, or OpenSSL failed"));
    return sodium::equal(digest, bytes_of(parts->digest));
}

StoredForm stored_form(std::string_view stored) {
    if (stored.empty()) return StoredForm::empty;
    const std::string_view text = trim_spaces(stored);
    if (parse(text)) return StoredForm::hashed;
    return looks_like_hash(text) ? StoredForm::unknown : StoredForm::plain;
}

}  // namespace mqttc::passwd

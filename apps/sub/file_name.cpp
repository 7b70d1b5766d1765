// --save: how text from the broker is written in a file name.
#include "file_name.hpp"

#include <dlfcn.h>

#include <array>
#include <cstdlib>

#include "base/encoding.hpp"
#include "base/utf8.hpp"
#include "text_out.hpp"

namespace mqttc::sub {
namespace {

constexpr std::size_t kept_of_long = 80;
constexpr std::size_t hash_bytes = 16;
constexpr std::size_t digest_bytes = 32;
static_assert(kept_of_long + 2 + hash_bytes * 2 <= max_level);

// The length of the first character if it may be in a name as it is, or 0.
std::size_t allowed(std::string_view text, bool first) {
    const auto c = static_cast<unsigned char>(text[0]);
    if (c < ' ' || c == 0x7f || c == '/' || c == '%' || c == '\\') return 0;
    if (first && (c == '.' || c == '-')) return 0;
    const std::size_t length = utf8_sequence(text);
    const bool c1 = length == 2 && c == 0xc2 && static_cast<unsigned char>(text[1]) < 0xa0;
    return c1 ? 0 : length;
}

using Sha256 = unsigned char*(const unsigned char*, std::size_t, unsigned char*);

// nullptr: dlerror() says why. Only --save loads OpenSSL's library: it would cost every start of the program more
// than all else.
Sha256* load_sha256() {
    void* library = ::dlopen("libcrypto.so.3", RTLD_NOW | RTLD_LOCAL);
    return library == nullptr ? nullptr : reinterpret_cast<Sha256*>(::dlsym(library, "SHA256"));
}

// SHA-256, so that no publisher can make a long name equal to that of another topic.
std::array<unsigned char, digest_bytes> sha256(std::string_view text) {
    static Sha256* const hash = load_sha256();
    // Ending is better than a name that could equal another one; FileSink::make has asked.
    if (hash == nullptr) std::abort();
    std::array<unsigned char, digest_bytes> digest{};
    hash(as_bytes(text).data(), text.size(), digest.data());
    return digest;
}

}  // namespace

std::expected<void, std::string> check_file_names() {
    if (load_sha256() != nullptr) return {};
    const char* const why = ::dlerror();
    return std::unexpected(why != nullptr ? why : "it has no SHA-256");
}

void append_file_part(TextBuffer& out, std::string_view text) {
    TextBuffer name;
    std::size_t cut = 0;  // where the last complete character within kept_of_long ends
    // What is cut off is hashed, not written: a payload may be long.
    for (std::string_view rest = text; !rest.empty() && name.size() <= max_level;) {
        std::size_t length = allowed(rest, name.empty());
        if (length > 0) {
            name.append(rest.substr(0, length));
        } else {
            length = 1;
            name.push_back('%');
            append_hex(name, as_bytes(rest.substr(0, 1)), HexCase::upper);
        }
        rest.remove_prefix(length);
        if (name.size() <= kept_of_long) cut = name.size();
    }
    if (name.size() <= max_level) return out.append(name.view());
    const auto hash = sha256(text);
    out.append(name.view().substr(0, cut));
    out.append("%~");
    append_hex(out, Bytes(hash).first(hash_bytes), HexCase::lower);
}

void append_file_topic(TextBuffer& out, std::string_view topic) {
    for (std::size_t level = 0;; ++level) {
        const std::size_t end = level == max_topic_directories ? topic.npos : topic.find('/');
        const std::string_view part = topic.substr(0, end);
        if (part.empty()) {
            out.append("%_");
        } else {
            append_file_part(out, part);
        }
        if (end == topic.npos) return;
        out.push_back('/');
        topic.remove_prefix(end + 1);
    }
}

}  // namespace mqttc::sub

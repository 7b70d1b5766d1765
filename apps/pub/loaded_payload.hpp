// A payload: text from the command line, a file (mapped when it is large), or all of stdin.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "mqttc/types.hpp"

namespace mqttc::pub {

/// Why a payload cannot be loaded. `message` is one line for the user, without the program's name.
struct PayloadError {
    bool timed_out = false;
    std::string message;
};

class LoadedPayload {
  public:
    LoadedPayload() = default;
    explicit LoadedPayload(std::string text) : text_(std::move(text)) {}

    /// A regular file, or anything that can be read to its end (FIFO, device, <(…)); "-" is stdin. Waits for a slow
    /// writer, up to `deadline`. If a mapped file is truncated while its bytes are read, the process ends with a
    /// message in the name of `program`.
    static std::expected<LoadedPayload, PayloadError> from_file(const std::string& path,
                                                                std::optional<Time> deadline,
                                                                std::string_view program);
    static std::expected<LoadedPayload, PayloadError> from_stdin(std::optional<Time> deadline,
                                                                 std::string_view program);

    /// Valid as long as this object.
    Bytes bytes() const {
        if (map_ != nullptr) return Bytes(map_.get(), map_.get_deleter().size).subspan(map_skip_);
        return block_ != nullptr ? Bytes(block_.get(), block_size_) : as_bytes(text_);
    }
    /// Releases the memory of all but the last `left` bytes of a mapped file; it is read again when it is touched.
    void release_all_but(std::size_t left);

  private:
    struct Free {
        void operator()(std::uint8_t* memory) const { std::free(memory); }
    };
    struct Unmap {
        std::size_t size;  ///< of the mapping
        void operator()(std::uint8_t* memory) const;
    };

    static std::expected<LoadedPayload, PayloadError> read_all(int fd, std::string_view name,
                                                               std::optional<Time> deadline);
    /// None when the descriptor isn't a regular file, or is a small one.
    static std::expected<std::optional<LoadedPayload>, PayloadError> map(int fd, std::string_view name,
                                                                         std::string_view program);

    std::string text_;
    std::unique_ptr<std::uint8_t[], Free>
        block_;  ///< of realloc, which moves pages instead of bytes when it is large
    std::size_t block_size_ = 0;
    std::unique_ptr<std::uint8_t[], Unmap> map_;
    std::size_t map_skip_ = 0;  ///< bytes before the payload
    std::size_t released_ = 0;  ///< bytes at the start of the mapping that were released
};

}  // namespace mqttc::pub

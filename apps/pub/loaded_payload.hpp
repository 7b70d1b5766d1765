// A payload as a whole: text of the command line, a file (mapped when it is big), or all of stdin.
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

/// The payload can't be had. `message` is one line for people, without the program's name.
struct PayloadError {
    bool timed_out = false;
    std::string message;
};

class LoadedPayload {
  public:
    LoadedPayload() = default;
    explicit LoadedPayload(std::string text) : text_(std::move(text)) {}
    LoadedPayload(LoadedPayload&& other) noexcept;
    LoadedPayload& operator=(LoadedPayload&& other) noexcept;
    ~LoadedPayload();

    /// A regular file, or whatever can be read to its end (FIFO, device, <(…)); "-" is stdin. Waits for what
    /// comes slowly, up to `deadline`.
    static std::expected<LoadedPayload, PayloadError> from_file(const std::string& path,
                                                                std::optional<Time> deadline);
    static std::expected<LoadedPayload, PayloadError> from_stdin(std::optional<Time> deadline);

    /// Valid as long as this object.
    Bytes bytes() const {
        if (map_ != nullptr) return {map_ + map_skip_, map_size_ - map_skip_};
        return block_ != nullptr ? Bytes(block_.get(), block_size_) : as_bytes(text_);
    }
    /// Lets go of the memory of all but the last `left` bytes of a mapped file; it comes back from the file
    /// when it is touched.
    void forget_all_but(std::size_t left);

  private:
    struct Free {
        void operator()(std::uint8_t* memory) const { std::free(memory); }
    };
    using Block = std::unique_ptr<std::uint8_t[], Free>;

    static std::expected<LoadedPayload, PayloadError> read_all(int fd, std::string_view name,
                                                               std::optional<Time> deadline);
    /// None when the descriptor is no regular file, or a small one.
    static std::expected<std::optional<LoadedPayload>, PayloadError> map(int fd, std::string_view name);

    std::string text_;
    Block block_;  ///< of realloc, which moves pages, not bytes, when they are many
    std::size_t block_size_ = 0;
    const std::uint8_t* map_ = nullptr;
    std::size_t map_size_ = 0;
    std::size_t map_skip_ = 0;   ///< the payload begins behind these
    std::size_t forgotten_ = 0;  ///< bytes of the mapping
};

}  // namespace mqttc::pub

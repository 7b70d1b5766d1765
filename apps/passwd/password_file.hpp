// A password file in memory: parsing, and editing without changing any other byte. Also used by the test broker.
#pragma once

#include <cstddef>
#include <deque>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace mqttc::passwd {

/// An MQTT user name is a string with a two-byte length.
inline constexpr std::size_t max_name_length = 65'535;

/// One line as brokers read it: `name:hash`, where spaces around the name are removed. "#" comments (also after
/// spaces), blank lines and unreadable lines are ignored.
struct PasswordLine {
    enum class Kind : unsigned char { entry, comment, blank, unreadable };
    Kind kind = Kind::blank;
    std::string_view
        text;  ///< the whole line with its ending ("\n", "\r\n" or, at the end of the file, none)
    std::string_view name;    ///< entries: without spaces around it
    std::string_view stored;  ///< entries: every byte after the first ":", without the line's ending
};

/// The lines of `text` in order; their `text` members add up to `text`, whatever its bytes. The views live as long as
/// `text`. If a user has several lines, brokers use the last.
[[nodiscard]] std::vector<PasswordLine> parse_password_file(std::string_view text);

/// Why a password file cannot contain `name`, if it cannot: "is empty", "contains ':'", ...
[[nodiscard]] std::expected<void, std::string> check_name(std::string_view name);

/// Edits keep everything else byte for byte: comments, blank lines, order, line endings.
class PasswordFile {
  public:
    /// `text` must outlive the object.
    explicit PasswordFile(std::string_view text);

    [[nodiscard]] const std::vector<PasswordLine>& lines() const { return lines_; }

    /// The line that brokers use for that user, as it was read; null if there is none. Lives as long as the object.
    [[nodiscard]] const PasswordLine* find(std::string_view name) const;

    /// Sets the user's hash in each of the user's lines, or in a new line at the end. REQUIRES: check_name(name).
    void set(std::string_view name, std::string hash);

    /// Sets the hash in lines()[index]. REQUIRES: the line is an entry.
    void set_line(std::size_t index, std::string hash);

    /// Removes every line of that user. Returns false if there was none.
    bool remove(std::string_view name);

    /// The edited file as a list of pieces. They live until the next change.
    [[nodiscard]] std::vector<std::string_view> pieces() const;

  private:
    struct Edit {
        bool removed = false;
        std::optional<std::string> hash;
    };
    struct Added {
        std::string name;
        std::string hash;
    };
    static constexpr std::size_t none = static_cast<std::size_t>(-1);

    std::vector<PasswordLine> lines_;
    std::vector<Edit> edits_;                 // one per line
    std::vector<std::size_t> previous_line_;  // one per line: the previous line of the same user, or none
    std::unordered_map<std::string_view, std::size_t> last_;  // each user's last line
    std::deque<Added> added_;  // a deque, because added_at_ has views of the names
    std::unordered_map<std::string_view, std::size_t> added_at_;
    std::string_view ending_ = "\n";  // of new lines: that of the last complete line
};

}  // namespace mqttc::passwd

// A password file in memory: taking it apart, editing it with every other byte kept.
// Also used by the tests' broker.
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

/// One line as brokers understand it: `name:hash`, with blanks around the name dropped, "#" comments
/// (after blanks, if any) and blank lines passed over, and lines that are none of these ignored.
struct PasswordLine {
    enum class Kind : unsigned char { entry, comment, blank, unreadable };
    Kind kind = Kind::blank;
    std::string_view
        text;  ///< the whole line with its ending ("\n", "\r\n"; at the end of the file also none)
    std::string_view name;    ///< entries: without blanks around it
    std::string_view stored;  ///< entries: every byte after the first ":", without the line's ending
};

/// The lines of `text` in order; together their `text` is `text`, whatever its bytes. The views live as
/// long as `text`. When a user stands in several lines, brokers believe the last.
[[nodiscard]] std::vector<PasswordLine> parse_password_file(std::string_view text);

/// Why `name` cannot stand in a password file, if it cannot: "is empty", "holds a ':'", ...
[[nodiscard]] std::expected<void, std::string> check_name(std::string_view name);

/// Edits keep comments, blank lines, order, line endings and whatever else was there, byte for byte.
class PasswordFile {
  public:
    /// `text` must outlive the object.
    explicit PasswordFile(std::string_view text);

    [[nodiscard]] const std::vector<PasswordLine>& lines() const { return lines_; }

    /// The line brokers use for that user, as it was read; none if there is none. The pointer lives as
    /// long as the object.
    [[nodiscard]] const PasswordLine* find(std::string_view name) const;

    /// Gives the user that hash: in each of their lines, or in a new line at the end.
    /// REQUIRES: check_name(name).
    void set(std::string_view name, std::string hash);

    /// Gives line `index` (counted from 0) of lines() that hash. REQUIRES: it is an entry.
    void set_line(std::size_t index, std::string hash);

    /// Takes every line of that user out. Returns false iff there was none.
    bool remove(std::string_view name);

    /// The edited file in pieces, to be written one after the other. They live until the next change.
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
    std::vector<Edit> edits_;                                 // one a line
    std::vector<std::size_t> same_name_before_;               // one a line: the user's line before, or none
    std::unordered_map<std::string_view, std::size_t> last_;  // each user's last line
    std::deque<Added> added_;                                 // a deque: added_at_ holds views of its names
    std::unordered_map<std::string_view, std::size_t> added_at_;
    std::string_view ending_ = "\n";  // of new lines: as the last one that has any
};

}  // namespace mqttc::passwd

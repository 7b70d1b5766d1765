// A password file in memory: parsing, and editing without changing any other byte. Also used by the test broker.
#pragma once

#include <cstddef>
#include <deque>
#include <expected>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
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
    std::size_t number = 0;   ///< from 1
};

/// The lines of a text in order, each parsed when it is reached: a large file needs no memory besides its text. Their `text`
/// members add up to the text, whatever its bytes. The views live as long as it. If a user has several lines, brokers use
/// the last.
class PasswordLines {
  public:
    class Iterator {
      public:
        using value_type = PasswordLine;
        using difference_type = std::ptrdiff_t;

        Iterator() = default;
        explicit Iterator(std::string_view text) : rest_(text) { ++*this; }
        const PasswordLine& operator*() const { return line_; }
        const PasswordLine* operator->() const { return &line_; }
        Iterator& operator++();
        void operator++(int) { ++*this; }
        friend bool operator==(const Iterator& at, std::default_sentinel_t /*end*/) {
            return at.line_.text.empty();
        }

      private:
        std::string_view rest_;
        PasswordLine line_;  // with an empty text at the end
    };

    explicit PasswordLines(std::string_view text) : text_(text) {}
    [[nodiscard]] Iterator begin() const { return Iterator(text_); }
    [[nodiscard]] static std::default_sentinel_t end() { return {}; }

  private:
    std::string_view text_;
};

/// Why a password file cannot contain `name`, if it cannot: "is empty", "contains ':'", ...
[[nodiscard]] std::expected<void, std::string> check_name(std::string_view name);

/// Edits keep everything else byte for byte: comments, blank lines, order, line endings. Takes memory for the changes, not
/// for the lines.
class PasswordFile {
  public:
    /// `text` must outlive the object.
    explicit PasswordFile(std::string_view text) : text_(text) {}

    [[nodiscard]] PasswordLines lines() const { return PasswordLines(text_); }

    /// The line that brokers use for that user, as it was read. Reads the whole text.
    [[nodiscard]] std::optional<PasswordLine> find(std::string_view name) const;

    /// Sets the user's hash in each of the user's lines, or in a new line at the end. REQUIRES: check_name(name).
    void set(std::string_view name, std::string hash);

    /// Sets the hash in the line with this number. REQUIRES: the line is an entry, and its number is above that of the
    /// previous call.
    void set_line(std::size_t number, std::string hash);

    /// Removes every line of that user. Returns false if there was none. Reads the whole text.
    bool remove(std::string_view name);

    /// The edited file as a list of pieces. They live until the next change.
    [[nodiscard]] std::vector<std::string_view> pieces() const;

  private:
    struct Change {
        std::string name;
        std::optional<std::string> hash;  // none: removed
    };
    Change& change_of(std::string_view name);

    std::string_view text_;
    std::deque<Change> changes_;  // a deque, because change_at_ has views of the names
    std::unordered_map<std::string_view, std::size_t> change_at_;
    std::vector<std::pair<std::size_t, std::string>>
        line_changes_;  // numbers of lines, ascending, and hashes
};

}  // namespace mqttc::passwd

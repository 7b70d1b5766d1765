// The 27 properties of MQTT 5.0 (section 2.2.2.2) as one table, and blocks of them: PropertiesView and
// Properties.
//
// A block of properties is kept in its wire form (identifier, value, identifier, value, …, without the leading length). A
// view is made only of checked blocks, by the decoder and by Properties: so reading one cannot fail, needs no allocation,
// and sending it again is a copy of bytes.
#pragma once

#include <cstdint>
#include <expected>
#include <iterator>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "mqttc/error.hpp"
#include "mqttc/reason.hpp"
#include "mqttc/types.hpp"

namespace mqttc {

/// Property identifiers as on the wire; property_table() has the type and the packets of each.
enum class PropertyId : std::uint8_t {
    payload_format_indicator = 0x01,
    message_expiry_interval = 0x02,
    content_type = 0x03,
    response_topic = 0x08,
    correlation_data = 0x09,
    subscription_identifier = 0x0b,
    session_expiry_interval = 0x11,
    assigned_client_identifier = 0x12,
    server_keep_alive = 0x13,
    authentication_method = 0x15,
    authentication_data = 0x16,
    request_problem_information = 0x17,
    will_delay_interval = 0x18,
    request_response_information = 0x19,
    response_information = 0x1a,
    server_reference = 0x1c,
    reason_string = 0x1f,
    receive_maximum = 0x21,
    topic_alias_maximum = 0x22,
    topic_alias = 0x23,
    maximum_qos = 0x24,
    retain_available = 0x25,
    user_property = 0x26,
    maximum_packet_size = 0x27,
    wildcard_subscription_available = 0x28,
    subscription_identifier_available = 0x29,
    shared_subscription_available = 0x2a,
};

/// How a property's value is written (MQTT 5.0 section 1.5).
enum class PropertyType : std::uint8_t { byte, two_byte, four_byte, variable_byte, utf8, binary, utf8_pair };

/// In a PacketSet in addition to the packet types: the properties of the Will, inside CONNECT
/// (section 3.1.3.2).
inline constexpr PacketSet will_properties_bit = 1U << 16;

/// One row of the property table.
struct PropertyInfo {
    PropertyId id;          ///< as on the wire
    std::string_view name;  ///< kebab-case, as in -D and in JSON: "content-type"; static storage
    PropertyType type;      ///< how its value is written
    PacketSet packets;      ///< which packets (and the Will) may carry it
    PacketSet repeatable;   ///< in which of them it may appear more than once
    std::uint32_t min;      ///< smallest value of a numeric property
    std::uint32_t max;      ///< largest value of a numeric property
};

/// All rows, sorted by identifier; static storage.
MQTTC_API std::span<const PropertyInfo> property_table();
/// The row of an identifier, or nullptr.
MQTTC_API const PropertyInfo* find_property(std::uint8_t id);
/// As above.
inline const PropertyInfo* find_property(PropertyId id) {
    return find_property(static_cast<std::uint8_t>(id));
}
/// The row of a kebab-case name, or nullptr.
MQTTC_API const PropertyInfo* find_property(std::string_view name);

/// One property with its value. Views are valid as long as the block they were read from.
struct Property {
    PropertyId id{};             ///< which property this is
    std::uint32_t number = 0;    ///< byte, two_byte, four_byte, variable_byte
    std::string_view text = {};  ///< utf8, binary (any bytes), and the value of a utf8_pair
    std::string_view name = {};  ///< the name of a utf8_pair
};

/// A checked block of properties owned elsewhere. Iterates over `Property`.
class MQTTC_API PropertiesView {
  public:
    /// Reads one property after the other. What it refers to is valid as long as the block.
    class Iterator {
      public:
        using value_type = Property;             ///< for the algorithms of the standard library
        using difference_type = std::ptrdiff_t;  ///< for the algorithms of the standard library
        /// At the first property of `rest`, which starts at the start of a property.
        explicit Iterator(Bytes rest) : rest_(rest) { read(); }
        /// The end.
        Iterator() = default;
        /// The present property, until the iterator is moved or destroyed. Not at the end.
        const Property& operator*() const { return current_; }
        /// As operator*.
        const Property* operator->() const { return &current_; }
        /// To the next property, or to the end. Not at the end.
        Iterator& operator++() {
            rest_ = after_;
            read();
            return *this;
        }
        /// The same; returns the previous position.
        Iterator operator++(int) {
            Iterator before = *this;
            ++*this;
            return before;
        }
        /// True iff as many bytes are left of the same block.
        bool operator==(const Iterator& other) const { return rest_.size() == other.rest_.size(); }

      private:
        MQTTC_API void read();
        Bytes rest_;
        Bytes after_;
        Property current_;
    };

    /// An empty block.
    PropertiesView() = default;
    /// The first property, or the end.
    Iterator begin() const { return Iterator(wire_); }
    /// After the last property.
    Iterator end() const { return Iterator(); }
    /// True iff it has no properties.
    bool empty() const { return wire_.empty(); }
    /// The block in wire form, without the leading length; valid as long as the block.
    Bytes wire() const { return wire_; }

    /// The first property with this identifier, or none.
    std::optional<Property> find(PropertyId id) const;
    /// The number of the first such property, or `fallback`.
    std::uint32_t number_or(PropertyId id, std::uint32_t fallback) const;
    /// The text of the first such property, or an empty view.
    std::string_view text_or_empty(PropertyId id) const;

    /// Checks a block for the packets of `where` (one bit) and makes a view of it, which is valid as
    /// long as `wire`. Errors: malformed, protocol_error (repeated), invalid_utf8, invalid_topic,
    /// property_not_allowed, property_out_of_range.
    [[nodiscard]] static std::expected<PropertiesView, CodecError> parse(Bytes wire, PacketSet where);

  private:
    friend class Properties;
    PropertiesView(Bytes wire, std::uint64_t present) : wire_(wire), present_(present) {}
    Bytes wire_;
    std::uint64_t present_ = 0;  ///< a bit for each identifier: most searches find nothing
};

static_assert(std::input_iterator<PropertiesView::Iterator>);

/// A block of properties that owns its bytes.
class MQTTC_API Properties {
  public:
    /// An empty block.
    Properties() = default;
    /// A copy of a view's block.
    explicit Properties(PropertiesView view)
        : wire_(view.wire().begin(), view.wire().end()), present_(view.present_) {}

    /// Appends one property; the text may not be a view of this object. Errors, with nothing appended:
    /// property_out_of_range, invalid_utf8, invalid_topic (response topic), string_too_long,
    /// too_large_to_encode, property_not_allowed (no such identifier, or the wrong `add` for the type). Whether a packet may carry
    /// or repeat it is checked by `check`.
    [[nodiscard]] std::expected<void, CodecError> add(const Property& property);
    /// As above, for the numeric types.
    [[nodiscard]] std::expected<void, CodecError> add(PropertyId id, std::uint32_t number);
    /// As above, for the types utf8 and binary.
    [[nodiscard]] std::expected<void, CodecError> add(PropertyId id, std::string_view text);
    /// As above, for a user property (section 3.1.2.11.8), of which a block may hold many, of one name too.
    [[nodiscard]] std::expected<void, CodecError> add_user_property(std::string_view name,
                                                                    std::string_view value);

    /// Verifies that the packets of `where` (one bit) may carry the block as a whole. Errors as of
    /// PropertiesView::parse.
    [[nodiscard]] std::expected<void, CodecError> check(PacketSet where) const;

    /// Removes all properties.
    void clear() {
        wire_.clear();
        present_ = 0;
    }
    /// True iff it has no properties.
    bool empty() const { return wire_.empty(); }
    /// Valid until this object is changed or destroyed.
    PropertiesView view() const { return PropertiesView(wire_, present_); }

  private:
    std::expected<void, CodecError> append(const PropertyInfo& row, const Property& property);
    std::vector<std::uint8_t> wire_;
    std::uint64_t present_ = 0;
};

}  // namespace mqttc

// Payloads of Sparkplug B to JSON.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "edge_nodes.hpp"
#include "json_out.hpp"
#include "mqttc/types.hpp"
#include "sparkplug.pb.h"

namespace google::protobuf {
class UnknownFieldSet;
}

namespace mqttc::protobuf {

/// Writes payloads with the names that the npm package sparkplug-payload uses: timestamp, metrics (name, alias, timestamp,
/// type, value, ...), seq, uuid, body. Bytes are in base64, floats that JSON cannot express are "NaN" or "Infinity", and fields
/// that the specification does not define are pairs of number and value in "unknown".
class SparkplugReader {
  public:
    /// `readable_times`: timestamps and values of the type DateTime are written as text.
    explicit SparkplugReader(bool readable_times) : readable_times_(readable_times) {}

    /// Writes the payload of a message as JSON. False: error() has the cause.
    bool read(std::string_view topic, Bytes payload, output::JsonWriter& json);
    const std::string& error() const { return error_; }
    /// Text that was not UTF-8, which JSON cannot hold, was changed in the last payload.
    bool text_changed() const { return text_changed_; }
    const EdgeNodes& nodes() const { return nodes_; }

  private:
    struct Source;  // whose metrics are written

    void put_metrics(output::JsonWriter& json, const Source& source,
                     const google::protobuf::RepeatedPtrField<sparkplug::Metric>& metrics);
    void put_metric(output::JsonWriter& json, const Source& source, const sparkplug::Metric& metric);
    void put_metric_value(output::JsonWriter& json, const sparkplug::Metric& metric, DataType type);
    void put_metadata(output::JsonWriter& json, const sparkplug::MetaData& metadata);
    void put_properties(output::JsonWriter& json, const sparkplug::PropertySet& set);
    void put_property(output::JsonWriter& json, const sparkplug::PropertyValue& value);
    void put_data_set(output::JsonWriter& json, const sparkplug::DataSet& set);
    void put_template(output::JsonWriter& json, const sparkplug::Template& value);
    template <typename Value>
    void put_scalar(output::JsonWriter& json, const Value& value, DataType type);
    void put_array(output::JsonWriter& json, std::string_view bytes, DataType type);
    void put_integer(output::JsonWriter& json, std::uint64_t bits, DataType type);
    void put_text(output::JsonWriter& json, std::string_view text);
    void put_unknown(output::JsonWriter& json, const google::protobuf::UnknownFieldSet& fields);
    void put_time(output::JsonWriter& json, std::uint64_t milliseconds);
    void put_key(output::JsonWriter& json, std::string_view text);
    void put_text_member(output::JsonWriter& json, std::string_view name, std::string_view text);
    void put_time_member(output::JsonWriter& json, std::string_view name, std::uint64_t milliseconds);

    bool readable_times_;
    bool text_changed_ = false;
    EdgeNodes nodes_;
    std::string error_;
};

}  // namespace mqttc::protobuf

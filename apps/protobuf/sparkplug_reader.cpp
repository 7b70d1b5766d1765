// Payloads of Sparkplug B to JSON.
#include "sparkplug_reader.hpp"

#include <google/protobuf/unknown_field_set.h>

#include <array>
#include <bit>
#include <cmath>

#include "base/encoding.hpp"
#include "base/text.hpp"
#include "base/utf8.hpp"
#include "value_text.hpp"
#include "wire_error.hpp"

namespace mqttc::protobuf {
namespace {

void put_float(output::JsonWriter& json, double value) {
    if (std::isnan(value)) return json.string("NaN");
    if (std::isinf(value)) return json.string(value < 0 ? "-Infinity" : "Infinity");
    std::array<char, 32> space{};
    json.raw(payload::double_text(value, space));
}

void put_signed(output::JsonWriter& json, std::int64_t value) {
    json.raw(std::to_string(value));
}

void put_base64(output::JsonWriter& json, std::string_view bytes) {
    json.string(to_base64(as_bytes(bytes)));
}

std::uint64_t little_endian(std::string_view bytes) {
    std::uint64_t value = 0;
    for (std::size_t i = bytes.size(); i > 0; --i)
        value = value << 8 | static_cast<std::uint8_t>(bytes[i - 1]);
    return value;
}

DataType type_of(std::uint32_t number) {
    return number < type_names.size() ? static_cast<DataType>(number) : DataType::unknown;
}

// A number that isn't a type stays one.
void put_type(output::JsonWriter& json, std::uint32_t number) {
    if (number < type_names.size()) return json.string(type_names[number]);
    json.number(number);
}

void put_type_member(output::JsonWriter& json, std::uint32_t number) {
    json.plain_key("type");
    put_type(json, number);
}

}  // namespace

struct SparkplugReader::Source {
    std::optional<SparkplugTopic> topic;
    EdgeNodes::Node* node = nullptr;
};

bool SparkplugReader::read(std::string_view topic, Bytes payload, output::JsonWriter& json) {
    text_changed_ = false;
    sparkplug::Payload parsed;
    if (!parsed.ParseFromArray(payload.data(), static_cast<int>(payload.size()))) {
        error_ = wire_error(payload, parsed);
        return false;
    }
    Source source{.topic = SparkplugTopic::parse(topic)};
    if (source.topic) {
        source.node = nodes_.received(
            *source.topic, parsed.has_seq() ? std::optional<std::uint64_t>(parsed.seq()) : std::nullopt);
    }
    json.begin_object();
    if (parsed.has_timestamp()) put_time_member(json, "timestamp", parsed.timestamp());
    if (parsed.metrics_size() > 0) put_metrics(json, source, parsed.metrics());
    if (parsed.has_seq()) json.number_member("seq", parsed.seq());
    if (parsed.has_uuid()) put_text_member(json, "uuid", parsed.uuid());
    if (parsed.has_body()) {
        json.plain_key("body");
        put_base64(json, parsed.body());
    }
    put_unknown(json, parsed.unknown_fields());
    json.end_object();
    return true;
}

void SparkplugReader::put_metrics(output::JsonWriter& json, const Source& source,
                                  const google::protobuf::RepeatedPtrField<sparkplug::Metric>& metrics) {
    json.plain_key("metrics");
    json.begin_array();
    for (const sparkplug::Metric& metric : metrics) put_metric(json, source, metric);
    json.end_array();
}

void SparkplugReader::put_metric(output::JsonWriter& json, const Source& source,
                                 const sparkplug::Metric& metric) {
    const bool from_node = source.node != nullptr;
    const bool births = from_node && source.topic->is_birth() && metric.has_name();
    DataType type = type_of(metric.datatype());
    if (births) {
        nodes_.name(*source.node, *source.topic, metric.name(),
                    metric.has_alias() ? std::optional<std::uint64_t>(metric.alias()) : std::nullopt, type);
    }
    std::optional<EdgeNodes::Metrics::Known> known;
    if (from_node && !births && metric.has_alias())
        known = EdgeNodes::by_alias(*source.node, *source.topic, metric.alias());
    std::optional<DataType> known_type;
    if (known) {
        known_type = known->type;
    } else if (from_node && metric.has_name() && !metric.has_datatype()) {
        known_type = EdgeNodes::type_of(*source.node, *source.topic, metric.name());
    }
    if (!metric.has_datatype() && known_type) type = *known_type;

    json.begin_object();
    if (metric.has_name() || known) {
        json.plain_key("name");
        put_text(json, metric.has_name() ? std::string_view(metric.name()) : known->name);
    } else if (from_node) {
        nodes_.unresolved();
    }
    if (metric.has_alias()) json.number_member("alias", metric.alias());
    if (metric.has_timestamp()) put_time_member(json, "timestamp", metric.timestamp());
    if (metric.has_datatype() || known_type)
        put_type_member(json, metric.has_datatype() ? metric.datatype() : static_cast<std::uint32_t>(type));
    if (metric.is_historical()) json.flag_member("isHistorical", true);
    if (metric.is_transient()) json.flag_member("isTransient", true);
    if (metric.has_metadata()) put_metadata(json, metric.metadata());
    if (metric.has_properties()) {
        json.plain_key("properties");
        put_properties(json, metric.properties());
    }
    if (metric.is_null() || metric.value_case() != sparkplug::Metric::VALUE_NOT_SET) {
        json.plain_key("value");
        put_metric_value(json, metric, type);
    }
    put_unknown(json, metric.unknown_fields());
    json.end_object();
}

void SparkplugReader::put_metric_value(output::JsonWriter& json, const sparkplug::Metric& metric,
                                       DataType type) {
    if (metric.is_null()) return json.raw("null");
    switch (metric.value_case()) {
        case sparkplug::Metric::kBytesValue:
            return put_array(json, metric.bytes_value(), type);
        case sparkplug::Metric::kDatasetValue:
            return put_data_set(json, metric.dataset_value());
        case sparkplug::Metric::kTemplateValue:
            return put_template(json, metric.template_value());
        default:
            return put_scalar(json, metric, type);
    }
}

void SparkplugReader::put_metadata(output::JsonWriter& json, const sparkplug::MetaData& metadata) {
    json.plain_key("metadata");
    json.begin_object();
    if (metadata.has_is_multi_part()) json.flag_member("isMultiPart", metadata.is_multi_part());
    if (metadata.has_content_type()) put_text_member(json, "contentType", metadata.content_type());
    if (metadata.has_size()) json.number_member("size", metadata.size());
    if (metadata.has_seq()) json.number_member("seq", metadata.seq());
    if (metadata.has_file_name()) put_text_member(json, "fileName", metadata.file_name());
    if (metadata.has_file_type()) put_text_member(json, "fileType", metadata.file_type());
    if (metadata.has_md5()) put_text_member(json, "md5", metadata.md5());
    if (metadata.has_description()) put_text_member(json, "description", metadata.description());
    put_unknown(json, metadata.unknown_fields());
    json.end_object();
}

void SparkplugReader::put_properties(output::JsonWriter& json, const sparkplug::PropertySet& set) {
    json.begin_object();
    for (int i = 0; i < set.keys_size(); ++i) {
        put_key(json, set.keys(i));
        if (i < set.values_size()) {
            put_property(json, set.values(i));
        } else {
            json.raw("null");
        }
    }
    put_unknown(json, set.unknown_fields());
    json.end_object();
}

void SparkplugReader::put_property(output::JsonWriter& json, const sparkplug::PropertyValue& value) {
    json.begin_object();
    if (value.has_type()) put_type_member(json, value.type());
    json.plain_key("value");
    if (value.is_null() || value.value_case() == sparkplug::PropertyValue::VALUE_NOT_SET) {
        json.raw("null");
    } else if (value.has_propertyset_value()) {
        put_properties(json, value.propertyset_value());
    } else if (value.has_propertysets_value()) {
        json.begin_array();
        for (const auto& set : value.propertysets_value().propertyset()) put_properties(json, set);
        json.end_array();
    } else {
        put_scalar(json, value, type_of(value.type()));
    }
    put_unknown(json, value.unknown_fields());
    json.end_object();
}

void SparkplugReader::put_data_set(output::JsonWriter& json, const sparkplug::DataSet& set) {
    json.begin_object();
    if (set.has_num_of_columns()) json.number_member("numOfColumns", set.num_of_columns());
    json.plain_key("types");
    json.begin_array();
    for (const std::uint32_t type : set.types()) put_type(json, type);
    json.end_array();
    json.plain_key("columns");
    json.begin_array();
    for (const std::string& column : set.columns()) put_text(json, column);
    json.end_array();
    json.plain_key("rows");
    json.begin_array();
    for (const auto& row : set.rows()) {
        json.begin_array();
        for (int i = 0; i < row.elements_size(); ++i) {
            const auto& element = row.elements(i);
            if (element.value_case() == sparkplug::DataSet::Value::VALUE_NOT_SET) {
                json.raw("null");
            } else {
                put_scalar(json, element, i < set.types_size() ? type_of(set.types(i)) : DataType::unknown);
            }
        }
        json.end_array();
    }
    json.end_array();
    put_unknown(json, set.unknown_fields());
    json.end_object();
}

void SparkplugReader::put_template(output::JsonWriter& json, const sparkplug::Template& value) {
    json.begin_object();
    if (value.has_version()) put_text_member(json, "version", value.version());
    if (value.has_template_ref()) put_text_member(json, "templateRef", value.template_ref());
    if (value.has_is_definition()) json.flag_member("isDefinition", value.is_definition());
    put_metrics(json, {}, value.metrics());
    if (value.parameters_size() > 0) {
        json.plain_key("parameters");
        json.begin_array();
        for (const auto& parameter : value.parameters()) {
            json.begin_object();
            put_text_member(json, "name", parameter.name());
            if (parameter.has_type()) put_type_member(json, parameter.type());
            json.plain_key("value");
            if (parameter.value_case() == sparkplug::Template::Parameter::VALUE_NOT_SET) {
                json.raw("null");
            } else {
                put_scalar(json, parameter, type_of(parameter.type()));
            }
            put_unknown(json, parameter.unknown_fields());
            json.end_object();
        }
        json.end_array();
    }
    put_unknown(json, value.unknown_fields());
    json.end_object();
}

// The values that metrics, properties, parameters and elements of data sets have in common.
template <typename Value>
void SparkplugReader::put_scalar(output::JsonWriter& json, const Value& value, DataType type) {
    if (value.has_int_value()) return put_integer(json, value.int_value(), type);
    if (value.has_long_value()) return put_integer(json, value.long_value(), type);
    if (value.has_float_value()) return put_float(json, static_cast<double>(value.float_value()));
    if (value.has_double_value()) return put_float(json, value.double_value());
    if (value.has_boolean_value()) return json.raw(value.boolean_value() ? "true" : "false");
    if (value.has_string_value()) return put_text(json, value.string_value());
    json.raw("null");
}

// Signed numbers are sent as unsigned ones with the same bits, some publishers' with only those of their type.
void SparkplugReader::put_integer(output::JsonWriter& json, std::uint64_t bits, DataType type) {
    switch (type) {
        case DataType::int8:
            return put_signed(json, static_cast<std::int8_t>(bits));
        case DataType::int16:
            return put_signed(json, static_cast<std::int16_t>(bits));
        case DataType::int32:
            return put_signed(json, static_cast<std::int32_t>(bits));
        case DataType::int64:
            return put_signed(json, static_cast<std::int64_t>(bits));
        case DataType::date_time:
            return put_time(json, bits);
        default:
            return json.number(bits);
    }
}

// Bytes, or the packed elements of an array (section 6.4.16.3); base64 for bytes that aren't such an array.
void SparkplugReader::put_array(output::JsonWriter& json, std::string_view bytes, DataType type) {
    const std::size_t size = element_size(type);
    if (size > 0 && bytes.size() % size == 0) {
        json.begin_array();
        for (; !bytes.empty(); bytes.remove_prefix(size)) {
            const std::uint64_t bits = little_endian(bytes.substr(0, size));
            if (type == DataType::float_array) {
                put_float(json, static_cast<double>(std::bit_cast<float>(static_cast<std::uint32_t>(bits))));
            } else if (type == DataType::double_array) {
                put_float(json, std::bit_cast<double>(bits));
            } else {
                put_integer(json, bits, element_type(type));
            }
        }
        return json.end_array();
    }
    if (type == DataType::string_array && (bytes.empty() || bytes.back() == '\0')) {
        json.begin_array();
        while (!bytes.empty()) put_text(json, take_until(bytes, '\0'));
        return json.end_array();
    }
    constexpr std::size_t count_size = 4;
    if (type == DataType::boolean_array && bytes.size() >= count_size) {
        const std::uint64_t count = little_endian(bytes.substr(0, count_size));
        const std::string_view bits = bytes.substr(count_size);
        if ((count + 7) / 8 == bits.size()) {
            json.begin_array();
            for (std::size_t i = 0; i < count; ++i)
                json.raw((static_cast<unsigned char>(bits[i / 8]) >> (7 - i % 8) & 1) != 0 ? "true"
                                                                                           : "false");
            return json.end_array();
        }
    }
    put_base64(json, bytes);
}

void SparkplugReader::put_text(output::JsonWriter& json, std::string_view text) {
    text_changed_ = text_changed_ || !is_utf8(text);
    json.string(text);
}

void SparkplugReader::put_text_member(output::JsonWriter& json, std::string_view name,
                                      std::string_view text) {
    json.plain_key(name);
    put_text(json, text);
}

void SparkplugReader::put_key(output::JsonWriter& json, std::string_view text) {
    text_changed_ = text_changed_ || !is_utf8(text);
    json.key(text);
}

void SparkplugReader::put_time(output::JsonWriter& json, std::uint64_t milliseconds) {
    std::array<char, 40> space{};
    const std::string_view text = readable_times_
                                      ? payload::utc_text(static_cast<std::int64_t>(milliseconds / 1000),
                                                          milliseconds % 1000 * 1'000'000, space)
                                      : std::string_view();
    if (text.empty()) return json.number(milliseconds);
    json.string(text);
}

void SparkplugReader::put_time_member(output::JsonWriter& json, std::string_view name,
                                      std::uint64_t milliseconds) {
    json.plain_key(name);
    put_time(json, milliseconds);
}

void SparkplugReader::put_unknown(output::JsonWriter& json, const google::protobuf::UnknownFieldSet& fields) {
    if (fields.empty()) return;
    json.plain_key("unknown");
    json.begin_array();
    for (int i = 0; i < fields.field_count(); ++i) {
        const google::protobuf::UnknownField& field = fields.field(i);
        json.begin_array();
        json.number(static_cast<std::uint64_t>(field.number()));
        switch (field.type()) {
            case google::protobuf::UnknownField::TYPE_VARINT:
                json.number(field.varint());
                break;
            case google::protobuf::UnknownField::TYPE_FIXED32:
                json.number(field.fixed32());
                break;
            case google::protobuf::UnknownField::TYPE_FIXED64:
                json.number(field.fixed64());
                break;
            case google::protobuf::UnknownField::TYPE_LENGTH_DELIMITED:
                put_base64(json, field.length_delimited());
                break;
            case google::protobuf::UnknownField::TYPE_GROUP:
                json.raw("null");
                break;
        }
        json.end_array();
    }
    json.end_array();
}

}  // namespace mqttc::protobuf

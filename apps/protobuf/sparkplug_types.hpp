// The data types of Sparkplug B (section 6.4.16 of its specification).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace mqttc::protobuf {

enum class DataType : std::uint32_t {
    unknown,
    int8,
    int16,
    int32,
    int64,
    uint8,
    uint16,
    uint32,
    uint64,
    float32,
    float64,
    boolean,
    string,
    date_time,
    text,
    uuid,
    data_set,
    bytes,
    file,
    template_type,
    property_set,
    property_set_list,
    int8_array,
    int16_array,
    int32_array,
    int64_array,
    uint8_array,
    uint16_array,
    uint32_array,
    uint64_array,
    float_array,
    double_array,
    boolean_array,
    string_array,
    date_time_array,
};

inline constexpr std::array<std::string_view, 35> type_names{"Unknown",      "Int8",
                                                             "Int16",        "Int32",
                                                             "Int64",        "UInt8",
                                                             "UInt16",       "UInt32",
                                                             "UInt64",       "Float",
                                                             "Double",       "Boolean",
                                                             "String",       "DateTime",
                                                             "Text",         "UUID",
                                                             "DataSet",      "Bytes",
                                                             "File",         "Template",
                                                             "PropertySet",  "PropertySetList",
                                                             "Int8Array",    "Int16Array",
                                                             "Int32Array",   "Int64Array",
                                                             "UInt8Array",   "UInt16Array",
                                                             "UInt32Array",  "UInt64Array",
                                                             "FloatArray",   "DoubleArray",
                                                             "BooleanArray", "StringArray",
                                                             "DateTimeArray"};

/// Nothing: the specification has no type of that name.
inline std::optional<DataType> type_named(std::string_view name) {
    for (std::size_t i = 0; i < type_names.size(); ++i) {
        if (type_names[i] == name) return static_cast<DataType>(i);
    }
    return std::nullopt;
}

struct IntegerRange {
    std::int64_t min;
    std::uint64_t max;
};
/// Of a type whose values are integers.
constexpr IntegerRange integer_range(DataType type) {
    switch (type) {
        case DataType::int8:
            return {INT8_MIN, INT8_MAX};
        case DataType::int16:
            return {INT16_MIN, INT16_MAX};
        case DataType::int32:
            return {INT32_MIN, INT32_MAX};
        case DataType::int64:
            return {INT64_MIN, INT64_MAX};
        case DataType::uint8:
            return {0, UINT8_MAX};
        case DataType::uint16:
            return {0, UINT16_MAX};
        case DataType::uint32:
            return {0, UINT32_MAX};
        default:
            return {0, UINT64_MAX};
    }
}

/// The bytes of an element of an array of numbers; 0 for other types.
constexpr std::size_t element_size(DataType type) {
    switch (type) {
        case DataType::int8_array:
        case DataType::uint8_array:
            return 1;
        case DataType::int16_array:
        case DataType::uint16_array:
            return 2;
        case DataType::int32_array:
        case DataType::uint32_array:
        case DataType::float_array:
            return 4;
        case DataType::int64_array:
        case DataType::uint64_array:
        case DataType::double_array:
        case DataType::date_time_array:
            return 8;
        default:
            return 0;
    }
}

/// The type of an array's elements.
constexpr DataType element_type(DataType array) {
    if (array == DataType::date_time_array) return DataType::date_time;
    const auto distance =
        static_cast<std::uint32_t>(array) - static_cast<std::uint32_t>(DataType::int8_array);
    return static_cast<DataType>(distance + static_cast<std::uint32_t>(DataType::int8));
}

}  // namespace mqttc::protobuf

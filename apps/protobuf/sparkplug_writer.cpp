// JSON to payloads of Sparkplug B. The only file of this directory that includes nlohmann.
#include "sparkplug_writer.hpp"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <bit>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "base/encoding.hpp"
#include "base/escape.hpp"
#include "json_out.hpp"
#include "sparkplug.pb.h"
#include "sparkplug_types.hpp"

namespace mqttc::protobuf {
namespace {

using Json = nlohmann::ordered_json;

// Messages of the format nest through templates and sets of properties; their parser stops at 100 levels.
constexpr int max_depth = 90;

class Writer {
  public:
    bool payload(const Json& json, sparkplug::Payload& to);
    const std::string& error() const { return error_; }

  private:
    bool fail(const std::string& path, std::string_view what) {
        error_ = path.empty() ? "it" : path;
        error_.append(" ").append(what);
        return false;
    }
    bool not_of_type(const std::string& path, DataType type) {
        return fail(path,
                    "is not a number of the type " + std::string(type_names[static_cast<std::size_t>(type)]));
    }
    bool unknown_member(const std::string& path, const std::string& name) {
        return fail(path, "has the unknown member " + in_quotes(name));
    }
    static std::string inside(const std::string& path, std::string_view name) {
        return path.empty() ? std::string(name) : path + "." + std::string(name);
    }
    static std::string element(const std::string& path, std::size_t index) {
        return path + "[" + std::to_string(index) + "]";
    }

    bool object(const Json& json, const std::string& path) {
        return json.is_object() || fail(path, "is not an object");
    }
    bool array(const Json& json, const std::string& path) {
        return json.is_array() || fail(path, "is not an array");
    }
    bool number(const Json& json, const std::string& path, std::uint64_t& to);
    bool flag(const Json& json, const std::string& path, bool& to);
    bool text(const Json& json, const std::string& path, std::string& to);
    bool bytes(const Json& json, const std::string& path, std::string& to);
    bool type(const Json& json, const std::string& path, std::uint32_t& to);
    bool integer(const Json& json, const std::string& path, DataType type, std::uint64_t& to);
    bool real(const Json& json, const std::string& path, DataType type, double& to);

    // A member with one number, text, flag or base64 value is the field with its name.
    bool plain(const std::string& name, const Json& json, const std::string& parent,
               google::protobuf::Message& to);

    template <typename List>
    bool metrics(const Json& json, const std::string& path, int depth, List& to);
    bool metric(const Json& json, const std::string& path, int depth, sparkplug::Metric& to);
    bool metric_value(const Json& json, const std::string& path, int depth, sparkplug::Metric& to);
    bool metadata(const Json& json, const std::string& path, sparkplug::MetaData& to);
    bool properties(const Json& json, const std::string& path, int depth, sparkplug::PropertySet& to);
    bool property(const Json& json, const std::string& path, int depth, sparkplug::PropertyValue& to);
    bool data_set(const Json& json, const std::string& path, sparkplug::DataSet& to);
    bool template_of(const Json& json, const std::string& path, int depth, sparkplug::Template& to);
    bool parameter(const Json& json, const std::string& path, sparkplug::Template::Parameter& to);
    bool packed(const Json& json, const std::string& path, DataType type, std::string& to);
    template <typename Value>
    bool scalar(const Json& json, const std::string& path, DataType type, Value& to);

    std::string error_;
};

DataType natural_type(const Json& json) {
    if (json.is_boolean()) return DataType::boolean;
    if (json.is_string()) return DataType::string;
    if (json.is_number_float()) return DataType::float64;
    return DataType::int64;
}

bool Writer::number(const Json& json, const std::string& path, std::uint64_t& to) {
    if (!json.is_number_unsigned()) return fail(path, "is not a whole number");
    to = json.get<std::uint64_t>();
    return true;
}

bool Writer::flag(const Json& json, const std::string& path, bool& to) {
    if (!json.is_boolean()) return fail(path, "is not true or false");
    to = json.get<bool>();
    return true;
}

bool Writer::text(const Json& json, const std::string& path, std::string& to) {
    if (!json.is_string()) return fail(path, "is not a string");
    to = json.get_ref<const std::string&>();
    return true;
}

bool Writer::bytes(const Json& json, const std::string& path, std::string& to) {
    if (!json.is_string()) return fail(path, "is not a string");
    const auto decoded = decode_base64(json.get_ref<const std::string&>(), to);
    return decoded || fail(path, "is not base64: " + decoded.error());
}

bool Writer::type(const Json& json, const std::string& path, std::uint32_t& to) {
    if (json.is_number_unsigned() && json.get<std::uint64_t>() <= UINT32_MAX) {
        to = json.get<std::uint32_t>();
        return true;
    }
    if (!json.is_string()) return fail(path, "is not the name of a type");
    const auto known = type_named(json.get_ref<const std::string&>());
    if (!known)
        return fail(path, in_quotes(json.get_ref<const std::string&>()) + " is not a type of Sparkplug B");
    to = static_cast<std::uint32_t>(*known);
    return true;
}

// As unsigned bits, signed ones of less than 64 bits in 32.
bool Writer::integer(const Json& json, const std::string& path, DataType type, std::uint64_t& to) {
    const IntegerRange range = integer_range(type);
    if (json.is_number_unsigned() && json.get<std::uint64_t>() <= range.max) {
        to = json.get<std::uint64_t>();
        return true;
    }
    // nlohmann keeps natural numbers as unsigned ones.
    if (json.is_number_integer() && !json.is_number_unsigned() && json.get<std::int64_t>() >= range.min) {
        to = static_cast<std::uint64_t>(json.get<std::int64_t>());
        if (type != DataType::int64) to &= UINT32_MAX;
        return true;
    }
    return not_of_type(path, type);
}

bool Writer::real(const Json& json, const std::string& path, DataType type, double& to) {
    if (json.is_number()) {
        to = json.get<double>();
        return type != DataType::float32 || std::isfinite(static_cast<float>(to)) || not_of_type(path, type);
    }
    if (json == "NaN") {
        to = std::numeric_limits<double>::quiet_NaN();
    } else if (json == "Infinity" || json == "-Infinity") {
        to = (json == "Infinity" ? 1 : -1) * std::numeric_limits<double>::infinity();
    } else {
        return fail(path, "is not a number");
    }
    return true;
}

template <typename Value>
bool Writer::scalar(const Json& json, const std::string& path, DataType type, Value& to) {
    std::uint64_t bits = 0;
    double value = 0;
    bool yes = false;
    switch (type) {
        case DataType::int8:
        case DataType::int16:
        case DataType::int32:
        case DataType::uint8:
        case DataType::uint16:
            if (!integer(json, path, type, bits)) return false;
            to.set_int_value(static_cast<std::uint32_t>(bits));
            return true;
        // What most implementations read: Java has no unsigned type of 32 bits. A reader takes both.
        case DataType::uint32:
        case DataType::int64:
        case DataType::uint64:
        case DataType::date_time:
            if (!integer(json, path, type, bits)) return false;
            to.set_long_value(bits);
            return true;
        case DataType::float32:
            if (!real(json, path, type, value)) return false;
            to.set_float_value(static_cast<float>(value));
            return true;
        case DataType::float64:
            if (!real(json, path, type, value)) return false;
            to.set_double_value(value);
            return true;
        case DataType::boolean:
            if (!flag(json, path, yes)) return false;
            to.set_boolean_value(yes);
            return true;
        case DataType::string:
        case DataType::text:
        case DataType::uuid:
            return text(json, path, *to.mutable_string_value());
        default:
            return fail(path, "cannot be a value of its type");
    }
}

bool Writer::plain(const std::string& name, const Json& json, const std::string& parent,
                   google::protobuf::Message& to) {
    using Field = google::protobuf::FieldDescriptor;
    const Field* const field = to.GetDescriptor()->FindFieldByCamelcaseName(name);
    if (field == nullptr || field->is_repeated() || field->real_containing_oneof() != nullptr)
        return unknown_member(parent, name);
    const google::protobuf::Reflection& reflection = *to.GetReflection();
    const std::string path = inside(parent, name);
    std::uint64_t natural = 0;
    bool yes = false;
    std::string words;
    bool done = false;
    switch (field->cpp_type()) {
        case Field::CPPTYPE_UINT64:
            done = number(json, path, natural);
            reflection.SetUInt64(&to, field, natural);
            return done;
        case Field::CPPTYPE_BOOL:
            done = flag(json, path, yes);
            reflection.SetBool(&to, field, yes);
            return done;
        case Field::CPPTYPE_STRING:
            done = field->type() == Field::TYPE_BYTES ? bytes(json, path, words) : text(json, path, words);
            reflection.SetString(&to, field, std::move(words));
            return done;
        default:
            return unknown_member(parent, name);
    }
}

bool Writer::payload(const Json& json, sparkplug::Payload& to) {
    if (!object(json, {})) return false;
    for (const auto& [name, member] : json.items()) {
        if (name == "metrics") {
            if (!metrics(member, name, 0, *to.mutable_metrics())) return false;
        } else if (!plain(name, member, {}, to)) {
            return false;
        }
    }
    return true;
}

template <typename List>
bool Writer::metrics(const Json& json, const std::string& path, int depth, List& to) {
    if (!array(json, path)) return false;
    for (std::size_t i = 0; i < json.size(); ++i) {
        if (!metric(json[i], element(path, i), depth, *to.Add())) return false;
    }
    return true;
}

bool Writer::metric(const Json& json, const std::string& path, int depth, sparkplug::Metric& to) {
    if (depth > max_depth) return fail(path, "is nested too deep");
    if (!object(json, path)) return false;
    const Json* value = nullptr;
    for (const auto& [name, member] : json.items()) {
        const std::string where = inside(path, name);
        bool done = true;
        if (name == "type") {
            std::uint32_t data_type = 0;
            done = type(member, where, data_type);
            to.set_datatype(data_type);
        } else if (name == "metadata") {
            done = metadata(member, where, *to.mutable_metadata());
        } else if (name == "properties") {
            done = properties(member, where, depth + 1, *to.mutable_properties());
        } else if (name == "value") {
            value = &member;
        } else {
            done = plain(name, member, path, to);
        }
        if (!done) return false;
    }
    return value == nullptr || metric_value(*value, inside(path, "value"), depth, to);
}

bool Writer::metric_value(const Json& json, const std::string& path, int depth, sparkplug::Metric& to) {
    if (json.is_null()) {
        to.set_is_null(true);
        return true;
    }
    if (!to.has_datatype()) to.set_datatype(static_cast<std::uint32_t>(natural_type(json)));
    const auto data_type = static_cast<DataType>(to.datatype());
    switch (data_type) {
        case DataType::bytes:
        case DataType::file:
            return bytes(json, path, *to.mutable_bytes_value());
        case DataType::data_set:
            return data_set(json, path, *to.mutable_dataset_value());
        case DataType::template_type:
            return template_of(json, path, depth + 1, *to.mutable_template_value());
        default:
            break;
    }
    const bool is_array = data_type >= DataType::int8_array && data_type <= DataType::date_time_array;
    if (!is_array) return scalar(json, path, data_type, to);
    // A string is base64: the reader writes it for bytes that aren't such an array.
    if (json.is_string()) return bytes(json, path, *to.mutable_bytes_value());
    return packed(json, path, data_type, *to.mutable_bytes_value());
}

bool Writer::metadata(const Json& json, const std::string& path, sparkplug::MetaData& to) {
    if (!object(json, path)) return false;
    for (const auto& [name, member] : json.items()) {
        if (!plain(name, member, path, to)) return false;
    }
    return true;
}

bool Writer::properties(const Json& json, const std::string& path, int depth, sparkplug::PropertySet& to) {
    if (depth > max_depth) return fail(path, "is nested too deep");
    if (!object(json, path)) return false;
    for (const auto& [name, member] : json.items()) {
        to.add_keys(name);
        if (!property(member, inside(path, name), depth, *to.add_values())) return false;
    }
    return true;
}

bool Writer::property(const Json& json, const std::string& path, int depth, sparkplug::PropertyValue& to) {
    if (!object(json, path)) return false;
    const Json* value = nullptr;
    std::uint32_t data_type = 0;
    for (const auto& [name, member] : json.items()) {
        if (name == "type") {
            if (!type(member, inside(path, name), data_type)) return false;
            to.set_type(data_type);
        } else if (name == "value") {
            value = &member;
        } else {
            return unknown_member(path, name);
        }
    }
    const std::string where = inside(path, "value");
    if (value == nullptr || value->is_null()) {
        to.set_is_null(true);
        return true;
    }
    if (!to.has_type()) to.set_type(static_cast<std::uint32_t>(natural_type(*value)));
    const auto kind = static_cast<DataType>(to.type());
    if (kind == DataType::property_set)
        return properties(*value, where, depth + 1, *to.mutable_propertyset_value());
    if (kind != DataType::property_set_list) return scalar(*value, where, kind, to);
    if (!array(*value, where)) return false;
    for (std::size_t i = 0; i < value->size(); ++i) {
        if (!properties((*value)[i], element(where, i), depth + 1,
                        *to.mutable_propertysets_value()->add_propertyset()))
            return false;
    }
    return true;
}

bool Writer::data_set(const Json& json, const std::string& path, sparkplug::DataSet& to) {
    if (!object(json, path)) return false;
    const Json* rows = nullptr;
    for (const auto& [name, member] : json.items()) {
        const std::string where = inside(path, name);
        if (name == "types") {
            if (!array(member, where)) return false;
            for (std::size_t i = 0; i < member.size(); ++i) {
                std::uint32_t data_type = 0;
                if (!type(member[i], element(where, i), data_type)) return false;
                to.add_types(data_type);
            }
        } else if (name == "columns") {
            if (!array(member, where)) return false;
            for (std::size_t i = 0; i < member.size(); ++i) {
                if (!text(member[i], element(where, i), *to.add_columns())) return false;
            }
        } else if (name == "rows") {
            if (!array(member, where)) return false;
            rows = &member;
        } else if (!plain(name, member, path, to)) {
            return false;
        }
    }
    for (std::size_t i = 0; rows != nullptr && i < rows->size(); ++i) {
        const std::string where = element(inside(path, "rows"), i);
        const Json& row = (*rows)[i];
        if (!array(row, where)) return false;
        auto& to_row = *to.add_rows();
        for (std::size_t column = 0; column < row.size(); ++column) {
            const bool typed = column < static_cast<std::size_t>(to.types_size());
            const DataType kind =
                typed ? static_cast<DataType>(to.types(static_cast<int>(column))) : natural_type(row[column]);
            auto& to_element = *to_row.add_elements();
            if (!row[column].is_null() && !scalar(row[column], element(where, column), kind, to_element))
                return false;
        }
    }
    return true;
}

bool Writer::template_of(const Json& json, const std::string& path, int depth, sparkplug::Template& to) {
    if (!object(json, path)) return false;
    for (const auto& [name, member] : json.items()) {
        const std::string where = inside(path, name);
        bool done = true;
        if (name == "metrics") {
            done = metrics(member, where, depth, *to.mutable_metrics());
        } else if (name == "parameters") {
            done = array(member, where);
            for (std::size_t i = 0; done && i < member.size(); ++i)
                done = parameter(member[i], element(where, i), *to.add_parameters());
        } else {
            done = plain(name, member, path, to);
        }
        if (!done) return false;
    }
    return true;
}

bool Writer::parameter(const Json& json, const std::string& path, sparkplug::Template::Parameter& to) {
    if (!object(json, path)) return false;
    const Json* value = nullptr;
    for (const auto& [name, member] : json.items()) {
        const std::string where = inside(path, name);
        std::uint32_t data_type = 0;
        if (name == "name") {
            if (!text(member, where, *to.mutable_name())) return false;
        } else if (name == "type") {
            if (!type(member, where, data_type)) return false;
            to.set_type(data_type);
        } else if (name == "value") {
            value = &member;
        } else {
            return unknown_member(path, name);
        }
    }
    if (value == nullptr || value->is_null()) return true;
    if (!to.has_type()) to.set_type(static_cast<std::uint32_t>(natural_type(*value)));
    return scalar(*value, inside(path, "value"), static_cast<DataType>(to.type()), to);
}

bool Writer::packed(const Json& json, const std::string& path, DataType type, std::string& to) {
    if (!array(json, path)) return false;
    const auto put = [&](std::uint64_t bits, std::size_t size) {
        for (std::size_t i = 0; i < size; ++i, bits >>= 8) to += static_cast<char>(bits & 0xff);
    };
    if (type == DataType::boolean_array) put(json.size(), 4);
    for (std::size_t i = 0; i < json.size(); ++i) {
        const std::string where = element(path, i);
        const Json& value = json[i];
        double number_value = 0;
        std::uint64_t bits = 0;
        bool yes = false;
        std::string words;
        if (type == DataType::boolean_array) {
            if (!flag(value, where, yes)) return false;
            if (i % 8 == 0) to += '\0';
            if (yes) to.back() = static_cast<char>(to.back() | 0x80 >> i % 8);
        } else if (type == DataType::string_array) {
            if (!text(value, where, words)) return false;
            if (words.find('\0') != words.npos) return fail(where, "has a NUL character");
            to.append(words).push_back('\0');
        } else if (type == DataType::float_array || type == DataType::double_array) {
            if (!real(value, where, element_type(type), number_value)) return false;
            put(type == DataType::float_array ? std::bit_cast<std::uint32_t>(static_cast<float>(number_value))
                                              : std::bit_cast<std::uint64_t>(number_value),
                element_size(type));
        } else {
            if (!integer(value, where, element_type(type), bits)) return false;
            put(bits, element_size(type));
        }
    }
    return true;
}

}  // namespace

std::expected<std::string, std::string> write_sparkplug(std::string_view json) {
    Json parsed;
    // The parser takes a NUL byte as the end of its input.
    if (json.find('\0') != json.npos) return std::unexpected(output::json_syntax_error(json));
    try {
        parsed = Json::parse(json);
    } catch (const Json::parse_error&) {
        return std::unexpected(output::json_syntax_error(json));
    } catch (const Json::out_of_range&) {
        return std::unexpected(std::string("a number is too large"));
    }
    Writer writer;
    sparkplug::Payload payload;
    if (!writer.payload(parsed, payload)) return std::unexpected(writer.error());
    return payload.SerializeAsString();
}

}  // namespace mqttc::protobuf

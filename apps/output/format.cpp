// The language of -F: rendering. Compiling is in format_compile.cpp.
#include "format.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <utility>

#include "base/encoding.hpp"
#include "base/escape.hpp"
#include "file_name.hpp"
#include "json_scan.hpp"
#include "mqttc/property.hpp"
#include "option_values.hpp"
#include "text_out.hpp"

namespace mqttc::output {
namespace {

void pad(TextBuffer& out, std::size_t width, std::size_t length, char with) {
    if (length < width) out.fill(width - length, with);
}

void append_digits(TextBuffer& out, std::uint32_t number, std::size_t digits) {
    char* const to = out.reserve(digits);
    for (std::size_t i = digits; i-- > 0; number /= 10) to[i] = static_cast<char>('0' + number % 10);
    out.commit(digits);
}

std::string format_time(const char* format, const std::tm& time) {
    char text[256];
    return {text, std::strftime(text, sizeof text, format, &time)};
}

// As printf("%*.*f") prints it.
void append_float(TextBuffer& out, double value, int width, int precision, bool left, bool zero) {
    constexpr std::size_t longest_whole_part = 320;
    const auto room =
        longest_whole_part + static_cast<std::size_t>(width) + static_cast<std::size_t>(precision);
    const char* format = left ? "%-*.*f" : zero ? "%0*.*f" : "%*.*f";
    const int length = std::snprintf(out.reserve(room), room, format, width, precision, value);
    out.commit(static_cast<std::size_t>(std::max(length, 0)));
}

template <typename Number>
bool take_native(Bytes payload, double& value) {
    Number number;
    if (payload.size() != sizeof number) return false;
    std::memcpy(&number, payload.data(), sizeof number);
    value = static_cast<double>(number);
    return true;
}

}  // namespace

WallTime wall_time_now() {
    timespec now{};
    clock_gettime(CLOCK_REALTIME, &now);
    return {now.tv_sec, static_cast<std::int32_t>(now.tv_nsec)};
}

RenderError Format::render(const Publish& message, WallTime stamp, TextBuffer& out) {
    if (needs_time_ && stamp.seconds != clock_.second) set_clock(stamp.seconds);
    if (!fields_.empty() && !find_all_fields(as_text(message.payload)) && options_.skip_missing)
        return RenderError::no_field;
    if (!needs_json_) return render_steps(message, stamp, out);
    // What was appended to `out` may be written already when the payload turns out not to be JSON. Indentation can make
    // a payload many times as long, which should not be kept in memory.
    if (options_.json == JsonLayout::pretty) {
        const bool valid = message.payload.empty() || json_error(as_text(message.payload)).empty();
        return valid ? render_steps(message, stamp, out) : RenderError::not_json;
    }
    if (!whole_) whole_ = std::make_unique<TextBuffer>();
    whole_->clear();
    const RenderError error = render_steps(message, stamp, *whole_);
    if (error != RenderError::not_json) out.append(whole_->view());
    return error;
}

bool Format::find_all_fields(std::string_view payload) {
    if (!values_) values_ = std::make_unique<TextBuffer>();
    values_->clear();
    return find_fields(payload, fields_, *values_) == FieldResult::found;
}

// A precision rounds numbers, and cuts other texts.
void Format::render_field(const Step& step, TextBuffer& out) {
    const Field& field = fields_[step.text];
    const std::string_view value = values_->view().substr(field.start, field.length);
    std::optional<double> number;
    if (step.precision >= 0 && !options_.file_name) number = app::read_double(value, "0123456789.-+eE");
    if (number && std::isfinite(*number))
        return append_float(out, *number, static_cast<int>(step.width), step.precision, step.left, step.zero);
    // Digits of a number that is too large for rounding are not cut.
    put_escaped(step, number ? value : cut(step, value), LineBreaks::hide, true, out);
}

RenderError Format::render_steps(const Publish& message, WallTime stamp, TextBuffer& out) {
    RenderError error = RenderError::none;
    for (const Step& step : steps_) {
        const RenderError of_step = render_step(step, message, stamp, out);
        if (of_step == RenderError::not_json) return of_step;
        if (error == RenderError::none) error = of_step;
    }
    return error;
}

RenderError Format::render_step(const Step& step, const Publish& message, WallTime stamp, TextBuffer& out) {
    switch (step.kind) {
        case Kind::literal:
            out.append(std::string_view(literals_).substr(step.text, step.length));
            break;
        case Kind::topic:
            if (options_.file_name) {
                append_file_topic(out, cut(step, message.topic));
            } else {
                put_from_broker(step, message.topic, out);
            }
            break;
        case Kind::payload:
            put_payload(step, message.payload, out);
            break;
        case Kind::payload_length:
            put_number(step, message.payload.size(), out);
            break;
        case Kind::qos:
            out.push_back(static_cast<char>('0' + static_cast<int>(message.qos)));
            break;
        case Kind::retain:
            out.push_back(message.retain ? '1' : '0');
            break;
        case Kind::packet_id:
            put_number(step, message.packet_id, out);
            break;
        case Kind::hex_lower:
        case Kind::hex_upper:
        case Kind::base64:
            put_encoded(step, message.payload, out);
            break;
        case Kind::payload_float:
        case Kind::payload_double:
            return render_float(step, message.payload, out);
        case Kind::number_property:
        case Kind::text_property:
            put_property(step, message.properties, out);
            break;
        case Kind::user_properties:
            put_user_properties(message.properties, out);
            break;
        case Kind::iso_time:
            put_text(step, cut(step, clock_.iso), false, out);
            break;
        case Kind::rfc3339_time:
            put_text(step, cut(step, clock_.rfc3339), false, out);
            break;
        case Kind::unix_time:
            append_number(out, static_cast<std::uint64_t>(stamp.seconds));
            out.push_back('.');
            [[fallthrough]];
        case Kind::nanoseconds:
            append_digits(out, static_cast<std::uint32_t>(stamp.nanoseconds), 9);
            break;
        case Kind::strftime:
            out.append(clock_.texts[step.text]);
            break;
        case Kind::json:
        case Kind::json_payload:
            return render_json(step, message, stamp, out);
        case Kind::field:
            render_field(step, out);
            break;
    }
    return RenderError::none;
}

RenderError Format::render_float(const Step& step, Bytes payload, TextBuffer& out) {
    double value = 0;
    const bool is_float = step.kind == Kind::payload_float;
    if (is_float ? !take_native<float>(payload, value) : !take_native<double>(payload, value))
        return is_float ? RenderError::not_float : RenderError::not_double;
    append_float(out, value, static_cast<int>(step.width), step.precision < 0 ? 6 : step.precision, step.left,
                 step.zero);
    return RenderError::none;
}

RenderError Format::render_json(const Step& step, const Publish& message, WallTime stamp, TextBuffer& out) {
    char time[64];
    std::size_t length = clock_.json_start.copy(time, 40);
    std::uint32_t microseconds = static_cast<std::uint32_t>(stamp.nanoseconds) / 1000;
    for (std::size_t i = 6; i-- > 0; microseconds /= 10)
        time[length + i] = static_cast<char>('0' + microseconds % 10);
    length += 6;
    length += clock_.json_zone.copy(time + length, sizeof time - length);

    const std::string_view received(time, length);
    const auto write = [&](TextBuffer& to) {
        JsonWriter json(to, options_.json, options_.terminal);
        if (step.kind == Kind::json_payload) return write_message_json_payload(json, message, received);
        write_message_json(json, message, received);
        return true;
    };
    if (!options_.color) return write(out) ? RenderError::none : RenderError::not_json;
    if (!uncolored_) uncolored_ = std::make_unique<TextBuffer>();
    uncolored_->clear();
    if (!write(*uncolored_)) return RenderError::not_json;
    append_highlighted(out, uncolored_->view(), options_.terminal);
    return RenderError::none;
}

std::string_view Format::cut(const Step& step, std::string_view text) {
    return step.precision < 0 ? text : text.substr(0, static_cast<std::size_t>(step.precision));
}

void Format::put_number(const Step& step, std::uint64_t number, TextBuffer& out) {
    if (step.width == 0) return append_number(out, number);
    const std::string text = std::to_string(number);
    put_text(step, text, true, out);
}

// `zero`: this sequence honours the flag 0.
void Format::put_text(const Step& step, std::string_view text, bool zero, TextBuffer& out) {
    if (!step.left) pad(out, step.width, text.size(), zero && step.zero ? '0' : ' ');
    out.append(text);
    if (step.left) pad(out, step.width, text.size(), ' ');
}

void Format::put_escaped(const Step& step, std::string_view text, LineBreaks breaks, bool zero,
                         TextBuffer& out) {
    if (options_.file_name) return append_file_part(out, text, text);
    if (!options_.terminal || !has_controls(text, breaks)) return put_text(step, text, zero, out);
    TextBuffer visible;
    append_escaped(visible, text, breaks);
    put_text(step, visible.view(), zero, out);
}

void Format::put_from_broker(const Step& step, std::string_view text, TextBuffer& out) {
    put_escaped(step, cut(step, text), LineBreaks::hide, false, out);
}

// A width limits the payload too, as in mosquitto_sub 2.0.
void Format::put_payload(const Step& step, Bytes payload, TextBuffer& out) {
    const std::string_view text = as_text(payload);
    put_escaped(step, step.width > 0 ? text.substr(0, step.width) : text, LineBreaks::keep, true, out);
}

void Format::put_encoded(const Step& step, Bytes payload, TextBuffer& out) {
    const auto put = step.kind == Kind::base64 ? put_base64 : put_hex;
    if (!options_.file_name) return put(step, payload, out);
    // More is cut from the name.
    TextBuffer digits;
    put(step, payload.first(std::min(payload.size(), max_level)), digits);
    const std::string_view text = step.kind == Kind::base64 ? cut(step, digits.view()) : digits.view();
    append_file_part(out, text, as_text(payload));
}

void Format::put_hex(const Step& step, Bytes payload, TextBuffer& out) {
    const HexCase letters = step.kind == Kind::hex_upper ? HexCase::upper : HexCase::lower;
    const char with = step.zero && !step.left ? '0' : ' ';
    const std::size_t group = step.precision > 0 ? static_cast<std::size_t>(step.precision) : 0;
    const std::size_t length = group > 0 ? hex_grouped_size(payload.size(), group) : payload.size() * 2;
    if (!step.left) pad(out, step.width, length, with);
    if (group > 0) {
        append_hex_grouped(out, payload, letters, group, step.separator);
    } else {
        append_hex(out, payload, letters);
    }
    if (step.left) pad(out, step.width, length, with);
}

void Format::put_base64(const Step& step, Bytes payload, TextBuffer& out) {
    if (!step.left) pad(out, step.width, base64_size(payload.size()), ' ');
    append_base64(out, payload);
    if (step.left) pad(out, step.width, base64_size(payload.size()), ' ');
}

void Format::put_property(const Step& step, PropertiesView properties, TextBuffer& out) {
    const auto property = properties.find(step.property);
    if (step.kind == Kind::number_property) {
        if (property) return put_number(step, property->number, out);
        // Absent: as wide, and here 0 wins over -.
        return out.fill(step.width, step.zero ? '0' : ' ');
    }
    // When there is no response topic mosquitto_sub prints nothing, not even the width.
    if (!property && step.property == PropertyId::response_topic) return;
    put_from_broker(step, property ? property->text : std::string_view(), out);
}

void Format::put_user_properties(PropertiesView properties, TextBuffer& out) {
    bool first = true;
    for (const Property& property : properties) {
        if (property.id != PropertyId::user_property) continue;
        if (!std::exchange(first, false)) out.push_back(' ');
        put_from_broker({}, property.name, out);
        out.push_back(':');
        put_from_broker({}, property.text, out);
    }
}

void Format::set_clock(std::int64_t second) {
    const auto time = static_cast<std::time_t>(second);
    std::tm local{};
    localtime_r(&time, &local);
    clock_.second = second;
    clock_.iso = format_time("%Y-%m-%dT%H:%M:%S%z", local);
    clock_.rfc3339 = clock_.iso;
    clock_.rfc3339.insert(clock_.rfc3339.size() - 2, 1, ':');
    clock_.json_start = format_time("%Y-%m-%dT%H:%M:%S.", local);
    clock_.json_zone = format_time("%z", local);
    for (const Step& step : steps_) {
        if (step.kind != Kind::strftime) continue;
        const char format[3] = {'%', step.separator, '\0'};
        clock_.texts[step.text] = format_time(format, local);
    }
}

}  // namespace mqttc::output

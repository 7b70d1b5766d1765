// The parts of Reader and Measure that are not inlined: text and properties.
#include "wire.hpp"

#include "utf8.hpp"

namespace mqttc::codec {

std::string_view Reader::utf8() {
    const std::string_view text = unchecked_text();
    if (text_ok(text)) return text;
    fail(CodecError::invalid_utf8);
    return {};
}

PropertiesView Reader::checked_properties(Bytes wire, PacketSet where) {
    const auto view = PropertiesView::parse(wire, where);
    if (view) return *view;
    fail(view.error());
    return {};
}

void Measure::utf8(std::string_view text) {
    unchecked_text(text);
    if (!text_ok(text)) fail(CodecError::invalid_utf8);
}

void Measure::check_properties(PropertiesView view, PacketSet where) {
    const auto checked = PropertiesView::parse(view.wire(), where);
    if (!checked) fail(checked.error());
}

}  // namespace mqttc::codec

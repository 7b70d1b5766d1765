// Messages of any .proto file: libprotobuf's importer, dynamic messages and JSON mapping.
#include "schema.hpp"

#include <google/protobuf/compiler/importer.h>
#include <google/protobuf/dynamic_message.h>
#include <google/protobuf/util/json_util.h>
#include <google/protobuf/util/type_resolver.h>
#include <google/protobuf/util/type_resolver_util.h>

#include <filesystem>
#include <optional>

#include "wire_error.hpp"

namespace mqttc::protobuf {
namespace {

namespace pb = google::protobuf;

constexpr const char* type_prefix = "type.googleapis.com";

class FirstError : public pb::compiler::MultiFileErrorCollector {
  public:
    void AddError(const std::string& file, int line, int column, const std::string& message) override {
        if (!text_.empty()) return;
        text_ = file;
        // -1: the file as a whole.
        if (line >= 0)
            text_.append(":").append(std::to_string(line + 1)).append(":").append(std::to_string(column + 1));
        text_.append(": ").append(message);
    }
    const std::string& text() const { return text_; }

  private:
    std::string text_;
};

}  // namespace

struct Schema::Parts {
    pb::compiler::DiskSourceTree tree;
    FirstError errors;
    std::optional<pb::compiler::Importer> importer;
    pb::DynamicMessageFactory factory;
    std::unique_ptr<pb::Message> message;  // of the type of the payloads
    std::unique_ptr<pb::util::TypeResolver> resolver;
    std::string url;
};

Schema::Schema() : parts_(std::make_unique<Parts>()) {}
Schema::~Schema() = default;

std::expected<void, std::string> Schema::open(std::string_view file, std::string_view message) {
    Parts& parts = *parts_;
    const std::filesystem::path path(file);
    const std::string directory = path.parent_path().empty() ? "." : path.parent_path().string();
    parts.tree.MapPath("", directory);
    parts.tree.MapPath("", "/usr/include");  // google/protobuf/timestamp.proto and others
    parts.importer.emplace(&parts.tree, &parts.errors);
    const pb::FileDescriptor* const imported = parts.importer->Import(path.filename().string());
    if (imported == nullptr)
        return std::unexpected("cannot read " + std::string(file) + ": " + parts.errors.text());
    const pb::Descriptor* const type = parts.importer->pool()->FindMessageTypeByName(std::string(message));
    if (type == nullptr) {
        std::string known;
        for (int i = 0; i < imported->message_type_count(); ++i)
            known.append(i == 0 ? "" : ", ").append(imported->message_type(i)->full_name());
        return std::unexpected(std::string(file) + " has no message " + std::string(message) + " (it has " +
                               known + ")");
    }
    parts.message.reset(parts.factory.GetPrototype(type)->New());
    parts.resolver.reset(pb::util::NewTypeResolverForDescriptorPool(type_prefix, parts.importer->pool()));
    parts.url = std::string(type_prefix).append("/").append(type->full_name());
    return {};
}

std::expected<std::string, std::string> Schema::decode(Bytes payload, bool& unknown) {
    pb::Message& message = *parts_->message;
    const bool parsed = message.ParseFromArray(payload.data(), static_cast<int>(payload.size()));
    if (!parsed) return std::unexpected(wire_error(payload, message));
    std::string bytes = message.SerializeAsString();
    const std::size_t size = bytes.size();
    message.DiscardUnknownFields();
    unknown = message.ByteSizeLong() != size;
    if (unknown) bytes = message.SerializeAsString();
    std::string json;
    pb::util::JsonPrintOptions options;
    options.preserve_proto_field_names = true;
    const auto status =
        pb::util::BinaryToJsonString(parts_->resolver.get(), parts_->url, bytes, &json, options);
    message.Clear();
    if (!status.ok())
        return std::unexpected("it cannot be written as JSON: " + std::string(status.message()));
    return json;
}

std::expected<std::string, std::string> Schema::encode(std::string_view json) {
    std::string bytes;
    const auto status =
        pb::util::JsonToBinaryString(parts_->resolver.get(), parts_->url, std::string(json), &bytes, {});
    // The text is quoted below the first line.
    const std::string why(status.message());
    if (!status.ok())
        return std::unexpected("in the JSON" + std::string(why.starts_with(':') ? "" : ": ") +
                               why.substr(0, why.find('\n')));
    // As other programs write it: the conversion does not pack repeated fields.
    pb::Message& message = *parts_->message;
    if (!message.ParseFromString(bytes)) return std::unexpected(wire_error(as_bytes(bytes), message));
    bytes = message.SerializeAsString();
    message.Clear();
    return bytes;
}

}  // namespace mqttc::protobuf

// Messages of any .proto file: libprotobuf's importer, dynamic messages and JSON mapping.
#include "schema.hpp"

#include <google/protobuf/compiler/importer.h>
#include <google/protobuf/descriptor_database.h>
#include <google/protobuf/dynamic_message.h>
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <google/protobuf/util/json_util.h>
#include <google/protobuf/util/type_resolver.h>
#include <google/protobuf/util/type_resolver_util.h>

#include <filesystem>
#include <set>
#include <vector>

#include "base/text.hpp"
#include "base/utf8.hpp"
#include "json_out.hpp"
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

// Maps in the order of their keys.
std::string serialize(const pb::Message& message) {
    std::string bytes;
    pb::io::StringOutputStream stream(&bytes);
    pb::io::CodedOutputStream output(&stream);
    output.SetSerializationDeterministic(true);
    message.SerializeToCodedStream(&output);
    output.Trim();
    return bytes;
}

// Whether a message of this type may hold what the JSON mapping has no form for: groups, extensions, and strings of
// proto2, which are not checked.
bool exceeds_json(const pb::DescriptorPool& pool, const pb::Descriptor& type,
                  std::set<const pb::Descriptor*>& seen) {
    if (!seen.insert(&type).second) return false;
    std::vector<const pb::FieldDescriptor*> extensions;
    pool.FindAllExtensions(&type, &extensions);
    if (!extensions.empty()) return true;
    for (int i = 0; i < type.field_count(); ++i) {
        const pb::FieldDescriptor& field = *type.field(i);
        if (field.type() == pb::FieldDescriptor::TYPE_GROUP) return true;
        if (field.type() == pb::FieldDescriptor::TYPE_STRING &&
            field.file()->syntax() == pb::FileDescriptor::SYNTAX_PROTO2)
            return true;
        if (field.message_type() != nullptr && exceeds_json(pool, *field.message_type(), seen)) return true;
    }
    return false;
}

// Empty: it is JSON.
std::string syntax_error(std::string_view json) {
    using output::JsonScanner;
    JsonScanner scan(json);
    JsonScanner::Token token = scan.next();
    while (token < JsonScanner::Token::end) token = scan.next();
    if (token == JsonScanner::Token::end) return {};
    return scan.too_deep() ? std::string(output::too_deep) : output::json_syntax_error(json);
}

}  // namespace

struct Schema::Parts {
    FirstError errors;
    pb::compiler::DiskSourceTree tree;
    // google/protobuf/timestamp.proto and others are in libprotobuf; the files of its development package may be missing.
    pb::DescriptorPoolDatabase built_in{*pb::DescriptorPool::generated_pool()};
    pb::compiler::SourceTreeDescriptorDatabase files{&tree, &built_in};
    pb::DescriptorPool pool{&files, files.GetValidationErrorCollector()};
    pb::DynamicMessageFactory factory;
    std::unique_ptr<pb::Message> message;  // of the type of the payloads
    std::unique_ptr<pb::util::TypeResolver> resolver;
    std::string url;
    bool exceeds_json = false;
};

Schema::Schema() : parts_(std::make_unique<Parts>()) {}
Schema::~Schema() = default;

std::expected<void, std::string> Schema::open(std::string_view file, std::string_view message) {
    Parts& parts = *parts_;
    const std::filesystem::path path(file);
    const std::string directory = path.parent_path().empty() ? "." : path.parent_path().string();
    parts.tree.MapPath("", directory);
    parts.files.RecordErrorsTo(&parts.errors);
    const pb::FileDescriptor* const imported = parts.pool.FindFileByName(path.filename().string());
    if (imported == nullptr)
        return std::unexpected("cannot read " + std::string(file) + ": " + parts.errors.text());
    const pb::Descriptor* const type = parts.pool.FindMessageTypeByName(std::string(message));
    if (type == nullptr) {
        std::string known;
        for (int i = 0; i < imported->message_type_count(); ++i)
            known.append(i == 0 ? "" : ", ").append(imported->message_type(i)->full_name());
        return std::unexpected(std::string(file) + " has no message " + std::string(message) + " (it has " +
                               known + ")");
    }
    parts.message.reset(parts.factory.GetPrototype(type)->New());
    parts.resolver.reset(pb::util::NewTypeResolverForDescriptorPool(type_prefix, &parts.pool));
    parts.url = std::string(type_prefix).append("/").append(type->full_name());
    std::set<const pb::Descriptor*> seen;
    parts.exceeds_json = exceeds_json(parts.pool, *type, seen);
    return {};
}

std::expected<std::string, std::string> Schema::decode(Bytes payload, std::string_view& lost) {
    pb::Message& message = *parts_->message;
    const bool parsed = message.ParseFromArray(payload.data(), static_cast<int>(payload.size()));
    if (!parsed) return std::unexpected(wire_error(payload, message));
    std::string bytes = serialize(message);
    const std::size_t size = bytes.size();
    message.DiscardUnknownFields();
    const bool unknown = message.ByteSizeLong() != size;
    if (unknown) bytes = serialize(message);
    lost = unknown ? "it has fields that the message does not define: left out" : "";
    std::string json;
    pb::util::JsonPrintOptions options;
    options.preserve_proto_field_names = true;
    const auto status =
        pb::util::BinaryToJsonString(parts_->resolver.get(), parts_->url, bytes, &json, options);
    message.Clear();
    if (!status.ok())
        return std::unexpected("it cannot be written as JSON: " + std::string(status.message()));
    if (!is_utf8(json)) return std::unexpected(std::string("it has text that is not UTF-8"));
    if (parts_->exceeds_json && lost.empty() && encode(json) != bytes)
        lost = "it has groups, extensions or text that JSON cannot express: left out";
    return json;
}

std::expected<std::string, std::string> Schema::encode(std::string_view json) {
    // libprotobuf reads more than JSON, and reports no position.
    if (auto error = syntax_error(json); !error.empty()) return std::unexpected(std::move(error));
    std::string bytes;
    const auto status = pb::util::JsonToBinaryString(parts_->resolver.get(), parts_->url,
                                                     std::string(without_byte_order_mark(json)), &bytes, {});
    // The text is quoted below the first line.
    const std::string why(status.message());
    if (!status.ok())
        return std::unexpected("in the JSON" + std::string(why.starts_with(':') ? "" : ": ") +
                               why.substr(0, why.find('\n')));
    // As other programs write it: the conversion does not pack repeated fields.
    pb::Message& message = *parts_->message;
    if (!message.ParseFromString(bytes)) return std::unexpected(wire_error(as_bytes(bytes), message));
    bytes = serialize(message);
    message.Clear();
    return bytes;
}

}  // namespace mqttc::protobuf

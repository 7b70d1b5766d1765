// --save: writes each message to a file whose name is made of a template in the language of -F.
#pragma once

#include <expected>
#include <memory>
#include <string>
#include <string_view>

#include "base/descriptor.hpp"
#include "format.hpp"
#include "message_sink.hpp"
#include "messages.hpp"

namespace mqttc::sub {

class FileSink final : public output::MessageSink {
  public:
    /// Error: the template is wrong; one line for the user. `messages` must outlive the sink.
    static std::expected<std::unique_ptr<output::MessageSink>, std::string> make(std::string_view text,
                                                                                 app::Messages& messages);

    /// Creates the directory before the template's first sequence. All files will be below it.
    std::expected<void, std::string> start() override;
    bool take(const Publish& message) override;
    int exit_code() const override;

  private:
    FileSink(std::string_view directory, output::Format name, app::Messages& messages);

    int save(std::string_view path, Bytes payload);
    bool enter(std::string_view directories);
    void choose_temporary();
    Descriptor open_temporary();
    int write(std::string_view name, Bytes payload);
    bool not_saved(const Publish& message, std::string_view why);

    std::string directory_;  // with the slash at its end; empty: the working directory
    output::Format name_;
    app::Messages& messages_;
    Descriptor base_;
    Descriptor here_;        // the directory of the last file
    std::string path_;       // its path below base_
    std::string temporary_;  // the name of a file that is not complete
    bool some_not_saved_ = false;
};

}  // namespace mqttc::sub

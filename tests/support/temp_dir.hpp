// A directory for one test, removed with its contents at the end.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace mqttc::test {

class TempDir {
  public:
    // Aborts the test program when it cannot be created.
    TempDir();
    ~TempDir();
    TempDir(const TempDir&) = delete;
    TempDir& operator=(const TempDir&) = delete;

    const std::filesystem::path& path() const { return path_; }

    // The path of `name` in the directory, whether or not it exists.
    std::string file(std::string_view name) const { return (path_ / name).string(); }

    // Writes `content` to `name` and returns its path.
    std::string write(std::string_view name, std::string_view content) const;

  private:
    std::filesystem::path path_;
};

// The whole content of a file; empty when it cannot be read.
std::string read_file(const std::filesystem::path& path);

}  // namespace mqttc::test

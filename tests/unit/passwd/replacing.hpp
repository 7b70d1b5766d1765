// Replacing files in tests.
#pragma once

#include <doctest/doctest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "file_replace.hpp"
#include "support/temp_dir.hpp"

namespace mqttc::test {

using Missing = passwd::FileReplacement::Missing;

inline constexpr uid_t nobody = 65534;

inline void give_away(const std::string& path, uid_t user = nobody) {
    REQUIRE(::lchown(path.c_str(), user, static_cast<gid_t>(-1)) == 0);
}

inline std::vector<std::string> names_in(const TempDir& dir) {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(dir.path()))
        names.push_back(entry.path().filename());
    std::ranges::sort(names);
    return names;
}

inline passwd::FileReplacement begun(const std::string& path, Missing missing = Missing::refuse) {
    auto file = passwd::FileReplacement::begin(path, missing);
    if (!file) FAIL(file.error().text);
    return std::move(*file);
}

inline void replace(const std::string& path, std::string_view content, Missing missing = Missing::refuse) {
    auto file = begun(path, missing);
    const std::vector<std::string_view> pieces = {content.substr(0, content.size() / 2), "",
                                                  content.substr(content.size() / 2)};
    const auto done = file.commit(pieces);
    if (!done) FAIL(done.error().text);
}

}  // namespace mqttc::test

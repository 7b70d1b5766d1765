// Where modules are looked for, and which of them are trusted.
#include "base/module.hpp"

#include <dlfcn.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <climits>
#include <cstdlib>
#include <string_view>
#include <vector>

namespace mqttc {
namespace {

std::string program_directory() {
    std::array<char, PATH_MAX> path{};
    const auto length = ::readlink("/proc/self/exe", path.data(), path.size());
    if (length <= 0) return {};
    const std::string_view program(path.data(), static_cast<std::size_t>(length));
    return std::string(program.substr(0, program.rfind('/')));
}

// The directory of libmqttc.so; empty in a program that is linked with the static library.
std::string library_directory() {
    Dl_info info{};
    if (::dladdr(reinterpret_cast<void*>(&program_directory), &info) == 0 || info.dli_fname == nullptr)
        return {};
    const std::string_view file(info.dli_fname);
    const auto name = file.rfind("/libmqttc.so");
    return name == std::string_view::npos ? std::string() : std::string(file.substr(0, name));
}

std::vector<std::string> places(const ModuleName& name) {
    const std::string file = std::string("/mqttc/").append(name.file);
    const std::string installed = std::string(MQTTC_INSTALLED_LIBDIR).append(file);
    // A program with more rights than its caller trusts no path that the caller controls.
    if (::getauxval(AT_SECURE) != 0) return {installed};
    if (const char* chosen = std::getenv(name.environment); chosen != nullptr && *chosen != '\0') {
        // Without a slash dlopen() would look for it elsewhere.
        return {std::string(chosen).contains('/') ? chosen : std::string("./").append(chosen)};
    }
    std::vector<std::string> all;
    if (const std::string library = library_directory(); !library.empty()) {
        all.push_back(std::string(library).append(file));
    }
    const std::string directory = program_directory();
    for (const char* relative : {"/../lib", "/../" MQTTC_LIBDIR})
        all.push_back(std::string(directory).append(relative).append(file));
    all.push_back(installed);
    return all;
}

// Whether only root and this user can change what the path names.
bool is_trusted(const std::string& path) {
    struct stat status{};
    if (::stat(path.c_str(), &status) != 0) return false;
    const bool owned = status.st_uid == 0 || status.st_uid == ::geteuid();
    const bool own_group = status.st_gid == 0 || status.st_gid == ::getegid();
    return owned && (status.st_mode & S_IWOTH) == 0 && (own_group || (status.st_mode & S_IWGRP) == 0);
}

}  // namespace

std::expected<void*, std::string> load_module(const ModuleName& name, const char* entry) {
    const std::string title = std::string(name.title).append(" ");
    const auto tried = places(name);
    for (const auto& path : tried) {
        if (::access(path.c_str(), F_OK) != 0) continue;
        for (const std::string& place : {path.substr(0, path.rfind('/') + 1), path}) {
            if (is_trusted(place)) continue;
            return std::unexpected(title + path + " is not loaded: other users can change " + place +
                                   " (it must belong to root or to you, and no other user may write it)");
        }
        void* module = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
        if (module == nullptr)
            return std::unexpected(title + "cannot be loaded (" + ::dlerror() + "): reinstall " +
                                   name.package);
        void* symbol = ::dlsym(module, entry);
        if (symbol == nullptr)
            return std::unexpected(title + path + " has no entry point: reinstall " + name.package);
        return symbol;
    }
    return std::unexpected(title + tried.back() + " not found: it is in the package " + name.package + " (" +
                           name.environment + " may name it)");
}

}  // namespace mqttc

// Where the TLS module is searched, and the call into it.
#include "tls_factory.hpp"

#include <dlfcn.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <climits>
#include <cstdlib>
#include <string_view>
#include <vector>

namespace mqttc::net {

namespace {

constexpr std::string_view module_file = "/mqttc/mqttc-tls.so";

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

std::vector<std::string> places() {
    const std::string installed = std::string(MQTTC_INSTALLED_LIBDIR).append(module_file);
    // A program with more rights than its caller trusts no path that the caller controls.
    if (::getauxval(AT_SECURE) != 0) return {installed};
    if (const char* chosen = std::getenv("MQTTC_TLS_MODULE"); chosen != nullptr) return {chosen};
    std::vector<std::string> all;
    if (const std::string library = library_directory(); !library.empty()) {
        all.push_back(std::string(library).append(module_file));
    }
    const std::string directory = program_directory();
    for (const char* relative : {"/../lib", "/../" MQTTC_LIBDIR})
        all.push_back(std::string(directory).append(relative).append(module_file));
    all.push_back(installed);
    return all;
}

std::unexpected<Error> no_module(const std::string& why) {
    return std::unexpected(Error{ErrorCode::tls_config, 0, "TLS module " + why + ": reinstall mqttc"});
}

// Whether only root and this user can change what the path names.
bool is_trusted(const std::string& path) {
    struct stat status{};
    if (::stat(path.c_str(), &status) != 0) return false;
    const bool owned = status.st_uid == 0 || status.st_uid == ::geteuid();
    const bool own_group = status.st_gid == 0 || status.st_gid == ::getegid();
    return owned && (status.st_mode & S_IWOTH) == 0 && (own_group || (status.st_mode & S_IWGRP) == 0);
}

std::expected<TlsModuleOpen*, Error> open_module() {
    const auto tried = places();
    for (const auto& path : tried) {
        if (::access(path.c_str(), F_OK) != 0) continue;
        const std::string directory = path.substr(0, path.rfind('/') + 1);
        for (const std::string& place : {directory.empty() ? std::string(".") : directory, path}) {
            if (is_trusted(place)) continue;
            return std::unexpected(
                Error{ErrorCode::tls_config, 0,
                      "TLS module " + path + " is not loaded: other users can change " + place +
                          " (it must belong to root or to you, and no other user may write it)"});
        }
        void* module = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
        if (module == nullptr) return no_module("cannot be loaded (" + std::string(::dlerror()) + ")");
        void* symbol = ::dlsym(module, tls_module_symbol);
        if (symbol == nullptr) return no_module(path + " has no entry point");
        return reinterpret_cast<TlsModuleOpen*>(symbol);
    }
    return std::unexpected(Error{ErrorCode::tls_config, 0,
                                 "TLS module " + tried.back() +
                                     " not found: it is in the package libmqttc" MQTTC_ABI_VERSION
                                     " (MQTTC_TLS_MODULE may name it)"});
}

}  // namespace

TlsResult load_tls(const TlsOptions& options, Time pipe_deadline) {
    // The module stays: OpenSSL does not like to be unloaded, and the next connection needs it again.
    static const auto open = open_module();
    if (!open) return std::unexpected(open.error());
    TlsResult result;
    if (!(*open)(tls_module_abi, options, pipe_deadline, result)) return no_module("is of another version");
    return result;
}

}  // namespace mqttc::net

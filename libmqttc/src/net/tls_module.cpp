// The program's side of the TLS module: it is loaded when it is first needed, so that a plain connection never maps
// OpenSSL.
#include "tls_module.hpp"

#include "base/module.hpp"

namespace mqttc::net {

namespace {

constexpr ModuleName tls_module{.title = "TLS module",
                                .file = "mqttc-tls.so",
                                .environment = "MQTTC_TLS_MODULE",
                                .package = "libmqttc" MQTTC_ABI_VERSION};

std::expected<TlsModuleOpen*, Error> open_module() {
    const auto entry = load_module(tls_module, tls_module_symbol);
    if (!entry) return std::unexpected(Error{ErrorCode::tls_config, 0, entry.error()});
    return reinterpret_cast<TlsModuleOpen*>(*entry);
}

}  // namespace

TlsResult load_tls(const TlsOptions& options, Time pipe_deadline) {
    // The module stays: OpenSSL cannot be unloaded safely, and the next connection needs it again.
    static const auto open = open_module();
    if (!open) return std::unexpected(open.error());
    TlsResult result;
    if (!(*open)(tls_module_abi, options, pipe_deadline, result))
        return std::unexpected(
            Error{ErrorCode::tls_config, 0,
                  "the TLS module is of another version than this program: reinstall mqttc"});
    return result;
}

}  // namespace mqttc::net

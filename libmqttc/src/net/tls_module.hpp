// The boundary between a program and the module mqttc-tls.so, which alone knows OpenSSL.
//
// Objects cross it, but only what both copies of libstdc++ treat alike: plain data, memory of one
// operator new (mqttc-tls.map), and virtual calls. No exception, no type_info and no std::error_category crosses.
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <string>

#include "mqttc/endpoint.hpp"
#include "mqttc/error.hpp"
#include "stream.hpp"

namespace mqttc::net {

/// The server of a TLS stream.
struct TlsPeer {
    std::string host;    ///< what the certificate must be for: a name or an address
    std::string target;  ///< for messages: "broker.example:8883"
};

/// TLS as a client with certificates, keys and settings loaded; makes any number of streams, which may
/// outlive it.
class MQTTC_API TlsContext {
  public:
    TlsContext() = default;
    virtual ~TlsContext() = default;
    TlsContext(const TlsContext&) = delete;
    TlsContext& operator=(const TlsContext&) = delete;

    /// TLS over `lower`. Errors: tls_config, out_of_memory.
    virtual std::expected<StreamPtr, Error> wrap(StreamPtr lower, TlsPeer peer) = 0;
};

using TlsContextPtr = std::unique_ptr<TlsContext>;
using TlsResult = std::expected<TlsContextPtr, Error>;

/// Changes with every type that crosses; the sizes catch a change that was not counted here.
inline constexpr std::uint64_t tls_module_revision = 4;
inline constexpr std::uint64_t tls_module_abi =
    ((((tls_module_revision * 1009 + sizeof(TlsOptions)) * 1009 + sizeof(Error)) * 1009 + sizeof(TlsPeer)) *
         1009 +
     sizeof(TlsResult)) *
        1009 +
    sizeof(std::expected<IoResult, Error>);

/// The module's only symbol. Waits for the content of pipes until `pipe_deadline`. Writes its answer to `result` and
/// returns true; false: the module is of another version (then `result` is untouched).
using TlsModuleOpen = bool(std::uint64_t abi, const TlsOptions& options, Time pipe_deadline,
                           TlsResult& result);
inline constexpr const char* tls_module_symbol = "mqttc_tls_open";

/// In the program: loads the module, certificates, keys and settings. Errors: tls_config (a file or setting that cannot be
/// used, or the module itself is missing, or a pipe has not given its content at `pipe_deadline`).
TlsResult load_tls(const TlsOptions& options, Time pipe_deadline);

}  // namespace mqttc::net

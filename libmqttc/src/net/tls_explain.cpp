// Failed handshakes in words.
#include "tls_explain.hpp"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <arpa/inet.h>

#include <ctime>

#include "base/escape.hpp"
#include "base/text.hpp"
#include "tls_tpm.hpp"

namespace mqttc::net {

namespace {

// More names than this would not fit a line.
constexpr int max_names = 6;
constexpr std::size_t max_name_length = 255;

std::string name_text(const X509_NAME* name) {
    if (name == nullptr || X509_NAME_entry_count(name) == 0) return "no name";
    const int common = X509_NAME_get_index_by_NID(name, NID_commonName, -1);
    if (common >= 0) {
        const auto* value = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, common));
        return "CN=" + escape_controls({reinterpret_cast<const char*>(ASN1_STRING_get0_data(value)),
                                        static_cast<std::size_t>(ASN1_STRING_length(value))},
                                       max_name_length);
    }
    std::string text(max_name_length, '\0');
    if (X509_NAME_oneline(name, text.data(), static_cast<int>(text.size())) == nullptr) return "?";
    return escape_controls(text.c_str());
}

std::string date_text(const ASN1_TIME* time) {
    std::tm date{};
    if (time == nullptr || ASN1_TIME_to_tm(time, &date) != 1) return "an unreadable date";
    char text[32];
    return {text, std::strftime(text, sizeof text, "%Y-%m-%d", &date)};
}

std::string address_text(const ASN1_OCTET_STRING* address) {
    char text[INET6_ADDRSTRLEN] = "?";
    const int length = ASN1_STRING_length(address);
    if (length == 4) inet_ntop(AF_INET, ASN1_STRING_get0_data(address), text, sizeof text);
    if (length == 16) inet_ntop(AF_INET6, ASN1_STRING_get0_data(address), text, sizeof text);
    return text;
}

std::string names_of(const X509* certificate) {
    auto* names =
        static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
    std::string list;
    const int count = sk_GENERAL_NAME_num(names);
    int shown = 0;
    for (int i = 0; i < count; ++i) {
        const GENERAL_NAME* name = sk_GENERAL_NAME_value(names, i);
        if (name->type != GEN_DNS && name->type != GEN_IPADD) continue;
        if (++shown > max_names) {
            list += ", …";
            break;
        }
        if (!list.empty()) list += ", ";
        if (name->type == GEN_IPADD) {
            list += address_text(name->d.iPAddress);
        } else {
            list += escape_controls({reinterpret_cast<const char*>(ASN1_STRING_get0_data(name->d.dNSName)),
                                     static_cast<std::size_t>(ASN1_STRING_length(name->d.dNSName))},
                                    max_name_length);
        }
    }
    GENERAL_NAMES_free(names);
    return list;
}

// What failed, and what may remedy it.
struct Cause {
    std::string text;
    Hint hint = Hint::none;
};

std::string which_certificate(const VerifyFailure& failure) {
    return failure.depth == 0 ? "the certificate" : "the certificate of the issuer";
}

Cause untrusted(std::string text, const HandshakeContext& handshake_context) {
    const TlsOptions& options = handshake_context.options;
    const bool own_anchors = !options.ca_file.empty() || !options.ca_path.empty();
    return {std::move(text), own_anchors ? Hint::wrong_ca : Hint::ca_file};
}

Cause psk_rejected() {
    return {"the server does not accept the pre-shared key", Hint::psk};
}

Cause no_common_version(const HandshakeContext& handshake_context) {
    const std::string text = "the server has no TLS version in common with us";
    if (handshake_context.options.minimum > TlsVersion::v1_2) return {text, Hint::tls_version};
    return {text + " (TLS 1.2 or 1.3 is required; older versions are insecure)"};
}

Cause certificate_required() {
    return {"the server requires a client certificate", Hint::client_certificate};
}

Cause explain_alert(int alert, const HandshakeContext& handshake_context) {
    const std::string own = "the server rejects our certificate: ";
    switch (alert) {
        case SSL_AD_HANDSHAKE_FAILURE:
        case SSL_AD_INSUFFICIENT_SECURITY:
            if (handshake_context.psk()) return psk_rejected();
            return {
                "the server refuses the handshake: no cipher in common, or it requires a pre-shared key or a "
                "client certificate",
                Hint::tls_settings};
        case SSL_AD_PROTOCOL_VERSION:
            return no_common_version(handshake_context);
        case SSL_AD_CERTIFICATE_REQUIRED:
            return certificate_required();
        case SSL_AD_BAD_CERTIFICATE:
        case SSL_AD_UNSUPPORTED_CERTIFICATE:
        case SSL_AD_CERTIFICATE_UNKNOWN:
            if (handshake_context.options.cert_file.empty()) return certificate_required();
            return {own + "it is invalid"};
        case SSL_AD_CERTIFICATE_REVOKED:
            return {own + "it has been revoked"};
        case SSL_AD_CERTIFICATE_EXPIRED:
            return {own + "it has expired"};
        case SSL_AD_UNKNOWN_CA:
            return {own + "its issuer is unknown to the server"};
        case SSL_AD_ACCESS_DENIED:
            return {"the server denies access"};
        case SSL_AD_UNRECOGNIZED_NAME:
            return {"the server knows no host named " + handshake_context.peer.host};
        case SSL_AD_NO_APPLICATION_PROTOCOL:
            return {"the server does not accept the application protocol", Hint::alpn};
        case SSL_AD_UNKNOWN_PSK_IDENTITY:
            return psk_rejected();
        case SSL_AD_BAD_RECORD_MAC:
        case SSL_AD_DECRYPT_ERROR:
        case SSL_AD_ILLEGAL_PARAMETER:
            if (handshake_context.psk()) return psk_rejected();
            break;
        default:
            break;
    }
    return {std::string("the server refuses the handshake: ") + SSL_alert_desc_string_long(alert)};
}

Cause explain_verify_failure(const HandshakeContext& handshake_context) {
    const VerifyFailure& it = handshake_context.verify_failure;
    switch (it.code) {
        case X509_V_ERR_CERT_HAS_EXPIRED:
            return {which_certificate(it) + " expired on " + it.not_after + " (" + it.subject + ")"};
        case X509_V_ERR_CERT_NOT_YET_VALID:
            return {which_certificate(it) + " is not valid before " + it.not_before + " (" + it.subject +
                    "; is this machine's clock right?)"};
        case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
            return untrusted("the certificate is self-signed and not trusted: " + it.subject,
                             handshake_context);
        case X509_V_ERR_EE_KEY_TOO_SMALL:
        case X509_V_ERR_CA_KEY_TOO_SMALL:
        case X509_V_ERR_CA_MD_TOO_WEAK:
            return {which_certificate(it) + " has a key or signature that is too weak (" + it.subject + ")",
                    Hint::weak_key};
        case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
        case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
        case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
        case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
            return untrusted(
                "the certificate's issuer is not trusted: " + it.issuer +
                    (it.alone ? " (if that is an intermediate CA, the server must send its certificate)"
                              : ""),
                handshake_context);
        case X509_V_ERR_CERT_SIGNATURE_FAILURE:
            return untrusted("the certificate's signature is not its issuer's: " + it.issuer,
                             handshake_context);
        case X509_V_ERR_HOSTNAME_MISMATCH:
        case X509_V_ERR_IP_ADDRESS_MISMATCH:
            return {"the certificate is for " + (it.names.empty() ? it.subject : it.names) + ", not for " +
                    handshake_context.peer.host + " (is the host right?)"};
        case X509_V_ERR_CERT_REVOKED:
            return {which_certificate(it) + " has been revoked (" + it.subject + ")"};
        case X509_V_ERR_UNABLE_TO_GET_CRL:
            return {"there is no revocation list (CRL) of " + it.issuer, Hint::crl_file};
        case X509_V_ERR_CRL_HAS_EXPIRED:
            return {"the revocation list (CRL) of " + it.issuer + " is out of date", Hint::crl_file};
        default:
            return {which_certificate(it) + " is not accepted: " + X509_verify_cert_error_string(it.code) +
                    " (" + it.subject + ")"};
    }
}

Cause explain_library(unsigned long code, bool handshake, const HandshakeContext& handshake_context) {
    const int reason = ERR_GET_REASON(code);
    if (ERR_GET_LIB(code) == ERR_LIB_SSL) {
        if (reason > SSL_AD_REASON_OFFSET && reason <= SSL_AD_REASON_OFFSET + 255) {
            return explain_alert(reason - SSL_AD_REASON_OFFSET, handshake_context);
        }
        switch (reason) {
            case SSL_R_CERTIFICATE_VERIFY_FAILED:
                return handshake_context.psk() ? psk_rejected() : explain_verify_failure(handshake_context);
            case SSL_R_INVALID_STATUS_RESPONSE:
                return {handshake_context.ocsp_failure};
            case SSL_R_WRONG_VERSION_NUMBER:
            case SSL_R_HTTP_REQUEST:
            case SSL_R_HTTPS_PROXY_REQUEST:
            case SSL_R_PACKET_LENGTH_TOO_LONG:
            case SSL_R_UNEXPECTED_MESSAGE:
            case SSL_R_BAD_RECORD_TYPE:
                if (handshake)
                    return {"the server does not speak TLS on this port (is the port right? 8883 is usual)"};
                break;
            case SSL_R_UNSUPPORTED_PROTOCOL:
            case SSL_R_VERSION_TOO_LOW:
            case SSL_R_NO_PROTOCOLS_AVAILABLE:
                return no_common_version(handshake_context);
            case SSL_R_NO_SHARED_CIPHER:
            case SSL_R_NO_CIPHERS_AVAILABLE:
            case SSL_R_NO_CIPHER_MATCH:
                return {"no cipher in common with the server", Hint::ciphers};
            case ERR_R_EVP_LIB:
                if (tpm_uri(handshake_context.options) == &handshake_context.options.key_file)
                    return {
                        "the TPM refuses to sign: the key's password is missing or wrong, or the TPM is "
                        "locked after too many wrong ones",
                        Hint::key_passphrase};
                break;
            case SSL_R_DH_KEY_TOO_SMALL:
            case SSL_R_EE_KEY_TOO_SMALL:
            case SSL_R_CA_KEY_TOO_SMALL:
            case SSL_R_CA_MD_TOO_WEAK:
                return {"the server's key or certificate is too weak", Hint::weak_key};
            default:
                break;
        }
    }
    const char* text = ERR_reason_error_string(code);
    if (text == nullptr) text = "an error of the TLS library";
    return {(handshake ? "the TLS handshake failed: " : "TLS failed: ") + std::string(text)};
}

}  // namespace

VerifyFailure describe_failure(X509_STORE_CTX* verification) {
    VerifyFailure failure;
    failure.code = X509_STORE_CTX_get_error(verification);
    failure.depth = X509_STORE_CTX_get_error_depth(verification);
    const X509* certificate = X509_STORE_CTX_get_current_cert(verification);
    if (certificate == nullptr) return failure;
    failure.subject = name_text(X509_get_subject_name(certificate));
    failure.issuer = name_text(X509_get_issuer_name(certificate));
    failure.not_before = date_text(X509_get0_notBefore(certificate));
    failure.not_after = date_text(X509_get0_notAfter(certificate));
    failure.names = names_of(certificate);
    failure.alone = failure.depth == 0 && sk_X509_num(X509_STORE_CTX_get0_untrusted(verification)) <= 1;
    return failure;
}

Error explain_failure(const TlsFailure& failure, const HandshakeContext& handshake_context) {
    // In the handshake this is all that is said; later the client adds where and what.
    const std::string tried =
        failure.handshake ? "cannot connect to " + handshake_context.peer.target + ": " : "";
    switch (failure.kind) {
        case TlsFailure::Kind::lower: {
            Error error = failure.lower;
            if (!failure.handshake || error.code != ErrorCode::connection_lost) return error;
            return {
                ErrorCode::tls_failed, error.reason,
                tried + error.context +
                    (failure.answered ? " in the TLS handshake"
                                      : " in the TLS handshake (does the server speak TLS on this port?)")};
        }
        case TlsFailure::Kind::ended:
            if (!failure.handshake) {
                return {ErrorCode::closed_by_peer, 0, "the server closed the connection"};
            }
            return {ErrorCode::tls_failed, 0,
                    tried + "the server closed the connection in the TLS handshake" +
                        (failure.answered ? "" : " (does it speak TLS on this port?)")};
        case TlsFailure::Kind::library:
            break;
    }
    // The newest error is what TLS made of older ones ("EVP lib" below "certificate verify failed").
    const unsigned long newest = ERR_peek_last_error();
    const unsigned long code = ERR_GET_LIB(newest) == ERR_LIB_SSL ? newest : ERR_peek_error();
    ERR_clear_error();
    auto cause = explain_library(code, failure.handshake, handshake_context);
    return {ErrorCode::tls_failed, 0, tried + cause.text, cause.hint};
}

std::string queue_reason() {
    const unsigned long code = ERR_get_error();
    ERR_clear_error();
    if (ERR_SYSTEM_ERROR(code)) return errno_text(ERR_GET_REASON(code));
    const char* text = ERR_reason_error_string(code);
    return text == nullptr ? "unknown reason" : text;
}

}  // namespace mqttc::net

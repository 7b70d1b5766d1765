// OCSP stapling: RFC 6066 section 8, RFC 6960.
#include <openssl/err.h>
#include <openssl/ocsp.h>

#include <memory>
#include <new>
#include <string>

#include "tls_files.hpp"

namespace mqttc::net {
namespace {

using ResponsePtr = std::unique_ptr<OCSP_RESPONSE, FreeWith<OCSP_RESPONSE_free>>;
using BasicPtr = std::unique_ptr<OCSP_BASICRESP, FreeWith<OCSP_BASICRESP_free>>;
using IdPtr = std::unique_ptr<OCSP_CERTID, FreeWith<OCSP_CERTID_free>>;

// How far the clocks of the responder and this machine may differ.
constexpr long clock_skew_seconds = 300;

// Empty: the response says that the certificate is good.
std::string response_failure(SSL* ssl) {
    const unsigned char* bytes = nullptr;
    const long size = SSL_get_tlsext_status_ocsp_resp(ssl, static_cast<void*>(&bytes));
    if (size <= 0 || bytes == nullptr) return "the server sent no OCSP response for its certificate";
    const ResponsePtr response(d2i_OCSP_RESPONSE(nullptr, &bytes, size));
    if (!response) return "the server's OCSP response is unreadable";
    if (const int status = OCSP_response_status(response.get()); status != OCSP_RESPONSE_STATUS_SUCCESSFUL)
        return std::string("the OCSP responder reports: ") + OCSP_response_status_str(status);
    const BasicPtr basic(OCSP_response_get1_basic(response.get()));
    STACK_OF(X509)* chain = SSL_get0_verified_chain(ssl);
    if (!basic || chain == nullptr) return "the server's OCSP response is unreadable";
    X509_STORE* store = SSL_CTX_get_cert_store(SSL_get_SSL_CTX(ssl));
    if (OCSP_basic_verify(basic.get(), chain, store, 0) != 1)
        return "the server's OCSP response is not signed by the certificate's issuer";
    if (sk_X509_num(chain) < 2) return "the certificate's issuer is unknown, so that OCSP cannot be checked";
    X509* certificate = sk_X509_value(chain, 0);
    X509* issuer = sk_X509_value(chain, 1);
    for (const EVP_MD* hash : {EVP_sha1(), EVP_sha256()}) {
        const IdPtr id(OCSP_cert_to_id(hash, certificate, issuer));
        int status = 0;
        int reason = 0;
        ASN1_GENERALIZEDTIME* revoked = nullptr;
        ASN1_GENERALIZEDTIME* from = nullptr;
        ASN1_GENERALIZEDTIME* until = nullptr;
        if (!id ||
            OCSP_resp_find_status(basic.get(), id.get(), &status, &reason, &revoked, &from, &until) != 1)
            continue;
        // Without a next update the responder always has newer information (RFC 6960, section 4.2.2.1).
        constexpr long max_age_seconds = 24L * 60 * 60;
        if (OCSP_check_validity(from, until, clock_skew_seconds, until == nullptr ? max_age_seconds : -1) !=
            1)
            return "the server's OCSP response is out of date";
        if (status == V_OCSP_CERTSTATUS_GOOD) return {};
        if (status == V_OCSP_CERTSTATUS_REVOKED) return "the certificate has been revoked (OCSP)";
        return "the OCSP responder does not know the certificate";
    }
    return "the server's OCSP response is for another certificate";
}

int check_response(SSL* ssl, void*) {
    try {
        std::string& found = user_data(ssl).handshake_context.ocsp_failure;
        found = response_failure(ssl);
        ERR_clear_error();
        return found.empty() ? 1 : 0;
    } catch (const std::bad_alloc&) {
        return -1;
    }
}

}  // namespace

void require_stapled_response(SSL_CTX* context) {
    SSL_CTX_set_tlsext_status_type(context, TLSEXT_STATUSTYPE_ocsp);
    SSL_CTX_set_tlsext_status_cb(context, check_response);
}

}  // namespace mqttc::net

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Seals: Ed25519 signatures, each by another key. This file checks them; it does not sign. */
#include "audit-internal.h"

#include <errno.h>
#include <inttypes.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <string.h>

#define KEY_SIZE 32
#define SIG_SIZE 64

static EVP_PKEY *pkey_free(EVP_PKEY *k)
{
        EVP_PKEY_free(k);
        return NULL;
}

static EVP_MD_CTX *md_ctx_free(EVP_MD_CTX *c)
{
        EVP_MD_CTX_free(c);
        return NULL;
}

DEFINE_TRIVIAL_CLEANUP_FUNC(EVP_PKEY *, pkey_free)
DEFINE_TRIVIAL_CLEANUP_FUNC(EVP_MD_CTX *, md_ctx_free)

bool audit_is_hex(const char *s, size_t digits)
{
        return s && strlen(s) == digits && strspn(s, "0123456789abcdef") == digits;
}

static unsigned nibble(char c)
{
        return c <= '9' ? (unsigned)(c - '0') : (unsigned)(c - 'a') + 10;
}

void audit_unhex(const char *s, size_t size, unsigned char *ret)
{
        for (size_t i = 0; i < size; i++)
                ret[i] = (unsigned char)(nibble(s[2 * i]) << 4 | nibble(s[2 * i + 1]));
}

bool audit_crypto_no_memory(void)
{
        return ERR_GET_REASON(ERR_peek_error()) == ERR_R_MALLOC_FAILURE ||
               ERR_GET_REASON(ERR_peek_last_error()) == ERR_R_MALLOC_FAILURE;
}

/* 1: the signature is right, 0: it is not, or -ENOMEM. */
static int signature_holds(const char *public_hex, const char *sig_hex, const char *text, size_t size)
{
        _cleanup_(pkey_freep) EVP_PKEY *key = NULL;
        _cleanup_(md_ctx_freep) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
        unsigned char public[KEY_SIZE], sig[SIG_SIZE];

        audit_unhex(public_hex, sizeof(public), public);
        audit_unhex(sig_hex, sizeof(sig), sig);
        ERR_clear_error();
        /* Any 32 bytes are a key, so that this can fail for lack of memory only. */
        key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, public, sizeof(public));
        if (!key || !ctx || EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, key) != 1)
                return -ENOMEM;
        if (EVP_DigestVerify(ctx, sig, sizeof(sig), (const unsigned char *)text, size) == 1)
                return 1;
        return audit_crypto_no_memory() ? -ENOMEM : 0;
}

static bool is_printable(const char *s)
{
        for (; *s; s++)
                if (*s < 0x20 || *s > 0x7e)
                        return false;
        return true;
}

int audit_seal_check(const json_t *record, uint64_t number, const char *expected_public, struct audit_why *why)
{
        const json_t *data = json_object_get(record, "data");
        const json_t *key = json_object_get(data, "key");
        const char *public = json_string_value(json_object_get(data, "public"));
        const char *next = json_string_value(json_object_get(data, "next"));
        const char *nonce = json_string_value(json_object_get(data, "nonce"));
        const char *sig = json_string_value(json_object_get(data, "sig"));
        _cleanup_free_ char *text = NULL;
        int size, r;

        if (!json_is_integer(key) || !audit_is_hex(public, AUDIT_HEX) || !audit_is_hex(next, AUDIT_HEX) ||
            !audit_is_hex(sig, 2 * SIG_SIZE) || !nonce || !is_printable(nonce))
                return audit_why(why, "a seal without its key, public, next, nonce and sig");
        if (json_integer_value(key) < 0 || (uint64_t)json_integer_value(key) != number)
                return audit_why(why, "a seal by key %" JSON_INTEGER_FORMAT " where key %" PRIu64 " was due",
                                 json_integer_value(key), number);
        if (strcmp(public, expected_public) != 0)
                return audit_why(why, "a seal by another key than the one announced before it");
        if (strcmp(public, next) == 0)
                return audit_why(why, "a seal that announces its own key again");

        /* check_chain() has checked the record's seq and prev. */
        size = asprintf(&text, "tmsd-seal-1\n%" JSON_INTEGER_FORMAT "\n%s\n%" PRIu64 "\n%s\n%s\n%s\n",
                        json_integer_value(json_object_get(record, "seq")),
                        json_string_value(json_object_get(record, "prev")), number, next, nonce,
                        json_string_value(json_object_get(record, "utc")));
        if (size < 0) {
                text = NULL;
                return -ENOMEM;
        }
        r = signature_holds(public, sig, text, (size_t)size);
        if (r == 0)
                return audit_why(why, "a seal whose signature does not hold");
        return r < 0 ? r : 0;
}

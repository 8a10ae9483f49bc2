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

/* Digits and letters come at random, so that a branch on which it is would be foretold wrongly half of the time. */
static unsigned is_nibble(char c)
{
        return ((unsigned)(c - '0') < 10) | ((unsigned)(c - 'a') < 6);
}

bool audit_is_hex(struct record_value v, size_t digits)
{
        unsigned all = 1;

        if (!record_is_string(v) || v.size != digits + 2)
                return false;
        for (size_t i = 1; i <= digits; i++)
                all &= is_nibble(v.text[i]);
        return all;
}

void audit_hex_copy(struct record_value v, char ret[AUDIT_HEX + 1])
{
        assert(v.size == AUDIT_HEX + 2);
        memcpy(ret, v.text + 1, AUDIT_HEX);
        ret[AUDIT_HEX] = 0;
}

static unsigned nibble(char c)
{
        return ((unsigned)c & 0xf) + 9 * ((unsigned)c >> 6);
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

/* A text of printable ASCII characters, of which the quotation mark and the backslash are written with an escape. */
static bool is_printable(struct record_value v)
{
        if (!record_is_string(v))
                return false;
        for (size_t i = 1; i < v.size - 1; i++) {
                if (v.text[i] < 0x20 || v.text[i] > 0x7e)
                        return false;
                if (v.text[i] == '\\' && v.text[++i] != '"' && v.text[i] != '\\')
                        return false;
        }
        return true;
}

static char *copy_text(struct record_value v)
{
        char *s = malloc(v.size);

        if (s)
                record_string_copy(v, s, v.size);
        return s;
}

/* The text that is signed. audit_seal_check() has looked at the record's fields, and check_chain() at its seq and prev. */
static int signed_text(const struct record *record, uint64_t number, const char *next, char **ret, size_t *ret_size)
{
        _cleanup_free_ char *nonce = copy_text(record_data(record, "nonce")), *utc = copy_text(record->utc);
        char prev[AUDIT_HEX + 1];
        int size;

        if (!nonce || !utc)
                return -ENOMEM;
        audit_hex_copy(record->prev, prev);
        size = asprintf(ret, "tmsd-seal-1\n%" PRId64 "\n%s\n%" PRIu64 "\n%s\n%s\n%s\n", record->number, prev, number,
                        next, nonce, utc);
        if (size < 0) {
                *ret = NULL;
                return -ENOMEM;
        }
        *ret_size = (size_t)size;
        return 0;
}

int audit_seal_check(const struct record *record, uint64_t number, const char *expected_public, struct audit_why *why)
{
        struct record_value public_text = record_data(record, "public"), next_text = record_data(record, "next");
        struct record_value sig_text = record_data(record, "sig");
        char public[AUDIT_HEX + 1], next[AUDIT_HEX + 1];
        _cleanup_free_ char *text = NULL;
        size_t size;
        int64_t key;
        int r;

        if (!record_int64(record_data(record, "key"), &key) || !audit_is_hex(public_text, AUDIT_HEX) ||
            !audit_is_hex(next_text, AUDIT_HEX) || !audit_is_hex(sig_text, 2 * SIG_SIZE) ||
            !is_printable(record_data(record, "nonce")))
                return audit_why(why, "a seal without its key, public, next, nonce and sig");
        if (key < 0 || (uint64_t)key != number)
                return audit_why(why, "a seal by key %" PRId64 " where key %" PRIu64 " was due", key, number);
        audit_hex_copy(public_text, public);
        audit_hex_copy(next_text, next);
        if (strcmp(public, expected_public) != 0)
                return audit_why(why, "a seal by another key than the one announced before it");
        if (strcmp(public, next) == 0)
                return audit_why(why, "a seal that announces its own key again");
        r = signed_text(record, number, next, &text, &size);
        if (r >= 0)
                r = signature_holds(public, sig_text.text + 1, text, size);
        if (r == 0)
                return audit_why(why, "a seal whose signature does not hold");
        return r < 0 ? r : 0;
}

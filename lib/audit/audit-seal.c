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
#define NONCE_MAX 128

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

/* A text of at most 128 printable ASCII characters, of which the quotation mark and the backslash are written with an escape. */
static bool is_printable(struct record_value v)
{
        if (!record_is_string(v) || record_string_copy(v, NULL, 0) > NONCE_MAX)
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

/* The text that format 1 signs. audit_seal_check() has looked at the fields, and check_chain() at seq and prev. */
static int signed_text_1(const struct record *record, uint64_t number, const char *next, char **ret, size_t *ret_size)
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

/* The text that format 2 signs: the whole line, in which sig is empty. */
static int signed_text_2(const char *line, size_t size, const char *sig, char **ret, size_t *ret_size)
{
        static const char head[] = "tmsd-seal-2\n";
        const size_t before = (size_t)(sig - line), after = size - before - (size_t)2 * SIG_SIZE;
        char *p = malloc(strlen(head) + before + after);

        if (!p)
                return -ENOMEM;
        *ret = p;
        *ret_size = strlen(head) + before + after;
        p = mempcpy(p, head, strlen(head));
        p = mempcpy(p, line, before);
        memcpy(p, sig + (size_t)2 * SIG_SIZE, after);
        return 0;
}

static int check_form(const struct record *record, unsigned format, struct audit_why *why)
{
        struct record_value checkpoint = record_data(record, "checkpoint");
        int64_t n;

        if (!record_int64(record_data(record, "key"), &n) || !audit_is_hex(record_data(record, "public"), AUDIT_HEX) ||
            !audit_is_hex(record_data(record, "next"), AUDIT_HEX) ||
            !audit_is_hex(record_data(record, "sig"), (size_t)2 * SIG_SIZE) ||
            !is_printable(record_data(record, "nonce")))
                return audit_why(why, "a seal without its key, public, next, nonce and sig");
        if (format == 1)
                return 0;
        if (!record_is_string(record_data(record, "origin")) || !record_int64(record_data(record, "size"), &n) ||
            !audit_is_hex(record_data(record, "root"), AUDIT_HEX) ||
            (checkpoint.text && !audit_is_hex(checkpoint, AUDIT_HEX)))
                return audit_why(why, "a seal without its origin, size and root, or with a checkpoint that is no hash");
        return 0;
}

/* What only format 2 says. */
static int check_tree(const struct record *record, const struct tms_audit_position *at,
                      const unsigned char root[AUDIT_HEX / 2], struct audit_why *why)
{
        char hex[AUDIT_HEX + 1];
        int64_t n = -1;

        if (!record_string_is(record_data(record, "origin"), at->origin))
                return audit_why(why, "a seal of another log: its origin is not %.21s…", at->origin);
        (void)record_int64(record_data(record, "size"), &n);
        if (n < 0 || (uint64_t)n != at->records)
                return audit_why(why, "a seal over %" PRId64 " records, behind %" PRIu64, n, at->records);
        hex_encode(root, AUDIT_HEX / 2, hex);
        if (!record_string_is(record_data(record, "root"), hex))
                return audit_why(why, "a seal whose root is not that of the records before it");
        return 0;
}

int audit_seal_check(const struct record *record, const char *line, size_t size, const struct tms_audit_position *at,
                     const unsigned char root[AUDIT_HEX / 2], struct audit_why *why)
{
        const char *sig = record_data(record, "sig").text;
        char public[AUDIT_HEX + 1], next[AUDIT_HEX + 1];
        _cleanup_free_ char *text = NULL;
        size_t text_size;
        int64_t key;
        int r;

        r = check_form(record, at->format, why);
        if (r < 0)
                return r;
        (void)record_int64(record_data(record, "key"), &key);
        if (key < 0 || (uint64_t)key != at->seals)
                return audit_why(why, "a seal by key %" PRId64 " where key %" PRIu64 " was due", key, at->seals);
        audit_hex_copy(record_data(record, "public"), public);
        audit_hex_copy(record_data(record, "next"), next);
        if (strcmp(public, at->next_public) != 0)
                return audit_why(why, "a seal by another key than the one announced before it");
        if (strcmp(public, next) == 0)
                return audit_why(why, "a seal that announces its own key again");
        r = at->format == 1 ? 0 : check_tree(record, at, root, why);
        if (r < 0)
                return r;
        r = at->format == 1 ? signed_text_1(record, at->seals, next, &text, &text_size)
                            : signed_text_2(line, size, sig + 1, &text, &text_size);
        if (r >= 0)
                r = signature_holds(public, sig + 1, text, text_size);
        if (r == 0)
                return audit_why(why, "a seal whose signature does not hold");
        return r < 0 ? r : 0;
}

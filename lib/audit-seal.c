/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Seals: Ed25519 signatures whose key changes with each, and what can be seen
 * of the keys themselves. Nothing here signs.
 */
#include "audit-internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <string.h>
#include <sys/stat.h>

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

DEFINE_CLEANUP(EVP_PKEY *, pkey_free)
DEFINE_CLEANUP(EVP_MD_CTX *, md_ctx_free)

bool audit_is_hex(const char *s, size_t digits)
{
        return s && strlen(s) == digits && strspn(s, "0123456789abcdef") == digits;
}

void audit_hex(const unsigned char *data, size_t size, char *ret)
{
        static const char digits[] = "0123456789abcdef";

        for (size_t i = 0; i < size; i++) {
                ret[2 * i] = digits[data[i] >> 4];
                ret[2 * i + 1] = digits[data[i] & 15];
        }
        ret[2 * size] = 0;
}

static unsigned nibble(char c)
{
        return c <= '9' ? (unsigned)(c - '0') : (unsigned)(c - 'a') + 10;
}

/* s has been checked to be 2 * size digits. */
static void unhex(const char *s, size_t size, unsigned char *ret)
{
        for (size_t i = 0; i < size; i++)
                ret[i] = (unsigned char)(nibble(s[2 * i]) << 4 | nibble(s[2 * i + 1]));
}

static bool signature_holds(const char *public_hex, const char *sig_hex, const char *text, size_t size)
{
        _cleanup_(pkey_freep) EVP_PKEY *key = NULL;
        _cleanup_(md_ctx_freep) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
        unsigned char public[KEY_SIZE], sig[SIG_SIZE];

        unhex(public_hex, sizeof(public), public);
        unhex(sig_hex, sizeof(sig), sig);
        key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, public, sizeof(public));
        return key && ctx && EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, key) == 1 &&
               EVP_DigestVerify(ctx, sig, sizeof(sig), (const unsigned char *)text, size) == 1;
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
        int size;

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

        /* seq and prev are the record's own and were held against the chain before. */
        size = asprintf(&text, "tmsd-seal-1\n%" JSON_INTEGER_FORMAT "\n%s\n%" PRIu64 "\n%s\n%s\n%s\n",
                        json_integer_value(json_object_get(record, "seq")),
                        json_string_value(json_object_get(record, "prev")), number, next, nonce,
                        json_string_value(json_object_get(record, "utc")));
        if (size < 0) {
                text = NULL;
                return -ENOMEM;
        }
        if (!signature_holds(public, sig, text, (size_t)size))
                return audit_why(why, "a seal whose signature does not hold");
        return 0;
}

/* The raw public half of the key in a PEM file, as hex; private or public by the reader given. */
static int public_of(int dir_fd, const char *name, bool private, char ret[AUDIT_HEX + 1])
{
        _cleanup_(pkey_freep) EVP_PKEY *key = NULL;
        unsigned char raw[KEY_SIZE];
        size_t size = sizeof(raw);
        FILE *f;
        int fd;

        fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
        if (fd < 0)
                return -errno;
        f = fdopen(fd, "re");
        if (!f) {
                close(fd);
                return -ENOMEM;
        }
        /* An empty passphrase rather than a prompt on the terminal. */
        key = private ? PEM_read_PrivateKey(f, NULL, NULL, (void *)"") : PEM_read_PUBKEY(f, NULL, NULL, (void *)"");
        fclose(f);
        if (!key || EVP_PKEY_get_id(key) != EVP_PKEY_ED25519 || EVP_PKEY_get_raw_public_key(key, raw, &size) != 1 ||
            size != sizeof(raw))
                return -EBADMSG;
        audit_hex(raw, sizeof(raw), ret);
        return 0;
}

int audit_key0_check(int dir_fd, const char *key0, struct audit_why *why)
{
        char public[AUDIT_HEX + 1];
        int r;

        r = public_of(dir_fd, "key0.pub", false, public);
        if (r == -ENOENT)
                return audit_why(why, "key0.pub is missing");
        if (r == -EBADMSG)
                return audit_why(why, "key0.pub holds no Ed25519 public key");
        if (r < 0)
                return audit_why(why, "key0.pub cannot be read: %s", strerror(-r));
        if (strcmp(public, key0) != 0)
                return audit_why(why, "key0.pub is not the key that the log announces");
        return 0;
}

static bool is_key_name(const char *name)
{
        size_t digits = strspn(name, "0123456789");

        return digits > 0 && strcmp(name + digits, ".pem") == 0;
}

int audit_keys_hold(int dir_fd, const char *public_hex)
{
        const struct dirent *entry;
        bool seen = false, held = false;
        DIR *d;
        int fd;

        fd = openat(dir_fd, "../keys", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return 1;
        d = fdopendir(fd);
        if (!d) {
                close(fd);
                return 1;
        }
        while (!held && (entry = readdir(d))) {
                char public[AUDIT_HEX + 1];

                if (!is_key_name(entry->d_name) || public_of(dirfd(d), entry->d_name, true, public) < 0)
                        continue;
                seen = true;
                held = strcmp(public, public_hex) == 0;
        }
        closedir(d);
        return held || !seen;
}

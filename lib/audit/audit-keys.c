/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The files of the keys: key0.pub in the log's directory, and keys/ beside
 * that directory, which an auditor may not be allowed to read.
 */
#include "audit-internal.h"
#include "directory.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <string.h>

#define KEY_SIZE 32
#define PEM_MAX 4096

/* Reads a key file. -EBADMSG: it is not a regular file, or far too long for a key. */
static int read_pem(int dir_fd, const char *name, char buf[PEM_MAX], size_t *ret_size)
{
        _cleanup_close_ int fd = -1;
        struct stat st;
        size_t have = 0;
        ssize_t n;

        fd = audit_open_beside(dir_fd, name, &st);
        if (fd < 0)
                return fd == -EINVAL || fd == -ELOOP ? -EBADMSG : fd;
        while (have < PEM_MAX && (n = read(fd, buf + have, PEM_MAX - have)) != 0) {
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                have += (size_t)n;
        }
        *ret_size = have;
        return have < PEM_MAX ? 0 : -EBADMSG;
}

/* Returns the raw public key, as hex, of a PEM file that contains a private key or, else, a public key. */
static int public_of(int dir_fd, const char *name, bool private, char ret[AUDIT_HEX + 1])
{
        char pem[PEM_MAX];
        unsigned char raw[KEY_SIZE];
        size_t size = 0, raw_size = sizeof(raw);
        EVP_PKEY *key;
        BIO *bio;
        int r;

        r = read_pem(dir_fd, name, pem, &size);
        if (r < 0)
                return r;
        ERR_clear_error();
        bio = BIO_new_mem_buf(pem, (int)size);
        if (!bio) {
                explicit_bzero(pem, size);
                return -ENOMEM;
        }
        /* With an empty passphrase, libcrypto does not ask for one on the terminal. */
        key = private ? PEM_read_bio_PrivateKey(bio, NULL, NULL, (void *)"")
                      : PEM_read_bio_PUBKEY(bio, NULL, NULL, (void *)"");
        if (key && EVP_PKEY_get_id(key) == EVP_PKEY_ED25519 && EVP_PKEY_get_raw_public_key(key, raw, &raw_size) == 1 &&
            raw_size == sizeof(raw))
                hex_encode(raw, sizeof(raw), ret);
        else
                r = audit_crypto_no_memory() ? -ENOMEM : -EBADMSG;
        EVP_PKEY_free(key);
        BIO_free(bio);
        explicit_bzero(pem, size);
        return r;
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
                return audit_unknown(why, -r, "key0.pub cannot be read: %s", strerror(-r));
        if (strcmp(public, key0) != 0)
                return audit_why(why, "key0.pub is not the key that the log announces");
        return 0;
}

/* True only for N.pem in exactly the form that the daemon writes: "07.pem" is no such name. */
static bool is_key_name(const char *name, uint64_t *ret)
{
        char again[32], *end;
        uint64_t n;

        if (*name < '0' || *name > '9')
                return false;
        n = strtoull(name, &end, 10);
        snprintf(again, sizeof(again), "%" PRIu64 ".pem", n);
        *ret = n;
        return strcmp(name, again) == 0;
}

struct range {
        bool any;
        uint64_t lowest, highest;
};

static int list_keys(int keys_fd, struct range *ret)
{
        const struct dirent *entry;
        DIR *d;
        int r;

        r = directory_open(keys_fd, ".", &d);
        if (r < 0)
                return r;
        *ret = (struct range){.lowest = UINT64_MAX};
        while (errno = 0, (entry = readdir(d))) {
                uint64_t n;

                if (!is_key_name(entry->d_name, &n))
                        continue;
                ret->any = true;
                ret->lowest = n < ret->lowest ? n : ret->lowest;
                ret->highest = n > ret->highest ? n : ret->highest;
        }
        r = -errno;
        closedir(d);
        return r;
}

/* Sets *ret. A negative return value comes with why filled. */
static int check_key_file(int keys_fd, uint64_t n, const char *public_hex, enum audit_keys *ret, struct audit_why *why)
{
        char name[32], public[AUDIT_HEX + 1];
        int r;

        snprintf(name, sizeof(name), "%" PRIu64 ".pem", n);
        r = public_of(keys_fd, name, true, public);
        if (r == -EACCES || r == -EPERM) {
                *ret = AUDIT_KEYS_HIDDEN;
                return 0;
        }
        if (r == -ENOENT) {
                *ret = AUDIT_KEYS_LOST;
                return audit_why(why, "the log expects signing key %" PRIu64 ", which is not in keys/", n);
        }
        *ret = AUDIT_KEYS_WRONG;
        if (r == -EBADMSG)
                return audit_why(why, "keys/%s holds no Ed25519 key", name);
        if (r < 0)
                return audit_unknown(why, -r, "keys/%s cannot be read: %s", name, strerror(-r));
        if (public_hex && strcmp(public, public_hex) != 0)
                return audit_why(why, "signing key %" PRIu64 " in keys/ is not the one that the log announces", n);
        *ret = AUDIT_KEYS_HOLD;
        return 0;
}

/* *ret is -1 if keys/ is not there or this user may not read it. */
static int open_keys(int dir_fd, struct audit_why *why, int *ret)
{
        int fd = openat(dir_fd, "../keys", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

        if (fd < 0 && errno != ENOENT && errno != EACCES && errno != EPERM)
                return audit_unknown(why, errno, "keys/ cannot be read: %s", strerror(errno));
        *ret = fd;
        return 0;
}

int audit_keys_check(int dir_fd, uint64_t seals, const char *public_hex, enum audit_keys *ret, struct audit_why *why)
{
        _cleanup_close_ int keys_fd = -1;
        struct range range;
        int r;

        *ret = AUDIT_KEYS_HIDDEN;
        r = open_keys(dir_fd, why, &keys_fd);
        if (r < 0 || keys_fd < 0)
                return r;
        r = list_keys(keys_fd, &range);
        if (r < 0)
                return audit_unknown(why, -r, "keys/ cannot be read: %s", strerror(-r));
        *ret = AUDIT_KEYS_LOST;
        if (!range.any || range.highest < seals)
                return audit_why(why, "the log expects signing key %" PRIu64 ", which is not in keys/", seals);
        if (range.lowest > seals || range.highest > seals + 1)
                return audit_why(why,
                                 "the log ends after %" PRIu64
                                 " seals, but its signing key has moved on to number %" PRIu64
                                 ": records were lost or taken away",
                                 seals, range.highest);
        /* The daemon makes the key after the current one before the next seal announces it. */
        if (range.highest == seals + 1) {
                r = check_key_file(keys_fd, seals + 1, NULL, ret, why);
                if (r < 0 || *ret != AUDIT_KEYS_HOLD)
                        return r;
        }
        return check_key_file(keys_fd, seals, public_hex, ret, why);
}

int audit_keys_unused(int dir_fd, struct audit_why *why)
{
        _cleanup_close_ int keys_fd = -1;
        struct range range = {0};
        char public[AUDIT_HEX + 1];
        bool announced;
        int r;

        announced = faccessat(dir_fd, "key0.pub", F_OK, AT_SYMLINK_NOFOLLOW) == 0;
        if (!announced && errno != ENOENT)
                return audit_unknown(why, errno, "key0.pub cannot be read: %s", strerror(errno));
        r = open_keys(dir_fd, why, &keys_fd);
        if (r < 0)
                return r;
        r = keys_fd >= 0 ? list_keys(keys_fd, &range) : 0;
        if (r < 0)
                return audit_unknown(why, -r, "keys/ cannot be read: %s", strerror(-r));
        if (range.any && range.highest > 0)
                return audit_why(why, "the signing key has followed seals");
        if (range.any) {
                r = public_of(keys_fd, "0.pem", true, public);
                if (r == -EBADMSG)
                        return audit_why(why, "keys/0.pem holds no Ed25519 key");
                if (r < 0)
                        return audit_unknown(why, -r, "keys/0.pem cannot be read: %s", strerror(-r));
        }
        if (!announced)
                return 0;
        if (!range.any)
                return audit_why(why, "key0.pub is there");
        return audit_key0_check(dir_fd, public, why);
}

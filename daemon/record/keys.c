/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The signing keys of the audit log; see keys.h. */
#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/sha.h>
#include <sys/stat.h>

#include "base/directory.h"
#include "file.h"
#include "keys.h"

struct key {
        EVP_PKEY *pkey;
        uint64_t n;
        char public_hex[KEY_HEX];
};

static void file_name(char *buf, size_t size, uint64_t n)
{
        (void)snprintf(buf, size, "%llu.pem", (unsigned long long)n);
}

DEFINE_TRIVIAL_CLEANUP_FUNC(EVP_PKEY *, EVP_PKEY_free)
DEFINE_TRIVIAL_CLEANUP_FUNC(BIO *, BIO_free)
DEFINE_TRIVIAL_CLEANUP_FUNC(EVP_MD_CTX *, EVP_MD_CTX_free)

struct key *key_free(struct key *k)
{
        if (k)
                EVP_PKEY_free(k->pkey);
        free(k);
        return NULL;
}

/* Takes over pkey, also on failure. */
static int key_new(EVP_PKEY *pkey, uint64_t n, struct key **ret)
{
        _cleanup_(EVP_PKEY_freep) EVP_PKEY *own = pkey;
        unsigned char raw[KEY_SIZE];
        size_t size = sizeof(raw);
        struct key *k;

        if (EVP_PKEY_get_id(own) != EVP_PKEY_ED25519 || EVP_PKEY_get_raw_public_key(own, raw, &size) != 1 ||
            size != KEY_SIZE)
                return -EBADMSG;
        k = calloc(1, sizeof(*k));
        if (!k)
                return -ENOMEM;
        k->pkey = TAKE_PTR(own);
        k->n = n;
        hex_encode(raw, sizeof(raw), k->public_hex);
        *ret = k;
        return 0;
}

int key_make(int dir_fd, uint64_t n, struct key **ret)
{
        _cleanup_(key_freep) struct key *k = NULL;
        _cleanup_(BIO_freep) BIO *bio = NULL;
        char name[32];
        char *pem;
        long size;
        EVP_PKEY *pkey;
        int r;

        file_name(name, sizeof(name), n);
        /* Only if the name is certainly free is a key written to it. */
        if (faccessat(dir_fd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
                return -EEXIST;
        if (errno != ENOENT)
                return -errno;
        pkey = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
        if (!pkey)
                return -EIO;
        r = key_new(pkey, n, &k);
        if (r < 0)
                return r;
        bio = BIO_new(BIO_s_secmem());
        if (!bio || PEM_write_bio_PKCS8PrivateKey(bio, k->pkey, NULL, NULL, 0, NULL, NULL) != 1)
                return -ENOMEM;
        size = BIO_get_mem_data(bio, &pem);
        r = write_file_synced(dir_fd, name, 0600, pem, (size_t)size);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(k);
        return 0;
}

int key_load(int dir_fd, uint64_t n, struct key **ret)
{
        _cleanup_(BIO_freep) BIO *bio = NULL;
        _cleanup_(freep) char *pem = NULL;
        char name[32];
        EVP_PKEY *pkey;
        size_t size;
        int r;

        file_name(name, sizeof(name), n);
        r = read_file_settled(dir_fd, name, 4096, &pem, &size);
        if (r < 0)
                return r;
        bio = BIO_new_mem_buf(pem, (int)size);
        if (!bio)
                return -ENOMEM;
        /* With an empty passphrase OpenSSL does not ask for one on the terminal. */
        pkey = PEM_read_bio_PrivateKey(bio, NULL, NULL, (void *)"");
        explicit_bzero(pem, size);
        if (!pkey)
                return -EBADMSG;
        return key_new(pkey, n, ret);
}

uint64_t key_number(const struct key *k)
{
        return k->n;
}

const char *key_public_hex(const struct key *k)
{
        return k->public_hex;
}

int key_sign(const struct key *k, const void *data, size_t size, char ret_hex[static SIG_HEX])
{
        _cleanup_(EVP_MD_CTX_freep) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
        unsigned char sig[SIG_SIZE];
        size_t sig_size = sizeof(sig);

        if (!ctx)
                return -ENOMEM;
        if (EVP_DigestSignInit(ctx, NULL, NULL, NULL, k->pkey) != 1 ||
            EVP_DigestSign(ctx, sig, &sig_size, data, size) != 1 || sig_size != SIG_SIZE)
                return -ENOMEM;
        hex_encode(sig, sizeof(sig), ret_hex);
        return 0;
}

int key_destroy(int dir_fd, uint64_t n)
{
        static const char zeros[4096];
        _cleanup_(closep) int fd = -1;
        char name[32];
        struct stat st;
        int r;

        file_name(name, sizeof(name), n);
        fd = openat(dir_fd, name, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
        if (fd < 0)
                return errno == ENOENT ? 0 : -errno;
        /* On most disks this overwrites the key's blocks. Flash may keep the old ones, as AUDIT.md says. */
        if (fstat(fd, &st) < 0)
                return -errno;
        r = write_all(fd, zeros, st.st_size < (off_t)sizeof(zeros) ? (size_t)st.st_size : sizeof(zeros));
        if (r < 0)
                return r;
        if (fdatasync(fd) < 0 || unlinkat(dir_fd, name, 0) < 0 || fsync(dir_fd) < 0)
                return -errno;
        return 0;
}

static bool is_key_name(const char *name, uint64_t *ret)
{
        char *end;

        if (name[0] < '0' || name[0] > '9')
                return false;
        *ret = strtoull(name, &end, 10);
        return STREQ(end, ".pem");
}

int keys_range(int dir_fd, uint64_t *ret_lowest, uint64_t *ret_highest)
{
        uint64_t lowest = UINT64_MAX, highest = 0, n;
        bool found = false;
        struct dirent *de;
        DIR *d;
        int r;

        r = directory_open(dir_fd, ".", &d);
        if (r < 0)
                return r;
        while (errno = 0, (de = readdir(d))) {
                if (!is_key_name(de->d_name, &n))
                        continue;
                found = true;
                lowest = n < lowest ? n : lowest;
                highest = n > highest ? n : highest;
        }
        r = -errno;
        closedir(d);
        if (r < 0)
                return r;
        if (!found)
                return -ENOENT;
        *ret_lowest = lowest;
        *ret_highest = highest;
        return 0;
}

static bool is_exposed(const struct stat *st)
{
        return st->st_uid != geteuid() || (st->st_mode & (S_IRWXG | S_IRWXO));
}

static void describe_exposed(const char *name, const struct stat *st, struct key_exposed *ret)
{
        (void)snprintf(ret->name, sizeof(ret->name), "%s", name);
        ret->mode = st->st_mode & 07777;
        ret->uid = st->st_uid;
}

int keys_find_exposed(int dir_fd, struct key_exposed *ret)
{
        struct dirent *de;
        struct stat st;
        uint64_t n;
        DIR *d;
        int r;

        if (fstat(dir_fd, &st) < 0)
                return -errno;
        if (is_exposed(&st)) {
                describe_exposed("", &st, ret);
                return 1;
        }
        r = directory_open(dir_fd, ".", &d);
        if (r < 0)
                return r;
        while (r == 0 && (errno = 0, de = readdir(d))) {
                if (!is_key_name(de->d_name, &n))
                        continue;
                if (fstatat(dir_fd, de->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
                        r = -errno;
                } else if (S_ISREG(st.st_mode) && is_exposed(&st)) {
                        describe_exposed(de->d_name, &st, ret);
                        r = 1;
                }
        }
        if (r == 0)
                r = -errno;
        closedir(d);
        return r;
}

static int public_raw(const char *public_hex, unsigned char raw[static KEY_SIZE])
{
        size_t i;

        if (strlen(public_hex) != 2 * KEY_SIZE || strspn(public_hex, "0123456789abcdef") != 2 * KEY_SIZE)
                return -EINVAL;
        for (i = 0; i < KEY_SIZE; i++) {
                char byte[3] = {public_hex[2 * i], public_hex[2 * i + 1], '\0'};

                raw[i] = (unsigned char)strtoul(byte, NULL, 16);
        }
        return 0;
}

int key_write_public_pem(int dir_fd, const char *name, const char *public_hex)
{
        _cleanup_(EVP_PKEY_freep) EVP_PKEY *pkey = NULL;
        _cleanup_(BIO_freep) BIO *bio = NULL;
        unsigned char raw[KEY_SIZE];
        char *pem;
        long size;
        int r;

        r = public_raw(public_hex, raw);
        if (r < 0)
                return r;
        pkey = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, raw, sizeof(raw));
        bio = BIO_new(BIO_s_mem());
        if (!pkey || !bio || PEM_write_bio_PUBKEY(bio, pkey) != 1)
                return -ENOMEM;
        size = BIO_get_mem_data(bio, &pem);
        return write_file_synced(dir_fd, name, 0644, pem, (size_t)size);
}

int key_fingerprint(const char *public_hex, char ret[static 65])
{
        unsigned char raw[KEY_SIZE], digest[SHA256_DIGEST_LENGTH];
        int r;

        r = public_raw(public_hex, raw);
        if (r < 0)
                return r;
        if (!SHA256(raw, sizeof(raw), digest))
                return -ENOMEM;
        hex_encode(digest, sizeof(digest), ret);
        return 0;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The files beside the log that never change: protocols, and pieces that a
 * restart has cut off the log or a pulse file. Each is compared with what the
 * log says of it.
 */
#include "audit-internal.h"
#include "directory.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <openssl/evp.h>
#include <search.h>
#include <string.h>

struct audit_files {
        int dir_fd;      /* of the log; its owner closes it */
        void *protocols; /* tsearch() tree of hashes that were found good */
};

int audit_files_new(int dir_fd, struct audit_files **ret)
{
        struct audit_files *f = calloc(1, sizeof(*f));

        if (!f)
                return -ENOMEM;
        f->dir_fd = dir_fd;
        *ret = f;
        return 0;
}

struct audit_files *audit_files_free(struct audit_files *f)
{
        if (!f)
                return NULL;
        tdestroy(f->protocols, free);
        free(f);
        return NULL;
}

int audit_open_beside(int dir_fd, const char *name, struct stat *ret_st)
{
        _cleanup_close_ int fd = -1;

        fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
        if (fd < 0)
                return -errno;
        if (fstat(fd, ret_st) < 0)
                return -errno;
        if (!S_ISREG(ret_st->st_mode))
                return -EINVAL;
        return TAKE_FD(fd);
}

int audit_why_open(struct audit_why *why, const char *name, int r)
{
        if (r == -ENOENT || r == -ENOTDIR)
                return audit_why(why, "%s is missing", name);
        if (r == -EINVAL || r == -ELOOP)
                return audit_why(why, "%s is not a regular file", name);
        return audit_unknown(why, -r, "%s cannot be read: %s", name, strerror(-r));
}

int audit_dir_has_names(int dir_fd, const char *dir, char *ret_name, size_t size, struct audit_why *why)
{
        const struct dirent *entry;
        DIR *d;
        int r;

        r = directory_open(dir_fd, dir, &d);
        if (r == -ENOENT)
                return 0;
        if (r < 0)
                return audit_unknown(why, -r, "%s/ cannot be read: %s", dir, strerror(-r));
        while (r == 0 && (errno = 0, entry = readdir(d))) {
                if (entry->d_name[0] == '.')
                        continue;
                snprintf(ret_name, size, "%s/%s", dir, entry->d_name);
                r = 1;
        }
        if (r == 0 && errno)
                r = audit_unknown(why, errno, "%s/ cannot be read: %s", dir, strerror(errno));
        closedir(d);
        return r;
}

/* Returns the SHA-256 and the size of a whole file. */
static int hash_file(struct audit_files *f, const char *name, char ret[AUDIT_HEX + 1], uint64_t *ret_size,
                     struct audit_why *why)
{
        unsigned char buf[16384], digest[EVP_MAX_MD_SIZE];
        _cleanup_close_ int fd = -1;
        EVP_MD_CTX *sha;
        unsigned size = 0;
        struct stat st;
        ssize_t n = 1;
        int r = 0;

        fd = audit_open_beside(f->dir_fd, name, &st);
        if (fd < 0)
                return audit_why_open(why, name, fd);
        sha = EVP_MD_CTX_new();
        if (!sha || EVP_DigestInit_ex(sha, EVP_sha256(), NULL) != 1)
                r = -ENOMEM;
        *ret_size = 0;
        while (r >= 0 && n != 0) {
                n = read(fd, buf, sizeof(buf));
                if (n < 0 && errno != EINTR)
                        r = audit_why_open(why, name, -errno);
                else if (n > 0 && EVP_DigestUpdate(sha, buf, (size_t)n) != 1)
                        r = -ENOMEM;
                else if (n > 0)
                        *ret_size += (uint64_t)n;
        }
        if (r >= 0 && EVP_DigestFinal_ex(sha, digest, &size) != 1)
                r = -ENOMEM;
        EVP_MD_CTX_free(sha);
        if (r >= 0)
                hex_encode(digest, size, ret);
        return r;
}

static int by_text(const void *a, const void *b)
{
        return strcmp(a, b);
}

int audit_files_protocol(struct audit_files *f, const struct record *record, struct audit_why *why)
{
        struct record_value hash = record_data(record, "sha256");
        _cleanup_free_ char *known = NULL;
        char sha256[AUDIT_HEX + 1], name[sizeof("protocols/") + AUDIT_HEX + sizeof(".yaml")], actual[AUDIT_HEX + 1];
        uint64_t size;
        int r;

        if (!audit_is_hex(hash, AUDIT_HEX))
                return audit_why(why, "without its protocol's sha256");
        audit_hex_copy(hash, sha256);
        if (tfind(sha256, &f->protocols, by_text))
                return 0;
        snprintf(name, sizeof(name), "protocols/%s.yaml", sha256);
        r = hash_file(f, name, actual, &size, why);
        if (r < 0)
                return r;
        if (strcmp(actual, sha256) != 0)
                return audit_why(why, "%s is not the protocol that was prepared: its hash differs", name);
        known = strdup(sha256);
        if (!known || !tsearch(known, &f->protocols, by_text))
                return -ENOMEM;
        known = NULL;
        return 0;
}

#define CUT_NAME_MAX 200 /* size of a name, with its zero */

static bool is_cut_name(const char *s)
{
        static const char begin[] = "cut-", end[] = ".part";
        size_t n;

        if (strncmp(s, begin, strlen(begin)) != 0)
                return false;
        n = strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-");
        return s[n] == 0 && n > strlen(begin) + strlen(end) && strcmp(s + n - strlen(end), end) == 0;
}

int audit_files_cut(struct audit_files *f, const struct record *record, struct audit_why *why)
{
        struct record_value file = record_data(record, "cut_file"), sha256 = record_data(record, "cut_sha256");
        char name[CUT_NAME_MAX], actual[AUDIT_HEX + 1];
        int64_t bytes = 0;
        uint64_t size;
        int r;

        /* Older versions did not keep the pieces, so that the records of those logs do not name one. */
        if (!file.text)
                return 0;
        if (record_string_copy(file, name, sizeof(name)) >= sizeof(name) || !is_cut_name(name) ||
            !audit_is_hex(sha256, AUDIT_HEX) || !record_int64(record_data(record, "cut_bytes"), &bytes))
                return audit_why(why, "without the cut_file, cut_bytes and cut_sha256 of what was cut off");
        r = hash_file(f, name, actual, &size, why);
        if (r < 0)
                return r;
        if (!record_string_is(sha256, actual) || (int64_t)size != bytes)
                return audit_why(why, "%s is not what was cut off: its hash or its size differs", name);
        return 0;
}

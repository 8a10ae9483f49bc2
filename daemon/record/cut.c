/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Keeps the bytes that are cut off a file; see cut.h. */
#include <fcntl.h>
#include <openssl/evp.h>
#include <sys/stat.h>

#include "base/directory.h"
#include "cut.h"
#include "file.h"

#define NAMES_MAX 1000

DEFINE_TRIVIAL_CLEANUP_FUNC(EVP_MD_CTX *, EVP_MD_CTX_free)

/* Hashes the bytes of the file from, beginning with byte at, and writes them to the file to unless that is -1. */
static int copy_hashed(int from, uint64_t at, int to, struct cut *ret)
{
        _cleanup_(EVP_MD_CTX_freep) EVP_MD_CTX *sha = EVP_MD_CTX_new();
        unsigned char digest[EVP_MAX_MD_SIZE];
        unsigned size;
        char buf[16384];
        ssize_t n;
        int r;

        if (!sha || EVP_DigestInit_ex(sha, EVP_sha256(), NULL) != 1)
                return -ENOMEM;
        ret->bytes = 0;
        while ((n = pread(from, buf, sizeof(buf), (off_t)(at + ret->bytes))) != 0) {
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                r = to >= 0 ? write_all(to, buf, (size_t)n) : 0;
                if (r < 0)
                        return r;
                if (EVP_DigestUpdate(sha, buf, (size_t)n) != 1)
                        return -ENOMEM;
                ret->bytes += (uint64_t)n;
        }
        if (EVP_DigestFinal_ex(sha, digest, &size) != 1)
                return -ENOMEM;
        hex_encode(digest, size, ret->sha256);
        return 0;
}

/* Finds a name that no file has. Only this process makes such names, so the name stays free. */
static int find_name(int dir_fd, const char *what, struct cut *ret)
{
        const time_t now = time(NULL);
        char utc[32];
        struct tm tm;
        unsigned i;

        (void)gmtime_r(&now, &tm);
        (void)strftime(utc, sizeof(utc), "%Y%m%dT%H%M%SZ", &tm);
        for (i = 1; i <= NAMES_MAX; i++) {
                char again[16] = "";

                if (i > 1)
                        (void)snprintf(again, sizeof(again), "-%u", i);
                if ((size_t)snprintf(ret->file, sizeof(ret->file), "cut-%s-%s%s.part", utc, what, again) >=
                    sizeof(ret->file))
                        return -ENAMETOOLONG;
                if (faccessat(dir_fd, ret->file, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
                        continue;
                return errno == ENOENT ? 0 : -errno;
        }
        return -EEXIST;
}

static int keep(int fd, uint64_t from, int dir_fd, struct cut *c)
{
        static const char temp[] = ".cut.new";
        _cleanup_(closep) int to = -1;

        to = openat(dir_fd, temp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (to < 0)
                return -errno;
        return name_file_synced(copy_hashed(fd, from, to, c), to, dir_fd, temp, c->file);
}

int cut_tail(int fd, uint64_t from, int dir_fd, const char *what, struct cut *ret)
{
        struct cut c = {0};
        int r;

        r = find_name(dir_fd, what, &c);
        if (r >= 0)
                r = keep(fd, from, dir_fd, &c);
        if (r < 0)
                return r;
        if (ftruncate(fd, (off_t)from) < 0 || fsync(fd) < 0)
                return -errno;
        *ret = c;
        return 0;
}

int cut_describe(const struct cut *c, json_t *data)
{
        if (json_object_set_new(data, "cut_bytes", json_u64(c->bytes)) < 0 ||
            json_object_set_new(data, "cut_file", json_string(c->file)) < 0 ||
            json_object_set_new(data, "cut_sha256", json_string(c->sha256)) < 0)
                return -ENOMEM;
        return 0;
}

/*
 * Is it a name that find_name() can make, with no letter that the readers of the log reject? A file with any other name
 * is not the daemon's, and every reader would reject a record that names it.
 */
static bool is_cut_name(const char *name)
{
        size_t n = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-");

        return name[n] == '\0' && n > strlen("cut-.part") && n < CUT_NAME && strncmp(name, "cut-", 4) == 0 &&
               STREQ(name + n - 5, ".part");
}

/* 1: a regular file, 0: anything else, which keep() has not made. */
static int is_file(int dir_fd, const char *name)
{
        struct stat st;

        if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
                return -errno;
        return S_ISREG(st.st_mode);
}

int cut_list(int dir_fd, char ***ret_names, size_t *ret_n)
{
        _cleanup_(closedirp) DIR *d = NULL;
        const struct dirent *entry;
        char **names = NULL;
        size_t n = 0;
        int r;

        r = directory_open(dir_fd, ".", &d);
        if (r < 0)
                return r;
        while (r >= 0 && (errno = 0, entry = readdir(d))) {
                char **grown;

                if (!is_cut_name(entry->d_name))
                        continue;
                r = is_file(dir_fd, entry->d_name);
                if (r <= 0)
                        continue;
                grown = reallocarray(names, n + 1, sizeof(*names));
                if (grown)
                        names = grown;
                if (!grown || !(names[n] = strdup(entry->d_name)))
                        r = -ENOMEM;
                else
                        n++;
        }
        if (r >= 0 && errno)
                r = -errno;
        if (r < 0) {
                while (n > 0)
                        free(names[--n]);
                free(names);
                return r;
        }
        *ret_names = names;
        *ret_n = n;
        return 0;
}

int cut_measure(int dir_fd, const char *name, struct cut *ret)
{
        _cleanup_(closep) int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
        struct cut c = {0};
        struct stat st;
        int r;

        if (fd < 0 || fstat(fd, &st) < 0)
                return -errno;
        if (!S_ISREG(st.st_mode) || strlen(name) >= sizeof(c.file))
                return -EINVAL;
        r = copy_hashed(fd, 0, -1, &c);
        if (r < 0)
                return r;
        strcpy(c.file, name);
        *ret = c;
        return 0;
}

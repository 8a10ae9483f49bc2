/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Unpacks the copy of the audit log that the daemon gives; see audit-place.h. */
#include <fcntl.h>
#include <sys/stat.h>

#include "audit-place.h"

#define TAR_BLOCK 512
#define NAME_SIZE 256
/* Far more than a hundred years have. What follows is no log. */
#define FILES_MAX 2000000

#define AGAIN "try again; if that does not help, see: journalctl -u tmsd"

struct unpacking {
        int fd, to_dir;
        bool all, sync;
        char path[NAME_SIZE]; /* of the next file, where its own header has no room for it; "": it has */
        uint64_t size;        /* the same; UINT64_MAX: it has */
        unsigned files;
};

static int bad(const char *what)
{
        return -fail(STATUS_FAILED, FAILURE_FAILED, "the daemon's copy of the audit log is not whole: %s; " AGAIN,
                     what);
}

static int cannot(const char *name, const char *what)
{
        return -fail(STATUS_FAILED, FAILURE_FAILED, "%s: %s: %s; %s", name, what, strerror(errno),
                     errno == ENOSPC ? "make room there, or set TMPDIR to a folder where there is"
                                     : tms_errno_step(errno));
}

static int get(const struct unpacking *u, void *data, size_t size)
{
        char *p = data;

        while (size > 0) {
                ssize_t n = read(u->fd, p, size);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return cannot("the daemon's copy of the audit log", "cannot be read");
                if (n == 0)
                        return bad("it ends too early");
                p += n;
                size -= (size_t)n;
        }
        return 0;
}

/* Digits of a header's number, up to a NUL or a space. */
static bool read_number(const char *field, size_t size, unsigned base, uint64_t *ret)
{
        uint64_t n = 0;
        size_t i;

        for (i = 0; i < size && field[i] && field[i] != ' '; i++) {
                if (field[i] < '0' || field[i] >= (char)('0' + base) || n > UINT64_MAX / base - base)
                        return false;
                n = n * base + (unsigned)(field[i] - '0');
        }
        *ret = n;
        return i > 0;
}

static bool has_sum(const char block[static TAR_BLOCK])
{
        uint64_t said;
        unsigned sum = 0, i;

        for (i = 0; i < TAR_BLOCK; i++)
                sum += i >= 148 && i < 156 ? ' ' : (unsigned char)block[i];
        return read_number(block + 148, 8, 8, &said) && said == sum;
}

/* What belongs to a log: a file of its own, or one in its three folders. */
static bool is_name(const char *name)
{
        static const char *const folders[] = {"pulses/", "protocols/", "checkpoints/"};
        const char *file = name;
        size_t i;

        for (i = 0; i < ELEMENTS(folders) && file == name; i++) {
                if (strncmp(name, folders[i], strlen(folders[i])) == 0)
                        file = name + strlen(folders[i]);
        }
        if (*file == '.' || !*file || strchr(file, '/'))
                return false;
        return file != name || STREQ(name, "key0.pub") || strncmp(name, "log", 3) == 0 || strncmp(name, "cut-", 4) == 0;
}

static bool is_log(const char *name)
{
        return STREQ(name, "key0.pub") || strncmp(name, "log", 3) == 0;
}

static int skip_padding(const struct unpacking *u, uint64_t size)
{
        char rest[TAR_BLOCK];

        return get(u, rest, (size_t)(-size % TAR_BLOCK));
}

static int unpack_file(struct unpacking *u, const char *name, uint64_t size)
{
        _cleanup_(closep) int to = -1;
        char piece[64 * 1024], dir[16];
        const char *slash = strchr(name, '/');
        uint64_t left;
        int r;

        if (slash) {
                (void)snprintf(dir, sizeof(dir), "%.*s", (int)(slash - name), name);
                if (mkdirat(u->to_dir, dir, 0700) < 0 && errno != EEXIST)
                        return cannot(dir, "cannot be made");
        }
        to = openat(u->to_dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (to < 0)
                return cannot(name, "cannot be made");
        for (left = size; left > 0;) {
                const size_t n = left < sizeof(piece) ? (size_t)left : sizeof(piece);
                ssize_t done;
                size_t at;

                r = get(u, piece, n);
                if (r < 0)
                        return r;
                for (at = 0; at < n; at += (size_t)done) {
                        done = write(to, piece + at, n - at);
                        if (done < 0)
                                return cannot(name, "cannot be written");
                }
                left -= n;
        }
        if (u->sync && fsync(to) < 0)
                return cannot(name, "cannot be written");
        return skip_padding(u, size);
}

/* "30 path=pulses/…\n": the two that the daemon writes. */
static int read_pax(struct unpacking *u, uint64_t size)
{
        char text[1024], *line, *end;
        uint64_t length;
        int r;

        if (size == 0 || size >= sizeof(text))
                return bad("a header is too long");
        r = get(u, text, (size_t)size);
        if (r >= 0)
                r = skip_padding(u, size);
        if (r < 0)
                return r;
        text[size] = '\0';
        for (line = text; *line; line = end) {
                char *value = strchr(line, '=');
                const char *key = strchr(line, ' ');

                if (!read_number(line, 8, 10, &length) || length > (size_t)(text + size - line) || length == 0 ||
                    !key || !value || value < key || line[length - 1] != '\n')
                        return bad("a header cannot be read");
                end = line + length;
                end[-1] = *value++ = '\0';
                if (STREQ(key, " path") && strlen(value) < sizeof(u->path))
                        strcpy(u->path, value);
                else if (!STREQ(key, " size") || !read_number(value, strlen(value), 10, &u->size))
                        return bad("a header cannot be read");
        }
        return 0;
}

/* 1: there was a file; 0: the archive's end, or what is not wanted. */
static int unpack_next(struct unpacking *u)
{
        static const char zeros[TAR_BLOCK];
        char block[TAR_BLOCK], name[NAME_SIZE];
        uint64_t size;
        int r;

        r = get(u, block, sizeof(block));
        if (r < 0)
                return r;
        if (memcmp(block, zeros, sizeof(zeros)) == 0) {
                r = get(u, block, sizeof(block));
                return r < 0 ? r : memcmp(block, zeros, sizeof(zeros)) != 0 ? bad("its end is not one") : 0;
        }
        if (!has_sum(block) || !read_number(block + 124, 12, 8, &size))
                return bad("a header cannot be read");
        if (block[156] == 'x') {
                r = read_pax(u, size);
                return r < 0 ? r : 1;
        }
        (void)snprintf(name, sizeof(name), "%.100s", block);
        if (*u->path)
                strcpy(name, u->path);
        if (u->size != UINT64_MAX)
                size = u->size;
        u->path[0] = '\0';
        u->size = UINT64_MAX;
        if (block[156] != '0' || block[345] || !is_name(name) || ++u->files > FILES_MAX)
                return bad("it has something in it that belongs to no log");
        /* The log's own files come first. */
        if (!u->all && !is_log(name))
                return 0;
        r = unpack_file(u, name, size);
        return r < 0 ? r : 1;
}

int audit_unpack(int fd, int to_dir, bool all, bool sync)
{
        struct unpacking u = {.fd = fd, .to_dir = to_dir, .all = all, .sync = sync, .size = UINT64_MAX};
        int r;

        do
                r = unpack_next(&u);
        while (r > 0);
        return r;
}

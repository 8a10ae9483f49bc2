/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Notes the files of the audit log, and writes them as a tar archive; see snapshot.h.
 *
 * The archive's headers are written by hand. A header is one struct of 512 bytes, and libarchive would bring a megabyte
 * of code and four libraries of compression into a process that locks its memory and treats people.
 */
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/directory.h"
#include "snapshot.h"

/* So much of one file is in memory at once. */
#define PIECE (64 * 1024)
/* The list of all files: some 40 bytes each. */
#define LIST_MAX (16 * 1024 * 1024)
#define TAR_BLOCK 512

/* --- What there is -------------------------------------------------------------------------- */

static const struct {
        const char *dir, *begin, *end;
} kinds[] = {
                {".", "key0.pub", "key0.pub"}, {".", "log", ".jsonl"},  {".", "cut-", ".part"},
                {"protocols", "", ""},         {"checkpoints", "", ""}, {"pulses", "", ""},
};

static int add(struct snapshot *s, const char *dir, const char *name, uint64_t size)
{
        const size_t need = sizeof(size) + strlen(dir) + 1 + strlen(name) + 1;

        if (s->used + need > LIST_MAX)
                return -EFBIG;
        if (s->used + need > s->room) {
                const size_t room = s->room ? 2 * s->room : 4096;
                char *grown = realloc(s->list, room);

                if (!grown)
                        return -ENOMEM;
                s->list = grown;
                s->room = room;
        }
        memcpy(s->list + s->used, &size, sizeof(size));
        s->used += sizeof(size);
        s->used += (size_t)sprintf(s->list + s->used, "%s%s%s", STREQ(dir, ".") ? "" : dir, STREQ(dir, ".") ? "" : "/",
                                   name) +
                   1;
        s->files++;
        s->bytes += size;
        return 0;
}

static bool is_wanted(const char *name, const char *begin, const char *end)
{
        const size_t size = strlen(name);

        /* With a dot begins what a crash has left of a file that was being made. */
        return *name != '.' && strncmp(name, begin, strlen(begin)) == 0 && size >= strlen(end) &&
               STREQ(name + size - strlen(end), end);
}

static int take_kind(struct snapshot *s, int dir_fd, size_t kind)
{
        const struct dirent *entry;
        struct stat st;
        DIR *d;
        int r;

        r = directory_open(dir_fd, kinds[kind].dir, &d);
        if (r < 0)
                return r == -ENOENT ? 0 : r;
        while (r >= 0 && (errno = 0, entry = readdir(d))) {
                if (!is_wanted(entry->d_name, kinds[kind].begin, kinds[kind].end))
                        continue;
                if (fstatat(dirfd(d), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
                        r = errno == ENOENT ? 0 : -errno;
                else if (S_ISREG(st.st_mode))
                        r = add(s, kinds[kind].dir, entry->d_name, (uint64_t)st.st_size);
        }
        if (r >= 0 && errno > 0)
                r = -errno;
        (void)closedir(d);
        return r;
}

int snapshot_take(struct snapshot *s, int dir_fd)
{
        size_t kind;
        int r = 0;

        for (kind = 0; kind < ELEMENTS(kinds) && r >= 0; kind++)
                r = take_kind(s, dir_fd, kind);
        if (r < 0)
                snapshot_clear(s);
        return r;
}

void snapshot_clear(struct snapshot *s)
{
        free(s->list);
        *s = (struct snapshot){0};
}

/* --- The archive ------------------------------------------------------------------------------ */

struct tar_header {
        char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], chksum[8], typeflag, linkname[100];
        char magic[6], version[2], uname[32], gname[32], devmajor[8], devminor[8], prefix[155], pad[12];
};
_Static_assert(sizeof(struct tar_header) == TAR_BLOCK, "a header is one block");

/* The largest size that eleven octal digits say. */
#define OCTAL_LARGEST 077777777777ULL

static int put(int out, const void *data, size_t size, int stalled_ms)
{
        const char *p = data;

        while (size > 0) {
                struct pollfd fd = {.fd = out, .events = POLLOUT};
                ssize_t n = write(out, p, size);

                if (n > 0) {
                        p += n;
                        size -= (size_t)n;
                        continue;
                }
                if (n < 0 && errno != EAGAIN && errno != EINTR)
                        return -errno;
                n = poll(&fd, 1, stalled_ms);
                if (n == 0)
                        return -ETIMEDOUT;
                if (n < 0 && errno != EINTR)
                        return -errno;
        }
        return 0;
}

/* What is behind a file's last byte in its last block. */
static int put_padding(int out, uint64_t size, int stalled_ms)
{
        static const char zeros[TAR_BLOCK];

        return put(out, zeros, (size_t)(-size % TAR_BLOCK), stalled_ms);
}

static int put_header(int out, const char *name, uint64_t size, time_t mtime, char typeflag, int stalled_ms)
{
        struct tar_header h = {.typeflag = typeflag, .magic = "ustar", .version = {'0', '0'}};
        unsigned sum = 0;
        size_t i;

        memcpy(h.name, name, strnlen(name, sizeof(h.name)));
        strcpy(h.mode, "0000400");
        strcpy(h.uid, "0000000");
        strcpy(h.gid, "0000000");
        strcpy(h.uname, "root");
        strcpy(h.gname, "root");
        (void)snprintf(h.size, sizeof(h.size), "%011llo", (unsigned long long)size & OCTAL_LARGEST);
        (void)snprintf(h.mtime, sizeof(h.mtime), "%011llo", (unsigned long long)mtime & OCTAL_LARGEST);
        memset(h.chksum, ' ', sizeof(h.chksum));
        for (i = 0; i < sizeof(h); i++)
                sum += ((const unsigned char *)&h)[i];
        (void)snprintf(h.chksum, sizeof(h.chksum), "%06o", sum);
        return put(out, &h, sizeof(h), stalled_ms);
}

/* A line of a pax header, whose length counts its own digits too. */
static size_t pax_line(char *buf, size_t room, const char *key, const char *value)
{
        const size_t rest = strlen(key) + strlen(value) + strlen(" =\n");
        size_t all = rest + 1;

        while ((size_t)snprintf(NULL, 0, "%zu", all) + rest != all)
                all++;
        return (size_t)snprintf(buf, room, "%zu %s=%s\n", all, key, value);
}

/* A name or a size that is too long for its place in the file's header is written into a header before that one. */
static int put_pax(int out, const char *name, uint64_t size, time_t mtime, int stalled_ms)
{
        char text[512], number[24];
        size_t n = 0;
        int r;

        if (strlen(name) > sizeof(((struct tar_header *)NULL)->name))
                n += pax_line(text, sizeof(text), "path", name);
        if (size > OCTAL_LARGEST) {
                (void)snprintf(number, sizeof(number), "%llu", (unsigned long long)size);
                n += pax_line(text + n, sizeof(text) - n, "size", number);
        }
        if (n == 0)
                return 0;
        r = put_header(out, "pax", n, mtime, 'x', stalled_ms);
        if (r >= 0)
                r = put(out, text, n, stalled_ms);
        return r < 0 ? r : put_padding(out, n, stalled_ms);
}

static int put_content(int out, int fd, uint64_t size, char *piece, int stalled_ms)
{
        uint64_t at = 0;

        while (at < size) {
                const size_t want = size - at < PIECE ? (size_t)(size - at) : PIECE;
                ssize_t n = pread(fd, piece, want, (off_t)at);
                int r;

                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0)
                        return n < 0 ? -errno : -EBADMSG;
                r = put(out, piece, (size_t)n, stalled_ms);
                if (r < 0)
                        return r;
                at += (uint64_t)n;
        }
        return put_padding(out, size, stalled_ms);
}

static int put_file(int out, int dir_fd, const char *name, uint64_t size, char *piece, int stalled_ms)
{
        const int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
        struct stat st;
        int r;

        /* Old checkpoints go when newer ones come, and no reader needs one. */
        if (fd < 0 && errno == ENOENT)
                return strncmp(name, "checkpoints/", 12) == 0 ? 0 : -ENOENT;
        if (fd < 0)
                return -errno;
        if (fstat(fd, &st) < 0)
                r = -errno;
        else
                r = S_ISREG(st.st_mode) && (uint64_t)st.st_size >= size ? 0 : -EBADMSG;
        if (r >= 0)
                r = put_pax(out, name, size, st.st_mtime, stalled_ms);
        if (r >= 0)
                r = put_header(out, name, size, st.st_mtime, '0', stalled_ms);
        if (r >= 0)
                r = put_content(out, fd, size, piece, stalled_ms);
        (void)close(fd);
        return r;
}

int snapshot_write(const struct snapshot *s, int dir_fd, int out, int stalled_ms)
{
        static const char end[2 * TAR_BLOCK];
        char *piece = malloc(PIECE);
        size_t at = 0;
        int r = piece ? 0 : -ENOMEM;

        while (r >= 0 && at < s->used) {
                const char *name = s->list + at + sizeof(uint64_t);
                uint64_t size;

                memcpy(&size, s->list + at, sizeof(size));
                r = put_file(out, dir_fd, name, size, piece, stalled_ms);
                at += sizeof(size) + strlen(name) + 1;
        }
        free(piece);
        return r < 0 ? r : put(out, end, sizeof(end), stalled_ms);
}

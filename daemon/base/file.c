/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files that must be on disk when a call returns. Blocking. */
#include <fcntl.h>
#include <sys/stat.h>

#include "file.h"
#include "settle.h"
#include "util.h"

int write_all(int fd, const void *data, size_t size)
{
        const char *p = data;

        while (size > 0) {
                ssize_t n = write(fd, p, size);

                if (n < 0) {
                        if (errno == EINTR)
                                continue;
                        return -errno;
                }
                if (n == 0)
                        return -EIO;
                p += n;
                size -= (size_t)n;
        }
        return 0;
}

int reserve_room(int fd, uint64_t size, uint64_t room)
{
        int r;

        do
                r = fallocate(fd, FALLOC_FL_KEEP_SIZE, (off_t)size, (off_t)room) < 0 ? -errno : 0;
        while (r == -EINTR);
        /* A file system that cannot reserve room is no error. */
        return r == -EOPNOTSUPP || r == -ENOSYS ? 0 : r;
}

int name_file_synced(int r, int fd, int dir_fd, const char *temp, const char *name)
{
        if (r >= 0 && fsync(fd) < 0)
                r = -errno;
        if (r >= 0 && renameat(dir_fd, temp, dir_fd, name) < 0)
                r = -errno;
        if (r >= 0 && fsync(dir_fd) < 0)
                r = -errno;
        if (r < 0)
                (void)unlinkat(dir_fd, temp, 0);
        return r;
}

int write_file_synced(int dir_fd, const char *name, unsigned mode, const void *data, size_t size)
{
        char temp[288];
        _cleanup_(closep) int fd = -1;

        if ((size_t)snprintf(temp, sizeof(temp), ".%s.new", name) >= sizeof(temp))
                return -ENAMETOOLONG;
        fd = openat(dir_fd, temp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode);
        if (fd < 0)
                return -errno;
        return name_file_synced(write_all(fd, data, size), fd, dir_fd, temp, name);
}

static int read_all(int fd, size_t max, char **ret, size_t *ret_size)
{
        _cleanup_(freep) char *buf = NULL;
        struct stat st;
        size_t have = 0;

        if (fstat(fd, &st) < 0)
                return -errno;
        if (st.st_size < 0 || (uint64_t)st.st_size > max)
                return -EFBIG;
        buf = malloc((size_t)st.st_size + 1);
        if (!buf)
                return -ENOMEM;
        while (have < (size_t)st.st_size) {
                ssize_t n = read(fd, buf + have, (size_t)st.st_size - have);

                if (n < 0) {
                        if (errno == EINTR)
                                continue;
                        return -errno;
                }
                if (n == 0)
                        break;
                have += (size_t)n;
        }
        buf[have] = '\0';
        *ret = TAKE_PTR(buf);
        *ret_size = have;
        return 0;
}

int read_file_settled(int dir_fd, const char *name, size_t max, char **ret, size_t *ret_size)
{
        _cleanup_(closep) int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
        int r;

        if (fd < 0)
                return -errno;
        r = settle_file(fd);
        if (r < 0)
                return r;
        return fsync(dir_fd) < 0 ? -errno : read_all(fd, max, ret, ret_size);
}

int open_dir(int dir_fd, const char *name)
{
        int fd;

        if (mkdirat(dir_fd, name, 0700) == 0) {
                /* Until the directory is synced, a power cut may lose the new name. */
                if (fsync(dir_fd) < 0)
                        return -errno;
        } else if (errno != EEXIST) {
                return -errno;
        }
        fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
        return fd < 0 ? -errno : fd;
}

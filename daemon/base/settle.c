/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From memory to the disk and back; see settle.h. */
#include <fcntl.h>
#include <limits.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/directory.h"
#include "base/read-at.h"
#include "settle.h"
#include "util.h"

#define WINDOW (4 * 1024 * 1024)
#define PAGE_MIN 4096
#define CHUNK (64 * 1024)

/* --- What memory still holds -------------------------------------------------------- */

/*
 * Says whether memory holds a page of that part of the file, and true when that cannot be found out. The part is mapped
 * without read permission: the daemon's memory is locked (mlockall), so a mapping that could be read would be filled
 * from the disk at once.
 */
static bool is_held(int fd, uint64_t at, size_t size)
{
        unsigned char pages[WINDOW / PAGE_MIN] = {0};
        const size_t page = (size_t)sysconf(_SC_PAGESIZE), n = (size + page - 1) / page;
        bool held;
        size_t i;
        void *p;

        p = mmap(NULL, size, PROT_NONE, MAP_SHARED, fd, (off_t)at);
        if (p == MAP_FAILED)
                return true;
        held = mincore(p, size, pages) < 0;
        for (i = 0; !held && i < n; i++)
                held = pages[i] & 1;
        (void)munmap(p, size);
        return held;
}

/* Reads past memory. Fewer bytes than asked for are returned only at the end of the file. */
static ssize_t read_direct(int fd, int flags, char *buf, uint64_t at)
{
        ssize_t n;

        if (fcntl(fd, F_SETFL, flags | O_DIRECT) < 0)
                return -errno;
        do
                n = pread(fd, buf, CHUNK, (off_t)at);
        while (n < 0 && errno == EINTR);
        if (n < 0)
                n = -errno;
        return fcntl(fd, F_SETFL, flags) < 0 ? -errno : n;
}

/*
 * Reads the same bytes from memory and, past it, from the disk, and compares them. A file system that does not support
 * direct reads is one in memory, such as tmpfs. It has no disk that could hold other bytes, so there is no difference.
 */
static int compare(int fd, uint64_t at, uint64_t end)
{
        _cleanup_(freep) char *memory = malloc(CHUNK), *disk = aligned_alloc(PAGE_MIN, CHUNK);
        const int flags = fcntl(fd, F_GETFL);

        if (!memory || !disk)
                return -ENOMEM;
        if (flags < 0)
                return -errno;
        while (at < end) {
                ssize_t n, there;

                n = read_direct(fd, flags, disk, at);
                if (n == -EINVAL)
                        return 0;
                if (n < 0)
                        return (int)n;
                there = read_at(fd, at, memory, n > 0 ? (size_t)n : 1);
                if (there < 0)
                        return (int)there;
                if (n == 0 || there != n || memcmp(memory, disk, (size_t)n) != 0)
                        return -ESTALE;
                at += (uint64_t)n;
        }
        return 0;
}

/*
 * POSIX_FADV_DONTNEED drops every clean page except those that another process has mapped or is reading at this moment.
 * Such a page may hold bytes that the disk never took, so it is compared with the disk.
 */
static int check_dropped(int fd)
{
        struct stat st;
        uint64_t at, size;
        int r = 0;

        if (fstat(fd, &st) < 0)
                return -errno;
        size = (uint64_t)st.st_size;
        for (at = 0; r >= 0 && at < size; at += WINDOW) {
                const uint64_t left = size - at < WINDOW ? size - at : WINDOW;

                if (is_held(fd, at, (size_t)left))
                        r = compare(fd, at, at + left);
        }
        return r;
}

int settle_file(int fd)
{
        int r;

        /* Dirty pages cannot be dropped, so they are written first. fsync() empties the disk's own cache as well. */
        if (fsync(fd) < 0)
                return -errno;
        r = posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
        return r != 0 ? -r : check_dropped(fd);
}

/* --- Directories -------------------------------------------------------------------- */

/*
 * With one of these errors there is no file that the daemon could read either: whoever reads it later meets the same
 * error.
 */
static bool is_nobodys(int error)
{
        return error == ENOENT || error == ELOOP || error == ENXIO || error == EACCES || error == EPERM;
}

int settle_name(int dir_fd, const char *name)
{
        /* O_NONBLOCK: opening a FIFO of that name must not block the daemon. */
        _cleanup_(closep) int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
        struct stat st;

        if (fd < 0)
                return is_nobodys(errno) ? 0 : -errno;
        if (fstat(fd, &st) < 0)
                return -errno;
        return S_ISREG(st.st_mode) ? settle_file(fd) : 0;
}

/*
 * Names, sizes and block lists are only synced; they cannot be dropped from memory. This suffices: ext4, XFS and btrfs
 * write them through a journal or a transaction. When that fails, the file system becomes read-only until it is mounted
 * again, and until then every fsync() fails, that of a directory included.
 */
int settle_dir(int dir_fd, char *ret_name)
{
        _cleanup_(closedirp) DIR *d = NULL;
        const struct dirent *entry;
        int r;

        *ret_name = '\0';
        r = directory_open(dir_fd, ".", &d);
        if (r < 0)
                return r;
        while (r >= 0 && (errno = 0, entry = readdir(d))) {
                if (entry->d_type == DT_DIR)
                        continue;
                r = settle_name(dir_fd, entry->d_name);
                if (r < 0)
                        (void)snprintf(ret_name, NAME_MAX + 1, "%s", entry->d_name);
        }
        if (r >= 0 && errno)
                r = -errno;
        return r >= 0 && fsync(dir_fd) < 0 ? -errno : r;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Room for the seal of a full disk; see reserve.h. */
#include <fcntl.h>
#include <sys/stat.h>

#include "file.h"
#include "reserve.h"

/* Of a seal and of what is written with it, several times over: file systems give out whole blocks. */
#define ROOM (512 * 1024)

/* Blocks that only hold zeros are room for a file system that cannot reserve any. */
static int fill(int fd)
{
        static const char zeros[16 * 1024];
        size_t done;
        int r = 0;

        for (done = 0; r >= 0 && done < ROOM; done += sizeof(zeros))
                r = write_all(fd, zeros, sizeof(zeros));
        return r;
}

static int make(int fd)
{
        int r;

        do
                r = fallocate(fd, 0, 0, ROOM) < 0 ? -errno : 0;
        while (r == -EINTR);
        if (r == -EOPNOTSUPP || r == -ENOSYS)
                r = fill(fd);
        /* Room that is only promised to memory may turn out not to be there. */
        return r >= 0 && fsync(fd) < 0 ? -errno : r;
}

static bool is_whole(int fd)
{
        struct stat st;

        return fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size == ROOM && (uint64_t)st.st_blocks * 512 >= ROOM;
}

int reserve_take(struct reserve *r)
{
        _cleanup_(closep) int fd = -1;
        int e;

        if (r->held)
                return 0;
        fd = openat(r->dir_fd, RESERVE_FILE, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0600);
        if (fd < 0)
                return -errno;
        e = is_whole(fd) ? 0 : make(fd);
        if (e < 0)
                (void)unlinkat(r->dir_fd, RESERVE_FILE, 0);
        r->held = e >= 0;
        return e;
}

bool reserve_give(struct reserve *r)
{
        if (!r->held)
                return false;
        r->held = false;
        if (unlinkat(r->dir_fd, RESERVE_FILE, 0) < 0)
                return false;
        /* File systems with a journal give blocks out again only when it says that they are free. */
        (void)fsync(r->dir_fd);
        return true;
}

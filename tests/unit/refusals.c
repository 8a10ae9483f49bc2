/* SPDX-License-Identifier: GPL-2.0-or-later */
/* System calls that fail when a test says so; see refusals.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#include "refusals.h"

struct refusals fault;

static bool fails(enum call call)
{
        atomic_fetch_add(&fault.made[call], 1);
        if (!atomic_load(&fault.armed) || atomic_load(&fault.call) != (int)call)
                return false;
        if (atomic_fetch_sub(&fault.skip, 1) > 0)
                return false;
        if (!atomic_load(&fault.for_good))
                atomic_store(&fault.armed, 0);
        errno = atomic_load(&fault.error);
        return true;
}

int __real_openat(int dir_fd, const char *name, int flags, ...);
int __wrap_openat(int dir_fd, const char *name, int flags, ...);
ssize_t __real_write(int fd, const void *data, size_t size);
ssize_t __wrap_write(int fd, const void *data, size_t size);
int __real_fsync(int fd);
int __wrap_fsync(int fd);
int __real_fdatasync(int fd);
int __wrap_fdatasync(int fd);
int __real_ftruncate(int fd, off_t size);
int __wrap_ftruncate(int fd, off_t size);
int __real_renameat(int a, const char *b, int c, const char *d);
int __wrap_renameat(int a, const char *b, int c, const char *d);
int __wrap_fallocate(int fd, int mode, off_t offset, off_t size);
int __real_unlinkat(int dir_fd, const char *name, int flags);
int __wrap_unlinkat(int dir_fd, const char *name, int flags);
int __real_fstatvfs(int fd, struct statvfs *ret);
int __wrap_fstatvfs(int fd, struct statvfs *ret);

/* A disk with no free block at all. */
static bool is_out_of_blocks(void)
{
        if (atomic_load(&fault.no_block))
                errno = ENOSPC;
        return atomic_load(&fault.no_block);
}

int __wrap_openat(int dir_fd, const char *name, int flags, ...)
{
        va_list ap;
        mode_t mode;

        va_start(ap, flags);
        mode = va_arg(ap, mode_t);
        va_end(ap);
        if (flags & O_CREAT && is_out_of_blocks())
                return -1;
        return fails(OPENAT) ? -1 : __real_openat(dir_fd, name, flags, mode);
}

ssize_t __wrap_write(int fd, const void *data, size_t size)
{
        static atomic_int pending;

        /* The event loop is woken with eight bytes. */
        if (size == sizeof(uint64_t))
                return __real_write(fd, data, size);
        if (atomic_exchange(&pending, 0)) {
                errno = atomic_load(&fault.error);
                return -1;
        }
        if (!fails(WRITE))
                return __real_write(fd, data, size);
        if (!atomic_load(&fault.half))
                return -1;
        /* A full disk takes what it can, and says so at the next call. */
        atomic_store(&pending, 1);
        return __real_write(fd, data, size / 2);
}

int __wrap_fsync(int fd)
{
        return fails(SYNC) ? -1 : __real_fsync(fd);
}

int __wrap_fdatasync(int fd)
{
        return fails(SYNC) ? -1 : __real_fdatasync(fd);
}

int __wrap_ftruncate(int fd, off_t size)
{
        if (atomic_load(&fault.no_truncation)) {
                errno = EIO;
                return -1;
        }
        return fails(TRUNCATE) ? -1 : __real_ftruncate(fd, size);
}

int __wrap_renameat(int a, const char *b, int c, const char *d)
{
        return fails(RENAME) ? -1 : __real_renameat(a, b, c, d);
}

/* The real one is not asked: not every file system that tests run on has it. */
int __wrap_fallocate(int fd, int mode, off_t offset, off_t size)
{
        if (atomic_load(&fault.no_room)) {
                errno = ENOSPC;
                return -1;
        }
        return fails(ALLOCATE) ? -1 : 0;
}

int __wrap_unlinkat(int dir_fd, const char *name, int flags)
{
        int r = __real_unlinkat(dir_fd, name, flags);

        if (r == 0 && strcmp(name, "reserve") == 0)
                atomic_store(&fault.no_block, 0);
        return r;
}

int __wrap_fstatvfs(int fd, struct statvfs *ret)
{
        int r = __real_fstatvfs(fd, ret);

        if (r == 0 && atomic_load(&fault.read_only))
                ret->f_flag |= ST_RDONLY;
        if (r == 0 && atomic_load(&fault.full))
                ret->f_bavail = 10;
        return r;
}

void arm(enum call call, int skip, int error, bool for_good)
{
        atomic_store(&fault.call, call);
        atomic_store(&fault.skip, skip);
        atomic_store(&fault.error, error);
        atomic_store(&fault.for_good, for_good);
        atomic_store(&fault.armed, 1);
}

void disarm(void)
{
        atomic_store(&fault.armed, 0);
        atomic_store(&fault.half, 0);
        atomic_store(&fault.read_only, 0);
        atomic_store(&fault.no_truncation, 0);
        atomic_store(&fault.full, 0);
        atomic_store(&fault.no_room, 0);
        atomic_store(&fault.no_block, 0);
}

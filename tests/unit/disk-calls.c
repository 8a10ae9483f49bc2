/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The calls by which a database changes a disk; see disk-calls.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#include "disk-calls.h"

atomic_long disk_calls, disk_kill_at, disk_fail_at;
atomic_bool disk_fail_on, disk_hangs;
atomic_int disk_error;

int __wrap_openat(int dir_fd, const char *name, int flags, ...);
int __wrap_unlinkat(int dir_fd, const char *name, int flags);

void disk_calls_reset(void)
{
        atomic_store(&disk_kill_at, 0);
        atomic_store(&disk_fail_at, 0);
        atomic_store(&disk_fail_on, false);
        atomic_store(&disk_error, EIO);
        atomic_store(&disk_hangs, false);
        atomic_store(&disk_calls, 0);
}

/* The process is to end at this call. */
static bool is_last(void)
{
        return atomic_load(&disk_kill_at) != 0 && atomic_load(&disk_calls) == atomic_load(&disk_kill_at);
}

static bool fails(void)
{
        long n, at;

        while (atomic_load(&disk_hangs))
                usleep(1000);
        n = atomic_fetch_add(&disk_calls, 1) + 1;
        at = atomic_load(&disk_fail_at);
        if (at == 0 || n < at || (n > at && !atomic_load(&disk_fail_on)))
                return false;
        errno = atomic_load(&disk_error);
        return true;
}

static bool fails_or_ends(void)
{
        bool failed = fails();

        if (is_last())
                _exit(DISK_KILLED);
        return failed;
}

ssize_t pwrite64(int fd, const void *data, size_t size, off64_t offset)
{
        if (fails())
                return -1;
        if (is_last()) {
                (void)syscall(SYS_pwrite64, fd, data, size / 2, offset);
                _exit(DISK_KILLED);
        }
        return syscall(SYS_pwrite64, fd, data, size, offset);
}

ssize_t pread64(int fd, void *data, size_t size, off64_t offset)
{
        return fails_or_ends() ? -1 : syscall(SYS_pread64, fd, data, size, offset);
}

int ftruncate64(int fd, off64_t size)
{
        return fails_or_ends() ? -1 : (int)syscall(SYS_ftruncate, fd, size);
}

/* What a process has written stays when the process is killed: no test has to wait for the disk. */
int fdatasync(int fd)
{
        (void)fd;
        return fails_or_ends() ? -1 : 0;
}

int unlink(const char *path)
{
        return fails_or_ends() ? -1 : (int)syscall(SYS_unlink, path);
}

int open64(const char *path, int flags, ...)
{
        va_list ap;
        mode_t mode;

        va_start(ap, flags);
        mode = flags & O_CREAT ? va_arg(ap, mode_t) : 0;
        va_end(ap);
        return fails_or_ends() ? -1 : (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

int __wrap_openat(int dir_fd, const char *name, int flags, ...)
{
        va_list ap;
        mode_t mode;

        va_start(ap, flags);
        mode = flags & O_CREAT ? va_arg(ap, mode_t) : 0;
        va_end(ap);
        return fails_or_ends() ? -1 : (int)syscall(SYS_openat, dir_fd, name, flags, mode);
}

int __wrap_unlinkat(int dir_fd, const char *name, int flags)
{
        return fails_or_ends() ? -1 : (int)syscall(SYS_unlinkat, dir_fd, name, flags);
}

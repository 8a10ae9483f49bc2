/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The names in a directory; for library, daemon and tmsctl. */
#ifndef TMS_LIB_DIRECTORY_H
#define TMS_LIB_DIRECTORY_H

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <unistd.h>

/*
 * A stream over the directory name, "." for dir_fd itself, from its first name; a link is not followed. It is an open file of
 * its own: a duplicate of dir_fd would share its position with every other list. dir_fd stays the caller's, and the caller
 * closes the stream. 0, or a negative errno with *ret NULL.
 */
static inline int directory_open(int dir_fd, const char *name, DIR **ret)
{
        int fd, r;

        *ret = NULL;
        fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
        if (fd < 0)
                return -errno;
        *ret = fdopendir(fd);
        if (*ret)
                return 0;
        r = -errno;
        (void)close(fd);
        return r;
}

#endif

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
 * Opens the directory name below dir_fd ("." is dir_fd itself) for readdir(), from its first name. A link is not
 * followed. The stream has an open file of its own, because a duplicate of dir_fd would share the reading position with
 * every other list of it. The caller closes the stream; dir_fd still belongs to the caller. Returns 0, or a negative
 * errno with *ret NULL.
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

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The names in a directory; see list.h. */
#include <fcntl.h>

#include "list.h"
#include "util.h"

int open_list(int dir_fd, DIR **ret)
{
        /* A new open file: a duplicate of dir_fd would share its position with every other list. */
        int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), r;

        if (fd < 0)
                return -errno;
        *ret = fdopendir(fd);
        if (*ret)
                return 0;
        r = -errno;
        safe_close(fd);
        return r;
}

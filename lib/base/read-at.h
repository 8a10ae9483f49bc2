/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reading at a place in a file; for library and daemon. */
#ifndef TMS_LIB_READ_AT_H
#define TMS_LIB_READ_AT_H

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <unistd.h>

/*
 * Reads size bytes from that byte on. Returns how many there are, which is less than size only at the end of the file, or
 * a negative errno. Blocks.
 */
static inline ssize_t read_at(int fd, uint64_t offset, char *buf, size_t size)
{
        size_t have = 0;

        while (have < size) {
                ssize_t n = pread(fd, buf + have, size - have, (off_t)(offset + have));

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                if (n == 0)
                        break;
                have += (size_t)n;
        }
        return (ssize_t)have;
}

#endif

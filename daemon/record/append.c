/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Appends lines to a file; see append.h. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "append.h"
#include "file.h"

/* The size of the line that begins at s, its '\n' included. */
static size_t line_size(const char *s, size_t n)
{
        const char *end = memchr(s, '\n', n);

        return end ? (size_t)(end - s) + 1 : n;
}

/*
 * The size of those lines, the first of which begins at byte at of the file, whose end lies in the first block that is
 * not on disk yet.
 */
static size_t fitting(uint64_t at, uint64_t synced, const char *lines, size_t n)
{
        const uint64_t block_end = (synced / APPEND_BLOCK + 1) * APPEND_BLOCK;
        size_t fits = 0;

        while (fits < n) {
                size_t line = line_size(lines + fits, n - fits);

                if (at + fits + line > block_end)
                        break;
                fits += line;
        }
        return fits;
}

static int sync_to(int fd, uint64_t size, uint64_t *synced)
{
        if (fdatasync(fd) < 0)
                return -errno;
        *synced = size;
        return 0;
}

int append_lines(int fd, uint64_t size, uint64_t *synced, const char *lines, size_t n, bool *ret_sound)
{
        size_t done = 0, part;
        int r = 0;

        *ret_sound = true;
        while (r >= 0 && done < n) {
                const uint64_t at = size + done;

                part = fitting(at, *synced, lines + done, n - done);
                if (part == 0 && *synced < at) {
                        r = sync_to(fd, at, synced);
                        *ret_sound = r >= 0;
                        continue;
                }
                /*
                 * The first line ends in a later block: it is written without its end, synced, and then its end
                 * follows.
                 */
                if (part == 0)
                        part = line_size(lines + done, n - done) - 1;
                r = write_all(fd, lines + done, part);
                done += part;
        }
        if (r < 0 && done > 0) {
                /*
                 * Cutting changes a block that the disk may just have refused. It is written now, so that this process
                 * is told if the disk refuses it again. Otherwise the next start is told, and does not go on.
                 */
                if (ftruncate(fd, (off_t)size) < 0 || fdatasync(fd) < 0)
                        *ret_sound = false;
                if (*synced > size)
                        *synced = size;
        }
        return r;
}

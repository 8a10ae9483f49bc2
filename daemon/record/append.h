/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Appends lines to a file whose readers believe every whole line. Blocking.
 *
 * Until a file is synced, a disk writes its blocks in any order, and after a power cut a later block may be there
 * without an earlier one. A reader would then find an end of line with nothing but zeros before it. So an end of line
 * is written only into the first block that is not on disk yet; before one goes into a later block, the file is synced.
 * What a power cut leaves of unsynced lines therefore has no end of line.
 */
#ifndef TMSD_APPEND_H
#define TMSD_APPEND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A disk, and a file system, writes so many bytes whole or not at all. */
#define APPEND_BLOCK 4096

/*
 * Appends n bytes of whole lines to a file of size bytes that is open with O_APPEND: all of them, or none. A part that
 * was written is cut off again. *synced: so much of the file is on disk; it grows where the function has to sync in
 * between. The last lines are on disk only after the caller's own sync.
 *
 * *ret_sound is false when a sync failed, or a part could not be cut off.
 */
int append_lines(int fd, uint64_t size, uint64_t *synced, const char *lines, size_t n, bool *ret_sound);

#endif

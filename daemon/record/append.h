/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Adding lines to a file whose readers take every whole line for what was
 * written. Blocking.
 *
 * A disk writes the blocks of a file in any order until it is synced, and a
 * power cut may leave a later one without an earlier one: then there would be
 * an end of line, and nothing but zeros before it. So no end of line is written
 * into another block than the first one that is not on disk yet: whatever a
 * power cut leaves of the lines before is without an end.
 */
#ifndef TMSD_APPEND_H
#define TMSD_APPEND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a disk writes whole or not at all, and file systems in one piece. */
#define APPEND_BLOCK 4096

/*
 * Appends n bytes of whole lines to a file of that size, open with O_APPEND,
 * all of them or nothing: a part that was written is taken back. *synced: how
 * much of the file is on disk; moved on where that has to be waited for. What
 * is written is on disk only after the caller's own sync.
 *
 * *ret_sound false: a sync failed, or a part could not be taken back.
 */
int append_lines(int fd, uint64_t size, uint64_t *synced, const char *lines, size_t n, bool *ret_sound);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One moment of the audit log and of the files beside it: their names and sizes. No file of the log ever loses a byte, so
 * a file that is cut at its size is the file as it was at that moment, however long its reader takes and whatever is
 * added meanwhile. So a copy needs no room on the disk and holds nobody up. Every function here blocks.
 */
#ifndef TMSD_SNAPSHOT_H
#define TMSD_SNAPSHOT_H

#include <stddef.h>
#include <stdint.h>

#include "util.h"

struct snapshot {
        uint64_t records; /* set by the audit writer: how many records the log has at that moment */
        uint64_t files, bytes;
        char *list; /* of each file: its size, 8 bytes as they are in memory, and its name, ended by a NUL */
        size_t used, room;
};

/*
 * Notes the files below dir_fd, the directory audit/: every segment, key0.pub, what was cut off, protocols, checkpoints and
 * pulse files. The moment is one only on the audit writer's thread, where no file grows meanwhile. s: {0}, or cleared.
 */
int snapshot_take(struct snapshot *s, int dir_fd);
void snapshot_clear(struct snapshot *s);

/*
 * Writes the files into out as a tar archive (POSIX ustar, with pax headers for long names), each cut at its size. out does
 * not block. The two blocks of zeros at the end are written only after every file was whole: an archive without them is
 * not a copy. -EPIPE: the reader has left. -ETIMEDOUT: the reader has taken nothing for stalled_ms. -EBADMSG: a
 * file is shorter than it was. -ENOENT: one is not there any more.
 */
int snapshot_write(const struct snapshot *s, int dir_fd, int out, int stalled_ms);

#endif

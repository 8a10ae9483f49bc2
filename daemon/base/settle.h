/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Before the daemon believes a file it has the disk take what memory holds of
 * it, and has memory forget it: what is read next is what the disk gives back.
 *
 * After a sync or a write-back that failed the kernel takes the pages of a file
 * for written: they stay in memory, the disk never took them, and no later sync
 * says so. Whoever reads them believes what the next power cut takes away.
 * Blocking; for start-up and for the audit writer's thread.
 */
#ifndef TMSD_SETTLE_H
#define TMSD_SETTLE_H

#include <stddef.h>

/* -ESTALE: memory holds other bytes of the file than the disk, and cannot let go of them. Else as fsync(). */
int settle_file(int fd);

/*
 * All regular files in the directory, and their names. ret_name, of NAME_MAX + 1 bytes: the file that failed, "" if
 * it was the directory. A file that may not be opened is left out: nobody else can read it here either.
 */
int settle_dir(int dir_fd, char *ret_name);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Before the daemon relies on a file, it syncs the file and drops it from memory. The next read then returns what is on
 * the disk.
 *
 * After a failed sync or write-back the kernel marks the file's pages as written. They stay in memory, the disk never
 * took them, and no later sync reports it. A program that reads those pages relies on bytes that the next power cut
 * removes.
 *
 * Every function here blocks. They are called at start-up and on the audit writer's thread.
 */
#ifndef TMSD_SETTLE_H
#define TMSD_SETTLE_H

#include <stddef.h>

/* -ESTALE: memory holds bytes that differ from the disk's and cannot be dropped. Other errors: as of fsync(). */
int settle_file(int fd);

/*
 * Settles the file of that name in the directory. What is no regular file, is not there or may not be opened is left out:
 * whoever reads it later meets the same. On another error of openat() or settle_file(), such as -EMFILE, memory may still
 * hold other bytes than the disk.
 */
int settle_name(int dir_fd, const char *name);

/*
 * Settles every regular file in the directory, and the directory itself. On failure ret_name, of NAME_MAX + 1 bytes, is
 * the file that failed, or "" for the directory. A file that may not be opened is left out, since nobody else can read
 * it here either.
 */
int settle_dir(int dir_fd, char *ret_name);

#endif

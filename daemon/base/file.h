/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files that must be on disk when a call returns. Every function here blocks. */
#ifndef TMSD_FILE_H
#define TMSD_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Writes all of the data or returns an error; after a short write it writes the rest. */
int write_all(int fd, const void *data, size_t size);

/*
 * Reserves room bytes behind a file of size bytes. The room stays the file's even when the disk is full. A file system
 * that cannot reserve room is no error.
 */
int reserve_room(int fd, uint64_t size, uint64_t room);

/*
 * Gives the file fd, which has the name temp in dir_fd, the name name. File and name are on disk when this returns. r:
 * the result of writing the content. If r is an error, or anything fails here, temp is removed and the errno returned.
 */
int name_file_synced(int r, int fd, int dir_fd, const char *temp, const char *name);

/*
 * Makes the file name in dir_fd with that content. File and name are synced before the function returns. If it is
 * interrupted, there is either no such file or the whole one.
 */
int write_file_synced(int dir_fd, const char *name, unsigned mode, const void *data, size_t size);

/*
 * Reads the whole file as it is on disk and adds a NUL. Content and name are synced first, since a call that failed
 * earlier may have left either of them in memory alone. -EFBIG: the file is larger than max.
 */
int read_file_settled(int dir_fd, const char *name, size_t max, char **ret, size_t *ret_size);

/* Opens a directory under dir_fd, making it (0700) when it is not there. */
int open_dir(int dir_fd, const char *name);

#endif

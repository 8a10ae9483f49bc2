/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files that must be on disk when a call returns. Blocking. */
#ifndef TMSD_FILE_H
#define TMSD_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* All of it or an error; short writes are carried on. */
int write_all(int fd, const void *data, size_t size);

/*
 * Has the file system keep room for that much behind a file of that size, which
 * stays the file's even when the disk is full. No error where that cannot be had at all.
 */
int reserve_room(int fd, uint64_t size, uint64_t room);

/*
 * The file fd, which has the name temp in dir_fd, gets the name name there; file and name are on disk when it returns. r: what
 * writing to it came to. Where that or anything here failed, the name temp is taken away and the errno returned.
 */
int name_file_synced(int r, int fd, int dir_fd, const char *temp, const char *name);

/*
 * Has name in dir_fd with that content, both synced, before it returns. An
 * interrupted call leaves either no such file or the whole one.
 */
int write_file_synced(int dir_fd, const char *name, unsigned mode, const void *data, size_t size);

/*
 * The whole file as the disk has it, NUL added behind it, and its name is on disk, too: a call that failed may have left
 * either in memory alone. -EFBIG above max.
 */
int read_file_settled(int dir_fd, const char *name, size_t max, char **ret, size_t *ret_size);

/* Opens a directory under dir_fd, making it (0700) when it is not there. */
int open_dir(int dir_fd, const char *name);

#endif

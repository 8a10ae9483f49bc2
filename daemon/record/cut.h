/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A crash may leave bytes without an end of line at the end of a file of the audit log. Nobody can say what they were
 * to be, so they are no record; but they must not be destroyed either. They are cut off the file and kept beside the
 * log. Blocking.
 */
#ifndef TMSD_CUT_H
#define TMSD_CUT_H

#include "util.h"

#define CUT_NAME 200 /* size of a name with its NUL; the readers of the log reject a longer one */

struct cut {
        char file[CUT_NAME]; /* below audit/ */
        uint64_t bytes;
        char sha256[65];
};

/*
 * Copies the bytes of fd from byte from on into a new file below dir_fd and syncs it; only then cuts them off fd and
 * syncs fd. fd is open for reading and writing. what becomes a part of the new file's name. On failure fd is unchanged.
 */
int cut_tail(int fd, uint64_t from, int dir_fd, const char *what, struct cut *ret);
/* Adds cut_file, cut_bytes and cut_sha256. */
int cut_describe(const struct cut *c, json_t *data);

/* The names of the pieces below dir_fd. The caller frees each of the names and the array. */
int cut_list(int dir_fd, char ***ret_names, size_t *ret_n);
/* Size and hash of a piece that exists already. */
int cut_measure(int dir_fd, const char *name, struct cut *ret);

#endif

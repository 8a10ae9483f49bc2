/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is cut off the end of a file of the audit log is kept beside the log:
 * bytes without an end of line, as a crash leaves them. Nobody can say what
 * they were to be, so they are no record; but they are nobody's to destroy.
 * Blocking.
 */
#ifndef TMSD_CUT_H
#define TMSD_CUT_H

#include "util.h"

#define CUT_NAME 200 /* a name's size; the readers of the log take none that is longer */

struct cut {
        char file[CUT_NAME]; /* below audit/ */
        uint64_t bytes;
        char sha256[65];
};

/*
 * Copies what stands in fd (open for reading and writing) from byte from on
 * into a new file below dir_fd, has that synced, and only then cuts it off fd,
 * synced too. what: part of the new file's name. On failure fd is as it was.
 */
int cut_tail(int fd, uint64_t from, int dir_fd, const char *what, struct cut *ret);
/* Adds cut_file, cut_bytes and cut_sha256. */
int cut_describe(const struct cut *c, json_t *data);

/* The pieces that lie below dir_fd: names[0..n), to be freed each and together. */
int cut_list(int dir_fd, char ***ret_names, size_t *ret_n);
/* A piece that lies there already. */
int cut_measure(int dir_fd, const char *name, struct cut *ret);

#endif

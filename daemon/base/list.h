/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The names in a directory. */
#ifndef TMSD_LIST_H
#define TMSD_LIST_H

#include <dirent.h>

/* A stream of its own over dir_fd, from its first name; dir_fd stays the caller's. The caller closes the stream. */
int open_list(int dir_fd, DIR **ret);

#endif

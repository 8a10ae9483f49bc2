/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A directory of its own for each test, and looks into the files in it. */
#ifndef SCRATCH_H
#define SCRATCH_H

#include <stdbool.h>
#include <stddef.h>

/* Makes an empty directory and returns an open file of it; *ret_path must be freed. */
int scratch_open(char **ret_path);
/* Removes it with everything in it, and closes fd. */
void scratch_close(int fd, char *path);

/* The whole file, NUL-terminated, to be freed; fails the test if it is not there. */
char *scratch_read(const char *dir, const char *name, size_t *ret_size);
void scratch_write(const char *dir, const char *name, const void *data, size_t size);
bool scratch_exists(const char *dir, const char *name);

#endif

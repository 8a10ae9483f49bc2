/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A directory of its own for each test, and looks into the files in it. */
#ifndef SCRATCH_H
#define SCRATCH_H

#include <stdbool.h>
#include <stddef.h>

/* A test's state, where nothing else is needed: setup and teardown for cmocka. */
struct scratch {
        int fd;
        char *path;
        char *audit; /* where in it an audit log goes; not made */
};

int scratch_setup(void **state);
int scratch_teardown(void **state);

/* Makes an empty directory and returns an open file of it; *ret_path must be freed. */
int scratch_open(char **ret_path);
/* Removes it with everything in it, and closes fd. */
void scratch_close(int fd, char *path);

/* The whole file, NUL-terminated, to be freed; fails the test if it is not there. */
char *scratch_read(const char *dir, const char *name, size_t *ret_size);
void scratch_write(const char *dir, const char *name, const void *data, size_t size);
/* How often the file has that text. */
unsigned scratch_count(const char *dir, const char *name, const char *text);
bool scratch_exists(const char *dir, const char *name);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which files the configuration is read from, by systemd's rules: tmsd.conf of the first directory that has one, then
 * tmsd.conf.d/NAME.conf of all directories, in the order of their names; of two with one name the one of the earlier
 * directory counts. A file that is /dev/null, or a link to it, counts as one without a line.
 */
#ifndef TMSD_CONFIG_FILES_H
#define TMSD_CONFIG_FILES_H

#include <stddef.h>

#include "util.h"

/* What to do about a file or a directory that cannot be read. */
#define CONFIG_READABLE "let the user tmsd read it (chmod a+r), then: systemctl restart tmsd"

struct config_files {
        char **paths; /* in the order in which they are read */
        size_t n;
};

/* dirs: the strongest first, ended by NULL. Missing directories are fine; what cannot be looked at is logged. */
int config_files_find(const char *const *dirs, struct config_files *ret);
void config_files_clear(struct config_files *files);

#endif

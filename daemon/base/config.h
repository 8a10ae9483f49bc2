/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The configuration: tmsd.conf and its drop-ins (config-files.h). Read once, before the loop runs. */
#ifndef TMSD_CONFIG_H
#define TMSD_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct config {
        uint64_t audit_free_min; /* bytes that must stay free on the disk of the audit log */
        uint64_t hold_ns;        /* so long a session whose owner is absent is held */
        uint64_t max_off_ns;     /* if the computer was off for longer, Prepare gives a notice */
};

/* Each key that may be set. A test finds each of them, with its default, in tmsd.conf and tmsd(8). */
struct config_key {
        const char *section, *key;
        const char *standard; /* the default, as in the file */
        const char *wants;    /* what may stand behind the "=", for the sentence on a wrong line */
        bool (*parse)(const char *value, uint64_t *ret);
        size_t member; /* the place in struct config */
};
#define CONFIG_KEYS 3
extern const struct config_key config_keys[CONFIG_KEYS];

/*
 * dirs: such as "/etc/tmsd", the strongest first, ended by NULL. Missing files are fine; a wrong line is not: each one is
 * logged with file and line, and -EINVAL returned, or the errno of the first file that cannot be read.
 */
int config_load(const char *const *dirs, struct config *ret);
/* The same for a person who has changed a file: says to out which files count, if nothing is wrong. */
int config_check(const char *const *dirs, FILE *out);

#endif

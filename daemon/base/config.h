/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The configuration: /etc/tmsd/tmsd.conf and its drop-ins. Read once, before the loop runs. */
#ifndef TMSD_CONFIG_H
#define TMSD_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

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
 * dir: "/etc/tmsd". Missing files are fine; a wrong line is not: it is logged
 * with file and line, and -EINVAL returned.
 */
int config_load(const char *dir, struct config *ret);

#endif

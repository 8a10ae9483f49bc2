/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The configuration: /etc/tmsd/tmsd.conf and its drop-ins. Read once, before the loop runs. */
#ifndef TMSD_CONFIG_H
#define TMSD_CONFIG_H

#include <stdint.h>

struct config {
        uint64_t audit_free_min; /* bytes that must stay free on the disk of the audit log */
        uint64_t max_off_ns;     /* the computer may be off for so long without a notice */
};

/*
 * dir: "/etc/tmsd". Missing files are fine; a wrong line is not: it is logged
 * with file and line, and -EINVAL returned.
 */
int config_load(const char *dir, struct config *ret);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What of this host bears on exact timers, and how to mend it. Reads /sys and uname only. */
#ifndef TMSCTL_HOST_H
#define TMSCTL_HOST_H

#include "tmsctl.h"

#define HOST_ADVICE_MAX 8

struct host_advice {
        const char *name; /* for programs */
        bool good;
        char found[160];
        const char *mend;
};

/* Returns how many were filled. */
size_t host_look(struct host_advice ret[static HOST_ADVICE_MAX]);

#endif

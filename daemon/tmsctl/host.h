/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What makes the timers of this host exact or not, and how to mend it. Reads only /sys and uname. */
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

/* Returns how many entries of ret are filled. */
size_t host_look(struct host_advice ret[static HOST_ADVICE_MAX]);

#endif

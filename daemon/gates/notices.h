/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The sentences of a verdict that somebody has to confirm. */
#ifndef TMSD_NOTICES_H
#define TMSD_NOTICES_H

#include <tms.h>

/* The verdict's notices, ended by NULL; NULL where there are none. */
int notices_new(const struct tms_safety *safety, char ***ret);
char **notices_free(char **notices); /* returns NULL, takes NULL */

#endif

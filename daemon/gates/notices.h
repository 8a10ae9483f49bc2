/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The sentences of a verdict that have to be confirmed before Arm. */
#ifndef TMSD_NOTICES_H
#define TMSD_NOTICES_H

#include <tms.h>

/* *ret: the verdict's notices, ended by NULL; or NULL if it has none. */
int notices_new(const struct tms_safety *safety, char ***ret);
char **notices_free(char **notices); /* returns NULL, takes NULL */

#endif

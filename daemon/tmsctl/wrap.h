/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lines that fit a terminal. */
#ifndef TMSCTL_WRAP_H
#define TMSCTL_WRAP_H

#include <stddef.h>

/*
 * How many bytes of text are to stand in a line of so many columns: up to a space, but not to one between a number and
 * its unit. Where there is no such space, as many characters as fit, but one at least. *ret_next: where the next line begins. A text that fits is one line. The
 * spaces that a text begins with are no place to break it.
 */
size_t wrap_line(const char *text, unsigned columns, const char **ret_next);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One record of the kernel as a line of a pulse file; see AUDIT.md. */
#ifndef TMSD_PULSELINE_H
#define TMSD_PULSELINE_H

#include <linux/tms.h>
#include <tms.h>

/* The longest line, to estimate how much room a session needs. */
#define PULSELINE_MAX 280

/*
 * Writes the line with its line feed, in the columns of a file that was begun with that many (TMS_PULSE_COLUMNS*), and
 * returns its size. ret: what is counted of it.
 */
size_t pulse_line(const struct tms_event *e, unsigned columns, char buf[static PULSELINE_MAX],
                  struct tms_pulse_values *ret);

#endif

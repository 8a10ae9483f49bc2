/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Between an a{sv} of a message and the object of a record. On the loop; no locks. */
#ifndef TMSD_VALUES_H
#define TMSD_VALUES_H

#include "request.h"

/*
 * Reads the a{sv} that comes next in q's message: texts, numbers (u, t), flags, lists of texts and of numbers (as, au).
 * NULL: q has been refused.
 */
json_t *values_read(struct request *q);
/* Appends such an object as a{sv}; one inside it is another a{sv}, and an empty list is one of numbers. */
int values_append(sd_bus_message *m, const json_t *object);

#endif

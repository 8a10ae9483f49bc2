/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Prepare's answer: the verdict with its reasons, and what is loaded. */
#ifndef TMSD_SESSION_VERDICT_H
#define TMSD_SESSION_VERDICT_H

#include "session.h"

/* The answer to that call of Prepare; NULL: there was no memory. */
sd_bus_message *verdict_message(sd_bus_message *call, const struct session *s, const struct tms_protocol *protocol,
                                const struct tms_safety *safety);

/* Refuses q with all reasons of the verdict's class, in the policy's own words. */
void verdict_refuse(struct request *q, const struct tms_protocol *protocol, const struct tms_safety *v);

#endif

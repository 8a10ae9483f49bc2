/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The answer to ListProtocols, made once and then given from memory. Each call has the stamp of the installed files
 * looked at, on a thread. Only one such look runs at a time, and all calls that came before it began share it. The
 * files are read and parsed only when their stamp has changed.
 */
#ifndef TMSD_PROTOCOL_LIST_H
#define TMSD_PROTOCOL_LIST_H

#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

struct protocol_list;
struct request;

int protocol_list_new(sd_event *event, sd_bus *bus, struct protocol_list **ret);
/* Calls that still wait get no answer. Returns NULL, takes NULL. */
struct protocol_list *protocol_list_free(struct protocol_list *l);

/* Answers q later, or refuses it with a sentence. */
void protocol_list_answer(struct protocol_list *l, struct request *q);

#endif

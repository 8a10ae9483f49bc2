/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The answer to ListProtocols, made once and then given from memory. Each
 * call has the installed files' stamp looked at, on a thread, of which there
 * is one at a time, whoever asks and how often: all that came before it
 * began share it. Files are read and parsed only when the stamp is another.
 */
#ifndef TMSD_PROTOCOL_LIST_H
#define TMSD_PROTOCOL_LIST_H

#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

struct protocol_list;
struct request;

int protocol_list_new(sd_event *event, sd_bus *bus, struct protocol_list **ret);
/* Whoever still waits gets no answer. Returns NULL, takes NULL. */
struct protocol_list *protocol_list_free(struct protocol_list *l);

/* Answers q, or refuses it with a sentence. */
void protocol_list_answer(struct protocol_list *l, struct request *q);

#endif

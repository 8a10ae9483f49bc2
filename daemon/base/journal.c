/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The events of the journal; see journal.h. */
#include "journal.h"

#define EVENT_ROW(event, urgency, message_id, every, some) \
        [EVENT_##event] = {.name = #event,                 \
                           .id = (message_id),             \
                           .always = (every),              \
                           .sometimes = (some),            \
                           .priority = (urgency)},

const struct event_words journal_events[EVENTS] = {FOR_EACH_EVENT(EVENT_ROW)};

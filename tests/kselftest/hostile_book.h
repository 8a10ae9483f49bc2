/* SPDX-License-Identifier: GPL-2.0-or-later */
/* All records, whoever has read them, and what they say of the card's discharges. */
#ifndef TMS_HOSTILE_BOOK_H
#define TMS_HOSTILE_BOOK_H

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tms_test.h"

#define UNEXPECTED 9 /* outcome */

/* Every record that anybody has read, by its number. */
struct book {
        pthread_mutex_t lock;
        struct tms_event *events;
        uint64_t first, room, next; /* next: the controller has read up to here */
        bool differs;               /* two have read another record by the same number */
};

static void book_write(struct book *b, const struct tms_event *e, size_t n, bool controller)
{
        pthread_mutex_lock(&b->lock);
        for (size_t i = 0; i < n; i++) {
                uint64_t at = e[i].seq - b->first;

                if (e[i].type == TMS_EVENT_LOST || e[i].seq < b->first)
                        continue;
                if (at >= b->room) {
                        b->events = realloc(b->events, (at + 4096) * sizeof(*b->events));
                        if (!b->events)
                                abort();
                        memset(b->events + b->room, 0, (at + 4096 - b->room) * sizeof(*b->events));
                        b->room = at + 4096;
                }
                if (b->events[at].type && memcmp(&b->events[at], &e[i], sizeof(*e)))
                        b->differs = true;
                b->events[at] = e[i];
                if (controller)
                        b->next = e[i].seq + 1;
        }
        pthread_mutex_unlock(&b->lock);
}

/* What the records say of the card's discharges. */
struct account {
        uint64_t delivered, unexpected, unanswered, missing;
};

static struct account book_account(const struct book *b, uint64_t head)
{
        struct account a = {};

        for (uint64_t seq = b->first; seq < head; seq++) {
                const struct tms_event *e = &b->events[seq - b->first];

                if (seq - b->first >= b->room || !e->type) {
                        a.missing++;
                        continue;
                }
                if (e->type != TMS_EVENT_PULSE_ANSWER)
                        continue;
                a.delivered += e->pulse.outcome == TMS_PULSE_OUTCOME_DELIVERED;
                a.unexpected += e->pulse.outcome == UNEXPECTED;
                a.unanswered += e->pulse.outcome == TMS_PULSE_OUTCOME_UNKNOWN;
        }
        return a;
}

/* Discharges that the driver has found by the card's odometer only, as the kernel's log has them. */
static uint64_t told(int kmsg, const char *address)
{
        char line[1024];
        uint64_t sum = 0;
        ssize_t n;

        while ((n = read(kmsg, line, sizeof(line) - 1)) > 0 || (n < 0 && errno == EPIPE)) {
                const char *at;

                if (n < 0)
                        continue;
                line[n] = 0;
                at = strstr(line, address);
                at = at ? strstr(at, ": ") : NULL;
                if (at && strstr(at, "discharges that nobody here has seen"))
                        sum += strtoull(at + 2, NULL, 10);
        }
        return sum;
}

#endif

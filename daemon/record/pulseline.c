/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One record of the kernel as a line of a pulse file; see pulseline.h and AUDIT.md. */
#include <inttypes.h>
#include <stdio.h>

#include "pulseline.h"

/*
 * Each kind of record has its own members. What a kind has not is 0 in its line, so that a line is always one of whole
 * numbers, which any program reads without losing a digit.
 */
static size_t line_of(const struct tms_event *e, char *buf)
{
        struct tms_event_pulse p = {0};
        struct tms_event_state s = {0};
        struct tms_event_interlock i = {0};
        struct tms_event_trigger t = {0};
        struct tms_event_lost l = {0};

        switch (e->type) {
        case TMS_EVENT_STATE:
                s = e->state;
                break;
        case TMS_EVENT_PULSE_DUE:
        case TMS_EVENT_PULSE_ANSWER:
                p = e->pulse;
                break;
        case TMS_EVENT_INTERLOCK:
                i = e->interlock;
                break;
        case TMS_EVENT_TRIGGER:
                t = e->trigger;
                break;
        case TMS_EVENT_LOST:
                l = e->lost;
                break;
        }
        /* At most one of two that are added is not 0: they are of different kinds. */
        return (size_t)snprintf(
                        buf, PULSELINE_MAX,
                        "%" PRIu64 "\t%" PRIu64 "\t%u\t%u\t%u\t%u\t%u\t%u\t%u\t%u\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64
                        "\t%" PRIu64 "\t%d\t%u\t%u\t%u\t%u\t%u\t%u\t%u\t%u\t%u\t%u\t%u\t%" PRIu64 "\t%" PRIu64 "\n",
                        (uint64_t)e->seq, (uint64_t)e->mono_ns, e->type, e->flags, e->run, p.index, p.card_seq, p.train,
                        p.condition, p.leg, (uint64_t)p.due_ns, (uint64_t)p.triggered_ns, (uint64_t)p.due_card_ns,
                        (uint64_t)(p.card_ns + t.card_ns), p.slack_ns, p.set_permille, p.delivered_permille, p.outcome,
                        p.cause + s.cause, p.timeline_gen + s.timeline_gen, s.to, s.from, s.back_to,
                        s.next_pulse + t.next_pulse, i.live, i.latched, (uint64_t)t.edge_ns, (uint64_t)l.count);
}

/* --- Files that an earlier daemon has begun --------------------------------------------- */

/* The columns behind seq, mono_ns, type and run: each kind of record has its own use of them; see AUDIT.md. */
struct columns_1 {
        uint64_t mono_ns, scheduled_ns, triggered_ns, card_ns;
        uint32_t pulse, card_seq, set_permille, delivered_permille, code;
};

static struct columns_1 columns_1_of(const struct tms_event *e)
{
        struct columns_1 c = {.mono_ns = e->mono_ns};

        switch (e->type) {
        case TMS_EVENT_STATE:
                c.pulse = e->state.to;
                c.card_seq = e->state.from;
                c.code = e->state.cause;
                break;
        case TMS_EVENT_PULSE_DUE:
        case TMS_EVENT_PULSE_ANSWER:
                c.pulse = e->pulse.index;
                c.card_seq = e->pulse.card_seq;
                c.scheduled_ns = e->pulse.due_ns;
                c.triggered_ns = e->pulse.triggered_ns;
                c.card_ns = e->pulse.card_ns;
                c.set_permille = e->pulse.set_permille;
                c.delivered_permille = e->pulse.delivered_permille;
                c.code = e->pulse.outcome;
                break;
        case TMS_EVENT_INTERLOCK:
                c.pulse = e->interlock.live;
                c.card_seq = e->interlock.latched;
                break;
        case TMS_EVENT_TRIGGER:
                c.mono_ns = e->trigger.edge_ns;
                c.pulse = e->trigger.next_pulse;
                c.card_ns = e->trigger.card_ns;
                break;
        case TMS_EVENT_LOST:
                c.pulse = e->lost.count > UINT32_MAX ? UINT32_MAX : (uint32_t)e->lost.count;
                break;
        }
        return c;
}

static size_t line_1_of(const struct tms_event *e, char *buf)
{
        const struct columns_1 c = columns_1_of(e);

        return (size_t)snprintf(buf, PULSELINE_MAX,
                                "%" PRIu64 "\t%" PRIu64 "\t%u\t%u\t%u\t%u\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64
                                "\t%u\t%u\t%u\n",
                                (uint64_t)e->seq, c.mono_ns, e->type, e->run, c.pulse, c.card_seq, c.scheduled_ns,
                                c.triggered_ns, c.card_ns, c.set_permille, c.delivered_permille, c.code);
}

size_t pulse_line(const struct tms_event *e, unsigned columns, char buf[static PULSELINE_MAX],
                  struct tms_pulse_values *ret)
{
        bool is_pulse = e->type == TMS_EVENT_PULSE_DUE || e->type == TMS_EVENT_PULSE_ANSWER;

        *ret = (struct tms_pulse_values){.seq = e->seq, .type = e->type};
        if (is_pulse) {
                ret->index = e->pulse.index;
                ret->triggered_ns = e->pulse.triggered_ns;
                ret->outcome = e->pulse.outcome;
        }
        return columns == TMS_PULSE_COLUMNS_1 ? line_1_of(e, buf) : line_of(e, buf);
}

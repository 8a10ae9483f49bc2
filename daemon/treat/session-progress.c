/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How far a session is and what it waits for, as the properties say it. See session.h. */
#include "session.h"

/* --- Waiting ----------------------------------------------------------------------------- */

const char *session_waits_for(const struct session *s)
{
        const struct tms_pulse *next = session_pulse(s, s->next_pulse);

        if (!session_is(s, SESSION_RUNS) || !next || s->released == s->next_pulse + 1)
                return "none";
        if (next->flags & TMS_PULSE_WAIT_OPERATOR)
                return "operator";
        return next->flags & TMS_PULSE_WAIT_TRIGGER ? "trigger" : "none";
}

void session_tell_waiting(struct session *s)
{
        const char *waiting = session_waits_for(s);

        if (s->waiting && STREQ(waiting, s->waiting))
                return;
        s->waiting = waiting;
        /* The progress is signalled first, so that a client that sees Waiting knows at which pulse. */
        if (!STREQ(waiting, "none"))
                session_refresh(s);
        if (s->slot)
                (void)sd_bus_emit_properties_changed(s->ward->bus, s->path, SESSION_INTERFACE, "Waiting", NULL);
}

/* --- Gates ------------------------------------------------------------------------------- */

void session_tell_gates(struct session *s)
{
        if (gates_see(&s->gated) && s->slot)
                (void)sd_bus_emit_properties_changed(s->ward->bus, s->path, SESSION_INTERFACE, "Gates", NULL);
}

/* --- Progress -------------------------------------------------------------------------- */

static uint64_t time_left(const struct session *s)
{
        const struct tms_status *k = &s->st->status;
        const struct tms_timeline *t = &s->timeline;
        const struct tms_pulse *next = session_pulse(s, k->next_pulse);
        uint64_t rest = 0, left = 0;

        /*
         * During a pause or a wait the kernel's times stand still, and they move when it is over. So the time left is
         * never less than what the timeline itself has left.
         */
        if (next)
                rest = t->pulses[t->count - 1].t_ns - next->t_ns;
        switch (s->state) {
        case SESSION_RUNNING:
        case SESSION_RUNNING_BREAK:
                if (k->end_ns > k->mono_ns)
                        left = k->end_ns - k->mono_ns;
                return left > rest ? left : rest;
        case SESSION_PAUSED:
        case SESSION_PAUSED_BREAK:
                return rest;
        case SESSION_BEGINNING:
        case SESSION_NEW:
        case SESSION_DROPPED:
        case SESSION_ENDED:
                return 0;
        default:
                return s->first_to_last_ns;
        }
}

/*
 * What is signalled together, in this order, when it is not as it was last signalled: a row a property. Its member and
 * the one that keeps what was last signalled, shown_..., have one size.
 */
static const struct signalled {
        const char *property;
        size_t now, shown, size;
} signalled[] = {
#define SIZE(member) sizeof(((struct session *)0)->member)
#define SIGNALLED(name, member)                                                                                \
        {                                                                                                      \
                (name), offsetof(struct session, member), offsetof(struct session, shown_##member),            \
                                SIZE(member) + 0 * sizeof(char[SIZE(member) == SIZE(shown_##member) ? 1 : -1]) \
        }
                SIGNALLED("Delivered", delivered), SIGNALLED("Missed", missed),         SIGNALLED("Unknown", unknown),
                SIGNALLED("Train", train),         SIGNALLED("TimeLeft", time_left_ns),
};

static void emit_progress(struct session *s)
{
        char *changed[ELEMENTS(signalled) + 1];
        size_t i, n = 0;

        for (i = 0; i < ELEMENTS(signalled); i++) {
                const struct signalled *p = signalled + i;
                const char *now = (const char *)s + p->now;
                char *shown = (char *)s + p->shown;

                if (memcmp(now, shown, p->size) == 0)
                        continue;
                memcpy(shown, now, p->size);
                changed[n++] = (char *)p->property;
        }
        changed[n] = NULL;
        if (n > 0 && s->slot)
                (void)sd_bus_emit_properties_changed_strv(s->ward->bus, s->path, SESSION_INTERFACE, changed);
}

void session_refresh(struct session *s)
{
        if (session_is(s, SESSION_OVER) || stimulator_refresh(s->st) < 0)
                return;
        if (session_is(s, SESSION_STARTED))
                s->train = s->st->status.train - s->first_train;
        s->time_left_ns = time_left(s);
        emit_progress(s);
        session_tell_gates(s);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What has to hold whoever is treated; see gates.h. */
#include <assert.h>

#include "courses.h"
#include "gates.h"

#define NEVER_SYNCHRONISED CLOCK_TROUBLES
#define SET_RIGHT "Set it right (" CLOCK_HOW_SYNCHRONISED "; or by hand: timedatectl set-time 'YYYY-MM-DD hh:mm:ss')"

static const char *const notice_names[] = {
                [CLOCK_STEPPED] = "clock_stepped",
                [CLOCK_BACKWARD] = "clock_backward",
                [CLOCK_LONG_OFF] = "clock_long_off",
                [NEVER_SYNCHRONISED] = "clock_never_synchronised",
};

static const char *utc_text(uint64_t utc_ns, char ret[static 32])
{
        const time_t t = (time_t)(utc_ns / NS_PER_S);
        struct tm tm;

        if (!gmtime_r(&t, &tm) || strftime(ret, 32, "%Y-%m-%d %H:%M:%S UTC", &tm) == 0)
                (void)snprintf(ret, 32, "an unknown time");
        return ret;
}

/* --- The clock ---------------------------------------------------------------------------------- */

static void refuse_clock(struct request *q, const struct gated *who, const char *method, const struct elapsed *e)
{
        const bool stepped = e->trouble[CLOCK_STEPPED].active;
        const enum clock_trouble kind = stepped ? CLOCK_STEPPED : CLOCK_BACKWARD;
        char from[32], to[32];

        (void)utc_text(e->trouble[kind].from_utc_ns, from);
        (void)utc_text(e->trouble[kind].to_utc_ns, to);
        log_event(CLOCK_NOT_SANE,
                  FIELDS(field_text("SESSION", who->session), field_text("METHOD", method),
                         field_text("REASON", notice_names[kind])),
                  "session %s: %s is refused: the clock of this computer went from %s to %s; set it "
                  "right (" CLOCK_HOW_SYNCHRONISED ")",
                  who->session, method, from, to);
        if (stepped)
                request_refuse(q, ERROR_CLOCK_NOT_SANE,
                               "%s: the clock of this computer was moved from %s to %s while it was running, so that "
                               "its dates say nothing of how long ago anybody was treated. " SET_RIGHT
                               "; if it was wrong before and is right now, restart the computer, or wait until it has "
                               "run for 24 hours.",
                               method, from, to);
        else
                request_refuse(q, ERROR_CLOCK_NOT_SANE,
                               "%s: the clock of this computer said %s in the last record before it was started, and "
                               "%s "
                               "after that, and time does not run backward. " SET_RIGHT
                               "; if it was wrong before and is right now, wait until it has run for 24 hours.",
                               method, from, to);
}

static void notice_text(const struct elapsed *e, unsigned kind, char *buf, size_t size)
{
        char from[32], to[32];

        if (kind < CLOCK_TROUBLES) {
                (void)utc_text(e->trouble[kind].from_utc_ns, from);
                (void)utc_text(e->trouble[kind].to_utc_ns, to);
        }
        switch (kind) {
        case CLOCK_STEPPED:
        case CLOCK_BACKWARD:
                (void)snprintf(buf, size,
                               "The clock of this computer was set from %s to %s, and is synchronised now. What was "
                               "given in between counts as given today until it is certain that it was not.",
                               from, to);
                break;
        case CLOCK_LONG_OFF:
                (void)snprintf(buf, size,
                               "By its clock this computer was off from %s to %s, %llu days. If that is not so, set "
                               "the "
                               "clock right (timedatectl) before anybody is treated.",
                               from, to,
                               (unsigned long long)((e->trouble[kind].to_utc_ns - e->trouble[kind].from_utc_ns) /
                                                    DAY_NS));
                break;
        default:
                (void)snprintf(buf, size,
                               "The clock of this computer has not been synchronised since the daemon started "
                               "(" CLOCK_HOW_SYNCHRONISED "), and it says %s: what was given before the computer was "
                               "started counts as given today until it is certain that it was not.",
                               utc_text(e->utc_ns, to));
                break;
        }
}

static void add_notice(struct gates *g, const struct elapsed *e, unsigned kind)
{
        size_t i = 0;

        while (*g->notices[i].sentence)
                i++;
        g->clock_notices |= 1U << kind;
        g->notices[i].kind = kind;
        g->notices[i].name = notice_names[kind];
        notice_text(e, kind, g->notices[i].sentence, sizeof(g->notices[i].sentence));
}

/*
 * Refuses q when it returns false. A clock that is synchronised is believed, but what was done to it becomes a notice.
 */
static bool look_at_clock(struct request *q, const struct gated *who, const char *method, const struct elapsed *e,
                          bool synchronised, struct gates *g)
{
        struct recorder *r = who->recorder;
        unsigned kind;

        r->clock_was_synchronised = r->clock_was_synchronised || synchronised;
        if (!synchronised && (e->trouble[CLOCK_STEPPED].active || e->trouble[CLOCK_BACKWARD].active)) {
                refuse_clock(q, who, method, e);
                return false;
        }
        for (kind = 0; kind < CLOCK_TROUBLES; kind++)
                if (e->trouble[kind].active)
                        add_notice(g, e, kind);
        if (!r->clock_was_synchronised)
                add_notice(g, e, NEVER_SYNCHRONISED);
        return true;
}

/* --- All of them ---------------------------------------------------------------------------------- */

bool gates_look(struct request *q, const struct gated *who, const char *method, struct gates *ret)
{
        struct recorder *r = who->recorder;
        struct clock_now now;
        struct elapsed e;

        assert(who->subject && who->session);
        *ret = (struct gates){0};
        clock_read(&now);
        history_elapsed(r->history, r->boot, &now, &e);
        if (!look_at_clock(q, who, method, &e, now.synchronised, ret))
                return false;
        if (history_today(r->history, who->subject, r->boot, &now, who->session, &ret->today) < 0) {
                request_refuse(q, ERROR_DOSE_NOT_KNOWN,
                               "%s: there was no memory for a record of the audit log, so nobody knows what was given "
                               "today. Restart the daemon: systemctl restart tmsd.",
                               method);
                return false;
        }
        if (courses_is_locked(history_courses(r->history), who->subject)) {
                request_refuse(q, ERROR_SUBJECT_LOCKED,
                               "%s: a seizure was reported for %s, and nothing is given to that subject until a "
                               "prescriber has taken the lock off; ask one to look at it (Manager.Unlock).",
                               method, who->subject);
                return false;
        }
        return true;
}

bool gates_add_notices(const struct gates *g, struct tms_safety *safety)
{
        size_t i;

        for (i = 0; *g->notices[i].sentence; i++) {
                struct tms_safety_reason *r;

                if (safety->n_reasons == ELEMENTS(safety->reasons))
                        return false;
                r = &safety->reasons[safety->n_reasons++];
                *r = (struct tms_safety_reason){.class_ = TMS_SAFETY_NOTICE, .layer = "clock"};
                (void)snprintf(r->table, sizeof(r->table), "%s", g->notices[i].name);
                (void)snprintf(r->sentence, sizeof(r->sentence), "%s", g->notices[i].sentence);
                if (safety->class_ < TMS_SAFETY_NOTICE)
                        safety->class_ = TMS_SAFETY_NOTICE;
        }
        return true;
}

void gates_keep(struct gated *who, const struct gates *g)
{
        who->judged_treatment = g->today.treatment;
        who->judged_measuring = g->today.measuring;
        who->clock_notices = g->clock_notices;
}

bool gates_hold(struct request *q, const struct gated *who, const char *method)
{
        struct gates g;
        size_t i;

        if (!gates_look(q, who, method, &g))
                return false;
        if (g.clock_notices & ~who->clock_notices) {
                for (i = 0; who->clock_notices & (1U << g.notices[i].kind); i++)
                        ;
                request_refuse(q, ERROR_CLOCK_NOT_SANE, "%s: prepare the session again, as this was not known then: %s",
                               method, g.notices[i].sentence);
                return false;
        }
        if (g.today.treatment > who->judged_treatment || g.today.measuring > who->judged_measuring) {
                request_refuse(q, ERROR_OUT_OF_ORDER,
                               "%s: prepare the session again: it was judged with %u pulses given today, and they are "
                               "%u by now: %s.",
                               method, who->judged_treatment + who->judged_measuring,
                               g.today.treatment + g.today.measuring, g.today.whose);
                return false;
        }
        return true;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The gates of the clock and of the day: what the subject had, and how sure that is. See gates.h. */
#include <assert.h>

#include "gates-internal.h"

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

void gates_look_at_day(const struct gated *who, struct gates *ret)
{
        struct recorder *r = who->recorder;
        struct clock_now now;
        unsigned kind;

        assert(who->subject && who->session);
        *ret = (struct gates){0};
        clock_read(&now);
        history_elapsed(r->history, r->boot, &now, &ret->elapsed);
        ret->clock_synchronised = now.synchronised;
        r->clock_was_synchronised = r->clock_was_synchronised || now.synchronised;
        for (kind = 0; kind < CLOCK_TROUBLES; kind++)
                if (ret->elapsed.trouble[kind].active)
                        add_notice(ret, &ret->elapsed, kind);
        if (!r->clock_was_synchronised)
                add_notice(ret, &ret->elapsed, NEVER_SYNCHRONISED);
        ret->today_error = history_today(r->history, who->subject, r->boot, &now, who->session, &ret->today);
}

/* --- The gates ---------------------------------------------------------------------------------- */

/* A clock that is synchronised is believed: what was done to it before is a notice. */
static bool is_sane(const struct gates *g)
{
        return g->clock_synchronised ||
               (!g->elapsed.trouble[CLOCK_STEPPED].active && !g->elapsed.trouble[CLOCK_BACKWARD].active);
}

static enum clock_trouble trouble_of(const struct gates *g, char from[static 32], char to[static 32])
{
        const enum clock_trouble kind = g->elapsed.trouble[CLOCK_STEPPED].active ? CLOCK_STEPPED : CLOCK_BACKWARD;

        (void)utc_text(g->elapsed.trouble[kind].from_utc_ns, from);
        (void)utc_text(g->elapsed.trouble[kind].to_utc_ns, to);
        return kind;
}

void gate_look_clock(const struct gated *who, const struct gates *g, struct gate_look *ret)
{
        char from[32], to[32];

        if (is_sane(g))
                return;
        if (trouble_of(g, from, to) == CLOCK_STEPPED)
                gate_fails(ret, ERROR_CLOCK_NOT_SANE,
                           SET_RIGHT
                           "; if it was wrong before and is right now, restart the computer, or wait until it has "
                           "run for 24 hours.",
                           "The clock of this computer was moved from %s to %s while it was running, so that its dates "
                           "say "
                           "nothing of how long ago anybody was treated.",
                           from, to);
        else
                gate_fails(ret, ERROR_CLOCK_NOT_SANE,
                           SET_RIGHT "; if it was wrong before and is right now, wait until it has run for 24 hours.",
                           "The clock of this computer said %s in the last record before it was started, and %s after "
                           "that, and time does not run backward.",
                           from, to);
}

void gate_log_clock(const struct gated *who, const char *method, const struct gates *g)
{
        char from[32], to[32];
        const enum clock_trouble kind = trouble_of(g, from, to);

        log_event(CLOCK_NOT_SANE,
                  FIELDS(field_text("SESSION", who->session), field_text("METHOD", method),
                         field_text("REASON", notice_names[kind])),
                  "session %s: %s is refused: the clock of this computer went from %s to %s; set it "
                  "right (" CLOCK_HOW_SYNCHRONISED ")",
                  who->session, method, from, to);
}

void gate_look_day_known(const struct gated *who, const struct gates *g, struct gate_look *ret)
{
        if (g->today_error >= 0)
                return;
        gate_fails(ret, ERROR_DOSE_NOT_KNOWN, "Restart the daemon: systemctl restart tmsd.",
                   "There was no memory for a record of the audit log, so nobody knows what was given today.");
        ret->state = GATE_UNKNOWN;
}

void gate_look_clock_as_prepared(const struct gated *who, const struct gates *g, struct gate_look *ret)
{
        size_t i;

        if (!who->is_judged || !(g->clock_notices & ~who->clock_notices))
                return;
        for (i = 0; who->clock_notices & (1U << g->notices[i].kind); i++)
                ;
        gate_fails(ret, ERROR_CLOCK_NOT_SANE, "Prepare the session again, as this was not known then.", "%s",
                   g->notices[i].sentence);
}

void gate_look_dose_as_prepared(const struct gated *who, const struct gates *g, struct gate_look *ret)
{
        if (!who->is_judged || g->today_error < 0 ||
            (g->today.treatment <= who->judged_treatment && g->today.measuring <= who->judged_measuring))
                return;
        gate_fails(ret, ERROR_OUT_OF_ORDER, "Prepare the session again.",
                   "It was judged with %u pulses given today, and they are %u by now: %s.",
                   who->judged_treatment + who->judged_measuring, g->today.treatment + g->today.measuring,
                   g->today.whose);
}

/* --- What Prepare goes by ----------------------------------------------------------------------- */

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
        who->is_judged = true;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* When the next session of a course may begin; see due.h. */
#include "civil.h"
#include "due.h"
#include "util.h"

/* One look: the moment that is held against the rules, and the civil day of it. */
struct look {
        const struct plan *plan;
        const struct due_given *given;
        uint64_t at_ns;
        int32_t day;
};

static uint64_t last_ns(const struct due_given *g)
{
        return g->begun_ns[g->n - 1];
}

/* Sessions that began on that day. */
static unsigned given_on(const struct due_given *g, int32_t day)
{
        unsigned n = 0;
        size_t i;

        for (i = g->n; i-- > 0 && civil_day(g->begun_ns[i]) >= day;)
                n += civil_day(g->begun_ns[i]) == day;
        return n;
}

/* Days of that week on which sessions began. */
static unsigned days_given_in(const struct due_given *g, int32_t week)
{
        const int32_t monday = civil_monday(week);
        unsigned n = 0;
        int32_t day;

        for (day = monday; day < monday + 7; day++)
                n += given_on(g, day) > 0;
        return n;
}

static bool is_closed(const struct due_given *g, int32_t day)
{
        size_t i;

        for (i = 0; i < g->n_closed; i++) {
                if (g->closed[i] == day)
                        return true;
        }
        return false;
}

/* The week after that of the session before, where the next session is the first one of a week of the taper. */
static int32_t taper_monday(const struct look *l)
{
        unsigned before = 0, week;

        for (week = 0; week < l->plan->taper_weeks && before < l->given->in_part; week++)
                before += l->plan->taper[week];
        if (before != l->given->in_part)
                return INT32_MIN;
        return civil_monday(civil_week(civil_day(last_ns(l->given))) + 1);
}

static int32_t maintenance_day(const struct look *l)
{
        unsigned before = 0, i;

        for (i = 0; i < l->plan->n_steps; i++) {
                before += l->plan->step[i].sessions;
                if (l->given->in_part < before)
                        return civil_day(last_ns(l->given)) + l->plan->step[i].every_days;
        }
        return INT32_MIN;
}

/* A rule that forbids a session at that moment; *ret_ns is the first one at which that rule does not. */
static enum due_rule forbids(const struct look *l, uint64_t *ret_ns)
{
        const unsigned per_day = l->given->part == PART_COURSE ? l->plan->per_day : 1;
        const uint64_t gap = l->plan->min_gap_ns ? l->plan->min_gap_ns : PLAN_NIGHT_NS;
        unsigned today;

        *ret_ns = civil_begin(l->day + 1);
        if (is_closed(l->given, l->day))
                return DUE_CLOSED;
        if (!(l->plan->weekdays & 1U << civil_weekday(l->day)))
                return DUE_WEEKDAY;
        if (l->given->n == 0)
                return DUE_NOW;

        today = given_on(l->given, l->day);
        if (today >= per_day)
                return DUE_DAY;
        if (today == 0 && days_given_in(l->given, civil_week(l->day)) >= l->plan->days_per_week) {
                *ret_ns = civil_begin(civil_monday(civil_week(l->day) + 1));
                return DUE_WEEK;
        }
        if (l->given->part == PART_TAPER && l->day < taper_monday(l)) {
                *ret_ns = civil_begin(taper_monday(l));
                return DUE_TAPER;
        }
        if (l->given->part == PART_MAINTENANCE && l->day < maintenance_day(l)) {
                *ret_ns = civil_begin(maintenance_day(l));
                return DUE_MAINTENANCE;
        }
        if (l->at_ns < last_ns(l->given) + gap) {
                *ret_ns = last_ns(l->given) + gap;
                return DUE_GAP;
        }
        return DUE_NOW;
}

struct due due_look(const struct plan *p, const struct due_given *given, uint64_t now_ns)
{
        struct look l = {.plan = p, .given = given, .at_ns = now_ns, .day = civil_day(now_ns)};
        struct due due = {.rule = DUE_NOW};
        const int32_t today = l.day;

        assert(given->in_part <= given->n && given->part < PARTS);
        if (given->in_part >= plan_sessions(p, given->part))
                return (struct due){.rule = DUE_GIVEN};
        while (l.day - today <= DUE_DAYS_MAX) {
                uint64_t later;
                const enum due_rule rule = forbids(&l, &later);

                if (rule == DUE_NOW) {
                        due.from_ns = l.at_ns;
                        return due;
                }
                if (due.rule == DUE_NOW)
                        due.rule = rule;
                l.at_ns = later;
                l.day = civil_day(later);
        }
        return (struct due){.rule = DUE_NEVER};
}

const char *due_sentence(const struct due *due, char buf[static DUE_SENTENCE])
{
        static const char *const why[] = {
                        [DUE_GIVEN] = "all sessions of this part of the course are given; a prescriber begins the next "
                                      "part, or ends the course",
                        [DUE_CLOSED] = "the clinic is closed today",
                        [DUE_WEEKDAY] = "the course has no sessions on this day of the week",
                        [DUE_DAY] = "the day's sessions of the course are given",
                        [DUE_WEEK] = "the week's treatment days of the course are used",
                        [DUE_TAPER] = "the taper's sessions of this week are given",
                        [DUE_MAINTENANCE] = "the next session of maintenance is not due yet",
                        [DUE_GAP] = "the session before it has begun too short a while ago",
                        [DUE_NEVER] = "the clinic is closed on every day that the course could go on; correct its "
                                      "holidays",
        };
        const time_t t = (time_t)((due->from_ns + NS_PER_S - 1) / NS_PER_S);
        char when[64] = "";
        struct tm tm;

        buf[0] = '\0';
        if (due->rule == DUE_NOW)
                return buf;
        if (due->from_ns > 0 && localtime_r(&t, &tm))
                (void)strftime(when, sizeof(when), "; begin it on %Y-%m-%d at %H:%M:%S or later", &tm);
        (void)snprintf(buf, DUE_SENTENCE, "%s%s", why[due->rule], when);
        return buf;
}

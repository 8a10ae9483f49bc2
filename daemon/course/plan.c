/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a prescription says of when; see plan.h. */
#include "plan.h"
#include "util.h"

#define ALL_DAYS 0x7f
#define DAY (24 * 3600 * NS_PER_S)

static int refuse(char why[static COURSE_WHY], const char *format, ...) _printf_(2, 3);
static int refuse(char why[static COURSE_WHY], const char *format, ...)
{
        va_list ap;

        va_start(ap, format);
        (void)vsnprintf(why, COURSE_WHY, format, ap);
        va_end(ap);
        return -EINVAL;
}

static int look_at_week(const struct plan *p, char why[static COURSE_WHY])
{
        const int open = __builtin_popcount(p->weekdays & ALL_DAYS);

        if (p->weekdays == 0 || p->weekdays & ~ALL_DAYS)
                return refuse(why, "the days on which sessions may be are none of a week's seven; name at least one");
        if (p->days_per_week < 1 || p->days_per_week > open)
                return refuse(why,
                              "%u treatment days a week are prescribed, and sessions may be on %d; prescribe 1 to %d, "
                              "or name more days",
                              p->days_per_week, open, open);
        return 0;
}

static int look_at_day(const struct plan *p, char why[static COURSE_WHY])
{
        if (p->per_day < 1 || p->per_day > PLAN_PER_DAY_MAX)
                return refuse(why, "%u sessions a day are prescribed; prescribe 1 to %d", p->per_day, PLAN_PER_DAY_MAX);
        if (p->min_gap_ns >= DAY)
                return refuse(why,
                              "the gap between two sessions is a day or longer; prescribe fewer days a week instead");
        if (p->per_day > 1 && p->min_gap_ns == 0)
                return refuse(why,
                              "%u sessions a day are prescribed without a gap between them; prescribe how long it is "
                              "from one beginning to the next",
                              p->per_day);
        if ((p->per_day - 1U) * p->min_gap_ns >= DAY)
                return refuse(why,
                              "%u sessions with that gap between them do not fit into a day; prescribe fewer, or a "
                              "shorter gap",
                              p->per_day);
        return 0;
}

static int look_at_taper(const struct plan *p, char why[static COURSE_WHY])
{
        unsigned i;

        if (p->taper_weeks > PLAN_TAPER_MAX)
                return refuse(why, "the taper has %u weeks; prescribe at most %d", p->taper_weeks, PLAN_TAPER_MAX);
        for (i = 0; i < p->taper_weeks; i++) {
                if (p->taper[i] < 1 || p->taper[i] > p->days_per_week)
                        return refuse(why,
                                      "week %u of the taper has %u sessions, and %u treatment days of one session "
                                      "each; prescribe 1 to %u",
                                      i + 1, p->taper[i], p->days_per_week, p->days_per_week);
        }
        return 0;
}

static int look_at_maintenance(const struct plan *p, char why[static COURSE_WHY])
{
        unsigned i;

        if (p->n_steps > PLAN_STEPS_MAX)
                return refuse(why, "maintenance has %u steps; prescribe at most %d", p->n_steps, PLAN_STEPS_MAX);
        for (i = 0; i < p->n_steps; i++) {
                if (p->step[i].sessions < 1 || p->step[i].sessions > PLAN_SESSIONS_MAX)
                        return refuse(why, "step %u of maintenance has %u sessions; prescribe 1 to %d", i + 1,
                                      p->step[i].sessions, PLAN_SESSIONS_MAX);
                if (p->step[i].every_days < 1 || p->step[i].every_days > PLAN_EVERY_MAX)
                        return refuse(why, "step %u of maintenance has a session every %u days; prescribe 1 to %d",
                                      i + 1, p->step[i].every_days, PLAN_EVERY_MAX);
        }
        return 0;
}

int plan_check(const struct plan *p, char why[static COURSE_WHY])
{
        int r;

        if (p->sessions < 1 || p->sessions > PLAN_SESSIONS_MAX)
                return refuse(why, "%u sessions are prescribed; prescribe 1 to %d", p->sessions, PLAN_SESSIONS_MAX);
        r = look_at_week(p, why);
        if (r == 0)
                r = look_at_day(p, why);
        if (r == 0)
                r = look_at_taper(p, why);
        if (r == 0)
                r = look_at_maintenance(p, why);
        return r;
}

const char *plan_part_name(enum plan_part part)
{
        static const char *const names[PARTS] = {"course", "taper", "maintenance"};

        assert(part < PARTS);
        return names[part];
}

unsigned plan_sessions(const struct plan *p, enum plan_part part)
{
        unsigned n = 0, i;

        switch (part) {
        case PART_COURSE:
                return p->sessions;
        case PART_TAPER:
                for (i = 0; i < p->taper_weeks; i++)
                        n += p->taper[i];
                return n;
        default:
                for (i = 0; i < p->n_steps; i++)
                        n += p->step[i].sessions;
                return n;
        }
}

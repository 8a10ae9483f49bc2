/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From what was filled in to what the rules go by; see prescription.h. */
#include "prescription.h"
#include "util.h"

static unsigned number_at(const json_t *list, size_t i)
{
        return (unsigned)json_integer_value(json_array_get(list, i));
}

static unsigned read_weekdays(const json_t *list)
{
        static const char *const names[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};
        unsigned bits = 0, day;
        const json_t *v;
        size_t i;

        json_array_foreach(list, i, v) {
                for (day = 0; day < ELEMENTS(names); day++)
                        bits |= STREQ(names[day], json_string_value(v)) ? 1U << day : 0;
        }
        return bits;
}

int prescription_plan(const json_t *prescription, struct plan *ret, char why[static COURSE_WHY])
{
        const json_t *taper = json_object_get(prescription, "taper");
        const json_t *sessions = json_object_get(prescription, "maintenance_sessions");
        const json_t *days = json_object_get(prescription, "maintenance_days");
        struct plan p = {
                        .sessions = (uint16_t)json_get_u64(prescription, "sessions"),
                        .per_day = (uint16_t)json_get_u64(prescription, "per_day"),
                        .days_per_week = (uint8_t)json_get_u64(prescription, "days_per_week"),
                        .weekdays = (uint8_t)read_weekdays(json_object_get(prescription, "weekdays")),
                        .taper_weeks = (uint8_t)json_array_size(taper),
                        .n_steps = (uint8_t)json_array_size(sessions),
                        .min_gap_ns = json_get_u64(prescription, "min_gap_s") * NS_PER_S,
        };
        size_t i;
        int r;

        if (json_array_size(sessions) != json_array_size(days)) {
                (void)snprintf(why, COURSE_WHY,
                               "maintenance_sessions has %zu steps and maintenance_days has %zu; give both the same "
                               "number of steps",
                               json_array_size(sessions), json_array_size(days));
                return -EINVAL;
        }
        for (i = 0; i < p.taper_weeks && i < PLAN_TAPER_MAX; i++)
                p.taper[i] = (uint16_t)number_at(taper, i);
        for (i = 0; i < p.n_steps && i < PLAN_STEPS_MAX; i++)
                p.step[i] = (struct plan_step){.sessions = (uint16_t)number_at(sessions, i),
                                               .every_days = (uint16_t)number_at(days, i)};
        r = plan_check(&p, why);
        if (r < 0)
                return r;
        *ret = p;
        return 0;
}

int rating_of(const json_t *score, struct rating *ret, char why[static COURSE_WHY])
{
        const json_t *items = json_object_get(score, "items");
        const int instrument = instrument_find(json_get_str(score, "instrument"));
        int64_t answer[INSTRUMENT_ITEMS];
        const size_t n = json_array_size(items);
        size_t i;

        if (instrument < 0 || n > INSTRUMENT_ITEMS) {
                (void)snprintf(why, COURSE_WHY, "there is no such rating scale; give one that org.tmsd1.xml names");
                return -EINVAL;
        }
        for (i = 0; i < n; i++)
                answer[i] = json_integer_value(json_array_get(items, i));
        return rating_read((enum instrument)instrument, answer, n, ret, why);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The course that a protocol is usually given in. */
#include "protocol.h"

int course_read(const struct reader *reader, const struct node *n, struct tms_protocol *p)
{
        static const char *const keys[] = {"sessions", "sessions_per_day", "days_per_week", "weeks",
                                           "taper",    "min_gap",          "maintenance",   NULL};
        struct tms_course_defaults *c = &p->course;
        const struct node *k;
        int r;

        r = node_check_keys(reader, n, keys);
        if (r < 0)
                return r;
        r = map_number(reader, n, "sessions", 1, 1000, &c->sessions);
        if (r < 0)
                return r;
        r = map_number(reader, n, "sessions_per_day", 1, 24, &c->sessions_per_day);
        if (r < 0)
                return r;
        r = map_number(reader, n, "days_per_week", 1, 7, &c->days_per_week);
        if (r < 0)
                return r;
        r = map_number(reader, n, "weeks", 1, 104, &c->weeks);
        if (r < 0)
                return r;

        k = node_get(n, "taper");
        if (k) {
                r = node_check_list(reader, k, 1, ELEMENTS(c->taper),
                                    "numbers of sessions, one a week, such as \"[3, 2, 1]\"");
                if (r < 0)
                        return r;
                for (size_t i = 0; i < k->n; i++) {
                        uint64_t v;

                        r = read_count(reader, k->children[i], 1, 50, &v);
                        if (r < 0)
                                return r;
                        c->taper[i] = (uint32_t)v;
                }
                c->taper_weeks = (uint32_t)k->n;
        }

        k = node_get(n, "min_gap");
        if (k) {
                struct ratio gap;

                r = read_time(reader, k, &gap);
                if (r < 0)
                        return r;
                c->min_gap_ns = ticks_to_ns(gap.num, gap.den);
        }

        if (c->sessions && c->sessions_per_day && c->days_per_week && c->weeks &&
            c->sessions > (uint64_t)c->sessions_per_day * c->days_per_week * c->weeks)
                return node_fail(reader, node_get(n, "sessions"),
                                 "%u sessions do not fit into %u weeks of %u days with %u a day; mend one of the four",
                                 c->sessions, c->weeks, c->days_per_week, c->sessions_per_day);

        return map_text(reader, n, "maintenance", false, &p->maintenance);
}

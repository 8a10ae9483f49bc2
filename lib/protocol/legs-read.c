/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reading the legs of a session, or the one pattern that is all of it. */
#include "protocol.h"

static int leg_read(const struct reader *reader, const struct node *n, size_t index, struct leg *leg)
{
        static const char *const keys[] = {"name", "target", "intensity", "pattern", "pause", "wait", "totals", NULL};
        const struct node *k;
        unsigned wait = WAIT_NONE;
        int r;

        r = node_check_keys(reader, n, keys);
        if (r < 0)
                return r;
        r = map_line(reader, n, "name", true, &leg->name);
        if (r < 0)
                return r;
        r = map_line(reader, n, "target", true, &leg->target);
        if (r < 0)
                return r;

        k = node_get(n, "intensity");
        if (k) {
                r = intensity_read(reader, k, true, &leg->intensity);
                if (r < 0)
                        return r;
        }
        k = node_get(n, "pause");
        if (k) {
                if (index == 0)
                        return node_fail(reader, k, "there is no leg before the first; expected no pause here");
                r = read_time(reader, k, &leg->pause);
                if (r < 0)
                        return r;
        }
        k = node_get(n, "wait");
        if (k) {
                r = read_choice(reader, k, wait_names, &wait);
                if (r < 0)
                        return r;
        }
        leg->wait = (enum wait)wait;

        k = node_get(n, "pattern");
        if (!k)
                return node_missing(reader, n, "pattern", "burst, train and series");
        return pattern_read(reader, k, leg);
}

int legs_read(const struct reader *reader, const struct node *root, struct tms_protocol *p)
{
        const struct node *pattern = node_get(root, "pattern"), *legs = node_get(root, "legs");
        int r;

        for (size_t i = 0; i < TMS_LEGS_MAX; i++)
                p->legs[i].intensity = (struct intensity){BASE_MAIN, 1000};

        if (pattern && legs)
                return node_fail(reader, legs, "expected either one pattern or a list of legs, not both");
        if (!pattern && !legs)
                return node_missing(reader, root, "pattern", "burst, train and series");
        if (pattern) {
                p->n_legs = 1;
                return pattern_read(reader, pattern, &p->legs[0]);
        }

        r = node_check_list(reader, legs, 2, TMS_LEGS_MAX, "legs, each with name, target and pattern");
        if (r < 0)
                return r;
        for (size_t i = 0; i < legs->n; i++) {
                p->n_legs = i + 1;
                r = leg_read(reader, legs->children[i], i, &p->legs[i]);
                if (r < 0)
                        return r;
        }
        return 0;
}

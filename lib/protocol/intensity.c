/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reading intensities: that of the session, and those of legs and pulses, which may be shares of the session's. */
#include "protocol.h"

int intensity_read(const struct reader *reader, const struct node *n, bool main_allowed, struct intensity *ret)
{
        const char *rest, *expected;
        struct intensity v;
        unsigned base;
        int r;

        if (n->kind != NODE_TEXT)
                return node_fail(reader, n, "expected an intensity, such as \"main\", \"80 %% aMT\" or \"90 %% main\"");
        r = node_check_spelling(reader, n, "expected an intensity, such as \"main\", \"80 % aMT\" or \"90 % main\"");
        if (r < 0)
                return r;
        if (main_allowed && strcmp(n->text, "main") == 0) {
                *ret = (struct intensity){BASE_MAIN, 1000};
                return 0;
        }
        if (quantity_percent(n->text, &v.permille, &rest, &expected) < 0)
                return node_fail(reader, n,
                                 "\"%.48s\" cannot be used; expected an intensity, such as \"main\", \"80 %% aMT\" or "
                                 "\"90 %% main\"",
                                 n->text);
        while (*rest == ' ')
                rest++;
        for (base = main_allowed ? BASE_MAIN : BASE_RMT; base_names[base]; base++)
                if (strcmp(rest, base_names[base]) == 0)
                        break;
        if (!base_names[base])
                return node_fail(reader, n,
                                 "\"%.48s\" does not say of what; expected %srMT, aMT or MSO after the percentage",
                                 n->text, main_allowed ? "main, " : "");
        if (v.permille == 0 || v.permille > PERCENT_MAX_PERMILLE)
                return node_fail(reader, n, "\"%.48s\" is out of range; expected more than 0 %% and at most %u %%",
                                 n->text, PERCENT_MAX_PERMILLE / 10);

        v.base = (enum base)base;
        *ret = v;
        return 0;
}

int main_intensity_read(const struct reader *reader, const struct node *n, struct tms_protocol *p)
{
        static const char *const keys[] = {"reference", "percent", "highest", "muscle", "adjustment", NULL};
        const struct node *percent, *highest;
        unsigned reference;
        uint32_t max;
        int r;

        r = node_check_keys(reader, n, keys);
        if (r < 0)
                return r;
        r = map_choice(reader, n, "reference", base_names + BASE_RMT, &reference);
        if (r < 0)
                return r;
        p->reference = (enum base)(BASE_RMT + reference);

        percent = node_get(n, "percent");
        if (!percent)
                return node_missing(reader, n, "percent", "how much of the reference, such as \"120 %\"");
        max = p->reference == BASE_MSO ? 1000 : PERCENT_MAX_PERMILLE;
        r = read_percent(reader, percent, max, &p->percent_permille);
        if (r < 0)
                return r;

        p->highest_permille = p->percent_permille;
        highest = node_get(n, "highest");
        if (highest) {
                r = read_percent(reader, highest, max, &p->highest_permille);
                if (r < 0)
                        return r;
                if (p->highest_permille < p->percent_permille)
                        return node_fail(reader, highest, "this is below \"percent\"; expected at least that");
        }

        r = map_line(reader, n, "muscle", false, &p->muscle);
        if (r < 0)
                return r;
        return map_text(reader, n, "adjustment", false, &p->adjustment);
}

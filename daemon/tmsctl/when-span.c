/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Spans before and after now; see when.h. */
#include <string.h>

#include "when-internal.h"

/* A month and a year are as long as systemd.time(7) has them: a twelfth of 365.25 days, and that. */
static const struct unit {
        const char *names[4];
        int64_t usec;
} units[] = {
                {{"s", "sec", "second", "seconds"}, USEC},   {{"m", "min", "minute", "minutes"}, 60 * USEC},
                {{"h", "hr", "hour", "hours"}, 3600 * USEC}, {{"d", "day", "days"}, DAY_S *USEC},
                {{"w", "week", "weeks"}, 7 * DAY_S *USEC},   {{"M", "month", "months"}, 2629800 * USEC},
                {{"y", "year", "years"}, 31557600 * USEC},
};

static const struct unit *take_unit(struct reader *r)
{
        size_t n, i, j;

        for (n = 0; when_is_letter(r->at[n]); n++)
                ;
        for (i = 0; i < ELEMENTS(units); i++) {
                for (j = 0; j < ELEMENTS(units[i].names) && units[i].names[j]; j++) {
                        if (strlen(units[i].names[j]) == n && strncmp(r->at, units[i].names[j], n) == 0) {
                                r->at += n;
                                return units + i;
                        }
                }
        }
        return NULL;
}

/* "2h", "1 day 3 hours": one or more. An overflow is far outside the years that are read, and is told as that. */
static int take_span(struct reader *r, const struct reader *whole, int64_t *ret_usec)
{
        const struct unit *unit;
        int64_t n, part;

        *ret_usec = 0;
        do {
                if (!when_is_digit(*r->at))
                        return when_refuse(r, "a whole number, as in -2h");
                for (n = 0; when_is_digit(*r->at); r->at++)
                        if (__builtin_mul_overflow(n, 10, &n) || __builtin_add_overflow(n, *r->at - '0', &n))
                                return when_refuse_range(whole);
                when_skip_spaces(r);
                unit = take_unit(r);
                if (!unit)
                        return when_refuse(r, "s, min, h, days, weeks, months or years, as in -2h or '2 hours ago'");
                if (__builtin_mul_overflow(n, unit->usec, &part) || __builtin_add_overflow(*ret_usec, part, ret_usec))
                        return when_refuse_range(whole);
                when_skip_spaces(r);
        } while (when_is_digit(*r->at));
        return 0;
}

int when_read_span(struct reader *r, int64_t now_usec, int64_t *ret_usec)
{
        const struct reader whole = *r;
        const char sign = *r->at;
        int64_t span, t;
        int e;

        if (sign == '+' || sign == '-')
                r->at++;
        e = take_span(r, &whole, &span);
        if (e < 0)
                return e;
        if (when_is_digit(sign) && !STREQ(r->at, "ago"))
                return when_refuse(r, "'ago', as in '2 hours ago', which is the same as -2h");
        if (!when_is_digit(sign) && *r->at)
                return when_refuse(r, "the end of the span, as in -2h");
        if (__builtin_add_overflow(now_usec, sign == '+' ? span : -span, &t) || t < 0)
                return when_refuse_range(&whole);
        return when_give(&whole, t / USEC, t % USEC, ret_usec);
}

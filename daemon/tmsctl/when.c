/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads times as people type them; see when.h. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "when-internal.h"

static int read_date(struct reader *r, bool last, int64_t *ret_usec)
{
        static const char *const days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
        const struct reader whole = *r;
        struct moment m = {0};
        int named = when_take_weekday(r), weekday, e;
        bool day = true;

        e = when_take_date(r, &m);
        if (e < 0)
                return e;
        weekday = when_weekday(&m);
        if (named >= 0 && named != weekday)
                return when_refuse(&whole, "%s, which that day is, as in %s %04d-%02d-%02d", days[weekday],
                                   days[weekday], m.year, m.month, m.day);
        if (*r->at == 'T' || (*r->at == ' ' && when_is_digit(r->at[strspn(r->at, " ")]))) {
                day = false;
                if (!when_take(r, 'T'))
                        when_skip_spaces(r);
                e = when_take_time(r, &m);
        }
        if (e >= 0)
                e = when_take_zone_and_end(r, !day, &m);
        return e < 0 ? e : when_resolve(&whole, &m, day, last, ret_usec);
}

static int read_time_of_day(struct reader *r, bool last, int64_t now_usec, int64_t *ret_usec)
{
        const struct reader whole = *r;
        struct moment m = {0};
        int e;

        e = when_take_time(r, &m);
        if (e >= 0)
                e = when_take_zone_and_end(r, true, &m);
        if (e < 0)
                return e;
        when_set_day(&m, now_usec, 0);
        return when_resolve(&whole, &m, false, last, ret_usec);
}

/* Returns 1 if it is such a word. */
static int read_word(const struct reader *r, int64_t now_usec, int64_t *ret_usec)
{
        static const struct {
                const char *word;
                int days;
        } words[] = {{"yesterday", -1}, {"today", 0}, {"tomorrow", 1}};
        struct moment m = {0};
        size_t i;
        int e;

        if (STREQ(r->at, "now")) {
                *ret_usec = now_usec;
                return 1;
        }
        for (i = 0; i < ELEMENTS(words); i++) {
                if (STREQ(r->at, words[i].word)) {
                        when_set_day(&m, now_usec, words[i].days);
                        e = when_resolve(r, &m, true, false, ret_usec);
                        return e < 0 ? e : 1;
                }
        }
        return 0;
}

static int read_epoch(struct reader *r, int64_t *ret_usec)
{
        const struct reader whole = *r;
        struct moment m = {0};
        int64_t s = 0;
        int e = 0;

        r->at++;
        if (!when_is_digit(*r->at))
                return when_refuse(r, "seconds since 1970, as in @1769850000");
        for (; when_is_digit(*r->at) && s <= LAST_S; r->at++)
                s = s * 10 + (*r->at - '0');
        if (s <= LAST_S && when_take(r, '.'))
                e = when_take_fraction(r, &m);
        if (e >= 0 && s <= LAST_S && *r->at)
                return when_refuse(r, "the end of the seconds, as in @1769850000");
        return e < 0 ? e : when_give(&whole, s, m.usec, ret_usec);
}

static int refuse_form(const struct reader *r)
{
        return when_refuse(r, "a time such as 2026-01-31, 2026-01-31T09:00, " FULL_EXAMPLE
                              ", 09:00, now, today, yesterday, -2h or '2 hours ago'");
}

int when_parse(const char *text, bool last, int64_t now_usec, int64_t *ret_usec, char why[static WHEN_WHY])
{
        struct reader r = {.at = text, .why = why};
        size_t n = when_digits(text);
        int e;

        tzset();
        *why = '\0';
        e = read_word(&r, now_usec, ret_usec);
        if (e != 0)
                return e < 0 ? e : 0;
        if (*text == '@')
                return read_epoch(&r, ret_usec);
        if (*text == '+' || *text == '-')
                return when_read_span(&r, now_usec, ret_usec);
        if (n > 0 && text[n] == ':')
                return read_time_of_day(&r, last, now_usec, ret_usec);
        if (n > 0 && when_is_letter(text[n + strspn(text + n, " ")]) && text[n] != 'T')
                return when_read_span(&r, now_usec, ret_usec);
        if (n > 0 && text[n] == '-')
                return read_date(&r, last, ret_usec);
        if (when_is_letter(*text) && when_take_weekday(&r) >= 0) {
                r.at = text;
                return read_date(&r, last, ret_usec);
        }
        return refuse_form(&r);
}

/* --- Records ------------------------------------------------------------------------------------ */

int when_parse_utc(const char *text, int64_t *ret_usec)
{
        static const char form[] = "dddd-dd-ddTdd:dd:dd.ddddddZ";
        char why[WHEN_WHY];
        struct reader r = {.at = text, .why = why};
        size_t i;

        for (i = 0; i < sizeof(form) - 1; i++)
                if (form[i] == 'd' ? !when_is_digit(text[i]) : text[i] != form[i])
                        return -EINVAL;
        return text[i] ? -EINVAL : read_date(&r, false, ret_usec);
}

const char *when_text(int64_t usec, char buf[static WHEN_TEXT])
{
        time_t t = usec / USEC;
        char fraction[16] = "";
        struct tm tm = {0};
        int east;

        (void)localtime_r(&t, &tm);
        east = (int)(tm.tm_gmtoff < 0 ? -tm.tm_gmtoff : tm.tm_gmtoff) / 60;
        if (usec % USEC != 0)
                (void)snprintf(fraction, sizeof(fraction), ".%06" PRId64, usec % USEC);
        (void)snprintf(buf, WHEN_TEXT, "%04d-%02d-%02dT%02d:%02d:%02d%s%c%02d:%02d", tm.tm_year + 1900, tm.tm_mon + 1,
                       tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, fraction, tm.tm_gmtoff < 0 ? '-' : '+', east / 60,
                       east % 60);
        return buf;
}

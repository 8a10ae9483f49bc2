/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Numbers with units: "100 ms", "1/18 s", "2.5 ms", "18 Hz", "120 %". They are
 * read as ratios of whole numbers and stay exact until they are rounded to
 * whole nanoseconds; floating point is not used.
 */
#include "card.h"
#include "tree.h"

#include <errno.h>
#include <string.h>

#define NUMBER_DIGITS_MAX 12

uint64_t gcd_u64(uint64_t a, uint64_t b)
{
        while (b) {
                uint64_t t = a % b;

                a = b;
                b = t;
        }
        return a;
}

/* isdigit() depends on the locale. */
static bool digit(char c)
{
        return c >= '0' && c <= '9';
}

/* Reads digits without a leading zero: at most NUMBER_DIGITS_MAX, so that the number fits. */
static bool scan_whole(const char **p, uint64_t *ret)
{
        const char *s = *p;
        uint64_t v = 0;
        size_t n = 0;

        for (; digit(s[n]); n++) {
                if (n == NUMBER_DIGITS_MAX)
                        return false;
                v = v * 10 + (uint64_t)(s[n] - '0');
        }
        if (n == 0 || (s[0] == '0' && n > 1))
                return false;

        *p = s + n;
        *ret = v;
        return true;
}

/* Reads "7", "7.25" or "7/18", and the spaces that follow. */
static bool scan_number(const char **p, uint64_t *ret_num, uint64_t *ret_den)
{
        uint64_t num, den = 1;
        const char *s = *p;

        if (!scan_whole(&s, &num))
                return false;

        if (*s == '.') {
                s++;
                if (!digit(*s))
                        return false;
                for (; digit(*s); s++) {
                        if (den == 1000000000u)
                                return false;
                        num = num * 10 + (uint64_t)(*s - '0');
                        den *= 10;
                        if (num > 1000000000000000u)
                                return false;
                }
        } else if (*s == '/') {
                s++;
                if (!scan_whole(&s, &den) || den == 0 || den > 1000000u)
                        return false;
        }

        while (*s == ' ')
                s++;
        *p = s;
        *ret_num = num;
        *ret_den = den;
        return true;
}

/* *ret: num/den x scale in lowest terms. Refuses more than a day, and a denominator above RATIO_DEN_MAX. */
static int ratio_make(uint64_t num, uint64_t den, uint64_t scale, struct ratio *ret, const char **ret_expected)
{
        unsigned __int128 n = (unsigned __int128)num * scale;
        uint64_t g;

        if (n > (unsigned __int128)TMS_DURATION_MAX_NS * den) {
                *ret_expected = "expected at most 24 h";
                return -ERANGE;
        }
        /* n has up to 77 bits (a day in ns 47, den 30). gcd(n, den) is gcd(n % den, den), and that fits 64 bits. */
        g = gcd_u64((uint64_t)(n % den), den);
        n /= g;
        den /= g;
        if (den > RATIO_DEN_MAX) {
                *ret_expected = "expected a time that is a whole number of nanoseconds divided by at most 50000";
                return -ERANGE;
        }

        *ret = (struct ratio){(uint64_t)n, den};
        return 0;
}

int quantity_time(const char *text, struct ratio *ret, const char **ret_expected)
{
        static const struct {
                const char *unit;
                uint64_t ns;
        } units[] = {
                        {"ns", 1},         {"us", 1000},         {"ms", 1000000},
                        {"s", 1000000000}, {"min", 60000000000}, {"h", 3600000000000},
        };
        uint64_t num, den;

        *ret_expected = "expected a time with its unit (ns, us, ms, s, min or h), such as \"100 ms\", \"2.5 s\" or "
                        "\"1/18 s\"";
        if (!scan_number(&text, &num, &den))
                return -EINVAL;

        for (size_t i = 0; i < ELEMENTS(units); i++)
                if (strcmp(text, units[i].unit) == 0)
                        return ratio_make(num, den, units[i].ns, ret, ret_expected);
        return -EINVAL;
}

int quantity_frequency(const char *text, struct ratio *ret_interval, const char **ret_expected)
{
        uint64_t num, den;

        *ret_expected = "expected a frequency, such as \"10 Hz\" or \"0.1 Hz\"";
        if (!scan_number(&text, &num, &den) || strcmp(text, "Hz") != 0)
                return -EINVAL;
        if (num == 0) {
                *ret_expected = "expected a frequency above 0 Hz";
                return -ERANGE;
        }
        /* The interval of num/den Hz is den/num s. */
        if (num > UINT32_MAX) {
                *ret_expected = "expected a frequency with fewer digits";
                return -ERANGE;
        }
        return ratio_make(den, num, 1000000000, ret_interval, ret_expected);
}

int quantity_percent(const char *text, uint32_t *ret_permille, const char **ret_rest, const char **ret_expected)
{
        uint64_t num, den;

        *ret_expected = "expected a percentage, such as \"120 %\" or \"97.5 %\"";
        if (!scan_number(&text, &num, &den) || *text != '%')
                return -EINVAL;
        text++;
        if (ret_rest)
                *ret_rest = text;
        else if (*text)
                return -EINVAL;

        if (num > 1000000 * den) {
                *ret_expected = "expected a smaller percentage";
                return -ERANGE;
        }
        if (num * 10 % den) {
                *ret_expected = "expected a percentage with at most one decimal";
                return -ERANGE;
        }
        *ret_permille = (uint32_t)(num * 10 / den);
        return 0;
}

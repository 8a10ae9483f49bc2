/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Numbers that are no integers: the form that libjansson 2.14 gives them. The daemon writes none so far. */
#include "record-scan.h"

#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* Writes value as libjansson does: 17 digits, and always a point or an exponent, which has no plus and no zeros. */
static void print_real(double value, char point, char buf[RECORD_REAL_MAX])
{
        char *comma, *exponent, *first;

        snprintf(buf, RECORD_REAL_MAX - 2, "%.17g", value);
        comma = strchr(buf, point);
        if (comma)
                *comma = '.';
        exponent = strchr(buf, 'e');
        if (!exponent) {
                if (!comma)
                        strcat(buf, ".0");
                return;
        }
        exponent++;
        first = exponent + 1;
        exponent += *exponent == '-';
        while (*first == '0')
                first++;
        memmove(exponent, first, strlen(first) + 1);
}

bool record_is_real(const char *text, size_t size)
{
        char buf[RECORD_REAL_MAX], again[RECORD_REAL_MAX], point = localeconv()->decimal_point[0], *p;
        double value;

        if (size >= sizeof(buf))
                return false;
        memcpy(buf, text, size);
        buf[size] = 0;
        p = strchr(buf, '.');
        if (p)
                *p = point;
        value = strtod(buf, NULL);
        if (!isfinite(value))
                return false;
        print_real(value, point, again);
        return strlen(again) == size && memcmp(again, text, size) == 0;
}

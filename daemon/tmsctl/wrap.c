/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where a text is to be broken into lines; see wrap.h. */
#include <stdbool.h>
#include <string.h>
#include <wchar.h>

#include "wrap.h"

/*
 * The bytes of the first character, and the columns that it takes. What the locale cannot read takes one column, and an
 * escape sequence of colour() none.
 */
static size_t character(const char *text, unsigned *ret_columns)
{
        mbstate_t state = {0};
        wchar_t c;
        size_t n = mbrtowc(&c, text, strlen(text), &state);
        int width;

        if (strncmp(text, "\033[", 2) == 0) {
                *ret_columns = 0;
                n = 2 + strspn(text + 2, "0123456789;");
                return n + (text[n] != '\0');
        }
        if (n == 0 || n > strlen(text)) {
                *ret_columns = 1;
                return 1;
        }
        width = wcwidth(c);
        *ret_columns = width < 0 ? 1 : (unsigned)width;
        return n;
}

/* The space between a number and its unit, such as in "10 Hz" or "120 %". */
static bool is_before_unit(const char *text, size_t i)
{
        static const char *const units[] = {"%", "s", "ms", "Hz"};
        size_t n = strcspn(text + i + 1, " ,;:.()"), k;

        if (i == 0 || text[i - 1] < '0' || text[i - 1] > '9')
                return false;
        for (k = 0; k < sizeof(units) / sizeof(units[0]); k++)
                if (n == strlen(units[k]) && strncmp(text + i + 1, units[k], n) == 0)
                        return true;
        return false;
}

size_t wrap_line(const char *text, unsigned columns, const char **ret_next)
{
        const size_t margin = strspn(text, " ");
        size_t i = 0, space = 0, n;
        unsigned used = 0, width;

        for (; text[i]; i += n) {
                n = character(text + i, &width);
                if (text[i] == ' ' && i >= margin && !is_before_unit(text, i))
                        space = i;
                if (used + width > columns && i > 0)
                        break;
                used += width;
        }
        if (!text[i]) {
                *ret_next = text + i;
                return i;
        }
        if (space == 0)
                space = i;
        *ret_next = text + space + strspn(text + space, " ");
        return space;
}

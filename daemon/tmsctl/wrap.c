/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where a text is to be broken into lines; see wrap.h. */
#include <string.h>
#include <wchar.h>

#include "wrap.h"

/* The bytes of the first character, and the columns that it takes. What the locale cannot read takes one. */
static size_t character(const char *text, unsigned *ret_columns)
{
        mbstate_t state = {0};
        wchar_t c;
        size_t n = mbrtowc(&c, text, strlen(text), &state);
        int width;

        if (n == 0 || n > strlen(text)) {
                *ret_columns = 1;
                return 1;
        }
        width = wcwidth(c);
        *ret_columns = width < 0 ? 1 : (unsigned)width;
        return n;
}

size_t wrap_line(const char *text, unsigned columns, const char **ret_next)
{
        size_t i = 0, space = 0, n;
        unsigned used = 0, width;

        for (; text[i]; i += n) {
                n = character(text + i, &width);
                if (text[i] == ' ')
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

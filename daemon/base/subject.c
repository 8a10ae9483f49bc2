/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A subject's code; see subject.h. */
#include <string.h>

#include "subject.h"

bool subject_is_code(const char *s)
{
        size_t n = strlen(s);

        return n > 0 && n <= SUBJECT_MAX &&
               strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-") == n;
}

/* Not tolower(): its result depends on the locale. */
static char fold(char c)
{
        if (c >= 'A' && c <= 'Z')
                return (char)(c - 'A' + 'a');
        return c == '.' || c == '_' ? '-' : c;
}

bool subject_is_same(const char *a, const char *b)
{
        while (*a && fold(*a) == fold(*b)) {
                a++;
                b++;
        }
        return fold(*a) == fold(*b);
}

void subject_fold(const char *s, char ret[static SUBJECT_MAX + 1])
{
        size_t n;

        for (n = 0; n < SUBJECT_MAX && s[n]; n++)
                ret[n] = fold(s[n]);
        ret[n] = '\0';
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* "Did you mean": was one word meant where another one was written? For the library and for tmsctl. */
#ifndef TMS_LIB_SLIP_H
#define TMS_LIB_SLIP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/idioms.h"

/* A word with a greater distance is another word and not a slip. */
#define SLIP_MAX 2
#define SLIP_WORD_MAX 100

static inline unsigned slip_least(unsigned a, unsigned b)
{
        return a < b ? a : b;
}

/*
 * How many slips make one word of the other: a letter too many, one missing, a wrong one, or two neighbours that are
 * exchanged. UINT32_MAX if b is too long for the question.
 */
static inline unsigned word_distance(const char *a, const char *b)
{
        /* The distances of the beginnings of a, the last three of them, to each beginning of b. */
        unsigned rows[3][SLIP_WORD_MAX], i, j;
        size_t n = strlen(b);

        if (n >= SLIP_WORD_MAX)
                return UINT32_MAX;
        for (j = 0; j <= n; j++)
                rows[0][j] = j;
        for (i = 1; a[i - 1]; i++) {
                unsigned *row = rows[i % 3], *before = rows[(i + 2) % 3], *two_before = rows[(i + 1) % 3];

                row[0] = i;
                for (j = 1; j <= n; j++) {
                        row[j] = slip_least(before[j - 1] + (a[i - 1] != b[j - 1]),
                                            slip_least(before[j], row[j - 1]) + 1);
                        if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                                row[j] = slip_least(row[j], two_before[j - 2] + 1);
                }
        }
        return rows[(i - 1) % 3][n];
}

/* Was a word at that distance meant? Of a short word, half of the letters must be right. */
static inline bool word_is_slip(const char *typed, unsigned distance)
{
        return distance <= SLIP_MAX && 2 * distance <= strlen(typed);
}

#endif

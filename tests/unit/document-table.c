/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tables of states in daemon/DESIGN.md; see document-table.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "document-table.h"
#include "scratch.h"

void document_table_check(const struct document_table *t)
{
        char *text = scratch_read(SOURCE_DIR "/daemon", "DESIGN.md", NULL), *begin, *end, *p;
        unsigned ways = 0, rows = 0, from, event;

        begin = strstr(text, t->head);
        assert_non_null(begin);
        end = strstr(begin, "\n\n");
        assert_non_null(end);
        *end = '\0';
        for (from = t->first_state; from < t->states; from++)
                for (event = t->first_event; event < t->events; event++) {
                        const unsigned to = t->next(from, event);
                        char row[128];

                        (void)snprintf(row, sizeof(row), "\n| %s | %s | %s", t->state_name(from), t->event_name(event),
                                       to == t->nowhere ? "" : t->state_name(to));
                        if (to == t->nowhere && strstr(begin, row))
                                fail_msg("the document has%s, the table has not", row + 1);
                        if (to == t->nowhere)
                                continue;
                        (void)strcat(row, " |");
                        ways++;
                        if (!strstr(begin, row))
                                fail_msg("the table has %s, the document has not", row + 1);
                }
        for (p = begin; (p = strchr(p, '\n')); p++)
                rows++;
        /* The line below the head is none. */
        assert_int_equal(rows - 1, ways);
        free(text);
}

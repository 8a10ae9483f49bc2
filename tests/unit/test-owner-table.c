/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A session's owner: every state with everything that can happen, as daemon/DESIGN.md prints it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "owner-table.h"
#include "scratch.h"

#define FOR_EACH(state, event)                                   \
        for (state = OWNER_THERE; state < OWNER_STATES; state++) \
                for (event = OWNER_LEAVES; event < OWNER_EVENTS; event++)

/* Each way of the table is a row of the document, and each row a way. */
static void test_document(void **state)
{
        char *text = scratch_read(SOURCE_DIR "/daemon", "DESIGN.md", NULL), *begin, *end, *p;
        unsigned ways = 0, rows = 0, from, event;

        begin = strstr(text, "| owner | what happens | leads to |");
        assert_non_null(begin);
        end = strstr(begin, "\n\n");
        assert_non_null(end);
        *end = '\0';
        FOR_EACH(from, event)
        {
                const enum owner_state to = owner_next(from, event);
                char row[128];

                if (to == OWNER_NOWHERE)
                        continue;
                ways++;
                (void)snprintf(row, sizeof(row), "\n| %s | %s | %s |", owner_state_name(from), owner_event_name(event),
                               owner_state_name(to));
                if (!strstr(begin, row))
                        fail_msg("the table has %s, the document has not", row + 1);
        }
        for (p = begin; (p = strchr(p, '\n')); p++)
                rows++;
        /* The line below the head is none. */
        assert_int_equal(rows - 1, ways);
        free(text);
}

/* Nobody takes what has its owner; whoever has left comes back only by taking it; and every absent owner can be replaced. */
static void test_take(void **state)
{
        assert_int_equal(owner_next(OWNER_THERE, OWNER_TAKEN), OWNER_NOWHERE);
        assert_int_equal(owner_next(OWNER_SILENT, OWNER_TAKEN), OWNER_THERE);
        assert_int_equal(owner_next(OWNER_LEFT, OWNER_TAKEN), OWNER_THERE);
        assert_int_equal(owner_next(OWNER_LEFT, OWNER_CALLS), OWNER_NOWHERE);
        assert_int_equal(owner_next(OWNER_LEFT, OWNER_LEAVES), OWNER_NOWHERE);
        assert_int_equal(owner_next(OWNER_LEFT, OWNER_FALLS_SILENT), OWNER_NOWHERE);
        assert_int_equal(owner_next(OWNER_SILENT, OWNER_CALLS), OWNER_THERE);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test(test_document),
                        cmocka_unit_test(test_take),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

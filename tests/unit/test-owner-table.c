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

#include "document-table.h"
#include "owner-table.h"

static void test_document(void **state)
{
        document_table_check(&(struct document_table){
                        .head = "| owner | what happens | leads to |",
                        .first_state = OWNER_THERE,
                        .states = OWNER_STATES,
                        .first_event = OWNER_LEAVES,
                        .events = OWNER_EVENTS,
                        .state_name = owner_state_name,
                        .event_name = owner_event_name,
                        .next = owner_next,
                        .nowhere = OWNER_NOWHERE,
        });
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

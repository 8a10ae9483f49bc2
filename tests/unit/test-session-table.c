/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A session's life: every state with everything that can happen, as daemon/DESIGN.md prints it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "document-table.h"
#include "session-table.h"

#define FOR_EACH(state, event)                                           \
        for (state = SESSION_BEGINNING; state < SESSION_STATES; state++) \
                for (event = SESSION_PUBLISH; event < SESSION_EVENTS; event++)

static void test_document(void **state)
{
        document_table_check(&(struct document_table){
                        .head = "| state | what happens | leads to |",
                        .first_state = SESSION_BEGINNING,
                        .states = SESSION_STATES,
                        .first_event = SESSION_PUBLISH,
                        .events = SESSION_EVENTS,
                        .state_name = session_state_id,
                        .event_name = session_event_id,
                        .next = session_next,
                        .nowhere = SESSION_NOWHERE,
        });
}

/* Nothing leads out of ENDED, and from everywhere else a session can be ended. */
static void test_end(void **state)
{
        unsigned from, event;

        FOR_EACH(from, event)
        {
                const enum session_state to = session_next(from, event);

                if (from == SESSION_ENDED)
                        assert_int_equal(to, SESSION_NOWHERE);
                if (from == SESSION_ENDING)
                        assert_true(to == SESSION_NOWHERE || to == SESSION_ENDED);
                if (to == SESSION_ENDED)
                        assert_true(from == SESSION_ENDING || (from == SESSION_BEGINNING && event == SESSION_GIVE_UP));
        }
        for (from = SESSION_BEGINNING; from < SESSION_ENDING; from++)
                assert_int_equal(session_next(from, SESSION_END), SESSION_ENDING);
}

/* One way leads into a run, from an armed card, and what is no run is never taken for one. */
static void test_run(void **state)
{
        unsigned from, event;

        FOR_EACH(from, event)
        {
                const enum session_state to = session_next(from, event);

                if (to == SESSION_NOWHERE || (IN_STATE(from) & SESSION_STARTED))
                        continue;
                if (IN_STATE(to) & SESSION_STARTED)
                        assert_true(from == SESSION_ARMED && event == SESSION_START && to == SESSION_RUNNING);
                if (to == SESSION_ARMED)
                        assert_true(from == SESSION_ARMING && event == SESSION_CHARGED);
                if (to == SESSION_ARMING)
                        assert_true(from == SESSION_PREPARED && event == SESSION_ARM);
        }
        FOR_EACH(from, event)
        {
                const enum session_state to = session_next(from, event);

                /* A run that was paused goes on by a Resume or by what the kernel says, and by nothing else. */
                if ((IN_STATE(from) & SESSION_IS_PAUSED) && (IN_STATE(to) & SESSION_RUNS))
                        assert_true(event == SESSION_RESUME || event == SESSION_RUN || event == SESSION_BREAK);
                /* A run ends, and becomes nothing else. */
                if ((IN_STATE(from) & SESSION_STARTED) && to != SESSION_NOWHERE)
                        assert_true((IN_STATE(to) & SESSION_STARTED) || to == SESSION_ENDING);
        }
}

static void test_names(void **state)
{
        static const char *const on_the_bus[] = {"new",     "prepared", "arming", "armed",
                                                 "running", "paused",   "ending", "ended"};
        unsigned a, b, known;

        for (a = SESSION_BEGINNING; a < SESSION_STATES; a++) {
                for (known = 0; known < sizeof(on_the_bus) / sizeof(*on_the_bus); known++) {
                        if (strcmp(on_the_bus[known], session_state_name(a)) == 0)
                                break;
                }
                assert_true(known < sizeof(on_the_bus) / sizeof(*on_the_bus));
                for (b = SESSION_BEGINNING; b < a; b++)
                        assert_string_not_equal(session_state_id(a), session_state_id(b));
        }
        for (a = 0; a < SESSION_EVENTS; a++)
                assert_non_null(session_event_id(a));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test(test_document),
                        cmocka_unit_test(test_end),
                        cmocka_unit_test(test_run),
                        cmocka_unit_test(test_names),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

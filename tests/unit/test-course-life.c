/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A course's life: every state with everything that can happen, as daemon/DESIGN.md prints it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "document-table.h"
#include "life.h"
#include "util.h"

#define FOR_EACH(state, event)                                       \
        for (state = COURSE_PLANNED; state < COURSE_STATES; state++) \
                for (event = COURSE_BEGIN; event < COURSE_EVENTS; event++)

static void test_document(void **state)
{
        document_table_check(&(struct document_table){
                        .head = "| course | what happens | leads to |",
                        .first_state = COURSE_PLANNED,
                        .states = COURSE_STATES,
                        .first_event = COURSE_BEGIN,
                        .events = COURSE_EVENTS,
                        .state_name = course_state_id,
                        .event_name = course_event_id,
                        .next = course_next,
                        .nowhere = COURSE_NOWHERE,
        });
}

/* Nothing leads out of the end, and each other course can be ended and locked at any time. */
static void test_end_and_lock(void **state)
{
        unsigned from, event;

        FOR_EACH(from, event)
        {
                const enum course_state to = course_next(from, event);

                if (from == COURSE_ENDED)
                        assert_int_equal(to, COURSE_NOWHERE);
                else if (event == COURSE_END)
                        assert_int_equal(to, COURSE_ENDED);
                else if (event == COURSE_LOCK)
                        assert_string_equal(course_state_name(to), "locked");
        }
}

/* A lock is left only by an unlock or the end; and no session begins before somebody has said that the course goes on. */
static void test_unlock(void **state)
{
        unsigned from, event;

        FOR_EACH(from, event)
        {
                const enum course_state to = course_next(from, event);

                if (STREQ(course_state_name(from), "locked") && to != COURSE_NOWHERE && event != COURSE_UNLOCK &&
                    event != COURSE_END)
                        assert_int_equal(to, from);
                if (event == COURSE_UNLOCK && to != COURSE_NOWHERE) {
                        assert_string_equal(course_state_name(from), "locked");
                        assert_false(course_may_treat(to));
                }
        }
        /* Locked while it was paused, it does not come out of that going on, nor does maintenance turn into the course. */
        assert_int_equal(course_next(course_next(COURSE_ACTIVE, COURSE_LOCK), COURSE_UNLOCK), COURSE_PAUSED);
        assert_int_equal(course_next(course_next(COURSE_PAUSED, COURSE_LOCK), COURSE_UNLOCK), COURSE_PAUSED);
        assert_int_equal(course_next(course_next(COURSE_MAINTENANCE, COURSE_LOCK), COURSE_UNLOCK),
                         COURSE_MAINTENANCE_PAUSED);
        assert_int_equal(course_next(course_next(COURSE_PLANNED, COURSE_LOCK), COURSE_UNLOCK), COURSE_PLANNED);
}

/* Who is refused is told what to do next, in each state in which he is. */
static void test_may_treat(void **state)
{
        unsigned from;

        for (from = COURSE_PLANNED; from < COURSE_STATES; from++) {
                assert_int_equal(course_may_treat(from), from == COURSE_ACTIVE || from == COURSE_MAINTENANCE);
                assert_int_equal(!course_state_step(from), course_may_treat(from));
                /* Records name each state apart. */
                assert_int_equal(course_state_find(course_state_id(from)), from);
        }
        assert_int_equal(course_state_find("nowhere"), -ENOENT);
}

static void test_end_reasons(void **state)
{
        unsigned n;

        for (n = 0; course_end_reason(n); n++)
                assert_true(course_is_end_reason(course_end_reason(n)));
        assert_int_equal(n, 8);
        assert_null(course_end_reason(n + 1));
        assert_false(course_is_end_reason(""));
        assert_false(course_is_end_reason("Completed"));
        assert_false(course_is_end_reason("Mrs Miller moved away"));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test(test_document),    cmocka_unit_test(test_end_and_lock),
                        cmocka_unit_test(test_unlock),      cmocka_unit_test(test_may_treat),
                        cmocka_unit_test(test_end_reasons),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

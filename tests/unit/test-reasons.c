/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A verdict that has no room for all of its reasons is none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "safety.h"

static void test_a_reason_without_room(void **state)
{
        struct tms_safety *out = calloc(1, sizeof(*out));
        struct safety_check *c = calloc(1, sizeof(*c));
        size_t i;

        assert_true(out && c);
        c->out = out;
        for (i = 0; i < ELEMENTS(out->reasons); i++)
                REASON_TEXT(safety_reason_add(c, TMS_SAFETY_ALLOWED, LAYER_TABLE, "t", "s")->sentence, "reason %zu", i);
        assert_false(c->full);
        REASON_TEXT(safety_reason_add(c, TMS_SAFETY_OVERRIDE, LAYER_TABLE, "t", "s")->sentence, "one too many");
        assert_true(c->full);
        /* None of the others is lost for it, and the class is that of all. */
        assert_int_equal(out->n_reasons, ELEMENTS(out->reasons));
        for (i = 0; i < out->n_reasons; i++) {
                char text[32];

                REASON_TEXT(text, "reason %zu", i);
                assert_string_equal(out->reasons[i].sentence, text);
        }
        assert_int_equal(out->class_, TMS_SAFETY_OVERRIDE);
        free(out);
        free(c);
}

static void test_it_is_an_error(void **state)
{
        struct tms_error error = {};

        assert_true(safety_no_room(&error) < 0);
        assert_non_null(strstr(error.message, "more reasons than a verdict has room for"));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test(test_a_reason_without_room),
                        cmocka_unit_test(test_it_is_an_error),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

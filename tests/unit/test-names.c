// SPDX-License-Identifier: GPL-2.0-or-later
/* The names of the driver's codes: each code has one, no two share one, and sentences say what to do. */
#include "next-step.h"
#include "tms.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void test_names(void **state)
{
        static const char *(*const names[])(uint32_t) = {tms_state_name,   tms_cause_name, tms_event_type_name,
                                                         tms_outcome_name, tms_rule_name,  tms_coil_name,
                                                         tms_reason_name};

        for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
                assert_string_equal(names[i](9999), "unknown");
                /* No two known codes share a name. */
                for (uint32_t a = 0; a < 96; a++)
                        for (uint32_t b = 0; b < a; b++)
                                if (strcmp(names[i](a), "unknown") != 0)
                                        assert_string_not_equal(names[i](a), names[i](b));
        }
        for (uint32_t s = 0; s <= TMS_STATE_BREAK; s++)
                assert_string_not_equal(tms_state_name(s), "unknown");
        for (uint32_t rule = 0; rule <= TMS_RULE_DELAY; rule++)
                assert_string_not_equal(tms_rule_name(rule), "unknown");

        assert_string_equal(tms_cause_name(TMS_CAUSE_LEASE), "lease");
        assert_string_equal(tms_cause_name(TMS_CAUSE_COIL_ABSENT), "coil_absent");
        assert_string_equal(tms_outcome_name(TMS_PULSE_OUTCOME_LATE), "late");
        assert_string_equal(tms_outcome_name(TMS_PULSE_OUTCOME_CANCELLED), "cancelled");
        assert_string_equal(tms_outcome_name(TMS_PULSE_OUTCOME_UNKNOWN), "unknown");
        assert_string_equal(tms_reason_name(TMS_REASON_HISTORY), "history");
        assert_string_equal(tms_coil_name(1), "figure-8");
        for (unsigned bit = 0; bit < 9; bit++) {
                assert_string_not_equal(tms_interlock_name(bit), "unknown");
                assert_string_equal(tms_cause_name(TMS_CAUSE_EMERGENCY_STOP + bit), tms_interlock_name(bit));
                assert_string_equal(tms_cause_sentence(TMS_CAUSE_EMERGENCY_STOP + bit), tms_interlock_sentence(bit));
        }
        for (uint32_t cause = 0; cause <= 64; cause++) {
                const char *sentence = tms_cause_sentence(cause);

                assert_int_equal(sentence[strlen(sentence) - 1], '.');
                /* What has gone wrong is one sentence, what to do next another. */
                if (cause != TMS_CAUSE_NONE && cause != TMS_CAUSE_REQUEST && cause != TMS_CAUSE_COMPLETE) {
                        assert_non_null(strstr(sentence, ". "));
                        tells_next_step(sentence);
                }
        }
        for (uint32_t reason = 0; reason < 96; reason++) {
                const char *sentence = tms_reason_sentence(reason);

                assert_int_equal(sentence[strlen(sentence) - 1], '.');
                assert_int_equal(strcmp(tms_reason_name(reason), "unknown") == 0,
                                 strstr(sentence, "that this version does not know") != NULL);
        }
        assert_string_equal(tms_interlock_name(9), "unknown");
        for (unsigned bit = 0; bit <= 9; bit++)
                tells_next_step(tms_interlock_sentence(bit));
        /* It stands behind what strerror() says. */
        for (int err = 1; err < 200; err++) {
                char sentence[200];

                snprintf(sentence, sizeof(sentence), "cannot be read: %s; %s", strerror(err), tms_errno_step(err));
                tells_next_step(sentence);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test(test_names),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

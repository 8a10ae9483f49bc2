/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The screening before a course, item by item, and the ages of indications. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "indication.h"
#include "screening.h"
#include "util.h"

static char why[COURSE_WHY];

static struct screening all_no(void)
{
        struct screening s = {0};
        unsigned i;

        for (i = 0; i < SCREENING_ITEMS; i++)
                s.answered[i] = true;
        return s;
}

static void refused(const struct screening *s, unsigned item, const char *text)
{
        char head[96];

        (void)snprintf(head, sizeof(head), "item %u of the screening (%s) ", item, screening_title(item));
        assert_int_equal(screening_look(s, why), -EACCES);
        if (strncmp(why, head, strlen(head)) != 0 || !strstr(why, text))
                fail_msg("%s", why);
}

static void test_no_answer(void **state)
{
        const struct screening none = {0};
        unsigned item;

        refused(&none, 1, "has no answer; ask");
        for (item = 1; item <= SCREENING_ITEMS; item++) {
                struct screening s = all_no();

                assert_int_equal(screening_look(&s, why), 0);
                s.answered[item - 1] = false;
                refused(&s, item, "has no answer; ask");
                /* A decision on an answer that was never given is none. */
                s.decided[item - 1] = true;
                refused(&s, item, "has no answer; ask");
        }
}

/* Each yes by itself, and only its own decision helps. */
static void test_yes(void **state)
{
        unsigned item, other;

        for (item = 1; item <= SCREENING_ITEMS; item++) {
                struct screening s = all_no();

                s.yes[item - 1] = true;
                refused(&s, item, "; a prescriber decides");
                for (other = 1; other <= SCREENING_ITEMS; other++)
                        s.decided[other - 1] = other != item;
                refused(&s, item, "; a prescriber decides");
                s.decided[item - 1] = true;
                assert_int_equal(screening_look(&s, why), 0);
        }
}

/* Metal and implants are told as what they are; a missing answer comes before a yes. */
static void test_weight(void **state)
{
        unsigned item;

        for (item = 1; item <= SCREENING_ITEMS; item++) {
                const bool excluded = item == 5 || (item >= 7 && item <= 10);
                struct screening s = all_no();

                assert_int_equal(screening_weight(item), excluded ? SCREENING_EXCLUDE : SCREENING_DECIDE);
                s.yes[item - 1] = true;
                assert_int_equal(screening_look(&s, why), -EACCES);
                assert_int_equal(!!strstr(why, "makers of stimulators exclude"), excluded);
                if (item < SCREENING_ITEMS) {
                        s.answered[SCREENING_ITEMS - 1] = false;
                        refused(&s, SCREENING_ITEMS, "has no answer");
                }
        }
}

static void test_ages(void **state)
{
        static const struct {
                const char *name;
                unsigned from, to;
        } rows[] = {{"depression", 22, 120}, {"depression-adolescent", 15, 21}, {"ocd", 22, 120}, {"smoking", 22, 120}};
        size_t i;

        for (i = 0; i < ELEMENTS(rows); i++) {
                char text[64];

                assert_string_equal(indication_name((unsigned)i), rows[i].name);
                assert_int_equal(indication_look(rows[i].name, rows[i].from, why), 0);
                assert_int_equal(indication_look(rows[i].name, rows[i].to, why), 0);
                (void)snprintf(text, sizeof(text), "is for %u to %u years", rows[i].from, rows[i].to);
                assert_int_equal(indication_look(rows[i].name, rows[i].from - 1, why), -EINVAL);
                assert_non_null(strstr(why, text));
                assert_int_equal(indication_look(rows[i].name, rows[i].to + 1, why), -EINVAL);
                assert_non_null(strstr(why, text));
        }
        assert_null(indication_name(ELEMENTS(rows)));
}

/* Every name that there is is in the sentence for one that there is not. */
static void test_unknown_indication(void **state)
{
        unsigned i;

        assert_int_equal(indication_look("Depression", 40, why), -EINVAL);
        for (i = 0; indication_name(i); i++)
                assert_non_null(strstr(why, indication_name(i)));
        assert_int_equal(indication_look("", 40, why), -EINVAL);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test(test_no_answer),
                        cmocka_unit_test(test_yes),
                        cmocka_unit_test(test_weight),
                        cmocka_unit_test(test_ages),
                        cmocka_unit_test(test_unknown_indication),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

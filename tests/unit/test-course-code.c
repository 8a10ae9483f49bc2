/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A course's code: its length, its alphabet, its check character, and what a slip of the typist makes of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "code.h"
#include "subject.h"
#include "util.h"

static const char alphabet[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";

static char code[COURSE_CODE_LONGEST + 1], why[COURSE_WHY];

/* Refused with that in the sentence, and nothing written. */
static void refused(const char *typed, const char *text)
{
        char before[sizeof(code)];

        memcpy(before, code, sizeof(code));
        assert_int_equal(course_code_read(typed, code, why), -EINVAL);
        if (!strstr(why, text))
                fail_msg("'%s': %s", typed, why);
        assert_memory_equal(before, code, sizeof(code));
}

/* Check characters that this code has not computed: by hand, from ISO 7064's description of a hybrid system. */
static void test_check_character(void **state)
{
        /* 000: the carry is 36, then 35, 33, 29; 29 + 8 = 37. */
        assert_int_equal(course_code_make("000", code, why), 0);
        assert_string_equal(code, "0008");
        /* 007: 36, 35, 33; (33 + 7) mod 36 = 4, 8; 8 + 29 = 37, and 29 is T. */
        assert_int_equal(course_code_make("007", code, why), 0);
        assert_string_equal(code, "007T");
        /* Z1A: (36 + 35) mod 36 = 35, 70 mod 37 = 33; 34, 68 mod 37 = 31; 41 mod 36 = 5, 10; 10 + 27 = 37: R. */
        assert_int_equal(course_code_make("z1a", code, why), 0);
        assert_string_equal(code, "Z1AR");
}

/* As long and as short as they may be, in both cases. */
static void test_lengths(void **state)
{
        char longer[COURSE_CODE_LONGEST + 2];

        assert_int_equal(course_code_make("12345678901", code, why), 0);
        assert_int_equal(strlen(code), COURSE_CODE_LONGEST);
        (void)snprintf(longer, sizeof(longer), "%s0", code);
        refused(longer, "4 to 12 characters, the check character included, and this one has 13");
        refused("008", "this one has 3");
        refused("", "this one has 0");
        assert_int_equal(course_code_make("123456789012", code, why), -EINVAL);
        assert_non_null(strstr(why, "3 to 11"));
        assert_int_equal(course_code_make("12", code, why), -EINVAL);
        assert_int_equal(course_code_read("z1ar", code, why), 0);
        assert_string_equal(code, "Z1AR");
}

/* Whoever is told that the second character is wrong finds it. */
static void test_alphabet(void **state)
{
        refused("0-08", "character 2 ");
        refused("0 08", "character 2 ");
        refused("00\xc3\xa4", "character 3 ");
        refused("Jane Doe", "character 5 ");
        assert_int_equal(course_code_make("a_1", code, why), -EINVAL);
        assert_non_null(strstr(why, "character 2 "));
}

/* A name whose last letter happens to be right is none either. */
static void test_no_name(void **state)
{
        char name[] = "ANNA?";
        size_t i;

        for (i = 0; alphabet[i]; i++) {
                name[4] = alphabet[i];
                refused(name, "has a digit before its check character");
        }
        assert_int_equal(course_code_make("ANNA", code, why), -EINVAL);
        assert_non_null(strstr(why, "no name"));
}

/* Every single wrong character is found, at each place of a code of each length. */
static void test_single_slip(void **state)
{
        char body[] = "7A0Z93KQ18M", typed[COURSE_CODE_LONGEST + 1];
        size_t n, at, i;

        for (n = COURSE_CODE_LEAST - 1; n < COURSE_CODE_LONGEST; n++) {
                char number[COURSE_CODE_LONGEST];

                (void)snprintf(number, sizeof(number), "%.*s", (int)n, body);
                assert_int_equal(course_code_make(number, typed, why), 0);
                assert_int_equal(course_code_read(typed, code, why), 0);
                assert_string_equal(code, typed);
                for (at = 0; at <= n; at++) {
                        const char right = typed[at];

                        for (i = 0; alphabet[i]; i++) {
                                if (alphabet[i] == right)
                                        continue;
                                typed[at] = alphabet[i];
                                assert_int_equal(course_code_read(typed, code, why), -EINVAL);
                        }
                        typed[at] = right;
                }
        }
}

/* Two neighbours that were exchanged: of all pairs in front of a check character at most a few in a thousand pass. */
static void test_exchanged(void **state)
{
        unsigned passed = 0, tried = 0;
        size_t i, k;

        for (i = 0; alphabet[i]; i++) {
                for (k = 0; alphabet[k]; k++) {
                        char number[] = {'5', alphabet[i], alphabet[k], '\0'}, typed[COURSE_CODE_LONGEST + 1];

                        if (i == k)
                                continue;
                        assert_int_equal(course_code_make(number, typed, why), 0);
                        typed[1] = alphabet[k];
                        typed[2] = alphabet[i];
                        tried++;
                        passed += course_code_read(typed, code, why) == 0;
                }
        }
        assert_int_equal(tried, 36 * 35);
        assert_true(passed * 100 <= tried);
}

/* A course's code may stand wherever a subject's does, and free subjects of older logs stay what they were. */
static void test_subjects(void **state)
{
        assert_true(subject_is_code("Z1AR"));
        assert_true(subject_is_code("T-1"));
        refused("T-1", "this one has 3");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test(test_check_character), cmocka_unit_test(test_lengths),
                        cmocka_unit_test(test_alphabet),        cmocka_unit_test(test_no_name),
                        cmocka_unit_test(test_single_slip),     cmocka_unit_test(test_exchanged),
                        cmocka_unit_test(test_subjects),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
